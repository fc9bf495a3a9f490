#!/bin/sh
# Installs Terraform and Terragrunt for x86_64 Linux into the directory $1. Needs
# curl and unzip.
set -eu

terraform=1.11.4
terragrunt=1.1.6

# fetch URL FILE SHA256: the digests are those of the releases' SHA256SUMS.
fetch() {
    curl --fail --silent --show-error --location --retry 3 --proto '=https' --output "$2" "$1"
    echo "$3  $2" | sha256sum --check --quiet
}

mkdir -p "$1"
cd "$1"
fetch "https://releases.hashicorp.com/terraform/$terraform/terraform_${terraform}_linux_amd64.zip" terraform.zip \
    1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc
unzip -q -o terraform.zip terraform
rm terraform.zip
fetch "https://github.com/gruntwork-io/terragrunt/releases/download/v$terragrunt/terragrunt_linux_amd64" terragrunt \
    d75a80bb264758ba00dabcb17f4b507fcdab4ca90d9e41f96750df036bf69b04
chmod +x terraform terragrunt
