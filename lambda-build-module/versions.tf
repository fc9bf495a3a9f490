terraform {
  # 1.5: strcontains().
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 4.9: a bucket's settings are resources of their own, and don't fight with
      # the bucket's attributes.
      version = ">= 4.9"
    }
    external = {
      source  = "hashicorp/external"
      version = ">= 2.3"
    }
  }
}
