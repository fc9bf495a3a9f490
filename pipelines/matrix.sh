#!/bin/sh
# Shares the functions that differ from the commit $1 among jobs:
# `matrix=…`, `jobs=N` and `store=…` for $GITHUB_OUTPUT. There are none before
# the first build has made the store; that build then does it all.
set -eu
. "$(dirname "$0")/terragrunt.sh"
cd "$(dirname "$0")/../lambda-build-module"

outputs=$(terragrunt output -json)
store=$(printf '%s' "$outputs" | jq --raw-output '.store.value // empty')
cd ..
if [ -z "$store" ]; then
    matrix='{"include":[]}'
# Of a new branch, or after a push by force, nobody knows that commit.
elif git cat-file -e "$1^{commit}" 2>/dev/null; then
    matrix=$(lambda-pack matrix --since "$1")
else
    matrix=$(lambda-pack matrix)
fi
echo "store=$store"
echo "matrix=$matrix"
echo "jobs=$(printf '%s' "$matrix" | jq '.include | length')"
