#!/bin/sh
# Applies lambda-deploy-module, if what it deploys was built from what is checked
# out here.
#
#   pipelines/deploy.sh [REF]
#
# Between a build and this the next build may have come; or this commit's is still
# to come, where a push changed both. Deployed would then be what nobody looked at,
# and be replaced at once. So a plan is made, and counts only if its packages are
# those of this checkout.
#
# REF is the newest commit of the branch, such as origin/main. Where it has the same
# packages, it is deployed instead: its deploy module may be newer, or hold a
# rollback, and an older one must not undo that.
set -eu
. "$(dirname "$0")/terragrunt.sh"
. "$(dirname "$0")/packages.sh"
cd "$(dirname "$0")/.."

leave() {
    echo "not deployed: $*" >&2
    case ${GITHUB_EVENT_NAME-} in
    # The build of another commit deploys what it built.
    workflow_run | push) exit 0 ;;
    esac
    echo 'build this commit first, or deploy the newest one' >&2
    exit 5
}

packages_here . "$work/here"
newer=$(newer_than_here "$@")
if [ -n "$newer" ]; then
    packages_of "$newer" "$work/newest"
    if cmp -s "$work/here" "$work/newest"; then
        echo "the newer commit $newer has the same packages, and is deployed instead" >&2
        git checkout --quiet --detach "$newer"
        rm -rf "$work"
        exec "$PWD/pipelines/deploy.sh"
    fi
    git diff --quiet HEAD "$newer" -- lambda-deploy-module root.hcl ||
        leave "the newer commit $newer has another deploy module, and other packages, whose build deploys both"
fi

cd lambda-deploy-module
terragrunt plan -input=false -out="$work/plan"
terragrunt show -json "$work/plan" >"$work/plan.json"
jq --sort-keys ".variables.packages.value | $of_each" "$work/plan.json" >"$work/planned"
if ! cmp -s "$work/planned" "$work/here"; then
    leave "the packages in the state were not built from this commit: $(differences "$work/planned" "$work/here")"
fi

terragrunt apply -input=false "$work/plan"
