#!/bin/sh
# Prints `paths=…` for $GITHUB_OUTPUT: what of lambda-pack's cache is kept between
# jobs. docs/caches.md says what each directory is.
#
# Digests of files are never kept: they are believed, and count on one machine only.
set -eu

case $1 in
checked) kept='assets blocks-1' ;;
all) kept='assets blocks-1 dependencies outputs rust unpacked' ;;
none) kept= ;;
*)
    echo "error: cache is \`$1\`: checked, all or none" >&2
    exit 2
    ;;
esac
echo 'paths<<END'
for directory in $kept; do
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/lambda-pack/$directory"
done
echo END
