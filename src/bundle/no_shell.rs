//! Where there is no Unix there is no shell that hands on what CodeBuild's does: commands are not run at all.

use std::path::PathBuf;

use lambda_pack_core::{Error, Meter, Result};

use super::environment::Environment;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    #[expect(dead_code, reason = "there are none")]
    Signal(i32),
}

/// There is none: [`Shell::new`] says so.
pub struct Shell {
    pub environment: Environment,
    never: std::convert::Infallible,
}

impl Shell {
    pub fn new(_program: PathBuf, _directory: PathBuf, _environment: Environment) -> Result<Self> {
        Err(Error::failed("the commands of a build specification need a Unix shell")
            .help("run it in WSL, or on CodeBuild (`lambda-pack remote start`)"))
    }

    pub fn run(&mut self, _text: &str, _meter: &Meter, _show: impl FnMut(&[u8]) -> Result<()>) -> Result<Exit> {
        match self.never {}
    }
}
