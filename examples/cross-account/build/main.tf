provider "aws" {
  region = "eu-west-1"
}

variable "bucket_name" {
  description = "Bucket for the packages; bucket names are unique in the world."
  type        = string
}

variable "workload_accounts" {
  description = "Accounts that the packages are deployed in, by their ids."
  type        = list(string)
}

module "build" {
  source = "../../../lambda-build-module"

  code_dir    = "../code"
  config_dir  = "../lambda-json"
  bucket_name = var.bucket_name
  reader_arns = [for account in var.workload_accounts : "arn:aws:iam::${account}:root"]
}

output "packages" {
  description = "What is in the store, for those who deploy."
  value       = module.build.packages
}
