# The module's logic, against an invented provider: terraform test in the
# module's directory. What AWS makes of it is tested end to end, in ../../tests/e2e.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { endpoint = "ec2.eu-west-1.amazonaws.com" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/lambda-pack-eu-west-1" }
  }
}

variables {
  bundles = {
    bucket      = "example-bundles"
    project     = "shop"
    deployments = ["prod", "test"]
  }
  store = {
    bucket = "example-packages"
    prefix = "team"
  }
}

run "role_may_do_what_builds_need_and_no_more" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.this[0].policy).Statement : statement.Sid => statement.Resource
      } == {
      WriteLogs      = ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/codebuild/lambda-pack:*"]
      LookAtBuckets  = ["arn:aws:s3:::example-bundles", "arn:aws:s3:::example-packages"]
      ReadSources    = ["arn:aws:s3:::example-bundles/prod/*/sources/*", "arn:aws:s3:::example-bundles/test/*/sources/*", "arn:aws:s3:::example-packages/team/sources/*"]
      WritePackages  = [for part in ["manifests", "packages", "provenance", "records", "sboms", "uses"] : "arn:aws:s3:::example-packages/team/${part}/*"]
      LookWhoDeletes = ["arn:aws:s3:::example-packages/team/gc.json"]
      WriteBundles   = ["arn:aws:s3:::example-bundles/prod/*", "arn:aws:s3:::example-bundles/test/*"]
      WriteRecords   = [for name in ["prod", "test"] : "arn:aws:ssm:eu-west-1:123456789012:parameter/sf/shop/${name}/*"]
    }
    error_message = "resources of the role's policy"
  }

  assert {
    condition     = alltrue(flatten([for statement in jsondecode(aws_iam_role_policy.this[0].policy).Statement : [for action in statement.Action : !strcontains(action, "*")]]))
    error_message = "every action is named"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this[0].assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:codebuild:eu-west-1:123456789012:project/lambda-pack"
    error_message = "this project alone may use the role"
  }
}

run "project_is_as_described" {
  command = plan

  assert {
    condition     = one(aws_codebuild_project.this[0].source).type == "S3" && one(aws_codebuild_project.this[0].artifacts).type == "NO_ARTIFACTS"
    error_message = "sources come from S3, results go where lambda-pack puts them"
  }

  assert {
    condition     = one(one(aws_codebuild_project.this[0].logs_config).cloudwatch_logs).group_name == "/aws/codebuild/lambda-pack"
    error_message = "logs go to the module's group"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this[0].retention_in_days == 30
    error_message = "logs go some day"
  }

  assert {
    condition     = output.project_name == "lambda-pack" && output.log_group_name == "/aws/codebuild/lambda-pack"
    error_message = "outputs"
  }

  assert {
    condition     = [for statement in jsondecode(output.starter_policy).Statement : statement.Sid] == ["StartBuilds", "ReadLogs", "ReadRecords", "SendSources", "LookForSources"]
    error_message = "what a starter needs"
  }
}

run "everything_optional" {
  command = plan

  variables {
    secret_arns         = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"]
    parameter_arns      = ["arn:aws:ssm:eu-west-1:123456789012:parameter/db/password"]
    kms_key_arns        = ["arn:aws:kms:eu-west-1:123456789012:key/1234"]
    policy_arns         = ["arn:aws:iam::123456789012:policy/deploy"]
    ecr_repository_arns = ["arn:aws:ecr:eu-west-1:123456789012:repository/builder"]
    log_kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/5678"
    cache               = { type = "S3", bucket = "example-cache" }
    lambda_pack_binary = {
      bucket = "example-tools"
      key    = "lambda-pack"
      sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
    }
    vpc = { id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  }

  assert {
    condition = toset([for statement in jsondecode(aws_iam_role_policy.this[0].policy).Statement : statement.Sid]) == toset([
      "WriteLogs", "LookAtBuckets", "ReadSources", "WritePackages", "LookWhoDeletes", "WriteBundles", "WriteRecords",
      "ReadSecrets", "ReadParameters", "UseKeys", "ReadLambdaPack", "KeepCache", "PullImages", "LogInToEcr",
      "AttachToVpc", "GiveInterfacesToCodeBuild",
    ])
    error_message = "a statement for each"
  }

  assert {
    condition = flatten([
      for statement in jsondecode(aws_iam_role_policy.this[0].policy).Statement : statement.Condition.ArnEquals["ec2:Subnet"] if statement.Sid == "GiveInterfacesToCodeBuild"
    ]) == ["arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-1", "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-2"]
    error_message = "interfaces in the named subnets alone"
  }

  assert {
    condition     = one(aws_codebuild_project.this[0].environment).image_pull_credentials_type == "SERVICE_ROLE"
    error_message = "private images need the role"
  }

  assert {
    condition     = one(aws_codebuild_project.this[0].cache).location == "example-cache/codebuild-cache"
    error_message = "the cache's place"
  }

  assert {
    condition = { for variable in one(aws_codebuild_project.this[0].environment).environment_variable : variable.name => variable.value } == {
      LAMBDA_PACK_BINARY        = "s3://example-tools/lambda-pack"
      LAMBDA_PACK_BINARY_SHA256 = "0000000000000000000000000000000000000000000000000000000000000000"
    }
    error_message = "where builds get lambda-pack from"
  }

  assert {
    condition     = one(aws_codebuild_project.this[0].vpc_config).vpc_id == "vpc-1"
    error_message = "the network"
  }
}

run "seedfarmer_paths" {
  command = plan

  variables {
    store   = null
    bundles = { bucket = "example-bundles", project = "shop", deployments = ["prod"], layout = "seedfarmer" }
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.this[0].policy).Statement : statement.Sid => statement.Resource if startswith(statement.Sid, "Write")
      } == {
      WriteLogs    = ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/codebuild/lambda-pack:*"]
      WriteBundles = ["arn:aws:s3:::example-bundles/bundle/prod/*"]
      WriteRecords = ["arn:aws:ssm:eu-west-1:123456789012:parameter/shop/prod/*"]
    }
    error_message = "paths of the layout"
  }
}

run "nothing_is_made_where_nothing_is_wanted" {
  command = plan

  variables {
    create = false
  }

  assert {
    condition     = length(aws_codebuild_project.this) + length(aws_iam_role.this) + length(aws_iam_role_policy.this) + length(aws_cloudwatch_log_group.this) == 0
    error_message = "no resource"
  }

  assert {
    condition     = output.project_name == null && output.starter_policy == null
    error_message = "no output"
  }
}

run "neither_bundles_nor_store" {
  command = plan

  variables {
    bundles = null
    store   = null
  }

  expect_failures = [aws_codebuild_project.this]
}

run "bad_values_are_refused" {
  command = plan

  variables {
    name                  = "a b"
    secret_arns           = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:*"]
    parameter_arns        = ["/db/password"]
    kms_key_arns          = ["arn:aws:kms:eu-west-1:123456789012:alias/x"]
    policy_arns           = ["AdministratorAccess"]
    compute_type          = "HUGE"
    build_timeout         = 4
    queued_timeout        = 481
    cache                 = { type = "S3" }
    log_retention_in_days = 2
    lambda_pack_binary    = { bucket = "b", key = "*", sha256 = "x" }
    bundles               = { bucket = "example-bundles", project = "shop", deployments = ["*"] }
    vpc                   = { id = "vpc-1", subnet_ids = [], security_group_ids = [] }
  }

  expect_failures = [
    var.name, var.secret_arns, var.parameter_arns, var.kms_key_arns, var.policy_arns, var.compute_type, var.build_timeout,
    var.queued_timeout, var.cache, var.log_retention_in_days, var.lambda_pack_binary, var.bundles, var.vpc,
  ]
}

run "more_bad_values_are_refused" {
  command = plan

  variables {
    permissions_boundary   = "arn:aws:iam::123456789012:role/boundary"
    image                  = ""
    ecr_repository_arns    = ["arn:aws:ecr:eu-west-1:123456789012:repository/*"]
    environment_type       = "WINDOWS_CONTAINER"
    concurrent_build_limit = 0
    cache                  = { type = "LOCAL", bucket = "example-cache" }
    log_kms_key_arn        = "arn:aws:kms:eu-west-1:123456789012:alias/logs"
    encryption_key_arn     = "alias/aws/s3"
    lambda_pack_binary     = { bucket = "example-tools", key = "lambda-pack", sha256 = "0F1E" }
    bundles                = { bucket = "example-bundles", project = "shop", deployments = [] }
    store                  = { bucket = "Example", prefix = "team" }
    vpc                    = { id = "vpc-1", subnet_ids = ["subnet-1"], security_group_ids = [] }
  }

  expect_failures = [
    var.permissions_boundary, var.image, var.ecr_repository_arns, var.environment_type, var.concurrent_build_limit, var.cache,
    var.log_kms_key_arn, var.encryption_key_arn, var.lambda_pack_binary, var.bundles, var.store, var.vpc,
  ]
}

run "a_store_must_not_leave_its_prefix" {
  command = plan

  variables {
    bundles = { bucket = "example-bundles", project = "shop", deployments = ["prod"], layout = "flat" }
    store   = { bucket = "example-packages", prefix = "/team//a/" }
    cache   = { type = "S3", bucket = "example-cache", prefix = "*" }
  }

  expect_failures = [var.bundles, var.store, var.cache]
}
