# The module's logic, against invented providers: terraform test in the
# module's directory (Terraform 1.11, for override_during). It plans only; what
# happens at apply is tested end to end, in ../tests/e2e.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  packages = {
    # Nothing but what must be there.
    plain = {
      source_hash = "1111"
      s3_bucket   = "example-packages"
      s3_key      = "packages/plain/11.zip"
      code_sha256 = "MTE="
      size_bytes  = 11
      definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler" }
    }
    # All that a definition can say.
    full = {
      source_hash = "2222"
      s3_bucket   = "example-packages"
      s3_key      = "packages/full/22.zip"
      code_sha256 = "MjI="
      size_bytes  = 22
      definition = {
        function_name                  = "full"
        type                           = "function"
        description                    = "All"
        runtime                        = "nodejs14.x"
        handler                        = "index.handler"
        architectures                  = ["arm64"]
        memory_size                    = 512
        timeout                        = 30
        environment                    = { LOG_LEVEL = "INFO", TABLE = "orders" }
        layers                         = ["common", "arn:aws:lambda:eu-west-1:999999999999:layer:other:1"]
        ephemeral_storage              = { size = 1024 }
        tracing_config                 = { mode = "Active" }
        dead_letter_config             = { target_arn = "arn:aws:sqs:eu-west-1:123456789012:dead" }
        vpc_config                     = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
        kms_key_arn                    = "arn:aws:kms:eu-west-1:123456789012:key/1"
        reserved_concurrent_executions = 0
        tags                           = { service = "orders", team = "b" }
      }
    }
    common = {
      source_hash = "3333"
      s3_bucket   = "example-packages"
      s3_key      = "packages/common/33.zip"
      code_sha256 = "MzM="
      size_bytes  = 33
      definition  = { function_name = "common", type = "layer", architectures = ["arm64"], compatible_runtimes = ["nodejs14.x"] }
    }
  }
}

run "plain_function" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this["plain"].s3_bucket == "example-packages" &&
      aws_lambda_function.this["plain"].s3_key == "packages/plain/11.zip" &&
      aws_lambda_function.this["plain"].source_code_hash == "MTE="
    )
    error_message = "package"
  }

  assert {
    condition = (
      aws_lambda_function.this["plain"].publish &&
      aws_lambda_function.this["plain"].memory_size == 128 &&
      aws_lambda_function.this["plain"].timeout == 3 &&
      aws_lambda_function.this["plain"].reserved_concurrent_executions == -1 &&
      aws_lambda_function.this["plain"].architectures == tolist(["x86_64"]) &&
      aws_lambda_function.this["plain"].kms_key_arn == null &&
      one(aws_lambda_function.this["plain"].ephemeral_storage).size == 512 &&
      one(aws_lambda_function.this["plain"].tracing_config).mode == "PassThrough"
    )
    error_message = "defaults"
  }

  assert {
    condition = (
      length(aws_lambda_function.this["plain"].environment) == 0 &&
      length(aws_lambda_function.this["plain"].vpc_config) == 0 &&
      length(aws_lambda_function.this["plain"].dead_letter_config) == 0
    )
    error_message = "no block without content"
  }

  assert {
    condition     = aws_iam_role.this["plain"].name == "plain-eu-west-1"
    error_message = "the role's name has the region"
  }

  assert {
    condition = jsonencode(jsondecode(aws_iam_role_policy.this["plain"].policy).Statement) == jsonencode([{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/plain:*"
    }])
    error_message = "it may write its own logs and nothing else"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this["plain"].name == "/aws/lambda/plain" && aws_cloudwatch_log_group.this["plain"].retention_in_days == 30
    error_message = "log group"
  }

  assert {
    condition     = aws_lambda_alias.this["plain"].name == "live" && aws_lambda_alias.this["plain"].function_version == "7"
    error_message = "the alias follows the newest version"
  }

  assert {
    condition     = toset(keys(output.functions)) == toset(["plain", "full"]) && keys(output.layers) == ["common"]
    error_message = "layers are not functions"
  }
}

run "full_definition" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this["full"].description == "All (layers eb8c70a1)" &&
      aws_lambda_function.this["full"].architectures == tolist(["arm64"]) &&
      aws_lambda_function.this["full"].memory_size == 512 &&
      aws_lambda_function.this["full"].timeout == 30 &&
      aws_lambda_function.this["full"].reserved_concurrent_executions == 0 &&
      aws_lambda_function.this["full"].kms_key_arn == "arn:aws:kms:eu-west-1:123456789012:key/1" &&
      one(aws_lambda_function.this["full"].ephemeral_storage).size == 1024 &&
      one(aws_lambda_function.this["full"].tracing_config).mode == "Active" &&
      one(aws_lambda_function.this["full"].dead_letter_config).target_arn == "arn:aws:sqs:eu-west-1:123456789012:dead" &&
      one(aws_lambda_function.this["full"].vpc_config).subnet_ids == toset(["subnet-1"]) &&
      one(aws_lambda_function.this["full"].vpc_config).security_group_ids == toset(["sg-1"]) &&
      one(aws_lambda_function.this["full"].environment).variables == tomap({ LOG_LEVEL = "INFO", TABLE = "orders" })
    )
    error_message = "settings"
  }

  assert {
    condition = aws_lambda_function.this["full"].layers == tolist([
      "arn:aws:lambda:eu-west-1:123456789012:layer:common:3",
      "arn:aws:lambda:eu-west-1:999999999999:layer:other:1",
    ])
    error_message = "a layer by name, and one by ARN"
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.this["full"].policy).Statement : statement.Sid] == [
      "WriteLogs", "WriteTraces", "AttachToVpc", "SendDeadLetters", "DecryptEnvironment",
    ]
    error_message = "one statement for each setting that needs one"
  }

  assert {
    condition = (
      aws_lambda_layer_version.this["common"].s3_key == "packages/common/33.zip" &&
      aws_lambda_layer_version.this["common"].source_code_hash == "MzM=" &&
      aws_lambda_layer_version.this["common"].compatible_runtimes == toset(["nodejs14.x"])
    )
    error_message = "layer"
  }
}

run "overrides" {
  command = plan

  variables {
    name_prefix          = "staging-"
    alias_name           = "stable"
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
    tags                 = { team = "a", stage = "staging" }
    environment          = { full = { LOG_LEVEL = "DEBUG", EXTRA = "1" } }
    function_overrides = {
      full = {
        description                    = "Less"
        runtime                        = "python3.9"
        handler                        = "wrapper.handler"
        memory_size                    = 1024
        timeout                        = 60
        layers                         = []
        ephemeral_storage_size         = 2048
        tracing_mode                   = "PassThrough"
        dead_letter_target_arn         = "arn:aws:sns:eu-west-1:123456789012:dead"
        vpc_subnet_ids                 = []
        vpc_security_group_ids         = []
        kms_key_arn                    = "arn:aws:kms:eu-west-1:123456789012:alias/functions"
        reserved_concurrent_executions = 5
        permissions_boundary           = "arn:aws:iam::123456789012:policy/tighter"
        log_retention_in_days          = 7
      }
    }
  }

  assert {
    condition = (
      aws_lambda_function.this["full"].function_name == "staging-full" &&
      aws_lambda_function.this["full"].description == "Less" &&
      aws_lambda_function.this["full"].runtime == "python3.9" &&
      aws_lambda_function.this["full"].handler == "wrapper.handler" &&
      aws_lambda_function.this["full"].memory_size == 1024 &&
      aws_lambda_function.this["full"].timeout == 60 &&
      length(aws_lambda_function.this["full"].layers) == 0 &&
      one(aws_lambda_function.this["full"].ephemeral_storage).size == 2048 &&
      one(aws_lambda_function.this["full"].tracing_config).mode == "PassThrough" &&
      one(aws_lambda_function.this["full"].dead_letter_config).target_arn == "arn:aws:sns:eu-west-1:123456789012:dead" &&
      length(aws_lambda_function.this["full"].vpc_config) == 0 &&
      aws_lambda_function.this["full"].kms_key_arn == "arn:aws:kms:eu-west-1:123456789012:alias/functions" &&
      aws_lambda_function.this["full"].reserved_concurrent_executions == 5
    )
    error_message = "every override wins"
  }

  assert {
    condition = jsonencode([for statement in jsondecode(aws_iam_role_policy.this["full"].policy).Statement : statement if statement.Sid == "DecryptEnvironment"]) == jsonencode([{
      Sid       = "DecryptEnvironment"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = "arn:aws:kms:eu-west-1:123456789012:key/*"
      Condition = { "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/functions" } }
    }])
    error_message = "it may use the key that has the alias"
  }

  assert {
    condition     = aws_lambda_function.this["full"].architectures == tolist(["arm64"]) && aws_lambda_function.this["full"].s3_key == "packages/full/22.zip"
    error_message = "the package stays"
  }

  assert {
    condition     = one(aws_lambda_function.this["full"].environment).variables == tomap({ LOG_LEVEL = "DEBUG", TABLE = "orders", EXTRA = "1" })
    error_message = "environments are merged"
  }

  assert {
    condition     = aws_lambda_function.this["full"].tags == tomap({ service = "orders", stage = "staging", team = "b" })
    error_message = "the definition's tags win"
  }

  assert {
    condition = (
      aws_iam_role.this["full"].permissions_boundary == "arn:aws:iam::123456789012:policy/tighter" &&
      aws_iam_role.this["plain"].permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    )
    error_message = "permissions boundary"
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.this["full"].name == "/aws/lambda/staging-full" &&
      aws_cloudwatch_log_group.this["full"].retention_in_days == 7 &&
      aws_cloudwatch_log_group.this["plain"].retention_in_days == 30
    )
    error_message = "log groups"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.this["full"].policy).Statement : statement.Action if statement.Sid == "SendDeadLetters"] == [["sns:Publish"]]
    error_message = "a topic is published to"
  }

  assert {
    condition     = aws_lambda_function.this["plain"].function_name == "staging-plain" && aws_lambda_function.this["plain"].memory_size == 128
    error_message = "no other function changes"
  }

  assert {
    condition     = aws_lambda_layer_version.this["common"].layer_name == "staging-common"
    error_message = "layers are prefixed too"
  }

  assert {
    condition     = aws_lambda_alias.this["full"].name == "stable"
    error_message = "alias"
  }
}

run "rollback" {
  command = plan

  variables {
    alias_versions = { plain = "4" }
    package_overrides = {
      full = {
        source_hash = "0000"
        s3_bucket   = "example-packages"
        s3_key      = "packages/full/00.zip"
        code_sha256 = "MDA="
        size_bytes  = 0
        definition  = { function_name = "full", runtime = "nodejs14.x", handler = "old.handler" }
      }
    }
  }

  assert {
    condition = (
      aws_lambda_function.this["full"].s3_key == "packages/full/00.zip" &&
      aws_lambda_function.this["full"].source_code_hash == "MDA=" &&
      aws_lambda_function.this["full"].handler == "old.handler" &&
      aws_lambda_function.this["full"].memory_size == 128
    )
    error_message = "an older package comes with its own definition"
  }

  assert {
    condition     = aws_lambda_alias.this["plain"].function_version == "4" && aws_lambda_alias.this["full"].function_version == "7"
    error_message = "one alias is held"
  }
}

run "log_groups_of_lambda" {
  command = plan

  variables {
    create_log_group = false
  }

  assert {
    condition     = length(aws_cloudwatch_log_group.this) == 0
    error_message = "none is made here"
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.this["plain"].policy).Statement[0].Action, "logs:CreateLogGroup")
    error_message = "so the function must be able to"
  }
}

run "long_names" {
  command = plan

  variables {
    # With "plain" 65 characters.
    name_prefix = "a-prefix-that-takes-all-the-room-that-lambda-and-iam-allows-"
    packages = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/plain/11.zip"
        code_sha256 = "MTE="
        definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler" }
      }
    }
  }

  expect_failures = [aws_lambda_function.this["plain"]]
}

run "long_role_names_are_shortened" {
  command = plan

  variables {
    name_prefix = "a-prefix-that-takes-all-the-room-that-lambda-and-iam-allow-"
  }

  assert {
    condition     = length(aws_lambda_function.this["plain"].function_name) == 64
    error_message = "as long as a function's name may be"
  }

  assert {
    condition     = aws_iam_role.this["plain"].name == "a-prefix-that-takes-all-the-room-that-lambda--${substr(sha256(aws_lambda_function.this["plain"].function_name), 0, 8)}-eu-west-1"
    error_message = "the digest and the region stay"
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.this : length(role.name) <= 64])
    error_message = "IAM allows 64 characters"
  }
}

run "build_comes_first" {
  command = plan

  variables {
    packages = null
  }

  expect_failures = [var.packages]
}

run "no_function_is_left" {
  command = plan

  variables {
    packages = {}
  }

  assert {
    condition     = length(output.functions) == 0
    error_message = "removing the last function is no error"
  }
}

run "misspelt_names" {
  command = plan

  variables {
    # A layer has no alias.
    alias_versions     = { common = "1" }
    environment        = { plian = { A = "1" } }
    function_overrides = { ful = { timeout = 3 } }
  }

  expect_failures = [output.functions]
}

run "misspelt_package" {
  command = plan

  variables {
    package_overrides = {
      plian = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/plian/11.zip"
        code_sha256 = "MTE="
        definition  = { function_name = "plian", runtime = "python3.9", handler = "plain.handler" }
      }
    }
  }

  expect_failures = [output.functions]
}

run "package_under_another_name" {
  command = plan

  variables {
    package_overrides = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/full/22.zip"
        code_sha256 = "MjI="
        definition  = { function_name = "full", runtime = "python3.9", handler = "plain.handler" }
      }
    }
  }

  expect_failures = [var.package_overrides]
}

run "unusable_definitions" {
  command = plan

  variables {
    packages = {
      no_handler = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/no_handler/11.zip"
        code_sha256 = "MTE="
        definition  = { function_name = "no_handler", runtime = "python3.9" }
      }
      no_such_layer = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/no_such_layer/11.zip"
        code_sha256 = "MTE="
        definition  = { function_name = "no_such_layer", runtime = "python3.9", handler = "a.b", layers = ["common"] }
      }
      no_queue = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/no_queue/11.zip"
        code_sha256 = "MTE="
        definition = {
          function_name      = "no_queue", runtime = "python3.9", handler = "a.b",
          dead_letter_config = { target_arn = "arn:aws:s3:::bucket" }
        }
      }
      no_security_group = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/no_security_group/11.zip"
        code_sha256 = "MTE="
        definition = {
          function_name = "no_security_group", runtime = "python3.9", handler = "a.b",
          vpc_config    = { subnet_ids = ["subnet-1"], security_group_ids = [] }
        }
      }
    }
  }

  expect_failures = [
    aws_lambda_function.this["no_handler"],
    aws_lambda_function.this["no_such_layer"],
    aws_lambda_function.this["no_queue"],
    aws_lambda_function.this["no_security_group"],
  ]
}

run "unknown_type" {
  command = plan

  variables {
    packages = {
      image = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/image/11.zip"
        code_sha256 = "MTE="
        definition  = { function_name = "image", type = "image" }
      }
    }
  }

  expect_failures = [output.functions]
}

run "bad_values" {
  command = plan

  variables {
    name_prefix           = "a b"
    alias_name            = "12"
    alias_versions        = { plain = "$LATEST" }
    permissions_boundary  = "arn:aws:iam::123456789012:role/boundary"
    log_retention_in_days = 0.5
    log_kms_key_arn       = "arn:aws:kms:eu-west-1:123456789012:alias/logs"
  }

  expect_failures = [
    var.name_prefix,
    var.alias_name,
    var.alias_versions,
    var.permissions_boundary,
    var.log_retention_in_days,
    var.log_kms_key_arn,
  ]
}

run "an_empty_alias" {
  command = plan

  variables {
    alias_name = ""
  }

  expect_failures = [var.alias_name]
}

run "packages_that_somebody_renamed" {
  command = plan

  variables {
    packages = {
      plain = {
        s3_bucket   = "example-packages"
        s3_key      = "packages/full/22.zip"
        code_sha256 = "MjI="
        definition  = { function_name = "full", runtime = "python3.9", handler = "plain.handler" }
      }
    }
  }

  expect_failures = [var.packages]
}
