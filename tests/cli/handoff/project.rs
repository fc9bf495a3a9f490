//! `bundle verify` where the project is that a document was made of: what no digest vouches for is compared with that.

use std::fs;

use serde_json::{Value, json};

use super::verify::{put, refused};
use super::{PROFILE, demo, document, export};
use crate::support::{Dir, git, run};

/// The demo with an asset, a swap and a secret that stays, all in the store.
fn project() -> (Dir, Value) {
    let dir = demo();
    dir.write("model.bin", "weights");
    let mut definition: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("lambda-json/iban-check.json")).unwrap()).unwrap();
    definition["assets"] = json!([{"url": "file:model.bin", "path": "model.bin"}]);
    dir.write("lambda-json/iban-check.json", definition.to_string());
    dir.write(
        "code/order-intake/six-1.dist-info/METADATA",
        "Name: six\nVersion: 1\n\n",
    );
    dir.write("code/order-intake/six-1.dist-info/RECORD", "six.py,,\n");
    dir.write("code/order-intake/six.py", "");
    let settings = fs::read_to_string(dir.join("lambda-pack.toml")).unwrap();
    let more = r#"
[[profiles.prod.swaps]]
from = "six"
to = "drop"
[[profiles.prod.secrets]]
id = "ci"
class = "infrastructure"
reason = "it deploys"
pattern = "ci-[0-9]{8}"
"#;
    dir.write("lambda-pack.toml", format!("{settings}\n{more}"));
    dir.command(["assets", "lock"]).ok();
    dir.command(["upload"]).args(PROFILE).ok();
    let document = document(&export(&dir));
    (dir, document)
}

fn verify(dir: &Dir) -> crate::support::TestCommand {
    dir.command(["bundle", "verify", "dist/bundle.json"])
}

fn retain(list: &mut Value, keep: impl Fn(&Value) -> bool) {
    list.as_array_mut().unwrap().retain(keep);
}

/// What the line of the project says.
fn of_project(rows: &Value) -> (String, String) {
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["what"] == "project").unwrap();
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"))
}

type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn what_no_digest_vouches_for_is_compared_with_the_project() {
    let (dir, good) = project();
    let rows = verify(&dir).args(["--json"]).ok().json();
    assert_eq!(of_project(&rows), ("verified".to_owned(), String::new()));
    // A swap and its check, a secret that stays and its check, a function, with all that is said of it.
    let without_swaps: Change = &|it| {
        it["swaps"] = json!([]);
        retain(&mut it["validation"], |check| check["check"] != "swaps/order-intake");
    };
    let without_exclusions: Change = &|it| {
        it["excluded"] = json!([]);
        retain(&mut it["validation"], |check| check["check"] != "excluded");
    };
    let without_function: Change = &|it| {
        retain(&mut it["functions"], |function| function["name"] != "uptime-probe");
        retain(&mut it["graph"]["nodes"], |node| node["id"] != "function:uptime-probe");
        retain(&mut it["graph"]["edges"], |edge| {
            edge["from"] != "function:uptime-probe"
        });
        retain(&mut it["validation"], |check| {
            !check["check"].as_str().unwrap().ends_with("/uptime-probe")
        });
    };
    let without_assets: Change = &|it| {
        it["assets"] = json!([]);
        retain(&mut it["graph"]["nodes"], |node| node["kind"] != "asset");
        retain(&mut it["graph"]["edges"], |edge| {
            !edge["to"].as_str().unwrap().starts_with("asset:")
        });
    };
    let other_address: Change = &|it| {
        it["assets"][0]["url"] = json!("https://example.invalid/model.bin");
        let nodes = it["graph"]["nodes"].as_array_mut().unwrap();
        nodes.iter_mut().find(|node| node["kind"] == "asset").unwrap()["name"] =
            json!("https://example.invalid/model.bin");
    };
    let without_code: Change = &|it| {
        retain(&mut it["graph"]["nodes"], |node| node["kind"] != "code");
        retain(&mut it["graph"]["edges"], |edge| {
            !edge["to"].as_str().unwrap().starts_with("code:")
        });
    };
    // Another store may have anything, with records that fit.
    run(
        "cp",
        &[
            "-r",
            dir.join(".lambda-pack/store").to_str().unwrap(),
            dir.join("other").to_str().unwrap(),
        ],
    );
    let other_store: Change = &|it| {
        let text = it.to_string().replace("file://./.lambda-pack/store", "file://./other");
        *it = serde_json::from_str(&text).unwrap();
    };
    let changes: [(Change, &str); 11] = [
        (
            other_store,
            "key `store` is said to be `\"file://./other\"`, and the project gives",
        ),
        (without_swaps, "key `swaps`: missing: `{\"from\":\"six\""),
        (without_exclusions, "key `excluded`: missing: `{\"id\":\"ci\""),
        (without_function, "function `uptime-probe` is missing"),
        (without_assets, "key `assets`: missing: "),
        (
            other_address,
            "key `assets[0].url` is said to be `\"https://example.invalid/model.bin\"`",
        ),
        (without_code, "key `graph.nodes`: missing: "),
        (
            &|it| it["functions"][0]["runtime"] = json!("nodejs99.x"),
            "key `functions[0].runtime` is said to be `\"nodejs99.x\"`, and the project gives",
        ),
        (
            &|it| it["functions"][2]["architectures"] = json!(["x86_64"]),
            "key `functions[2].architectures[0]`",
        ),
        (
            &|it| it["validation"][0]["detail"] = json!("fine"),
            "key `validation[0].detail` is said to be `\"fine\"`",
        ),
        (
            &|it| it["application"]["version"] = json!("99"),
            "key `application.version` is said to be `\"99\"`",
        ),
    ];
    for (change, words) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        assert_ne!(changed, good, "{words}");
        put(&dir, &changed);
        refused(verify(&dir), 4, words);
    }
    // A source that changed since is not what the document has.
    put(&dir, &good);
    dir.write("code/order-intake/six.py", "");
    dir.write("code/order-intake/new.py", "");
    refused(
        verify(&dir),
        4,
        "function `order-intake`: its source hash is said to be",
    );
}

#[test]
fn where_the_project_is_not_that_is_said() {
    let (dir, good) = project();
    let elsewhere = Dir::new();
    put(&elsewhere, &good);
    let store = format!("file://{}", dir.join(".lambda-pack/store").display());
    elsewhere.write("model.bin", "weights");
    let verified = || verify(&elsewhere).args(["--store", &store]);
    let (status, detail) = of_project(&verified().args(["--json"]).ok().json());
    assert_eq!(status, "not_checked");
    assert!(
        detail.starts_with("no project with the profile `prod` is here"),
        "{detail}"
    );
    let run = verified().ok();
    assert!(
        run.stdout.contains("prod") && run.stdout.contains("not checked"),
        "{run:?}"
    );
    let why =
        "warning: the project wasn't checked: no project with the profile `prod` is here: what the document says of";
    assert!(run.stderr.contains(why), "{run:?}");
    // There nobody knows better, but for the other parts of the document.
    let changes: [(Change, &str); 4] = [
        (
            &|it| it["assets"] = json!([]),
            "key `assets`: `function:iban-check` has `asset:",
        ),
        (
            &|it| it["assets"][0]["url"] = json!("file:other.bin"),
            "is called `file:model.bin`, which is no address of it in `assets`",
        ),
        (
            &|it| {
                let text = it.to_string();
                let id = text.split("\"asset:").nth(1).unwrap()[..64].to_owned();
                let changed = text.replace(&format!("asset:{id}"), &format!("asset:{}", "0".repeat(64)));
                *it = serde_json::from_str(&changed).unwrap();
            },
            "other than in the graph",
        ),
        (
            &|it| {
                let nodes = it["graph"]["nodes"].as_array_mut().unwrap();
                nodes.iter_mut().find(|node| node["kind"] == "code").unwrap()["name"] = json!("other");
            },
            "is none of a code `other`",
        ),
    ];
    for (change, words) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        assert_ne!(changed, good, "{words}");
        put(&elsewhere, &changed);
        refused(verified(), 3, words);
    }
    // What the cache has says nothing of an address.
    put(&elsewhere, &good);
    elsewhere.write("model.bin", "other");
    refused(verified(), 4, "`file:model.bin` is not what the definition says");
    // Who names a profile that the project doesn't have isn't believed there.
    elsewhere.write("model.bin", "weights");
    elsewhere.write("lambda-pack.toml", "[profiles.dev]\ntier = \"lambda\"\n");
    refused(
        verified(),
        1,
        "can't be compared with the project that made it: no project with the profile `prod` is here",
    );
    refused(verified(), 1, "`--allow-unchecked`");
    let accepted = verified().args(["--allow-unchecked", "--json"]).ok();
    assert_eq!(of_project(&accepted.json()).0, "not_checked");
}

/// The demo in a repository with one commit, and its document. The second is that commit.
fn committed() -> (Dir, String) {
    let (dir, _) = project();
    git(dir.path(), &["init", "-q"]);
    dir.write(".gitignore", ".lambda-pack\ndist\n");
    commit(&dir, "one");
    export(&dir);
    let commit = git(dir.path(), &["rev-parse", "HEAD"]).trim().to_owned();
    (dir, commit)
}

fn commit(dir: &Dir, message: &str) {
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-q", "-m", message]);
}

#[test]
fn a_document_of_another_commit_is_refused_unless_the_user_accepts_it() {
    let (dir, first) = committed();
    let accepted = || of_project(&verify(&dir).args(["--allow-unchecked", "--json"]).ok().json());
    assert_eq!(accepted().0, "verified", "the flag compares what can be compared");
    dir.write("code/order-intake/more.py", "");
    dir.write(
        "lambda-pack.toml",
        fs::read_to_string(dir.join("lambda-pack.toml")).unwrap() + "\n",
    );
    refused(verify(&dir), 1, "tracked files here differ from that");
    let (status, detail) = accepted();
    assert_eq!(status, "not_checked");
    assert!(detail.contains("tracked files here differ from that"), "{detail}");
    commit(&dir, "two");
    refused(verify(&dir), 1, &format!("git checkout {first}; `--allow-unchecked`"));
    let (status, detail) = accepted();
    assert_eq!(status, "not_checked");
    assert!(
        detail.contains("it is of the commit") && detail.contains("and the project here is at"),
        "{detail}"
    );
    // What is told to mend it, does.
    git(dir.path(), &["checkout", "-q", &first]);
    verify(&dir).ok();
}

/// Who changes a document and its commit with it doesn't escape the comparison.
#[test]
fn a_commit_that_the_repository_does_not_have_is_a_difference() {
    let (dir, first) = committed();
    let text = fs::read_to_string(dir.join("dist/bundle.json")).unwrap();
    let mut forged = document(&text.replace(&first, &"5".repeat(40)));
    forged["swaps"] = json!([]);
    retain(&mut forged["validation"], |check| {
        check["check"] != "swaps/order-intake"
    });
    put(&dir, &forged);
    for flags in [&[][..], &["--allow-unchecked"]] {
        refused(
            verify(&dir).args(flags.iter().copied()),
            4,
            &format!(
                "is said to be of the commit {}, which the repository here doesn't have",
                "5".repeat(40)
            ),
        );
    }
    // No commit, and another profile, are no way out either.
    let refusals: [(Change, i32, &str); 2] = [
        (
            &|it| it["deployment_profile"] = json!("other"),
            1,
            "no project with the profile `other` is here",
        ),
        (
            &|it| {
                it["application"]["git_commit"] = json!(null);
                it["application"]["dirty"] = json!(null);
                for check in it["validation"].as_array_mut().unwrap() {
                    if check["check"] == "commit" {
                        check["status"] = json!("warn");
                        check["detail"] = json!("no git repository: nobody can say which commit this is");
                    }
                }
            },
            4,
            "key `application.git_commit` is said to be `null`",
        ),
    ];
    for (change, code, words) in refusals {
        let mut changed = document(&text);
        change(&mut changed);
        put(&dir, &changed);
        refused(verify(&dir), code, words);
    }
    // A clone with a part of the history can't know: it has to fetch first, whatever is accepted.
    commit_more(&dir);
    let clone = Dir::new();
    let from = format!("file://{}", dir.path().display());
    git(clone.path(), &["clone", "-q", "--depth", "1", &from, "shallow"]);
    let file = dir.join("dist/bundle.json");
    let store = format!("file://{}", dir.join(".lambda-pack/store").display());
    let of_clone = |flags: &[&str]| {
        let args = ["bundle", "verify", file.to_str().unwrap(), "--store", &store];
        let command = clone.command(args.iter().chain(flags).copied());
        command.current_dir(&clone.join("shallow"))
    };
    for (document, commit) in [(document(&text), &first), (forged, &"5".repeat(40))] {
        put(&dir, &document);
        for flags in [&[][..], &["--allow-unchecked"]] {
            refused(
                of_clone(flags),
                1,
                &format!("fetch the rest first: git fetch --unshallow && git checkout {commit}"),
            );
        }
    }
    // Then it knows.
    git(&clone.join("shallow"), &["fetch", "-q", "--unshallow"]);
    refused(
        of_clone(&["--allow-unchecked"]),
        4,
        "which the repository here doesn't have",
    );
}

fn commit_more(dir: &Dir) {
    dir.write("more.txt", "");
    commit(dir, "more");
}

#[test]
fn files_that_do_not_belong_together_are_told_apart() {
    let (dir, good) = project();
    put(&dir, &good);
    let sums = fs::read_to_string(dir.join("dist/bundle.json.sha256")).unwrap();
    dir.write("dist/bundle.json.sha256", sums.replace("bundle.json", "other.json"));
    refused(verify(&dir), 4, "is of the file `other.json`");
    // Another name is fine, if both have it, or if the file beside it still says the first.
    run(
        "mv",
        &[
            dir.join("dist/bundle.json").to_str().unwrap(),
            dir.join("dist/other.json").to_str().unwrap(),
        ],
    );
    run(
        "mv",
        &[
            dir.join("dist/bundle.json.sha256").to_str().unwrap(),
            dir.join("dist/other.json.sha256").to_str().unwrap(),
        ],
    );
    dir.command(["bundle", "verify", "dist/other.json"]).ok();
    dir.write("dist/other.json.sha256", sums);
    dir.command(["bundle", "verify", "dist/other.json"]).ok();
    verify(&dir).fails(3, &["dist/bundle.json", "help: ", "bundle export --deployment-profile"]);
}
