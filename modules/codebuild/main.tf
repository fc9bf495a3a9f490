# One project for all builds. What a build does, and of what, "lambda-pack remote
# start" says when it starts one.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  count     = var.create ? 1 : 0
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  # What all versions of the provider have: 6.x deprecates name and id, older ones lack region.
  region = regex("^ec2\\.([^.]+)\\.", data.aws_region.current.endpoint)[0]

  # Known before the project is made.
  project_arn = "arn:${local.partition}:codebuild:${local.region}:${local.account}:project/${var.name}"

  # A build that says nothing of its source must fail, not run something old.
  source_bucket = try(var.bundles.bucket, var.store.bucket, "no-bucket")

  variables = var.lambda_pack_binary == null ? {} : {
    LAMBDA_PACK_BINARY        = "s3://${var.lambda_pack_binary.bucket}/${var.lambda_pack_binary.key}"
    LAMBDA_PACK_BINARY_SHA256 = var.lambda_pack_binary.sha256
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:what a build did is kept with its bundle or package; log_retention_in_days can be a year
  count = local.count

  name              = "/aws/codebuild/${var.name}"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

resource "aws_codebuild_project" "this" {
  count = local.count

  name                   = var.name
  description            = "Builds that lambda-pack starts"
  service_role           = aws_iam_role.this[0].arn
  build_timeout          = var.build_timeout
  queued_timeout         = var.queued_timeout
  concurrent_build_limit = var.concurrent_build_limit
  encryption_key         = var.encryption_key_arn
  tags                   = var.tags

  source {
    type     = "S3"
    location = "${local.source_bucket}/named-by-each-build.zip"
  }

  artifacts {
    type = "NO_ARTIFACTS"
  }

  environment {
    type                        = var.environment_type
    image                       = var.image
    compute_type                = var.compute_type
    privileged_mode             = var.privileged
    image_pull_credentials_type = length(var.ecr_repository_arns) > 0 ? "SERVICE_ROLE" : "CODEBUILD"

    dynamic "environment_variable" {
      for_each = local.variables

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  dynamic "cache" {
    for_each = var.cache.type == "NO_CACHE" ? [] : [var.cache]

    content {
      type     = cache.value.type
      location = cache.value.type == "S3" ? "${cache.value.bucket}/${cache.value.prefix}" : null
      modes    = cache.value.type == "LOCAL" ? ["LOCAL_CUSTOM_CACHE"] : null
    }
  }

  logs_config {
    cloudwatch_logs {
      status     = "ENABLED"
      group_name = aws_cloudwatch_log_group.this[0].name
    }
  }

  dynamic "vpc_config" {
    for_each = var.vpc[*]

    content {
      vpc_id             = vpc_config.value.id
      subnets            = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  lifecycle {
    # Private from the start. Local stand-ins for AWS don't say so, and each plan would say it to them again.
    ignore_changes = [project_visibility]

    precondition {
      condition     = var.bundles != null || var.store != null
      error_message = "Set bundles, store, or both: builds would have nothing to read and nowhere to write."
    }
  }

  # With its rights, else the first build may come too early.
  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy_attachment.this]
}
