//! Secrets never ship: what is packed, and the environment, is searched for keys, tokens and passwords. A definition may
//! allow what was found, with a reason.

mod check;
mod classify;
mod environment;
mod found;
mod guard;
mod infrastructure;
mod likeness;
mod listed;
mod look;
mod published;
mod rules;
mod scan;
mod seen;
pub(crate) mod spellings;
#[cfg(test)]
mod tests;
mod value;

pub use check::{Check, Checked, check};
pub use classify::{Suggestion, classify};
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

/// What kind of secret the value of an environment variable looks like.
pub fn kind_of_variable(name: &str, value: &str) -> Option<&'static str> {
    environment::find(name, value).map(|rule| rule.id)
}

/// Whether a text holds something that looks like a secret.
pub fn is_in_text(text: &str) -> bool {
    !scan::scan(text.as_bytes()).is_empty()
}
