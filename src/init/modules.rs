//! The Terraform modules of this repository, for projects that have none.

use std::path::Path;

use super::{Layout, NewFile};

/// Paths from the repository's top, with contents. What tests and explains them stays here.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)))),*]
    };
}

const ROOT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/root.hcl"));

const FILES: &[(&str, &str)] = &files![
    "lambda-build-module/bucket.tf",
    "lambda-build-module/build-script.sh",
    "lambda-build-module/main.tf",
    "lambda-build-module/outputs.tf",
    "lambda-build-module/terragrunt.hcl",
    "lambda-build-module/variables.tf",
    "lambda-build-module/versions.tf",
    "lambda-deploy-module/iam.tf",
    "lambda-deploy-module/main.tf",
    "lambda-deploy-module/outputs.tf",
    "lambda-deploy-module/secrets.tf",
    "lambda-deploy-module/signing.tf",
    "lambda-deploy-module/terragrunt.hcl",
    "lambda-deploy-module/variables.tf",
    "lambda-deploy-module/versions.tf",
];

/// What this repository says of itself there, which is replaced in others.
const OWN_BUCKET: &str = r#"coalesce(get_env("TF_STATE_BUCKET", ""), "terraform-state-gas-test-904233119504")"#;
const OWN_CODE_DIR: &str = r#""${local.project}/code""#;
const OWN_CONFIG_DIR: &str = r#""${local.project}/lambda-json""#;

/// `root.hcl` and both modules. Without a name for the state's bucket, `TF_STATE_BUCKET` must be set: a default would put the
/// state of strangers into one place.
pub fn modules(layout: &Layout, state_bucket: Option<&str>) -> Vec<NewFile> {
    let bucket = match state_bucket {
        Some(bucket) => format!(r#"coalesce(get_env("TF_STATE_BUCKET", ""), "{bucket}")"#),
        None => r#"get_env("TF_STATE_BUCKET")"#.to_owned(),
    };
    let directory = |path: &Path| format!("\"${{local.project}}/{}\"", path.display());
    let root = NewFile::new("root.hcl", ROOT.replace(OWN_BUCKET, &bucket));
    let files = FILES.iter().map(|&(path, content)| NewFile {
        is_executable: path.ends_with(".sh"),
        ..NewFile::new(
            path,
            content
                .replace(OWN_CODE_DIR, &directory(&layout.code_dir))
                .replace(OWN_CONFIG_DIR, &directory(&layout.config_dir)),
        )
    });
    [root].into_iter().chain(files).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn layout(code_dir: &str) -> Layout {
        Layout {
            code_dir: code_dir.into(),
            config_dir: "definitions".into(),
            out_dir: None,
            store: None,
        }
    }

    #[test]
    fn every_file_of_the_modules_is_there() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut expected = BTreeSet::from(["root.hcl".into()]);
        for module in ["lambda-build-module", "lambda-deploy-module"] {
            for entry in fs::read_dir(repository.join(module)).expect("a module") {
                let path = entry.expect("an entry").path();
                let is_part = path
                    .extension()
                    .is_some_and(|it| it == "tf" || it == "hcl" || it == "sh");
                // What Terragrunt makes.
                let is_made = path.ends_with("backend.tf") || path.ends_with("provider.tf");
                if is_part && !is_made {
                    expected.insert(path.strip_prefix(repository).expect("below").to_owned());
                }
            }
        }
        let written: BTreeSet<_> = modules(&layout("code"), None)
            .into_iter()
            .map(|file| file.path)
            .collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn nothing_of_this_repository_is_in_those_of_others() {
        let files = modules(&layout("src"), None);
        let text = |files: &[NewFile], path: &str| {
            let found = files.iter().find(|file| file.path == Path::new(path));
            found.expect("a file").content.clone()
        };
        assert!(files.iter().all(|file| !file.content.contains("904233119504")));
        assert!(text(&files, "root.hcl").contains("state_bucket = get_env(\"TF_STATE_BUCKET\")"));
        let terragrunt = text(&files, "lambda-build-module/terragrunt.hcl");
        assert!(
            terragrunt.contains("\"${local.project}/src\"") && terragrunt.contains("\"${local.project}/definitions\"")
        );
        let named = modules(&layout("."), Some("state-of-shop"));
        assert!(text(&named, "root.hcl").contains("\"state-of-shop\""));
        let executable = named.iter().filter(|file| file.is_executable).count();
        assert_eq!(executable, 1);
    }
}
