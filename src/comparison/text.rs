//! Differences for people at a terminal.

use lambda_pack_core::{printable, shorten};

use super::texts::{Shown, Text};
use super::{Compared, Row, same};
use crate::report;

/// A block for each function that differs, then how many don't. The sides are as people call them.
pub fn text(functions: &[Compared], sides: &[String; 2]) -> String {
    let blocks = functions.iter().filter(|it| !it.is_same()).map(block);
    let blocks: Vec<String> = blocks.chain(same(functions, sides)).collect();
    blocks.join("\n\n")
}

fn block(function: &Compared) -> String {
    let rows = function.rows().into_iter();
    let rows = rows.map(
        |Row {
             change,
             what,
             before,
             after,
         }| vec![change.to_owned(), before, after, what],
    );
    let table = report::table(&["change", "before", "after", ""], &[], rows);
    let note = function.note().map(str::to_owned);
    let texts = function.texts().iter().map(of_text);
    let parts: Vec<String> = [format!("{}\n{table}", function.title())]
        .into_iter()
        .chain(note)
        .chain(texts)
        .collect();
    parts.join("\n\n")
}

/// In lines that can't steer a terminal.
pub(super) fn of_text(text: &Text) -> String {
    match &text.shown {
        Shown::Diff(diff) => {
            let lines: Vec<String> = diff.split('\n').map(line).collect();
            lines.join("\n").trim_end_matches('\n').to_owned()
        }
        Shown::Skipped(why) => format!("{}: not shown, {why}", shorten(&text.path)),
    }
}

fn line(line: &str) -> String {
    let parts: Vec<String> = line.split('\t').map(printable).collect();
    parts.join("\t")
}
