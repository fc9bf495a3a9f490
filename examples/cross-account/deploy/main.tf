variable "deploy_role_arn" {
  description = "Role of the workload account that may deploy there."
  type        = string
}

variable "packages" {
  description = "Output \"packages\" of the build, from packages.auto.tfvars.json: the build's state stays in its own account."
  type        = any
  default     = null
}

provider "aws" {
  # Lambda reads packages from buckets of its own region alone.
  region = "eu-west-1"

  assume_role {
    role_arn = var.deploy_role_arn
  }
}

module "deploy" {
  source = "../../../lambda-deploy-module"

  packages = var.packages
}

output "functions" {
  description = "What was deployed, by function_name."
  value       = module.deploy.functions
}
