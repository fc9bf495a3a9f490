//! Secrets never ship: what is packed, and the environment, is searched for keys, tokens and passwords. A definition may
//! allow what was found, with a reason.

mod cautious;
mod check;
mod classify;
pub(crate) mod cover;
mod environment;
mod found;
mod guard;
mod infrastructure;
mod likeness;
mod listed;
mod look;
mod packed;
mod published;
mod rules;
mod scan;
mod seen;
pub(crate) mod spellings;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use cautious::{is_of_another_thing, may_be, named_by};
pub use check::{Check, Checked, check, check_declarations};
pub(crate) use classify::declaration;
pub use classify::{Suggestion, classify};
pub(crate) use environment::Named;
pub use environment::lines;
pub(crate) use found::Found;
pub use guard::Guard;
pub(crate) use infrastructure::searching;
pub use infrastructure::{Excluded, Infrastructure, protect};
pub use listed::{Listed, listed};
pub(crate) use look::EntryStream;
pub(crate) use rules::{RULES, Rule, find};
pub use seen::Seen;
pub use value::SecretValue;
