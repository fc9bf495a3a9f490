//! Running installers.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use lambda_pack_core::{Error, Meter, Result};

/// Variables that would make installers do something else than they are told here.
const MISLEADING: [&str; 10] = [
    "NODE_ENV",
    "NODE_OPTIONS",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PYTHON",
    "VIRTUAL_ENV",
];

/// Lines of an installer's output that an error shows, from the beginning and from the end; the log has all.
const LINES_SHOWN: usize = 8;
const MOST_LINES: usize = 2 * LINES_SHOWN;

/// Runs programs, with their output in a log.
pub struct Programs<'a> {
    pub log: &'a Path,
    pub meter: &'a Meter,
}

impl Programs<'_> {
    /// Runs it to its end, or kills it if the user interrupts. Its failure is an error that shows what it said last.
    pub fn run(&self, mut command: Command) -> Result<()> {
        let program = command.get_program().to_string_lossy().into_owned();
        let cannot_log = |cause| Error::io("write the log", self.log, cause);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log)
            .map_err(cannot_log)?;
        for variable in MISLEADING {
            command.env_remove(variable);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(cannot_log)?)
            .stderr(log)
            .spawn()
            .map_err(|cause| Error::failed(format!("cannot run `{program}`: {cause}")))?;
        let status = wait(child, self.meter)?;
        if status.success() {
            return Ok(());
        }
        let output = fs::read(self.log).map_err(|cause| Error::io("read the log", self.log, cause))?;
        Err(self.failure(&program, status, &String::from_utf8_lossy(&output)))
    }

    /// What a program prints to stdout. Its failure is an error like that of [`Programs::run`].
    pub fn output(&self, mut command: Command) -> Result<String> {
        let shown = command.get_program().to_string_lossy().into_owned();
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|cause| Error::failed(format!("cannot run `{shown}`: {cause}")))?;
        if output.status.success() {
            return String::from_utf8(output.stdout)
                .map_err(|_| Error::failed(format!("`{shown}` prints what is not UTF-8")));
        }
        Err(self.failure(&shown, output.status, &String::from_utf8_lossy(&output.stderr)))
    }

    fn failure(&self, program: &str, status: ExitStatus, output: &str) -> Error {
        let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
        let shown = match lines.len() {
            ..=MOST_LINES => lines.join("\n  "),
            many => [&lines[..LINES_SHOWN], &["…"], &lines[many - LINES_SHOWN..]]
                .concat()
                .join("\n  "),
        };
        let error = Error::failed(format!("`{program}` failed ({status}):\n  {shown}"));
        let log = self
            .log
            .exists()
            .then(|| format!("all of its output is in {}", self.log.display()));
        // A full disk takes the words that would have told of it.
        let remedy = match self.log.parent().is_some_and(is_full) {
            true => Some(FREE_SPACE),
            false => remedy(status, output),
        };
        let help: Vec<String> = remedy.map(str::to_owned).into_iter().chain(log).collect();
        match help.as_slice() {
            [] => error,
            help => error.help(help.join("; ")),
        }
    }
}

/// Waits for a program's end, or kills it if the user interrupts.
pub fn wait(mut child: Child, meter: &Meter) -> Result<ExitStatus> {
    let failed = |cause: io::Error| Error::failed(format!("cannot wait for a program: {cause}"));
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        if let Err(interrupted) = meter.check() {
            child.kill().and_then(|()| child.wait()).map_err(failed)?;
            return Err(interrupted);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

const FREE_SPACE: &str =
    "free space on the disk: builds need it in the cache directory, and in the caches of the tools";

/// Whether a directory's file system has no room for as much as a log. That it can't be asked is no sign of it.
#[cfg(unix)]
fn is_full(directory: &Path) -> bool {
    const LOG_BYTES: u64 = 64 * 1024;
    rustix::fs::statvfs(directory).is_ok_and(|system| system.f_bavail * system.f_frsize < LOG_BYTES)
}

#[cfg(not(unix))]
fn is_full(_: &Path) -> bool {
    false
}

/// What mends failures that every installer and compiler puts into its own words.
fn remedy(status: ExitStatus, output: &str) -> Option<&'static str> {
    const KNOWN: [(&[&str], &str); 2] = [
        (
            &["No space left on device", "no space left on device", "ENOSPC"],
            FREE_SPACE,
        ),
        (
            &[
                "Connection refused",
                "Could not connect to server",
                "Could not resolve host",
                "EAI_AGAIN",
                "ECONNREFUSED",
                "ENOTFOUND",
                "ETIMEDOUT",
                "Failed to establish a new connection",
                "Network is unreachable",
                "Temporary failure in name resolution",
                "client error (Connect)",
                "connection refused",
                "i/o timeout",
                "network is unreachable",
                "no such host",
            ],
            "check the network and its proxy; what was built or downloaded here before needs none",
        ),
    ];
    if was_killed(status) {
        return Some("something killed it, perhaps because memory ran out: run again, or with less at a time");
    }
    let known = KNOWN
        .iter()
        .find(|(words, _)| words.iter().any(|word| output.contains(word)));
    known.map(|(_, remedy)| *remedy)
}

#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal().is_some()
}

#[cfg(not(unix))]
fn was_killed(_: ExitStatus) -> bool {
    false
}

/// The first of these programs that is in a directory of `PATH`.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let directories: Vec<PathBuf> = env::split_paths(&path).collect();
    let candidates = names
        .iter()
        .flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    candidates
        .map(|file| file.with_extension(env::consts::EXE_EXTENSION))
        .find(|file| file.is_file())
}

/// What programs need to run at all, to reach the network as the user does, and to authenticate there. Nothing of it should
/// change what they make.
const PASSED: [&str; 26] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NETRC",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "PATH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// A program that will see little of the environment, and the same settings everywhere.
pub fn isolated(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(environment());
    command
}

/// The little of the environment, and the settings.
pub fn environment() -> impl Iterator<Item = (&'static str, OsString)> {
    let passed = PASSED.into_iter().filter_map(|name| Some((name, env::var_os(name)?)));
    passed.chain(SETTINGS.map(|(name, value)| (name, value.into())))
}

/// Variables that are the same for all programs that make packages.
pub const SETTINGS: [(&str, &str); 3] = [
    ("LANG", "C.UTF-8"),
    // 1980-02-01, the time of all entries: <https://reproducible-builds.org/docs/source-date-epoch/>
    ("SOURCE_DATE_EPOCH", "318211200"),
    ("TZ", "UTC"),
];

/// What a short command prints, without white space around it; `None` if it fails.
pub fn output(program: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args.iter().map(OsStr::new)).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
