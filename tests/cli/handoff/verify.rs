//! `bundle verify` takes what `bundle export` wrote, and nothing else.

use std::fs;

use serde_json::{Value, json};

use super::{PROFILE, demo, document, export};
use crate::support::{Dir, TestCommand, sha256};

/// Puts a document in place, with its SHA-256.
pub fn put(dir: &Dir, document: &Value) {
    let text = document.to_string();
    dir.write("dist/bundle.json", &text);
    dir.write(
        "dist/bundle.json.sha256",
        format!("{}  bundle.json\n", sha256(text.as_bytes())),
    );
}

/// What was right is said before.
#[track_caller]
pub fn refused(command: TestCommand, code: i32, words: &str) {
    let run = command.run();
    assert_eq!(run.code, code, "{words}: {run:?}");
    assert!(run.stderr.contains(words), "{words}: {run:?}");
}

#[test]
fn what_is_no_document_of_this_program_is_refused() {
    let dir = demo();
    dir.command(["upload"]).args(PROFILE).ok();
    let good = document(&export(&dir));
    let name = good["functions"][0]["name"].as_str().unwrap().to_owned();
    let verify = || dir.command(["bundle", "verify", "dist/bundle.json"]);
    put(&dir, &good);
    verify().ok();

    let elsewhere = good["functions"][0]["store_url"]
        .as_str()
        .unwrap()
        .replace("file://./.lambda-pack/store", "s3://evil");
    let check = |validation: &Value| validation["check"].as_str().unwrap().to_owned();
    type Change<'a> = &'a dyn Fn(&mut Value);
    let changes: [(Change, i32, &str); 27] = [
        (&|it| it["functions"] = json!([]), 3, "key `functions`: there is none"),
        (
            &|it| drop(it.as_object_mut().unwrap().remove("graph")),
            3,
            "key `graph` is missing",
        ),
        (
            &|it| drop(it["application"].as_object_mut().unwrap().remove("dirty")),
            3,
            "key `application.dirty` is missing",
        ),
        (
            &|it| drop(it["functions"][0].as_object_mut().unwrap().remove("runtime")),
            3,
            "key `functions[0].runtime` is missing",
        ),
        (
            &|it| {
                let twice = it["functions"][0].clone();
                it["functions"].as_array_mut().unwrap().push(twice);
            },
            3,
            "comes twice",
        ),
        (
            &|it| it["functions"][0]["entries"] = json!(99),
            4,
            "its entries is said to be `99`",
        ),
        (
            &|it| it["functions"][0]["store_url"] = json!(elsewhere),
            4,
            "its store_url is said to be `s3://evil",
        ),
        (
            &|it| {
                it["functions"][0]["store_url"] =
                    json!(format!("{}?", it["functions"][0]["store_url"].as_str().unwrap()))
            },
            4,
            "its store_url",
        ),
        (&|it| it["functions"][0]["size_bytes"] = json!(1), 4, "its size_bytes"),
        (
            &|it| it["functions"][0]["owner"] = json!("x"),
            3,
            "unknown key `functions[0].owner`",
        ),
        (
            &|it| it["functions"][0]["name"] = json!("../x"),
            3,
            "key `functions[0].name`",
        ),
        (
            &|it| it["graph"]["nodes"][0]["owner"] = json!("x"),
            3,
            "unknown key `graph.nodes[0].owner`",
        ),
        (
            &|it| {
                it["graph"]["nodes"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|node| node["name"] != name.as_str())
            },
            3,
            "key `graph`",
        ),
        (
            &|it| it["validation"][0]["status"] = json!("fine"),
            3,
            "key `validation[0].status`",
        ),
        (&|it| it["schema_version"] = json!(2), 3, "found 2; allowed: 1"),
        (&|it| it["validation"][0]["status"] = json!("fail"), 3, "profile: "),
        (&|it| it["validation"] = json!([]), 3, "`commit` is missing"),
        (
            &|it| {
                it["validation"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|it| !check(it).starts_with("secrets/"))
            },
            3,
            "`secrets/csv-to-json` is missing",
        ),
        (
            &|it| {
                let twice = it["validation"][0].clone();
                it["validation"].as_array_mut().unwrap().push(twice);
            },
            3,
            "key `validation`: `profile` comes twice",
        ),
        (
            &|it| it["validation"][2]["check"] = json!("preflight/other"),
            3,
            "key `validation`: `other` is none of the functions",
        ),
        (
            &|it| it["tier"] = json!("lambda-edge"),
            3,
            "`fitness.region/csv-to-json` is missing, which is checked for the tier lambda-edge",
        ),
        (
            &|it| {
                let checks = it["validation"].as_array_mut().unwrap().iter_mut();
                let mut of_size = checks.filter(|it| check(it) == "fitness.unzipped_bytes/csv-to-json");
                of_size.next().unwrap()["status"] = json!("warn");
            },
            3,
            "`fitness.unzipped_bytes/csv-to-json` should be `pass`: 2503 bytes unzipped",
        ),
        (
            &|it| it["application"]["git_commit"] = json!("zz"),
            3,
            "key `application.git_commit`: found `zz`",
        ),
        (
            &|it| {
                it["application"]["git_commit"] = json!("0".repeat(40));
                it["application"]["dirty"] = json!(false);
            },
            3,
            "`commit` says other than `application`",
        ),
        (
            &|it| it["functions"][0]["layers"] = json!(["order-intake"]),
            3,
            "the layers of `csv-to-json` are other than in `functions`",
        ),
        (
            &|it| it["graph"]["nodes"][1]["size_bytes"] = json!(1),
            4,
            "its size_bytes in the graph is said to be `1`",
        ),
        (
            &|it| it["graph"]["edges"][0]["to"] = json!("code:none"),
            3,
            "an edge leads to `code:none`, which is no node",
        ),
    ];
    for (change, code, words) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        assert_ne!(changed, good, "{words}");
        put(&dir, &changed);
        refused(verify(), code, words);
    }

    // Twice the same key: which one counts, nobody says.
    put(&dir, &good);
    let text = fs::read_to_string(dir.join("dist/bundle.json")).unwrap();
    let twice = text.replacen("\"tier\":", "\"tier\":\"lambda\",\"tier\":", 1);
    dir.write("dist/bundle.json", &twice);
    dir.write("dist/bundle.json.sha256", sha256(twice.as_bytes()));
    verify().fails(3, &["key `tier` comes twice"]);

    // What can't be read any more was changed.
    put(&dir, &good);
    dir.write("dist/bundle.json", &text[..text.len() / 2]);
    verify().fails(4, &["has the SHA-256"]);
    put(&dir, &good);
    fs::remove_file(dir.join("dist/bundle.json.sha256")).unwrap();
    let run = verify().run();
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("bundle.json.sha256"), "{run:?}");
}

/// What lists, graph, checks and store say of the same thing.
#[test]
fn a_document_that_lost_a_part_is_refused() {
    let dir = demo();
    let settings = fs::read_to_string(dir.join("lambda-pack.toml")).unwrap();
    let secret = |keys: &str| format!("[[profiles.prod.secrets]]\n{keys}\n");
    let excluded = |id: &str| {
        secret(&format!(
            "id = '{id}'\nclass = 'infrastructure'\nreason = 'it deploys'\npattern = '{id}-[0-9]{{8}}'"
        ))
    };
    let read = secret("id = 'payments'\nclass = 'remote_fetch'\nname = 'prod/payments'\ntarget = 'PAYMENTS_SECRET'");
    let settings = format!(
        "{settings}\n{}{}{read}[profiles.prod.limits]\ntimeout = 60\nsize_bytes = 1000000\n",
        excluded("ci"),
        excluded("cd")
    );
    dir.write("lambda-pack.toml", settings);
    dir.command(["upload"]).args(PROFILE).ok();
    let good = document(&export(&dir));
    let verify = || dir.command(["bundle", "verify", "dist/bundle.json"]);
    put(&dir, &good);
    verify().ok();
    type Change<'a> = &'a dyn Fn(&mut Value);
    let drop_checks = |it: &mut Value, name: &str| {
        let checks = it["validation"].as_array_mut().unwrap();
        checks.retain(|check| check["check"] != name);
    };
    let reads = |edge: &Value| edge["kind"] == "reads";
    let changes: [(Change, &str); 10] = [
        (
            &|it| it["secrets"] = json!([]),
            "key `secrets`: `secret:remote_fetch:payments` is missing",
        ),
        (
            &|it| drop(it["secrets"][0]["functions"].as_array_mut().unwrap().pop()),
            "is missing, which `function:uptime-probe` reads",
        ),
        (
            &|it| it["secrets"][0]["class"] = json!("user_prompt"),
            "doesn't read `secret:user_prompt:payments`",
        ),
        (
            &|it| it["graph"]["edges"].as_array_mut().unwrap().retain(|edge| !reads(edge)),
            "key `graph`: nobody reads `secret:remote_fetch:payments`",
        ),
        (
            &|it| {
                it["graph"]["edges"].as_array_mut().unwrap().retain(|edge| !reads(edge));
                it["graph"]["nodes"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|node| node["kind"] != "secret");
            },
            "`function:csv-to-json` doesn't read `secret:remote_fetch:payments`, as `secrets` has it",
        ),
        (
            &|it| drop(it["excluded"].as_array_mut().unwrap().remove(0)),
            "key `excluded`: ",
        ),
        (&|it| it["excluded"] = json!([]), "key `excluded`: "),
        (&|it| drop_checks(it, "excluded"), "key `excluded`: "),
        (
            &|it| drop_checks(it, "fitness.limits.size_bytes/csv-to-json"),
            "`fitness.limits.size_bytes/csv-to-json` is missing",
        ),
        (
            &|it| it["functions"][0]["handler"] = json!("nothing.handler"),
            "its handler is `nothing.handler`, but the package has no nothing.js",
        ),
    ];
    for (change, words) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        assert_ne!(changed, good, "{words}");
        put(&dir, &changed);
        refused(verify(), 3, words);
    }
}

/// The store that the document names may be gone; a copy of it says the same.
#[test]
fn a_document_is_verified_against_a_copy_of_its_store() {
    let dir = demo();
    dir.command(["upload"]).args(PROFILE).ok();
    export(&dir);
    fs::rename(dir.join(".lambda-pack/store"), dir.join("copy")).unwrap();
    dir.command(["bundle", "verify", "dist/bundle.json", "--store", "file://./copy"])
        .ok();
    let run = dir.command(["bundle", "verify", "dist/bundle.json"]).run();
    assert_eq!(run.code, 1, "{run:?}");
}
