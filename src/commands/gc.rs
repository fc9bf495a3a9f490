//! `gc`: deletes packages that nothing refers to.

use std::path::PathBuf;

use lambda_pack_core::{Meter, Result};
use serde::Serialize;

use super::output;
use crate::cli::{Common, GcArgs};
use crate::gc::{Collector, Plan, Question, Reason, Row};
use crate::lambda::Asked;
use crate::overrides;
use crate::report::{self, Progress};
use crate::settings::Settings;
use crate::store::Inventory;
use crate::time;

#[derive(Serialize)]
struct Answer<'a> {
    options: Options<'a>,
    packages: Vec<PackageRow<'a>>,
    /// Objects that belong to no record, among those that go.
    left_over: usize,
    objects: usize,
    size_bytes: u64,
    /// Where Lambda was asked.
    asked: &'a [Asked],
    deleted: bool,
    /// After deleting: whether the bucket keeps what was deleted as older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    keeps_versions: Option<bool>,
}

/// What keeps packages, as far as this run looks.
#[derive(Serialize)]
struct Options<'a> {
    keep: usize,
    min_age_seconds: u64,
    sources: bool,
    lambda: bool,
    files: Vec<&'a PathBuf>,
}

#[derive(Serialize)]
struct PackageRow<'a> {
    name: &'a str,
    source_hash: String,
    code_sha256: String,
    size_bytes: u64,
    published_at: String,
    used_at: String,
    /// Since it was used.
    age_seconds: u64,
    keep: bool,
    reasons: &'a [Reason],
}

pub fn run(args: &GcArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let mut settings = Settings::resolve(common, None, None)?;
    let progress = Progress::start("looking for packages to delete", meter);
    // A rollback of this project refers to packages, whoever forgets to name it.
    let rollbacks = Some(overrides::default_file(&settings)).filter(|file| file.is_file());
    let question = Question {
        keep: args.keep,
        min_age: args.min_age,
        files: &args.keep_bundle,
        rollbacks: rollbacks.as_ref(),
        lambda_profiles: (!args.without_lambda).then_some(args.lambda_profile.as_slice()),
        sources: !args.without_sources,
    };
    let (collector, plan) = Collector::ask(&question, &mut settings, meter)?;
    let (plan, deleted) = match args.yes && !plan.is_empty() {
        true => collector.delete().map(|(plan, deleted)| (plan, Some(deleted)))?,
        false => (plan, None),
    };
    drop(progress);
    let asked = collector.uses.as_ref().map(|uses| uses.asked.as_slice());
    let answer = Answer {
        options: Options {
            keep: args.keep,
            min_age_seconds: args.min_age.as_secs(),
            sources: !args.without_sources,
            lambda: !args.without_lambda,
            files: args.keep_bundle.iter().chain(&rollbacks).collect(),
        },
        packages: plan.rows.iter().map(PackageRow::of).collect(),
        left_over: plan.left_over,
        objects: plan.records.len() + plan.beside.len() + plan.packages.len(),
        size_bytes: plan.size_bytes,
        asked: asked.unwrap_or_default(),
        deleted: deleted.is_some(),
        keeps_versions: deleted.map(|deleted| deleted.keeps_versions),
    };
    match common.json {
        true => output::json(&answer)?,
        false => output::line(&text(&plan, &answer))?,
    }
    if answer.keeps_versions == Some(true) {
        report::note(
            "the bucket keeps versions: what was deleted takes room until a lifecycle rule expires noncurrent versions (`noncurrent_days` of \
             lambda-build-module)",
        );
    }
    drop(answer);
    Inventory::check(plan.damaged)
}

impl Options<'_> {
    /// A line that says what these keep.
    fn text(&self) -> String {
        let mut kept = vec![
            format!("--keep {}: the newest of each function", self.keep),
            format!("--min-age: used in the last {}", report::age(self.min_age_seconds)),
        ];
        kept.push(match self.sources {
            true => "the sources of now".to_owned(),
            false => "no sources (--without-sources)".to_owned(),
        });
        kept.extend(self.files.iter().map(|file| file.display().to_string()));
        format!("kept by {}\n", kept.join("; "))
    }
}

impl<'a> PackageRow<'a> {
    fn of(Row { kept, reasons }: &'a Row) -> Self {
        let used = time::of_nanos(kept.used);
        PackageRow {
            name: &kept.name,
            source_hash: kept.source_hash.to_hex(),
            code_sha256: kept.record.code_sha256.to_base64(),
            size_bytes: kept.record.size_bytes,
            published_at: time::text(time::of_nanos(kept.published)),
            used_at: time::text(used),
            age_seconds: time::age_seconds(used),
            keep: !reasons.is_empty(),
            reasons,
        }
    }
}

fn text(plan: &Plan, answer: &Answer) -> String {
    let header = ["function", "source hash", "used", "size", "", "because"];
    let lines = answer.packages.iter().map(|row| {
        let reasons: Vec<String> = row.reasons.iter().map(Reason::text).collect();
        let (what, why) = match (row.keep, answer.deleted) {
            (true, _) => ("keep", reasons.join(", ")),
            (false, false) => ("delete", "nothing refers to it".to_owned()),
            (false, true) => ("deleted", "nothing referred to it".to_owned()),
        };
        vec![
            row.name.to_owned(),
            row.source_hash[..16].to_owned(),
            report::age(row.age_seconds),
            report::bytes(row.size_bytes),
            what.to_owned(),
            why,
        ]
    });
    let mut text = match plan.rows.is_empty() {
        true => String::new(),
        false => report::table(&header, &[2, 3], lines) + "\n\n",
    };
    text.push_str(&answer.options.text());
    for asked in answer.asked {
        text.push_str(&format!(
            "asked Lambda in {}: {} function versions\n",
            asked.place, asked.versions
        ));
    }
    if answer.asked.is_empty() {
        text.push_str("Lambda was not asked (--without-lambda)\n");
    }
    let size = report::bytes(answer.size_bytes);
    let left_over = match answer.left_over {
        0 => String::new(),
        count => format!(", {count} of them left over from uploads or deletions that were killed"),
    };
    text.push_str(&match (plan.is_empty(), answer.deleted) {
        (true, _) => "nothing to delete".to_owned(),
        (false, true) => format!("deleted {} objects, {size}{left_over}", answer.objects),
        (false, false) => format!(
            "{} objects, {size}{left_over}: `lambda-pack gc --yes` with the same options deletes them",
            answer.objects
        ),
    });
    text
}
