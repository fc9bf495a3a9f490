//! What a run has decided and done, for machines (`report.json`) and for people (`report.md`).

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lambda_pack_core::bundle::{Bundle, Decision, Identity};
use lambda_pack_core::temporary::write_whole;
use lambda_pack_core::{Error, Result};
use serde::Serialize;

use super::phases::PhaseRun;
use crate::report::bytes;
use crate::time;

#[derive(Debug, Serialize)]
pub struct Report {
    pub schema_version: u32,
    #[serde(flatten)]
    pub identity: Identity,
    pub result: Outcome,
    /// `None`: not even that is known.
    pub decision: Option<Decision>,
    /// Why so.
    pub reason: String,
    pub checksum: String,
    pub stored_checksum: Option<String>,
    pub started_at: String,
    pub duration_seconds: f64,
    /// What took how long, in its order.
    pub steps: Vec<Step>,
    /// Those of the build specification; empty if nothing was built.
    pub phases: Vec<PhaseRun>,
    /// The bundle that is in force now, if the run succeeded.
    pub bundle: Option<Bundle>,
    pub error: Option<String>,
    /// Output of the commands, if there were any.
    pub log: Option<PathBuf>,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The stored bundle is used.
    Hit,
    Built,
    Failed,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Hit => "hit",
            Outcome::Built => "built",
            Outcome::Failed => "failed",
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Step {
    pub step: &'static str,
    pub seconds: f64,
}

/// Times the steps of a run.
pub struct Clock {
    started: Instant,
    started_at: String,
    steps: Vec<Step>,
}

impl Clock {
    pub fn start() -> Self {
        Clock {
            started: Instant::now(),
            started_at: time::text(time::now()),
            steps: Vec::new(),
        }
    }

    pub fn time<T>(&mut self, step: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        tracing::info!("{step}");
        let started = Instant::now();
        let done = work();
        self.steps.push(Step {
            step,
            seconds: seconds(started),
        });
        done
    }

    /// Notes all times.
    pub fn finish(self, report: &mut Report) {
        report.started_at = self.started_at;
        report.duration_seconds = seconds(self.started);
        report.steps = self.steps;
    }
}

/// In milliseconds' steps: more digits say nothing.
fn seconds(since: Instant) -> f64 {
    since.elapsed().as_millis() as f64 / 1000.0
}

impl Report {
    /// Of a run that has not begun.
    pub fn new(identity: &Identity, checksum: String) -> Self {
        Report {
            schema_version: 1,
            identity: identity.clone(),
            result: Outcome::Hit,
            decision: None,
            reason: String::new(),
            checksum,
            stored_checksum: None,
            started_at: String::new(),
            duration_seconds: 0.0,
            steps: Vec::new(),
            phases: Vec::new(),
            bundle: None,
            error: None,
            log: None,
        }
    }

    /// Writes both forms into a directory.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self).expect("strings and numbers") + "\n";
        let written = fs::create_dir_all(directory)
            .and_then(|()| write_whole(&directory.join("report.json"), json.as_bytes(), None))
            .and_then(|()| write_whole(&directory.join("report.md"), self.to_markdown().as_bytes(), None));
        written.map_err(|cause| {
            Error::io("write the report in", directory, cause).help("name another place with --report-dir")
        })
    }

    fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Bundle {}: {}\n\nDecision: `{}`: {}.\n\n| | |\n| --- | --- |\n",
            self.identity,
            self.result.name(),
            self.decision.map_or("none", Decision::name),
            escape(&self.reason)
        );
        let mut row = |name: &str, value: &str| {
            writeln!(text, "| {name} | {} |", escape(value)).expect("a string takes any text");
        };
        row("checksum", &self.checksum);
        if let Some(stored) = &self.stored_checksum {
            row("checksum before", stored);
        }
        if let Some(bundle) = &self.bundle {
            row("bundle", &bundle.bundle_url);
            if let Some(version) = &bundle.s3_version {
                row("version", version);
            }
            row("code sha256", &bundle.code_sha256);
            row("md5", &bundle.md5);
            row(
                "size",
                &format!(
                    "{}, {} unzipped, {} entries",
                    bytes(bundle.size_bytes),
                    bytes(bundle.unzipped_bytes),
                    bundle.entries
                ),
            );
            row("stored", &bundle.origin.stored_at);
        }
        row("started", &self.started_at);
        row("duration", &format!("{:.1} s", self.duration_seconds));
        if let Some(error) = &self.error {
            row("error", error);
        }
        if let Some(log) = &self.log {
            row("log", &log.display().to_string());
        }
        self.add_phases(&mut text);
        text.push_str("\n| step | seconds |\n| --- | ---: |\n");
        for step in &self.steps {
            writeln!(text, "| {} | {:.1} |", step.step, step.seconds).expect("a string takes any text");
        }
        text
    }

    fn add_phases(&self, text: &mut String) {
        if self.phases.is_empty() {
            return;
        }
        text.push_str("\n| phase | command | exit code | seconds |\n| --- | --- | ---: | ---: |\n");
        for phase in &self.phases {
            for command in &phase.commands {
                let code = command.exit_code;
                writeln!(
                    text,
                    "| {} | {} | {code} | {:.1} |",
                    phase.name,
                    code_span(&command.command),
                    command.duration_ms as f64 / 1000.0
                )
                .expect("a string takes any text");
            }
        }
    }
}

/// Text that can't break out of a table's cell, nor become markup. Commands and AWS say some of it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => escaped.push(' '),
            '|' | '\\' | '[' | ']' | '!' | '*' | '_' | '~' | '`' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A table's code span that shows just this text: nothing is markup in it but its fence, and the table's `|`.
fn code_span(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One space at each end is taken off again where there is one at both.
    let pad = match text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        true => " ",
        false => "",
    };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        for (text, escaped) in [
            (
                "[click](http://evil/) ![i](x.png)",
                r"\[click\](http://evil/) \!\[i\](x.png)",
            ),
            (
                "*a* _b_ ~c~ `d` <e> & f|g\\|",
                r"\*a\* \_b\_ \~c\~ \`d\` &lt;e&gt; &amp; f\|g\\\|",
            ),
            ("one\n| two\r\u{1b}[0m", r"one \| two  \[0m"),
        ] {
            assert_eq!(escape(text), escaped);
        }
    }

    #[test]
    fn commands_are_shown_as_they_are() {
        for (text, span) in [
            (r"a && b < c\n", r"`a && b < c\n`"),
            ("a | b\n\\| c", r"`a \| b \\| c`"),
            ("echo `date` ``", "``` echo `date` `` ```"),
            (" a ", "`  a  `"),
        ] {
            assert_eq!(code_span(text), span);
        }
    }
}
