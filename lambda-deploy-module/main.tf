# Everything here follows from the variables: no file is read and nothing is
# hashed, so that a definition and its package stay together.
#
# It is to plan 1,000 functions in minutes. A reference between two resources
# makes Terraform link all instances of the one with all of the other; for_each
# is evaluated anew for each instance, and lookup() looks through its whole map.
# So resources meet in locals, for_each gets names alone, and maps are indexed.

data "aws_region" "current" {}

locals {
  # ec2.eu-west-1.amazonaws.com: the one attribute that all versions of the
  # provider have. 6.x deprecates name and id, older ones lack region.
  region = regex("^ec2\\.([^.]+)\\.", data.aws_region.current.endpoint)[0]

  packages       = merge(var.packages, { for name, package in var.package_overrides : name => package if contains(keys(var.packages), name) })
  layer_packages = { for name, package in local.packages : name => package if package.definition.type == "layer" }

  # So that every function has an entry, with every attribute.
  no_override = {
    description                    = null
    runtime                        = null
    handler                        = null
    memory_size                    = null
    timeout                        = null
    layers                         = null
    ephemeral_storage_size         = null
    tracing_mode                   = null
    dead_letter_target_arn         = null
    vpc_subnet_ids                 = null
    vpc_security_group_ids         = null
    kms_key_arn                    = null
    reserved_concurrent_executions = null
    permissions_boundary           = null
    log_retention_in_days          = null
  }

  overrides    = merge({ for name, package in local.packages : name => local.no_override }, var.function_overrides)
  environments = merge({ for name, package in local.packages : name => {} }, var.environment)

  # The two places that say what a function is to be.
  sources = {
    for name, package in local.packages : name => {
      definition = package.definition
      override   = local.overrides[name]
    } if package.definition.type == "function"
  }

  descriptions = { for name, source in local.sources : name => try(coalesce(source.override.description, source.definition.description), null) }

  # By function_name, the contents of the layers that are deployed here. A digest
  # of them ends the description: the ARN of a new layer version is known after
  # apply only, and where a function had no layer before, the provider takes that
  # for no change, and its apply fails ("inconsistent final plan"). The digest is
  # known, and says in the plan that the content of a layer changed.
  layer_contents = {
    for name, source in local.sources : name => [
      for layer in coalesce(source.override.layers, source.definition.layers) : local.packages[layer].code_sha256
      if contains(keys(local.layer_packages), layer)
    ]
  }

  # What each function is to be, by function_name. One attribute at a time, so that an ARN that is
  # known only after apply leaves the others known. Where null is a value,
  # try() stands for coalesce() finding nothing else.
  functions = {
    for name, source in local.sources : name => {
      function_name = "${var.name_prefix}${name}"
      log_group     = "/aws/lambda/${var.name_prefix}${name}"
      architectures = source.definition.architectures
      environment = merge(
        source.definition.environment,
        local.environments[name],
        { for secret in source.definition.secrets : secret.target => local.secret_references[secret.id] },
      )
      tags = merge(var.tags, source.definition.tags)

      # Lambda takes 256 characters.
      description = length(local.layer_contents[name]) == 0 ? local.descriptions[name] : trimspace(format(
        "%s (layers %s)",
        substr(local.descriptions[name] == null ? "" : local.descriptions[name], 0, 238),
        substr(sha256(join(",", local.layer_contents[name])), 0, 8)
      ))
      runtime                        = try(coalesce(source.override.runtime, source.definition.runtime), null)
      handler                        = try(coalesce(source.override.handler, source.definition.handler), null)
      memory_size                    = coalesce(source.override.memory_size, source.definition.memory_size)
      timeout                        = coalesce(source.override.timeout, source.definition.timeout)
      layers                         = coalesce(source.override.layers, source.definition.layers)
      ephemeral_storage_size         = coalesce(source.override.ephemeral_storage_size, one(source.definition.ephemeral_storage[*].size), 512)
      tracing_mode                   = coalesce(source.override.tracing_mode, one(source.definition.tracing_config[*].mode), "PassThrough")
      dead_letter_target_arn         = try(coalesce(source.override.dead_letter_target_arn, one(source.definition.dead_letter_config[*].target_arn)), null)
      vpc_subnet_ids                 = coalesce(source.override.vpc_subnet_ids, one(source.definition.vpc_config[*].subnet_ids), [])
      vpc_security_group_ids         = coalesce(source.override.vpc_security_group_ids, one(source.definition.vpc_config[*].security_group_ids), [])
      kms_key_arn                    = try(coalesce(source.override.kms_key_arn, source.definition.kms_key_arn), null)
      reserved_concurrent_executions = coalesce(source.override.reserved_concurrent_executions, source.definition.reserved_concurrent_executions, -1)
      permissions_boundary           = try(coalesce(source.override.permissions_boundary, var.permissions_boundary), null)
      log_retention_in_days          = coalesce(source.override.log_retention_in_days, var.log_retention_in_days)
      policy_statements              = source.definition.policy_statements
      secrets                        = source.definition.secrets
    }
  }

  # For for_each: a set would be sorted at each look.
  function_names = tomap({ for name, function in local.functions : name => name })
  layer_names    = tomap({ for name, package in local.layer_packages : name => name })
}

resource "aws_lambda_layer_version" "this" {
  for_each = local.layer_names

  layer_name               = "${var.name_prefix}${each.key}"
  description              = local.packages[each.key].definition.description
  compatible_runtimes      = local.packages[each.key].definition.compatible_runtimes
  compatible_architectures = local.packages[each.key].definition.architectures

  s3_bucket        = local.code[each.key].s3_bucket
  s3_key           = local.code[each.key].s3_key
  source_code_hash = local.code[each.key].source_code_hash

  lifecycle {
    # Functions move to the new version before the old one goes.
    create_before_destroy = true

    # A version can't be changed, so these would make a new one of the same
    # content, and update each function that has it for nothing.
    ignore_changes = [description, compatible_runtimes, compatible_architectures]
  }
}

# Before the function: Lambda would make one that keeps logs for ever.
resource "aws_cloudwatch_log_group" "this" {
  for_each = var.create_log_group ? local.function_names : {}

  name              = local.functions[each.key].log_group
  retention_in_days = local.functions[each.key].log_retention_in_days
  kms_key_id        = var.log_kms_key_arn
  tags              = local.functions[each.key].tags
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_272:signing_profile_name and code_signing_policy have packages signed and looked at; they cost a job for each package
  for_each = local.function_names

  function_name = local.functions[each.key].function_name
  description   = local.functions[each.key].description
  role          = local.role_arns[each.key]
  tags          = local.functions[each.key].tags

  s3_bucket        = local.code[each.key].s3_bucket
  s3_key           = local.code[each.key].s3_key
  source_code_hash = local.code[each.key].source_code_hash
  publish          = true

  code_signing_config_arn = local.code_signing_config_arn

  runtime       = local.functions[each.key].runtime
  handler       = local.functions[each.key].handler
  architectures = local.functions[each.key].architectures
  layers        = [for layer in local.functions[each.key].layers : lookup(local.layer_arns, layer, layer)]

  memory_size                    = local.functions[each.key].memory_size
  timeout                        = local.functions[each.key].timeout
  reserved_concurrent_executions = local.functions[each.key].reserved_concurrent_executions
  # Lambda keeps no key where there is nothing to encrypt.
  kms_key_arn = length(local.functions[each.key].environment) > 0 ? local.functions[each.key].kms_key_arn : null

  # Always written: left out, the provider would keep an earlier value.
  ephemeral_storage {
    size = local.functions[each.key].ephemeral_storage_size
  }

  tracing_config {
    mode = local.functions[each.key].tracing_mode
  }

  dynamic "environment" {
    for_each = length(local.functions[each.key].environment) > 0 ? [local.functions[each.key].environment] : []

    content {
      variables = environment.value
    }
  }

  dynamic "dead_letter_config" {
    for_each = local.functions[each.key].dead_letter_target_arn[*]

    content {
      target_arn = dead_letter_config.value
    }
  }

  dynamic "vpc_config" {
    for_each = length(local.functions[each.key].vpc_subnet_ids) > 0 ? [local.functions[each.key].vpc_subnet_ids] : []

    content {
      subnet_ids         = vpc_config.value
      security_group_ids = local.functions[each.key].vpc_security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.functions[each.key].function_name) <= 64
      error_message = "Function ${each.key}: \"${local.functions[each.key].function_name}\" has ${length(local.functions[each.key].function_name)} characters, Lambda allows 64. Shorten name_prefix or function_name."
    }

    precondition {
      condition     = local.functions[each.key].runtime != null && local.functions[each.key].handler != null
      error_message = "Function ${each.key} has no ${local.functions[each.key].runtime == null ? "runtime" : "handler"}. Set it in the function's definition and apply lambda-build-module, or set it in function_overrides."
    }

    precondition {
      condition     = alltrue([for layer in local.functions[each.key].layers : contains(keys(local.layer_packages), layer) || startswith(layer, "arn:")])
      error_message = "Function ${each.key}: layers are ARNs, or names of packages of type \"layer\"; found ${jsonencode(local.functions[each.key].layers)}."
    }

    precondition {
      condition     = local.functions[each.key].dead_letter_target_arn == null || can(regex("^arn:[^:]+:(sqs|sns):", local.functions[each.key].dead_letter_target_arn))
      error_message = "Function ${each.key}: a dead-letter target is the ARN of an SQS queue or SNS topic."
    }

    precondition {
      condition     = (length(local.functions[each.key].vpc_subnet_ids) > 0) == (length(local.functions[each.key].vpc_security_group_ids) > 0)
      error_message = "Function ${each.key}: a VPC needs both subnets and security groups."
    }

    precondition {
      condition     = length(local.taken_targets[each.key]) == 0
      error_message = "Function ${each.key}: the variable environment sets ${join(", ", local.taken_targets[each.key])}, which tells the function where a secret is. Remove it from environment."
    }
  }
}

locals {
  layer_arns = { for name, layer in aws_lambda_layer_version.this : name => layer.arn }
  versions   = { for name, function in aws_lambda_function.this : name => function.version }
}

resource "aws_lambda_alias" "this" {
  for_each = local.function_names

  name             = var.alias_name
  function_name    = local.functions[each.key].function_name
  function_version = lookup(var.alias_versions, each.key, local.versions[each.key])
}
