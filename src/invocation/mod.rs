//! Calling a handler once on this machine, with what its package holds: for development. It isn't Lambda; what it tells is
//! whether the package has what the handler needs.

mod api;
mod runtime;

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lambda_pack_core::function::Function;
use lambda_pack_core::{Error, Meter, Result};
use serde::Serialize;
use serde_json::Value;
use zip::ZipArchive;

use crate::{network, scratch};
pub use api::check_region;
use api::{Api, Invocation, Said};
use runtime::Runtime;

/// Lambda's limit of the time until a runtime asks for its event:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib>
const LONGEST_START: Duration = Duration::from_secs(10);

/// Lambda's default of `timeout`, in seconds.
const TIMEOUT: u64 = 3;

/// Lambda's default of `memory_size`, in MB.
const MEMORY_SIZE: i64 = 128;

/// How soon an answer, an end and Ctrl-C are noticed.
const POLL: Duration = Duration::from_millis(2);

/// Of what it printed, the end is shown.
const LARGEST_LOG: u64 = 256 * 1024;

/// What programs need to run at all, and to reach the network as the user does. Credentials are not among it, nor is `http_proxy`: a
/// bootstrap that calls curl would ask that for the Runtime API.
const PASSED: [&str; 13] = [
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "https_proxy",
    "no_proxy",
];

/// Where AWS's clients would find credentials that nobody passed on: files, and the role of the machine.
const NO_CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

/// What is called, and with what.
pub struct Call<'a> {
    pub function: &'a Function,
    pub package: &'a Path,
    /// Packages of the layers that are defined beside it, in their order.
    pub layers: &'a [PathBuf],
    pub event: &'a [u8],
    pub region: &'a str,
    /// Variables of the user's that the handler gets, by name.
    pub passed: &'a [String],
}

/// What became of it.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub status: Status,
    /// If it returned: what it did, a text if that is no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// If it failed: `errorType`, `errorMessage` and `stackTrace` as Lambda has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// What it printed.
    pub log: String,
    pub elapsed_ms: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Returned,
    Failed,
    TimedOut,
}

/// Unpacks the package and calls its handler. Only what keeps it from being called is an error.
pub fn invoke(call: &Call, meter: &Meter) -> Result<Outcome> {
    check_region(call.region)?;
    let directory = scratch::directory()?;
    let (task, opt) = (directory.path().join("task"), directory.path().join("opt"));
    unpack(call.package, &task)?;
    for layer in call.layers {
        unpack(layer, &opt)?;
    }
    let definition = &call.function.definition;
    let runtime = Runtime::find(definition.runtime.as_ref().map(|runtime| runtime.as_str()), &task)?;
    let mut command = Command::new(&runtime.program);
    if let Some(script) = runtime.script {
        let file = directory.path().join(script.name);
        fs::write(&file, script.text).map_err(|cause| Error::io("write", &file, cause))?;
        command.arg(file);
    }
    let api = Api::open()?;
    let log_file = directory.path().join("log");
    let cannot_log = |cause| Error::io("write", &log_file, cause);
    let log = File::create(&log_file).map_err(cannot_log)?;
    command
        .current_dir(&task)
        .env_clear()
        .envs(variables(call, &task, &opt))
        .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(cannot_log)?)
        .stderr(log);
    let timeout = definition
        .timeout
        .map_or(Ok(TIMEOUT), |timeout| timeout.get().try_into());
    let timeout = Duration::from_secs(timeout.expect("it is within Lambda's bounds"));
    let arn = format!(
        "arn:aws:lambda:{}:123456789012:function:{}",
        call.region, call.function.name
    );
    let invocation = Invocation {
        event: call.event.to_owned(),
        function_arn: arn,
        timeout,
    };
    let (end, took) = run(command, api, invocation, meter)?;
    let mut outcome = match end {
        End::Answered(answer) => Outcome::of(Status::Returned, Some(json_of(&answer)), None),
        End::Failed(error) => Outcome::of(Status::Failed, None, Some(json_of(&below(&task, &error)))),
        End::NeverStarted => Outcome::error(
            Status::TimedOut,
            format!("it wasn't ready after {} s", LONGEST_START.as_secs()),
        ),
        End::TimedOut => Outcome::error(
            Status::TimedOut,
            format!("it didn't answer within {} s, its `timeout`", timeout.as_secs()),
        ),
        End::Exited(status) => Outcome::error(Status::Failed, format!("it ended before it answered ({status})")),
    };
    outcome.log = end_of(&log_file).map_err(|cause| Error::io("read", &log_file, cause))?;
    outcome.elapsed_ms = took.as_millis();
    Ok(outcome)
}

impl Outcome {
    fn of(status: Status, response: Option<Value>, error: Option<Value>) -> Self {
        Outcome {
            status,
            response,
            error,
            log: String::new(),
            elapsed_ms: 0,
        }
    }

    fn error(status: Status, message: String) -> Self {
        Self::of(status, None, Some(serde_json::json!({ "errorMessage": message })))
    }
}

enum End {
    Answered(Vec<u8>),
    Failed(Vec<u8>),
    NeverStarted,
    TimedOut,
    Exited(ExitStatus),
}

/// Returns how it ended, and how long the handler took.
fn run(command: Command, api: Api, invocation: Invocation, meter: &Meter) -> Result<(End, Duration)> {
    // Tasks of the API end with it, whoever is in the middle of a request.
    let runtime = network::runtime()?;
    let ended = runtime.block_on(network::unless_interrupted(meter, async {
        let mut process = Process::start(command)?;
        wait(&mut process, api, invocation).await
    }));
    runtime.shutdown_background();
    ended
}

async fn wait(process: &mut Process, api: Api, invocation: Invocation) -> Result<(End, Duration)> {
    let timeout = invocation.timeout;
    let mut heard = api.serve(invocation)?;
    let mut start = Instant::now();
    let mut deadline = start + LONGEST_START;
    let mut is_ready = false;
    let mut exited = None;
    loop {
        tokio::select! {
            // What was said counts, whatever happened since.
            biased;
            Some(said) = heard.said.recv() => match said {
                Said::IsReady => {
                    is_ready = true;
                    start = Instant::now();
                    deadline = start + timeout;
                }
                Said::Answer(answer) => return Ok((End::Answered(answer), start.elapsed())),
                Said::Failure(error) => return Ok((End::Failed(error), start.elapsed())),
            },
            () = tokio::time::sleep_until(deadline.into()) => {
                let end = match (exited, is_ready) {
                    (Some(status), _) => End::Exited(status),
                    (None, false) => End::NeverStarted,
                    (None, true) => End::TimedOut,
                };
                return Ok((end, start.elapsed()));
            }
            () = tokio::time::sleep(POLL) => match exited {
                // It may have asked just before.
                Some(status) if heard.is_quiet() => return Ok((End::Exited(status), start.elapsed())),
                Some(_) => {}
                None => exited = process.ended()?,
            },
        }
    }
}

/// A handler, gone with all that it started when it is dropped, or when this program is killed.
struct Process {
    child: Child,
    #[cfg(unix)]
    guard: Child,
}

impl Process {
    /// Starts it in a process group of its own, which a shell leads that waits for the end of its input: that is this program's end, however
    /// it comes.
    #[cfg(unix)]
    fn start(mut command: Command) -> Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let mut guard = Command::new("/bin/sh");
        guard
            .args(["-c", "read -r _; kill -KILL 0"])
            .env_clear()
            .process_group(0);
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut guard = guard
            .spawn()
            .map_err(|cause| Error::failed(format!("cannot run `/bin/sh`: {cause}")))?;
        command.process_group(guard.id().cast_signed());
        match spawn(command) {
            Ok(child) => Ok(Process { child, guard }),
            Err(error) => {
                end(&mut guard);
                Err(error)
            }
        }
    }

    #[cfg(not(unix))]
    fn start(command: Command) -> Result<Self> {
        spawn(command).map(|child| Process { child })
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let ended = self.child.try_wait();
        ended.map_err(|cause| Error::failed(format!("cannot wait for it: {cause}")))
    }
}

fn spawn(mut command: Command) -> Result<Child> {
    command.spawn().map_err(|cause| {
        let program = command.get_program().display();
        Error::failed(format!("cannot run `{program}`: {cause}"))
            .help("it must be a program for this machine, with the right to be executed")
    })
}

fn end(child: &mut Child) {
    if let Err(cause) = child.kill().and_then(|()| child.wait()) {
        tracing::debug!("cannot end a process: {cause}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            // It leads the group, and isn't waited for yet: its number is nobody else's.
            if let Err(cause) = rustix::process::kill_process_group(
                rustix::process::Pid::from_child(&self.guard),
                rustix::process::Signal::KILL,
            ) {
                tracing::debug!("cannot end what a handler left: {cause}");
            }
            end(&mut self.guard);
        }
        end(&mut self.child);
    }
}

fn unpack(package: &Path, directory: &Path) -> Result<()> {
    let invalid =
        |error: zip::result::ZipError| Error::failed(format!("cannot unpack `{}`: {error}", package.display()));
    let file = File::open(package).map_err(|cause| Error::input("read", package, cause))?;
    let mut zip = ZipArchive::new(file).map_err(invalid)?;
    zip.extract(directory).map_err(invalid)
}

/// All that the handler sees: little of the user's, what its definition declares, and what Lambda sets:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
fn variables(call: &Call, task: &Path, opt: &Path) -> Vec<(String, OsString)> {
    let definition = &call.function.definition;
    let mut variables: Vec<(String, OsString)> = Vec::new();
    let mut set = |name: &str, value: OsString| variables.push((name.to_owned(), value));
    for name in PASSED {
        if let Some(value) = env::var_os(name) {
            set(name, value);
        }
    }
    for (name, value) in NO_CREDENTIALS {
        set(name, value.into());
    }
    let below_opt = |path: &str| opt.join(path).into_os_string();
    set("LANG", "en_US.UTF-8".into());
    set("TZ", ":UTC".into());
    set("PYTHONDONTWRITEBYTECODE", "1".into());
    set("PYTHONUNBUFFERED", "1".into());
    set("PYTHONPATH", below_opt("python"));
    set("NODE_PATH", below_opt("nodejs/node_modules"));
    let mut libraries = task.join("lib").into_os_string();
    libraries.push(":");
    libraries.push(opt.join("lib"));
    set("LD_LIBRARY_PATH", libraries);
    for (name, value) in definition.environment.iter().flat_map(|map| map.iter()) {
        set(name.as_str(), value.into());
    }
    let name = call.function.name.as_str();
    let memory_size = definition.memory_size.map_or(MEMORY_SIZE, |size| size.get());
    let handler = definition.handler.as_ref().map_or("", |handler| handler.as_str());
    let runtime = definition.runtime.as_ref().map_or("", |runtime| runtime.as_str());
    set("_HANDLER", handler.into());
    set("LAMBDA_TASK_ROOT", task.into());
    set("AWS_EXECUTION_ENV", format!("AWS_Lambda_{runtime}").into());
    set("AWS_LAMBDA_FUNCTION_NAME", name.into());
    set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into());
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_size.to_string().into());
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into());
    set("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}").into());
    set("AWS_LAMBDA_LOG_STREAM_NAME", "lambda-pack".into());
    set("AWS_REGION", call.region.into());
    set("AWS_DEFAULT_REGION", call.region.into());
    for name in call.passed {
        if let Some(value) = env::var_os(name) {
            set(name, value);
        }
    }
    // A profile is of these files, and may mean the machine's role.
    if call.passed.iter().any(|name| name == "AWS_PROFILE") && env::var_os("AWS_PROFILE").is_some() {
        variables.retain(|(name, value)| !NO_CREDENTIALS.iter().any(|(no, none)| name == no && value == none));
    }
    variables
}

/// A text where it is no JSON.
fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}

/// With paths as they are in the package.
fn below(task: &Path, error: &[u8]) -> Vec<u8> {
    let error = String::from_utf8_lossy(error);
    let task = format!("{}/", task.display());
    error
        .replace(&format!("file://{task}"), "")
        .replace(&task, "")
        .into_bytes()
}

fn end_of(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LARGEST_LOG)))?;
    let mut end = Vec::new();
    file.take(LARGEST_LOG).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}
