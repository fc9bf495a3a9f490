//! Programs that deploy packages, and those that make them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lambda_pack_core::disk::or_here;
use lambda_pack_core::function::{self, Build};
use semver::Version;

use super::Finding;
use crate::build;
use crate::settings::Settings;

/// What the modules and `root.hcl` say that they need; a test compares.
const MODULES_NEED: Version = Version::new(1, 5, 0);
const ROOT_NEEDS: Version = Version::new(1, 10, 0);
static PROVIDERS_NEED: [(&str, Version); 2] = [
    ("hashicorp/aws", Version::new(4, 9, 0)),
    ("hashicorp/external", Version::new(2, 3, 0)),
];

const LOCK_FILE: &str = ".terraform.lock.hcl";

pub fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![terraform(settings), terragrunt(settings), providers(settings)];
    findings.extend(builders(settings));
    findings
}

fn terraform(settings: &Settings) -> Finding {
    const CHECK: &str = "terraform";
    let install = "install Terraform 1.10 or newer: https://developer.hashicorp.com/terraform/install";
    let Some(program) = build::find(&["terraform", "tofu"]) else {
        return Finding::warn(CHECK, "not on PATH; only the modules need it", install);
    };
    let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let Some(version) = said_by(&program, "version").as_deref().and_then(version_in) else {
        return Finding::warn(CHECK, format!("`{name} version` says no version"), install);
    };
    let needed = match settings.project_dir.join("root.hcl").is_file() {
        true => ROOT_NEEDS,
        false => MODULES_NEED,
    };
    // OpenTofu counts from where it left Terraform.
    match version >= needed {
        true => Finding::pass(CHECK, format!("{name} {version}")),
        false => Finding::fail(CHECK, format!("{name} {version}, and {needed} is needed"), install),
    }
}

fn terragrunt(settings: &Settings) -> Finding {
    const CHECK: &str = "terragrunt";
    let install = "install Terragrunt: https://docs.terragrunt.com/getting-started/install/";
    if !settings.project_dir.join("root.hcl").is_file() {
        return Finding::skip(CHECK, "no root.hcl");
    }
    match build::find(&["terragrunt"]) {
        Some(program) => match said_by(&program, "--version").as_deref().and_then(version_in) {
            Some(version) => Finding::pass(CHECK, version.to_string()),
            None => Finding::warn(CHECK, "`terragrunt --version` says no version", install),
        },
        None => Finding::warn(CHECK, "not on PATH; root.hcl needs it", install),
    }
}

/// Of the modules whose providers were installed once.
fn providers(settings: &Settings) -> Finding {
    const CHECK: &str = "providers";
    let locks = lock_files(&settings.project_dir);
    let locked: BTreeSet<(String, Version)> = locks
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .flat_map(|text| locked_providers(&text))
        .collect();
    if locked.is_empty() {
        return Finding::skip(CHECK, format!("no {LOCK_FILE} yet: `terraform init` chooses them"));
    }
    let shown = |provider: &(String, Version)| format!("{} {}", provider.0, provider.1);
    let is_old = |(name, version): &&(String, Version)| {
        let needed = PROVIDERS_NEED.iter().find(|(needed, _)| needed == name);
        needed.is_some_and(|(_, needed)| version < needed)
    };
    let old: Vec<String> = locked.iter().filter(is_old).map(shown).collect();
    match old.is_empty() {
        true => Finding::pass(CHECK, locked.iter().map(shown).collect::<Vec<_>>().join(", ")),
        false => Finding::fail(
            CHECK,
            format!("too old: {}", old.join(", ")),
            format!("`terraform init -upgrade` in the directory of that {LOCK_FILE}"),
        ),
    }
}

/// In the project, and in the modules in it.
fn lock_files(project_dir: &Path) -> Vec<PathBuf> {
    let here = or_here(project_dir);
    let below = fs::read_dir(here)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = [here.to_owned()]
        .into_iter()
        .chain(below)
        .map(|it| it.join(LOCK_FILE))
        .collect();
    files.retain(|file| file.is_file());
    files
}

/// The file is Terraform's own, always in this form: `provider "registry.terraform.io/hashicorp/aws" {`, then `version = "…"`.
fn locked_providers(text: &str) -> Vec<(String, Version)> {
    let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let mut provider = None;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("provider ") {
            provider = quoted(line).and_then(|address| Some(address.split_once('/')?.1.to_owned()));
        } else if line.starts_with("version ")
            && let Some(version) = quoted(line).and_then(|text| Version::parse(&text).ok())
        {
            found.extend(provider.take().map(|name| (name, version)));
        }
    }
    found
}

/// One for each tool that this project's builds need.
fn builders(settings: &Settings) -> Vec<Finding> {
    // A broken definition is said elsewhere.
    let functions = function::load(&settings.config_dir).unwrap_or_default();
    let builds = functions
        .values()
        .filter_map(|function| function.definition.build.as_ref());
    let needed: BTreeSet<Builder> = builds.filter_map(|build| builder(&build.0)).collect();
    needed
        .into_iter()
        .map(|(check, programs, fix)| match build::find(programs) {
            Some(program) => Finding::pass(check, program.display().to_string()),
            None => Finding::fail(check, format!("{} isn't on PATH", programs.join(" or ")), fix),
        })
        .collect()
}

type Builder = (&'static str, &'static [&'static str], &'static str);

/// What must be there for a build to begin; builds say themselves what else they miss.
fn builder(build: &Build) -> Option<Builder> {
    match build {
        Build::Python(_) => Some(("python builds", &["uv", "python3", "python"], "`pip install uv`")),
        Build::Node(_) => Some(("node builds", &["npm"], "install Node.js: https://nodejs.org")),
        Build::Go(_) => Some(("go builds", &["go"], "install Go: https://go.dev/dl")),
        Build::Rust(_) => Some(("rust builds", &["cargo"], "install Rust: https://rustup.rs")),
        // Its program may stand in the source.
        Build::Command(_) => None,
    }
}

/// The first version that a text names: `Terraform v1.11.4`, `terragrunt version v0.99.1`.
fn version_in(text: &str) -> Option<Version> {
    let words = text.split_whitespace().map(|word| word.trim_start_matches('v'));
    words.filter_map(|word| Version::parse(word).ok()).next()
}

fn said_by(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(OsStr::new(argument))
        // It would ask its makers whether there is a newer one.
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_that_the_modules_state() {
        let build = include_str!("../../lambda-build-module/versions.tf");
        let deploy = include_str!("../../lambda-deploy-module/versions.tf");
        let short = |version: &Version| format!("\">= {}.{}\"", version.major, version.minor);
        for text in [build, deploy] {
            assert!(
                text.contains(&format!("required_version = {}", short(&MODULES_NEED))),
                "{text}"
            );
        }
        for (name, version) in &PROVIDERS_NEED {
            let from = build.split_once(name).expect("the provider").1;
            assert!(
                from.split_once('}').expect("its end").0.contains(&short(version)),
                "{name}"
            );
        }
        let root = include_str!("../../root.hcl");
        assert!(root.contains(&format!("terraform_version_constraint = {}", short(&ROOT_NEEDS))));
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let said = |text| version_in(text).map(|version| version.to_string());
        assert_eq!(said("Terraform v1.11.4\non linux_amd64").as_deref(), Some("1.11.4"));
        assert_eq!(said("OpenTofu v1.9.0-rc1").as_deref(), Some("1.9.0-rc1"));
        assert_eq!(said("terragrunt version 1.1.0").as_deref(), Some("1.1.0"));
        assert_eq!(said("no such thing"), None);
    }

    #[test]
    fn providers_are_found_in_lock_files() {
        let text = "# by Terraform\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"5.1.0\"\n  \
                    constraints = \">= 4.9.0\"\n  hashes = [\n  ]\n}\n\nprovider \"registry.opentofu.org/hashicorp/external\" {\n  \
                    version = \"2.2.0\"\n}\n";
        let found = locked_providers(text);
        let expected = [("hashicorp/aws", "5.1.0"), ("hashicorp/external", "2.2.0")];
        let expected = expected.map(|(name, version)| (name.to_owned(), Version::parse(version).expect("a version")));
        assert_eq!(found, expected);
    }
}
