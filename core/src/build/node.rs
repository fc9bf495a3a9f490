//! Node.js: `package-lock.json`.

use super::dependencies::{Facts, LockFile};

pub const FACTS: Facts = Facts {
    name: "node",
    lock_files: &[LockFile {
        name: "package-lock.json",
        beside: Some("package.json"),
        check: None,
    }],
    how_to_lock: "lock them: `npm install --package-lock-only`",
    runtime: ("nodejs", "nodejs22.x"),
};
