//! The overview in a table: for a terminal, and as Markdown for summaries and comments.

use lambda_pack_core::fitness::Status;
use lambda_pack_core::limits::Quantity;

use super::model::{FunctionView, Limit, Overview, Standing};
use crate::markdown::{code, words};
use crate::report;

/// Digits of a source hash that are enough to compare by eye; `--json` has all.
const DIGITS: usize = 12;

pub fn table(overview: &Overview) -> String {
    let rows = overview.functions.iter().map(|function| {
        vec![
            function.name.clone(),
            status(function.status).to_owned(),
            short(&function.source_hash).to_owned(),
            zipped(function),
            unzipped(function),
            function.reason.clone().unwrap_or_default(),
        ]
    });
    let header = ["function", "status", "source hash", "zip", "unzipped", "why"];
    format!(
        "{}\n\n{}",
        report::table(&header, &[3, 4], rows),
        headline(overview, str::to_owned)
    )
}

/// At most this many bytes of Markdown; what is cut is counted. What differs stands first.
pub fn summary(overview: &Overview, most_bytes: usize) -> String {
    let mut text = format!(
        "### Lambda packages\n\n{}\n\n| function | source hash | unzipped | why | limits |\n| --- | --- | ---: | --- | --- |\n",
        headline(overview, code)
    );
    let mut functions: Vec<&FunctionView> = overview.functions.iter().collect();
    functions.sort_by_key(|function| (function.status == Standing::Published, &function.name));
    let rows: Vec<String> = functions.iter().map(|function| row(function)).collect();
    let mut left = rows.len();
    for row in &rows {
        let is_last = left == 1;
        let room = most_bytes.saturating_sub(text.len() + row.len());
        // The note must have room too, until there is none.
        if room < if is_last { 0 } else { cut(left).len() } || most_bytes < text.len() + row.len() {
            break;
        }
        text.push_str(row);
        left -= 1;
    }
    if left > 0 {
        text.push_str(&cut(left));
    }
    text.trim_end().to_owned()
}

fn cut(left: usize) -> String {
    format!("\n{left} more functions were cut to keep this short: `lambda-pack report` shows all.\n")
}

fn row(function: &FunctionView) -> String {
    let name = code(&function.name);
    let new = code(short(&function.source_hash));
    let hash = match (&function.previous, function.status) {
        (Some(previous), _) => format!("{} → {new}", code(short(&previous.source_hash))),
        (None, Standing::New) => format!("→ {new}"),
        (None, _) => new,
    };
    let why = words(function.reason.as_deref().unwrap_or_default());
    let limits = limits(function);
    format!("| {name} | {hash} | {} | {why} | {limits} |\n", unzipped(function))
}

/// How many differ, in a sentence; `shown` is how the address of a store is.
fn headline(overview: &Overview, shown: impl Fn(&str) -> String) -> String {
    let count = |standing| {
        let functions = overview.functions.iter();
        functions.filter(|function| function.status == standing).count()
    };
    let (all, changed, new) = (overview.functions.len(), count(Standing::Changed), count(Standing::New));
    let of_store = match overview.store_exists {
        true => format!("in {}", shown(&overview.store)),
        false => format!("in {}, whose bucket isn't there yet", shown(&overview.store)),
    };
    match (changed, new) {
        (0, 0) => format!("No change in {all}: compared with what was published last {of_store}."),
        _ => format!("{changed} changed, {new} new, of {all}: compared with what was published last {of_store}."),
    }
}

fn status(standing: Standing) -> &'static str {
    match standing {
        Standing::Published => "published",
        Standing::Changed => "changed",
        Standing::New => "new",
    }
}

fn short(hash: &str) -> &str {
    &hash[..DIGITS.min(hash.len())]
}

fn zipped(function: &FunctionView) -> String {
    let package = function.package.as_ref();
    package
        .map(|package| report::bytes(package.size_bytes))
        .unwrap_or_default()
}

/// `1.50 MiB (+2.00 KiB)`
fn unzipped(function: &FunctionView) -> String {
    let Some(after) = function.unzipped_bytes else {
        return "known after the build".to_owned();
    };
    let before = function.previous.as_ref().and_then(|previous| previous.unzipped_bytes);
    match before {
        None => report::bytes(after),
        Some(before) if before <= after => format!("{} (+{})", report::bytes(after), report::bytes(after - before)),
        Some(before) => format!("{} (-{})", report::bytes(after), report::bytes(before - after)),
    }
}

/// What is broken; else how near the one is that packages come near to.
fn limits(function: &FunctionView) -> String {
    let broken = function.limits.iter().filter(|limit| limit.status != Status::Pass);
    let broken: Vec<String> = broken.map(|limit| format!("**{}**", words(&say(limit)))).collect();
    if !broken.is_empty() {
        return broken.join("<br>");
    }
    let unzipped = function
        .limits
        .iter()
        .find(|limit| limit.name == Quantity::UnzippedBytes.name());
    unzipped.map(say).unwrap_or_default()
}

fn say(limit: &Limit) -> String {
    let amount = |amount| match limit.name.ends_with("_bytes") {
        true => report::bytes(amount),
        false => amount.to_string(),
    };
    let name = limit.name.trim_end_matches("_bytes").replace('_', " ");
    match limit.amount > limit.most {
        true => format!("{name}: {} of {}", amount(limit.amount), amount(limit.most)),
        false => format!("{name}: {} of {}", share(limit), amount(limit.most)),
    }
}

fn share(limit: &Limit) -> String {
    match limit.amount.saturating_mul(100) / limit.most.max(1) {
        0 if limit.amount > 0 => "under 1 %".to_owned(),
        percent => format!("{percent} %"),
    }
}
