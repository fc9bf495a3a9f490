//! All that `report` knows, in one document: `--json` prints it, the page shows it, the summary is made of it.

use lambda_pack_core::diff::ChangeKind;
use lambda_pack_core::digest::Digest;
use lambda_pack_core::fitness::{Status, Tier};
use serde::Serialize;

#[derive(Serialize)]
pub struct Overview {
    /// The same wherever the project stands, if the store is in it.
    pub store: String,
    /// False if the store's bucket isn't there yet.
    pub store_exists: bool,
    pub tier: Tier,
    pub functions: Vec<FunctionView>,
    pub shared: Shared,
}

/// A function or layer.
#[derive(Serialize)]
pub struct FunctionView {
    pub name: String,
    /// `function` or `layer`
    pub kind: &'static str,
    pub runtime: Option<String>,
    pub architecture: &'static str,
    pub source_hash: String,
    pub status: Standing,
    /// Why it isn't what was published last, in a line.
    pub reason: Option<String>,
    /// What was published last, if this isn't it.
    pub previous: Option<Previous>,
    /// What the store has for this source hash.
    pub package: Option<PackageView>,
    /// Of the package; of what is yet to be built, what is known to get into it.
    pub unzipped_bytes: Option<u64>,
    /// Whose files are listed.
    pub listed: Listed,
    /// In the order of the manifest.
    pub files: Vec<FileView>,
    /// By name.
    pub dependencies: Vec<DependencyView>,
    pub limits: Vec<Limit>,
    /// The newest first.
    pub history: Vec<PastView>,
    /// How many packages are older.
    pub older: usize,
}

/// Where a function stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is what was published last.
    Published,
    /// It is something else.
    Changed,
    /// Nothing was ever published of it.
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Listed {
    /// All that the package has.
    Package,
    /// What it is made of; the rest is known when it was built.
    Source,
}

#[derive(Serialize)]
pub struct PackageView {
    pub code_sha256: String,
    pub size_bytes: u64,
    pub unzipped_bytes: u64,
}

#[derive(Serialize)]
pub struct Previous {
    pub source_hash: String,
    pub size_bytes: Option<u64>,
    pub unzipped_bytes: Option<u64>,
}

#[derive(Serialize)]
pub struct FileView {
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Bytes of it in the zip, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressed: Option<u64>,
    /// The package of others that it belongs to, as far as its path tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency: Option<String>,
    /// `None` of links, which are no content.
    #[serde(skip)]
    pub digest: Option<Digest>,
}

/// A package of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DependencyView {
    pub name: String,
    pub versions: Vec<String>,
    pub licenses: Vec<String>,
    /// Package URLs.
    pub purls: Vec<String>,
    /// How many of the files are known to be its own.
    pub files: u64,
    /// Bytes of these.
    pub size: u64,
}

/// How much of a quota it takes.
#[derive(Serialize)]
pub struct Limit {
    /// The name of the check in `fitness`.
    pub name: &'static str,
    pub amount: u64,
    pub most: u64,
    pub status: Status,
    /// Whose limit it is: a clause that begins with a subject.
    pub whose: &'static str,
}

/// A package that was published.
#[derive(Serialize)]
pub struct PastView {
    /// By the store's clock, in UTC.
    pub published: String,
    pub source_hash: String,
    pub code_sha256: Option<String>,
    pub size_bytes: Option<u64>,
    pub unzipped_bytes: Option<u64>,
    /// What differs from the one before.
    pub reason: String,
    /// The first of the entries that differ.
    pub changes: Vec<ChangeView>,
    pub more_changes: usize,
}

#[derive(Serialize)]
pub struct ChangeView {
    pub path: String,
    pub change: ChangeKind,
    pub size_before: Option<u64>,
    pub size_after: Option<u64>,
}

/// Files that several functions have.
#[derive(Default, Serialize)]
pub struct Shared {
    /// What it would save if each of these files were in one layer.
    pub saves_bytes: u64,
    /// Those that save most, first.
    pub groups: Vec<Group>,
    /// How many others there are.
    pub more_groups: usize,
}

/// All files that exactly these functions have: one layer could hold them.
#[derive(Serialize)]
pub struct Group {
    pub functions: Vec<String>,
    pub files: u64,
    /// Bytes of one copy of each.
    pub size: u64,
    pub saves_bytes: u64,
    pub dependencies: Vec<String>,
    /// The largest, as the first function has them.
    pub largest: Vec<SharedFile>,
}

#[derive(Serialize)]
pub struct SharedFile {
    pub path: String,
    pub size: u64,
}
