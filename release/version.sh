#!/bin/sh
# Prints the version that Cargo.toml names. With a tag, `release/version.sh v1.2.3`,
# this, the tag, and the newest heading of CHANGELOG.md must be the same.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
if [ $# -gt 0 ]; then
    if [ "$1" != "v$version" ]; then
        echo "error: the tag is $1, and Cargo.toml says $version" >&2
        exit 1
    fi
    heading=$(sed -n 's/^## \[\{0,1\}\([^] ]*\).*/\1/p' CHANGELOG.md | head -n 1)
    if [ "$heading" != "$version" ]; then
        echo "error: the newest heading of CHANGELOG.md is \`$heading\`, and the tag is $1" >&2
        exit 1
    fi
fi
echo "$version"
