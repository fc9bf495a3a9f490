provider "aws" {
  region = "eu-west-1"
}

variable "service" {
  description = "Service whose functions are deployed: those whose names begin with it."
  type        = string
}

data "terraform_remote_state" "build" {
  backend = "local"

  config = {
    path = "${path.root}/../build/terraform.tfstate"
  }
}

locals {
  packages = try(data.terraform_remote_state.build.outputs.packages, null)
}

module "deploy" {
  source = "../../../lambda-deploy-module"

  packages = local.packages == null ? null : { for name, package in local.packages : name => package if startswith(name, "${var.service}-") }
  tags     = { service = var.service }
}

output "functions" {
  description = "What was deployed, by function_name."
  value       = module.deploy.functions
}
