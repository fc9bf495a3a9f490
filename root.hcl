# What every module's terragrunt.hcl includes: where the state is kept, and the
# provider. Everything that differs between places comes from the environment:
#
#   AWS_REGION, AWS_DEFAULT_REGION   region of state, bucket and functions
#   TF_STATE_BUCKET                  bucket that holds the state
#   AWS_ENDPOINT_URL                 a local AWS, such as moto or LocalStack
#
# The first run in an account makes the state bucket: terragrunt run --all
# --backend-bootstrap -- apply

# use_lockfile.
terraform_version_constraint = ">= 1.10"

locals {
  region       = coalesce(get_env("AWS_REGION", ""), get_env("AWS_DEFAULT_REGION", ""), "us-east-1")
  state_bucket = coalesce(get_env("TF_STATE_BUCKET", ""), "terraform-state-gas-test-904233119504")
  endpoint     = get_env("AWS_ENDPOINT_URL", "")

  # A policy that demands TLS locks everyone out of a bucket that is reached
  # without it.
  plain_http = startswith(local.endpoint, "http://")

  # A local AWS has no account to look up, and no host name for each bucket.
  local_state = {
    endpoints = { s3 = local.endpoint }

    # Deprecated for use_path_style, and Terraform warns of it; but it is the one
    # that Terragrunt understands too, which makes the bucket, and Terraform
    # refuses both.
    force_path_style = true

    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true

    # Terragrunt's own, for making the bucket.
    skip_bucket_enforced_tls = local.plain_http
    skip_bucket_root_access  = true
  }
  local_services = ["cloudwatchlogs", "ec2", "iam", "kms", "lambda", "s3", "secretsmanager", "signer", "sns", "sqs", "ssm", "sts"]
}

remote_state {
  backend = "s3"

  generate = {
    path      = "backend.tf"
    if_exists = "overwrite_terragrunt"
  }

  config = merge(
    {
      bucket       = local.state_bucket
      key          = "${path_relative_to_include()}/terraform.tfstate"
      region       = local.region
      encrypt      = true
      use_lockfile = true
    },
    # Not "condition ? a : b", which wants both of one type.
    { for key, value in local.local_state : key => value if local.endpoint != "" },
  )
}

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"

  contents = <<-EOT
    provider "aws" {
      region = ${jsonencode(local.region)}
    %{ if local.endpoint != "" ~}

      s3_use_path_style           = true
      skip_credentials_validation = true
      skip_metadata_api_check     = true
      skip_region_validation      = true
      skip_requesting_account_id  = true

      endpoints {
    %{ for service in local.local_services ~}
        ${service} = ${jsonencode(local.endpoint)}
    %{ endfor ~}
      }
    %{ endif ~}
    }
  EOT
}
