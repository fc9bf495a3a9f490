# hash (at plan) -> upload what is new (at apply) -> read back what is stored.

locals {
  # Paths for programs that run elsewhere. Terraform has no "is absolute"; the
  # second form is Windows'.
  absolute   = "^(/|[A-Za-z]:[/\\\\])"
  code_dir   = can(regex(local.absolute, var.code_dir)) ? var.code_dir : abspath("${path.root}/${var.code_dir}")
  config_dir = can(regex(local.absolute, var.config_dir)) ? var.config_dir : abspath("${path.root}/${var.config_dir}")

  # Without a slash it is a name for PATH.
  lambda_pack_is_relative = strcontains(var.lambda_pack, "/") && !can(regex(local.absolute, var.lambda_pack))
  lambda_pack             = local.lambda_pack_is_relative ? abspath("${path.root}/${var.lambda_pack}") : var.lambda_pack

  # null is left out, and the program then asks the environment, which is the same
  # for both that take it.
  deployment_profile = var.deployment_profile == "" ? null : var.deployment_profile

  # By id, which is unknown while a bucket is being made: if somebody deleted
  # the bucket, everything is uploaded again.
  store  = join("/", compact(["s3://${aws_s3_bucket.this.id}", var.prefix]))
  region = aws_s3_bucket.this.region

  # The same by name, which is known before there is a bucket: if the query had
  # anything unknown, Terraform would hash at apply.
  store_by_name = join("/", compact(["s3://${var.bucket_name}", var.prefix]))

  # function_name => { source_hash, definition }
  hashed = jsondecode(data.external.hash.result.packages)

  # function_name => what differs from the package that was published last
  reasons = jsondecode(lookup(data.external.hash.result, "reasons", "{}"))
}

# The provider's: asks nobody.
data "aws_region" "this" {}

# Runs at every plan; writes nothing but a cache. It looks into the store only to
# say why a package is new: whatever it finds there decides nothing.
data "external" "hash" {
  program = [local.lambda_pack, "external", "hash", "--region", data.aws_region.this.id]

  query = {
    code_dir           = local.code_dir
    config_dir         = local.config_dir
    deployment_profile = local.deployment_profile
    explain            = "true"
    store              = local.store_by_name
  }
}

resource "terraform_data" "upload" {
  for_each = local.hashed

  triggers_replace = [local.store, each.value.source_hash]

  # For whoever reads the plan.
  input = lookup(local.reasons, each.key, "its package is in the store already")

  # Values reach the shell through the environment alone: within a command they
  # would be run.
  provisioner "local-exec" {
    interpreter = ["sh", "-c"]
    command     = "exec sh \"$BUILD_SCRIPT\""

    environment = {
      BUILD_SCRIPT  = abspath("${path.module}/build-script.sh")
      LAMBDA_PACK   = local.lambda_pack
      FUNCTION_NAME = each.key
      SOURCE_HASH   = each.value.source_hash

      LAMBDA_PACK_STORE              = local.store
      LAMBDA_PACK_CODE_DIR           = local.code_dir
      LAMBDA_PACK_CONFIG_DIR         = local.config_dir
      LAMBDA_PACK_DEPLOYMENT_PROFILE = local.deployment_profile
      LAMBDA_PACK_REGION             = local.region
    }
  }

  # What differs from the published package is different once it is published.
  # A replacement takes the new value all the same.
  lifecycle {
    ignore_changes = [input]
  }

  # No package is written to a bucket that isn't protected yet.
  depends_on = [
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_policy.this,
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}

# Reads the records of exactly these source hashes from the store. While an
# upload is pending its result is unknown at plan, and that is what it is for:
# Terraform saves outputs known at plan even when the apply fails, and with them
# a new definition beside an old package. Unknown ones keep their old value.
data "external" "published" {
  program = [local.lambda_pack, "external", "published", "--region", local.region]

  query = {
    store    = local.store
    packages = data.external.hash.result.packages
  }

  depends_on = [terraform_data.upload]
}
