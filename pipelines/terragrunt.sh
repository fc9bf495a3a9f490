# Sourced by the others: Terragrunt, where nobody can answer it.
export TG_NON_INTERACTIVE=true TG_NO_COLOR=true
# What Terraform prints, without a time and a name before each line.
export TG_TF_FORWARD_STDOUT=true
# Else it takes OpenTofu where both are installed.
export TG_TF_PATH="${TG_TF_PATH:-terraform}"
