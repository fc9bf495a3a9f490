//! What Lambda does with a package: unzips it, starts the runtime in it, and hands it an event through the Runtime API,
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::fs;
use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{self, Request};
use super::{Dir, find_tool};

/// Far more than any runtime needs to start.
const PATIENCE: Duration = Duration::from_secs(120);

const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// A function as Lambda knows it.
pub struct Function<'a> {
    pub runtime: &'a str,
    pub handler: &'a str,
    /// Beside what Lambda sets itself.
    pub environment: Vec<(&'a str, &'a str)>,
}

/// What a function made of an event.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Response(Value),
    /// The function failed; the object has `errorType` and `errorMessage`.
    Error(Value),
    /// It could not even start.
    InitError(Value),
}

impl Answer {
    #[track_caller]
    pub fn response(self) -> Value {
        match self {
            Answer::Response(value) => value,
            failed => panic!("{failed:?}"),
        }
    }
}

/// Hands the event to a function that is unzipped alone into a new directory. `None`, said aloud, where its runtime can't be
/// installed here.
pub fn invoke(zip: &Path, function: &Function, event: &Value) -> Option<Answer> {
    let dir = Dir::new();
    let root = dir.join("var-task");
    zip::ZipArchive::new(fs::File::open(zip).unwrap())
        .unwrap()
        .extract(&root)
        .unwrap();
    let mut command = runtime(function, &root)?;
    let api = RuntimeApi::start(event);
    command
        .current_dir(&root)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", &api.address)
        .env("LAMBDA_TASK_ROOT", &root)
        .env("_HANDLER", function.handler)
        .env("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", function.runtime))
        .env("PATH", "/usr/local/bin:/usr/bin:/bin");
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "app"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/app"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
        ("AWS_REGION", "eu-central-1"),
        ("TZ", ":UTC"),
    ] {
        command.env(name, value);
    }
    let own_api = format!("http://{}/", api.address);
    for (name, value) in &function.environment {
        command.env(name, value.replace("{runtime api}", &own_api));
    }
    let log = dir.join("log");
    let output = fs::File::create(&log).unwrap();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let start = Instant::now();
    let answer = loop {
        if let Ok(answer) = api.answers.recv_timeout(Duration::from_millis(20)) {
            break answer;
        }
        let said = || fs::read_to_string(&log).unwrap();
        if let Some(status) = child.try_wait().unwrap() {
            // It may have answered just before.
            break api
                .answers
                .try_recv()
                .unwrap_or_else(|_| panic!("the runtime ended ({status}) without an answer: {}", said()));
        }
        assert!(start.elapsed() < PATIENCE, "no answer: {}", said());
    };
    // What it started itself ends when the server hangs up.
    child.kill().unwrap();
    child.wait().unwrap();
    Some(answer)
}

/// The program that Lambda starts for a runtime, with AWS's own client for it outside of the package.
fn runtime(function: &Function, root: &Path) -> Option<Command> {
    /// The package comes first, as in Lambda; with `-I -S` there is nothing else but the standard library.
    const PYTHON: &str = "import os, sys\n\
        sys.path[:0] = [os.environ['LAMBDA_TASK_ROOT']]\n\
        sys.path.append(sys.argv[1])\n\
        from awslambdaric.__main__ import main\n\
        main(['awslambdaric', os.environ['_HANDLER']])";
    let runtime = function.runtime;
    if runtime.starts_with("python") {
        let python = find_tool(runtime)?;
        let client = find_tool("awslambdaric")?.join(runtime);
        let mut command = Command::new(python);
        command.args(["-I", "-S", "-c", PYTHON]).arg(client);
        return Some(command);
    }
    if runtime.starts_with("nodejs") {
        let modules = find_tool("aws-lambda-ric")?;
        let mut command = Command::new(modules.join("node"));
        command
            .arg(modules.join("aws-lambda-ric/index.mjs"))
            .arg(function.handler);
        return Some(command);
    }
    assert!(runtime.starts_with("provided"), "{runtime}");
    Some(Command::new(root.join("bootstrap")))
}

/// Has one event for whoever asks first.
struct RuntimeApi {
    address: String,
    answers: Receiver<Answer>,
    state: Arc<Mutex<State>>,
}

struct State {
    event: Option<String>,
    answers: Sender<Answer>,
    connections: Vec<TcpStream>,
}

impl RuntimeApi {
    fn start(event: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, answers) = channel();
        let state = Arc::new(Mutex::new(State {
            event: Some(event.to_string()),
            answers: sender,
            connections: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, state) = (client.unwrap(), Arc::clone(&shared));
                state.lock().unwrap().connections.push(client.try_clone().unwrap());
                thread::spawn(move || {
                    if let Err(error) = serve(&client, &state) {
                        eprintln!("the runtime left: {error}");
                    }
                });
            }
        });
        RuntimeApi {
            address,
            answers,
            state,
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        for connection in &self.state.lock().unwrap().connections {
            // It may be closed already.
            connection.shutdown(Shutdown::Both).ok();
        }
    }
}

fn serve(mut client: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    const ACCEPTED: &str = r#"{"status": "OK"}"#;
    let Some(request) = Request::read(client) else {
        return Ok(());
    };
    let path = request.target.strip_prefix("/2018-06-01/runtime/");
    let answered = format!("invocation/{REQUEST_ID}/");
    let answer: fn(Value) -> Answer = match (request.method.as_str(), path) {
        ("GET", Some("invocation/next")) => {
            let event = state.lock().unwrap().event.take();
            return match event {
                Some(event) => http::answer(client, 200, &headers_of_an_event(), &event),
                // Lambda freezes who waits for the next event. Until it leaves, or all is over.
                None => client.read_to_end(&mut Vec::new()).map(drop),
            };
        }
        ("POST", Some("init/error")) => Answer::InitError,
        ("POST", Some(path)) if path.strip_prefix(&answered) == Some("response") => Answer::Response,
        ("POST", Some(path)) if path.strip_prefix(&answered) == Some("error") => Answer::Error,
        _ => return http::answer(client, 404, "", "{}"),
    };
    // What is no JSON is no answer that a test expects, and shown as it is.
    let value = serde_json::from_slice(&request.body)
        .unwrap_or_else(|_| String::from_utf8_lossy(&request.body).into_owned().into());
    let said = http::answer(client, 202, "Content-Type: application/json\r\n", ACCEPTED);
    // Nobody waits for a second one.
    state.lock().unwrap().answers.send(answer(value)).ok();
    said
}

/// The deadline is milliseconds since 1970: the year 2100.
fn headers_of_an_event() -> String {
    format!(
        "Content-Type: application/json\r\n\
        Lambda-Runtime-Aws-Request-Id: {REQUEST_ID}\r\n\
        Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
        Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:app\r\n\
        Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n"
    )
}
