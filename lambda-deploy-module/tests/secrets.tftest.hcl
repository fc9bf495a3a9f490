# What functions are told of secrets, what their roles may do, and which packages
# are refused. Values are put into Secrets Manager at apply: ../tests/e2e.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:made-AbCdEf" }
  }
}

variables {
  packages = {
    shop = {
      s3_bucket   = "example-packages"
      s3_key      = "packages/shop/11.zip"
      code_sha256 = "MTE="
      definition = {
        function_name = "shop"
        runtime       = "python3.9"
        handler       = "shop.handler"
        environment   = { LOG_LEVEL = "INFO" }
        secrets = [
          { id = "cookie-key", class = "per_install_generated", target = "COOKIE_KEY_SECRET", length = 40, charset = "hex" },
          { id = "smtp-password", class = "user_prompt", target = "SMTP_PASSWORD_SECRET", label = "SMTP password", pattern = "^.{8,}$" },
          { id = "relay-token", class = "user_prompt", target = "RELAY_TOKEN_PARAMETER", parameter = "/shop/relay" },
          { id = "by-arn", class = "remote_fetch", target = "BY_ARN", arn = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:pay/stripe-AbCdEf" },
          { id = "by-partial-arn", class = "remote_fetch", target = "BY_PARTIAL_ARN", arn = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:pay/paypal" },
          { id = "by-name", class = "remote_fetch", target = "BY_NAME", name = "pay/klarna" },
          { id = "by-parameter", class = "remote_fetch", target = "BY_PARAMETER", parameter = "top-level" },
          { id = "by-parameter-arn", class = "remote_fetch", target = "BY_PARAMETER_ARN", arn = "arn:aws:ssm:eu-west-1:999999999999:parameter/pay/visa" },
        ]
        policy_statements = [
          { actions = ["dynamodb:GetItem"], resources = ["arn:aws:dynamodb:eu-west-1:123456789012:table/orders"] },
          {
            sid        = "NoRoot"
            effect     = "Deny"
            actions    = ["s3:*"]
            resources  = ["*"]
            conditions = { StringEquals = { "aws:PrincipalTag/team" = ["a", "b"] } }
          },
        ]
      }
    }
    # The same secret in a variable of another name.
    mailer = {
      s3_bucket   = "example-packages"
      s3_key      = "packages/mailer/22.zip"
      code_sha256 = "MjI="
      definition = {
        function_name = "mailer"
        runtime       = "python3.9"
        handler       = "mailer.handler"
        secrets       = [{ id = "smtp-password", class = "user_prompt", target = "PASSWORD", label = "Relay", pattern = "^.{8,}$" }]
      }
    }
    plain = {
      s3_bucket   = "example-packages"
      s3_key      = "packages/plain/33.zip"
      code_sha256 = "MzM="
      definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler" }
    }
  }
}

run "secrets_are_made_once_however_many_functions_have_them" {
  command = plan

  assert {
    condition     = { for id, secret in aws_secretsmanager_secret.this : id => secret.name } == { cookie-key = "lambda-pack/cookie-key", smtp-password = "lambda-pack/smtp-password" }
    error_message = "those that exist are not made"
  }

  assert {
    condition = jsonencode({ for id, secret in terraform_data.secret : id => secret.triggers_replace }) == jsonencode({
      cookie-key    = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:made-AbCdEf", null, "per_install_generated"]
      smtp-password = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:made-AbCdEf", null, "user_prompt"]
      relay-token   = ["/shop/relay", null, "user_prompt"]
    })
    error_message = "a value is provided with its secret, and for nothing that is read at run time only"
  }

  assert {
    condition     = aws_secretsmanager_secret.this["cookie-key"].recovery_window_in_days == 30 && aws_secretsmanager_secret.this["smtp-password"].description == "Relay"
    error_message = "settings"
  }
}

run "functions_are_told_names_and_arns" {
  command = plan

  assert {
    condition = one(aws_lambda_function.this["shop"].environment).variables == tomap({
      LOG_LEVEL             = "INFO"
      COOKIE_KEY_SECRET     = "lambda-pack/cookie-key"
      SMTP_PASSWORD_SECRET  = "lambda-pack/smtp-password"
      RELAY_TOKEN_PARAMETER = "/shop/relay"
      BY_ARN                = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:pay/stripe-AbCdEf"
      BY_PARTIAL_ARN        = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:pay/paypal"
      BY_NAME               = "pay/klarna"
      BY_PARAMETER          = "top-level"
      BY_PARAMETER_ARN      = "arn:aws:ssm:eu-west-1:999999999999:parameter/pay/visa"
    })
    error_message = "the environment"
  }

  assert {
    condition     = one(aws_lambda_function.this["mailer"].environment).variables == tomap({ PASSWORD = "lambda-pack/smtp-password" })
    error_message = "each by a variable of its own"
  }

  assert {
    condition     = length(aws_lambda_function.this["plain"].environment) == 0
    error_message = "others know nothing of them"
  }
}

run "roles_may_read_exactly_that" {
  command = plan

  assert {
    condition = jsonencode(slice(jsondecode(aws_iam_role_policy.this["shop"].policy).Statement, 1, 5)) == jsonencode([
      {
        Sid    = "ReadSecrets"
        Effect = "Allow"
        Action = ["secretsmanager:GetSecretValue"]
        Resource = [
          "arn:aws:secretsmanager:eu-west-1:123456789012:secret:made-AbCdEf",
          "arn:aws:secretsmanager:eu-west-1:123456789012:secret:made-AbCdEf",
          "arn:aws:secretsmanager:eu-west-1:999999999999:secret:pay/stripe-AbCdEf",
          "arn:aws:secretsmanager:eu-west-1:999999999999:secret:pay/paypal-??????",
          "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pay/klarna-??????",
        ]
      },
      {
        Sid    = "ReadParameters"
        Effect = "Allow"
        Action = ["ssm:GetParameter"]
        Resource = [
          "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/relay",
          "arn:aws:ssm:eu-west-1:123456789012:parameter/top-level",
          "arn:aws:ssm:eu-west-1:999999999999:parameter/pay/visa",
        ]
      },
      {
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem"]
        Resource = ["arn:aws:dynamodb:eu-west-1:123456789012:table/orders"]
      },
      {
        Sid       = "NoRoot"
        Effect    = "Deny"
        Action    = ["s3:*"]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:PrincipalTag/team" = ["a", "b"] } }
      },
    ])
    error_message = "secrets, parameters, and what the definition asks for"
  }

  assert {
    condition     = length(jsondecode(aws_iam_role_policy.this["shop"].policy).Statement) == 5
    error_message = "and nothing else"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.this["plain"].policy).Statement : statement.Sid] == ["WriteLogs"]
    error_message = "no statement without content"
  }
}

run "keys_and_prefixes" {
  command = plan

  variables {
    name_prefix                    = "staging-"
    secret_prefix                  = "shop/"
    secret_recovery_window_in_days = 0
    secret_versions                = { cookie-key = "2" }
    secret_kms_key_arns = {
      cookie-key  = "arn:aws:kms:eu-west-1:123456789012:key/1"
      relay-token = "arn:aws:kms:eu-west-1:123456789012:key/2"
    }
  }

  assert {
    condition = (
      aws_secretsmanager_secret.this["cookie-key"].name == "shop/staging-cookie-key" &&
      aws_secretsmanager_secret.this["cookie-key"].kms_key_id == "arn:aws:kms:eu-west-1:123456789012:key/1" &&
      aws_secretsmanager_secret.this["cookie-key"].recovery_window_in_days == 0 &&
      aws_secretsmanager_secret.this["smtp-password"].kms_key_id == null &&
      one(aws_lambda_function.this["shop"].environment).variables.COOKIE_KEY_SECRET == "shop/staging-cookie-key"
    )
    error_message = "secrets"
  }

  assert {
    condition     = terraform_data.secret["cookie-key"].triggers_replace[1] == "2" && terraform_data.secret["smtp-password"].triggers_replace[1] == null
    error_message = "another version is another value"
  }

  assert {
    condition = jsonencode([for statement in jsondecode(aws_iam_role_policy.this["shop"].policy).Statement : statement if statement.Action == ["kms:Decrypt"]]) == jsonencode([
      {
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = "arn:aws:kms:eu-west-1:123456789012:key/1"
        Condition = { StringLike = { "kms:EncryptionContext:SecretARN" = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:made-AbCdEf" } }
      },
      {
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = "arn:aws:kms:eu-west-1:123456789012:key/2"
        Condition = { StringLike = { "kms:EncryptionContext:PARAMETER_ARN" = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/relay" } }
      },
    ])
    error_message = "a role may decrypt what it reads, and nothing else"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.this["mailer"].policy).Statement : statement.Action != ["kms:Decrypt"]])
    error_message = "no key, no right"
  }
}

run "one_id_is_one_secret" {
  command = plan

  variables {
    package_overrides = {
      mailer = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/mailer/00.zip"
        code_sha256 = "MDA="
        definition = {
          function_name = "mailer"
          runtime       = "python3.9"
          handler       = "mailer.handler"
          secrets       = [{ id = "smtp-password", class = "per_install_generated", target = "PASSWORD" }]
        }
      }
    }
  }

  expect_failures = [output.secrets]
}

run "a_rollback_deletes_no_secret" {
  command = plan

  variables {
    package_overrides = {
      shop = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/shop/00.zip"
        code_sha256 = "MDA="
        definition  = { function_name = "shop", runtime = "python3.9", handler = "shop.handler" }
      }
    }
  }

  assert {
    condition     = keys(aws_secretsmanager_secret.this) == ["cookie-key", "smtp-password"]
    error_message = "the function comes forward again"
  }

  assert {
    condition     = length(aws_lambda_function.this["shop"].environment) == 0 && length(jsondecode(aws_iam_role_policy.this["shop"].policy).Statement) == 1
    error_message = "till then it reads none"
  }
}

run "misspelt_ids" {
  command = plan

  variables {
    # One that exists isn't made here.
    secret_versions     = { by-name = "2" }
    secret_kms_key_arns = { cookie = "arn:aws:kms:eu-west-1:123456789012:key/1" }
  }

  expect_failures = [output.secrets]
}

run "a_variable_that_is_taken" {
  command = plan

  variables {
    environment = { shop = { COOKIE_KEY_SECRET = "0123456789" } }
  }

  expect_failures = [aws_lambda_function.this["shop"]]
}

run "a_sid_that_is_taken" {
  command = plan

  variables {
    packages = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/plain/33.zip"
        code_sha256 = "MzM="
        definition = {
          function_name     = "plain", runtime = "python3.9", handler = "plain.handler"
          policy_statements = [{ sid = "WriteLogs", actions = ["logs:PutLogEvents"], resources = ["*"] }]
        }
      }
    }
  }

  expect_failures = [aws_iam_role_policy.this["plain"]]
}

run "bad_values" {
  command = plan

  variables {
    secret_prefix                  = "shop:"
    secret_recovery_window_in_days = 5
    secret_versions                = { cookie-key = "" }
    secret_kms_key_arns            = { cookie-key = "arn:aws:kms:eu-west-1:123456789012:alias/mine" }
    lambda_pack                    = ""
  }

  expect_failures = [
    var.secret_prefix,
    var.secret_recovery_window_in_days,
    var.secret_versions,
    var.secret_kms_key_arns,
    var.lambda_pack,
  ]
}

run "packages_of_no_profile_are_not_for_one" {
  command = plan

  variables {
    deployment_profile = "prod"
  }

  expect_failures = [output.functions]
}

run "packages_of_a_profile" {
  command = plan

  variables {
    deployment_profile = "prod"
    packages = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/plain/33.zip"
        code_sha256 = "MzM="
        definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler", deployment_profile = "prod" }
      }
    }
    # From before there were profiles.
    package_overrides = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/plain/00.zip"
        code_sha256 = "MDA="
        definition  = { function_name = "plain", runtime = "python3.9", handler = "old.handler" }
      }
    }
  }

  assert {
    condition     = aws_lambda_function.this["plain"].handler == "old.handler"
    error_message = "a rollback may lead there"
  }
}

run "packages_of_another_profile" {
  command = plan

  variables {
    deployment_profile = "prod"
    packages = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/plain/33.zip"
        code_sha256 = "MzM="
        definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler", deployment_profile = "staging" }
      }
    }
  }

  expect_failures = [output.functions]
}

run "packages_of_a_profile_where_none_is_meant" {
  command = plan

  variables {
    packages = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/plain/33.zip"
        code_sha256 = "MzM="
        definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler", deployment_profile = "prod" }
      }
    }
  }

  expect_failures = [output.functions]
}
