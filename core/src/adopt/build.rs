//! What other tools install or compile by themselves, as a `build` that may fit. Whether it does is tried when the definition
//! is made: lock files must say enough.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::draft::{Candidate, Draft};
use super::value::Place;

/// Dependencies of Python or Node.js, if the directory states any.
pub fn interpreted(draft: &mut Draft, place: &Place, key: &str, directory: &Path, runtime: &str) {
    let has = |name: &str| directory.join(name).is_file();
    let json = match runtime {
        _ if runtime.starts_with("python")
            && (has("uv.lock") || states_requirements(&directory.join("requirements.txt"))) =>
        {
            json!({ "type": "python" })
        }
        _ if runtime.starts_with("python") => {
            for name in ["Pipfile", "poetry.lock"].into_iter().filter(|name| has(name)) {
                draft.lost(place, key, format!("`{name}` isn't read here: export it to requirements.txt with hashes, and add `\"build\": {{\"type\": \"python\"}}`"));
            }
            return;
        }
        _ if runtime.starts_with("nodejs") && states_packages(&directory.join("package.json")) => {
            json!({ "type": "node" })
        }
        _ => return,
    };
    draft.build = Some(Candidate {
        json,
        lock: None,
        place: place.clone(),
        is_optional: true,
    });
}

/// A bundle by esbuild, which the directory's lock file must name.
pub fn bundled(draft: &mut Draft, place: &Place, bundle: Json) {
    draft.build = Some(Candidate {
        json: json!({ "type": "node", "bundle": bundle }),
        lock: None,
        place: place.clone(),
        is_optional: false,
    });
}

/// A `bootstrap`, if the directory has a Go module or a Rust crate.
pub fn compiled(draft: &mut Draft, place: &Place, directory: &Path, runtime: &str) {
    let has = |name: &str| directory.join(name).is_file();
    let json = match runtime {
        _ if !runtime.starts_with("provided") || has("bootstrap") => return,
        _ if has("go.mod") => json!({ "type": "go" }),
        _ if has("Cargo.toml") => json!({ "type": "rust" }),
        _ => return,
    };
    draft.build = Some(Candidate {
        json,
        lock: None,
        place: place.clone(),
        is_optional: false,
    });
}

/// Whether it has a line that isn't a comment. What can't be read states nothing; what a `build` needs of it is tried later.
fn states_requirements(file: &Path) -> bool {
    let text = read(file).unwrap_or_default();
    text.lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#'))
}

fn states_packages(file: &Path) -> bool {
    let package: Option<Json> = read(file).and_then(|text| serde_json::from_str(&text).ok());
    let dependencies = package.as_ref().and_then(|package| package["dependencies"].as_object());
    dependencies.is_some_and(|dependencies| !dependencies.is_empty())
}

/// Whoever reads a pipe waits for a writer.
fn read(file: &Path) -> Option<String> {
    file.is_file().then(|| fs::read_to_string(file).ok())?
}
