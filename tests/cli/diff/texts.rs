//! `diff --unified`: what differs in texts.

use std::fs;

use serde_json::{Value, json};

use super::changed;
use crate::s3::against_both;
use crate::support::server::Server;
use crate::support::{Dir, git, hash_of};

const TEXTS: &str = "\
--- a/app.py
+++ b/app.py
@@ -1,2 +1,2 @@
 def handler(event, context):
-    return 1
+    return 22

--- /dev/null
+++ b/came.py
@@ -0,0 +1 @@
+came!

--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-gone

--- a/link.py
+++ b/link.py
@@ -1 +1 @@
-app.py
\\ No newline at end of file
+b.txt
\\ No newline at end of file

--- a/old/both.py
+++ b/new/both.py
@@ -1 +1 @@
-moved, not yet
+moved, edited
";

#[test]
fn they_are_shown_as_patches() {
    let (dir, before) = changed();
    let text = dir.command(["diff", "--unified"]).ok().stdout;
    let (_table, texts) = text.split_once("\n\n").unwrap();
    assert_eq!(texts, TEXTS);
    // In a package on disk, too, and between two that are stored.
    dir.command(["build", "--out-dir", "new"]).ok();
    let package = fs::read_dir(dir.join(".lambda-pack/store/packages/app")).unwrap();
    let package = package.map(|entry| entry.unwrap().path()).next().unwrap();
    let zips = [
        "diff",
        "--unified",
        "--from",
        package.to_str().unwrap(),
        "--to",
        "new/app.zip",
    ];
    assert!(dir.command(zips).ok().stdout.ends_with(TEXTS));
    dir.command(["upload"]).ok();
    let after = hash_of(&dir.join("code/lib"));
    let hashes = ["diff", "app", "-u", "--from", &before, "--to", &after];
    assert!(dir.command(hashes).ok().stdout.ends_with(TEXTS));
    let json = dir.command(hashes).arg("--json").ok().json();
    let texts = json["functions"][0]["texts"].as_array().unwrap();
    assert_eq!(texts[2]["path"], "gone.py");
    assert_eq!(texts[2]["diff"], "--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n");
    let markdown = dir.command(hashes).arg("--markdown").ok().stdout;
    assert!(markdown.contains("\n```diff\n--- a/app.py\n"), "{markdown}");
    // A patch is one.
    let old = Dir::new();
    for (path, content) in [
        ("app.py", "def handler(event, context):\n    return 1\n"),
        ("gone.py", "gone\n"),
    ] {
        old.write(path, content);
    }
    let first_three = TEXTS.split("--- a/link.py").next().unwrap();
    old.write("patch", first_three);
    git(old.path(), &["apply", "patch"]);
    assert_eq!(
        fs::read(old.join("app.py")).unwrap(),
        fs::read(dir.join("code/lib/app.py")).unwrap()
    );
    assert!(!old.join("gone.py").exists() && old.join("came.py").exists());
}

/// Much alike, here and there another; some are empty, some end without a newline.
fn text(random: &mut fastrand::Rng) -> String {
    let lines = random.usize(..4)..random.usize(..60);
    let mut text: String = lines
        .map(|line| {
            let is_another = random.u8(..12) == 0;
            let number = if is_another { random.usize(..4) } else { line / 2 };
            format!("{number}\n")
        })
        .collect();
    if random.bool() {
        text.pop();
    }
    text
}

#[test]
fn git_makes_the_new_texts_of_the_old_ones() {
    let mut random = fastrand::Rng::with_seed(1);
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    let old = Dir::new();
    for number in 0..200 {
        let text = text(&mut random);
        old.write(&number.to_string(), &text);
        dir.write(&format!("code/lib/{number}"), &text);
    }
    dir.command(["upload"]).ok();
    for number in 0..200 {
        dir.write(&format!("code/lib/{number}"), text(&mut random));
    }
    let json = dir.command(["diff", "--unified", "--json"]).ok().json();
    let texts = json["functions"][0]["texts"].as_array().unwrap();
    let patch: String = texts.iter().map(|text| text["diff"].as_str().unwrap()).collect();
    assert!(patch.matches("\n@@").count() > 300, "{patch}");
    old.write("patch", patch);
    git(old.path(), &["apply", "patch"]);
    for number in 0..200 {
        let name = number.to_string();
        let [made, new] = [old.join(&name), dir.join(&format!("code/lib/{name}"))].map(|path| fs::read(path).unwrap());
        assert_eq!(made, new, "{name}");
    }
}

#[test]
fn what_is_no_text_is_said_and_steers_no_terminal() {
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    dir.write("code/lib/a", "ab\u{1b}[2J``` \tc\n");
    dir.write("code/lib/binary", b"a\0b");
    dir.write("code/lib/large", vec![b'a'; 1024 * 1024 + 1]);
    let text = dir.command(["diff", "--unified"]).ok().stdout;
    for line in [
        "+ab\\u{1b}[2J``` \tc\n",
        "\nbinary: not shown, binary\n",
        "\nlarge: not shown, larger than 1 MiB\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains('\u{1b}'));
    let json = dir.command(["diff", "-u", "--json"]).ok().json();
    assert_eq!(
        json["functions"][0]["texts"][1],
        json!({"path": "binary", "skipped": "binary"})
    );
    let markdown = dir.command(["diff", "-u", "--markdown"]).ok().stdout;
    assert!(markdown.contains("\n````diff\n"), "{markdown}");
}

#[test]
fn what_a_build_takes_in_is_not_in_its_package() {
    let dir = Dir::with_app();
    let command = r#"["sh", "-c", "mkdir -p out && wc -c app.py > out/made"]"#;
    let definition =
        format!(r#"{{"source": "app.py", "build": {{"type": "command", "command": {command}, "output": "out"}}}}"#);
    dir.write("lambda-json/app.json", definition);
    dir.command(["upload"]).ok();
    dir.write("code/app.py", "other\n");
    let text = dir.command(["diff", "--unified"]).ok().stdout;
    assert!(
        text.contains("app.py: not shown, what is packed is made of it"),
        "{text}"
    );
}

against_both!(a_package_is_believed_only_if_it_is_the_recorded_one);

fn a_package_is_believed_only_if_it_is_the_recorded_one(server: &'static Server) {
    let project = server.project();
    project.command(["upload"]).ok();
    project
        .dir
        .write("code/app.py", "def handler(event, context):\n    return 2\n");
    let texts = |words: &[&str]| -> Value {
        let json = project
            .command(["diff", "--json", "--unified"])
            .args(words.iter().copied());
        json.ok().json()["functions"][0]["texts"].clone()
    };
    let diff = texts(&[])[0]["diff"].as_str().unwrap().to_owned();
    assert!(diff.contains("-    return event\n+    return 2\n"), "{diff}");
    let package = project.keys_of("packages").remove(0);
    let mut content = project.get(&package);
    let last = content.len() - 1;
    content[last] ^= 1;
    project.overwrite(&package, content);
    project
        .command(["diff", "--unified"])
        .fails(4, &[&package, "can't be trusted"]);
    project.delete(&package);
    project
        .command(["diff", "--unified"])
        .fails(1, &[&package, "isn't there"]);
    // Without texts nothing is downloaded.
    project.command(["diff"]).ok();
}
