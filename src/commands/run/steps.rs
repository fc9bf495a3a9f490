//! The steps of a run, each said on stderr when it ends: what it did, what it need not do, and how long it took.

use std::time::Instant;

use lambda_pack_core::Result;
use serde::Serialize;

use crate::report;

/// What a step did.
pub struct Done {
    count: usize,
    what: &'static str,
    cached: Option<(usize, &'static str)>,
}

impl Done {
    pub fn new(count: usize, what: &'static str) -> Self {
        Done {
            count,
            what,
            cached: None,
        }
    }

    /// How many of them were there already, and where.
    pub fn cached(self, count: usize, place: &'static str) -> Self {
        Done {
            cached: Some((count, place)),
            ..self
        }
    }
}

/// A step as `--json` shows it.
#[derive(Serialize)]
pub struct Row {
    step: &'static str,
    status: &'static str,
    count: usize,
    cached: usize,
    seconds: f64,
}

#[derive(Default)]
pub struct Steps(Vec<Row>);

impl Steps {
    /// Does a step.
    pub fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<(Done, T)>) -> Result<T> {
        let start = Instant::now();
        let result = work();
        let seconds = start.elapsed().as_secs_f64();
        let shown = match &result {
            Ok((done, _)) => {
                let cached = done.cached.filter(|(count, _)| *count > 0);
                let cached = cached.map(|(count, place)| format!(", {count} {place}"));
                format!("{} {}{}", done.count, done.what, cached.unwrap_or_default())
            }
            Err(_) => "failed".to_owned(),
        };
        report::note(&format!("{name:<13} {shown} ({seconds:.1} s)"));
        let (done, value) = result?;
        self.0.push(Row {
            step: name,
            status: "done",
            count: done.count,
            cached: done.cached.map_or(0, |(count, _)| count),
            seconds: (seconds * 1000.0).round() / 1000.0,
        });
        Ok(value)
    }

    pub fn rows(&self) -> &[Row] {
        &self.0
    }
}
