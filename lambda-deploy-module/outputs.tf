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
