variable "create" {
  description = "Whether to make anything at all."
  type        = bool
  default     = true
  nullable    = false
}

variable "name" {
  description = "Name of the CodeBuild project, its role and, after /aws/codebuild/, its log group."
  type        = string
  default     = "lambda-pack"
  nullable    = false

  validation {
    # IAM's limit is 64 characters; the region is put after the role's name.
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{1,39}$", var.name))
    error_message = "name \"${var.name}\" is not 2 to 40 letters, digits, \"-\" and \"_\" that begin with a letter or digit."
  }
}

variable "tags" {
  description = "Tags of everything that the module makes."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the role's permissions. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[^:]+:iam::[^:]*:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, or null."
  }
}

# What builds read and write.

variable "bundles" {
  description = "Where bundles and their records are, for \"remote start\" and \"bundle run --remote\": bucket, project, the deployments that builds may work on, and the layout, lambda-pack or seedfarmer. Null: builds make no bundles."
  type = object({
    bucket      = string
    project     = string
    deployments = list(string)
    layout      = optional(string, "lambda-pack")
  })
  default = null

  validation {
    condition     = var.bundles == null || try(can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bundles.bucket)), false)
    error_message = "bundles.bucket is no valid bucket name."
  }

  validation {
    condition     = var.bundles == null || try(length(var.bundles.deployments) > 0, false)
    error_message = "bundles.deployments is empty: name the deployments that builds may work on."
  }

  validation {
    condition     = var.bundles == null || try(alltrue([for name in concat([var.bundles.project], var.bundles.deployments) : can(regex("^[A-Za-z0-9_.-]+$", name))]), false)
    error_message = "bundles.project and bundles.deployments must be letters, digits, \"_\", \".\" and \"-\": a wildcard would open the records of others."
  }

  validation {
    condition     = var.bundles == null || try(contains(["lambda-pack", "seedfarmer"], var.bundles.layout), false)
    error_message = "bundles.layout must be \"lambda-pack\" or \"seedfarmer\"."
  }
}

variable "store" {
  description = "Bucket and prefix of the packages, for \"remote start --shards\". Null: builds upload no packages."
  type = object({
    bucket = string
    prefix = optional(string, "")
  })
  default = null

  validation {
    condition     = var.store == null || try(can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.store.bucket)), false)
    error_message = "store.bucket is no valid bucket name."
  }

  validation {
    condition     = var.store == null || try(can(regex("^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$", var.store.prefix)), false)
    error_message = "store.prefix is not a list of names separated by single slashes; names consist of letters, digits, \"_\", \".\", \"=\" and \"-\"."
  }
}

variable "secret_arns" {
  description = "ARNs of the secrets in Secrets Manager that builds may read. The six characters that AWS puts at an ARN's end belong to it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.secret_arns : can(regex("^arn:[^:]+:secretsmanager:[^:]+:[^:]+:secret:[^*?]+$", arn))])
    error_message = "secret_arns must be ARNs of secrets, without wildcards."
  }
}

variable "parameter_arns" {
  description = "ARNs of the parameters in SSM, beside the bundles' records, that builds may read."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.parameter_arns : can(regex("^arn:[^:]+:ssm:[^:]+:[^:]+:parameter/[^*?]+$", arn))])
    error_message = "parameter_arns must be ARNs of parameters, without wildcards."
  }
}

variable "kms_key_arns" {
  description = "Keys of the buckets, secrets and parameters that builds may use."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.kms_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:key/[^*?]+$", arn))])
    error_message = "kms_key_arns must be ARNs of keys: IAM knows no aliases as resources."
  }
}

variable "policy_arns" {
  description = "Policies that are attached to the role beside its own, for what the modules' commands do."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.policy_arns : can(regex("^arn:[^:]+:iam::[^:]*:policy/", arn))])
    error_message = "policy_arns must be ARNs of IAM policies."
  }
}

# How builds run.

variable "image" {
  description = "Container image of the builds: one of CodeBuild's, or one in ECR that has lambda-pack in it."
  type        = string
  default     = "aws/codebuild/amazonlinux2-x86_64-standard:5.0"
  nullable    = false

  validation {
    condition     = var.image != ""
    error_message = "image is empty: give a container image, or leave it out."
  }
}

variable "ecr_repository_arns" {
  description = "Repositories in ECR that builds may pull images from. If there are any, images are pulled with the role's rights."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.ecr_repository_arns : can(regex("^arn:[^:]+:ecr:[^:]+:[^:]+:repository/[^*?]+$", arn))])
    error_message = "ecr_repository_arns must be ARNs of ECR repositories, without wildcards."
  }
}

variable "lambda_pack_binary" {
  description = "Where builds get lambda-pack from if the image lacks it: an object in S3, and its SHA-256 in hex, which is compared. Null: the image has it."
  type = object({
    bucket = string
    key    = string
    sha256 = string
  })
  default = null

  validation {
    condition     = var.lambda_pack_binary == null || try(can(regex("^[0-9a-f]{64}$", var.lambda_pack_binary.sha256)), false)
    error_message = "lambda_pack_binary.sha256 must be 64 hex digits in lower case, as sha256sum prints them."
  }

  validation {
    condition     = var.lambda_pack_binary == null || try(!can(regex("[*?]", "${var.lambda_pack_binary.bucket}${var.lambda_pack_binary.key}")), false)
    error_message = "lambda_pack_binary names one object, without wildcards."
  }
}

variable "environment_type" {
  description = "Kind of machine: LINUX_CONTAINER or ARM_CONTAINER."
  type        = string
  default     = "LINUX_CONTAINER"
  nullable    = false

  validation {
    condition     = contains(["LINUX_CONTAINER", "ARM_CONTAINER"], var.environment_type)
    error_message = "environment_type must be LINUX_CONTAINER or ARM_CONTAINER."
  }
}

variable "compute_type" {
  description = "Size of the machine, such as BUILD_GENERAL1_SMALL. Builds may name another one."
  type        = string
  default     = "BUILD_GENERAL1_SMALL"
  nullable    = false

  validation {
    condition     = can(regex("^BUILD_GENERAL1_(SMALL|MEDIUM|LARGE|2XLARGE)$", var.compute_type))
    error_message = "compute_type must be BUILD_GENERAL1_SMALL, _MEDIUM, _LARGE or _2XLARGE."
  }
}

variable "privileged" {
  description = "Whether builds may run Docker."
  type        = bool
  default     = false
  nullable    = false
}

variable "build_timeout" {
  description = "Minutes that a build may run, 5 to 480."
  type        = number
  default     = 60
  nullable    = false

  validation {
    # What AWS provider 4.9 takes; "remote start --timeout" goes further.
    condition     = var.build_timeout >= 5 && var.build_timeout <= 480 && floor(var.build_timeout) == var.build_timeout
    error_message = "build_timeout must be a whole number of minutes from 5 to 480."
  }
}

variable "queued_timeout" {
  description = "Minutes that a build may wait for its turn, 5 to 480."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.queued_timeout >= 5 && var.queued_timeout <= 480 && floor(var.queued_timeout) == var.queued_timeout
    error_message = "queued_timeout must be a whole number of minutes from 5 to 480."
  }
}

variable "concurrent_build_limit" {
  description = "Builds of the project that may run at once; more wait. Null: as many as the account may run."
  type        = number
  default     = null

  validation {
    condition     = var.concurrent_build_limit == null || try(var.concurrent_build_limit >= 1 && floor(var.concurrent_build_limit) == var.concurrent_build_limit, false)
    error_message = "concurrent_build_limit must be a whole number from 1 on, or null."
  }
}

variable "cache" {
  description = "Where builds keep lambda-pack's cache: type NO_CACHE, LOCAL (on the machine, if the next build gets the same one) or S3 with bucket and prefix."
  type = object({
    type   = string
    bucket = optional(string)
    prefix = optional(string, "codebuild-cache")
  })
  default  = { type = "LOCAL" }
  nullable = false

  validation {
    condition     = contains(["NO_CACHE", "LOCAL", "S3"], var.cache.type)
    error_message = "cache.type must be NO_CACHE, LOCAL or S3."
  }

  validation {
    condition     = (var.cache.type == "S3") == (var.cache.bucket != null)
    error_message = "cache.bucket belongs to the type S3, and to it alone."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*$", var.cache.prefix))
    error_message = "cache.prefix is not a list of names separated by single slashes."
  }
}

variable "vpc" {
  description = "Network that builds run in, which must lead to S3, SSM, CloudWatch Logs and whatever the builds install from. Null: CodeBuild's own."
  type = object({
    id                 = string
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.vpc == null || try(length(var.vpc.subnet_ids) > 0 && length(var.vpc.security_group_ids) > 0, false)
    error_message = "vpc needs at least one subnet and one security group."
  }
}

# Logs and keys.

variable "log_retention_in_days" {
  description = "Days that logs of builds are kept; 0: for ever."
  type        = number
  default     = 30
  nullable    = false

  validation {
    # CloudWatch knows no others.
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_in_days)
    error_message = "log_retention_in_days must be one of 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653."
  }
}

variable "log_kms_key_arn" {
  description = "Key that encrypts the logs; its policy must let CloudWatch Logs use it. Null: CloudWatch's own."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:key/", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key, or null."
  }
}

variable "encryption_key_arn" {
  description = "Key that encrypts what CodeBuild keeps itself: caches. Null: AWS's key for S3."
  type        = string
  default     = null

  validation {
    condition     = var.encryption_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:(key|alias)/", var.encryption_key_arn))
    error_message = "encryption_key_arn must be the ARN of a KMS key or alias, or null."
  }
}
