output "functions" {
  description = "By function_name: the function's ARN."
  value       = { for name, function in aws_lambda_function.this : name => function.arn }
}
