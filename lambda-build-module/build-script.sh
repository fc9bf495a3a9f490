#!/bin/sh
# Builds and uploads one function's package, if the store lacks it. main.tf runs
# it with everything in the environment; directories and store are lambda-pack's
# own LAMBDA_PACK_* variables.
#
# --expect refuses a source that changed since the plan.
set -eu

exec "${LAMBDA_PACK:?}" upload \
    --expect="${FUNCTION_NAME:?}=${SOURCE_HASH:?}" -- "$FUNCTION_NAME"
