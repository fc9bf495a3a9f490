provider "aws" {
  region = "eu-west-1"
}

variable "bucket_name" {
  description = "Bucket for the packages; bucket names are unique in the world."
  type        = string
}

variable "writer_arns" {
  description = "Users and roles that alone may write packages; whoever applies this must be among them."
  type        = list(string)
}

resource "aws_kms_key" "packages" {
  description         = "Packages of Lambda functions"
  enable_key_rotation = true
  # Whoever IAM of this account allows.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

data "aws_caller_identity" "current" {}

module "build" {
  source = "../../../lambda-build-module"

  code_dir        = "../code"
  config_dir      = "../lambda-json"
  bucket_name     = var.bucket_name
  prefix          = "orders"
  kms_key_arn     = aws_kms_key.packages.arn
  writer_arns     = var.writer_arns
  noncurrent_days = 365
  tags            = { service = "orders" }
}

output "packages" {
  description = "What is in the store, for the root module that deploys."
  value       = module.build.packages
}
