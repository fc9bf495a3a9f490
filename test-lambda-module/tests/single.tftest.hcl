# terraform test in the module's directory (Terraform 1.7).

mock_provider "aws" {}

mock_provider "external" {}

override_data {
  target = data.external.hash
  values = {
    result = {
      packages = "{\"a\":{\"source_hash\":\"aaaa\",\"definition\":{\"function_name\":\"a\",\"type\":\"function\",\"runtime\":\"python3.9\",\"handler\":\"a.b\",\"architectures\":[\"arm64\"],\"memory_size\":128,\"timeout\":3,\"environment\":{}}}}"
    }
  }
}

variables {
  code_dir    = "/project/code"
  config_dir  = "/project/lambda-json"
  bucket_name = "example-packages"
}

# What was read back is unknown, and the functions are planned all the same.
run "plans_while_uploads_are_pending" {
  command = plan

  assert {
    condition     = keys(aws_lambda_function.this) == ["a"] && keys(terraform_data.upload) == ["a"]
    error_message = "one function and one upload"
  }

  assert {
    condition     = aws_lambda_function.this["a"].function_name == "test-a" && aws_lambda_function.this["a"].handler == "a.b"
    error_message = "its definition"
  }
}
