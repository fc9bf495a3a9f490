provider "aws" {
  region = "eu-west-1"
}

variable "bucket_name" {
  description = "Bucket for the packages; bucket names are unique in the world."
  type        = string
}

module "build" {
  source = "../../../lambda-build-module"

  code_dir    = "../code"
  config_dir  = "../lambda-json"
  bucket_name = var.bucket_name
}

output "packages" {
  description = "What is in the store, for the root module that deploys."
  value       = module.build.packages
}
