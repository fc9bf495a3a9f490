#!/bin/sh
# The action's first step: installs lambda-pack $VERSION into the directory $1, and
# notes what was installed in $GITHUB_OUTPUT and $GITHUB_STEP_SUMMARY.
#
# Without $VERSION it is the release that these scripts belong to: at the tag v1.2.3,
# Cargo.toml says 1.2.3.
set -eu
here=$(dirname "$0")

if [ "${RUNNER_OS-}" = Windows ]; then
    echo "error: the action is for Linux and macOS; docs/install.md says how to install a release on Windows" >&2
    exit 1
fi

version=${VERSION:-$("$here/../release/version.sh")}
installed=$("$here/install-lambda-pack.sh" "$version" "$1")
printf '%s\n' "$installed" >>"$GITHUB_OUTPUT"

value() {
    printf '%s\n' "$installed" | sed -n "s/^$1=//p"
}
case $(value attestation) in
verified) proof='provenance attested by GitHub' ;;
*) proof='provenance **not** asked for' ;;
esac
echo "lambda-pack $(value version): \`$(value archive)\`, SHA-256 \`$(value sha256)\`, $proof." >>"$GITHUB_STEP_SUMMARY"
