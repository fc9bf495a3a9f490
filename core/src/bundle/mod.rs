//! Bundles: a module's stored package with the records that say whether it is still right.

mod checksum;
mod decision;
mod identity;
mod layout;
pub mod mask;
pub mod names;
mod outputs;
mod parameters;
pub mod query;
mod records;
mod secret;
pub mod spec;
mod terraform;

pub use checksum::{Checksum, Inputs, Parts};
pub use decision::{Answer, Decision, Object, Seen, Stored, candidate, decide};
pub use identity::Identity;
pub use layout::{Layout, ParameterNames};
pub use outputs::Outputs;
pub use parameters::{Parameters, SecretReference};
pub use records::{Bundle, Metadata, Origin, Pointer, State, Status, Taint};
pub use terraform::outputs;
