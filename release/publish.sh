#!/bin/sh
# Publishes all files of the directory $1 as the GitHub release of the tag $2. Needs
# gh. Run again after a failure it goes on: until all is there it is a draft.
set -eu

pre=
case $2 in
*-*) pre=--prerelease ;;
esac

notes=$(mktemp)
trap 'rm -f "$notes"' EXIT
# The newest part of the changelog, without its heading.
awk '/^## / { part += 1; next } part == 1' "$(dirname "$0")/../CHANGELOG.md" >"$notes"

if ! draft=$(gh release view "$2" --json isDraft --jq .isDraft 2>/dev/null); then
    gh release create "$2" --verify-tag --draft $pre --title "$2" --notes-file "$notes"
elif [ "$draft" != true ]; then
    echo "error: $2 is released: what is out there doesn't change" >&2
    exit 1
fi
gh release upload "$2" --clobber "$1"/*
gh release edit "$2" --draft=false
