//! What commands of a build specification are told, and that their secrets stay theirs.

use std::fs;

use super::Module;

/// All that a run has left on the disk, and what it said.
fn traces(module: &Module, said: &str) -> String {
    let files = module.bundles.project.dir.snapshot();
    let contents = files
        .iter()
        .map(|(_, content)| String::from_utf8_lossy(content).into_owned());
    contents.chain([said.to_owned()]).collect()
}

#[test]
fn secrets_reach_the_commands_and_nothing_else() {
    const TOKEN: &str = "tkn-5f0e3a9c71d2";
    const PASSWORD: &str = "pass wörd/77+x";
    let module = Module::new();
    let name = &module.bundles.name;
    let json = serde_json::json!({"password": PASSWORD, "user": "reader-9911"}).to_string();
    let arn = module.bundles.create_secret(&format!("{name}-db"), &json);
    module.bundles.put_parameter(&format!("/{name}/token"), TOKEN);
    let mut many = String::new();
    for index in 0..12 {
        module
            .bundles
            .put_parameter(&format!("/{name}/many/{index}"), &format!("many-values-{index:02}"));
        many.push_str(&format!("    MANY{index}: /{name}/many/{index}\n"));
    }
    module.write(
        "buildspec.yaml",
        &format!(
            r#"
version: 0.2
env:
  secrets-manager:
    USER_OF_DB: "{arn}:user"
    WHOLE: {name}-db
  parameter-store:
{many}
phases:
  build:
    commands:
      - echo "lengths ${{#SEEDFARMER_PARAMETER_API_TOKEN}} ${{#USER_OF_DB}} ${{#MANY11}}"
      - echo "$SEEDFARMER_PARAMETER_API_TOKEN; $SEEDFARMER_PARAMETER_DB_PASSWORD; $MANY0; $WHOLE"
      - env | sort; env | base64; set -x; echo "$SEEDFARMER_PARAMETER_DB_PASSWORD"
      - cat /proc/[0-9]*/cmdline > command-lines || true
"#
        ),
    );
    let token = format!("api-token=parameter-store:/{name}/token");
    let password = format!("dbPassword=secrets-manager:{arn}:password");
    let run = module
        .command("run", ["--secret", &token, "--secret", &password, "-v"])
        .args(["--report-dir", "report", "--out-dir", "out", "--json"])
        .ok();
    let log = fs::read_to_string(module.bundles.project.dir.join("report/build.log")).unwrap();
    assert!(log.contains("lengths 16 11 14"), "{log}");
    assert!(log.contains("***; ***; ***; ***"), "{log}");
    assert!(run.stderr.contains("***; ***"), "{run:?}");
    let traces = traces(&module, &format!("{run:?}"));
    assert!(traces.contains("command-lines"));
    for secret in [TOKEN, PASSWORD, "reader-9911", "many-values-0", "many-values-11"] {
        assert!(!traces.contains(secret), "{secret} was left");
    }
    let records = format!("{:?}", module.bundles.parameters(&format!("/sf/{name}")));
    assert!(!records.contains(TOKEN) && !records.contains(PASSWORD), "{records}");
}

#[test]
fn what_fails_after_the_commands_says_no_secret_either() {
    const SECRETS: [&str; 2] = ["line-one-xyz", "98765432"];
    let module = Module::new();
    let name = &module.bundles.name;
    module.bundles.put_parameter(&format!("/{name}/token"), SECRETS[0]);
    module
        .bundles
        .create_secret(&format!("{name}-pin"), r#"{"pin": 98765432}"#);
    module.write(
        "buildspec.yaml",
        r#"{version: 0.2, phases: {build: {commands: ['touch "bad\\$SEEDFARMER_PARAMETER_TOKEN"', 'echo 98765432']}}}"#,
    );
    let token = format!("token=parameter-store:/{name}/token");
    let pin = format!("pin=secrets-manager:{name}-pin");
    let run = module
        .command("run", ["--secret", &token, "--secret", &pin, "-v", "--json"])
        .args(["--report-dir", "report"])
        .run();
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.stderr.contains("cannot pack") && run.stderr.contains("***"),
        "{run:?}"
    );
    assert!(module.recorded("status").contains("cannot pack"));
    let all = traces(&module, &format!("{run:?} {}", module.recorded("status")));
    assert!(!all.contains(SECRETS[0]), "{all}");
    // The command itself spells the number, and is masked like all else.
    let log = fs::read_to_string(module.bundles.project.dir.join("report/build.log")).unwrap();
    assert!(log.contains("$ echo ***\n") && !log.contains(SECRETS[1]), "{log}");
}

#[test]
fn the_workspace_is_private_and_one_that_was_left_is_removed() {
    let module = Module::new();
    let temporary = module.bundles.project.dir.join("tmp");
    let left = temporary.join(".lambda-pack-left.tmp");
    fs::create_dir_all(left.join("module")).unwrap();
    fs::write(left.join("module/x"), "x").unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    fs::File::open(&left).unwrap().set_modified(long_ago).unwrap();
    module.write(
        "buildspec.yaml",
        "{version: 0.2, phases: {build: {commands: ['stat -c %a .. > mode', 'ls -A \"$TMPDIR\" > all']}}}",
    );
    module
        .command("run", ["--out-dir", "out"])
        .env("TMPDIR", &temporary)
        .ok();
    let made = |name: &str| fs::read_to_string(module.bundles.project.dir.join("out").join(name)).unwrap();
    assert_eq!(made("mode"), "700\n");
    assert!(!left.exists(), "{}", made("all"));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn a_path_of_artifacts_that_matches_nothing_is_named() {
    let module = Module::new();
    module.write(
        "buildspec.yaml",
        "{version: 0.2, phases: {}, artifacts: {files: [./handler.py, 'dist/**/*']}}",
    );
    let run = module.command("run", ["--out-dir", "out"]).ok();
    assert!(
        run.stderr
            .contains("warning: `artifacts.files`: `dist/**/*` matches nothing"),
        "{run:?}"
    );
    let out = module.bundles.project.dir.join("out");
    assert!(out.join("handler.py").exists() && !out.join("buildspec.yaml").exists());
}

#[test]
fn secrets_that_are_missing_are_all_named() {
    let module = Module::new();
    let name = &module.bundles.name;
    module
        .bundles
        .create_secret(&format!("{name}-db"), r#"{"user": "reader-9911"}"#);
    let references = [
        format!("a=parameter-store:/{name}/absent"),
        format!("b=secrets-manager:{name}-absent"),
        format!("c=secrets-manager:{name}-db:password"),
    ];
    let mut command = module.command("run", ["--report-dir", "report"]);
    for reference in &references {
        command = command.args(["--secret", reference]);
    }
    let run = command.run();
    assert_eq!(run.code, 1, "{run:?}");
    for reference in &references {
        let reference = reference.split_once('=').unwrap().1;
        assert!(run.stderr.contains(&format!("`{reference}`")), "{reference}: {run:?}");
    }
    assert!(!run.stderr.contains("reader-9911"), "{run:?}");
}

#[test]
fn commands_see_little_of_the_callers_environment() {
    let module = Module::new();
    module.write(
        "buildspec.yaml",
        "{version: 0.2, phases: {build: {commands: ['env | sort > seen', \"sed -n 's/=.*//p' seen > names\"]}}}",
    );
    let run = |args: &[&str]| {
        module
            .command(
                "run",
                [
                    "--force-update",
                    "--report-dir",
                    "report",
                    "--out-dir",
                    "out",
                    "--replace",
                ],
            )
            .args(["--param", "vpcId=vpc-1"])
            .args(args.iter().copied())
            .env("SHOWN", "yes")
            .env("AWS_PROFILE_OF_MINE", "x")
            .ok();
        fs::read_to_string(module.bundles.project.dir.join("out/seen")).unwrap()
    };
    let seen = run(&[]);
    for line in [
        "SEEDFARMER_DEPLOYMENT_NAME=dev",
        "SEEDFARMER_MODULE_NAME=data-orders",
        "SEEDFARMER_PARAMETER_VPC_ID=vpc-1",
        "AWS_ACCOUNT_ID=123456789012",
        "AWS_PARTITION=aws",
        "CODEBUILD_BUILD_SUCCEEDING=1",
    ] {
        assert!(seen.lines().any(|found| found == line), "no {line} in {seen}");
    }
    for name in [
        "SHOWN",
        "AWS_PROFILE_OF_MINE",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
    ] {
        assert!(!seen.contains(&format!("{name}=")), "{name} in {seen}");
    }
    assert!(run(&["--pass-env", "SHOWN"]).contains("\nSHOWN=yes\n"));
}

#[test]
fn a_deployspec_hands_its_metadata_on() {
    let module = Module::new();
    let name = &module.bundles.name;
    module.write(
        "deployspec.yaml",
        r#"
deploy:
  phases:
    build:
      commands:
        - STACK=$(seedfarmer metadata depmod)
        - printf '{"%s":{"metadata":"{\\"VpcId\\":\\"vpc-7\\"}"}}' "$STACK" > cdk-exports.json
        - mkdir infra; cd infra; seedfarmer metadata convert -f cdk-exports.json || true
    post_build:
      commands:
        - seedfarmer metadata add -k Name -v "$(seedfarmer metadata paramvalue -s table-name)"
"#,
    );
    module
        .command(
            "run",
            [
                "--param",
                "tableName=orders",
                "--report-dir",
                "report",
                "--out-dir",
                "out",
            ],
        )
        .ok();
    let records = module.bundles.parameters(&format!("/sf/{name}/dev/data-orders"));
    let outputs = &records[&format!("/sf/{name}/dev/data-orders/outputs")];
    let outputs: serde_json::Value = serde_json::from_str(outputs).unwrap();
    assert_eq!(outputs, serde_json::json!({"Name": "orders", "VpcId": "vpc-7"}));
    assert!(
        !module
            .bundles
            .project
            .dir
            .join("out/SEEDFARMER_MODULE_METADATA")
            .exists()
    );
}
