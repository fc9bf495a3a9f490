#!/bin/sh
# Installs what the tests and benchmarks need, where it is missing, and prints
# its path.
#
#   tests/setup.sh moto          a local AWS:            path of moto_server
#   tests/setup.sh uv            installs for Python:    path of uv
#   tests/setup.sh python3.12 | python3.13
#                                an interpreter:         path of the program
#   tests/setup.sh awslambdaric  Lambda's Python client: path of a directory that
#                                has one for each of these interpreters
#   tests/setup.sh aws-lambda-ric
#                                Lambda's Node.js client and Node.js 22: path of
#                                their node_modules
#   tests/setup.sh zigbuild      links Rust for Lambda:  path of cargo-zigbuild
#   tests/setup.sh maturin       compiles releases:      path of maturin, zig beside it
#   tests/setup.sh rust          the compiler of releases, with their targets'
#                                libraries:              path for RUSTUP_HOME
#   tests/setup.sh cargo-deb     Debian packages:        path of cargo-deb
#   tests/setup.sh actionlint | zizmor
#                                checks of workflows:    path of the program
#   tests/setup.sh tflint | checkov
#                                checks of Terraform:    path of the program
#   tests/setup.sh terraform-config-inspect
#                                what a module takes and gives, as JSON: path of
#                                the program
#   tests/setup.sh mdbook        makes a book of docs/:  path of the program
#   tests/setup.sh versitygw     a strict local S3:      path of versitygw
#   tests/setup.sh providers     Terraform's providers:  path of a plugin directory
#   tests/setup.sh bench-python  Python dependencies:    path of the directory
#   tests/setup.sh bench-node    Node.js dependencies:   path of the directory
#   tests/setup.sh bench-go      a Go program that zips: path of the program
#   tests/setup.sh b3sum         BLAKE3's own tool:      path of b3sum
#   tests/setup.sh playwright    drives a browser:       path of its Python
#   tests/setup.sh page          npm packages of and for the page of `report`:
#                                path of their node_modules
#   tests/setup.sh wine          runs programs of Windows: path of a script
#   tests/setup.sh bsdtar | zip | 7zz | qemu | qemu-aarch64 | valgrind |
#   chromium | pngquant          Debian's package:       path of the program
#
# Each is installed once for each state of its inputs, below
# $LAMBDA_PACK_TEST_CACHE (default: lambda-pack-tests in the user's cache
# directory). It may be run twice at once, killed, and run again. Needs Python
# and Go; bench-node, page and aws-lambda-ric need npm, the latter also cmake and a C++
# compiler; b3sum, cargo-deb and mdbook need cargo, rust needs rustup. Only the path goes to stdout.
# Exit code 3: this kind of machine or user can't have it; stderr says why.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bench=$here/../bench
cache=${LAMBDA_PACK_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lambda-pack-tests}

# The newest one on the Go module proxy when this was written.
versitygw_version=v1.8.0
actionlint_version=v1.7.12
tflint_version=v0.64.0
config_inspect_version=v0.0.0-20260904064934-75d64de68c31
# The newest one on crates.io when this was written.
mdbook_version=0.5.4
# What e2e/providers builds: the oldest AWS provider that the modules allow, and
# the external provider whose protocol its stand-in follows.
aws_version=4.9.0
external_version=2.3.5
cargo_deb_version=3.8.0
# Releases are made with this one, whatever else is installed. So is what CI runs (ci.yml).
rust_version=1.95.0
# The version of the crate that lambda-pack hashes with, or close to it.
b3sum_version=1.8.7

# The runtimes of Lambda that packages run on in the tests.
python_versions='3.12 3.13'

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

# install_requirements FILE: into an environment of their own.
install_requirements() {
    python3 -m venv "$dir"
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$1"
}

# environment FILE: digest of all that decides one; it works only with the interpreter that made it.
environment() {
    { cat "$1"; python3 -c 'import sys; print(sys.version, sys.base_prefix)'; } | digest
}

install_moto() {
    log "installing moto into $dir (usually 30 s)"
    install_requirements "$here/requirements.txt"
}

install_zizmor() {
    log "installing zizmor into $dir (usually 5 s)"
    install_requirements "$here/requirements-zizmor.txt"
}

install_checkov() {
    log "installing checkov into $dir (usually 40 s, 300 MB)"
    install_requirements "$here/requirements-checkov.txt"
}

install_tflint() {
    log "building tflint $tflint_version into $dir (usually 4 min on 2 cores, 2 GB of downloads and objects)"
    GOBIN=$dir go install "github.com/terraform-linters/tflint@$tflint_version"
}

install_config_inspect() {
    log "building terraform-config-inspect into $dir (usually 10 s)"
    GOBIN=$dir go install "github.com/hashicorp/terraform-config-inspect@$config_inspect_version"
}

install_mdbook() {
    log "building mdbook $mdbook_version into $dir (usually 2 min)"
    # Not where the project's own objects are.
    CARGO_TARGET_DIR=$dir/target cargo install --quiet --locked --root "$dir" --version "$mdbook_version" \
        --no-default-features --features search mdbook
    rm -rf "$dir/target"
}

install_playwright() {
    log "installing Playwright into $dir (usually 20 s, 150 MB)"
    install_requirements "$here/requirements-playwright.txt"
}

install_page() {
    log "installing npm packages into $dir (usually 5 s)"
    cp "$here/page/package.json" "$here/page/package-lock.json" "$dir"
    (cd "$dir" && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund)
}

install_actionlint() {
    log "building actionlint $actionlint_version into $dir (usually 20 s)"
    GOBIN=$dir go install "github.com/rhysd/actionlint/cmd/actionlint@$actionlint_version"
}

install_zigbuild() {
    log "installing cargo-zigbuild into $dir (usually 20 s, 200 MB)"
    install_requirements "$here/requirements-zigbuild.txt"
}

# In a directory of its own: what builds here finds depends on what the user's Rust can compile for.
install_rust() {
    log "installing Rust $rust_version into $dir (usually 40 s, 900 MB)"
    if ! RUSTUP_HOME=$dir rustup --quiet toolchain install "$rust_version" --no-self-update --profile minimal --target "$targets"; then
        log "SKIPPED: rustup can't install Rust $rust_version for $targets here"
        exit 3
    fi
}

# The library in $dir is one that Rust's programs need, and Wine before 9 lacks.
install_wine() {
    log "setting Wine up in $dir (usually 20 s)"
    "$zig" cc -target x86_64-windows-gnu -shared -o "$dir/bcryptprimitives.dll" "$here/release/bcryptprimitives.c" -ladvapi32
    cat >"$dir/wine" <<END
#!/bin/sh
WINEPREFIX="$dir/prefix" WINEPATH="$dir" WINEDEBUG=-all exec "$wine" "\$@"
END
    chmod +x "$dir/wine"
    # Its server, which goes by itself after a while, must not keep the lock.
    "$dir/wine" wineboot --init 9>&-
    WINEPREFIX="$dir/prefix" "$(dirname "$wine")/wineserver" --wait 9>&-
}

install_cargo_deb() {
    log "building cargo-deb $cargo_deb_version into $dir (usually 1 min)"
    # Not where the project's own objects are.
    CARGO_TARGET_DIR=$dir/target cargo install --quiet --locked --root "$dir" --version "$cargo_deb_version" cargo-deb
    rm -rf "$dir/target"
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

# What Lambda itself brings: the client that takes events and calls the handler.
install_awslambdaric() {
    log "installing awslambdaric into $dir (usually 5 s)"
    for version in $python_versions; do
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$dir/python$version" \
            --python-version "$version" --only-binary :all: --no-deps --no-compile \
            --require-hashes --requirement "$here/runtimes/python/requirements.txt"
    done
}

install_aws_lambda_ric() {
    log "building aws-lambda-ric into $dir (usually 1 min, 170 MB)"
    cp "$here/runtimes/node/package.json" "$here/runtimes/node/package-lock.json" "$dir"
    # node-gyp may want to download headers.
    if ! (cd "$dir" && npm ci --loglevel=error --no-audit --no-fund); then
        log "SKIPPED: aws-lambda-ric can't be built here"
        exit 3
    fi
    ln -s "$(ls -d "$dir"/node_modules/node-linux-*)/bin/node" "$dir/node_modules/node"
}

# find_python VERSION: an interpreter that works: on PATH (where pyenv's names
# may lead nowhere), one of pyenv's, or else uv's, which it may download.
find_python() {
    for python in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$python" -c "import sys; assert sys.version_info[:2] == ($(echo "$1" | tr . ,))" 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    uv=$("$here/setup.sh" uv)
    log "installing Python $1 with uv (usually 10 s)"
    "$uv" python install --quiet "$1" >&2 && "$uv" python find --managed-python "$1"
}

# Content alone: what pip and npm write about the installation itself (and
# programs that name this machine's interpreter) is removed.
install_bench_python() {
    log "installing Python packages into $dir (usually 20 s, 150 MB)"
    python3 -m pip install --quiet --disable-pip-version-check --target "$dir/site-packages" \
        --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 \
        --implementation cp --python-version 3.13 --abi cp313 --abi abi3 --abi none \
        --only-binary :all: --no-deps --no-compile --ignore-requires-python \
        --require-hashes --requirement "$bench/python/requirements.txt"
    rm -rf "$dir/site-packages/bin"
    find "$dir/site-packages" -path '*.dist-info/*' \( -name RECORD -o -name INSTALLER -o -name REQUESTED \) \
        -exec rm {} +
}

install_bench_node() {
    log "installing Node.js packages into $dir (usually 1 min, 140 MB)"
    cp "$bench/node/package.json" "$bench/node/package-lock.json" "$dir"
    (cd "$dir" && npm ci --loglevel=error --ignore-scripts --os=linux --cpu=x64 --libc=glibc)
    find "$dir/node_modules" -name .bin -prune -exec rm -rf {} +
    rm "$dir/node_modules/.package-lock.json"
}

install_bench_go() {
    go build -C "$bench/archivers" -trimpath -o "$dir/zip" .
}

install_b3sum() {
    log "building b3sum $b3sum_version into $dir (usually 30 s)"
    # Not where the project's own objects are.
    CARGO_TARGET_DIR=$dir/target cargo install --quiet --locked --root "$dir" --version "$b3sum_version" b3sum
    rm -rf "$dir/target"
}

# debian PROGRAM PACKAGE: the program's path, from Debian's package if it is missing.
debian() {
    if ! command -v "$1"; then
        if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
            log "SKIPPED: $1 is missing, and only root on Debian can install it here (package $2)"
            exit 3
        fi
        log "installing $1 (Debian's package $2)"
        { apt-get update && apt-get install --yes --no-install-recommends "$2"; } >&2
        command -v "$1"
    fi
}

case ${1-} in
moto | uv)
    install moto "$(environment "$here/requirements.txt")"
    case $1 in
    moto) echo "$dir/bin/moto_server" ;;
    uv) echo "$dir/bin/uv" ;;
    esac
    ;;
python3.12 | python3.13)
    if ! find_python "${1#python}"; then
        log "SKIPPED: there is no Python ${1#python} here, and uv can't download one"
        exit 3
    fi
    ;;
awslambdaric | aws-lambda-ric)
    if [ "$(uname)" != Linux ]; then
        log "SKIPPED: $1 needs Linux, not $(uname)"
        exit 3
    fi
    case $1 in
    awslambdaric)
        install awslambdaric "$({ cat "$here/runtimes/python/requirements.txt"; echo "$python_versions"; uname -m; } | digest)"
        echo "$dir"
        ;;
    aws-lambda-ric)
        for program in cmake make c++ npm; do
            if ! command -v "$program" >/dev/null; then
                log "SKIPPED: aws-lambda-ric is built from source, which needs $program"
                exit 3
            fi
        done
        install aws_lambda_ric "$({ cat "$here/runtimes/node/package-lock.json"; uname -m; } | digest)"
        echo "$dir/node_modules"
        ;;
    esac
    ;;
zigbuild | maturin)
    install zigbuild "$(environment "$here/requirements-zigbuild.txt")"
    case $1 in
    zigbuild) echo "$dir/bin/cargo-zigbuild" ;;
    maturin) echo "$dir/bin/maturin" ;;
    esac
    ;;
rust)
    case $(uname) in
    Linux) targets=x86_64-unknown-linux-musl,aarch64-unknown-linux-musl,x86_64-pc-windows-gnu ;;
    *) targets=x86_64-apple-darwin,aarch64-apple-darwin ;;
    esac
    install rust "$(echo "$rust_version $targets" | digest)"
    echo "$dir"
    ;;
wine)
    if [ "$(uname -sm)" != 'Linux x86_64' ]; then
        log "SKIPPED: Wine needs Linux on x86-64 here, not $(uname -sm)"
        exit 3
    fi
    wine=$(debian /usr/lib/wine/wine64 wine64)
    maturin=$("$here/setup.sh" maturin)
    zig=$(dirname "$maturin")/python-zig
    install wine "$({ cat "$here/release/bcryptprimitives.c"; "$wine" --version; } | digest)"
    echo "$dir/wine"
    ;;
cargo-deb)
    install cargo_deb "$(echo "$cargo_deb_version" | digest)"
    echo "$dir/bin/cargo-deb"
    ;;
zizmor)
    install zizmor "$(environment "$here/requirements-zizmor.txt")"
    echo "$dir/bin/zizmor"
    ;;
checkov)
    install checkov "$(environment "$here/requirements-checkov.txt")"
    echo "$dir/bin/checkov"
    ;;
tflint)
    install tflint "$(echo "$tflint_version" | digest)"
    echo "$dir/tflint"
    ;;
terraform-config-inspect)
    install config_inspect "$(echo "$config_inspect_version" | digest)"
    echo "$dir/terraform-config-inspect"
    ;;
mdbook)
    install mdbook "$(echo "$mdbook_version" | digest)"
    echo "$dir/bin/mdbook"
    ;;
actionlint)
    install actionlint "$(echo "$actionlint_version" | digest)"
    echo "$dir/actionlint"
    ;;
versitygw)
    install versitygw "$(echo "$versitygw_version" | digest)"
    echo "$dir/versitygw"
    ;;
providers)
    install providers "$({ echo "$aws_version $external_version"; cat "$here"/e2e/providers/*/go.* "$here"/e2e/providers/*/*.go; } | digest)"
    echo "$dir"
    ;;
bench-python)
    install bench_python "$(digest <"$bench/python/requirements.txt")"
    echo "$dir/site-packages"
    ;;
bench-node)
    install bench_node "$(digest <"$bench/node/package-lock.json")"
    echo "$dir/node_modules"
    ;;
bench-go)
    install bench_go "$({ cat "$bench"/archivers/*.go; go version; } | digest)"
    echo "$dir/zip"
    ;;
b3sum)
    install b3sum "$(echo "$b3sum_version" | digest)"
    echo "$dir/bin/b3sum"
    ;;
playwright)
    install playwright "$(environment "$here/requirements-playwright.txt")"
    echo "$dir/bin/python"
    ;;
page)
    install page "$(digest <"$here/page/package-lock.json")"
    echo "$dir/node_modules"
    ;;
bsdtar)
    debian bsdtar libarchive-tools
    ;;
chromium)
    debian chromium chromium
    ;;
pngquant)
    debian pngquant pngquant
    ;;
zip)
    debian zip zip
    ;;
7zz)
    debian 7zz 7zip
    ;;
qemu)
    # Its -cpu models are those of one architecture.
    if [ "$(uname -sm)" != 'Linux x86_64' ]; then
        log "SKIPPED: qemu's models of x86-64 processors need Linux on x86-64, not $(uname -sm)"
        exit 3
    fi
    debian qemu-x86_64 qemu-user
    ;;
qemu-aarch64)
    debian qemu-aarch64 qemu-user
    ;;
valgrind)
    debian valgrind valgrind
    ;;
*)
    echo "usage: tests/setup.sh TOOL, one of those that the head of this file lists" >&2
    exit 2
    ;;
esac
