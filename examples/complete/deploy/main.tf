provider "aws" {
  region = "eu-west-1"
}

variable "alias_versions" {
  description = "Versions that aliases are held at, for a rollback: { orders = \"12\" }."
  type        = map(string)
  default     = {}
}

data "terraform_remote_state" "build" {
  backend = "local"

  config = {
    path = "${path.root}/../build/terraform.tfstate"
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "production-orders-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

# What may be done by the function with the most rights.
resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_288:a boundary grants nothing, it only limits what roles grant
  #checkov:skip=CKV_AWS_290:a boundary grants nothing, it only limits what roles grant
  #checkov:skip=CKV_AWS_355:a boundary grants nothing, it only limits what roles grant
  name = "production-orders-boundary"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords", "sqs:SendMessage", "secretsmanager:GetSecretValue", "dynamodb:PutItem"]
      Resource = "*"
    }]
  })
}

module "deploy" {
  source = "../../../lambda-deploy-module"

  packages             = try(data.terraform_remote_state.build.outputs.packages, null)
  name_prefix          = "production-"
  alias_name           = "live"
  alias_versions       = var.alias_versions
  permissions_boundary = aws_iam_policy.boundary.arn

  environment = {
    orders = { STAGE = "production" }
  }

  function_overrides = {
    orders = {
      memory_size                    = 512
      dead_letter_target_arn         = aws_sqs_queue.dead_letters.arn
      reserved_concurrent_executions = 10
    }
  }

  secret_prefix                  = "orders/"
  secret_recovery_window_in_days = 7
  log_retention_in_days          = 365
  tags                           = { service = "orders", stage = "production" }
}

output "functions" {
  description = "What was deployed, by function_name."
  value       = module.deploy.functions
}

output "secrets" {
  description = "Secrets that were made, by id."
  value       = module.deploy.secrets
}
