# Build and deploy in one module, with no more than it takes to show the way:
# hash (at plan) -> upload -> read back -> functions.

data "external" "hash" {
  program = [var.lambda_pack, "external", "hash"]

  query = {
    code_dir   = var.code_dir
    config_dir = var.config_dir
  }
}

locals {
  # Known at plan.
  hashed = jsondecode(data.external.hash.result.packages)

  # Unknown at plan while an upload is pending, so that it must not decide which
  # functions there are.
  published = jsondecode(data.external.published.result.packages)

  functions = { for name, package in local.hashed : name => package.definition if package.definition.type == "function" }

  store = "s3://${aws_s3_bucket.packages.id}"
}

resource "aws_s3_bucket" "packages" {
  #checkov:skip=CKV_AWS_18:access logs need a bucket of the caller's
  #checkov:skip=CKV_AWS_21:lambda-build-module keeps versions; this is the least that works
  #checkov:skip=CKV_AWS_144:a package is made again from its source
  #checkov:skip=CKV_AWS_145:S3 encrypts with a key of its own; lambda-build-module takes a KMS key
  #checkov:skip=CKV2_AWS_61:lambda-build-module has a lifecycle; this is the least that works
  #checkov:skip=CKV2_AWS_62:nobody waits for a package: Terraform reads back what was published
  bucket = var.bucket_name
}

resource "aws_s3_bucket_public_access_block" "packages" {
  bucket = aws_s3_bucket.packages.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "terraform_data" "upload" {
  for_each = local.hashed

  triggers_replace = [local.store, each.value.source_hash]

  # Values reach the shell through the environment alone: within a command they
  # would be run.
  provisioner "local-exec" {
    interpreter = ["sh", "-c"]
    command     = "exec \"$LAMBDA_PACK\" upload --expect=\"$FUNCTION_NAME=$SOURCE_HASH\" -- \"$FUNCTION_NAME\""

    environment = {
      LAMBDA_PACK   = var.lambda_pack
      FUNCTION_NAME = each.key
      SOURCE_HASH   = each.value.source_hash

      LAMBDA_PACK_STORE      = local.store
      LAMBDA_PACK_CODE_DIR   = var.code_dir
      LAMBDA_PACK_CONFIG_DIR = var.config_dir
      LAMBDA_PACK_REGION     = aws_s3_bucket.packages.region
    }
  }

  depends_on = [aws_s3_bucket_public_access_block.packages]
}

data "external" "published" {
  program = [var.lambda_pack, "external", "published", "--region", aws_s3_bucket.packages.region]

  query = {
    store    = local.store
    packages = data.external.hash.result.packages
  }

  depends_on = [terraform_data.upload]
}

resource "aws_iam_role" "this" {
  for_each = local.functions

  # IAM allows 64 characters; lambda-deploy-module shortens what is longer.
  name = "${var.name_prefix}${each.key}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts with a key of its own; lambda-deploy-module takes a KMS key
  #checkov:skip=CKV_AWS_338:lambda-deploy-module has log_retention_in_days; this is the least that works
  for_each = local.functions

  name              = "/aws/lambda/${var.name_prefix}${each.key}"
  retention_in_days = 30
}

resource "aws_iam_role_policy" "this" {
  for_each = local.functions

  name = "lambda-pack"
  role = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this[each.key].arn}:*"
    }]
  })
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50:lambda-deploy-module has tracing; this is the least that works
  #checkov:skip=CKV_AWS_115:lambda-deploy-module has reserved concurrency; this is the least that works
  #checkov:skip=CKV_AWS_116:lambda-deploy-module has dead letters; this is the least that works
  #checkov:skip=CKV_AWS_117:lambda-deploy-module has VPCs; this is the least that works
  #checkov:skip=CKV_AWS_173:Lambda encrypts with a key of its own; lambda-deploy-module takes a KMS key
  #checkov:skip=CKV_AWS_272:lambda-deploy-module has signing; this is the least that works
  for_each = local.functions

  function_name = "${var.name_prefix}${each.key}"
  description   = lookup(each.value, "description", null)
  role          = aws_iam_role.this[each.key].arn

  s3_bucket        = local.published[each.key].s3_bucket
  s3_key           = local.published[each.key].s3_key
  source_code_hash = local.published[each.key].code_sha256

  runtime       = lookup(each.value, "runtime", null)
  handler       = lookup(each.value, "handler", null)
  architectures = each.value.architectures
  memory_size   = each.value.memory_size
  timeout       = each.value.timeout

  dynamic "environment" {
    for_each = length(each.value.environment) > 0 ? [each.value.environment] : []

    content {
      variables = environment.value
    }
  }

  depends_on = [aws_iam_role_policy.this]
}
