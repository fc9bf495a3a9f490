//! CodeBuild and CloudWatch Logs as a test's script has them: states, faults and logs that moto doesn't have.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::http::{self, Request};
use super::{Dir, TestCommand};

/// What the server was asked.
#[derive(Clone)]
pub struct Call {
    /// `StartBuild` and the like.
    pub operation: String,
    pub body: Value,
    pub request: Request,
}

pub struct CodeBuild {
    pub endpoint: String,
    seen: Arc<Mutex<Vec<Call>>>,
}

/// A status and a body.
pub type Answer = (u16, Value);

impl CodeBuild {
    /// `answer` gets each call, and the number of calls of the same operation before it.
    pub fn scripted(answer: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || {
                    if let Err(error) = serve(&client.unwrap(), &log, &*answer) {
                        eprintln!("the client left: {error}");
                    }
                });
            }
        });
        CodeBuild { endpoint, seen }
    }

    /// Answers `BatchGetBuilds` with these builds one after another, the last one again and again.
    pub fn looks(builds: Vec<Value>) -> Self {
        Self::scripted(move |call, before| match call.operation.as_str() {
            "BatchGetBuilds" => found(&[builds[before.min(builds.len() - 1)].clone()]),
            "StopBuild" => (200, json!({"build": build("p:1", "STOPPED", &[])})),
            _ => (200, json!({})),
        })
    }

    pub fn seen(&self) -> Vec<Call> {
        self.seen.lock().unwrap().clone()
    }

    pub fn calls(&self, operation: &str) -> Vec<Call> {
        let mut calls = self.seen();
        calls.retain(|call| call.operation == operation);
        calls
    }

    /// A command that finds this service instead of AWS. It doesn't try again by itself, so that each answer is one look.
    pub fn command<'a>(&self, dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        self.after(dir.command(args))
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_MAX_ATTEMPTS", "1")
    }

    /// The same for a command that has another AWS for all else.
    pub fn after(&self, command: TestCommand) -> TestCommand {
        command
            .env("AWS_ENDPOINT_URL_CODEBUILD", &self.endpoint)
            .env("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", &self.endpoint)
            .env("AWS_REGION", "us-east-1")
    }
}

fn serve(client: &TcpStream, log: &Mutex<Vec<Call>>, answer: &dyn Fn(&Call, usize) -> Answer) -> std::io::Result<()> {
    let Some(request) = Request::read(client) else {
        return Ok(());
    };
    let target = request.header("x-amz-target").unwrap_or("none");
    let call = Call {
        operation: target.rsplit('.').next().unwrap().to_owned(),
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
        request,
    };
    let before = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|seen| seen.operation == call.operation).count();
        log.push(call.clone());
        before
    };
    let (status, body) = answer(&call, before);
    http::answer(
        client,
        status,
        "Content-Type: application/x-amz-json-1.1\r\n",
        &body.to_string(),
    )
}

/// An answer of `BatchGetBuilds`.
pub fn found(builds: &[Value]) -> Answer {
    (200, json!({"builds": builds, "buildsNotFound": []}))
}

pub fn error(code: &str) -> Answer {
    (
        400,
        json!({"__type": code, "message": format!("{code}, says the script")}),
    )
}

/// A build in which these phases are over or under way: name, status, message.
pub fn build(id: &str, status: &str, phases: &[(&str, &str, &str)]) -> Value {
    let current = phases.last().map_or("QUEUED", |(name, ..)| *name);
    let phases = phases.iter().map(|(name, status, message)| {
        let mut phase = json!({"phaseType": name, "durationInSeconds": 3});
        if !status.is_empty() {
            phase["phaseStatus"] = json!(status);
        }
        if !message.is_empty() {
            phase["contexts"] = json!([{"statusCode": "COMMAND_EXECUTION_ERROR", "message": message}]);
        }
        phase
    });
    json!({
        "id": id,
        "arn": format!("arn:aws:codebuild:us-east-1:123456789012:build/{id}"),
        "buildStatus": status,
        "currentPhase": current,
        "phases": phases.collect::<Vec<_>>(),
        "logs": {"groupName": "/aws/codebuild/p", "streamName": "s", "deepLink": "https://logs.example/#group=g"},
    })
}

/// The same before it has a log.
pub fn without_log(mut build: Value) -> Value {
    build["logs"] = json!({"deepLink": "https://logs.example/#logEvent:group=null;stream=null"});
    build
}
