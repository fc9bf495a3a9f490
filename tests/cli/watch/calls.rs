//! `watch --invoke`: handlers that are called once, in a process of their own.

use std::process::Command;

use serde_json::{Value, json};

use super::{save, watching};
use crate::support::watch::Watch;
use crate::support::{Dir, TestCommand};

/// The runtime that this machine's `python3` or `node` is; `None`, said aloud, without one.
fn runtime_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output();
    let said = output.map(|output| String::from_utf8(output.stdout).unwrap());
    let Ok(said) = said else {
        eprintln!("SKIPPED: no {program} on this machine");
        return None;
    };
    let version = said
        .trim()
        .trim_start_matches("Python ")
        .trim_start_matches('v')
        .to_owned();
    let mut parts = version.split('.');
    let (major, minor) = (parts.next().unwrap(), parts.next().unwrap());
    Some(match program {
        "node" => format!("nodejs{major}.x"),
        _ => format!("python{major}.{minor}"),
    })
}

/// With a function `app`, and an event.
fn project(source: &str, code: &str, runtime: &str, handler: &str, keys: &str) -> Dir {
    let dir = Dir::new();
    save(&dir, &format!("code/app/{source}"), code);
    save(
        &dir,
        "lambda-json/app.json",
        format!(r#"{{"source": "app", "runtime": "{runtime}", "handler": "{handler}", "timeout": 60{keys}}}"#),
    );
    save(&dir, "event.json", r#"{"number": 1}"#);
    dir
}

fn command(dir: &Dir) -> TestCommand {
    dir.command(["watch", "app", "--invoke", "event.json"])
}

fn called(dir: &Dir) -> (Watch, Value) {
    let mut watch = Watch::start(command(dir));
    watch.next("watching");
    watch.next("built");
    let invoked = watch.next("invoked");
    (watch, invoked)
}

#[test]
fn a_python_handler_is_called_with_each_package() {
    let Some(runtime) = runtime_of("python3") else { return };
    let code = "import os\nfrom lib import double\n\ndef handler(event, context):\n    print('called', context.function_name)\n    \
        left = context.get_remaining_time_in_millis()\n    \
        return {'number': double(event['number']), 'level': os.environ['LEVEL'], 'in_time': 0 < left <= 60000, \
        'root': os.getcwd() == os.environ['LAMBDA_TASK_ROOT']}\n";
    let keys = r#", "environment": {"LEVEL": "high"}"#;
    let dir = project("pkg/main.py", code, &runtime, "pkg/main.handler", keys);
    save(&dir, "code/app/lib.py", "def double(number):\n    return number * 2\n");
    let (mut watch, invoked) = called(&dir);
    assert_eq!(invoked["name"], "app");
    assert_eq!(invoked["status"], "returned", "{invoked}");
    assert_eq!(
        invoked["response"],
        json!({"number": 2, "level": "high", "in_time": true, "root": true})
    );
    assert_eq!(invoked["log"], "called app\n");
    // Its code, its event, its definition.
    save(&dir, "code/app/lib.py", "def double(number):\n    return number * 20\n");
    watch.change();
    assert_eq!(watch.next("invoked")["response"]["number"], 20);
    save(&dir, "event.json", r#"{"number": 2}"#);
    assert_eq!(watch.next("invoked")["response"]["number"], 40);
    let definition = std::fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    save(&dir, "lambda-json/app.json", definition.replace("high", "low"));
    watch.next("changed");
    assert_eq!(watch.next("invoked")["response"]["level"], "low");
    // What isn't JSON is no event.
    save(&dir, "event.json", "{");
    assert!(
        watch.next("error")["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("event.json")
    );
    // What is made meanwhile is called once the event can be read again, be it the same as before.
    save(
        &dir,
        "code/app/lib.py",
        "def double(number):\n    return number * 200\n",
    );
    watch.next("changed");
    watch.next("error");
    watch.next("built");
    save(&dir, "event.json", r#"{"number": 2}"#);
    assert_eq!(watch.next("invoked")["response"]["number"], 400);
    watch.says_no_more();
}

#[test]
fn a_python_handler_that_raises_shows_where() {
    let Some(runtime) = runtime_of("python3") else { return };
    let code = "def handler(event, context):\n    raise KeyError('missing')\n";
    let dir = project("main.py", code, &runtime, "main.handler", "");
    let (mut watch, invoked) = called(&dir);
    assert_eq!(invoked["status"], "failed");
    assert_eq!(invoked["error"]["errorType"], "KeyError");
    let trace = invoked["error"]["stackTrace"].to_string();
    assert!(trace.contains("File \\\"main.py\\\", line 2, in handler"), "{trace}");
    assert!(!trace.contains("runner"), "{trace}");
    for (code, kind) in [
        ("import nothing_of_this_name\n", "Runtime.ImportModuleError"),
        ("def handler(event, context)\n", "Runtime.UserCodeSyntaxError"),
        ("def other(event, context):\n    pass\n", "Runtime.HandlerNotFound"),
        (
            "def handler(event, context):\n    return object()\n",
            "Runtime.MarshalError",
        ),
    ] {
        save(&dir, "code/app/main.py", code);
        watch.change();
        let invoked = watch.next("invoked");
        assert_eq!(invoked["status"], "failed");
        assert_eq!(invoked["error"]["errorType"], kind, "{invoked}");
    }
    for (ends, code) in [("os._exit(5)", '5'), ("sys.exit(3)", '3'), ("return '\\ud800'", '1')] {
        // Until Python 3.12 half a character is escaped.
        if code == '1' && ["python3.9", "python3.10", "python3.11"].contains(&&*runtime) {
            continue;
        }
        let code_of_app = format!("import os, sys\ndef handler(event, context):\n    {ends}\n");
        save(&dir, "code/app/main.py", code_of_app);
        watch.change();
        let message = watch.next("invoked")["error"]["errorMessage"].to_string();
        assert!(
            message.contains("ended before it answered") && message.contains(code),
            "{message}"
        );
    }
    watch.says_no_more();
}

/// As awslambdaric has them, which is what runs on Lambda.
#[test]
fn python_answers_are_written_as_on_lambda() {
    let Some(runtime) = runtime_of("python3") else { return };
    // Its text, beside itself: who reads the event may have made a float of the number.
    let code = "from decimal import Decimal\nimport __main__\ndef handler(event, context):\n    \
        answer = {'price': Decimal('0.12345678901234567890'), 'all': [Decimal('1E+2')]}\n    \
        return answer | {'text': 'größe', 'sent': __main__.marshal(answer)}\n";
    let dir = project("main.py", code, &runtime, "main.handler", "");
    let (mut watch, invoked) = called(&dir);
    assert_eq!(
        invoked["response"],
        json!({
            "price": 0.123_456_789_012_345_68,
            "all": [100.0],
            "text": "größe",
            "sent": r#"{"price": 0.12345678901234567890, "all": [1E+2]}"#,
        }),
        "{invoked}"
    );
    save(
        &dir,
        "code/app/main.py",
        "def handler(event, context):\n    return b'bytes'\n",
    );
    watch.change();
    assert_eq!(watch.next("invoked")["response"], "bytes");
    let raises = "def deeper(event):\n    return event['a']['b'] + event['c']\n\ndef handler(event, context):\n    return deeper({'a': {}})\n";
    save(&dir, "code/app/main.py", raises);
    watch.change();
    let error = watch.next("invoked")["error"].clone();
    assert_eq!(
        error["stackTrace"],
        json!([
            "  File \"main.py\", line 5, in handler\n    return deeper({'a': {}})\n",
            "  File \"main.py\", line 2, in deeper\n    return event['a']['b'] + event['c']\n",
        ]),
        "{error}"
    );
    assert_eq!(error["requestId"].as_str().unwrap().len(), 36);
    watch.says_no_more();
}

/// A request that never ends, a byte at a time.
const DRIPS: &str = "import os, socket, time\n\ndef handler(event, context):\n    \
    host, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n    \
    api = socket.create_connection((host, int(port)))\n    \
    path = '/2018-06-01/runtime/invocation/' + context.aws_request_id + '/response'\n    \
    api.sendall(f'POST {path} HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 99999999\\r\\n\\r\\n'.encode())\n    \
    open(event['file'], 'w').write('1')\n    \
    while True:\n        api.send(b' ')\n        time.sleep(0.01)\n";

#[test]
fn a_client_that_drips_bytes_holds_nobody() {
    let Some(runtime) = runtime_of("python3") else { return };
    let dir = project("main.py", DRIPS, &runtime, "main.handler", "");
    let definition = std::fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    save(
        &dir,
        "lambda-json/app.json",
        definition.replace("\"timeout\": 60", "\"timeout\": 1"),
    );
    save(&dir, "event.json", json!({"file": dir.join("drips")}).to_string());
    let (mut watch, invoked) = called(&dir);
    assert_eq!(invoked["status"], "timed_out", "{invoked}");
    std::fs::remove_file(dir.join("drips")).unwrap();
    save(
        &dir,
        "lambda-json/app.json",
        definition.replace("\"timeout\": 60", "\"timeout\": 900"),
    );
    watch.next("changed");
    crate::faults::wait_for("the first bytes", || dir.join("drips").exists());
    watch.says_no_more();
}

#[test]
fn a_handler_ends_with_a_watch_that_is_killed() {
    let Some(runtime) = runtime_of("python3") else { return };
    let code = "import os, subprocess, time\n\ndef handler(event, context):\n    \
        child = subprocess.Popen(['sleep', '600'])\n    \
        open(event['file'] + '.new', 'w').write(f'{os.getpid()} {child.pid}')\n    \
        os.rename(event['file'] + '.new', event['file'])\n    time.sleep(600)\n";
    let dir = project("main.py", code, &runtime, "main.handler", "");
    save(&dir, "event.json", json!({"file": dir.join("pids")}).to_string());
    let mut watch = Watch::start(command(&dir));
    watch.next("watching");
    watch.next("built");
    crate::faults::wait_for("the handler", || dir.join("pids").exists());
    watch.stop("KILL");
    let pids = std::fs::read_to_string(dir.join("pids")).unwrap();
    crate::faults::wait_for("the end of the handler and its child", || {
        let command_line = |pid: &str| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        pids.split(' ').all(|pid| command_line(pid).is_empty())
    });
}

#[test]
fn a_handler_that_hangs_is_ended_with_all_that_it_started() {
    let Some(runtime) = runtime_of("python3") else { return };
    let code = "import subprocess, time\n\ndef handler(event, context):\n    \
        open(event['file'], 'w').write(str(subprocess.Popen(['sleep', '600']).pid))\n    time.sleep(600)\n";
    let dir = project("main.py", code, &runtime, "main.handler", "");
    let definition = std::fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    let short = definition.replace("\"timeout\": 60", "\"timeout\": 1");
    save(&dir, "lambda-json/app.json", &short);
    let event = json!({"file": dir.join("pid")}).to_string();
    save(&dir, "event.json", &event);
    let (mut watch, invoked) = called(&dir);
    assert_eq!(invoked["status"], "timed_out");
    assert!(
        invoked["error"]["errorMessage"]
            .as_str()
            .unwrap()
            .contains("within 1 s"),
        "{invoked}"
    );
    let is_gone = || {
        let pid = std::fs::read_to_string(dir.join("pid")).unwrap_or_default();
        // A zombie that nobody waits for has no command line any more.
        !pid.is_empty()
            && std::fs::read(format!("/proc/{pid}/cmdline"))
                .unwrap_or_default()
                .is_empty()
    };
    crate::faults::wait_for("the end of what it started", is_gone);
    std::fs::remove_file(dir.join("pid")).unwrap();
    // The same by Ctrl-C, long before the time is over.
    save(
        &dir,
        "lambda-json/app.json",
        definition.replace("\"timeout\": 60", "\"timeout\": 900"),
    );
    watch.next("changed");
    crate::faults::wait_for("the handler", || {
        std::fs::read_to_string(dir.join("pid")).is_ok_and(|pid| !pid.is_empty())
    });
    watch.says_no_more();
    crate::faults::wait_for("the end of what it started", is_gone);
}

#[test]
fn a_node_handler_is_called_in_each_way_that_there_is() {
    let Some(runtime) = runtime_of("node") else { return };
    let es = "export const handler = async (event, context) => { console.log('called'); return { number: event.number * 2, id: context.awsRequestId.length }; };\n";
    let dir = project("src/main.mjs", es, &runtime, "src/main.handler", "");
    save(&dir, "code/app/package.json", "{}");
    let (mut watch, invoked) = called(&dir);
    assert_eq!(invoked["response"], json!({"number": 2, "id": 36}), "{invoked}");
    assert_eq!(invoked["log"], "called\n");
    std::fs::remove_file(dir.join("code/app/src/main.mjs")).unwrap();
    watch.change();
    let message = watch.next("invoked")["error"]["errorMessage"].to_string();
    assert!(
        message.contains("no src/main.js, .mjs or .cjs is in the package"),
        "{message}"
    );
    let of_callback = "(event, context, callback) => { setTimeout(() => callback(null, 'called back'), 1); }";
    for (code, response) in [
        (format!("exports.handler = {of_callback};\n"), json!("called back")),
        ("exports.handler = () => 5;\n".to_owned(), json!(null)),
        ("exports.handler = async () => undefined;\n".to_owned(), json!(null)),
    ] {
        save(&dir, "code/app/src/main.js", code);
        watch.change();
        let invoked = watch.next("invoked");
        assert_eq!(invoked["status"], "returned", "{invoked}");
        assert_eq!(invoked["response"], response);
    }
    for (code, kind) in [
        (
            "exports.handler = async () => { throw new RangeError('far'); };\n",
            "RangeError",
        ),
        (
            "exports.handler = () => { setTimeout(() => { throw new TypeError('late'); }, 1); return new Promise(() => {}); };\n",
            "TypeError",
        ),
        (
            "exports.handler = (event, context, callback) => callback(new EvalError('back'));\n",
            "EvalError",
        ),
        ("exports.handler = (\n", "SyntaxError"),
        ("exports.other = 1;\n", "Error"),
    ] {
        save(&dir, "code/app/src/main.js", code);
        watch.change();
        let invoked = watch.next("invoked");
        assert_eq!(invoked["status"], "failed");
        assert_eq!(invoked["error"]["errorType"], kind, "{invoked}");
        let trace = invoked["error"]["stackTrace"].to_string();
        assert!(kind != "RangeError" || trace.contains("(src/main.js:1:"), "{trace}");
    }
    watch.says_no_more();
}

#[test]
fn a_bootstrap_speaks_with_the_runtime_api() {
    let code = r#"#!/usr/bin/env python3
import http.client, json, os
def ask(method, path, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    # An iterator goes in chunks.
    connection.request(method, "/2018-06-01/runtime/" + path, body and iter([body[:3], body[3:]]), encode_chunked=True)
    response = connection.getresponse()
    return response.headers, response.read()
while True:
    headers, event = ask("GET", "invocation/next")
    name = headers["Lambda-Runtime-Invoked-Function-Arn"].split(":")[-1]
    answer = json.dumps({"name": name, "event": json.loads(event)}).encode()
    ask("POST", "invocation/" + headers["Lambda-Runtime-Aws-Request-Id"] + "/response", answer)
"#;
    if runtime_of("python3").is_none() {
        return;
    }
    let dir = project("bootstrap", code, "provided.al2023", "app", "");
    dir.chmod("code/app/bootstrap", 0o755);
    let (mut watch, invoked) = called(&dir);
    assert_eq!(
        invoked["response"],
        json!({"name": "app", "event": {"number": 1}}),
        "{invoked}"
    );
    // Which nobody may run.
    dir.chmod("code/app/bootstrap", 0o644);
    watch.change();
    let error = watch.next("error");
    assert!(
        error["errors"][0]["message"].as_str().unwrap().contains("bootstrap"),
        "{error}"
    );
    watch.says_no_more();
}

#[test]
fn layers_are_beside_the_package() {
    let Some(runtime) = runtime_of("python3") else { return };
    let code = "import rules\n\ndef handler(event, context):\n    return rules.RULE\n";
    let dir = project("main.py", code, &runtime, "main.handler", r#", "layers": ["rules"]"#);
    save(&dir, "code/rules/python/rules.py", "RULE = 1\n");
    save(
        &dir,
        "lambda-json/rules.json",
        r#"{"type": "layer", "source": "rules"}"#,
    );
    let (mut watch, invoked) = called(&dir);
    assert_eq!(invoked["response"], 1, "{invoked}");
    save(&dir, "code/rules/python/rules.py", "RULE = 20\n");
    watch.change();
    assert_eq!(watch.next("invoked")["response"], 20);
    watch.says_no_more();
}

#[test]
fn credentials_reach_a_handler_only_if_they_are_passed_on() {
    let Some(runtime) = runtime_of("python3") else { return };
    let code = "import os\n\ndef handler(event, context):\n    return {name: os.environ.get(name) for name in event}\n";
    let dir = project("main.py", code, &runtime, "main.handler", "");
    let names = ["AWS_ACCESS_KEY_ID", "AWS_CONFIG_FILE", "MINE", "AWS_REGION"];
    save(&dir, "event.json", json!(names).to_string());
    let seen = |pass: &[&str]| {
        let command = command(&dir).args(pass.iter().copied());
        let command = command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_CONFIG_FILE", "config");
        let mut watch = Watch::start(command.env("MINE", "mine").args(["--region", "eu-west-1"]));
        watch.next("watching");
        watch.next("built");
        let invoked = watch.next("invoked");
        watch.says_no_more();
        names.map(|name| invoked["response"][name].clone())
    };
    let region = json!("eu-west-1");
    assert_eq!(
        seen(&[]),
        [json!(null), json!("/dev/null"), json!(null), region.clone()]
    );
    assert_eq!(seen(&["--pass", "AWS_NOBODY_SET_IT"]), seen(&[]));
    assert_eq!(
        seen(&[
            "--pass",
            "AWS_ACCESS_KEY_ID",
            "--pass",
            "AWS_CONFIG_FILE",
            "--pass",
            "MINE"
        ]),
        [json!("key"), json!("config"), json!("mine"), region]
    );
}

#[test]
fn a_region_that_is_none_is_refused_before_anything_starts() {
    let dir = project("main.py", "# 1\n", "python3.13", "main.handler", "");
    let of = |region: &str| command(&dir).env("AWS_REGION", region);
    let run = of("eu-west-1\r").fails(3, &[r"the region `eu-west-1\r` is none", "AWS_REGION"]);
    assert_eq!(run.stdout, "");
    assert!(!dir.join("dist").exists());
}

#[test]
fn a_runtime_that_is_not_here_is_named_and_watching_goes_on() {
    for (runtime, words) in [
        ("python3.99", "install Python 3.99"),
        ("nodejs99.x", "install Node.js 99"),
        ("java21", "--invoke knows python3.X"),
    ] {
        let dir = project("main.py", "# 1\n", runtime, "main.handler", "");
        let mut watch = Watch::start(command(&dir));
        watch.next("watching");
        watch.next("built");
        let error = watch.next("error");
        assert!(error["errors"][0]["help"].as_str().unwrap().contains(words), "{error}");
        save(&dir, "code/app/main.py", "# 22\n");
        watch.change();
        watch.next("error");
        watch.says_no_more();
    }
    let dir = Dir::with_app();
    dir.command(["watch", "app", "--invoke", "gone.json"])
        .fails(3, &["gone.json"]);
    dir.command(["watch", "--invoke", "gone.json"]).fails(2, &["<NAME>"]);
    watching(&dir).says_no_more();
}

#[test]
fn what_handlers_print_hides_secrets_of_the_infrastructure() {
    const VALUE: &str = "correct-horse-battery-9731";
    let Some(runtime) = runtime_of("python3") else { return };
    let code = "import os\n\ndef handler(event, context):\n    print('log', os.environ['CI_PASSWORD'])\n    \
        if 'fail' in event:\n        raise ValueError(os.environ['CI_PASSWORD'])\n    return os.environ['CI_PASSWORD']\n";
    let dir = project("main.py", code, &runtime, "main.handler", "");
    save(
        &dir,
        "lambda-pack.toml",
        "[profiles.prod]\n[[profiles.prod.secrets]]\nid = \"ci\"\nclass = \"infrastructure\"\nreason = \"r\"\nvariable = \"CI_PASSWORD\"\n",
    );
    for event in ["{}", r#"{"fail": true}"#] {
        save(&dir, "event.json", event);
        let passing = || command(&dir).args(["--pass", "CI_PASSWORD"]).env("CI_PASSWORD", VALUE);
        let mut watch = Watch::start(passing());
        watch.next("watching");
        watch.next("built");
        let invoked = watch.next("invoked").to_string();
        assert!(invoked.contains("log ***") && !invoked.contains(VALUE), "{invoked}");
        watch.says_no_more();
        // The same for people, whose log is on stderr.
        let mut child = passing().spawn();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let shown = lines
            .map_while(Result::ok)
            .find(|line| line.contains(" after "))
            .unwrap();
        assert!(shown.contains("***") && !shown.contains(VALUE), "{shown}");
        crate::support::run("kill", &["-s", "INT", &child.id().to_string()]);
        let stderr = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert!(stderr.contains("log ***") && !stderr.contains(VALUE), "{stderr}");
    }
}
