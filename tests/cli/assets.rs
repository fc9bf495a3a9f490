//! Assets: what is downloaded, from where, and what of it is trusted.

use std::fs;

use serde_json::Value;

use crate::s3::against_both;
use crate::support::server::Server;
use crate::support::web::{Action, Web};
use crate::support::{Dir, TestCommand, sha256};

against_both!(objects_in_buckets_are_assets);

/// Enough for several pieces on the way. It hardly compresses, and no secret's text can be in it.
pub fn noise() -> Vec<u8> {
    let mut noise = fastrand::Rng::with_seed(1);
    (0..2 * 1024 * 1024).map(|_| noise.u8(128..)).collect()
}

/// A project whose function has one asset: the members of its object.
pub fn project(asset: &str) -> Dir {
    let dir = Dir::with_app();
    define(&dir, "app", asset);
    dir
}

pub fn define(dir: &Dir, name: &str, asset: &str) {
    let json = format!(
        r#"{{"runtime": "python3.13", "handler": "app.handler", "source": "app.py", "assets": [{{{asset}}}]}}"#
    );
    dir.write(&format!("lambda-json/{name}.json"), json);
}

/// With a cache of its own.
pub fn command<'a>(dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
    dir.command(args)
        .env("XDG_CACHE_HOME", dir.join("cache"))
        .env("NO_PROXY", "127.0.0.1")
}

pub fn fetched(dir: &Dir, digest: &str) -> Vec<u8> {
    fs::read(dir.join(&format!("cache/lambda-pack/assets/{digest}"))).unwrap()
}

/// Names of what the cache has of assets, without lock files.
pub fn kept(dir: &Dir) -> Vec<String> {
    let entries = fs::read_dir(dir.join("cache/lambda-pack/assets")).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".lock")).collect();
    names.sort();
    names
}

/// The project's only definition.
pub fn definition(dir: &Dir) -> Value {
    serde_json::from_slice(&fs::read(dir.join("lambda-json/app.json")).unwrap()).unwrap()
}

#[test]
fn lock_fills_in_checksums_and_touches_nothing_else() {
    let content = noise();
    let web = Web::serve(content.clone(), |_, _| Action::Serve);
    let dir = Dir::with_app();
    let before = format!(
        "{{\r\n\t\"source\": \"app.py\",\r\n\t\"assets\": [\r\n\t\t{{ \"path\":\"a\", \"url\": \"{0}/a?token=secret\" }},\r\n\t\t{{\r\n\t\t\t\"url\": \"{0}/b\",\r\n\t\t\t\"path\": \"b\"\r\n\t\t}}\r\n\t],\r\n\t\"tags\": {{\"z\": \"1\", \"a\": \"\\u0032\"}}\r\n}}",
        web.url
    );
    let file = dir.write("lambda-json/app.json", &before);
    dir.chmod("lambda-json/app.json", 0o640);
    dir.write("lambda-json/plain.json", r#"{"source":"app.py"}"#);

    command(&dir, ["validate"]).fails(
        3,
        &["function `app`", "no `sha256`", "lambda-pack assets lock app", "/a?…`"],
    );
    command(&dir, ["build"]).fails(3, &["lambda-pack assets lock app"]);
    command(&dir, ["external", "hash"])
        .stdin("{}")
        .fails(3, &["lambda-pack assets lock app"]);
    assert_eq!(web.seen().len(), 0, "nothing is downloaded without being asked for");

    let run = command(&dir, ["assets", "lock", "--json", "-v"]).ok();
    assert_eq!(run.statuses(), ["locked", "locked"]);
    assert!(!format!("{run:?}").contains("secret"), "{run:?}");
    let digest = sha256(&content);
    let after = fs::read_to_string(&file).unwrap();
    assert_ne!(after, before);
    let inline = format!(", \"sha256\": \"{digest}\"");
    let own_line = format!(",\r\n\t\t\t\"sha256\": \"{digest}\"");
    assert_eq!(after.replacen(&inline, "", 1).replacen(&own_line, "", 1), before);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(
        fs::read_to_string(dir.join("lambda-json/plain.json")).unwrap(),
        r#"{"source":"app.py"}"#
    );

    // Nothing more to do; and what was downloaded is there.
    let requests = web.seen().len();
    let run = command(&dir, ["assets", "lock", "app", "--json"]).ok();
    assert_eq!(run.statuses(), ["unchanged", "unchanged"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), after);
    let run = command(&dir, ["assets", "fetch", "--json"]).ok();
    assert_eq!(run.statuses(), ["cached", "cached"]);
    assert_eq!(run.json()[0]["size_bytes"], content.len());
    command(&dir, ["validate"]).ok();
    assert_eq!(web.seen().len(), requests);
    assert_eq!(kept(&dir), [digest.as_str()]);
    assert!(fetched(&dir, &digest) == content);
}

#[test]
fn what_can_be_locked_is_locked_though_another_asset_is_missing() {
    let web = Web::serve(b"x".to_vec(), |_, request| match request.target.as_str() {
        "/there" => Action::Serve,
        _ => Action::Answer(404, String::new()),
    });
    let dir = project(&format!(r#""url": "{}/there", "path": "a""#, web.url));
    define(&dir, "other", &format!(r#""url": "{}/absent", "path": "a""#, web.url));
    let run = command(&dir, ["assets", "lock", "--json"]).run();
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.stderr.contains("function `other`") && run.stderr.contains("404"),
        "{run:?}"
    );
    assert_eq!(run.statuses(), ["locked"]);
    assert_eq!(definition(&dir)["assets"][0]["sha256"], sha256(b"x"));
    assert_eq!(web.seen().len(), 2, "what isn't there isn't asked for again");
}

/// BLAKE3 of a text, as the reference implementation's library has it.
pub fn blake3_of(text: &str) -> String {
    let script = "import blake3, sys; print(blake3.blake3(sys.argv[1].encode()).hexdigest())";
    crate::support::run(&*crate::support::PYTHON, &["-c", script, text])
        .trim()
        .to_owned()
}

#[test]
fn a_wrong_checksum_is_exit_4_with_both_digests_and_no_secret() {
    let web = Web::serve(b"something else".to_vec(), |_, _| Action::Serve);
    let expected = sha256(b"the model");
    let address = web.url.replace("http://", "http://user:hidden@");
    let dir = project(&format!(
        r#""url": "{address}/m?token=hidden", "path": "m", "sha256": "{expected}""#
    ));
    for args in [
        ["assets", "fetch", "-vv"].as_slice(),
        &["build", "-vv"],
        &["upload", "-vv"],
    ] {
        let actual = sha256(b"something else");
        let shown = format!("`{}/m?…`", web.url);
        let run = command(&dir, args.iter().copied())
            .fails(4, &[&expected, &actual, &shown, "assets lock", "function `app`"]);
        assert!(!run.stderr.contains("hidden"), "{run:?}");
        assert_eq!(kept(&dir), [""; 0]);
        assert!(!dir.join("dist/app.zip").exists());
    }
    assert!(web.seen()[0].header("authorization").is_some());
}

#[test]
fn files_of_the_project_are_assets() {
    let dir = project(r#""url": "file:models/m.bin", "path": "m.bin""#);
    command(&dir, ["assets", "lock"]).fails(3, &["models/m.bin", "No such file"]);
    dir.write("models/m.bin", "a model");
    // Relative to the project, wherever the user stands.
    let elsewhere = Dir::new();
    let config = dir.join("lambda-json").display().to_string();
    command(&dir, ["assets", "lock", "--config-dir", &config])
        .current_dir(elsewhere.path())
        .ok();
    assert_eq!(definition(&dir)["assets"][0]["sha256"], sha256(b"a model"));
    dir.write("models/m.bin", "another model");
    fs::remove_dir_all(dir.join("cache")).unwrap();
    command(&dir, ["assets", "fetch"]).fails(4, &[&sha256(b"a model"), &sha256(b"another model")]);
}

#[test]
fn bad_assets_are_named_with_file_and_key() {
    for (asset, words) in [
        (r#""url": "ftp://u:hidden@h/x", "path": "a""#, "app.json:1:"),
        (r#""url": "ftp://u:hidden@h/x", "path": "a""#, "key `assets[0].url`"),
        (
            r#""url": "http://example.org/x", "path": "a""#,
            "key `assets[0]`: anybody on the way can change",
        ),
        (r#""url": "https://h/x", "path": "../a""#, "key `assets[0].path`"),
        (
            r#""url": "https://h/x""#,
            "key `assets[0]`: the asset `https://h/x` has no name in the package",
        ),
        (
            r#""url": "https://h/x", "extract": true"#,
            "doesn't tell what kind of archive",
        ),
        (r#""url": "https://h/x", "extract": "rar""#, "key `assets[0].extract`"),
        (
            r#""url": "https://h/x", "path": "a", "mode": "0777""#,
            "key `assets[0].mode`",
        ),
        (
            r#""url": "https://h/x", "path": "a", "sha256": "abc""#,
            "key `assets[0].sha256`",
        ),
        (
            r#""url": "https://h/x", "path": "a", "sha265": "abc""#,
            "did you mean `sha256`",
        ),
    ] {
        let run = command(&project(asset), ["validate"]).fails(3, &[words]);
        assert!(!run.stderr.contains("hidden"), "{run:?}");
    }
    let dir = project(&format!(
        r#""url": "https://h/x", "path": "a", "sha256": "{}""#,
        sha256(b"")
    ));
    command(&dir, ["assets", "fetch", "--no-cache"]).fails(2, &["no cache to download into"]);
}

fn objects_in_buckets_are_assets(server: &'static Server) {
    let project = server.project();
    let content = noise();
    let digest = sha256(&content);
    project.overwrite("models/m.bin", content.clone());
    define(
        &project.dir,
        "app",
        &format!(r#""url": "s3://{}/models/m.bin", "path": "m.bin""#, project.bucket),
    );
    let command = |args: &[&str]| {
        project
            .command(args.iter().copied())
            .env("XDG_CACHE_HOME", project.dir.join("cache"))
    };
    command(&["assets", "lock"]).ok();
    assert_eq!(definition(&project.dir)["assets"][0]["sha256"], digest);
    // A part of it, as a killed run leaves it.
    let etag = project.head("models/m.bin").e_tag.unwrap();
    let name = blake3_of(&format!("s3://{}/models/m.bin", project.bucket));
    let state = serde_json::json!({"address": format!("url-{name}"), "validator": etag, "total": content.len()});
    fs::remove_dir_all(project.dir.join("cache")).unwrap();
    let part = project.dir.write(
        &format!("cache/lambda-pack/assets/{digest}.part"),
        &content[..1_000_000],
    );
    fs::write(part.with_extension("part.json"), state.to_string()).unwrap();
    let run = command(&["assets", "fetch", "-v"]).ok();
    assert!(run.stderr.contains("going on after"), "{run:?}");
    assert!(fetched(&project.dir, &digest) == content);
    // Somebody replaced the object meanwhile.
    fs::remove_dir_all(project.dir.join("cache")).unwrap();
    project.dir.write(
        &format!("cache/lambda-pack/assets/{digest}.part"),
        &content[..1_000_000],
    );
    let changed = state.to_string().replace(&etag.replace('"', "\\\""), "\\\"0123\\\"");
    fs::write(part.with_extension("part.json"), changed).unwrap();
    let run = command(&["assets", "fetch", "-v"]).ok();
    assert!(!run.stderr.contains("going on after"), "{run:?}");
    assert!(fetched(&project.dir, &digest) == content);

    define(
        &project.dir,
        "app",
        &format!(r#""url": "s3://{}/absent", "path": "m.bin""#, project.bucket),
    );
    command(&["assets", "lock"]).fails(1, &["absent", "NoSuchKey"]);
}
