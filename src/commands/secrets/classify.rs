//! `secrets classify`.

use std::collections::BTreeMap;

use lambda_pack_core::Result;
use lambda_pack_core::secrets::{Suggestion, classify, lines};
use serde::Serialize;

use super::Asked;
use crate::commands::output;

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    suggestion: Suggestion,
    /// Of the definition.
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

pub fn run(asked: &Asked, json: bool) -> Result<()> {
    let rows: Vec<Row> = asked
        .functions
        .values()
        .flat_map(|function| {
            let suggestions = classify(function);
            let lines = match suggestions.is_empty() {
                true => BTreeMap::new(),
                false => lines(&function.file),
            };
            suggestions.into_iter().map(move |suggestion| Row {
                file: function.file.display().to_string(),
                line: lines.get(&suggestion.key).copied(),
                suggestion,
            })
        })
        .collect();
    if json {
        return output::json(&rows);
    }
    if rows.is_empty() {
        return output::line("no environment variable looks like a secret");
    }
    output::line(&rows.iter().map(text).collect::<Vec<_>>().join("\n\n"))
}

fn text(row: &Row) -> String {
    let Suggestion {
        key,
        class,
        why,
        secret,
        ..
    } = &row.suggestion;
    let line = row.line.map(|line| format!(":{line}")).unwrap_or_default();
    let json = serde_json::to_string(secret).expect("a declaration is JSON");
    let then = match &secret.target {
        Some(target) if key.ends_with(&format!(".{target}")) => "the deploy module sets the variable".to_owned(),
        Some(target) => format!("read the secret whose name `{target}` will hold"),
        None => "nothing takes its place".to_owned(),
    };
    format!(
        "{}{line}: {key}: {}\n  why:     {why}\n  declare: \"secrets\": [{json}]\n  then:    remove `{key}`; {then}",
        row.file,
        class.name()
    )
}
