//! The real binary, as users and Terraform run it: one file a concern.
#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test says what it skips, and ends where it fails"
)]

mod adopt;
mod affected;
mod annotations;
mod archives;
mod assets;
mod builds;
mod bundles;
mod caches;
mod completions;
mod cpu;
mod damage;
mod declared;
mod definitions;
mod deployed;
mod diff;
mod doctor;
mod downloads;
mod external;
mod faults;
mod fitness;
mod gc;
mod graph;
mod handoff;
mod hash;
mod heads;
mod ignore_files;
mod init;
mod init_modules;
mod kills;
mod layers;
mod leaks;
mod list;
mod locks;
mod lookups;
mod made;
mod matrix;
mod metadata;
mod packages;
mod profiles;
mod promote;
mod provenance;
mod provide;
mod readme;
mod reasons;
mod remote;
mod reports;
mod rollback;
mod runs;
mod s3;
mod sbom;
mod secrets;
mod signed;
mod starts;
mod store;
mod support;
mod swaps;
mod table;
mod uses;
mod verify;
mod watch;
