//! Where a function's dependencies are stated, and the lock file that is made of that.

use std::path::{Path, PathBuf};

use super::dependencies::runtime;
use super::{node, python};
use crate::function::{Architecture, Build, Function};
use crate::{Error, Result};

/// A lock file that an ecosystem's own tool makes.
#[derive(Clone, Debug)]
pub struct Locking {
    pub tool: LockTool,
    /// As reached from the code directory that was given, as all paths here.
    pub lock: PathBuf,
    /// What people write.
    pub stated_in: PathBuf,
    pub target: Target,
}

/// What locked dependencies must fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Lambda's runtime identifier; `None` where it doesn't matter.
    pub runtime: Option<String>,
    pub architecture: Architecture,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockTool {
    /// `requirements.txt` with digests.
    PipCompile,
    Uv,
    Npm,
    Go,
    Cargo,
}

impl LockTool {
    /// The lock file, and what it is made of.
    fn files(self) -> (&'static str, &'static str) {
        match self {
            LockTool::PipCompile => ("requirements.txt", "requirements.in"),
            LockTool::Uv => ("uv.lock", "pyproject.toml"),
            LockTool::Npm => ("package-lock.json", "package.json"),
            LockTool::Go => ("go.sum", "go.mod"),
            LockTool::Cargo => ("Cargo.lock", "Cargo.toml"),
        }
    }
}

impl Locking {
    /// `None` for a function without dependencies of this kind.
    pub fn of(function: &Function, code_dir: &Path) -> Result<Option<Self>> {
        let Some(build) = &function.definition.build else {
            return Ok(None);
        };
        // A `pyproject.toml` may only set tools up, so that it comes last.
        let (tools, named, facts): (&[LockTool], _, _) = match &build.0 {
            Build::Python(build) => (
                &[LockTool::PipCompile, LockTool::Uv],
                build.lock.as_ref(),
                Some(&python::FACTS),
            ),
            Build::Node(build) => (&[LockTool::Npm], build.lock.as_ref(), Some(&node::FACTS)),
            Build::Go(_) => (&[LockTool::Go], None, None),
            Build::Rust(_) => (&[LockTool::Cargo], None, None),
            Build::Command(_) => return Ok(None),
        };
        let (tool, lock, stated_in) = match named {
            Some(named) => named_lock(tools, &code_dir.join(named.as_str())),
            None => find(tools, function, code_dir)?,
        };
        if !stated_in.is_file() {
            return Err(nothing_stated(&[stated_in]));
        }
        Ok(Some(Locking {
            tool,
            lock,
            stated_in,
            target: Target {
                runtime: facts.map(|facts| runtime(function, facts)).transpose()?,
                architecture: function.definition.architectures.one(),
            },
        }))
    }
}

/// Any name will do for requirements: `requirements-orders.txt` is made of `requirements-orders.in`.
fn named_lock(tools: &[LockTool], lock: &Path) -> (LockTool, PathBuf, PathBuf) {
    let known = tools.iter().find(|tool| lock.ends_with(tool.files().0));
    match known {
        Some(tool) if *tool != LockTool::PipCompile => (*tool, lock.to_owned(), lock.with_file_name(tool.files().1)),
        _ => (tools[0], lock.to_owned(), lock.with_extension("in")),
    }
}

fn find(tools: &[LockTool], function: &Function, code_dir: &Path) -> Result<(LockTool, PathBuf, PathBuf)> {
    let sources = function.definition.source.0.iter();
    let directories = sources.map(|spec| code_dir.join(spec.path.as_str()));
    let directories: Vec<PathBuf> = directories.filter(|path| path.is_dir()).collect();
    let in_directory = |directory: &PathBuf| {
        let all = tools.iter().map(|tool| {
            let (lock, stated_in) = tool.files();
            (*tool, directory.join(lock), directory.join(stated_in))
        });
        let mut stated: Vec<_> = all.filter(|(_, _, stated_in)| stated_in.is_file()).collect();
        // What was locked before is locked again.
        stated.sort_by_key(|(_, lock, _)| !lock.is_file());
        stated.into_iter().next()
    };
    let mut found: Vec<_> = directories.iter().filter_map(in_directory).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let wanted = directories
                .iter()
                .flat_map(|directory| tools.iter().map(|tool| directory.join(tool.files().1)));
            Err(nothing_stated(&wanted.collect::<Vec<_>>()))
        }
        _ => Err(Error::invalid(format!(
            "its source states dependencies twice: in `{}` and in `{}`",
            found[0].2.display(),
            found[1].2.display()
        ))
        .help("name the lock file that counts with `build.lock`")),
    }
}

fn nothing_stated(wanted: &[PathBuf]) -> Error {
    let wanted: Vec<String> = wanted.iter().map(|path| format!("`{}`", path.display())).collect();
    let wanted = match wanted.as_slice() {
        [] => "no directory in its source".to_owned(),
        wanted => format!("no {}", wanted.join(" and no ")),
    };
    Error::invalid(format!("nothing says what it depends on: there is {wanted}")).help(
        "state there what it needs directly, such as `requests` in a line of requirements.in; the lock file follows from that",
    )
}
