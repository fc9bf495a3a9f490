resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:access logs need a bucket of the caller's; aws_s3_bucket_logging takes the output "bucket"
  #checkov:skip=CKV_AWS_144:a package is made again from its source, and each region that deploys has a bucket of its own
  #checkov:skip=CKV2_AWS_62:nobody waits for a package: Terraform reads back what was published
  bucket = var.bucket_name
  tags   = var.tags

  # Rollback needs the older packages. S3 itself refuses to delete a bucket that
  # holds any, but only after a destroy has taken off its protection.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# No ACLs: the bucket's owner owns every object, whoever wrote it.
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    # One data key for many objects, instead of one KMS request an object.
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  dynamic "rule" {
    for_each = var.noncurrent_days[*]

    content {
      id     = "expire-noncurrent-versions"
      status = "Enabled"
      filter {}

      noncurrent_version_expiration {
        noncurrent_days = rule.value
      }
    }
  }

  # S3 takes one change of a bucket's versioning and lifecycle at a time.
  depends_on = [aws_s3_bucket_versioning.this]
}

locals {
  tls_only = {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = ["s3:*"]
    Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  # It denies objects, not the policy: who may change the bucket's policy can't
  # be locked out by it.
  writers_only = {
    Sid       = "WritersOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = ["s3:PutObject*", "s3:DeleteObject*", "s3:ReplicateObject", "s3:ReplicateDelete"]
    Resource  = [join("/", compact([aws_s3_bucket.this.arn, var.prefix, "*"]))]
    Condition = { ArnNotLike = { "aws:PrincipalArn" = var.writer_arns } }
  }

  # What Lambda reads when somebody of another account makes a function of it.
  readers_too = {
    Sid       = "ReadersToo"
    Effect    = "Allow"
    Principal = { AWS = var.reader_arns }
    Action    = ["s3:GetObject"]
    Resource  = [join("/", compact([aws_s3_bucket.this.arn, var.prefix, "packages/*"]))]
  }
}

resource "aws_s3_bucket_policy" "this" {
  count = var.enforce_tls || length(var.writer_arns) > 0 || length(var.reader_arns) > 0 ? 1 : 0

  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      var.enforce_tls ? [local.tls_only] : [],
      length(var.writer_arns) > 0 ? [local.writers_only] : [],
      length(var.reader_arns) > 0 ? [local.readers_too] : [],
    )
  })

  # While public access is being blocked S3 refuses a change of the policy.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
