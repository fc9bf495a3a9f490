include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

locals {
  project = dirname(find_in_parent_folders("root.hcl"))
}

inputs = {
  # Absolute, because Terraform runs in a copy of this directory.
  code_dir   = "${local.project}/code"
  config_dir = "${local.project}/lambda-json"

  # Which functions, and how: a table [profiles.<name>] of lambda-pack.toml.
  deployment_profile = get_env("LAMBDA_PACK_DEPLOYMENT_PROFILE", "")

  # Bucket names are unique across all AWS accounts. The state bucket's is, so a
  # name made from it is very likely free, and tells whose it is.
  bucket_name = coalesce(get_env("LAMBDA_PACK_BUCKET", ""), "${include.root.locals.state_bucket}-packages")

  # A path must be absolute here too.
  lambda_pack = coalesce(get_env("LAMBDA_PACK", ""), "lambda-pack")

  enforce_tls = !include.root.locals.plain_http
}
