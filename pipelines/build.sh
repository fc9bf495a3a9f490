#!/bin/sh
# Builds and uploads what the store lacks: applies lambda-build-module.
#
#   pipelines/build.sh [REF]
#
# REF is the newest commit of the branch, such as origin/main. A build that comes
# late, or is run again, would take packages back to what they were, and the next
# deployment would take back the functions; so it builds nothing if REF has other
# packages.
set -eu
. "$(dirname "$0")/terragrunt.sh"
. "$(dirname "$0")/packages.sh"
cd "$(dirname "$0")/.."

newer=$(newer_than_here "$@")
if [ -n "$newer" ]; then
    packages_here . "$work/here"
    packages_of "$newer" "$work/newest"
    if ! cmp -s "$work/here" "$work/newest"; then
        echo "not built: the newer commit $newer has other packages, which its own build makes: $(differences "$work/here" "$work/newest")" >&2
        # Overtaken on its way, it needs nobody's attention.
        [ "${GITHUB_RUN_ATTEMPT-}" != 1 ] || exit 0
        echo 'to take a function back, use lambda-pack rollback' >&2
        exit 5
    fi
fi

cd lambda-build-module
terragrunt apply -input=false -auto-approve
