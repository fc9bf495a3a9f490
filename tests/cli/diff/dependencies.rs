//! Dependencies by name and version: what lock files install.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Dir, git};

const OLD: (&str, &str) = (
    "3.10",
    "946d195a0d259cbba61165e88e65941f16e9b36ea6ddb97f00452bae8b1287d3",
);
const NEW: (&str, &str) = (
    "3.11",
    "771a87f49d9defaf64091e6e6fe9c18d4833f140bd19464795bc32d966ca37ea",
);

fn lock(dir: &Dir, (version, sha256): (&str, &str)) {
    dir.write(
        "code/app/requirements.txt",
        format!("idna=={version} --hash=sha256:{sha256}\n"),
    );
}

fn project() -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import idna\n");
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app", "build": {"type": "python"}}"#,
    );
    lock(&dir, OLD);
    dir
}

fn commit(dir: &Dir) {
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "-m", "x"]);
}

fn inputs(dir: &Dir, args: &[&str]) -> Value {
    let command = dir.command(["diff", "--json"]).args(args.iter().copied());
    command.ok().json()["functions"][0]["inputs"].clone()
}

fn idna() -> Value {
    json!({"key": "dependencies.idna", "before": "3.10", "after": "3.11"})
}

#[test]
fn they_are_known_of_what_was_published_and_without_a_build() {
    let dir = project();
    dir.command(["upload"]).ok();
    lock(&dir, NEW);
    let found = inputs(&dir, &[]);
    assert_eq!(found[0], idna());
    assert_eq!(found[1]["key"], r#"locks."requirements.txt""#);
    assert_eq!(found.as_array().unwrap().len(), 2);
    let text = dir.command(["diff"]).ok().stdout;
    assert!(text.contains("\ndependency  3.10"), "{text}");
    let query = r#"{"explain": "true"}"#;
    let reasons = dir.command(["external", "hash"]).stdin(query).ok().json();
    let reason = "requirements.txt changed; idna 3.10 → 3.11";
    assert_eq!(reasons["reasons"], json!({ "app": reason }).to_string());

    // As an older version of this program left it.
    let manifests = dir.join(".lambda-pack/store/manifests/app");
    let file = fs::read_dir(manifests).unwrap().next().unwrap().unwrap().path();
    let mut manifest: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(manifest["dependencies"], json!({"idna": "3.10"}));
    manifest.as_object_mut().unwrap().remove("dependencies");
    fs::write(&file, manifest.to_string()).unwrap();
    let text = dir.command(["diff"]).ok().stdout;
    assert!(
        text.contains("\nwhich dependencies differ is not known: an older"),
        "{text}"
    );
    assert!(!text.contains("idna"), "{text}");
    let markdown = dir.command(["diff", "--markdown"]).ok().stdout;
    assert!(
        markdown.contains("\n\nwhich dependencies differ is not known"),
        "{markdown}"
    );
}

#[test]
fn they_are_known_of_two_commits() {
    let dir = project();
    git(dir.path(), &["init", "--quiet"]);
    commit(&dir);
    lock(&dir, NEW);
    commit(&dir);
    assert_eq!(inputs(&dir, &["--from", "git:HEAD~1", "--to", "git:HEAD"])[0], idna());
    assert_eq!(inputs(&dir, &["--from", "git:HEAD"]), json!([]));
}

#[test]
fn npm_packages_are_known_by_full_name_and_all_versions() {
    let dir = Dir::new();
    dir.write("code/app/app.mjs", "");
    dir.write("code/app/package.json", r#"{"dependencies": {"@a/b": "1"}}"#);
    let lock = |versions: [&str; 2]| {
        let [outer, inner] = versions.map(|version| json!({"version": version, "integrity": "sha512-AA=="}));
        let packages = json!({
            "": {"dependencies": {"@a/b": "1"}},
            "node_modules/@a/b": outer,
            "node_modules/x/node_modules/@a/b": inner,
        });
        let lock = json!({"lockfileVersion": 3, "packages": packages}).to_string();
        dir.write("code/app/package-lock.json", lock);
    };
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "nodejs22.x", "handler": "app.handler", "source": "app", "build": {"type": "node"}}"#,
    );
    lock(["1.0.0", "2.0.0"]);
    git(dir.path(), &["init", "--quiet"]);
    commit(&dir);
    lock(["1.0.0", "2.1.0"]);
    assert_eq!(
        inputs(&dir, &["--from", "git:HEAD"])[0],
        json!({"key": "dependencies.\"@a/b\"", "before": "1.0.0, 2.0.0", "after": "1.0.0, 2.1.0"})
    );
}
