//! Whether a statement is that of a package, and says what somebody expects.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{BUILD_TYPE, DIRTY, GIT_COMMIT, PREDICATE, Resource, SOURCE, SOURCE_DIGEST, STATEMENT, Statement};
use super::{file_name, is_same_source};
use crate::archive::CodeSha256;
use crate::digest::Digest;
use crate::manifest::HASH_VERSION;

/// What is known of the package, and what is asked of its builder.
pub struct Expected<'a> {
    pub name: &'a str,
    pub code_sha256: &'a CodeSha256,
    pub source_hash: &'a Digest,
    pub build_inputs: Option<&'a Map<String, Value>>,
    pub package_format: u32,
    pub builder: Expectations<'a>,
}

/// What must be said of the builder; `None`: anything may.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    pub builder_id: Option<&'a str>,
    pub source_uri: Option<&'a str>,
    pub source_commit: Option<&'a str>,
}

/// What a statement says of a build.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stated {
    pub builder_id: String,
    /// The one that it was built for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<String>,
    /// With the branch or tag, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_commit: Option<String>,
    /// Whether something was other than in the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
}

/// What a statement says, with all that contradicts what is expected, in words. Fails with what is wrong if it is none.
pub fn check(content: &[u8], expected: &Expected) -> Result<(Stated, Vec<String>), String> {
    let kinds: Kinds = serde_json::from_slice(content).map_err(|error| format!("not a statement: {error}"))?;
    let kinds = [
        ("_type", kinds.kind, STATEMENT),
        ("predicateType", kinds.predicate_type, PREDICATE),
        ("buildType", kinds.predicate.build_definition.build_type, BUILD_TYPE),
    ];
    // The rest means something else then.
    if let Some((key, found, known)) = kinds.into_iter().find(|(_, found, known)| found != known) {
        return Err(format!("its {key} is `{found}`, which should be `{known}`"));
    }
    let statement: Statement = serde_json::from_slice(content).map_err(|error| format!("not a statement: {error}"))?;
    let stated = Stated::of(&statement);
    // They would be shown, and could look like something else.
    if let Some(text) = stated.texts().find(|text| text.contains(char::is_control)) {
        return Err(format!("{text:?} has control characters"));
    }
    let mut problems: Vec<String> = of_package(&statement, expected).into_iter().collect();
    problems.extend(of_build(&statement, expected));
    problems.extend(of_builder(&stated, expected.builder));
    Ok((stated, problems))
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinds {
    #[serde(rename = "_type", default)]
    kind: String,
    #[serde(default)]
    predicate_type: String,
    #[serde(default)]
    predicate: KindOfPredicate,
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KindOfPredicate {
    build_definition: KindOfBuild,
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KindOfBuild {
    build_type: String,
}

impl Stated {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let others = [
            &self.deployment_profile,
            &self.invocation_id,
            &self.source_uri,
            &self.source_commit,
        ];
        [self.builder_id.as_str()]
            .into_iter()
            .chain(others.into_iter().flatten().map(String::as_str))
    }

    fn of(statement: &Statement) -> Self {
        let details = &statement.predicate.run_details;
        let parameters = &statement.predicate.build_definition.external_parameters;
        let commit = dependencies(statement).find(|it| it.digest.contains_key(GIT_COMMIT));
        Stated {
            builder_id: details.builder.id.clone(),
            deployment_profile: parameters.deployment_profile.clone(),
            invocation_id: details.metadata.as_ref().map(|it| it.invocation_id.clone()),
            source_uri: commit.and_then(|commit| commit.uri.clone()),
            source_commit: commit.map(|commit| commit.digest[GIT_COMMIT].clone()),
            dirty: commit.and_then(|commit| commit.annotations.get(DIRTY)?.as_bool()),
        }
    }
}

fn dependencies(statement: &Statement) -> impl Iterator<Item = &Resource> {
    statement.predicate.build_definition.resolved_dependencies.iter()
}

/// The subject must be this package, and no other one.
fn of_package(statement: &Statement, expected: &Expected) -> Option<String> {
    let [subject] = statement.subject.as_slice() else {
        return Some(format!("it is about {} artifacts, not one", statement.subject.len()));
    };
    let (name, sha256) = (file_name(expected.name), expected.code_sha256.to_hex());
    let said = |text: Option<&String>| text.map_or("nothing".to_owned(), |text| format!("`{text}`"));
    if subject.digest.get("sha256") != Some(&sha256) {
        let found = said(subject.digest.get("sha256"));
        return Some(format!(
            "its subject has the SHA-256 {found}, the package has `{sha256}`"
        ));
    }
    (subject.name.as_ref() != Some(&name)).then(|| {
        let found = said(subject.name.as_ref());
        format!("its subject is called {found}, not `{name}`")
    })
}

fn of_build(statement: &Statement, expected: &Expected) -> Vec<String> {
    let definition = &statement.predicate.build_definition;
    let parameters = &definition.external_parameters;
    let source = dependencies(statement).find(|it| it.name.as_deref() == Some(SOURCE));
    let source_hash = source.and_then(|source| source.digest.get(SOURCE_DIGEST));
    let mut problems = Vec::new();
    if parameters.function_name != expected.name {
        problems.push(format!("its function is `{}`", parameters.function_name));
    }
    let rules = &definition.internal_parameters;
    for (key, stated, known) in [
        ("hash_version", rules.hash_version, HASH_VERSION),
        ("package_format", rules.package_format, expected.package_format),
    ] {
        if stated != known {
            problems.push(format!("its {key} is {stated}, that of the package {known}"));
        }
    }
    if source_hash != Some(&expected.source_hash.to_hex()) {
        let found = source_hash.map_or("none", String::as_str);
        problems.push(format!(
            "its source hash is {found}, that of the manifest {}",
            expected.source_hash
        ));
    }
    let stated = parameters.build_inputs.as_ref();
    if stated != expected.build_inputs {
        let empty = Map::new();
        let [stated, known] = [stated, expected.build_inputs].map(|inputs| inputs.unwrap_or(&empty));
        let keys = stated.keys().chain(known.keys());
        let mut differing: Vec<&str> = keys
            .filter(|key| stated.get(*key) != known.get(*key))
            .map(String::as_str)
            .collect();
        differing.sort_unstable();
        differing.dedup();
        problems.push(format!(
            "its build inputs are not those of the manifest: {}",
            differing.join(", ")
        ));
    }
    problems
}

fn of_builder(stated: &Stated, expected: Expectations) -> Vec<String> {
    let said = |text: &Option<String>| text.as_ref().map_or("none".to_owned(), |text| format!("`{text}`"));
    let mut problems = Vec::new();
    if let Some(id) = expected.builder_id
        && stated.builder_id != id
    {
        problems.push(format!("its builder is `{}`, expected was `{id}`", stated.builder_id));
    }
    if let Some(uri) = expected.source_uri
        && !stated
            .source_uri
            .as_ref()
            .is_some_and(|stated| is_same_source(stated, uri))
    {
        problems.push(format!(
            "its source is {}, expected was `{uri}`",
            said(&stated.source_uri)
        ));
    }
    if let Some(commit) = expected.source_commit {
        if stated.source_commit.as_deref() != Some(commit) {
            problems.push(format!(
                "its commit is {}, expected was `{commit}`",
                said(&stated.source_commit)
            ));
        } else if stated.dirty != Some(false) {
            problems.push(format!(
                "it was not built from the commit `{commit}` as it is: files differed"
            ));
        }
    }
    problems
}
