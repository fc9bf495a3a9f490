//! The lifecycle, with real commands in a clean directory.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Module;
use crate::faults::wait_for;
use crate::support::TestCommand;
use crate::support::kills::{Moment, counted, kill_at_each_request};
use crate::support::proxy::Action;
use crate::support::server::MOTO;

/// A module whose build makes one file of what it is told.
pub fn buildable() -> Module {
    let module = Module::new();
    module.write(
        "buildspec.yaml",
        "version: 0.2\n\
         phases:\n\
         \x20 install: {commands: [mkdir made]}\n\
         \x20 build:\n\
         \x20   commands:\n\
         \x20     - echo \"$SEEDFARMER_PARAMETER_STAGE $SEEDFARMER_MODULE_NAME\" > made/told\n\
         \x20     - cat handler.py >> made/told\n\
         \x20     - lambda-pack metadata add -k Stage -v \"$SEEDFARMER_PARAMETER_STAGE\"\n\
         artifacts: {base-directory: made, files: ['**/*']}\n",
    );
    module
}

impl Module {
    fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        self.command("run", ["--json"]).args(args)
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.bundles.project.dir.join(path)
    }

    /// A file that the run leaves.
    fn left(&self, name: &str) -> String {
        fs::read_to_string(self.path(".lambda-pack/bundles/dev/data-orders").join(name)).unwrap()
    }

    fn endpoint(&self) -> &str {
        &self.bundles.project.endpoint
    }
}

pub const DEV: [&str; 2] = ["--param", "stage=dev"];
const PROD: [&str; 2] = ["--param", "stage=prod"];

#[test]
fn the_whole_life_of_a_bundle() {
    let module = buildable();
    let decision = |run: &Value| (run["decision"].clone(), run["result"].clone());
    let is = |decision: &str, result: &str| (json!(decision), json!(result));

    let first = module.run(DEV).args(["--out-dir", "one"]).ok().json();
    assert_eq!(decision(&first), is("miss_no_bundle", "built"));
    let told = || fs::read_to_string(module.path("one/told")).unwrap();
    assert_eq!(told(), "dev data-orders\nprint('orders')\n");
    assert_eq!(module.recorded_json("outputs"), json!({"Stage": "dev"}));

    let (run, asked) = counted(module.endpoint(), module.run(DEV), |_| Action::Forward);
    assert_eq!(decision(&run.json()), is("hit", "hit"));
    let used = |asked: &[&str]| asked.iter().filter(|it| !it.contains("lease")).count();
    assert_eq!(used(&asked.writes()), 1, "only the time of use: {asked:?}");
    assert!(module.recorded_json("status")["used_at"].is_string());
    assert_eq!(run.json()["bundle"], first["bundle"]);

    // A touched file is the same file.
    let handler = fs::File::options()
        .append(true)
        .open(module.path("module/handler.py"))
        .unwrap();
    handler.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(decision(&module.run(DEV).ok().json()), is("hit", "hit"));

    assert_eq!(module.check_with(PROD)["decision"], "miss_changed");
    let failed = module
        .run(PROD)
        .args(["--", "sh", "-c", "echo no compiler; exit 3"])
        .run();
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(
        failed.stderr.contains("phase build") && failed.stderr.contains("no compiler"),
        "{failed:?}"
    );
    assert_eq!(decision(&failed.json()), is("miss_changed", "failed"));
    let status = module.recorded_json("status");
    assert_eq!(status["status"], "failed");
    assert!(status["reason"].as_str().unwrap().contains("exit code 3"), "{status}");
    assert_eq!(module.check_with(PROD)["decision"], "miss_failed");

    // The bundle before is still the one.
    module.command("fetch", DEV).args(["--out-dir", "two"]).ok();
    module.command("fetch", ["--committed", "--out-dir", "three"]).ok();
    assert_eq!(fs::read_to_string(module.path("two/told")).unwrap(), told());
    assert_eq!(decision(&module.run(DEV).ok().json()), is("hit", "hit"));

    let forced = module.run(DEV).args(["--force-update"]).ok().json();
    assert_eq!(decision(&forced), is("forced", "built"));
    assert_eq!(forced["bundle"]["code_sha256"], first["bundle"]["code_sha256"]);
    assert_eq!(decision(&module.run(PROD).ok().json()), is("miss_changed", "built"));
    assert_eq!(module.check_with(PROD)["decision"], "hit");
    assert_eq!(module.check_with(DEV)["decision"], "miss_changed");
}

#[test]
fn the_report_says_what_was_decided_and_done() {
    let module = buildable();
    let run = module.run(DEV).ok().json();
    let report: Value = serde_json::from_str(&module.left("report.json")).unwrap();
    assert_eq!(report, run);
    assert_eq!(report["schema_version"], 1);
    let commands = report["phases"][2]["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 3);
    assert!(
        commands
            .iter()
            .all(|command| command["exit_code"] == 0 && command["duration_ms"].is_u64())
    );
    let steps: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["step"].as_str().unwrap())
        .collect();
    assert!(
        steps.contains(&"run the phases") && steps.contains(&"store"),
        "{steps:?}"
    );
    let markdown = module.left("report.md");
    for words in [
        "`miss_no_bundle`",
        "mkdir made",
        report["bundle"]["code_sha256"].as_str().unwrap(),
    ] {
        assert!(markdown.contains(words), "no {words} in {markdown}");
    }
    let log = module.left("build.log");
    assert!(log.contains("install[0] $ mkdir made"), "{log}");

    let failed = module
        .run(["--report-dir", "there", "--force-update", "--", "false"])
        .run();
    assert_eq!(failed.code, 1);
    let report: Value = serde_json::from_str(&fs::read_to_string(module.path("there/report.json")).unwrap()).unwrap();
    assert_eq!(report["result"], "failed");
    assert!(report["error"].as_str().unwrap().contains("`false` failed"), "{report}");
}

#[test]
fn killed_at_any_request_no_check_is_wrong_and_the_next_run_heals() {
    kill_at_each_request(
        &MOTO.endpoint,
        &[Moment::After],
        || {
            let module = buildable();
            module.run(DEV).ok();
            module
        },
        |module| module.run(PROD),
        |module, number, moment, operation| {
            let place = format!("{moment:?} request {number}, {operation}");
            let new = module.check_with(PROD)["decision"] == "hit";
            let old = module.check_with(DEV)["decision"] == "hit";
            assert!(!(new && old), "{place}");
            let told = |args: [&str; 2], stage: &str| {
                module.command("fetch", args).args(["--out-dir", stage]).ok();
                let told = fs::read_to_string(module.path(stage).join("told")).unwrap();
                assert!(told.starts_with(stage), "{place}");
                assert_eq!(module.recorded_json("outputs"), json!({"Stage": stage}), "{place}");
            };
            if new {
                told(PROD, "prod");
            }
            if old {
                told(DEV, "dev");
            }
            let healed = module.run(PROD).ok().json();
            assert_eq!(healed["result"], if new { "hit" } else { "built" }, "{place}");
            assert_eq!(module.check_with(PROD)["decision"], "hit", "{place}");
        },
    );
}

#[test]
fn what_is_asked_for_dry_writes_nothing() {
    let module = buildable();
    for (args, would) in [(vec![], "build and store it"), (vec!["--force-update"], "forced")] {
        let before = module.bundles.project.dir.snapshot();
        let command = module.command("run", ["--dry-run"]).args(args);
        let (run, asked) = counted(module.endpoint(), command, |_| Action::Forward);
        assert_eq!((run.code, asked.writes()), (0, vec![]), "{run:?}");
        assert!(run.stdout.contains(would), "{run:?}");
        assert!(before == module.bundles.project.dir.snapshot());
    }
}

/// Command lines of all processes that can be read.
fn command_lines() -> String {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned() + "\n")
        .collect()
}

#[test]
fn a_failing_build_says_no_secret_and_none_is_in_a_command_line() {
    let module = Module::new();
    let secrets = ["s3cr3t-of-the-manager", "s3cr3t-of-the-store", "s3cr3t-of-the-spec"];
    module.bundles.create_secret(
        &format!("{}/api", module.bundles.name),
        &json!({"token": secrets[0]}).to_string(),
    );
    let name = format!("/{}/password", module.bundles.name);
    module.bundles.put_parameter(&name, secrets[1]);
    let of_spec = format!("/{}/of-spec", module.bundles.name);
    module.bundles.put_parameter(&of_spec, secrets[2]);
    module.write(
        "buildspec.yaml",
        &format!(
            "version: 0.2\n\
             env: {{parameter-store: {{OF_SPEC: {of_spec}}}}}\n\
             phases:\n\
             \x20 build:\n\
             \x20   commands:\n\
             \x20     - test \"$SEEDFARMER_PARAMETER_API_TOKEN\" = {}-manager\n\
             \x20     - test \"$SEEDFARMER_PARAMETER_PASSWORD\" = {}-store\n\
             \x20     - echo \"$OF_SPEC $SEEDFARMER_PARAMETER_PASSWORD\"; env; printf %s \"$OF_SPEC\" | base64\n\
             \x20     - touch '{here}/started'; until [ -e '{here}/go' ]; do sleep 0.02; done\n\
             \x20     - echo \"failed with $SEEDFARMER_PARAMETER_API_TOKEN\"; exit 1\n",
            "s3cr3t-of-the",
            "s3cr3t-of-the",
            here = module.bundles.project.dir.path().display(),
        ),
    );
    let api = format!("apiToken=secrets-manager:{}/api:token", module.bundles.name);
    let password = format!("password=parameter-store:{name}");
    let child = module.run(["-vv", "--secret", &api, "--secret", &password]).spawn();
    wait_for("the command", || module.path("started").exists());
    let lines = command_lines();
    assert!(lines.contains("bundle"), "{lines}");
    module.bundles.project.dir.write("go", "");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("failed with"), "{said}");
    let records = module.bundles.parameters("/sf");
    for secret in secrets {
        assert!(!lines.contains(secret));
        for (place, text) in [
            ("the terminal", &said),
            ("the log", &module.left("build.log")),
            ("the report", &module.left("report.json")),
            ("the report", &module.left("report.md")),
            ("the records", &format!("{records:?}")),
        ] {
            assert!(!text.contains(secret), "{secret} in {place}: {text}");
        }
    }
    // "s3cr3t-of-the-spec", encoded.
    assert!(
        !module.left("build.log").contains("czNjcjN0LW9mLXRoZS1zcGVj"),
        "{}",
        module.left("build.log")
    );
}

#[test]
fn two_runs_at_once_build_once() {
    let module = buildable();
    let waits = format!(
        "echo x >> {0}/builds; until [ -e {0}/go ]; do sleep 0.02; done",
        module.bundles.project.dir.path().display()
    );
    let run = || module.run(DEV).args(["--", "sh", "-c", &waits]);
    let first = run().spawn();
    wait_for("the build", || module.path("builds").exists());
    let second = run().run();
    assert_eq!(second.code, 5, "{second:?}");
    assert!(second.stderr.contains("is being written by"), "{second:?}");
    let answer = module.check_with(DEV);
    assert_eq!(answer["decision"], "miss_building");
    assert!(answer["reason"].as_str().unwrap().contains("under way"), "{answer}");
    module.bundles.project.dir.write("go", "");
    assert!(first.wait_with_output().unwrap().status.success());
    assert_eq!(run().ok().json()["result"], "hit");
    assert_eq!(fs::read_to_string(module.path("builds")).unwrap(), "x\n");
}

#[test]
fn an_interrupted_build_is_recorded_and_leaves_nothing() {
    let module = buildable();
    let temporary = module.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let waits = format!(
        "touch {}/started; sleep 600",
        module.bundles.project.dir.path().display()
    );
    let child = module
        .run(DEV)
        .args(["--", "sh", "-c", &waits])
        .env("TMPDIR", &temporary)
        .spawn();
    wait_for("the build", || module.path("started").exists());
    crate::support::run("kill", &["-TERM", &child.id().to_string()]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let left = |directory: &Path| fs::read_dir(directory).unwrap().count();
    assert_eq!(left(&temporary), 0);
    // What it began is no bundle; and the next run need not wait for a lease.
    let answer = module.check_with(DEV);
    assert!(
        ["miss_failed", "miss_building"].contains(&answer["decision"].as_str().unwrap()),
        "{answer}"
    );
    assert_eq!(module.run(DEV).ok().json()["result"], "built");
}

#[test]
fn only_what_is_hashed_is_built_from() {
    let module = buildable();
    module.write(".lambdaignore", "local/\n");
    module.write("local/settings", "mine");
    let clean = "test ! -e local && test ! -e .git && ls -a > made/all";
    module.run(DEV).args(["--", "sh", "-c", clean]).ok();
    module.command("fetch", DEV).args(["--out-dir", "out"]).ok();
    let all = fs::read_to_string(module.path("out/all")).unwrap();
    assert!(all.contains("handler.py") && !all.contains("local"), "{all}");
    // The source is as it was.
    assert!(!module.path("module/made").exists());
}

#[test]
fn given_outputs_win() {
    let module = buildable();
    module
        .run(DEV)
        .args(["--outputs", "-"])
        .stdin(r#"{"Stage": "given"}"#)
        .ok();
    assert_eq!(module.recorded_json("outputs"), json!({"Stage": "given"}));
}
