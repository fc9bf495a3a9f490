#!/bin/sh
# Installs a release of lambda-pack, once it is shown to be what was released.
#
#   pipelines/install-lambda-pack.sh VERSION DIR
#
# downloads the archive for this machine, compares it with the release's SHA256SUMS,
# has `gh attestation verify` prove that the release workflow made it of the tag, and
# puts the program into DIR, whole or not at all. What was installed goes to stdout,
# a `name=value` a line, for $GITHUB_OUTPUT.
#
# LAMBDA_PACK_REPOSITORY   OWNER/NAME on GitHub; required
# LAMBDA_PACK_RELEASES     where releases are, else those of LAMBDA_PACK_REPOSITORY:
#                          a mirror has v<VERSION>/<archive> and v<VERSION>/SHA256SUMS
# LAMBDA_PACK_ATTESTATION  required (default), or skip where GitHub can't be asked
#
# Needs curl, and tar or (Windows) unzip; gh, unless the attestation is skipped.
# Exit codes: 1 failed, 2 usage, 4 not what was released.
set -eu

fail() {
    code=$1
    shift
    echo "error: $*" >&2
    exit "$code"
}

[ $# -eq 2 ] || fail 2 'usage: install-lambda-pack.sh VERSION DIR'
version=${1#v}
directory=$2
repository=${LAMBDA_PACK_REPOSITORY-}
attestation=${LAMBDA_PACK_ATTESTATION:-required}

# They become parts of addresses and paths, and arguments.
case $version in
*[!0-9A-Za-z.-]* | '' | .* | *..*) fail 2 "\`$1\` is no version: name one, as 1.2.3" ;;
[0-9]*.[0-9]*.[0-9]*) ;;
*) fail 2 "\`$1\` is no version: name one, as 1.2.3; \`latest\` would not be the same tomorrow" ;;
esac
case $directory in
'' | -*) fail 2 "\`$directory\` is no directory: usage: install-lambda-pack.sh VERSION DIR" ;;
esac
case $repository in
*[!0-9A-Za-z._/-]* | */*/* | /* | */ | *..*) fail 2 "LAMBDA_PACK_REPOSITORY is \`$repository\`: say OWNER/NAME" ;;
*/*) ;;
*) fail 2 'LAMBDA_PACK_REPOSITORY is not set: say OWNER/NAME' ;;
esac
case $attestation in
required | skip) ;;
*) fail 2 "LAMBDA_PACK_ATTESTATION is \`$attestation\`: required or skip" ;;
esac

machine="$(uname -s) $(uname -m)"
program=lambda-pack
kind=tar.gz
case $machine in
'Linux x86_64' | 'Linux amd64') target=x86_64-unknown-linux-musl ;;
'Linux aarch64' | 'Linux arm64') target=aarch64-unknown-linux-musl ;;
'Darwin x86_64') target=x86_64-apple-darwin ;;
'Darwin arm64') target=aarch64-apple-darwin ;;
# Git's shell on Windows.
MINGW*' x86_64' | MSYS*' x86_64') target=x86_64-pc-windows-gnu program=lambda-pack.exe kind=zip ;;
*) fail 1 "there is no archive for $machine: install it with \`cargo install\`, see docs/install.md" ;;
esac
archive=lambda-pack-$version-$target.$kind

releases=${LAMBDA_PACK_RELEASES:-https://github.com/$repository/releases/download}
case $releases in
# This machine itself, for a test.
http://127.0.0.1:* | http://localhost:*) protocol='=http' ;;
*) protocol='=https' ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work" "$directory/.$program.$$"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# download NAME: one that ends early is an error of curl's.
download() {
    curl --fail --silent --show-error --location --retry 3 --proto "$protocol" --proto-redir "$protocol" \
        --output "$work/$1" "$releases/v$version/$1" ||
        fail 1 "can't download $releases/v$version/$1: is there a release $version?"
}

download SHA256SUMS
download "$archive"

# As sha256sum writes it: a star before the name stands for binary mode.
expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
case $expected in
'') fail 4 "SHA256SUMS of release $version does not name $archive" ;;
*[!0-9a-f]*) fail 4 "SHA256SUMS of release $version says of $archive what is no digest, or says it twice" ;;
esac
if command -v sha256sum >/dev/null; then
    found=$(sha256sum <"$work/$archive")
else
    found=$(shasum -a 256 <"$work/$archive")
fi
found=${found%% *}
[ "$found" = "$expected" ] ||
    fail 4 "$archive is not what was released: its SHA-256 is $found, SHA256SUMS says $expected"

# Who can replace the archive can replace the checksums, too; the workflow's signature nobody can.
if [ "$attestation" = required ]; then
    command -v gh >/dev/null ||
        fail 1 'gh is not installed, and proves where an archive comes from: install GitHub CLI, or say LAMBDA_PACK_ATTESTATION=skip'
    gh attestation verify "$work/$archive" --repo "$repository" \
        --signer-workflow "$repository/.github/workflows/release.yml" --source-ref "refs/tags/v$version" \
        --deny-self-hosted-runners --format json >"$work/attestation" ||
        fail 4 "$archive is not shown to come from $repository's release workflow at the tag v$version"
    # Some versions of gh end well where there is no attestation (GO-2025-3467).
    grep -q verificationResult "$work/attestation" ||
        fail 4 "$archive has no attestation of $repository's release workflow; or gh is older than 2.67"
    attestation=verified
else
    attestation=skipped
fi

case $kind in
zip) unzip -q "$work/$archive" -d "$work" ;;
*) tar -xzf "$work/$archive" -C "$work" ;;
esac
binary=$work/lambda-pack-$version-$target/$program
said=$("$binary" --version) || fail 1 "$archive does not run on this machine ($machine)"
[ "$said" = "lambda-pack $version" ] || fail 4 "$archive says that it is \`$said\`"
mkdir -p "$directory"
cp "$binary" "$directory/.$program.$$"
mv -f "$directory/.$program.$$" "$directory/$program"

echo "version=$version"
echo "archive=$archive"
echo "sha256=$found"
echo "attestation=$attestation"
echo "path=$directory/$program"
