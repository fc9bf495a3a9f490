# Signing, against invented providers: Terraform 1.11 or newer. AWS Signer itself
# was never asked.

mock_provider "aws" {
  source = "./tests/mocks"

  mock_data "aws_s3_object" {
    defaults = { version_id = "version-1" }
  }

  mock_data "aws_signer_signing_profile" {
    defaults = {
      platform_id = "AWSLambda-SHA384-ECDSA"
      version_arn = "arn:aws:signer:eu-west-1:123456789012:/signing-profiles/example/a1b2c3d4e5"
    }
  }

  mock_resource "aws_signer_signing_job" {
    defaults = { signed_object = [{ s3 = [{ bucket = "example-packages", key = "team/signed/plain/job.zip" }] }] }
  }

  mock_resource "aws_lambda_code_signing_config" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0f6c334abcdea4d8b" }
  }
}

variables {
  packages = {
    plain = {
      source_hash = "1111"
      s3_bucket   = "example-packages"
      s3_key      = "team/packages/plain/11.zip"
      code_sha256 = "MTE="
      size_bytes  = 11
      definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler", layers = ["common"] }
    }
    common = {
      source_hash = "3333"
      s3_bucket   = "example-packages"
      s3_key      = "packages/common/33.zip"
      code_sha256 = "MzM="
      size_bytes  = 33
      definition  = { function_name = "common", type = "layer" }
    }
  }
  signing_profile_name = "example"
}

run "nothing_is_signed_unless_asked" {
  command = plan

  variables {
    signing_profile_name = null
  }

  assert {
    condition = (
      length(aws_signer_signing_job.this) == 0 && length(data.aws_s3_object.package) == 0 && length(output.signed) == 0 &&
      aws_lambda_function.this["plain"].s3_key == "team/packages/plain/11.zip" &&
      aws_lambda_function.this["plain"].source_code_hash == "MTE=" &&
      aws_lambda_function.this["plain"].code_signing_config_arn == null
    )
    error_message = "without a profile everything is as it was"
  }
}

run "signed" {
  command = apply

  assert {
    condition = (
      aws_signer_signing_job.this["plain"].profile_name == "example" &&
      aws_signer_signing_job.this["plain"].source[0].s3[0].key == "team/packages/plain/11.zip" &&
      aws_signer_signing_job.this["plain"].source[0].s3[0].version == "version-1" &&
      aws_signer_signing_job.this["plain"].destination[0].s3[0].bucket == "example-packages" &&
      aws_signer_signing_job.this["plain"].destination[0].s3[0].prefix == "team/signed/plain/11/" &&
      aws_signer_signing_job.this["common"].destination[0].s3[0].prefix == "signed/common/33/"
    )
    error_message = "the package is signed, into a place beside it"
  }

  assert {
    condition = (
      aws_lambda_function.this["plain"].s3_key == "team/signed/plain/job.zip" &&
      aws_lambda_function.this["plain"].source_code_hash != "MTE=" &&
      aws_lambda_layer_version.this["common"].s3_key == "team/signed/plain/job.zip" &&
      output.signed["plain"].s3_key == "team/signed/plain/job.zip"
    )
    error_message = "Lambda has what was signed, and is not told the digest of what wasn't"
  }
}

# In a plan nothing is known of what would be made again: then these conditions fail.
run "signing_again_changes_nothing" {
  command = plan

  override_data {
    target = data.aws_s3_object.package
    values = { version_id = "version-2" }
  }

  assert {
    condition = (
      output.signed["plain"].job_id == run.signed.signed["plain"].job_id &&
      aws_signer_signing_job.this["plain"].source[0].s3[0].version == "version-1" &&
      aws_lambda_function.this["plain"].s3_key == run.signed.signed["plain"].s3_key &&
      aws_lambda_function.this["plain"].version == run.signed.functions["plain"].version
    )
    error_message = "the same package was written again: its bytes are the same, and so is its signature"
  }
}

# Mocks don't know what can't be changed in place: that another job comes of it,
# with the version of that object, shows ../tests/e2e/signing.py.
run "another_package_is_signed" {
  command = apply

  variables {
    package_overrides = {
      plain = {
        source_hash = "2222"
        s3_bucket   = "example-packages"
        s3_key      = "team/packages/plain/22.zip"
        code_sha256 = "MjI="
        size_bytes  = 22
        definition  = { function_name = "plain", runtime = "python3.9", handler = "plain.handler", layers = ["common"] }
      }
    }
  }

  assert {
    condition     = aws_signer_signing_job.this["plain"].source[0].s3[0].key == "team/packages/plain/22.zip"
    error_message = "another key is another package"
  }

  assert {
    condition     = output.signed["common"].job_id == run.signed.signed["common"].job_id
    error_message = "what didn't change is not signed again"
  }
}

run "lambda_looks_at_signatures" {
  command = apply

  variables {
    code_signing_policy          = "Enforce"
    signing_profile_version_arns = ["arn:aws:signer:eu-west-1:123456789012:/signing-profiles/example/0000000000"]
  }

  assert {
    condition = (
      aws_lambda_function.this["plain"].code_signing_config_arn == aws_lambda_code_signing_config.this[0].arn &&
      one(aws_lambda_code_signing_config.this[0].policies).untrusted_artifact_on_deployment == "Enforce" &&
      one(aws_lambda_code_signing_config.this[0].allowed_publishers).signing_profile_version_arns == toset([
        "arn:aws:signer:eu-west-1:123456789012:/signing-profiles/example/a1b2c3d4e5",
        "arn:aws:signer:eu-west-1:123456789012:/signing-profiles/example/0000000000",
      ])
    )
    error_message = "the newest version of the profile and those that are named"
  }
}

run "a_bucket_without_versions" {
  command = plan

  override_data {
    target = data.aws_s3_object.package
    values = { version_id = "" }
  }

  expect_failures = [aws_signer_signing_job.this]
}

run "a_policy_without_a_profile" {
  command = plan

  variables {
    signing_profile_name = null
    code_signing_policy  = "Enforce"
  }

  expect_failures = [aws_lambda_code_signing_config.this]
}

run "a_profile_for_something_else" {
  command = plan

  override_data {
    target = data.aws_signer_signing_profile.this
    values = { platform_id = "AmazonFreeRTOS-Default" }
  }

  expect_failures = [data.aws_signer_signing_profile.this]
}

run "misspelt" {
  command = plan

  variables {
    signing_profile_name         = "exam-ple"
    code_signing_policy          = "enforce"
    signing_profile_version_arns = ["arn:aws:signer:eu-west-1:123456789012:/signing-profiles/example"]
  }

  expect_failures = [var.signing_profile_name, var.code_signing_policy, var.signing_profile_version_arns]
}
