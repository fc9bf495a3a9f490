//! Differences for summaries and comments of pull requests.

use super::text::of_text;
use super::texts::{Shown, Text};
use super::{Compared, Row, same};
use crate::markdown::{code, longest_run};
use crate::visible::visible;

/// A section for each function that differs, then how many don't. The sides are as people call them.
pub fn markdown(functions: &[Compared], sides: &[String; 2]) -> String {
    let sections = functions.iter().filter(|it| !it.is_same()).map(section);
    let sections: Vec<String> = sections.chain(same(functions, sides)).collect();
    sections.join("\n\n")
}

fn section(function: &Compared) -> String {
    let mut lines = vec![
        format!("### {}", code(&function.title())),
        String::new(),
        "| change | what | before | after |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    let rows = function.rows().into_iter();
    lines.extend(rows.map(
        |Row {
             change,
             what,
             before,
             after,
         }| {
            let [what, before, after] = [what, before, after].map(|text| code(&text));
            format!("| {change} | {what} | {before} | {after} |")
        },
    ));
    lines.extend(function.note().map(|note| format!("\n{note}")));
    lines.extend(function.texts().iter().map(of_entry));
    lines.join("\n")
}

fn of_entry(entry: &Text) -> String {
    let text = of_text(entry);
    match entry.shown {
        Shown::Diff(_) => {
            // <https://github.github.com/gfm/#fenced-code-blocks>: longer than any in it.
            let text = visible(&text);
            let fence = "`".repeat(longest_run(&text).max(2) + 1);
            format!("\n{fence}diff\n{text}\n{fence}")
        }
        Shown::Skipped(_) => format!("\n{}", code(&text)),
    }
}
