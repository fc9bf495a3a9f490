//! Bundles: a module's stored package with the records that say whether it is still right.

mod checksum;
mod decision;
mod identity;
mod layout;
mod parameters;
mod records;
mod secret;
mod terraform;

pub use checksum::{Checksum, Inputs};
pub use decision::{Answer, Decision, Object, Seen, Stored, candidate, decide};
pub use identity::Identity;
pub use layout::{Layout, ParameterNames};
pub use parameters::{Parameters, SecretReference};
pub use records::{Bundle, Metadata, Origin, Pointer, State, Status, Taint};
pub use terraform::outputs;
