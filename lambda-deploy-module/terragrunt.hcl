include "root" {
  path = find_in_parent_folders("root.hcl")
}

inputs = {
  # Packages that were built for another profile are refused.
  deployment_profile = get_env("LAMBDA_PACK_DEPLOYMENT_PROFILE", "")

  # As for the build module.
  lambda_pack = coalesce(get_env("LAMBDA_PACK", ""), "lambda-pack")
}

dependency "build" {
  config_path = "../lambda-build-module"

  # Only for the commands that need no real packages: else mocks reach an apply.
  mock_outputs                            = { packages = {} }
  mock_outputs_allowed_terraform_commands = ["init", "validate"]
}

# As a file, because an input would be one environment variable, which ends at
# 128 KiB: about 350 functions.
generate "packages" {
  path              = "packages.auto.tfvars.json"
  if_exists         = "overwrite"
  disable_signature = true # JSON knows no comments

  # null if the build module was applied, but never with success: then the
  # variable's validation says what to do.
  contents = jsonencode({ packages = try(dependency.build.outputs.packages, null) })
}

# Keeps the values out of saved plans. Terraform knows this from 1.10 on, which
# root.hcl needs anyhow; the module by itself works with older ones.
generate "secret_values" {
  path      = "secret_values_override.tf"
  if_exists = "overwrite_terragrunt"

  contents = <<-EOT
    variable "secret_values" {
      ephemeral = true
    }
  EOT
}
