//! Differences for people at a terminal.

use super::{Compared, Row, Side, same};
use crate::report;

/// A block for each function that differs, then how many don't.
pub fn text(functions: &[Compared], sides: [&Side; 2]) -> String {
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
    format!("{}\n{table}", function.title())
}
