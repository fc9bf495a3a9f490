//! Deployment profiles: what they select and change, and what is wrong with them.

use std::process::{Command, Output};

use serde_json::json;

use crate::support::{Dir, PYTHON};

fn project(toml: &str) -> Dir {
    let dir = Dir::new();
    dir.write("lambda-pack.toml", toml);
    for name in ["order-intake", "order-summary", "report"] {
        dir.write(&format!("code/{name}.py"), format!("NAME = '{name}'\n"));
        dir.write(
            &format!("lambda-json/{name}.json"),
            format!(
                r#"{{"runtime": "python3.13", "handler": "{name}.handler", "source": "{name}.py",
                    "environment": {{"LOG_LEVEL": "INFO"}}}}"#
            ),
        );
    }
    dir.write("code/rules/python/rules.py", "RULES = []\n");
    dir.write(
        "lambda-json/rules.json",
        r#"{"type": "layer", "source": "rules", "compatible_runtimes": ["python3.13"]}"#,
    );
    dir
}

#[track_caller]
fn refused(toml: &str, code: i32, words: &[&str]) {
    let dir = project(toml);
    dir.command(["profile", "check"]).fails(code, words);
}

/// The map of `external hash`.
fn packages(dir: &Dir, query: &str) -> serde_json::Value {
    let answer = dir.command(["external", "hash"]).stdin(query).ok().json();
    serde_json::from_str(answer["packages"].as_str().unwrap()).unwrap()
}

#[test]
fn a_profile_selects_functions_and_the_layers_that_they_name() {
    let dir = project("[profiles.orders]\nfunctions = [\"order-*\"]\nlayers = []\ntier = \"lambda\"\n[profiles.all]\n");
    dir.write(
        "lambda-json/order-intake.json",
        r#"{"runtime": "python3.13", "handler": "a.b", "source": "order-intake.py", "layers": ["rules"]}"#,
    );
    assert_eq!(
        dir.command(["profile", "list", "--json"]).ok().json(),
        json!([
            {"name": "all", "tier": "lambda", "functions": ["order-intake", "order-summary", "report"]},
            {"name": "orders", "tier": "lambda", "functions": ["order-intake", "order-summary"]},
        ])
    );
    let names = |profile: &str| {
        let build = dir
            .command(["build", "--json"])
            .env("LAMBDA_PACK_DEPLOYMENT_PROFILE", profile);
        let rows = build.ok().json();
        let names = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("orders"), ["order-intake", "order-summary", "rules"]);
    assert_eq!(names(""), ["order-intake", "order-summary", "report", "rules"]);
    dir.command(["build", "report", "--deployment-profile", "orders"])
        .fails(2, &["no function is named `report`"]);
}

#[test]
fn a_profile_inherits_and_what_it_says_itself_wins() {
    let dir = project(
        r#"
        [profiles.base]
        tier = "container"
        architecture = "arm64"
        parameters = { stage = "dev", team = "orders" }
        store = "s3://base"
        limits = { timeout = 10, memory_size = 512 }
        [[profiles.base.swaps]]
        from = "boto3"
        to = "runtime"
        [profiles.prod]
        extends = "base"
        functions = ["report"]
        parameters = { stage = "prod" }
        store = "file://./prod"
        limits = { timeout = 30 }
        [[profiles.prod.swaps]]
        from = "boto3"
        to = "drop"
        "#,
    );
    let shown = dir.command(["profile", "show", "prod", "--json"]).ok().json();
    assert_eq!(
        shown,
        json!({
            "tier": "container", "functions": ["report"], "architecture": "arm64",
            "parameters": {"stage": "prod", "team": "orders"}, "store": "file://./prod",
            "swaps": [{"from": "boto3", "to": "drop"}],
            "limits": {"timeout": 30, "memory_size": 512},
        })
    );
    // What is shown says the same where it is put.
    let toml = dir.command(["profile", "show", "prod"]).ok().stdout;
    let again = project(&toml);
    assert_eq!(again.command(["profile", "show", "prod", "--json"]).ok().json(), shown);
}

#[test]
fn a_profile_changes_what_is_deployed_and_says_its_name() {
    let dir = project("[profiles.prod]\narchitecture = \"arm64\"\nparameters = { stage = \"prod\" }\n");
    dir.write(
        "lambda-json/report.json",
        r#"{"runtime": "python3.13", "handler": "a.b", "source": "report.py",
            "environment": {"TABLE": "reports-${parameters.stage}"}, "tags": {"stage": "${parameters.stage}"}}"#,
    );
    let prod = packages(&dir, r#"{"deployment_profile": "prod"}"#);
    let definition = &prod["report"]["definition"];
    assert_eq!(definition["architectures"], json!(["arm64"]));
    assert_eq!(definition["environment"]["TABLE"], "reports-prod");
    assert_eq!(definition["tags"]["stage"], "prod");
    assert_eq!(definition["deployment_profile"], "prod");
    dir.command(["external", "hash"])
        .stdin("{}")
        .fails(3, &["report.json", "environment.TABLE", "--deployment-profile"]);
    // What AWS refuses of a tag only the parameter makes.
    let long = format!("[profiles.prod]\nparameters = {{ stage = \"{}\" }}\n", "x".repeat(257));
    dir.write("lambda-pack.toml", long);
    dir.command(["validate", "report", "--deployment-profile", "prod"])
        .fails(3, &["report.json", "key `tags`", "257 characters at `stage`"]);
    // An architecture decides no content where nothing is built.
    dir.write("lambda-json/report.json", r#"{"source": "report.py"}"#);
    dir.write("lambda-pack.toml", "[profiles.prod]\narchitecture = \"arm64\"\n");
    let plain = packages(&dir, "{}");
    assert_eq!(plain["report"]["definition"].get("deployment_profile"), None);
    let prod = packages(&dir, r#"{"deployment_profile": "prod"}"#);
    assert_eq!(plain["report"]["source_hash"], prod["report"]["source_hash"]);
}

#[test]
fn the_store_of_a_profile_comes_after_flag_and_variable() {
    let dir = project("store = \"file://./plain\"\n[profiles.prod]\nstore = \"file://./prod\"\n");
    let url = |command: crate::support::TestCommand| {
        let row = command.ok().json()[0].clone();
        row["store_url"].as_str().unwrap().to_owned()
    };
    let upload = |args: &[&'static str]| dir.command(["upload", "report", "--json"].iter().chain(args).copied());
    assert!(url(upload(&[])).contains("/plain/packages/"));
    assert!(url(upload(&["--deployment-profile", "prod"])).contains("/prod/packages/"));
    let flag = upload(&["--deployment-profile", "prod", "--store", "file://./flag"]);
    assert!(url(flag).contains("/flag/packages/"));
}

#[test]
fn unknown_keys_and_names_that_lead_nowhere_get_a_suggestion() {
    refused(
        "[profiles.prod]\nfunctons = []\n",
        3,
        &[
            "lambda-pack.toml:2:1: unknown key `profiles.prod.functons`",
            "did you mean `functions`?",
        ],
    );
    refused(
        "[profiles.prod]\ntier = \"lambda-egde\"\n",
        3,
        &[
            "lambda-pack.toml:2:8: key `profiles.prod.tier`: found `lambda-egde`",
            "did you mean `lambda-edge`?",
        ],
    );
    refused(
        "[profiles.prod]\nfunctions = [\"order-intak\"]\n",
        3,
        &[
            "lambda-pack.toml:2:14: profile `prod`: key `functions`: nothing that is defined matches `order-intak`",
            "did you mean `order-intake`?",
        ],
    );
    refused(
        "[profiles.prod]\nfunctions = [\"rules\"]\n",
        3,
        &["belongs under `layers`"],
    );
    refused("[profiles.prod]\nlayers = [\"rule\"]\n", 3, &["did you mean `rules`?"]);
    refused(
        "[profiles.base]\n[profiles.prod]\nextends = \"bas\"\n",
        3,
        &[
            "lambda-pack.toml:3:11: profile `prod`: key `extends`: no profile",
            "did you mean `base`?",
        ],
    );
    refused(
        "[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"c\"\n[profiles.c]\nextends = \"b\"\n",
        3,
        &["lambda-pack.toml:6:11: profile `c`: profiles extend each other in a cycle: `a` → `b` → `c` → `b`"],
    );
    refused(
        "[[profiles.prod.swaps]]\nfrom = \"boto3\"\nto = \"layer:rule\"\n",
        3,
        &[
            "lambda-pack.toml:1:1: profile `prod`: key `swaps.boto3.to`: no layer `rule` is defined",
            "did you mean `rules`?",
        ],
    );
    refused(
        "[[profiles.prod.swaps]]\nfrom = \"boto3\"\nto = \"runtime\"\nfunctions = [\"orders\"]\n",
        3,
        &[
            "lambda-pack.toml:1:1: profile `prod`: key `swaps.boto3.functions`",
            "`orders`",
        ],
    );
    refused(
        "[profiles.base]\nlayers = [\n  \"rules\",\n  \"rule\",\n]\n[[profiles.base.swaps]]\nfrom = \"a\"\nto = \"drop\"\n[[profiles.base.swaps]]\nfrom = \"boto3\"\nto = \"layer:rule\"\n[profiles.prod]\nextends = \"base\"\n",
        3,
        &[
            "lambda-pack.toml:4:3: profile `prod`: key `layers`",
            "lambda-pack.toml:9:1: profile `prod`: key `swaps.boto3.to`",
        ],
    );
    refused(
        "[profiles.prod]\n[[profiles.prod.swaps]]\nfrom = \"boto3\"\nto = \"other\"\n",
        3,
        &["lambda-pack.toml:2:1: profile `prod`: key `swaps.boto3`: no `lock` says"],
    );
    refused(
        "[[profiles.prod.secrets]]\nid = \"a\"\nclass = \"remote_fetch\"\ntarget = \"A_B\"\narn = \"arn:x\"\nfunctions = [\"repor\"]\n",
        3,
        &[
            "lambda-pack.toml:1:1: profile `prod`: key `secrets.a.functions`",
            "did you mean `report`?",
        ],
    );
    let dir = project("[profiles.prod]\n");
    dir.command(["build", "--deployment-profile", "prd"])
        .fails(2, &["no profile is named `prd`", "did you mean `prod`?"]);
    dir.command(["run"])
        .fails(2, &["no deployment profile is named", "--deployment-profile: prod"]);
}

#[test]
fn a_parameter_that_the_profile_lacks_is_named() {
    let dir = project("[profiles.prod]\nparameters = { stage = \"prod\" }\n");
    dir.write(
        "lambda-json/report.json",
        r#"{"source": "report.py", "environment": {"TABLE": "${parameters.stag}"}}"#,
    );
    dir.command(["profile", "check"]).fails(
        3,
        &[
            "report.json",
            "key `environment.TABLE`: the profile has no parameter `stag`",
            "did you mean `stage`?",
            "key `parameters.stage`: no definition names `${parameters.stage}`",
            "did you mean `stag`?",
        ],
    );
}

#[test]
fn what_looks_like_a_parameter_is_one_or_refused() {
    let parameters = "[profiles.prod]\nparameters = { stage = \"prod\" }\n";
    let dir = project(parameters);
    dir.write(
        "lambda-json/order-intake.json",
        r#"{"source": "order-intake.py", "tags": {"stage": "${parameters.stage}"}}"#,
    );
    let report = |keys: &str| {
        dir.write(
            "lambda-json/report.json",
            format!(r#"{{"source": "report.py", {keys}}}"#),
        )
    };
    let check = || dir.command(["profile", "check"]);
    report(r#""environment": {"TABLE": "${parameters.stage"}"#);
    check().fails(3, &["report.json: key `environment.TABLE`: `${parameters.` has no `}`"]);
    dir.command(["validate"]).fails(3, &["environment.TABLE"]);
    report(r#""description": "of ${parameters.stage}""#);
    check().fails(
        3,
        &[
            "report.json: key `description`: parameters are not filled in here",
            "`environment` and `tags`",
        ],
    );
    report(
        r#""policy_statements": [{"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::${parameters.stage}"]}]"#,
    );
    check().fails(3, &["key `policy_statements.0.resources.0`"]);
    dir.command(["validate"]).fails(3, &["policy_statements.0.resources.0"]);
    // What is not deployed is no concern of profiles.
    report(r#""build": {"type": "command", "command": ["sh", "-c", ": '${parameters.'"], "output": "x"}"#);
    check().ok();
    report(r#""timeout": 3"#);
    dir.write(
        "lambda-pack.toml",
        "[profiles.prod]\nparameters = { stage = \"a-${parameters.stage}\" }\n",
    );
    check().fails(
        3,
        &["lambda-pack.toml:2:14: profile `prod`: key `parameters.stage`: parameters are not filled in here"],
    );
}

#[test]
fn stores_limits_and_names_are_checked_before_they_are_needed() {
    refused(
        "[profiles.base]\nstore = \"s4://x\"\n[profiles.prod]\nextends = \"base\"\n",
        3,
        &[
            "lambda-pack.toml:2:9: profile `base`: key `store`",
            "profile `prod`: key `store`",
            "s3://bucket/prefix",
        ],
    );
    refused(
        "[profiles.prod]\nlimits = { timeout = 0 }\n",
        3,
        &[
            "lambda-pack.toml:2:22: key `profiles.prod.limits.timeout`: found integer `0`; allowed: a whole number, at least 1",
        ],
    );
    refused(
        "[profiles.prod]\nlimits = { timeout = -1 }\n",
        3,
        &["key `profiles.prod.limits.timeout`: found integer `-1`; allowed: a whole number, at least 1"],
    );
    refused(
        "[profiles.\"\"]\n",
        3,
        &["lambda-pack.toml:1:", "a profile needs a name"],
    );
    refused(
        "download_timeout = 0\n",
        3,
        &["allowed: a whole number from 1 to 65535"],
    );
}

#[test]
fn who_writes_profile_for_profiles_is_told() {
    let dir = Dir::with_app();
    dir.write("lambda-pack.toml", "[profile.prod]\ntier = \"lambda\"\n");
    dir.command(["profile", "list"]).fails(
        3,
        &[
            "lambda-pack.toml:1:2: key `profile`: found a table",
            "deployment profiles are `[profiles.NAME]`",
        ],
    );
    dir.write("lambda-pack.toml", "profile = 3\n");
    let run = dir.command(["profile", "list"]).fails(3, &["key `profile`"]);
    assert!(!run.stderr.contains("profiles.NAME"), "{run:?}");
}

/// What an editor says of the settings file, by `schema.json` beside it.
fn checked_by_schema(dir: &Dir) -> Output {
    let schema = format!("file://{}", dir.join("schema.json").display());
    Command::new(PYTHON.with_file_name("taplo"))
        .args(["check", "--schema", &schema, "lambda-pack.toml"])
        .current_dir(dir.path())
        .output()
        .unwrap()
}

/// What editors say of the file is what every command says of it.
#[test]
fn the_schema_of_the_project_agrees_with_the_parser() {
    let dir = Dir::with_app();
    dir.write("schema.json", dir.command(["schema", "project"]).ok().stdout);
    let cases = [
        "store = \"s3://bucket/prefix\"\ncompression = \"best\"\ndownload_timeout = 60\n",
        "[profiles.dev]\ntier = \"lambda-edge\"\n[profiles.prod]\nextends = \"dev\"\nlimits = { timeout = 30 }\n",
        "[[profiles.dev.swaps]]\nfrom = \"boto3\"\nto = \"runtime\"\n[[profiles.dev.secrets]]\nid = \"a\"\nclass = \"infrastructure\"\nreason = \"b\"\nkind = \"jwt\"\n",
        "[bundle]\nlayout = \"seedfarmer\"\npass_env = [\"AWS_PROFILE\"]\n[bundle.parameters]\nstage = \"prod\"\nsize = 3\n",
        "stoer = \"s3://bucket\"\n",
        "compression = \"bst\"\n",
        "download_timeout = 0\n",
        "[application]\nversion = 2\n",
        "[profiles.dev]\ntier = \"lamda\"\n",
        "[profiles.dev]\nlimits = { size_bytes = 0 }\n",
        "[profiles.dev]\nlimits = { size = 1 }\n",
        "[[profiles.dev.swaps]]\nfrom = \"boto3\"\n",
        "[[profiles.dev.secrets]]\nid = \"a\"\nclass = \"infrastructur\"\nreason = \"b\"\n",
        "[bundle]\nlayout = \"seed-farmer\"\n",
    ];
    for case in cases {
        dir.write("lambda-pack.toml", case);
        let checked = checked_by_schema(&dir);
        let ours = dir.command(["profile", "list"]).run();
        assert_eq!(ours.code == 0, checked.status.success(), "{case} {ours:?} {checked:?}");
    }
}

/// A name that is misspelt would leave what is inherited in force.
#[test]
fn a_parameter_that_no_definition_names_is_refused() {
    let dir = project(
        "[profiles.dev]\nparameters = { stage = \"dev\" }\n\n[profiles.prod]\nextends = \"dev\"\nparameters = { stgae = \"prod\" }\n",
    );
    dir.write(
        "lambda-json/report.json",
        r#"{"source": "report.py", "runtime": "python3.13", "handler": "report.handler", "tags": {"stage": "${parameters.stage}"}}"#,
    );
    let words = [
        "lambda-pack.toml:6:24: profile `prod`: key `parameters.stgae`: no definition names `${parameters.stgae}`",
        "did you mean `stage`?",
    ];
    dir.command(["profile", "check"]).fails(3, &words);
    dir.command(["external", "hash", "--deployment-profile", "prod"])
        .stdin("{}")
        .fails(3, &words);
    dir.command(["profile", "check", "dev"]).ok();
    // Functions that aren't selected name it, too.
    dir.write(
        "lambda-pack.toml",
        "[profiles.prod]\nfunctions = [\"order-*\"]\nparameters = { stage = \"prod\" }\n",
    );
    dir.command(["profile", "check"]).ok();
    dir.write("lambda-pack.toml", "[profiles.prod]\nparameters = { zone = \"a\" }\n");
    dir.command(["profile", "check"]).fails(3, &["definitions name: stage"]);
    refused(
        "[profiles.prod]\nparameters = { stage = \"prod\" }\n",
        3,
        &["no definition names any parameter"],
    );
}

#[test]
fn profile_check_looks_for_what_swaps_match() {
    refused(
        "[profiles.prod]\nswaps = [{ from = \"boto\", to = \"drop\" }]\n",
        3,
        &["profile `prod`: the swap of `boto` to `drop` matches nothing"],
    );
}

#[test]
fn a_secret_for_no_function_is_refused() {
    refused(
        "[[profiles.dev.secrets]]\nid = \"token\"\nclass = \"user_prompt\"\ntarget = \"TOKEN\"\nfunctions = []\n",
        3,
        &[
            "lambda-pack.toml:",
            "key `secrets.token.functions`: an empty list means no function",
        ],
    );
}

/// `list` says what there is; what is wrong with it, `check` says.
#[test]
fn profiles_that_are_wrong_are_listed() {
    for wrong in [
        "[profiles.prod]\nfunctions = [\"order-*\"]\nparameters = { stage = \"prod\" }\n",
        "[profiles.prod]\nfunctions = [\"order-*\", \"gone\"]\n",
        "[profiles.prod]\nfunctions = [\"order-*\"]\nstore = \"s4://x\"\n",
    ] {
        let dir = project(wrong);
        assert_eq!(
            dir.command(["profile", "list", "--json"]).ok().json(),
            json!([{"name": "prod", "tier": "lambda", "functions": ["order-intake", "order-summary"]}]),
            "{wrong}"
        );
        dir.command(["profile", "check"]).fails(3, &["profile `prod`"]);
    }
}

#[test]
fn a_directory_without_a_name_is_refused_by_all() {
    for key in ["code_dir", "config_dir", "out_dir"] {
        let dir = project(&format!("{key} = \"\"\n[profiles.prod]\n"));
        for args in [
            &["profile", "check"][..],
            &["profile", "list"],
            &["list"],
            &["validate"],
        ] {
            let place = format!("lambda-pack.toml:1:{}: key `{key}`: found string \"\"", key.len() + 4);
            dir.command(args.iter().copied())
                .fails(3, &[&place, "allowed: a directory; `.` is that of this file"]);
        }
        // The file's own directory has a name.
        let here = project(&format!("{key} = \".\"\n[profiles.prod]\n"));
        if key == "out_dir" {
            here.command(["profile", "check"]).ok();
        }
    }
}

/// Swaps that would say the same twice, or nothing.
#[test]
fn a_swap_by_itself_and_a_swap_said_twice_are_refused() {
    let by_itself = |from: &str, to: &str, lock: &str| {
        let swap = format!("[[profiles.prod.swaps]]\nfrom = \"{from}\"\nto = \"{to}\"\nlock = \"other/{lock}\"\n");
        let words = format!("key `swaps.{from}`: `{from}` would be replaced by itself: `to` is `{to}`");
        refused(&swap, 3, &["lambda-pack.toml:1:", "profile `prod`", &words]);
        project(&swap)
            .command(["validate", "--deployment-profile", "prod"])
            .fails(3, &[&words]);
    };
    by_itself("moment", "moment", "package-lock.json");
    by_itself("Foo_Bar", "foo-bar", "requirements.txt");
    by_itself("@aws-sdk/*", "@aws-sdk/client-s3", "package-lock.json");
    let swap = "[[profiles.prod.swaps]]\nfrom = \"boto3\"\nto = \"runtime\"\n";
    refused(
        &swap.repeat(2),
        3,
        &[
            "lambda-pack.toml:1:",
            "key `swaps.boto3`: it comes twice, for the same functions",
            "tell them apart",
        ],
    );
    let other = "[[profiles.prod.swaps]]\nfrom = \"boto3\"\nto = \"drop\"\n";
    refused(&format!("{swap}{other}"), 3, &["key `swaps.boto3`: it comes twice"]);
}

/// What the program refuses, the schema refuses, and the other way round.
#[test]
fn the_schema_of_the_project_is_as_strict_as_the_program() {
    let dir = project("");
    dir.write("schema.json", dir.command(["schema", "project"]).ok().stdout);
    let secret = |keys: &str| format!("[[profiles.dev.secrets]]\nid = \"a\"\n{keys}\n");
    let infrastructure = "class = \"infrastructure\"\nreason = \"b\"\n";
    let prompt = "class = \"user_prompt\"\ntarget = \"TOKEN\"\n";
    let made = "class = \"per_install_generated\"\ntarget = \"TOKEN\"\n";
    let remote = "class = \"remote_fetch\"\ntarget = \"TOKEN\"\n";
    let arn = "arn = \"arn:aws:ssm:eu-central-1:123456789012:parameter/x\"";
    let taken = [
        "store = \"s3://bucket\"\n".to_owned(),
        "store = \"s3://bucket/a.b/c/\"\n[profiles.dev]\nstore = \"file://./x\"\n".to_owned(),
        "store = \"file:///tmp/x\"\ncode_dir = \"code\"\n".to_owned(),
        secret(&format!("{infrastructure}variable = \"CI_TOKEN\"")),
        secret(&format!(
            "{prompt}label = \"Token\"\npattern = \"^.+$\"\nparameter = \"/x\""
        )),
        secret(&format!("{made}length = 40\ncharset = \"hex\"\ndescription = \"d\"")),
        secret(&format!("{remote}{arn}")),
        secret(&format!("{remote}name = \"prod/x\"")),
    ];
    let refused = [
        "code_dir = \"\"\n".to_owned(),
        "store = \"\"\n".to_owned(),
        "store = \"bucket\"\n".to_owned(),
        "store = \"s4://bucket\"\n".to_owned(),
        "store = \"s3://-bucket\"\n".to_owned(),
        "store = \"s3://bucket/../x\"\n".to_owned(),
        "store = \"s3://bucket//x\"\n".to_owned(),
        "store = \"file://host/x\"\n".to_owned(),
        "[profiles.dev]\nstore = \"s3://\"\n".to_owned(),
        "[profiles.\"\"]\n".to_owned(),
        "[profiles.dev]\nparameters = { a = \"${parameters.b}\" }\n".to_owned(),
        secret("class = \"infrastructure\""),
        secret(&format!("{infrastructure}target = \"TOKEN\"")),
        secret(&format!("{infrastructure}length = 40")),
        secret("class = \"user_prompt\""),
        secret(&format!("{prompt}kind = \"jwt\"")),
        secret(&format!("{prompt}charset = \"hex\"")),
        secret(&format!("{made}parameter = \"/x\"")),
        secret(&format!("{made}label = \"x\"")),
        secret(remote),
        secret(&format!("{remote}{arn}\nname = \"x\"")),
        secret(&format!("{remote}name = \"x\"\nparameter = \"/x\"")),
        secret(&format!("{remote}name = \"x\"\npattern = \"x\"")),
        "[[profiles.dev.swaps]]\nfrom = \"moment\"\nto = \"dayjs\"\n".to_owned(),
        "[[profiles.dev.swaps]]\nfrom = \"boto3\"\nto = \"drop\"\nlock = \"x\"\n".to_owned(),
        "[[profiles.dev.swaps]]\nfrom = \"requests[socks]\"\nto = \"drop\"\n".to_owned(),
        "[[profiles.dev.swaps]]\nfrom = \"boto3\"\nto = \"layers:x\"\n".to_owned(),
    ];
    let cases = taken.iter().map(|case| (case, true));
    for (case, is_taken) in cases.chain(refused.iter().map(|case| (case, false))) {
        dir.write("lambda-pack.toml", case);
        let checked = checked_by_schema(&dir);
        let ours = dir.command(["profile", "check"]).run();
        assert_eq!(ours.code == 0, is_taken, "{case} {ours:?}");
        assert_eq!(checked.status.success(), is_taken, "{case} {checked:?}");
    }
}
