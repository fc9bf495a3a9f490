#!/bin/sh
# Installs what the tests need, where it is missing, and prints its path.
#
#   tests/setup.sh moto        a local AWS:            path of moto_server
#   tests/setup.sh versitygw   a strict local S3:      path of versitygw
#   tests/setup.sh providers   Terraform's providers:  path of a plugin directory
#   tests/setup.sh bsdtar      libarchive's tar:       path of bsdtar (Debian's package, if it is missing)
#
# Each is installed once for each state of its inputs, below
# $LAMBDA_PACK_TEST_CACHE (default: lambda-pack-tests in the user's cache
# directory). It may be run twice at once, killed, and run again. Needs Python
# and Go. Only the path goes to stdout.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${LAMBDA_PACK_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lambda-pack-tests}

# The newest one on the Go module proxy when this was written.
versitygw_version=v1.8.0
# What e2e/providers builds: the oldest AWS provider that the modules allow, and
# the external provider whose protocol its stand-in follows.
aws_version=4.9.0
external_version=2.3.5

# digest: 16 hex digits of stdin.
digest() {
    python3 -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:16])'
}

# install WHAT DIGEST: sets $dir, and lets install_WHAT fill it if that was not
# done before. A virtual environment can't be moved, so $dir is filled in place
# and counts only with the mark that is put there last.
install() {
    dir=$cache/$1-$2
    mkdir -p "$cache"
    exec 9>"$cache/$1.lock"
    # The lock belongs to descriptor 9 and outlives Python. There is no flock(1)
    # on macOS.
    python3 -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    if [ ! -e "$dir/complete" ]; then
        rm -rf "$dir"
        mkdir "$dir"
        "install_$1" >&2
        touch "$dir/complete"
    fi
    exec 9>&-
}

log() {
    echo "tests/setup.sh: $*" >&2
}

install_moto() {
    log "installing moto into $dir (usually 30 s)"
    python3 -m venv "$dir"
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$here/requirements.txt"
}

install_versitygw() {
    log "building versitygw $versitygw_version into $dir (usually 1 min)"
    GOBIN=$dir go install "github.com/versity/versitygw/cmd/versitygw@$versitygw_version"
}

install_providers() {
    log "building Terraform's providers into $dir (usually 7 min on 2 cores, 1.5 GB of downloads and objects)"
    build_provider external "$external_version"
    build_provider aws "$aws_version"
}

# build_provider NAME VERSION: into the layout of a Terraform filesystem mirror.
build_provider() {
    platform=$(go env GOOS)_$(go env GOARCH)
    go build -C "$here/e2e/providers/$1" -trimpath -ldflags '-s -w' \
        -o "$dir/registry.terraform.io/hashicorp/$1/$2/$platform/terraform-provider-$1_v$2" .
}

case ${1-} in
moto)
    # An environment works only with the interpreter that made it.
    install moto "$({ cat "$here/requirements.txt"; python3 -c 'import sys; print(sys.version, sys.base_prefix)'; } | digest)"
    echo "$dir/bin/moto_server"
    ;;
versitygw)
    install versitygw "$(echo "$versitygw_version" | digest)"
    echo "$dir/versitygw"
    ;;
providers)
    install providers "$({ echo "$aws_version $external_version"; cat "$here"/e2e/providers/*/go.* "$here"/e2e/providers/*/*.go; } | digest)"
    echo "$dir"
    ;;
bsdtar)
    if ! command -v bsdtar; then
        log "installing bsdtar (libarchive-tools)"
        { apt-get update && apt-get install --yes libarchive-tools; } >&2
        command -v bsdtar
    fi
    ;;
*)
    echo "usage: tests/setup.sh moto|versitygw|providers|bsdtar" >&2
    exit 2
    ;;
esac
