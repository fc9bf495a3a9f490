//! Which packages stay, and why.

use std::collections::{BTreeMap, BTreeSet};

use lambda_pack_core::archive::CodeSha256;
use serde::Serialize;

use crate::lambda::Uses;
use crate::store::{Damaged, Inventory, Kept, code_sha256_of};

/// What refers to packages, and how long they stay without.
pub struct Policy<'a> {
    /// Newest packages of each function that stay.
    pub keep: usize,
    /// What was used later stays; nanoseconds since 1970.
    pub young_after: i128,
    /// Functions with their source hashes of now.
    pub current: &'a BTreeSet<(String, String)>,
    /// Function and source hash, with the files that name them.
    pub named: &'a BTreeMap<(String, String), BTreeSet<String>>,
    /// `None` if Lambda isn't asked.
    pub uses: Option<&'a Uses>,
    /// Keys of the records that all of this was asked about.
    pub asked: &'a BTreeSet<String>,
}

/// Why a package stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The source is this one now.
    Current,
    /// It is one of the newest.
    Newest,
    /// It was used a short time ago.
    Young,
    /// A file that the user gave names it.
    Named(String),
    /// Lambda has it.
    Deployed(String),
    /// A record of its function can't be read, which may be about the same package.
    Damaged,
}

impl Reason {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Reason::Current => "current source".to_owned(),
            Reason::Newest => "newest".to_owned(),
            Reason::Young => "young".to_owned(),
            Reason::Named(file) => file.clone(),
            Reason::Deployed(version) => version.clone(),
            Reason::Damaged => "a damaged record".to_owned(),
        }
    }
}

/// A record with its package, and why it stays.
#[derive(Debug)]
pub struct Row {
    pub kept: Kept,
    /// None: it goes.
    pub reasons: Vec<Reason>,
}

/// What goes, in the order in which it goes.
#[derive(Debug, Default)]
pub struct Plan {
    pub rows: Vec<Row>,
    /// First: what has no record is found by nobody.
    pub records: Vec<String>,
    /// Manifests, bills of materials and provenance.
    pub beside: Vec<String>,
    pub packages: Vec<String>,
    /// Of all of them.
    pub size_bytes: u64,
    /// Objects among them that belong to no record: what a killed upload or deletion left.
    pub left_over: usize,
    /// Of whose functions nothing goes.
    pub damaged: Vec<Damaged>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.beside.is_empty() && self.packages.is_empty()
    }

    pub fn of(inventory: Inventory, policy: &Policy) -> Self {
        let mut plan = Plan::default();
        let (mut beside, mut packages) = (BTreeSet::new(), BTreeSet::new());
        let mut newest: BTreeMap<String, Vec<CodeSha256>> = BTreeMap::new();
        let mut going = BTreeSet::new();
        let damaged: BTreeSet<String> = inventory.damaged.iter().map(|it| it.name.clone()).collect();
        plan.damaged = inventory.damaged;
        for kept in inventory.kept {
            // Of two records of one package the second costs nothing.
            let newest = newest.entry(kept.name.clone()).or_default();
            if newest.len() < policy.keep && !newest.contains(&kept.record.code_sha256) {
                newest.push(kept.record.code_sha256);
            }
            let is_newest = newest.contains(&kept.record.code_sha256);
            let mut reasons = policy.reasons(&kept, is_newest);
            if damaged.contains(&kept.name) {
                reasons.push(Reason::Damaged);
            }
            match reasons.is_empty() {
                true => {
                    plan.records.push(kept.record_key());
                    going.extend(kept.beside());
                    going.insert(kept.record.package_key());
                }
                false => {
                    beside.extend(kept.beside());
                    packages.insert(kept.record.package_key());
                }
            }
            plan.rows.push(Row { kept, reasons });
        }
        for key in &plan.records {
            plan.size_bytes += inventory.records.get(key).copied().unwrap_or_default();
        }
        let all = inventory.beside.into_iter().map(|object| (object, &beside, None));
        let packages = inventory.packages.into_iter().map(|object| {
            let digest = code_sha256_of(&object.0);
            (object, &packages, digest)
        });
        for ((key, stored), kept, digest) in all.chain(packages) {
            let is_of_damaged = key.split('/').nth(1).is_some_and(|name| damaged.contains(name));
            if kept.contains(&key) || is_of_damaged {
                continue;
            }
            let belongs = going.contains(&key);
            // Of a package without a record nothing else is known.
            let name = key.split('/').nth(1).unwrap_or_default();
            let is_used = digest
                .as_ref()
                .is_some_and(|digest| policy.may_be_deployed(name, digest));
            // What was written just now may be the beginning of another upload.
            if stored.modified > policy.young_after || is_used {
                continue;
            }
            plan.size_bytes += stored.size_bytes;
            plan.left_over += usize::from(!belongs);
            match digest {
                Some(_) => plan.packages.push(key),
                None => plan.beside.push(key),
            }
        }
        plan
    }
}

impl Policy<'_> {
    fn reasons(&self, kept: &Kept, is_newest: bool) -> Vec<Reason> {
        let Kept {
            name,
            source_hash,
            record,
            used,
            ..
        } = kept;
        let mut reasons = Vec::new();
        let key = (name.clone(), source_hash.to_hex());
        if self.current.contains(&key) {
            reasons.push(Reason::Current);
        }
        let uses = self.uses.map(|uses| uses.of(&record.code_sha256.to_base64()));
        let uses = uses.unwrap_or_default().iter();
        reasons.extend(uses.map(|it| Reason::Deployed(it.text())));
        let unknown = self.uses.into_iter().flat_map(|uses| uses.unknown(name));
        reasons.extend(unknown.map(|it| Reason::Deployed(format!("{}, signed: perhaps this one", it.text()))));
        let files = self.named.get(&key);
        reasons.extend(files.into_iter().flatten().cloned().map(Reason::Named));
        if is_newest {
            reasons.push(Reason::Newest);
        }
        if *used > self.young_after || !self.asked.contains(&kept.record_key()) {
            reasons.push(Reason::Young);
        }
        reasons
    }

    fn may_be_deployed(&self, name: &str, code_sha256: &str) -> bool {
        self.uses
            .is_some_and(|uses| !uses.of(code_sha256).is_empty() || uses.unknown(name).next().is_some())
    }
}
