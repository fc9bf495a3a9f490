#!/bin/sh
# Decides by the event that started a workflow whether it may deploy, and which
# commit: `deploy=true` or `deploy=false`, and `commit=…`, for $GITHUB_OUTPUT.
# Why goes to stderr.
#
# A run of another workflow starts this one whatever became of it, for branches
# and forks too, and with this repository's secrets.
set -eu

# The workflow that builds.
build=.github/workflows/build.yml

refuse() {
    echo "not deployed: $*" >&2
    echo 'deploy=false'
    exit
}

event() {
    jq --raw-output "$1 // empty" "$GITHUB_EVENT_PATH"
}

branch=$(event .repository.default_branch)
case $GITHUB_EVENT_NAME in
workflow_run)
    [ "$(event .workflow_run.conclusion)" = success ] || refuse "the build ended with $(event .workflow_run.conclusion)"
    path=$(event .workflow_run.path)
    [ "${path%%@*}" = "$build" ] || refuse "the run is none of $build"
    [ "$(event .workflow_run.event)" = push ] || refuse "the build was not started by a push"
    [ "$(event .workflow_run.head_repository.full_name)" = "$GITHUB_REPOSITORY" ] || refuse 'the build is of another repository'
    [ "$(event .workflow_run.head_branch)" = "$branch" ] || refuse "the build is not of $branch"
    commit=$(event .workflow_run.head_sha)
    ;;
push | workflow_dispatch)
    [ "$GITHUB_REF" = "refs/heads/$branch" ] || refuse "$GITHUB_REF is not $branch"
    commit=$GITHUB_SHA
    ;;
*) refuse "of $GITHUB_EVENT_NAME nothing is deployed" ;;
esac

# It is checked out, and becomes a line of $GITHUB_OUTPUT.
case $commit in
'' | *[!0-9a-f]*) refuse 'the event names no commit' ;;
esac
echo "deploys $commit" >&2
echo 'deploy=true'
echo "commit=$commit"
