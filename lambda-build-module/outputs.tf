output "packages" {
  description = "What is in the store, by function_name: source_hash, definition, s3_bucket, s3_key, code_sha256 and size_bytes. The input \"packages\" of lambda-deploy-module."
  value       = jsondecode(data.external.published.result.packages)
}

output "bucket" {
  description = "Name of the bucket that holds the packages."
  value       = aws_s3_bucket.this.id
}

output "store" {
  description = "Where the packages are, as lambda-pack takes it: LAMBDA_PACK_STORE, --store."
  value       = local.store
}
