# One role a function, with no more than what its settings need, its secrets, and
# what its definition asks for. Other policies are attached from outside, by the
# role's name.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  # Roles are unique in an account, functions in a region. 64 characters is
  # IAM's limit; longer names are told apart by a digest.
  role_names = {
    for name, function in local.functions : name =>
    length("${function.function_name}-${local.region}") <= 64
    ? "${function.function_name}-${local.region}"
    : "${substr(function.function_name, 0, 64 - 1 - 8 - 1 - length(local.region))}-${substr(sha256(function.function_name), 0, 8)}-${local.region}"
  }

  log_group_arn_prefix = "arn:${data.aws_partition.current.partition}:logs:${local.region}:${data.aws_caller_identity.current.account_id}:log-group:"

  # From the log groups where there are any, so that the policies come after them.
  log_group_names = merge(
    { for name, function in local.functions : name => function.log_group },
    { for name, group in aws_cloudwatch_log_group.this : name => group.name },
  )

  # Without our log group Lambda makes it, in the function's name.
  log_actions = concat(
    ["logs:CreateLogStream", "logs:PutLogEvents"],
    var.create_log_group ? [] : ["logs:CreateLogGroup"],
  )

  # Sids are unique in a policy.
  own_sids   = ["WriteLogs", "WriteTraces", "AttachToVpc", "SendDeadLetters", "DecryptEnvironment", "ReadSecrets", "ReadParameters"]
  taken_sids = { for name, source in local.sources : name => setintersection(compact(source.definition.policy_statements[*].sid), local.own_sids) }

  statements = {
    for name, function in local.functions : name => concat(
      [{
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = local.log_actions
        Resource = "${local.log_group_arn_prefix}${local.log_group_names[name]}:*"
      }],

      # Traces and network interfaces can't be named beforehand.
      function.tracing_mode != "Active" ? [] : [{
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*"
      }],
      length(function.vpc_subnet_ids) == 0 ? [] : [{
        Sid    = "AttachToVpc"
        Effect = "Allow"
        Action = [
          "ec2:AssignPrivateIpAddresses",
          "ec2:CreateNetworkInterface",
          "ec2:DeleteNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSubnets",
          "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = "*"
      }],

      [for arn in function.dead_letter_target_arn[*] : {
        Sid      = "SendDeadLetters"
        Effect   = "Allow"
        Action   = [split(":", arn)[2] == "sns" ? "sns:Publish" : "sqs:SendMessage"]
        Resource = arn
      }],
      # A policy can't name an alias, but whichever key has it.
      [for arn in function.kms_key_arn[*] : {
        for key, value in {
          Sid       = "DecryptEnvironment"
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = replace(arn, "/:alias\\/.*/", ":key/*")
          Condition = try({ "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = regex(":(alias/.*)$", arn)[0] } }, null)
        } : key => value if value != null
      }],

      [for arns in [[for secret in function.secrets : local.secret_arns[secret.id] if !local.secret_is_parameter[secret.id]]] : {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = arns
      } if length(arns) > 0],
      [for arns in [[for secret in function.secrets : local.secret_arns[secret.id] if local.secret_is_parameter[secret.id]]] : {
        Sid      = "ReadParameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = arns
      } if length(arns) > 0],
      # The key may have encrypted more than this secret, whose ARN is part of
      # what was encrypted.
      [for secret in function.secrets : {
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = var.secret_kms_key_arns[secret.id]
        Condition = { StringLike = { (local.secret_is_parameter[secret.id] ? "kms:EncryptionContext:PARAMETER_ARN" : "kms:EncryptionContext:SecretARN") = local.secret_arns[secret.id] } }
      } if contains(keys(var.secret_kms_key_arns), secret.id)],

      [for statement in function.policy_statements : {
        for key, value in {
          Sid       = statement.sid
          Effect    = statement.effect
          Action    = statement.actions
          Resource  = statement.resources
          Condition = statement.conditions
        } : key => value if value != null
      }],
    )
  }
}

resource "aws_iam_role" "this" {
  for_each = local.function_names

  name                 = local.role_names[each.key]
  description          = "Execution role of the Lambda function ${local.functions[each.key].function_name} in ${local.region}"
  permissions_boundary = local.functions[each.key].permissions_boundary
  tags                 = local.functions[each.key].tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

locals {
  role_ids = { for name, role in aws_iam_role.this : name => role.id }

  # From the policies, so that a function comes after its role's policy and log
  # group: its first invocation can log, and it leaves its network before its
  # role loses the right to.
  role_arns = { for name, policy in aws_iam_role_policy.this : name => aws_iam_role.this[name].arn }
}

resource "aws_iam_role_policy" "this" {
  for_each = local.function_names

  name = "lambda-pack"
  role = local.role_ids[each.key]
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.statements[each.key]
  })

  lifecycle {
    precondition {
      condition     = length(local.taken_sids[each.key]) == 0
      error_message = "Function ${each.key}: the module itself has statements with these sids: ${join(", ", local.taken_sids[each.key])}. Choose others in policy_statements."
    }
  }
}
