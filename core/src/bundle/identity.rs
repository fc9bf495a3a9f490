//! Which module a bundle is of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, shorten};

/// Project, deployment, group and module, each a name that SSM and S3 take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub project: String,
    pub deployment: String,
    pub group: String,
    pub module: String,
}

/// Two of them are a file's name, which has 255 bytes at most; and four of them and the rest stay below SSM's 1,011 characters.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
const LONGEST: usize = 100;

impl Identity {
    pub fn new(project: String, deployment: String, group: String, module: String) -> Result<Self> {
        let identity = Identity {
            project,
            deployment,
            group,
            module,
        };
        identity.check()?;
        Ok(identity)
    }

    fn check(&self) -> Result<()> {
        let parts = [
            ("project", &self.project),
            ("deployment", &self.deployment),
            ("group", &self.group),
            ("module", &self.module),
        ];
        for (what, name) in parts {
            check_name(what, name)?;
        }
        Ok(())
    }

    /// `{group}-{module}`: the module's name in records and in its environment.
    pub fn module_name(&self) -> String {
        format!("{}-{}", self.group, self.module)
    }

    /// That records found under the names of this module are its own: `a-b` + `c` and `a` + `b-c` have the same.
    pub fn check_owner(&self, owner: &Identity) -> Result<()> {
        if self == owner {
            return Ok(());
        }
        Err(Error::conflict(format!(
            "the records of {self} belong to {owner}: `{}` is the name of both",
            self.module_name()
        ))
        .help("give one of them another --group or --module"))
    }
}

/// That a name can be part of SSM parameter names and S3 keys, and of nothing that a path could mean.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let fits = (1..=LONGEST).contains(&name.len());
    if fits && name.bytes().all(allowed) && name.bytes().any(|byte| byte != b'.') {
        return Ok(());
    }
    Err(Error::invalid(format!("--{what}: found `{}`", shorten(name)))
        .help(format!("allowed: 1 to {LONGEST} of A-Z, a-z, 0-9, `_`, `.` and `-`")))
}

/// `project/deployment/group/module`
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity {
            project,
            deployment,
            group,
            module,
        } = self;
        write!(f, "{project}/{deployment}/{group}/{module}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(group: &str, module: &str) -> Result<Identity> {
        Identity::new(
            "shop".to_owned(),
            "prod".to_owned(),
            group.to_owned(),
            module.to_owned(),
        )
    }

    #[test]
    fn names_are_those_that_paths_can_hold() {
        for name in ["a", "a-b_c.d", "A9", "..a"] {
            assert!(identity(name, "m").is_ok(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "ä", "a b", "a\n", &"a".repeat(101)] {
            assert!(identity(name, "m").is_err(), "{name}");
        }
    }

    #[test]
    fn modules_whose_names_run_together_are_told_apart() {
        let (one, other) = (
            identity("a-b", "c").expect("a name"),
            identity("a", "b-c").expect("a name"),
        );
        assert_eq!(one.module_name(), other.module_name());
        assert!(one.check_owner(&one).is_ok());
        assert!(one.check_owner(&other).is_err());
    }
}
