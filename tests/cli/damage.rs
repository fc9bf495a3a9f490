//! What somebody did to objects of a store: what is named, what goes on, and whether the command that is named mends it.

use serde_json::Value;

use crate::s3::against_both;
use crate::support::functions::{key, source, upload};
use crate::support::server::{MOTO, Project, Server};

against_both!(
    a_record_that_nobody_can_read_is_named_and_the_others_go_on,
    what_was_deleted_beside_a_package_is_put_there_again,
);

fn a_record_that_nobody_can_read_is_named_and_the_others_go_on(server: &'static Server) {
    let project = server.project();
    project.dir.write("lambda-json/other.json", r#"{"source": "other.py"}"#);
    let mut rows = Vec::new();
    for number in 0..3 {
        project.dir.write("code/other.py", format!("{number}"));
        project.command(["upload", "other"]).ok();
        rows.push(upload(&project, number));
    }
    let junk = format!("some/prefix/records/app/{}.json", "0".repeat(64));
    project.overwrite(&junk, b"junk".to_vec());
    let listed = project.command(["list", "--json"]).run();
    assert_eq!(
        (listed.code, listed.json().as_array().unwrap().len()),
        (4, 6),
        "{listed:?}"
    );
    let url = format!("s3://{}/{junk}", project.bucket);
    for words in [
        "function `app`",
        "can't be trusted: not a record",
        &format!("aws s3 rm {url}"),
    ] {
        assert!(listed.stderr.contains(words), "{words}: {listed:?}");
    }
    let table = project.command(["list", "other"]).ok();
    assert_eq!(table.stdout.lines().count(), 4, "{table:?}");

    // What it says may be about any package of its function.
    let gc = || {
        project.command([
            "gc",
            "--keep",
            "0",
            "--min-age",
            "0",
            "--without-lambda",
            "--yes",
            "--json",
        ])
    };
    let run = gc().run();
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains(&url), "{run:?}");
    let json = run.json();
    assert_eq!(
        (&json["deleted"], &json["objects"]),
        (&Value::Bool(true), &8.into()),
        "{json}"
    );
    let of = |name: &str| {
        project
            .keys()
            .iter()
            .filter(|key| key.contains(&format!("/{name}/")))
            .count()
    };
    assert_eq!((of("app"), of("other")), (13, 4), "{:?}", project.keys());
    let reasons = |row: &&Value| row["name"] == "app" && row["reasons"].to_string().contains("damaged");
    assert_eq!(
        json["packages"].as_array().unwrap().iter().filter(reasons).count(),
        3,
        "{json}"
    );
    project.delete(&junk);
    assert_eq!(gc().ok().json()["objects"], 8);
    assert_eq!((of("app"), of("other")), (4, 4));
}

/// The last command that a message names.
fn named<'a>(stderr: &'a str, start: &str) -> Vec<&'a str> {
    let at = stderr.rfind(start).unwrap_or_else(|| panic!("no {start} in {stderr}"));
    stderr[at..].lines().next().unwrap().split(' ').skip(1).collect()
}

fn what_was_deleted_beside_a_package_is_put_there_again(server: &'static Server) {
    let project = server.project();
    let row = upload(&project, 1);
    let manifest_of = |row: &Value| {
        let hash = row["source_hash"].as_str().unwrap();
        format!("some/prefix/manifests/app/{hash}.json")
    };
    let mends = |project: &Project, stderr: &str| {
        let command = named(stderr, "lambda-pack upload");
        assert_eq!(
            project.command(command.iter().copied()).arg("--json").ok().statuses(),
            ["unchanged"]
        );
        assert!(project.keys().contains(&manifest_of(&row)));
        project.command(["verify", "--level", "store", "--deep"]).ok();
    };
    let before = project.get(&manifest_of(&row));
    project.delete(&manifest_of(&row));
    let run = project.command(["verify", "--level", "store"]).run();
    assert_eq!(run.code, 4, "{run:?}");
    assert!(!run.stdout.contains("same:"), "nothing is: {run:?}");
    mends(&project, &run.stderr);
    assert_eq!(project.get(&manifest_of(&row)), before);
    // Also who promotes says what mends it.
    project.delete(&manifest_of(&row));
    let to = format!("s3://{}/elsewhere", project.bucket);
    let promote = || project.command(["promote", "app", "--to", &to]);
    mends(&project, &promote().fails(4, &["isn't there"]).stderr);
    promote().ok();

    // Of another one its sources are needed.
    let older = upload(&project, 0);
    project.dir.write("code/app.py", source(&project.bucket, 1));
    let hash = older["source_hash"].as_str().unwrap();
    project.overwrite(&key(&older), b"junk".to_vec());
    let run = project
        .command(["promote", &format!("app={hash}"), "--to", &to])
        .fails(4, &["can't be trusted", "from the sources of that package"]);
    let upload = named(&run.stderr, "lambda-pack upload");
    assert!(upload.contains(&format!("app={hash}").as_str()), "{upload:?}");
    project.delete(&key(&older));
    project.command(upload.iter().copied()).fails(5, &["expected was"]);
    project.dir.write("code/app.py", source(&project.bucket, 0));
    project.command(upload.iter().copied()).ok();
    let promoted = project.command(["promote", &format!("app={hash}"), "--to", &to]);
    promoted.ok();
}

#[test]
fn a_rollback_says_that_the_manifest_was_deleted() {
    let project = MOTO.project();
    std::fs::create_dir(project.dir.join("lambda-deploy-module")).unwrap();
    let row = upload(&project, 0);
    upload(&project, 1);
    let hash = row["source_hash"].as_str().unwrap();
    project.delete(&format!("some/prefix/manifests/app/{hash}.json"));
    let run = project
        .command(["rollback", "app", "--to", hash])
        .fails(1, &["somebody deleted its manifest", "--definition"]);
    let upload = named(&run.stderr, "lambda-pack upload");
    let end = upload.iter().position(|word| word.ends_with(';')).unwrap();
    project.dir.write("code/app.py", source(&project.bucket, 0));
    let command = upload[..=end].iter().map(|word| word.trim_end_matches(';'));
    project.command(command).ok();
    project.command(["rollback", "app", "--to", hash]).ok();
}
