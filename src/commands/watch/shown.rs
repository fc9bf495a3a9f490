//! What `watch` says: lines for people, or one JSON object a line.

use lambda_pack_core::{Error, Result, counted, printable};
use serde::Serialize;
use serde_json::Value;

use super::super::{PackageRow, Status, output};
use crate::comparison::Compared;
use crate::invocation::{self, Outcome};
use crate::report;

/// Of functions that changed at once, people see so many.
const MOST: usize = 20;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// What everything is at the beginning.
    Watching {
        functions: Vec<Is<'a>>,
        elapsed_ms: u128,
    },
    /// What differs from what was known before. Empty where something was mended, and is as it was.
    Changed {
        functions: &'a [Changed],
        elapsed_ms: u128,
    },
    Built {
        packages: &'a [PackageRow],
        elapsed_ms: u128,
    },
    Uploaded {
        packages: &'a [PackageRow],
        elapsed_ms: u128,
    },
    Invoked {
        name: &'a str,
        #[serde(flatten)]
        outcome: &'a Outcome,
    },
    Error {
        errors: Vec<Fault<'a>>,
    },
}

#[derive(Serialize)]
pub struct Is<'a> {
    pub name: &'a str,
    pub source_hash: String,
}

#[derive(Serialize)]
pub struct Changed {
    #[serde(flatten)]
    pub compared: Compared,
    /// Whether what is deployed is another, be the package the same.
    pub definition_changed: bool,
}

#[derive(Serialize)]
pub struct Fault<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// Fails if nobody reads it any more.
pub fn show(event: &Event, json: bool) -> Result<()> {
    if json {
        return output::json(event);
    }
    let lines = match event {
        Event::Watching { functions, elapsed_ms } => vec![format!(
            "watching {} ({elapsed_ms} ms); Ctrl-C ends",
            counted(functions.len(), "function")
        )],
        Event::Changed {
            functions: [],
            elapsed_ms,
        } => vec![format!("mended, and as it was ({elapsed_ms} ms)")],
        Event::Changed { functions, elapsed_ms } => {
            let mut lines: Vec<String> = functions.iter().take(MOST).flat_map(of_function).collect();
            match functions.len().saturating_sub(MOST) {
                0 => {}
                more => lines.push(format!("and {} more", counted(more, "function"))),
            }
            // Beside what is the answer to a save.
            if let Some(first) = lines.first_mut() {
                first.push_str(&format!(" ({elapsed_ms} ms)"));
            }
            lines
        }
        Event::Built { packages, .. } | Event::Uploaded { packages, .. } => {
            let news = packages.iter().filter(|row| !matches!(row.status, Status::Unchanged));
            news.map(of_package).collect()
        }
        Event::Invoked { name, outcome } => {
            outcome.log.lines().for_each(report::note);
            of_outcome(name, outcome)
        }
        // On stderr.
        Event::Error { .. } => Vec::new(),
    };
    match lines.as_slice() {
        [] => Ok(()),
        lines => output::line(&lines.join("\n")),
    }
}

/// On stderr for people, and for machines where they look.
pub fn show_error(error: &Error, json: bool) -> Result<()> {
    report::error(error);
    if !json {
        return Ok(());
    }
    let errors = error.each().map(|error| Fault {
        message: error.message(),
        help: error.help_text(),
    });
    output::json(&Event::Error {
        errors: errors.collect(),
    })
}

fn of_function(changed: &Changed) -> Vec<String> {
    let Changed {
        compared,
        definition_changed,
    } = changed;
    let mut lines = Vec::new();
    if compared.from != compared.to {
        lines.push(compared.title());
        lines.push(format!("  {}", compared.difference.reason()));
    }
    if *definition_changed {
        lines.push(format!("{}: its definition changed", compared.name));
    }
    lines
}

fn of_package(row: &PackageRow) -> String {
    let place = row.path.as_ref().or(row.store_url.as_ref());
    let place = place.map(String::as_str).unwrap_or_default();
    format!(
        "{}: {} {place}, {}",
        row.name,
        row.status.name(),
        report::bytes(row.size_bytes)
    )
}

/// In lines that can't steer a terminal.
fn of_outcome(name: &str, outcome: &Outcome) -> Vec<String> {
    let took = format!("{} ms", outcome.elapsed_ms);
    if let (invocation::Status::Returned, Some(response)) = (outcome.status, &outcome.response) {
        return vec![format!("{name}: returned after {took}: {response}")];
    }
    let error = outcome.error.as_ref();
    let text = |key: &str| error.and_then(|error| error[key].as_str());
    let message = match (text("errorType"), text("errorMessage")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, Some(message)) => message.to_owned(),
        _ => error.map(Value::to_string).unwrap_or_default(),
    };
    let trace = error.and_then(|error| error["stackTrace"].as_array());
    let trace = trace.into_iter().flatten().filter_map(Value::as_str);
    let trace = trace.flat_map(str::lines).map(|line| format!("  {}", printable(line)));
    [format!("{name}: failed after {took}: {}", printable(&message))]
        .into_iter()
        .chain(trace)
        .collect()
}
