# The module's logic, against invented providers: terraform test in the
# module's directory (Terraform 1.11, for override_during). It plans only, since
# a bucket that can't be destroyed can't be cleaned up either; what happens at
# apply is tested end to end, in ../tests/e2e.

mock_provider "aws" {
  override_during = plan

  override_resource {
    target = aws_s3_bucket.this
    values = {
      id     = "example-packages"
      arn    = "arn:aws:s3:::example-packages"
      region = "eu-west-1"
    }
  }

  override_data {
    target = data.aws_region.this
    values = { id = "eu-west-1" }
  }
}

mock_provider "external" {
  override_during = plan

  override_data {
    target = data.external.hash
    values = {
      result = {
        packages = "{\"a\":{\"source_hash\":\"aaaa\",\"definition\":{}},\"b\":{\"source_hash\":\"bbbb\",\"definition\":{}}}"
        reasons  = "{\"a\":\"app.py changed, +1.2 KB; requests 2.31 → 2.32\"}"
      }
    }
  }

  override_data {
    target = data.external.published
    values = {
      result = {
        packages = "{\"a\":{\"s3_key\":\"packages/a/1.zip\"},\"b\":{\"s3_key\":\"packages/b/2.zip\"}}"
      }
    }
  }
}

variables {
  code_dir    = "/project/code"
  config_dir  = "/project/lambda-json"
  bucket_name = "example-packages"
}

run "hash_upload_publish" {
  command = plan

  assert {
    condition     = data.external.hash.program == tolist(["lambda-pack", "external", "hash", "--region", "eu-west-1"])
    error_message = "a name without slash is left to PATH"
  }

  assert {
    condition = data.external.hash.query == tomap({
      code_dir           = "/project/code"
      config_dir         = "/project/lambda-json"
      deployment_profile = null
      explain            = "true"
      store              = "s3://example-packages"
    })
    error_message = "absolute directories are taken as they are"
  }

  assert {
    condition = { for name, upload in terraform_data.upload : name => upload.input } == {
      a = "app.py changed, +1.2 KB; requests 2.31 → 2.32"
      b = "its package is in the store already"
    }
    error_message = "what a reviewer reads"
  }

  assert {
    condition = { for name, upload in terraform_data.upload : name => upload.triggers_replace } == {
      a = ["s3://example-packages", "aaaa"]
      b = ["s3://example-packages", "bbbb"]
    }
    error_message = "one upload a function, again if store or source hash changes"
  }

  assert {
    condition     = data.external.published.program == tolist(["lambda-pack", "external", "published", "--region", "eu-west-1"])
    error_message = "the store is read in the bucket's region"
  }

  assert {
    condition = data.external.published.query == tomap({
      store    = "s3://example-packages"
      packages = data.external.hash.result.packages
    })
    error_message = "what was hashed is passed on as it is"
  }

  assert {
    condition     = output.bucket == "example-packages"
    error_message = "the bucket's name"
  }
}

# With an upload pending the output is unknown at plan.
run "output_is_what_was_read_back" {
  command = plan

  override_data {
    override_during = plan
    target          = data.external.hash
    values          = { result = { packages = "{}", reasons = "{}" } }
  }

  assert {
    condition     = output.packages.b.s3_key == "packages/b/2.zip"
    error_message = "it is taken from the store"
  }
}

run "relative_paths_start_at_the_root_module" {
  command = plan

  variables {
    code_dir    = "../code"
    config_dir  = "lambda-json"
    lambda_pack = "../target/release/lambda-pack"
  }

  assert {
    condition = [data.external.hash.query.code_dir, data.external.hash.query.config_dir] == [
      abspath("${path.root}/../code"),
      abspath("${path.root}/lambda-json"),
    ]
    error_message = "directories"
  }

  assert {
    condition     = data.external.hash.program[0] == abspath("${path.root}/../target/release/lambda-pack")
    error_message = "binary"
  }
}

run "windows_paths_are_absolute" {
  command = plan

  variables {
    code_dir   = "C:\\project\\code"
    config_dir = "C:/project/lambda-json"
  }

  assert {
    condition     = [data.external.hash.query.code_dir, data.external.hash.query.config_dir] == ["C:\\project\\code", "C:/project/lambda-json"]
    error_message = "directories"
  }
}

run "a_profile_is_passed_on" {
  command = plan

  variables {
    deployment_profile = "prod"
  }

  assert {
    condition     = data.external.hash.query.deployment_profile == "prod"
    error_message = "to what decides which functions there are"
  }
}

run "bucket_is_protected" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "public access"
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
    error_message = "versioning"
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "ownership"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "encryption"
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id] == ["abort-incomplete-uploads", "expire-noncurrent-versions"]
    error_message = "lifecycle"
  }

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.this[0].policy).Statement : statement.Sid] == ["TlsOnly"]
    error_message = "TLS alone by default"
  }
}

run "only_writers_write_below_the_prefix" {
  command = plan

  variables {
    prefix      = "team-a/production"
    writer_arns = ["arn:aws:iam::123456789012:role/deployer", "arn:aws:iam::123456789012:user/ann"]
    enforce_tls = false
  }

  assert {
    condition = jsonencode(jsondecode(aws_s3_bucket_policy.this[0].policy).Statement) == jsonencode([{
      Sid       = "WritersOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:PutObject*", "s3:DeleteObject*", "s3:ReplicateObject", "s3:ReplicateDelete"]
      Resource  = ["arn:aws:s3:::example-packages/team-a/production/*"]
      Condition = { ArnNotLike = { "aws:PrincipalArn" = var.writer_arns } }
    }])
    error_message = "the policy"
  }

  assert {
    condition     = data.external.hash.query.store == "s3://example-packages/team-a/production"
    error_message = "what is explained is the difference from the same store"
  }

  assert {
    condition     = terraform_data.upload["a"].triggers_replace == ["s3://example-packages/team-a/production", "aaaa"]
    error_message = "another prefix is another store"
  }
}

run "readers_of_other_accounts_read_packages_alone" {
  command = plan

  variables {
    prefix      = "team-a"
    enforce_tls = false
    reader_arns = ["arn:aws:iam::210987654321:root"]
  }

  assert {
    condition = jsonencode(jsondecode(aws_s3_bucket_policy.this[0].policy).Statement) == jsonencode([{
      Sid       = "ReadersToo"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::210987654321:root"] }
      Action    = ["s3:GetObject"]
      Resource  = ["arn:aws:s3:::example-packages/team-a/packages/*"]
    }])
    error_message = "neither manifests nor records, and nothing outside of the prefix"
  }
}

run "one_policy_says_all_of_it" {
  command = plan

  variables {
    writer_arns = ["arn:aws:iam::123456789012:role/deployer"]
    reader_arns = ["arn:aws:iam::210987654321:role/deployer"]
  }

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.this[0].policy).Statement : statement.Sid] == ["TlsOnly", "WritersOnly", "ReadersToo"]
    error_message = "a bucket has one policy"
  }
}

run "options" {
  command = plan

  variables {
    enforce_tls     = false
    kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    noncurrent_days = null
  }

  assert {
    condition     = length(aws_s3_bucket_policy.this) == 0
    error_message = "nothing to say, no policy"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    error_message = "KMS"
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id] == ["abort-incomplete-uploads"]
    error_message = "older versions stay"
  }
}

run "refuses_bad_values" {
  command = plan

  variables {
    code_dir        = ""
    config_dir      = ""
    bucket_name     = "Packages"
    prefix          = "/a//b/"
    lambda_pack     = ""
    writer_arns     = ["arn:aws:sts::123456789012:assumed-role/deployer/ann"]
    reader_arns     = ["arn:aws:iam::210987654321:role/*"]
    kms_key_arn     = "alias/mine"
    noncurrent_days = 0
  }

  expect_failures = [
    var.code_dir,
    var.config_dir,
    var.bucket_name,
    var.prefix,
    var.lambda_pack,
    var.writer_arns,
    var.reader_arns,
    var.kms_key_arn,
    var.noncurrent_days,
  ]
}
