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

  # function_name => { source_hash, definition }
  hashed = jsondecode(data.external.hash.result.packages)
}

# Runs at every plan; writes nothing but a cache.
data "external" "hash" {
  program = [local.lambda_pack, "external", "hash"]

  query = {
    code_dir           = local.code_dir
    config_dir         = local.config_dir
    deployment_profile = local.deployment_profile
  }
}

resource "terraform_data" "upload" {
  for_each = local.hashed

  triggers_replace = [local.store, each.value.source_hash]

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
