terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 4.9: the oldest one that it is tested with. A runtime needs a provider
      # that knows it; see the README.
      version = ">= 4.9"
    }
  }
}
