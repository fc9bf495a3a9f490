//! The steps from a profile to what is deployed, each said on stderr when it ends: what it did, what it need not do, and how long
//! it took.

use std::time::Instant;

use lambda_pack_core::{ErrorKind, Meter, Result};
use serde::Serialize;

use crate::report::{self, Progress};

/// What a step counts: one of it, and several.
pub type What = [&'static str; 2];

pub const PACKAGES: What = ["package", "packages"];
pub const SOURCES: What = ["function or layer", "functions and layers"];

/// What a step did.
pub struct Done {
    count: usize,
    what: What,
    cached: Vec<(usize, &'static str)>,
}

impl Done {
    pub fn new(count: usize, what: What) -> Self {
        Done {
            count,
            what,
            cached: Vec::new(),
        }
    }

    /// How many more need not be done, and where they are.
    pub fn cached(mut self, count: usize, place: &'static str) -> Self {
        if count > 0 {
            self.cached.push((count, place));
        }
        self
    }
}

/// A step as `--json` shows it.
#[derive(Serialize)]
pub struct Row {
    step: &'static str,
    status: &'static str,
    /// What was done.
    count: usize,
    /// What need not be done.
    cached: usize,
    seconds: f64,
}

pub struct Steps {
    rows: Vec<Row>,
    is_silent: bool,
    meter: &'static Meter,
}

impl Steps {
    pub fn new(meter: &'static Meter) -> Self {
        Steps {
            rows: Vec::new(),
            is_silent: false,
            meter,
        }
    }

    /// Nothing is said of what is done on the way to something else.
    pub fn silent(meter: &'static Meter) -> Self {
        Steps {
            is_silent: true,
            ..Steps::new(meter)
        }
    }

    /// Does a step; `doing` says so while it takes time.
    pub fn step<T>(
        &mut self,
        name: &'static str,
        doing: &'static str,
        work: impl FnOnce() -> Result<(Done, T)>,
    ) -> Result<T> {
        let start = Instant::now();
        let progress = (!self.is_silent).then(|| Progress::start(doing, self.meter));
        let result = work();
        drop(progress);
        let seconds = start.elapsed().as_secs_f64();
        let (status, shown) = match &result {
            Ok((done, _)) => {
                let cached = done.cached.iter().map(|(count, place)| format!(", {count} {place}"));
                let cached: String = cached.collect();
                let [one, several] = done.what;
                let what = if done.count == 1 { one } else { several };
                ("done", format!("{} {what}{cached}", done.count))
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => ("interrupted", "interrupted".to_owned()),
            Err(_) => ("failed", "failed".to_owned()),
        };
        if !self.is_silent {
            report::note(&format!("{name:<13} {shown} ({seconds:.1} s)"));
        }
        let done = result.as_ref().ok().map(|(done, _)| done);
        self.rows.push(Row {
            step: name,
            status,
            count: done.map_or(0, |done| done.count),
            cached: done.map_or(0, |done| done.cached.iter().map(|(count, _)| count).sum()),
            seconds: (seconds * 1000.0).round() / 1000.0,
        });
        result.map(|(_, value)| value)
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}
