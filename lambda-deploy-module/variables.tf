variable "packages" {
  description = "Output \"packages\" of lambda-build-module, by function_name."
  type = map(object({
    s3_bucket   = string
    s3_key      = string
    code_sha256 = string
    definition = object({
      function_name                  = string
      type                           = optional(string, "function")
      description                    = optional(string)
      runtime                        = optional(string)
      handler                        = optional(string)
      architectures                  = optional(list(string), ["x86_64"])
      compatible_runtimes            = optional(list(string))
      memory_size                    = optional(number, 128)
      timeout                        = optional(number, 3)
      environment                    = optional(map(string), {})
      layers                         = optional(list(string), [])
      ephemeral_storage              = optional(object({ size = number }))
      tracing_config                 = optional(object({ mode = string }))
      dead_letter_config             = optional(object({ target_arn = string }))
      vpc_config                     = optional(object({ subnet_ids = list(string), security_group_ids = list(string) }))
      kms_key_arn                    = optional(string)
      reserved_concurrent_executions = optional(number)
      tags                           = optional(map(string), {})
      deployment_profile             = optional(string)
      policy_statements = optional(list(object({
        sid        = optional(string)
        effect     = optional(string, "Allow")
        actions    = list(string)
        resources  = list(string)
        conditions = optional(map(map(list(string))))
      })), [])
      secrets = optional(list(object({
        id          = string
        class       = string
        target      = string
        length      = optional(number)
        charset     = optional(string)
        label       = optional(string)
        description = optional(string)
        pattern     = optional(string)
        parameter   = optional(string)
        arn         = optional(string)
        name        = optional(string)
      })), [])
    })
  }))
  default = null

  validation {
    condition     = var.packages != null
    error_message = "There are no packages: apply lambda-build-module first, then pass its output \"packages\". Under Terragrunt: terragrunt run --all -- apply."
  }

  validation {
    condition     = var.packages == null ? true : alltrue([for name, package in var.packages : package.definition.function_name == name])
    error_message = "A key of packages is not the function_name in its definition: pass lambda-build-module's output \"packages\" as it is."
  }
}

variable "package_overrides" {
  description = "Packages to deploy instead of those in packages, by function_name: older values of lambda-build-module's output, for a rollback with the definition of that time."
  type = map(object({
    s3_bucket   = string
    s3_key      = string
    code_sha256 = string
    definition = object({
      function_name                  = string
      type                           = optional(string, "function")
      description                    = optional(string)
      runtime                        = optional(string)
      handler                        = optional(string)
      architectures                  = optional(list(string), ["x86_64"])
      compatible_runtimes            = optional(list(string))
      memory_size                    = optional(number, 128)
      timeout                        = optional(number, 3)
      environment                    = optional(map(string), {})
      layers                         = optional(list(string), [])
      ephemeral_storage              = optional(object({ size = number }))
      tracing_config                 = optional(object({ mode = string }))
      dead_letter_config             = optional(object({ target_arn = string }))
      vpc_config                     = optional(object({ subnet_ids = list(string), security_group_ids = list(string) }))
      kms_key_arn                    = optional(string)
      reserved_concurrent_executions = optional(number)
      tags                           = optional(map(string), {})
      deployment_profile             = optional(string)
      policy_statements = optional(list(object({
        sid        = optional(string)
        effect     = optional(string, "Allow")
        actions    = list(string)
        resources  = list(string)
        conditions = optional(map(map(list(string))))
      })), [])
      secrets = optional(list(object({
        id          = string
        class       = string
        target      = string
        length      = optional(number)
        charset     = optional(string)
        label       = optional(string)
        description = optional(string)
        pattern     = optional(string)
        parameter   = optional(string)
        arn         = optional(string)
        name        = optional(string)
      })), [])
    })
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name, package in var.package_overrides : package.definition.function_name == name])
    error_message = "A key of package_overrides is not the function_name in its definition."
  }
}

variable "deployment_profile" {
  description = "Profile of lambda-pack.toml that the packages must have been built for; under Terragrunt LAMBDA_PACK_DEPLOYMENT_PROFILE. Empty: packages that were built for none."
  type        = string
  default     = ""
  nullable    = false
}

variable "name_prefix" {
  description = "Put before the names of functions, layers, roles, log groups and secrets, e.g. \"staging-\". With the function_name it makes 64 characters at most."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]*$", var.name_prefix))
    error_message = "name_prefix \"${var.name_prefix}\" has characters other than letters, digits, \"-\" and \"_\"."
  }
}

variable "alias_name" {
  description = "Alias that each function gets, and that callers should use."
  type        = string
  default     = "live"
  nullable    = false

  validation {
    # A name of digits alone would be taken for a version.
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.alias_name)) && !can(regex("^[0-9]+$", var.alias_name))
    error_message = "alias_name \"${var.alias_name}\" is not 1 to 128 letters, digits, \"-\" and \"_\", or has digits alone."
  }
}

variable "alias_versions" {
  description = "Published versions that aliases are held at, by function_name, e.g. { order-intake = \"12\" }: the fastest rollback. All other aliases follow the newest version."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for version in values(var.alias_versions) : can(regex("^[1-9][0-9]*$", version))])
    error_message = "alias_versions must be numbers of published versions, e.g. \"12\"."
  }
}

variable "environment" {
  description = "Environment variables by function_name; they are added to the definition's, and win."
  type        = map(map(string))
  default     = {}
  nullable    = false
}

variable "function_overrides" {
  description = "Settings by function_name that win over the definition's; what is left out is the definition's. permissions_boundary and log_retention_in_days win over the variables of these names."
  type = map(object({
    description                    = optional(string)
    runtime                        = optional(string)
    handler                        = optional(string)
    memory_size                    = optional(number)
    timeout                        = optional(number)
    layers                         = optional(list(string))
    ephemeral_storage_size         = optional(number)
    tracing_mode                   = optional(string)
    dead_letter_target_arn         = optional(string)
    vpc_subnet_ids                 = optional(list(string))
    vpc_security_group_ids         = optional(list(string))
    kms_key_arn                    = optional(string)
    reserved_concurrent_executions = optional(number)
    permissions_boundary           = optional(string)
    log_retention_in_days          = optional(number)
  }))
  default  = {}
  nullable = false
}

variable "secret_values" {
  description = "Values of user_prompt secrets, by id. They are needed when the secret is made, and when secret_versions asks for another; nothing of them is kept in the state. A saved plan of Terraform keeps them unless this variable is ephemeral, as terragrunt.hcl makes it: see the README."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
}

variable "secret_versions" {
  description = "Change an entry, e.g. { cookie-key = \"2\" }, to have another value made (per_install_generated) or taken from secret_values (user_prompt), by id of the secret."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for version in values(var.secret_versions) : try(version != "", false)])
    error_message = "An entry of secret_versions is empty: give it any text, such as \"2\"."
  }
}

variable "secret_prefix" {
  description = "Put before name_prefix and id in the names of the secrets that are made here."
  type        = string
  default     = "lambda-pack/"
  nullable    = false

  validation {
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]*$", var.secret_prefix))
    error_message = "secret_prefix \"${var.secret_prefix}\" has characters other than letters, digits and /_+=.@-"
  }
}

variable "secret_kms_key_arns" {
  description = "KMS keys by id of the secret: those made here are encrypted with it, and the roles of all functions that read the secret may decrypt with it. Without an entry a secret has the key of Secrets Manager or Systems Manager, which needs no permission."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    # A policy can't name an alias.
    condition     = alltrue([for arn in values(var.secret_kms_key_arns) : can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:key/", arn))])
    error_message = "secret_kms_key_arns must be ARNs of KMS keys (arn:aws:kms:eu-west-1:123456789012:key/...), not of aliases."
  }
}

variable "secret_recovery_window_in_days" {
  description = "Days for which a secret that is no longer declared can be restored. 0: none, it is gone at once."
  type        = number
  default     = 30
  nullable    = false

  validation {
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
    condition     = contains(concat([0], range(7, 31)), var.secret_recovery_window_in_days)
    error_message = "secret_recovery_window_in_days must be 0, or 7 to 30."
  }
}

variable "lambda_pack" {
  description = "The lambda-pack binary, which sees to the values of secrets at apply: a name that is looked up in PATH, or a path; a relative one starts at the root module. Unused where no function has a secret of the classes per_install_generated or user_prompt."
  type        = string
  default     = "lambda-pack"
  nullable    = false

  validation {
    condition     = var.lambda_pack != ""
    error_message = "lambda_pack is empty: give the name or path of the binary, or leave it out."
  }
}

variable "signing_profile_name" {
  description = "Profile of AWS Signer (platform AWSLambda-SHA384-ECDSA) that signs each package, functions and layers, when it is new; the packages' bucket must keep versions. Null: nothing is signed."
  type        = string
  default     = null

  validation {
    # https://docs.aws.amazon.com/signer/latest/api/API_PutSigningProfile.html
    condition     = var.signing_profile_name == null || can(regex("^[a-zA-Z0-9_]{2,64}$", var.signing_profile_name))
    error_message = "signing_profile_name must be 2 to 64 letters, digits and \"_\", or null."
  }
}

variable "code_signing_policy" {
  description = "Whether Lambda looks at signatures: \"Enforce\" refuses code that no accepted profile signed, \"Warn\" says so in CloudTrail and takes it. Null: it doesn't look. Needs signing_profile_name."
  type        = string
  default     = null

  validation {
    condition     = var.code_signing_policy == null || can(regex("^(Warn|Enforce)$", var.code_signing_policy))
    error_message = "code_signing_policy must be \"Warn\", \"Enforce\" or null."
  }
}

variable "signing_profile_version_arns" {
  description = "Versions of signing profiles that code_signing_policy accepts beside the newest one of signing_profile_name: older ones, while packages that they signed are deployed, and those of others whose layers are used."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.signing_profile_version_arns : can(regex("^arn:[^:]+:signer:[^:]*:[^:]*:/signing-profiles/[^/]+/[^/]+$", arn))])
    error_message = "signing_profile_version_arns must be ARNs of versions (arn:aws:signer:eu-west-1:123456789012:/signing-profiles/example/a1b2c3d4e5)."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds every function's role."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[^:]+:iam::[^:]*:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of an IAM policy, or null."
  }
}

variable "create_log_group" {
  description = "Whether the module makes each function's log group, and so decides its retention. False: Lambda makes it at the first invocation, without an end."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_in_days" {
  description = "Days that logs are kept. 0: for ever."
  type        = number
  default     = 30
  nullable    = false

  validation {
    # Which numbers of days there are, the provider knows.
    condition     = var.log_retention_in_days >= 0 && floor(var.log_retention_in_days) == var.log_retention_in_days
    error_message = "log_retention_in_days must be a whole number of days, or 0: for ever."
  }
}

variable "log_kms_key_arn" {
  description = "KMS key that encrypts the log groups; its policy must let CloudWatch Logs use it. Null: the key of CloudWatch Logs."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:key/", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key, or null."
  }
}

variable "tags" {
  description = "Tags of everything made here; a definition's own tags win on its function."
  type        = map(string)
  default     = {}
  nullable    = false
}
