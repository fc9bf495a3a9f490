output "project_name" {
  description = "Name of the CodeBuild project: --codebuild-project, or LAMBDA_PACK_CODEBUILD_PROJECT."
  value       = one(aws_codebuild_project.this[*].name)
}

output "project_arn" {
  description = "ARN of the CodeBuild project."
  value       = one(aws_codebuild_project.this[*].arn)
}

output "role_arn" {
  description = "ARN of the builds' role, for policies of buckets and keys."
  value       = one(aws_iam_role.this[*].arn)
}

output "role_name" {
  description = "Name of the builds' role, to attach policies to."
  value       = one(aws_iam_role.this[*].name)
}

output "log_group_name" {
  description = "Log group of the builds."
  value       = one(aws_cloudwatch_log_group.this[*].name)
}

output "starter_policy" {
  description = "Policy document (JSON) with what whoever starts builds and waits for them needs beyond reading and writing bundles and packages."
  value       = var.create ? jsonencode({ Version = "2012-10-17", Statement = local.starter_statements }) : null
}
