# With a signing profile AWS Signer signs every package into an object beside
# it, and Lambda is given that one: its bytes differ with each signing, since a
# signature has a time. So what is signed once stays until the unsigned package
# is another one.

locals {
  signed_names = var.signing_profile_name == null ? {} : tomap({ for name, package in local.packages : name => name })

  package_versions = { for name, object in data.aws_s3_object.package : name => object.version_id }

  # In the store's own prefix, to which the same may write. The unsigned package's name is part of
  # it, so that `lambda-pack gc` and `verify` know whose each signed object is.
  signed_prefixes = { for name, package in local.packages : name => replace(package.s3_key, "/packages/[^/]+/([^/]+)\\.zip$/", "signed/${name}/$1/") }

  # By function_name, what Lambda reads. Of a signed object nobody knows the
  # digest before, and some versions of the provider compare what is said here with what
  # Lambda has: there its key alone says that it is new.
  code = {
    for name, package in local.packages : name => {
      s3_bucket        = var.signing_profile_name == null ? package.s3_bucket : aws_signer_signing_job.this[name].signed_object[0].s3[0].bucket
      s3_key           = var.signing_profile_name == null ? package.s3_key : aws_signer_signing_job.this[name].signed_object[0].s3[0].key
      source_code_hash = var.signing_profile_name == null ? package.code_sha256 : null
    }
  }

  code_signing_config_arn = one(aws_lambda_code_signing_config.this[*].arn)
}

# Signer takes a version of an object, never the newest one.
data "aws_s3_object" "package" {
  for_each = local.signed_names

  bucket = local.packages[each.key].s3_bucket
  key    = local.packages[each.key].s3_key
}

resource "aws_signer_signing_job" "this" {
  for_each = local.signed_names

  profile_name = var.signing_profile_name

  source {
    s3 {
      bucket  = local.packages[each.key].s3_bucket
      key     = local.packages[each.key].s3_key
      version = local.package_versions[each.key]
    }
  }

  destination {
    s3 {
      bucket = local.packages[each.key].s3_bucket
      prefix = local.signed_prefixes[each.key]
    }
  }

  lifecycle {
    # The key ends in the digest of the unsigned package: another key is another
    # package, and a new version of the same key has the same bytes.
    ignore_changes = [source[0].s3[0].version]

    precondition {
      condition     = try(length(local.package_versions[each.key]) > 0, false)
      error_message = "Package ${each.key}: AWS Signer needs a bucket that keeps versions, as lambda-build-module makes it; \"${local.packages[each.key].s3_bucket}\" doesn't."
    }
  }
}

# Also where nothing is new: a profile that isn't there, or isn't for Lambda, is
# told by the plan rather than by an apply that has begun.
data "aws_signer_signing_profile" "this" {
  count = var.signing_profile_name == null ? 0 : 1

  name = var.signing_profile_name

  lifecycle {
    postcondition {
      condition     = self.platform_id == "AWSLambda-SHA384-ECDSA"
      error_message = "signing_profile_name: \"${var.signing_profile_name}\" signs for the platform ${self.platform_id}; Lambda takes signatures of AWSLambda-SHA384-ECDSA."
    }
  }
}

resource "aws_lambda_code_signing_config" "this" {
  count = var.code_signing_policy == null ? 0 : 1

  description = "Functions of ${var.name_prefix == "" ? "lambda-deploy-module" : var.name_prefix}"

  allowed_publishers {
    signing_profile_version_arns = concat(data.aws_signer_signing_profile.this[*].version_arn, var.signing_profile_version_arns)
  }

  policies {
    untrusted_artifact_on_deployment = var.code_signing_policy
  }

  lifecycle {
    # Who goes back to no policy: functions let it go before it is deleted, or
    # Lambda refuses to.
    create_before_destroy = true

    precondition {
      condition     = var.signing_profile_name != null
      error_message = "code_signing_policy has Lambda look for signatures, and nothing is signed: set signing_profile_name, too."
    }
  }
}
