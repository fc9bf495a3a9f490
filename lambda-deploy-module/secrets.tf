# Secrets that functions read at run time. A value must not pass through a resource
# or a data source, which would keep it in the state: lambda-pack makes or takes it
# at apply, and puts it into Secrets Manager. Functions get the name or ARN of the
# place. An id stands for one secret, whichever functions have it.

locals {
  # By id, the declarations of all functions that have it.
  declarations = {
    for secret in flatten([for source in local.sources : source.definition.secrets]) : secret.id => secret...
  }

  # A function that is rolled back to a time before it had a secret comes forward
  # again: deleted, the secret could not be made anew for days.
  set_aside = {
    for secret in flatten([for package in merge(var.packages, {}) : package.definition.secrets]) : secret.id => secret...
  }

  secrets = { for id, declarations in merge(local.set_aside, local.declarations) : id => declarations[0] }

  # In target, label and description functions may differ.
  contradictory_secrets = [
    for id, declarations in local.declarations : id
    if length(distinct([for secret in declarations : [secret.class, secret.length, secret.charset, secret.pattern, secret.parameter, secret.arn, secret.name]])) > 1
  ]

  # As strays, in outputs.tf.
  stray_secrets = {
    for variable, ids in {
      secret_kms_key_arns = setsubtract(keys(var.secret_kms_key_arns), keys(local.secrets))
      secret_versions     = setsubtract(keys(var.secret_versions), keys(local.made_secrets))
    } : variable => ids if length(ids) > 0
  }

  taken_targets = { for name, source in local.sources : name => setintersection(source.definition.secrets[*].target, keys(local.environments[name])) }

  # Those that are seen to at apply, and of these the ones that are made here: an
  # existing parameter is only looked for. Names alone, for for_each.
  provided_secrets = tomap({ for id, secret in local.secrets : id => id if contains(["per_install_generated", "user_prompt"], secret.class) })
  made_secrets     = tomap({ for id in local.provided_secrets : id => "${var.secret_prefix}${var.name_prefix}${id}" if local.secrets[id].parameter == null })

  # What environment variables hold. A name rather than an ARN where there is one,
  # because it is known at plan.
  secret_references = {
    for id, secret in local.secrets : id => contains(keys(local.made_secrets), id) ? local.made_secrets[id] : try(coalesce(secret.parameter, secret.name, secret.arn), null)
  }

  made_secret_arns = { for id, secret in aws_secretsmanager_secret.this : id => secret.arn }

  secrets_arn_prefix    = "arn:${data.aws_partition.current.partition}:secretsmanager:${local.region}:${data.aws_caller_identity.current.account_id}:secret:"
  parameters_arn_prefix = "arn:${data.aws_partition.current.partition}:ssm:${local.region}:${data.aws_caller_identity.current.account_id}:parameter/"

  # AWS ends the ARNs of secrets with a hyphen and six characters of its own.
  any_suffix = "-??????"

  secret_is_parameter = { for id, secret in local.secrets : id => secret.parameter != null || can(regex("^arn:[^:]+:ssm:", secret.arn)) }

  # What roles may read.
  secret_arns = merge(
    {
      for id, secret in local.secrets : id => (
        secret.parameter != null ? "${local.parameters_arn_prefix}${trimprefix(secret.parameter, "/")}" :
        secret.name != null ? "${local.secrets_arn_prefix}${secret.name}${local.any_suffix}" :
        # One that was cut off before its suffix names the secret as well.
        local.secret_is_parameter[id] || can(regex("-[A-Za-z0-9]{6}$", secret.arn)) ? secret.arn :
        try("${secret.arn}${local.any_suffix}", null)
      )
    },
    # Through their values, so that the functions come after them.
    { for id, value in terraform_data.secret : id => local.made_secret_arns[id] if contains(keys(local.made_secrets), id) },
  )

  # Without a slash it is a name for PATH. Terraform has no "is absolute"; the
  # second form is Windows'.
  lambda_pack_is_relative = strcontains(var.lambda_pack, "/") && !can(regex("^(/|[A-Za-z]:[/\\\\])", var.lambda_pack))
  lambda_pack             = local.lambda_pack_is_relative ? abspath("${path.root}/${var.lambda_pack}") : var.lambda_pack
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:rotation needs a function that knows where else the value is used; secret_versions asks for another value
  for_each = local.made_secrets

  name                    = each.value
  description             = try(coalesce(local.secrets[each.key].description, local.secrets[each.key].label), null)
  kms_key_id              = lookup(var.secret_kms_key_arns, each.key, null)
  recovery_window_in_days = var.secret_recovery_window_in_days
  tags                    = var.tags
}

# Sees to it that each secret has a value: once. A value that is there stays, so
# that an apply that failed midway is simply repeated.
resource "terraform_data" "secret" {
  for_each = local.provided_secrets

  triggers_replace = [
    lookup(local.made_secret_arns, each.key, local.secrets[each.key].parameter),
    lookup(var.secret_versions, each.key, null),
    # What was made up is no answer to a prompt.
    local.secrets[each.key].class,
  ]

  # Values reach the shell through the environment alone: within a command they
  # would be run, and shown.
  provisioner "local-exec" {
    interpreter = ["sh", "-c"]
    command     = "exec \"$LAMBDA_PACK\" secrets provide --secret-id=\"$SECRET_ID\" --value-version=\"$VALUE_VERSION\" -- \"$DECLARATION\""

    environment = {
      LAMBDA_PACK        = local.lambda_pack
      LAMBDA_PACK_REGION = local.region

      DECLARATION   = jsonencode({ for key, value in local.secrets[each.key] : key => value if value != null })
      SECRET_ID     = lookup(local.made_secret_arns, each.key, "")
      VALUE_VERSION = lookup(var.secret_versions, each.key, "")

      LAMBDA_PACK_SECRET_VALUES = jsonencode(var.secret_values)
    }
  }
}
