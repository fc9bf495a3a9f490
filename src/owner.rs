//! Who writes: for people, and to know whether that process is still there.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// `user@host`, or the build's id.
    pub name: String,
    pub pid: u32,
    /// Machine, process and its start; empty where the system doesn't tell.
    #[serde(default)]
    process: Process,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Process {
    /// This start of this machine, and this container on it.
    machine: String,
    /// In clock ticks after the machine's.
    started: String,
}

/// CodeBuild's own name of the build that this runs in.
/// <https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html>
pub fn build_id() -> Option<String> {
    std::env::var("CODEBUILD_BUILD_ID").ok().filter(|id| !id.is_empty())
}

impl Owner {
    pub fn this_process() -> Self {
        let pid = std::process::id();
        Owner {
            name: build_id().unwrap_or_else(name),
            pid,
            process: Process {
                machine: machine(),
                started: started(pid).unwrap_or_default(),
            },
        }
    }

    /// Whether it was a process of this machine that no longer runs. Of other machines nobody can tell.
    pub fn is_gone(&self) -> bool {
        let machine = machine();
        !machine.is_empty()
            && self.process.machine == machine
            && started(self.pid).as_ref() != Some(&self.process.started)
    }
}

fn name() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    format!("{}@{}", user.unwrap_or_else(user_number), host())
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

#[cfg(unix)]
fn user_number() -> String {
    format!("uid-{}", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn user_number() -> String {
    "somebody".to_owned()
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Which run of which kernel, and which space of process numbers on it.
#[cfg(target_os = "linux")]
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let numbers = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match boot.trim() {
        "" => String::new(),
        boot => format!("{boot} {}", numbers.display()),
    }
}

#[cfg(not(target_os = "linux"))]
fn machine() -> String {
    String::new()
}

/// When a process started; `None` if there is none, or only its remains.
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything; after it come the state and 18 more fields (proc_pid_stat(5)).
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let is_dead = matches!(*fields.first()?, "Z" | "X");
    (!is_dead).then(|| fields.get(19).map(|field| field.to_string()))?
}

#[cfg(not(target_os = "linux"))]
fn started(_: u32) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_gone_when_it_has_ended() {
        let mut owner = Owner::this_process();
        assert!(!owner.is_gone());
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        owner.pid = child.id();
        child.wait().expect("its end");
        assert!(owner.is_gone());
        owner.process.machine = "elsewhere".to_owned();
        assert!(!owner.is_gone());
    }
}
