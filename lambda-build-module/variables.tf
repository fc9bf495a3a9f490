variable "code_dir" {
  description = "Directory that holds the functions' sources. A relative path starts at the root module; under Terragrunt pass an absolute one, because it runs in a copy below .terragrunt-cache."
  type        = string
  nullable    = false

  validation {
    condition     = var.code_dir != ""
    error_message = "code_dir is empty: give the directory that holds the functions' sources."
  }
}

variable "config_dir" {
  description = "Directory that holds the function definitions, one JSON file each. Relative paths as with code_dir."
  type        = string
  nullable    = false

  validation {
    condition     = var.config_dir != ""
    error_message = "config_dir is empty: give the directory that holds the function definitions."
  }
}

variable "deployment_profile" {
  description = "Profile of lambda-pack.toml that decides which functions are built, and how. Give the same to lambda-deploy-module; under Terragrunt LAMBDA_PACK_DEPLOYMENT_PROFILE does both. Empty: none, unless that variable of the environment names one."
  type        = string
  default     = ""
  nullable    = false
}

variable "bucket_name" {
  description = "Bucket that the module makes for the packages. It is in the provider's region, where the functions must be too. Bucket names are unique across all AWS accounts."
  type        = string
  nullable    = false

  validation {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    # without dots, with which TLS to the bucket's own host name fails.
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name \"${var.bucket_name}\" is not 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }
}

variable "prefix" {
  description = "Key prefix in the bucket, e.g. \"team-a/production\". Empty: the bucket's root."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*)?$", var.prefix))
    error_message = "prefix \"${var.prefix}\" is not a list of names separated by single slashes; names consist of letters, digits, \"_\", \".\", \"=\" and \"-\"."
  }
}

variable "lambda_pack" {
  description = "The lambda-pack binary: a name that is looked up in PATH, or a path. Relative paths as with code_dir."
  type        = string
  default     = "lambda-pack"
  nullable    = false

  validation {
    condition     = var.lambda_pack != ""
    error_message = "lambda_pack is empty: give the name or path of the binary, or leave it out."
  }
}

variable "writer_arns" {
  description = "ARNs of the IAM users and roles that alone may write and delete packages; for a role the role's ARN, not that of a session; \"*\" and \"?\" are wildcards. Whoever applies this module must be among them. Empty: whoever IAM allows."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.writer_arns : can(regex("^arn:[^:]+:iam::[^:]*:(root$|user/|role/)", arn))])
    error_message = "writer_arns must be ARNs of IAM users, roles or account roots (arn:aws:iam::123456789012:role/deployer). Of a role's session (arn:aws:sts::...:assumed-role/...) give the role."
  }
}

variable "reader_arns" {
  description = "ARNs of the accounts (arn:aws:iam::210987654321:root), roles or users, as a rule of other accounts, that may read packages too, to deploy them there."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    # S3 takes no wildcards in principals, but for "*", which is everybody.
    condition     = alltrue([for arn in var.reader_arns : can(regex("^arn:[^:]+:iam::[0-9]{12}:(root$|(user|role)/[^*?]+$)", arn))])
    error_message = "reader_arns must be ARNs of accounts (arn:aws:iam::210987654321:root), IAM users or roles, without wildcards."
  }
}

variable "enforce_tls" {
  description = "Whether the bucket refuses requests without TLS. Only local stand-ins for AWS that are reached over http:// need false."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the packages. Whoever uploads or deploys needs kms:GenerateDataKey and kms:Decrypt on it. Null: keys that S3 manages (AES256)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:(key|alias)/", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key or alias, or null."
  }
}

variable "noncurrent_days" {
  description = "Days after which S3 removes the versions that a deletion or \"lambda-pack gc\" left behind. Null: they stay for ever."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_days == null || try(var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days, false)
    error_message = "noncurrent_days must be a whole number of days, at least 1, or null."
  }
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
  nullable    = false
}
