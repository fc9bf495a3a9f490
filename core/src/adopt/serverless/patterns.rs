//! `package.patterns`, as the globs of a source.

use std::path::Path;

use globset::GlobSetBuilder;
use ignore::WalkBuilder;

use super::super::draft::{Draft, Part};
use super::super::value::Value;
use crate::function::GlobText;

/// What the framework never packs, beside what [`Part`] leaves out anyway:
/// <https://www.serverless.com/framework/docs/providers/aws/guide/packaging>
const NEVER: [&str; 9] = [
    ".env",
    ".env.*",
    ".gitignore",
    ".npmrc",
    ".serverless/**",
    ".serverless_plugins/**",
    "npm-debug.log",
    "serverless.*",
    "yarn-*.log",
];

/// What a `package` says, with the framework's former keys: what `exclude` names is left out, and `include` brings some of it back.
pub fn of(package: &Value) -> Vec<Value> {
    let members = |key: &str| package.get(key).map(Value::members).unwrap_or_default();
    let excluded = members("exclude").iter().map(|pattern| match pattern.plain() {
        Some(text) => Value::string(&pattern.place, format!("!{text}")),
        None => pattern.clone(),
    });
    let others = members("include").iter().chain(members("patterns")).cloned();
    excluded.chain(others).collect()
}

/// Narrows the part to what the patterns take, one after the other. A later one wins over an earlier one there, and `exclude`
/// wins here: where that makes a difference for a file that is there, it is noted.
pub fn narrow(draft: &mut Draft, part: &mut Part, patterns: &[Value]) {
    let mut include = Vec::new();
    let mut exclude = Vec::new();
    let mut takes_all = true;
    for pattern in patterns {
        let Some(text) = pattern.plain() else {
            let remedy = "write it into `source` of the definition";
            match pattern.first_unknown() {
                Some(unknown) => draft.unknown(&pattern.place, "package.patterns", unknown, remedy),
                None => draft.lost(&pattern.place, "package.patterns", pattern.reason("pattern")),
            }
            continue;
        };
        match text.strip_prefix('!').map(clean) {
            Some("**" | "**/*" | "**/**") => {
                takes_all = false;
                include.clear();
                exclude.clear();
            }
            Some(excluded) => exclude.push(excluded.to_owned()),
            None => {
                let text = clean(&text);
                if let Some(file) = brought_back(&part.path, text, &exclude) {
                    let reason = format!(
                        "it brings back `{file}`, which a pattern before it leaves out, and here `exclude` wins"
                    );
                    draft.lost(&pattern.place, "package.patterns", reason);
                }
                include.push(text.to_owned());
            }
        }
    }
    part.exclude.extend(NEVER.map(str::to_owned));
    part.exclude.extend(exclude);
    if !takes_all {
        part.include = Some(include);
    }
}

fn clean(pattern: &str) -> &str {
    pattern.trim_start_matches("./")
}

/// A file that matches `pattern` and one of `excluded`.
fn brought_back(directory: &Path, pattern: &str, excluded: &[String]) -> Option<String> {
    if excluded.is_empty() {
        return None;
    }
    let matcher = |globs: &[&str]| {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            // What is no glob here is refused later, with its reason.
            set.add(glob.parse::<GlobText>().ok()?.glob().clone());
        }
        set.build().ok()
    };
    let pattern = matcher(&[pattern])?;
    let excluded = matcher(&excluded.iter().map(String::as_str).collect::<Vec<_>>())?;
    let walk = WalkBuilder::new(directory)
        .standard_filters(false)
        .sort_by_file_path(Ord::cmp)
        .build();
    let files = walk
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let mut paths = files.filter_map(|entry| Some(entry.path().strip_prefix(directory).ok()?.to_str()?.to_owned()));
    paths.find(|path| pattern.is_match(path) && excluded.is_match(path))
}
