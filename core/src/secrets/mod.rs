//! Secrets never ship: what is packed, and the environment, is searched for keys, tokens and passwords. A definition may
//! allow what was found, with a reason.

mod environment;
mod guard;
mod likeness;
mod published;
mod rules;
mod scan;
#[cfg(test)]
mod tests;

pub use guard::Guard;
pub(crate) use guard::{Found, names};
pub(crate) use rules::{RULES, Rule, find};
pub(crate) use scan::{Finding, Stream, scan};
