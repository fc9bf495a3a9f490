#!/bin/sh
# Runs `lambda-pack build` or `upload`, as $1 says, and writes what became of each
# function to $GITHUB_STEP_SUMMARY, also where some failed.
set -eu

case $1 in
build | upload) ;;
*)
    echo "error: command is \`$1\`: build or upload" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

code=0
lambda-pack "$1" --json >"$work/packages" || code=$?
{
    echo
    echo "### lambda-pack $1"
    echo
    if [ -s "$work/packages" ]; then
        echo '| function | status | bytes | entries | source hash |'
        echo '| --- | --- | ---: | ---: | --- |'
        jq --raw-output '.[] | "| \(.name) | \(.status) | \(.size_bytes) | \(.entries) | `\(.source_hash[:16])` |"' "$work/packages"
        echo
    fi
    [ "$code" = 0 ] || echo "It failed with exit code $code; the log says why."
} >>"$GITHUB_STEP_SUMMARY"
{
    echo 'packages<<END'
    jq --compact-output . "$work/packages"
    echo END
} >>"$GITHUB_OUTPUT"
exit "$code"
