//! A difference in one line, for a plan.

use serde_json::Value;

use super::{Change, ChangeKind, Difference, InputChange};
use crate::printable;

/// Characters of a reason. A plan shows it in one line, and a thousand of them are in the state.
const LONGEST: usize = 300;
/// Characters of a name or a version in it.
const LONGEST_NAME: usize = 80;
/// Of each sort, the others are counted.
const MOST: usize = 4;

/// Build inputs whose values are words of Lambda's. Of all others only the names are told: a command may hold anything.
const TOLD: [&str; 2] = ["architecture", "runtime"];

impl Difference {
    /// What differs, in one line of 300 characters at most: `code/app.py changed, +1.2 KB; requests 2.31 → 2.32`. It has no
    /// control characters, and of build inputs no values but versions, runtime and architecture. Empty where nothing differs.
    pub fn reason(&self) -> String {
        let entries: Vec<String> = self.changes.iter().map(of_change).collect();
        let mut parts = at_most(&entries);
        if entries.len() > MOST {
            let growth = growth(self.growth());
            parts.push(format!("and {} more entries, {growth} in all", entries.len() - MOST));
        }
        let dependencies = self.inputs.iter().filter_map(of_dependency).collect::<Vec<_>>();
        parts.extend(at_most(&dependencies));
        if dependencies.len() > MOST {
            parts.push(format!("and {} more dependencies", dependencies.len() - MOST));
        }
        let mut others: Vec<String> = self
            .inputs
            .iter()
            // What is in them was told.
            .filter(|input| dependencies.is_empty() || !input.is_lock())
            .filter_map(of_input)
            .collect();
        others.dedup();
        parts.extend(at_most(&others));
        if others.len() > MOST {
            parts.push(format!("and {} more build inputs", others.len() - MOST));
        }
        one_line(&parts.join("; "))
    }

    /// How many bytes more there are, each entry counted once.
    fn growth(&self) -> i128 {
        let changes = self.changes.iter();
        let counted = changes.filter(|change| {
            matches!(
                change.change,
                ChangeKind::Added | ChangeKind::Removed | ChangeKind::Modified | ChangeKind::Retargeted
            )
        });
        counted.map(Change::growth).sum()
    }
}

/// A line of 300 characters at most, without control characters.
pub fn one_line(text: &str) -> String {
    let line = printable(text);
    match line.chars().nth(LONGEST) {
        // One less, for the ellipsis.
        Some(_) => line.chars().take(LONGEST - 1).chain(['…']).collect(),
        None => line,
    }
}

fn at_most(texts: &[String]) -> Vec<String> {
    texts.iter().take(MOST).cloned().collect()
}

fn of_change(change: &Change) -> String {
    let path = name(&change.path);
    let with_growth = |verb: &str| match change.growth() {
        0 => format!("{path} {verb}"),
        bytes => format!("{path} {verb}, {}", growth(bytes)),
    };
    match change.change {
        ChangeKind::Added => with_growth("added"),
        ChangeKind::Removed => with_growth("removed"),
        ChangeKind::Modified => with_growth("changed"),
        ChangeKind::Renamed => format!(
            "{} moved to {path}",
            name(change.from_path.as_deref().unwrap_or_default())
        ),
        ChangeKind::Mode => match change.modes() {
            [Some(before), Some(after)] => format!("{path} {before} → {after}"),
            _ => format!("{path} has another mode"),
        },
        ChangeKind::Retargeted => format!("{path} leads elsewhere"),
    }
}

fn of_dependency(input: &InputChange) -> Option<String> {
    let dependency = name(input.dependency.as_ref()?);
    Some(match (text(input.before.as_ref()), text(input.after.as_ref())) {
        (Some(before), Some(after)) => format!("{dependency} {before} → {after}"),
        (None, Some(after)) => format!("{dependency} {after} added"),
        (Some(before), None) => format!("{dependency} {before} removed"),
        (None, None) => format!("{dependency} changed"),
    })
}

/// `None` for what [`of_dependency`] tells.
fn of_input(input: &InputChange) -> Option<String> {
    if input.dependency.is_some() {
        return None;
    }
    if let Some(lock) = input.key.strip_prefix("locks.") {
        return Some(format!("{} changed", name(lock.trim_matches('"'))));
    }
    let key = input.key.split(['.', '[']).next().unwrap_or_default();
    match (text(input.before.as_ref()), text(input.after.as_ref())) {
        (Some(before), Some(after)) if TOLD.contains(&key) => Some(format!("{key} {before} → {after}")),
        _ => Some(format!("build input {} changed", name(key))),
    }
}

/// Where a version is an address, it may have credentials.
fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    Some(if text.contains("://") {
        "…".to_owned()
    } else {
        name(text)
    })
}

/// In text that can't steer a terminal; of a long one the end, where paths have their file names.
fn name(text: &str) -> String {
    let text = printable(text);
    match text.chars().count().checked_sub(LONGEST_NAME) {
        None | Some(0) => text,
        // One more, for the ellipsis.
        Some(more) => ['…'].into_iter().chain(text.chars().skip(more + 1)).collect(),
    }
}

/// `+1.2 KB`; a KB has 1,000 bytes.
fn growth(bytes: i128) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let sign = if bytes < 0 { '-' } else { '+' };
    let size = bytes.unsigned_abs();
    if size < 1000 {
        return format!("{sign}{size} B");
    }
    // In tenths, rounded: what would be 1,000.0 is 1.0 of the next.
    let mut tenths = (size + 50) / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    format!("{sign}{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}
