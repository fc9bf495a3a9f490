//! What a search for secrets was for, and found: kept with a package, so that what was searched needn't be searched again as long
//! as the same is declared and allowed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A search, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What was found, and allowed.
    pub allowed: BTreeSet<Allowance>,
    /// Digests of what was looked for because it is declared to be the infrastructure's.
    pub declared: BTreeSet<String>,
}

/// Something that was found and allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Allowance {
    /// Of the entry.
    pub path: String,
    /// Its id.
    pub rule: String,
}
