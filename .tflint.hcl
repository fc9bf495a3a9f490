# tflint's rules for Terraform's language. Those for AWS are a plugin that is only
# to be had as a program of its own; checkov and the providers check what is AWS's.
plugin "terraform" {
  enabled = true
  preset  = "recommended"
}
