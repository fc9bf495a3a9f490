//! `build`: the bytes of package format 1.

use std::fs;

use crate::support::{Dir, PYTHON, run, tool};

const NAME: &str = "demo";

/// A function whose source has text, noise, an executable, links, a name that is not ASCII, and a file beyond the chunk
/// threshold.
fn project(order: &[usize]) -> Dir {
    let dir = Dir::new();
    let noise: Vec<u8> = (0_u32..200_000)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let large: Vec<u8> = (0..34 * 1024 * 1024 / 8)
        .flat_map(|n: u32| format!("{:07}\n", n % 50_000).into_bytes())
        .collect();
    let files: [(&str, &[u8], u32); 5] = [
        ("app.py", b"def handler(event, context):\n    return event\n", 0o644),
        ("bin/tool", b"#!/bin/sh\necho hello\n", 0o755),
        ("data/noise", &noise, 0o644),
        ("data/large", &large, 0o644),
        ("größe.txt", b"", 0o644),
    ];
    for index in order {
        let (path, content, mode) = files[*index];
        dir.write(&format!("code/{NAME}/{path}"), content);
        dir.chmod(&format!("code/{NAME}/{path}"), mode);
    }
    dir.symlink("../bin/tool", &format!("code/{NAME}/data/tool"));
    dir.write(
        &format!("lambda-json/{NAME}.json"),
        format!(r#"{{"source": "{NAME}"}}"#),
    );
    dir
}

fn zip_path(dir: &Dir) -> String {
    dir.join(&format!("dist/{NAME}.zip")).display().to_string()
}

#[test]
fn best_compression_is_smaller_and_pinned_too() {
    let dir = Dir::with_app();
    let words = |n: u32| format!("word{} ", n.wrapping_mul(2_654_435_761) >> 24);
    dir.write("code/app.py", (0..50_000).map(words).collect::<String>());
    let build = |args: &[&str]| dir.command(["build", "--json"]).args(args.iter().copied()).ok().json()[0].clone();
    let standard = build(&[]);
    let best = build(&["--compression", "best"]);
    assert_eq!(best["source_hash"], standard["source_hash"]);
    assert!(best["size_bytes"].as_u64() < standard["size_bytes"].as_u64());
    assert_eq!(best["code_sha256"], "vXNzfLIGrXg+UeDv4kUm0bTHQqzBQIIKZRXNVhc7xfU=");
    // The cache holds blocks of both kinds by now, and gives each its own.
    assert_eq!(build(&["--compression", "best"])["code_sha256"], best["code_sha256"]);
    assert_eq!(build(&[])["code_sha256"], standard["code_sha256"]);
    dir.write("lambda-pack.toml", "compression = \"best\"\n");
    assert_eq!(build(&[])["code_sha256"], best["code_sha256"]);
    assert_eq!(
        build(&["--compression", "standard"])["code_sha256"],
        standard["code_sha256"]
    );
    // What is published stays.
    let upload = |args: &[&str]| dir.command(["upload", "--json"]).args(args.iter().copied()).ok().json()[0].clone();
    assert_eq!(upload(&[])["code_sha256"], best["code_sha256"]);
    let again = upload(&["--compression", "standard"]);
    assert_eq!(again["status"], "unchanged");
    assert_eq!(again["code_sha256"], best["code_sha256"]);
}

#[test]
fn the_bytes_are_pinned_and_depend_on_the_content_alone() {
    let one = project(&[0, 1, 2, 3, 4]);
    let built = one
        .command(["build", "--json", "--jobs", "1", "--color", "never"])
        .ok()
        .json();
    let bytes = fs::read(zip_path(&one)).unwrap();
    assert_eq!(built[0]["code_sha256"], "g/NsiZq78eOCdrCUm8efIE/aPnw2Uyv1RKeI4OMnwHs=");
    assert_eq!(built[0]["size_bytes"], bytes.len());
    assert_eq!(built[0]["entries"], 6);
    assert_eq!(built[0]["status"], "built");

    // Another root, order of creation, time, mode, time zone, umask, number of threads, and colour.
    let two = project(&[4, 2, 0, 3, 1]);
    two.chmod(&format!("code/{NAME}/app.py"), 0o664);
    let old = fs::File::open(two.join(&format!("code/{NAME}/app.py"))).unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    two.command(["build", "--jobs", "8", "--color", "always"])
        .env("TZ", "Pacific/Kiritimati")
        .ok();
    assert!(bytes == fs::read(zip_path(&two)).unwrap());
}

#[test]
fn a_second_build_leaves_the_file_alone() {
    let dir = Dir::with_app();
    assert_eq!(dir.command(["build", "--json"]).ok().statuses(), ["built"]);
    let before = fs::metadata(dir.join("dist/app.zip")).unwrap().modified().unwrap();
    assert_eq!(dir.command(["build", "--json"]).ok().statuses(), ["unchanged"]);
    assert_eq!(
        fs::metadata(dir.join("dist/app.zip")).unwrap().modified().unwrap(),
        before
    );
    dir.write("code/app.py", "changed");
    assert_eq!(dir.command(["build", "--json"]).ok().statuses(), ["built"]);
}

#[test]
fn everybody_reads_it_and_finds_what_the_manifest_lists() {
    let dir = project(&[0, 1, 2, 3, 4]);
    dir.command(["build"]).ok();
    let zip = zip_path(&dir);
    let hashed = dir.command(["hash", "--json", &format!("code/{NAME}")]).ok();
    let expected = hashed.entry_paths();

    run("unzip", &["-tqq", &zip]);
    let python = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print('\\n'.join(z.namelist()))";
    assert_eq!(
        run(&*PYTHON, &["-c", python, &zip]).lines().collect::<Vec<_>>(),
        expected
    );
    assert_eq!(
        run(tool("bsdtar"), &["-tf", &zip]).lines().collect::<Vec<_>>(),
        expected
    );

    // Unpacked, it is the source again: kinds, bits, contents and links.
    run("unzip", &["-qq", &zip, "-d", dir.join("unzipped").to_str().unwrap()]);
    let again = dir.command(["hash", "--json", "unzipped"]).ok().json();
    assert_eq!(again["entries"], hashed.json()["entries"]);
}

#[test]
fn headers_are_those_of_the_format() {
    let dir = project(&[0, 1, 2, 3, 4]);
    dir.command(["build"]).ok();
    let python = r#"
import struct, sys, zipfile
data = open(sys.argv[1], "rb").read()
for info in zipfile.ZipFile(sys.argv[1]).infolist():
    assert info.date_time == (1980, 2, 1, 0, 0, 0), info
    assert (info.create_system, info.create_version, info.extract_version) == (3, 30, 20), info
    assert info.flag_bits == (0 if info.filename.isascii() else 1 << 11), info
    assert info.extra == b"" and info.comment == b"", info
    mode = info.external_attr >> 16
    assert mode == {"bin/tool": 0o100755, "data/tool": 0o120777}.get(info.filename, 0o100644), info
    deflated = info.filename in ("app.py", "data/large", "data/noise")
    assert info.compress_type == (8 if deflated else 0), info
    assert (info.compress_size < info.file_size) == deflated, info
    assert struct.unpack_from("<I", data, info.header_offset)[0] == 0x04034B50
    local_flags = struct.unpack_from("<H", data, info.header_offset + 6)[0]
    assert local_flags == info.flag_bits
"#;
    run(&*PYTHON, &["-c", python, &zip_path(&dir)]);
}

#[test]
fn only_the_named_functions_are_built() {
    let dir = Dir::with_app();
    dir.write("lambda-json/other.json", r#"{"source": "app.py"}"#);
    let rows = dir.command(["build", "other", "--json"]).ok().json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert!(!dir.join("dist/app.zip").exists());
    dir.command(["build", "othr"])
        .fails(2, &["no function is named `othr`", "did you mean `other`?"]);
}

#[test]
fn a_package_has_the_mode_that_the_umask_says() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::with_app();
    dir.command(["build"]).ok();
    let mode = fs::metadata(dir.join("dist/app.zip")).unwrap().permissions().mode();
    let plain = fs::metadata(dir.write("plain", "")).unwrap().permissions().mode();
    assert_eq!(mode, plain);
}
