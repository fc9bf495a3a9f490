terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 4.9"
    }
    external = {
      source  = "hashicorp/external"
      version = ">= 2.3"
    }
  }
}
