//! No output shows a secret of the infrastructure, also where it stands in what is refused for another reason.

use serde_json::json;

use super::{VALUE, hides, kinds, nothing_is_written};
use crate::support::{Dir, Run, hash_of};

/// A profile that declares a secret by its value, and one by its kind; and what else `lambda-pack.toml` says.
fn settings(more: &str) -> String {
    format!(
        "{more}\n[profiles.prod]\n\n[[profiles.prod.secrets]]\nid = \"ci\"\nclass = \"infrastructure\"\nreason = \"r\"\nvariable = \"CI_PASSWORD\"\n\
         \n[[profiles.prod.secrets]]\nid = \"token\"\nclass = \"infrastructure\"\nreason = \"r\"\nkind = \"github-token\"\n"
    )
}

fn project(definition: &str, more: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "def handler(event, context):\n    return event\n");
    dir.write("lambda-json/app.json", definition);
    dir.write("lambda-pack.toml", settings(more));
    dir
}

const FINE: &str = r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app"}"#;

/// Longer than what messages show of a value.
fn long() -> String {
    "0123456789".repeat(30)
}

/// Refused for another reason, and without the secret: enough of it is looked for to tell that it is it.
#[track_caller]
fn refused_and_hidden(dir: &Dir, secret: &str, args: &[&str]) -> Run {
    // What is known by its kind has no variable.
    let value = if secret.starts_with("gh") { VALUE } else { secret };
    let args = args.iter().copied().chain(["--deployment-profile", "prod"]);
    let run = dir.command(args).env("CI_PASSWORD", value).stdin("{}").run();
    assert_ne!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("***"), "{run:?}");
    hides(&run, &secret[..12]);
    run
}

#[test]
fn a_wrong_value_that_is_a_secret_is_not_shown() {
    const KEYS: [&str; 7] = [
        "timeout",
        "runtime",
        "type",
        "memory_size",
        "function_name",
        "layers",
        "handler",
    ];
    let token = kinds::token("github-token");
    for secret in [VALUE, &token, &long()] {
        let dir = project(FINE, "");
        for key in KEYS {
            let wrong = json!({"source": "app", "runtime": "python3.13", "handler": "app.handler", key: [secret]});
            dir.write(&format!("lambda-json/list-{key}.json"), wrong.to_string());
            let wrong = json!({"source": 1, "handler": "app.handler", key: secret});
            dir.write(&format!("lambda-json/text-{key}.json"), wrong.to_string());
        }
        dir.write("lambda-json/key.json", json!({"source": "app", secret: 1}).to_string());
        dir.write(
            "lambda-json/variable.json",
            json!({"environment": {secret: 1}}).to_string(),
        );
        for args in [&["validate", "-vvv"][..], &["run", "--json"], &["external", "hash"]] {
            refused_and_hidden(&dir, secret, args);
        }
    }
    for (settings, secret) in [
        (format!("compression = '{VALUE}'"), VALUE),
        (format!("'{token}' = 1"), &token),
        (format!("[profiles.other]\ntier = '{VALUE}'"), VALUE),
        (format!("[profiles.other]\nlimits = '{token}'"), &token),
        (format!("[profiles.'{VALUE}']\nextends = ''"), VALUE),
        (format!("store = 's4://{VALUE}'"), VALUE),
    ] {
        refused_and_hidden(&project(FINE, &settings), secret, &["profile", "check"]);
    }
}

/// Whoever declares it: another definition, or the one that is wrong.
#[test]
fn what_a_definition_declares_is_hidden_while_it_is_wrong() {
    let declared = json!([{"id": "ci", "class": "infrastructure", "reason": "r", "variable": "CI_PASSWORD"}]);
    for wrong in [
        json!({"source": "app", "timeout": VALUE, "secrets": declared}),
        json!({"source": "app", "timeout": VALUE}),
        json!({"source": "app", "secrets": [{"id": "ci", "reason": VALUE, "class": VALUE, "variable": "CI_PASSWORD"}]}),
    ] {
        let dir = project(&wrong.to_string(), "");
        dir.write(
            "lambda-json/other.json",
            json!({"source": "app", "secrets": declared}).to_string(),
        );
        std::fs::remove_file(dir.join("lambda-pack.toml")).unwrap();
        for args in [&["build", "-vvv"][..], &["profile", "list"]] {
            let run = dir.command(args.iter().copied()).env("CI_PASSWORD", VALUE).run();
            hides(&run, VALUE);
        }
        dir.command(["validate"])
            .env("CI_PASSWORD", VALUE)
            .fails(3, &["app.json", "***"]);
    }
}

#[test]
fn a_profile_is_shown_without_secrets() {
    let dir = project(
        FINE,
        &format!("[profiles.other.parameters]\na = '{VALUE}'\n'{VALUE}' = '1'"),
    );
    for args in [
        &["profile", "show", "other"][..],
        &["profile", "show", "other", "--json"],
    ] {
        let run = dir.command(args.iter().copied()).env("CI_PASSWORD", VALUE).ok();
        hides(&run, VALUE);
        assert_eq!(run.stdout.matches("***").count(), 2, "{run:?}");
    }
}

#[test]
fn names_of_variables_and_tags_are_searched() {
    let token = kinds::token("github-token");
    for (key, name) in [
        ("environment", token.as_str()),
        ("environment", "tr0ub4dor_3xyz"),
        ("tags", VALUE),
        ("tags", &token),
    ] {
        let mut definition: serde_json::Value = serde_json::from_str(FINE).unwrap();
        definition[key] = json!({name: "x"});
        let dir = project(&definition.to_string(), "");
        for args in [
            &["validate"][..],
            &["external", "hash"],
            &["build", "-vvv"],
            &["upload"],
            &["run"],
            &["bundle", "export"],
        ] {
            let args = args.iter().copied().chain(["--deployment-profile", "prod"]);
            let value = if name == "tr0ub4dor_3xyz" { name } else { VALUE };
            let run = dir.command(args).env("CI_PASSWORD", value).stdin("{}");
            let run = run.fails(3, &[&format!("app.json: key `{key}`: infrastructure secret")]);
            hides(&run, name);
        }
        nothing_is_written(&dir);
    }
}

/// Each request to a bucket says it, and each record.
#[test]
fn the_address_of_a_store_is_searched() {
    let dir = project(FINE, "");
    let store = format!("s3://bucket/{VALUE}");
    for args in [["build", "-vvv"], ["upload", "-vvv"]] {
        let run = dir
            .command(args)
            .args(["--store", &store, "--deployment-profile", "prod"]);
        let run = run.env("CI_PASSWORD", VALUE);
        hides(
            &run.fails(3, &["the address of the store: infrastructure secret `ci`"]),
            VALUE,
        );
    }
    nothing_is_written(&dir);
}

/// A digest may look like a token. Who reads it must get the whole of it.
#[test]
fn digests_are_told_whatever_patterns_are_declared() {
    let dir = project(
        FINE,
        "[[profiles.hex.secrets]]\nid = \"hex\"\nclass = \"infrastructure\"\nreason = \"r\"\npattern = \"[0-9a-f]{40}\"\n",
    );
    let profile = ["--deployment-profile", "hex"];
    let hashed = dir.command(["external", "hash"]).args(profile).stdin("{}").ok().json();
    let packages: serde_json::Value = serde_json::from_str(hashed["packages"].as_str().unwrap()).unwrap();
    assert_eq!(packages["app"]["source_hash"], hash_of(&dir.join("code/app")));
    dir.command(["run"]).args(profile).ok();
    let published = dir.command(["external", "published"]).args(profile);
    let published = published.stdin(json!({"packages": hashed["packages"]}).to_string());
    assert!(!published.ok().stdout.contains("***"));
    dir.write("code/app/token.txt", "0123456789abcdef".repeat(3));
    dir.command(["run"])
        .args(profile)
        .fails(3, &["infrastructure secret `hex`"]);
}

#[test]
fn json_stays_json() {
    let dir = project(FINE, "");
    dir.write("code/app/zeros", "0".repeat(12_345_678 - 46));
    for args in [["validate", "--json"], ["build", "--json"]] {
        let run = dir.command(args).args(["--deployment-profile", "prod"]);
        let rows = run.env("CI_PASSWORD", "12345678").ok().json();
        assert_eq!(rows[0]["unzipped_bytes"], 12_345_678);
    }
}

#[test]
fn a_profile_hides_what_definitions_declare() {
    let secrets = r#""secrets": [{"id": "ci", "class": "infrastructure", "reason": "r", "variable": "CI_PASSWORD"}]"#;
    let dir = project(&FINE.replace("\"source\"", &format!("{secrets}, \"source\"")), "");
    dir.write(
        "lambda-pack.toml",
        format!("[profiles.prod.parameters]\nx = \"{VALUE}\"\n"),
    );
    for args in [&["profile", "show", "prod"][..], &["profile", "show", "prod", "--json"]] {
        let run = dir.command(args.iter().copied()).env("CI_PASSWORD", VALUE).ok();
        assert!(run.stdout.contains("***"), "{run:?}");
        hides(&run, VALUE);
    }
}
