locals {
  # By variable, the names in it that stand for nothing: misspelt, or of a
  # function that is gone.
  strays = {
    for variable, names in {
      alias_versions     = setsubtract(keys(var.alias_versions), keys(local.functions))
      environment        = setsubtract(keys(var.environment), keys(local.functions))
      function_overrides = setsubtract(keys(var.function_overrides), keys(local.functions))
      package_overrides  = setsubtract(keys(var.package_overrides), keys(local.packages))
    } : variable => names if length(names) > 0
  }

  # Where a package was rolled back to, also one from before there were profiles.
  other_profiles = {
    for name, package in local.packages : name => package.definition.deployment_profile == null ? "none" : "\"${package.definition.deployment_profile}\""
    if(package.definition.deployment_profile == null
      ? var.deployment_profile != "" && !contains(keys(var.package_overrides), name)
    : package.definition.deployment_profile != var.deployment_profile)
  }

  unknown_types = [for name, package in local.packages : name if !contains(["function", "layer"], package.definition.type)]
}

output "functions" {
  description = "By function_name: arn, invoke_arn, qualified_arn and version of the newest version; alias_arn and alias_invoke_arn, for callers; role_arn and role_name, to attach policies to; log_group."
  value = {
    for name, function in aws_lambda_function.this : name => {
      arn              = function.arn
      invoke_arn       = function.invoke_arn
      qualified_arn    = function.qualified_arn
      version          = function.version
      alias_arn        = aws_lambda_alias.this[name].arn
      alias_invoke_arn = aws_lambda_alias.this[name].invoke_arn
      role_arn         = aws_iam_role.this[name].arn
      role_name        = aws_iam_role.this[name].name
      log_group        = local.functions[name].log_group
    }
  }

  # Checked at plan, and here because a resource's conditions are checked only
  # if there is such a resource.
  precondition {
    condition     = length(local.strays) == 0
    error_message = "There are no such functions: ${join("; ", [for variable, names in local.strays : "${variable} names ${join(", ", names)}"])}. Correct the names (function_name, without name_prefix) or remove these entries."
  }

  precondition {
    condition     = length(local.unknown_types) == 0
    error_message = "This version of lambda-deploy-module knows the types \"function\" and \"layer\"; another type has: ${join(", ", local.unknown_types)}."
  }

  precondition {
    condition     = length(local.other_profiles) == 0
    error_message = "These packages are not for ${var.deployment_profile == "" ? "no deployment profile" : "the deployment profile \"${var.deployment_profile}\""}: ${join(", ", [for name, profile in local.other_profiles : "${name} was built for ${profile}"])}. Apply lambda-build-module with the same deployment_profile (LAMBDA_PACK_DEPLOYMENT_PROFILE), or correct it here."
  }
}

output "secrets" {
  description = "By id of the secrets that are made here: arn and name."
  value = {
    for id, secret in aws_secretsmanager_secret.this : id => {
      arn  = secret.arn
      name = secret.name
    }
  }

  precondition {
    condition     = length(local.stray_secrets) == 0
    error_message = "There are no such secrets: ${join("; ", [for variable, ids in local.stray_secrets : "${variable} names ${join(", ", ids)}"])}. Correct the ids or remove these entries; secret_versions is for secrets that are made here, not for existing ones."
  }

  precondition {
    condition     = length(local.contradictory_secrets) == 0
    error_message = "Functions declare a secret of one id differently: ${join(", ", local.contradictory_secrets)}. An id stands for one secret: make class, length, charset, pattern, parameter, arn and name the same, or give them ids of their own."
  }
}

output "signed" {
  description = "By function_name of the packages that are signed: s3_bucket and s3_key of what AWS Signer made, which Lambda has, and job_id. Empty without signing_profile_name."
  value = {
    for name, job in aws_signer_signing_job.this : name => {
      s3_bucket = local.code[name].s3_bucket
      s3_key    = local.code[name].s3_key
      job_id    = job.job_id
    }
  }
}

output "layers" {
  description = "By function_name of the packages of type \"layer\": arn and version."
  value = {
    for name, layer in aws_lambda_layer_version.this : name => {
      arn     = layer.arn
      version = layer.version
    }
  }
}
