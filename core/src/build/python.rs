//! Python: `uv.lock`, or `requirements.txt` as a lock file.

use std::path::Path;

use super::dependencies::{Facts, LockFile};
use crate::{Error, Result};

pub const FACTS: Facts = Facts {
    name: "python",
    lock_files: &[
        LockFile {
            name: "uv.lock",
            beside: Some("pyproject.toml"),
            check: None,
        },
        LockFile {
            name: "requirements.txt",
            beside: None,
            check: Some(check),
        },
    ],
    how_to_lock: "`uv lock` and `uv pip compile --generate-hashes requirements.in -o requirements.txt` do",
    runtime: ("python", "python3.13"),
};

/// Fails unless every requirement is one version with its digests. pip's format:
/// <https://pip.pypa.io/en/stable/reference/requirements-file-format/>
fn check(file: &Path, content: &[u8]) -> Result<()> {
    let invalid = |line: usize, problem: &str| {
        Error::invalid(format!("{}:{line}: {problem}", file.display())).help(
            "state what is needed in requirements.in, and have `lambda-pack lock` make this file of it, with digests",
        )
    };
    let text = std::str::from_utf8(content).map_err(|_| invalid(1, "it is not UTF-8"))?;
    for (line, requirement) in logical_lines(text) {
        if requirement.starts_with('-') {
            let allowed = [
                "--index-url",
                "-i ",
                "--extra-index-url",
                "--require-hashes",
                "--only-binary",
            ];
            if !allowed.iter().any(|option| requirement.starts_with(option)) {
                // What it is set to may be an address with a password.
                let option = requirement.split([' ', '=']).next().unwrap_or_default();
                return Err(invalid(
                    line,
                    &format!("the option `{option}` brings what is not locked here"),
                ));
            }
        } else if !requirement.contains("--hash=") || !requirement.contains("==") {
            let name = requirement
                .split([' ', ';', '=', '<', '>', '['])
                .next()
                .unwrap_or_default();
            return Err(invalid(
                line,
                &format!("`{name}` is not locked to one version with a digest"),
            ));
        }
    }
    Ok(())
}

/// What a requirements file that passed the check pins.
pub(crate) struct Requirement {
    pub name: String,
    pub version: String,
    /// `sha256:…` and the like: those of every file that may be installed.
    pub digests: Vec<String>,
    /// Whether a marker says for which machines it is.
    pub conditional: bool,
}

pub(crate) fn requirements(text: &str) -> impl Iterator<Item = Requirement> {
    let lines = logical_lines(text).into_iter();
    lines.filter_map(|(_, line)| {
        let (name, rest) = line.split_once("==")?;
        let name = name.split(['[', ' ']).next().filter(|name| !name.starts_with('-'))?;
        let digests = rest.split_whitespace().filter_map(|word| word.strip_prefix("--hash="));
        Some(Requirement {
            name: name.to_owned(),
            conditional: rest.contains(';'),
            version: rest
                .trim_start()
                .split([' ', ';'])
                .next()
                .unwrap_or_default()
                .to_owned(),
            digests: digests.map(str::to_owned).collect(),
        })
    })
}

/// Lines without comments, joined where they end with a backslash, with the number of their first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let line = if line.starts_with('#') { "" } else { line };
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match lines.last_mut().filter(|_| open) {
            Some((_, joined)) => {
                joined.push(' ');
                joined.push_str(part.trim());
            }
            None => lines.push((index + 1, part.trim().to_owned())),
        }
        open = goes_on;
    }
    lines.retain(|(_, line)| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        super::check(Path::new("requirements.txt"), text.as_bytes()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn only_locked_requirements_pass() {
        let locked = "# made by uv\n--index-url https://example.org\na==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n    # via b\nb==2 ; python_version < '3.13' --hash=sha256:22\n";
        assert_eq!(check(locked), Ok(()));
        let refused = [
            ("a==1 --hash=sha256:00\nb==2\n", "requirements.txt:2: `b` is not locked"),
            ("a>=1 --hash=sha256:00\n", "requirements.txt:1: `a` is not locked"),
            ("\n-r other.txt\n", "requirements.txt:2: the option `-r` brings"),
            ("-e .\n", "requirements.txt:1: the option"),
            ("a[b]\n", "`a` is not locked"),
        ];
        for (text, expected) in refused {
            let message = check(text).expect_err("refused");
            assert!(message.contains(expected), "{message}");
        }
    }
}
