//! Values that nothing prints.

use std::fmt;

/// A secret's value: nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    pub fn new(value: String) -> Self {
        SecretValue(value)
    }

    /// For the environment of a command, and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_value() {
        assert_eq!(
            format!("{:?}", Some(SecretValue::new("hunter2".to_owned()))),
            "Some(***)"
        );
    }
}
