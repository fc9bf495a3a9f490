//! Assets that are archives: what gets into a package, and what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use serde_json::json;

use crate::support::{Dir, PYTHON, TestCommand, run, sha256};

/// A project whose function has these assets, each a file of the project and further members of its object.
fn project(assets: &[(&str, &[u8], serde_json::Value)]) -> Dir {
    let dir = Dir::with_app();
    let mut list = Vec::new();
    for (name, content, members) in assets {
        dir.write(name, content);
        let mut asset = json!({"url": format!("file:{name}"), "sha256": sha256(content)});
        asset
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        list.push(asset);
    }
    let definition = json!({"runtime": "python3.13", "handler": "app.handler", "source": "app.py", "assets": list});
    dir.write("lambda-json/app.json", definition.to_string());
    dir
}

fn build(dir: &Dir) -> TestCommand {
    dir.command(["build", "--json"])
        .env("XDG_CACHE_HOME", dir.join("cache"))
}

/// Path, mode and content of each entry of the package.
fn packed(dir: &Dir) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(fs::File::open(dir.join("dist/app.zip")).unwrap()).unwrap();
    let entries = (0..zip.len()).map(|index| {
        let mut entry = zip.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (
            entry.name().unwrap().into_owned(),
            (entry.unix_mode().unwrap(), content),
        )
    });
    entries.collect()
}

/// Archives, each with what a Python script puts into it by `add(name, …)`. One interpreter makes them all.
fn make(kind: &str, scripts: &[&str]) -> Vec<Vec<u8>> {
    let dir = Dir::new();
    dir.write("scripts.json", json!(scripts).to_string());
    let prelude = "
import io, json, sys, tarfile, warnings, zipfile
warnings.simplefilter('ignore')
kind, directory = sys.argv[1:]
def add(name, content=b'', **attributes):
    if kind == 'zip':
        info = zipfile.ZipInfo('x')
        info.filename = name
        info.external_attr = attributes.get('mode', 0o100644) << 16
        return archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mtime = 1234567890
    for key, value in attributes.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(content))
for index, script in enumerate(json.load(open(directory + '/scripts.json'))):
    path = f'{directory}/{index}'
    if kind == 'zip':
        archive = zipfile.ZipFile(path, 'w')
    else:
        archive = tarfile.open(path, 'w:' + kind.removeprefix('tar').removeprefix('.'), format=tarfile.PAX_FORMAT)
    exec(script)
    archive.close()
";
    run(&*PYTHON, &["-c", prelude, kind, dir.path().to_str().unwrap()]);
    (0..scripts.len())
        .map(|index| fs::read(dir.join(&index.to_string())).unwrap())
        .collect()
}

fn make_one(kind: &str, script: &str) -> Vec<u8> {
    make(kind, &[script]).remove(0)
}

/// Builds a function of each archive; each fails, with these words, and nothing is packed.
fn all_refused(kind: &str, cases: &[(&str, &str)]) {
    let scripts: Vec<&str> = cases.iter().map(|(script, _)| *script).collect();
    let archives = make(kind, &scripts);
    let cases: Vec<_> = cases.iter().zip(archives).collect();
    // No more are reported at once.
    for cases in cases.chunks(20) {
        let dir = Dir::new();
        dir.write("code/app.py", "");
        for (index, (_, archive)) in cases.iter().enumerate() {
            let name = format!("{index}.{kind}");
            dir.write(&name, archive);
            let asset = json!({"url": format!("file:{name}"), "sha256": sha256(archive), "extract": true});
            let definition = json!({"source": "app.py", "assets": [asset]});
            dir.write(&format!("lambda-json/case-{index}.json"), definition.to_string());
        }
        let run = build(&dir).fails(3, &[]);
        for (index, ((script, words), _)) in cases.iter().enumerate() {
            let start = format!("error: function `case-{index}`: the asset `file:{index}.{kind}`: ");
            let line = run.stderr.lines().find(|line| line.starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("{script}: {run:?}"));
            assert!(line.contains(words), "{script}: {line}");
        }
        assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
        assert!(!dir.join("evil").exists() && !Path::new("/tmp/lambda-pack-evil").exists());
        assert_eq!(fs::read_dir(dir.join("dist")).map_or(0, Iterator::count), 0);
    }
}

const GOOD: &str = "
add('./', type=tarfile.DIRTYPE)
add('./bin/', type=tarfile.DIRTYPE, mode=0o700)
add('./bin/tool', b'#!/bin/sh', mode=0o4750)
add('./bin/other', type=tarfile.LNKTYPE, linkname='./bin/tool')
add('lib/a.so.1', b'lib', mode=0o600)
add('lib/a.so', type=tarfile.SYMTYPE, linkname='a.so.1')
add('lib/up', type=tarfile.SYMTYPE, linkname='../bin/tool')
add('.venv/kept.pyc', b'kept')
add('.lambdaignore', b'*')
add('long/' + 'x' * 150 + '/é', b'long')
";

#[test]
fn archives_of_each_kind_give_the_same_package() {
    let mut digests = Vec::new();
    let zst = |tar: Vec<u8>| zstd_stored(&tar);
    let archives = [
        ("a.tar", make_one("tar", GOOD), json!(true)),
        ("a.tgz", make_one("tar.gz", GOOD), json!(true)),
        ("a.tar.xz", make_one("tar.xz", GOOD), json!(true)),
        ("download", make_one("tar.xz", GOOD), json!("tar.xz")),
        ("a.tar.zst", zst(make_one("tar", GOOD)), json!(true)),
    ];
    for (name, content, extract) in archives {
        let dir = project(&[(name, &content, json!({"extract": extract, "path": "opt"}))]);
        let row = build(&dir).ok().json()[0].clone();
        let entries = packed(&dir);
        let modes: Vec<(&str, u32)> = entries.iter().map(|(name, (mode, _))| (name.as_str(), *mode)).collect();
        let long = format!("opt/long/{}/é", "x".repeat(150));
        assert_eq!(
            modes,
            [
                ("app.py", 0o100_644),
                ("opt/.lambdaignore", 0o100_644),
                ("opt/.venv/kept.pyc", 0o100_644),
                ("opt/bin/other", 0o100_755),
                ("opt/bin/tool", 0o100_755),
                ("opt/lib/a.so", 0o120_777),
                ("opt/lib/a.so.1", 0o100_644),
                ("opt/lib/up", 0o120_777),
                (&long, 0o100_644),
            ]
        );
        assert_eq!(entries["opt/bin/other"].1, b"#!/bin/sh");
        assert_eq!(entries["opt/lib/up"].1, b"../bin/tool");
        digests.push(row["code_sha256"].as_str().unwrap().to_owned());
        // Elsewhere, from nothing, with another umask.
        let again = project(&[(name, &content, json!({"extract": extract, "path": "opt/"}))]);
        let script = format!(
            "cd '{}'; umask 077; '{}' build --json --no-cache",
            again.path().display(),
            crate::support::BINARY
        );
        let second: serde_json::Value = serde_json::from_str(&run("sh", &["-c", &script])).unwrap();
        assert_eq!(second[0]["code_sha256"], row["code_sha256"]);
        assert_eq!(second[0]["source_hash"], row["source_hash"]);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

/// A zstd frame that compresses nothing (RFC 8878, 3.1.1), cut into two frames, as parallel compressors do.
fn zstd_stored(content: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    for piece in content.chunks(content.len() / 2 + 1) {
        frames.extend([0x28, 0xB5, 0x2F, 0xFD, 0xA0]);
        frames.extend(u32::try_from(piece.len()).unwrap().to_le_bytes());
        let blocks: Vec<&[u8]> = piece.chunks(100_000).collect();
        for (index, block) in blocks.iter().enumerate() {
            let last = u32::from(index + 1 == blocks.len());
            let header = (u32::try_from(block.len()).unwrap() << 3) | last;
            frames.extend(&header.to_le_bytes()[..3]);
            frames.extend(*block);
        }
    }
    frames
}

#[test]
fn what_an_archive_tries_is_refused() {
    all_refused(
        "tar.gz",
        &[
            ("add('../evil', b'x')", "`../evil` is refused: its name leads upward"),
            ("add('a/../../evil', b'x')", "leads upward"),
            ("add('/tmp/lambda-pack-evil', b'x')", "its name is absolute"),
            ("add('C:/evil', b'x')", "drive letter"),
            ("add('a\\\\evil', b'x')", "backslash"),
            ("add('a\\x1b[31m', b'x')", "control character"),
            (
                "add('a', type=tarfile.SYMTYPE, linkname='/tmp')",
                "link to an absolute path",
            ),
            (
                "add('a', type=tarfile.SYMTYPE, linkname='../b')",
                "`a` is refused: it is a link that leads out",
            ),
            (
                "add('a/b', type=tarfile.SYMTYPE, linkname='../../c')",
                "leads out of the archive",
            ),
            (
                "add('a', type=tarfile.SYMTYPE, linkname='b'); add('a/c', b'x')",
                "`a` comes twice",
            ),
            (
                "add('a', type=tarfile.LNKTYPE, linkname='/etc/passwd')",
                "leads out of the archive",
            ),
            (
                "add('a', type=tarfile.LNKTYPE, linkname='../b')",
                "leads out of the archive",
            ),
            (
                "add('a', type=tarfile.LNKTYPE, linkname='b'); add('b')",
                "what the archive didn't hold before",
            ),
            (
                "add('a', type=tarfile.CHRTYPE, devmajor=1, devminor=3)",
                "`a` is refused: it is a device",
            ),
            ("add('a', type=tarfile.FIFOTYPE)", "it is a device"),
            ("add('a', b'1'); add('./a', b'2')", "the entry `a` comes twice"),
            ("add('a', b'1'); add('a/b', b'2')", "the entry `a` comes twice"),
            ("add('a', b'1', pax_headers={'GNU.sparse.major': '1'})", "sparse file"),
            ("pass", "no tar, or an empty one"),
            ("add('a', b'\\0' * 17_000_000)", "more than 200 times"),
            (
                "add('a', b'1'); archive.close(); open(path, 'r+b').truncate(50)",
                "the archive can't be read",
            ),
            (
                "archive.close(); open(path, 'wb').write(b'<html>')",
                "the archive can't be read",
            ),
        ],
    );
    // What only the whole package tells.
    let dangling = make_one("tar", "add('a', type=tarfile.SYMTYPE, linkname='nothing')");
    let dir = project(&[("a.tar", &dangling, json!({"extract": true}))]);
    build(&dir).fails(3, &["function `app`", "is dangling"]);
}

#[test]
fn what_a_zip_tries_is_refused() {
    all_refused(
        "zip",
        &[
            ("add('../evil', b'x')", "leads upward"),
            ("add('/tmp/lambda-pack-evil', b'x')", "its name is absolute"),
            ("add('a\\\\..\\\\evil', b'x')", "backslash"),
            ("add('a', b'../b', mode=0o120777)", "leads out of the archive"),
            ("add('a', b'/etc/passwd', mode=0o120777)", "link to an absolute path"),
            ("add('a', b'', mode=0o020666)", "it is a device"),
            ("add('a', b'1'); add('a', b'2')", "entries of the same name"),
            ("add('a', b'1'); add('./a', b'2')", "the entry `a` comes twice"),
            ("add('a', b'\\0' * 17_000_000)", "more than 200 times"),
            (
                "add('QQ', b'1'); archive.close(); data = open(path, 'rb').read(); \
                 open(path, 'wb').write(data.replace(b'QQ', b'Q\\xff'))",
                "its name is not UTF-8",
            ),
            (
                "archive.close(); open(path, 'wb').write(b'<html>')",
                "the archive can't be read",
            ),
        ],
    );
}

#[test]
fn files_get_the_mode_and_place_that_the_definition_says() {
    let zip = {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(
            "data/words",
            zip::write::SimpleFileOptions::default().unix_permissions(0o755),
        )
        .unwrap();
        zip.write_all(b"words").unwrap();
        zip.finish().unwrap().into_inner()
    };
    let dir = project(&[
        ("tool", b"#!/bin/sh", json!({"path": "bin/tool", "mode": "0755"})),
        ("font", b"font", json!({"path": "fonts/font.ttf"})),
        ("a.zip", &zip, json!({"extract": "zip", "mode": "0644"})),
        ("b.zip", &zip, json!({"path": "b.zip"})),
    ]);
    let first = build(&dir).ok().json()[0].clone();
    let modes: Vec<(String, u32)> = packed(&dir).into_iter().map(|(name, (mode, _))| (name, mode)).collect();
    let expected = [
        ("app.py", 0o100_644),
        ("b.zip", 0o100_644),
        ("bin/tool", 0o100_755),
        ("data/words", 0o100_644),
        ("fonts/font.ttf", 0o100_644),
    ];
    assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode)));
    assert_eq!(first["entries"], 5);
    // Neither address nor order decide.
    let text = fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    let mut definition: serde_json::Value = serde_json::from_str(&text).unwrap();
    definition["assets"].as_array_mut().unwrap().reverse();
    definition["assets"][3]["url"] = "file:elsewhere/tool".into();
    definition["assets"][2]["mode"] = "0644".into();
    dir.write("lambda-json/app.json", definition.to_string());
    assert_eq!(build(&dir).ok().json()[0]["source_hash"], first["source_hash"]);
    // All else does.
    for (index, key, value) in [
        (3, "mode", json!("0644")),
        (2, "path", json!("fonts/other.ttf")),
        (1, "extract", json!(false)),
    ] {
        let mut changed = definition.clone();
        changed["assets"][index][key] = value;
        changed["assets"][1]["path"] = "data".into();
        dir.write("lambda-json/app.json", changed.to_string());
        assert_ne!(build(&dir).ok().json()[0]["source_hash"], first["source_hash"], "{key}");
    }
}

#[test]
fn an_entry_that_comes_twice_is_an_error() {
    let dir = project(&[("a", b"1", json!({"path": "app.py"}))]);
    build(&dir).fails(3, &["the entry `app.py` comes twice", "the assets", "the source"]);
    let dir = project(&[("a", b"1", json!({"path": "x"})), ("b", b"2", json!({"path": "x"}))]);
    build(&dir).fails(3, &["file:b", "the entry `x` comes twice"]);
    let dir = project(&[("a", b"1", json!({"path": "app.py/x"}))]);
    build(&dir).fails(
        3,
        &["`app.py` is a file or link in one source and a directory in another"],
    );
}

#[test]
fn a_kept_asset_needs_neither_its_address_nor_its_download() {
    let dir = project(&[("model", b"model", json!({"path": "model"}))]);
    let first = build(&dir).ok().json()[0].clone();
    fs::remove_file(dir.join("model")).unwrap();
    fs::remove_dir_all(dir.join("cache/lambda-pack/assets")).unwrap();
    dir.write("code/app.py", "changed = True\n");
    let second = build(&dir).ok().json()[0].clone();
    assert_ne!(first["source_hash"], second["source_hash"]);
    // What is uploaded has the asset too, and its hash is the plan's.
    let planned = dir.command(["external", "hash"]).stdin("{}").ok().json();
    let planned: serde_json::Value = serde_json::from_str(planned["packages"].as_str().unwrap()).unwrap();
    let upload = || {
        dir.command(["upload", "--json"])
            .env("XDG_CACHE_HOME", dir.join("cache"))
    };
    let uploaded = upload().ok().json()[0].clone();
    assert_eq!(uploaded["source_hash"], planned["app"]["source_hash"]);
    assert_eq!(
        (&uploaded["entries"], &uploaded["code_sha256"]),
        (&json!(2), &second["code_sha256"])
    );
    // Published: nothing is fetched, wherever the cache went.
    fs::remove_dir_all(dir.join("cache")).unwrap();
    assert_eq!(upload().ok().statuses(), ["unchanged"]);
}

#[test]
fn a_new_asset_installs_no_dependency_again() {
    let dir = project(&[("model", b"model", json!({"path": "model"}))]);
    let text = fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    let mut definition: serde_json::Value = serde_json::from_str(&text).unwrap();
    let assets = definition["assets"].take();
    definition["build"] = json!({"type": "python", "lock": "requirements.txt"});
    definition["assets"] = json!([]);
    let requirements = "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n";
    dir.write("code/requirements.txt", requirements);
    dir.write("lambda-json/app.json", definition.to_string());
    let first = build(&dir).ok().json()[0].clone();
    definition["assets"] = assets;
    dir.write("lambda-json/app.json", definition.to_string());
    // Without any installer.
    let second = build(&dir).env("PATH", "/nonexistent").ok().json()[0].clone();
    assert_ne!(first["source_hash"], second["source_hash"]);
    assert_eq!(
        second["entries"].as_u64(),
        first["entries"].as_u64().map(|entries| entries + 1)
    );
    assert!(packed(&dir).contains_key("six.py"));
}

#[test]
fn layers_have_assets_and_preflight_sees_them() {
    let dir = project(&[("tool", b"tool", json!({"path": "bin/tool", "mode": "0755"}))]);
    let text = fs::read_to_string(dir.join("lambda-json/app.json")).unwrap();
    let mut definition: serde_json::Value = serde_json::from_str(&text).unwrap();
    definition["handler"] = "elsewhere.handler".into();
    dir.write("lambda-json/app.json", definition.to_string());
    dir.command(["upload"]).fails(3, &["elsewhere"]);
    let assets = &definition["assets"];
    let layer = json!({"type": "layer", "source": "app.py", "assets": assets});
    dir.write("lambda-json/app.json", layer.to_string());
    build(&dir).ok();
    assert!(packed(&dir).contains_key("bin/tool"));
}

/// Real packages: a wheel from PyPI, a tarball from npm.
#[test]
fn wheels_and_npm_tarballs_are_archives() {
    let dir = Dir::with_app();
    let wheels = dir.join("wheels");
    run(
        &*PYTHON,
        &[
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--dest",
            wheels.to_str().unwrap(),
            "--only-binary=:all:",
            "six==1.17.0",
        ],
    );
    run(
        "npm",
        &[
            "pack",
            "--silent",
            "--pack-destination",
            dir.path().to_str().unwrap(),
            "ms@2.1.3",
        ],
    );
    let definition = json!({"runtime": "python3.13", "handler": "app.handler", "source": "app.py", "assets": [
        {"url": "file:wheels/six-1.17.0-py2.py3-none-any.whl", "extract": true},
        {"url": "file:ms-2.1.3.tgz", "extract": true, "path": "js"},
    ]});
    dir.write("lambda-json/app.json", definition.to_string());
    dir.command(["assets", "lock"]).ok();
    build(&dir).ok();
    let entries = packed(&dir);
    assert!(entries.contains_key("js/package/index.js"));
    let script = "import sys; sys.path.insert(0, sys.argv[1]); import six; print(six.__version__, six.__file__)";
    let zip = dir.join("dist/app.zip");
    let answer = run(&*PYTHON, &["-I", "-S", "-c", script, zip.to_str().unwrap()]);
    assert!(answer.starts_with("1.17.0 ") && answer.contains("app.zip"), "{answer}");
}
