use super::*;

fn parse(text: &str) -> Spec {
    Spec::parse("buildspec.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Which of these words the refusal lacks.
fn missing(text: &str, words: &[&str]) -> Vec<String> {
    let Err(error) = Spec::parse("buildspec.yaml", text.as_bytes()) else {
        return vec![format!("not refused: {text}")];
    };
    let said = format!("{} | {}", error.message(), error.help_text().unwrap_or_default());
    let missing = ["buildspec.yaml:"]
        .iter()
        .chain(words)
        .filter(|word| !said.contains(**word));
    missing.map(|word| format!("no {word:?} in: {said}")).collect()
}

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    assert_eq!(missing(text, words), [""; 0]);
}

#[test]
fn a_buildspec_is_read_whole() {
    let spec = parse(
        r#"
version: 0.2
env:
  shell: bash
  variables: {PORT: 8080, DEBUG: yes, NAME: "x y", EMPTY: ""}
  parameter-store: {TOKEN: /team/token}
  secrets-manager: {PASSWORD: "db:password::v1"}
phases:
  install:
    runtime-versions: {python: 3.12}
    commands: [pip install -r requirements.txt]
  pre_build: {commands: []}
  build:
    on-failure: CONTINUE
    commands:
      - make
      - |
        if true; then
          echo 1
        fi
      - true
    finally: [echo done]
  post_build:
    commands: echo one
artifacts:
  files: ['**/*']
  exclude-paths: ./**/*.log
  base-directory: ./dist/
  name: x
"#,
    );
    assert_eq!(spec.shell, Shell::Bash);
    assert_eq!(spec.variables["PORT"], "8080");
    assert_eq!(spec.variables["DEBUG"], "yes");
    assert_eq!(spec.variables["EMPTY"], "");
    assert_eq!(spec.secrets["TOKEN"].to_string(), "parameter-store:/team/token");
    assert_eq!(spec.secrets["PASSWORD"].to_string(), "secrets-manager:db:password::v1");
    assert_eq!(
        spec.phases.build.commands,
        ["make", "if true; then\n  echo 1\nfi\n", "true"]
    );
    assert_eq!(spec.phases.build.finally, ["echo done"]);
    assert_eq!(spec.phases.build.on_failure, OnFailure::Continue);
    assert_eq!(spec.phases.post_build.commands, ["echo one"]);
    let artifacts = spec.artifacts.expect("artifacts");
    assert_eq!(artifacts.files, ["**/*"]);
    assert_eq!(artifacts.exclude_paths, ["./**/*.log"]);
    assert_eq!(artifacts.base_directory.as_deref(), Some("dist"));
    assert_eq!(spec.warnings.len(), 2, "{:?}", spec.warnings);
}

#[test]
fn json_is_yaml() {
    let spec = parse(r#"{"version": "0.2", "phases": {"build": {"commands": ["make \"all\""]}}}"#);
    assert_eq!(spec.phases.build.commands, ["make \"all\""]);
    assert_eq!(spec.shell, Shell::Sh);
}

#[test]
fn a_deployspec_stops_where_seed_farmer_stops() {
    let spec = parse(
        r#"
publishGenericEnvVariables: false
build_type: BUILD_GENERAL1_LARGE
deploy:
  phases:
    install: {commands: [npm ci]}
    build: {commands: [cdk deploy]}
destroy:
  phases:
    build: {commands: [cdk destroy]}
"#,
    );
    assert_eq!(spec.shell, Shell::Bash);
    assert!(spec.project_variables);
    assert_eq!(spec.compute_type.as_deref(), Some("BUILD_GENERAL1_LARGE"));
    assert!(!spec.phases.build.on_failure.goes_on_after(PhaseName::Build));
    assert_eq!(spec.destroy.expect("destroy").build.commands, ["cdk destroy"]);
}

#[test]
fn post_build_follows_a_failing_build_unless_said_otherwise() {
    let goes_on = |how: OnFailure| PHASES.map(|phase| how.goes_on_after(phase));
    assert_eq!(goes_on(OnFailure::Unsaid), [false, false, true, false]);
    assert_eq!(goes_on(OnFailure::Abort), [false; 4]);
    assert_eq!(goes_on(OnFailure::Continue), [true; 4]);
}

const PHASES: [PhaseName; 4] = [
    PhaseName::Install,
    PhaseName::PreBuild,
    PhaseName::Build,
    PhaseName::PostBuild,
];

#[test]
fn faults_name_line_key_and_what_is_allowed() {
    let phases = "phases: {build: {commands: [x]}}";
    let mut all_missing = Vec::new();
    for (text, words) in [
        ("", &["empty", "for example"][..]),
        ("# only a comment\n---\n", &["a mapping"]),
        ("- a\n", &["a mapping"]),
        ("version: 0.2\n", &["`phases` is missing"]),
        (&format!("{phases}\n"), &["`version` is missing"]),
        (&format!("version: 0.1\n{phases}"), &[":1:", "0.1", "`0.2`"]),
        (
            &format!("version: 0.2\nphase: 1\n{phases}"),
            &[":2:1", "unknown key `phase`", "did you mean `phases`"],
        ),
        (
            "version: 0.2\nphases:\n  build:\n    comands: [x]\n",
            &[":4:5", "`phases.build.comands`", "did you mean `commands`"],
        ),
        (
            "version: 0.2\nphases:\n  bild: {commands: [x]}\n",
            &[":3:3", "`phases.bild`", "did you mean `build`"],
        ),
        (
            "version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b\n",
            &[":5:", "`phases.build.commands[0]`", "a string", "quote it"],
        ),
        (
            "version: 0.2\nphases:\n  build:\n    commands:\n      -\n",
            &[":5:", "`phases.build.commands[0]`", "nothing", "a string"],
        ),
        (
            "version: 0.2\nphases:\n  build:\n    commands:\n",
            &["`phases.build.commands`: found nothing; allowed: a list of strings, or a string"],
        ),
        (
            "version: 0.2\nphases:\n  build:\n    commands: {a: b}\n",
            &[":4:", "`phases.build.commands`", "a list of strings, or a string"],
        ),
        (
            "version: 0.2\nphases:\n  build:\n    on-failure: RETRY-3\n    commands: [x]\n",
            &[":4:", "on-failure", "RETRY", "ABORT, CONTINUE"],
        ),
        (
            "version: 0.2\nphases:\n  build:\n    run-as: root\n    commands: [x]\n",
            &[":4:", "`phases.build.run-as`", "run as the user"],
        ),
        (
            &format!("version: 0.2\nrun-as: root\n{phases}"),
            &["`run-as`", "run as the user"],
        ),
        (
            &format!("version: 0.2\nenv: {{shell: zsh}}\n{phases}"),
            &[":2:", "`env.shell`", "`zsh`", "`bash`"],
        ),
        (
            &format!("version: 0.2\nenv: {{shell: {{bash: null}}}}\n{phases}"),
            &[":2:", "`env.shell`", "allowed: a string"],
        ),
        (
            &format!("version: [0.2]\n{phases}"),
            &[":1:", "`version`", "allowed: a string"],
        ),
        (
            &format!("version: 0.2\nenv: {{variables: {{a-b: c}}}}\n{phases}"),
            &["`a-b`", "variable"],
        ),
        (
            &format!("version: 0.2\nenv:\n  secrets-manager:\n    A: 'a:b:c:d:e'\n{phases}"),
            &[":4:", "`env.secrets-manager.A`", "SECRET-ID[:JSON-KEY"],
        ),
        (
            &format!("version: 0.2\nenv: {{variables: {{A: 1}}, parameter-store: {{A: b}}}}\n{phases}"),
            &["`A` comes twice"],
        ),
        (
            &format!("version: 0.2\nversion: 0.2\n{phases}"),
            &[":2:", "`version` comes twice"],
        ),
        (
            &format!("version: 0.2\n{phases}\nartifacts: {{base-directory: ../x, files: a}}"),
            &["base-directory", "`../x`"],
        ),
        (
            &format!("version: 0.2\n{phases}\nartifacts: {{files: a, discard-paths: yes}}"),
            &["discard-paths", "directories"],
        ),
        (
            &format!("version: 0.2\n{phases}\nartifacts: {{}}"),
            &["`artifacts.files` is missing"],
        ),
        (&format!("version: 0.2\n{phases}\n---\nversion: 0.2\n"), &["multiple"]),
        ("version: 0.2\nphases: {build: {commands: [\"x]}}\n", &[":2:"]),
        (
            "deploy: {phases: {build: {commands: [x]}}}\nbuild_type: TINY\n",
            &[":2:", "`build_type`", "`TINY`", "_SMALL"],
        ),
        (
            "destroy: {phases: {build: {commands: [x]}}}\n",
            &["`deploy` is missing"],
        ),
    ] {
        all_missing.extend(missing(text, words));
    }
    assert_eq!(all_missing, [""; 0]);
}

#[test]
fn anchors_serve_and_do_not_explode() {
    let spec = parse("version: 0.2\nphases:\n  install: {commands: &c [a, b]}\n  build: {commands: *c}\n");
    assert_eq!(spec.phases.build.commands, ["a", "b"]);

    let mut bomb = String::from("version: 0.2\nbatch:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("  a{level}: &a{level} [{aliases}]\n"));
    }
    bomb.push_str("phases: {build: {commands: [x]}}\n");
    refused(&bomb, &["too much"]);
    refused(&format!("version: 0.2\n#{}\n", "x".repeat(2_000_000)), &["too many"]);
    refused(&format!("version: {}", "[".repeat(50_000)), &[]);
}
