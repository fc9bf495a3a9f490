//! Tables for people; programs read `--json`.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use indicatif::HumanBytes;
use lambda_pack_core::counted;

/// Columns with two spaces between them, no lines. `numbers` are the indices of the columns that are aligned right.
pub fn table(header: &[&str], numbers: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for &number in numbers {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// `1.50 MiB`
pub fn bytes(count: u64) -> String {
    HumanBytes(count).to_string()
}

/// The largest unit that fits: `3 days`.
pub fn age(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let fits = UNITS.iter().find(|(size, _)| seconds >= *size).unwrap_or(&UNITS[3]);
    counted(seconds / fits.0, fits.1)
}
