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

/// What the patterns take of a part, one after the other: of those that match a file the last one counts. Here `exclude` wins; so what
/// a pattern brings back that an earlier one leaves out is a part of its own.
pub fn narrow(draft: &mut Draft, part: &Part, patterns: &[Value]) -> Vec<Part> {
    let mut include = Vec::new();
    let mut exclude = Vec::new();
    // Each with what is left out again after it.
    let mut brought = Vec::<(String, Vec<String>)>::new();
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
        let glob = clean(text.strip_prefix('!').unwrap_or(&text));
        if !draft.can_have(glob, &pattern.place, "package.patterns") {
            continue;
        }
        match text.strip_prefix('!').map(clean) {
            Some("**" | "**/*" | "**/**") => {
                takes_all = false;
                include.clear();
                exclude.clear();
                brought.clear();
            }
            Some(excluded) => {
                exclude.push(excluded.to_owned());
                for (_, without) in &mut brought {
                    without.push(excluded.to_owned());
                }
            }
            None => {
                let text = clean(&text).to_owned();
                if !brings_back(&part.path, &text, &exclude) {
                    include.push(text);
                    continue;
                }
                for (_, without) in &mut brought {
                    without.push(text.clone());
                }
                brought.push((text, Vec::new()));
            }
        }
    }
    exclude.extend(brought.iter().map(|(pattern, _)| pattern.clone()));
    let with = |include: Option<Vec<String>>, exclude: Vec<String>| {
        let never = NEVER.map(str::to_owned);
        Part {
            include,
            exclude: part.exclude.iter().cloned().chain(never).chain(exclude).collect(),
            ..part.clone()
        }
    };
    // Without `include` a part takes all, and one that takes nothing is none.
    let first = match takes_all {
        true => Some(with(part.include.clone(), exclude)),
        false if include.is_empty() && !brought.is_empty() => None,
        false => Some(with(Some(include), exclude)),
    };
    let brought = brought
        .into_iter()
        .map(|(pattern, without)| with(Some(vec![pattern]), without));
    first.into_iter().chain(brought).collect()
}

fn clean(pattern: &str) -> &str {
    pattern.trim_start_matches("./")
}

/// Whether there is a file that matches `pattern` and one of `excluded`.
fn brings_back(directory: &Path, pattern: &str, excluded: &[String]) -> bool {
    if excluded.is_empty() {
        return false;
    }
    let matcher = |globs: &[&str]| {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            // What is no glob here is refused later, with its reason.
            set.add(glob.parse::<GlobText>().ok()?.glob().clone());
        }
        set.build().ok()
    };
    let globs: Vec<&str> = excluded.iter().map(String::as_str).collect();
    let (Some(pattern), Some(excluded)) = (matcher(&[pattern]), matcher(&globs)) else {
        return false;
    };
    let walk = WalkBuilder::new(directory)
        .standard_filters(false)
        .sort_by_file_path(Ord::cmp)
        .build();
    let files = walk
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let mut paths = files.filter_map(|entry| Some(entry.path().strip_prefix(directory).ok()?.to_str()?.to_owned()));
    paths.any(|path| pattern.is_match(&path) && excluded.is_match(&path))
}
