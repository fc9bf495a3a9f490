#!/bin/sh
# Builds and uploads what the store lacks: applies lambda-build-module.
set -eu
. "$(dirname "$0")/terragrunt.sh"
cd "$(dirname "$0")/../lambda-build-module"

exec terragrunt apply -input=false -auto-approve
