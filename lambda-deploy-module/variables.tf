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
    })
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name, package in var.package_overrides : package.definition.function_name == name])
    error_message = "A key of package_overrides is not the function_name in its definition."
  }
}

variable "name_prefix" {
  description = "Put before the names of functions, layers, roles and log groups, e.g. \"staging-\". With the function_name it makes 64 characters at most."
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

variable "permissions_boundary" {
  description = "ARN of the policy that bounds every function's role."
  type        = string
  default     = null
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
}

variable "log_kms_key_arn" {
  description = "KMS key that encrypts the log groups; its policy must let CloudWatch Logs use it. Null: the key of CloudWatch Logs."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything made here; a definition's own tags win on its function."
  type        = map(string)
  default     = {}
  nullable    = false
}
