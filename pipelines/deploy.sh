#!/bin/sh
# Applies lambda-deploy-module, if what it deploys was built from what is checked
# out here.
#
# Between a build and this the next build may have come; or this commit's is still
# to come, where a push changed both. Deployed would then be what nobody looked at,
# and be replaced at once. So a plan is made, and counts only if its packages are
# those of this checkout.
set -eu
. "$(dirname "$0")/terragrunt.sh"
cd "$(dirname "$0")/../lambda-deploy-module"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

terragrunt plan -input=false -out="$work/plan"

# What decides: source hash and definition of each function.
packages='map_values({source_hash, definition})'
terragrunt show -json "$work/plan" | jq --sort-keys ".variables.packages.value | $packages" >"$work/planned"
jq --null-input '{code_dir: $code, config_dir: $definitions}' \
    --arg code "${PWD%/*}/code" --arg definitions "${PWD%/*}/lambda-json" |
    lambda-pack external hash | jq --sort-keys ".packages | fromjson | $packages" >"$work/here"

if ! cmp -s "$work/planned" "$work/here"; then
    names='[.[0] as $a | .[1] as $b | ($a + $b | keys[]) | select($a[.] != $b[.])] | join(", ")'
    echo "not deployed: the packages in the state were not built from this commit: $(
        jq --slurp --raw-output "$names" "$work/planned" "$work/here"
    )" >&2
    case ${GITHUB_EVENT_NAME-} in
    # The build of another commit deploys what it built.
    workflow_run | push) exit 0 ;;
    esac
    echo 'build this commit first, or deploy the newest one' >&2
    exit 5
fi

terragrunt apply -input=false "$work/plan"
