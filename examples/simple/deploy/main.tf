provider "aws" {
  region = "eu-west-1"
}

data "terraform_remote_state" "build" {
  backend = "local"

  config = {
    path = "${path.root}/../build/terraform.tfstate"
  }
}

module "deploy" {
  source = "../../../lambda-deploy-module"

  # null if nothing was published yet: then the error says what to do.
  packages = try(data.terraform_remote_state.build.outputs.packages, null)
}

output "functions" {
  description = "What was deployed, by function_name."
  value       = module.deploy.functions
}
