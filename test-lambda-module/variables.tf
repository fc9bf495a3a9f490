variable "code_dir" {
  description = "Directory that holds the functions' sources, absolute."
  type        = string
  nullable    = false
}

variable "config_dir" {
  description = "Directory that holds the function definitions, one JSON file each, absolute."
  type        = string
  nullable    = false
}

variable "bucket_name" {
  description = "Bucket that the module makes for the packages."
  type        = string
  nullable    = false
}

variable "lambda_pack" {
  description = "The lambda-pack binary: a name that is looked up in PATH, or an absolute path."
  type        = string
  default     = "lambda-pack"
  nullable    = false
}

variable "name_prefix" {
  description = "Put before the names of functions, roles and log groups, so that they can stand beside those of lambda-deploy-module."
  type        = string
  default     = "test-"
  nullable    = false
}
