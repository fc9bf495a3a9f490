use std::thread;
use std::time::Duration;

use lambda_pack_core::ErrorKind;
use lambda_pack_core::bundle::mask::SecretValue;
use tempfile::TempDir;

use super::*;

struct Place {
    directory: TempDir,
    meter: Meter,
}

impl Place {
    fn new() -> Self {
        Place {
            directory: tempfile::tempdir().expect("a directory"),
            meter: Meter::default(),
        }
    }

    fn run_with(&self, spec: &str, secrets: &[&str], command: &[&str]) -> Result<PhasesRun> {
        let source = self.directory.path().join("source");
        fs::create_dir_all(&source).expect("a directory");
        let mut environment: Environment = build::environment().map(|(name, value)| (name.into(), value)).collect();
        let secrets: Vec<SecretValue> = secrets
            .iter()
            .map(|secret| SecretValue::new(secret.to_string()))
            .collect();
        for (index, secret) in secrets.iter().enumerate() {
            environment.set(format!("SECRET{index}"), secret.reveal());
        }
        let command: Vec<String> = command.iter().map(|word| word.to_string()).collect();
        run(Phases {
            spec: &Spec::parse("spec", spec.as_bytes()).expect("a specification"),
            command: &command,
            directory: &source,
            environment,
            masks: &Masks::new(&secrets),
            log: &self.log_file(),
            meter: &self.meter,
        })
    }

    fn run(&self, spec: &str) -> PhasesRun {
        self.run_with(spec, &[], &[]).expect("it runs")
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("build.log")
    }

    /// Without times.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.log_file()).expect("a log");
        log.lines()
            .map(|line| line.split_once(' ').expect("a time").1)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Waits for the end of the process whose number is in a file. Who has lost its parent is waited for by another process.
fn ends(file: &Path) {
    let pid = fs::read_to_string(file)
        .expect("a number")
        .trim()
        .parse()
        .expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    let deadline = Instant::now() + Duration::from_secs(10);
    while rustix::process::test_kill_process(pid).is_ok() {
        assert!(Instant::now() < deadline, "it still runs");
        thread::sleep(Duration::from_millis(10));
    }
}

fn statuses(run: &PhasesRun) -> [PhaseStatus; 4] {
    [0, 1, 2, 3].map(|index| run.phases[index].status)
}

use PhaseStatus::{Failed, Skipped, Succeeded};

#[test]
fn directory_and_variables_are_handed_on_in_both_shells() {
    for shell in ["sh", "bash"] {
        let place = Place::new();
        let run = place.run(&format!(
            r#"
version: 0.2
env: {{shell: {shell}}}
phases:
  install:
    commands: ["mkdir 'a b'; cd 'a b'", "VERSION='1  2'", "export TEXT=\"it's\nall\"", "unset LANG"]
  build:
    commands: ['echo "$VERSION|$TEXT|${{LANG-none}}|${{PWD##*/}}" > said', 'cd ..', 'if true; then false || exit 0; fi', 'cat "a b/said"']
"#
        ));
        assert!(run.failure.is_none(), "{:?}", run.failure);
        assert!(
            place.log().contains("build[3] 1  2|it's\nbuild[3] all|none|a b\n"),
            "{}",
            place.log()
        );
    }
}

#[test]
fn the_shell_that_is_asked_for_runs_the_commands() {
    let place = Place::new();
    let run = place.run("{version: 0.2, env: {shell: bash}, phases: {build: {commands: '[[ -n $BASH_VERSION ]]'}}}");
    assert!(run.failure.is_none(), "{:?}", run.failure);
}

#[test]
fn post_build_and_finally_run_after_a_failing_build() {
    let place = Place::new();
    let run = place.run(
        r#"
version: 0.2
phases:
  build:
    commands: [echo 1, "echo said so >&2; exit 7", echo never]
    finally: [echo in the end]
  post_build:
    commands: ["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"]
"#,
    );
    assert_eq!(statuses(&run), [Succeeded, Succeeded, Failed, Succeeded]);
    let codes: Vec<i32> = run.phases[2].commands.iter().map(|command| command.exit_code).collect();
    assert_eq!(codes, [0, 7, 0]);
    let error = run.failure.expect("a failure");
    for word in ["phase build", "exit code 7", "\n  said so"] {
        assert!(error.message().contains(word), "{error}");
    }
    let log = place.log();
    assert!(
        log.contains("build[2] in the end") && log.contains("post_build[0] succeeding=0"),
        "{log}"
    );
    assert!(!log.contains("never"), "{log}");
}

#[test]
fn on_failure_decides_what_comes_after() {
    for (how, expected) in [
        ("ABORT", [Succeeded, Succeeded, Failed, Skipped]),
        ("CONTINUE", [Succeeded, Succeeded, Failed, Succeeded]),
    ] {
        let run = Place::new().run(&format!(
            "{{version: 0.2, phases: {{build: {{on-failure: {how}, commands: 'false'}}, post_build: {{commands: 'true'}}}}}}"
        ));
        assert_eq!(statuses(&run), expected);
        assert!(run.failure.is_some());
    }
    let run =
        Place::new().run("{version: 0.2, phases: {install: {commands: 'false'}, post_build: {commands: 'true'}}}");
    assert_eq!(statuses(&run), [Failed, Skipped, Skipped, Skipped]);
}

#[test]
fn ends_of_all_kinds_are_told() {
    for (command, code) in [
        ("kill -9 $$", 137),
        ("(", 2),
        ("no-such-program-here", 127),
        ("exec true", 0),
        ("cat <<X\na", 0),
    ] {
        let run = Place::new()
            .run(&serde_json::json!({"version": 0.2, "phases": {"build": {"commands": [command]}}}).to_string());
        assert_eq!(run.phases[2].commands[0].exit_code, code, "{command}");
    }
}

#[test]
fn the_command_is_the_last_of_the_build_and_its_words_stay_words() {
    let place = Place::new();
    let spec = "{version: 0.2, phases: {build: {commands: [mkdir x, cd x]}, post_build: {commands: [ls]}}}";
    let run = place.run_with(spec, &[], &["touch", "a b", "$HOME"]).expect("it runs");
    assert_eq!(run.phases[2].commands.len(), 3);
    assert!(
        place.log().contains("post_build[0] $HOME\npost_build[0] a b"),
        "{}",
        place.log()
    );
}

#[test]
fn no_secret_is_in_log_result_or_error() {
    const SECRETS: [&str; 3] = ["hunter2hunter2", "line one\nline two", "a/b+c d"];
    let place = Place::new();
    let spec = r#"
version: 0.2
phases:
  build:
    commands:
      - printf 'hunter2'; sleep 0.1; printf 'hunter2\n'
      - echo "$SECRET1"
      - printf %s "$SECRET0" | base64
      - printf %s "user:$SECRET0" | base64
      - set -x; echo "$SECRET2" >&2
      - "echo hunter2hunter2; exit 3"
"#;
    let run = place.run_with(spec, &SECRETS, &[]).expect("it runs");
    let error = run.failure.as_ref().expect("the last one fails");
    let shown = [
        fs::read_to_string(place.log_file()).expect("a log"),
        format!("{error:?}"),
        format!("{run:?}"),
    ]
    .concat();
    assert!(shown.contains("echo ***; exit 3"), "{shown}");
    for word in [
        "hunter2h",
        "line one",
        "line two",
        "a/b+c d",
        "aHVudGVyMmh1bnRlcjI",
        "h1bnRlcjJodW50ZXIy",
    ] {
        assert!(!shown.contains(word), "{word} is in {shown}");
    }
}

#[test]
fn what_is_left_in_the_background_lives_through_the_run_and_not_longer() {
    let place = Place::new();
    let spec = r#"
version: 0.2
phases:
  install:
    commands: ["(while :; do sleep 0.05; done) & echo $! > pid", "sleep 600 & true"]
  build:
    commands: ['kill -0 "$(cat pid)"']
"#;
    let start = Instant::now();
    let run = place.run(spec);
    assert!(run.failure.is_none(), "{:?}", run.failure);
    assert!(start.elapsed() < Duration::from_secs(60), "nothing waits for it");
    ends(&place.directory.path().join("source/pid"));
}

#[test]
fn nobody_waits_for_what_has_left_its_process_group() {
    let place = Place::new();
    let started = place.directory.path().join("source/pid");
    let start = Instant::now();
    let run = place.run(
        r#"
version: 0.2
phases:
  build:
    commands: ["setsid sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 60' & until [ -e pid ]; do sleep 0.02; done"]
"#,
    );
    assert!(run.failure.is_none(), "{:?}", run.failure);
    let took = start.elapsed();
    let pid = fs::read_to_string(started).expect("a number").trim().parse();
    let pid = rustix::process::Pid::from_raw(pid.expect("a number")).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives on");
    assert!(took < Duration::from_secs(9), "{took:?}");
}

#[test]
fn damaged_metadata_are_kept_beside_the_log_without_secrets() {
    let place = Place::new();
    let write = r#"printf '{"a": "%s"' "$SECRET0" > $SEEDFARMER_MODULE_METADATA_FILE"#;
    let spec = serde_json::json!({"version": 0.2, "phases": {"build": {"commands": [write]}}}).to_string();
    let error = place.run_with(&spec, &["hunter2-hunter2"], &[]).expect_err("no object");
    let kept = place.log_file().with_file_name("SEEDFARMER_MODULE_METADATA.damaged");
    assert!(
        error
            .help_text()
            .unwrap_or_default()
            .contains(kept.to_str().expect("text")),
        "{error:?}"
    );
    assert!(!error.message().contains("source"), "{error}");
    assert_eq!(fs::read_to_string(kept).expect("a copy"), r#"{"a": "***""#);
}

#[test]
fn an_interruption_ends_all_processes_of_the_command() {
    for last in ["sleep 600", "yes"] {
        let place = Place::new();
        let started = place.directory.path().join("source/pid");
        let command = format!("sh -c 'echo $$ > pid.new; mv pid.new pid; exec {last}'; true");
        let spec = serde_json::json!({"version": 0.2, "phases": {"build": {"commands": [command]}}}).to_string();
        let error = thread::scope(|scope| {
            let running = scope.spawn(|| place.run_with(&spec, &[], &[]));
            while !started.exists() {
                thread::sleep(Duration::from_millis(5));
            }
            place
                .meter
                .interrupt_flag()
                .store(true, std::sync::atomic::Ordering::Relaxed);
            running.join().expect("no panic").expect_err("it is interrupted")
        });
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        ends(&started);
    }
}

#[test]
fn outputs_come_from_the_file_and_from_the_variable() {
    let place = Place::new();
    let spec = r#"
version: 0.2
phases:
  build:
    commands:
      - mkdir x; cd x
      - echo '{"a":1,"b":2}' > "$SEEDFARMER_MODULE_METADATA_FILE"
      - export SEEDFARMER_MODULE_METADATA='{"b":3,"c":4}'
"#;
    let run = place.run(spec);
    assert!(run.failure.is_none(), "{:?}", run.failure);
    assert_eq!(run.outputs.to_json(), r#"{"a":1,"b":2,"c":4}"#);
    assert!(
        !place.directory.path().join("source").join(metadata::NAME).exists(),
        "it is no part of the bundle"
    );

    let damaged = "{version: 0.2, phases: {build: {commands: 'echo { > SEEDFARMER_MODULE_METADATA'}}}";
    assert!(Place::new().run_with(damaged, &[], &[]).is_err());
}

#[test]
fn this_program_is_there_as_seedfarmer() {
    let place = Place::new();
    let run = place.run("{version: 0.2, phases: {build: {commands: [command -v seedfarmer, command -v lambda-pack]}}}");
    assert!(run.failure.is_none(), "{:?}", run.failure);
}

#[test]
fn much_output_and_large_variables_pass() {
    let place = Place::new();
    let spec = r#"
version: 0.2
phases:
  build:
    commands:
      - A=$(head -c 100000 /dev/zero | tr '\0' x)
      - echo ${#A}; head -c 3000000 /dev/zero | tr '\0' y
"#;
    let run = place.run(spec);
    assert!(run.failure.is_none(), "{:?}", run.failure);
    let log = place.log();
    assert!(log.contains("build[1] 100000"), "the variable is whole");
    assert_eq!(
        log.bytes().filter(|byte| *byte == b'y').count(),
        3_000_000 + log.matches("tr '\\0' y").count()
    );
}
