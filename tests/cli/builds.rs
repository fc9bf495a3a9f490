//! `build` in definitions: real installers, and the registries that this machine is set up for.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::support::{BINARY, Dir, Run, TestCommand, on_small_disk, run, tool};

const REQUIREMENTS: &str = include_str!("../fixtures/python/requirements.txt");
const PACKAGE: &str = include_str!("../fixtures/node/package.json");
const PACKAGE_LOCK: &str = include_str!("../fixtures/node/package-lock.json");

/// Of ELF's `e_machine`: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
pub const X86_64: u16 = 62;
pub const AARCH64: u16 = 183;

fn python_project(runtime: &str, architecture: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.py", "import pydantic, requests\n");
    dir.write("code/app/requirements.txt", REQUIREMENTS);
    define(&dir, "python", runtime, architecture);
    dir
}

fn node_project(architecture: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/app.mjs", "import ms from 'ms';\n");
    dir.write("code/app/package.json", PACKAGE);
    dir.write("code/app/package-lock.json", PACKAGE_LOCK);
    define(&dir, "node", "nodejs22.x", architecture);
    dir
}

fn define(dir: &Dir, ecosystem: &str, runtime: &str, architecture: &str) {
    dir.write(
        "lambda-json/app.json",
        format!(
            r#"{{"runtime": "{runtime}", "handler": "app.handler", "architectures": ["{architecture}"],
                "source": "app", "build": {{"type": "{ecosystem}"}}}}"#
        ),
    );
}

/// The row of `build`, after a build in this cache.
pub fn build(dir: &Dir, cache: &Dir, args: &[&str]) -> serde_json::Value {
    build_command(dir, cache).args(args.iter().copied()).ok().json()[0].clone()
}

pub fn build_command(dir: &Dir, cache: &Dir) -> TestCommand {
    dir.command(["build", "--json"]).env("XDG_CACHE_HOME", cache.path())
}

/// The digest of the code that Lambda would see.
pub fn code_sha256(dir: &Dir, cache: &Dir, args: &[&str]) -> String {
    build(dir, cache, args)["code_sha256"].as_str().unwrap().to_owned()
}

pub fn source_hash(dir: &Dir) -> String {
    let answer = dir.command(["external", "hash"]).stdin("{}").ok().json();
    answer["hash"].as_str().unwrap().to_owned()
}

/// Names in the package, and the machine of each ELF file.
pub fn contents(dir: &Dir) -> (Vec<String>, Vec<u16>) {
    contents_of(dir, "app")
}

fn contents_of(dir: &Dir, name: &str) -> (Vec<String>, Vec<u16>) {
    let zip = dir.join(&format!("dist/{name}.zip"));
    let mut zip = zip::ZipArchive::new(fs::File::open(zip).unwrap()).unwrap();
    let (mut names, mut machines) = (Vec::new(), Vec::new());
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if content.starts_with(b"\x7fELF") {
            machines.push(u16::from_le_bytes([content[18], content[19]]));
        }
        names.push(entry.name().unwrap().into_owned());
    }
    (names, machines)
}

/// A `PATH` with what programs need, but for these.
pub fn path_without(hidden: &[&str]) -> (Dir, String) {
    let dir = Dir::new();
    let path = std::env::var_os("PATH").unwrap();
    for directory in std::env::split_paths(&path) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap_or_default();
            let link = dir.join(&name);
            if !hidden.contains(&name.as_str()) && fs::symlink_metadata(&link).is_err() {
                std::os::unix::fs::symlink(entry.path(), link).unwrap();
            }
        }
    }
    let path = dir.path().display().to_string();
    (dir, path)
}

#[test]
fn python_dependencies_are_those_of_the_function_not_of_this_machine() {
    let cache = Dir::new();
    let mut hashes = Vec::new();
    for (runtime, architecture, machine, tag) in [
        ("python3.12", "x86_64", X86_64, "cpython-312-x86_64"),
        ("python3.12", "arm64", AARCH64, "cpython-312-aarch64"),
        ("python3.13", "x86_64", X86_64, "cpython-313-x86_64"),
        ("python3.13", "arm64", AARCH64, "cpython-313-aarch64"),
    ] {
        let dir = python_project(runtime, architecture);
        let row = build(&dir, &cache, &[]);
        let (names, machines) = contents(&dir);
        for expected in ["app.py", "requests/__init__.py", "pydantic/main.py", "requirements.txt"] {
            assert!(names.iter().any(|name| name == expected), "{expected}: {names:?}");
        }
        assert!(names.iter().any(|name| name.contains(tag)), "{tag}: {names:?}");
        assert!(
            !machines.is_empty() && machines.iter().all(|it| *it == machine),
            "{machines:?}"
        );
        let varying = |name: &&String| {
            [".pyc", "INSTALLER", "REQUESTED", "direct_url.json", ".lock"]
                .iter()
                .any(|end| name.ends_with(end))
        };
        assert_eq!(names.iter().find(varying), None);
        assert_eq!(row["entries"], names.len());
        assert_eq!(row["source_hash"], build(&dir, &cache, &[])["source_hash"]);
        hashes.push(source_hash(&dir));
        // A second build, elsewhere, from nothing, with another umask.
        let again = python_project(runtime, architecture);
        let first = row["code_sha256"].as_str().unwrap();
        let script = format!(
            "cd '{}'; umask 077; '{BINARY}' build --json --no-cache",
            again.path().display()
        );
        let second: serde_json::Value = serde_json::from_str(&run("sh", &["-c", &script])).unwrap();
        assert_eq!(second[0]["code_sha256"], first);
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 4, "each has a source hash of its own");
}

#[test]
fn uv_and_pip_install_the_same() {
    let uv = tool("uv");
    let with_uv = format!("{}:{}", uv.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let (_hidden, without_uv) = path_without(&["uv"]);
    let [one, two] = [with_uv, without_uv].map(|path| {
        let dir = python_project("python3.13", "x86_64");
        let run = build_command(&dir, &Dir::new()).env("PATH", path).ok();
        let row = run.json()[0].clone();
        (contents(&dir).0, row["code_sha256"].clone())
    });
    assert_eq!(one.0, two.0);
    assert_eq!(one.1, two.1);
}

#[test]
fn a_change_of_code_installs_nothing() {
    let cache = Dir::new();
    let dir = python_project("python3.13", "x86_64");
    let first = build(&dir, &cache, &[]);
    dir.write("code/app/app.py", "print('changed')\n");
    // Without any installer.
    let run = build_command(&dir, &cache).env("PATH", "/nonexistent").ok();
    let second = run.json()[0].clone();
    assert_ne!(first["source_hash"], second["source_hash"]);
    assert_eq!(first["entries"], second["entries"]);
}

#[test]
fn what_decides_a_build_is_in_the_source_hash() {
    let dir = python_project("python3.13", "x86_64");
    let before = source_hash(&dir);
    let lock = dir.join("code/app/requirements.txt");
    fs::File::options()
        .write(true)
        .open(&lock)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(source_hash(&dir), before, "touched");
    assert_eq!(
        source_hash(&python_project("python3.13", "x86_64")),
        before,
        "elsewhere"
    );
    assert_ne!(
        source_hash(&python_project("python3.13", "arm64")),
        before,
        "another architecture"
    );
    assert_ne!(
        source_hash(&python_project("python3.12", "x86_64")),
        before,
        "another runtime"
    );
    dir.write(
        "code/app/requirements.txt",
        REQUIREMENTS.replace("idna==3.20", "idna==3.19"),
    );
    assert_ne!(source_hash(&dir), before, "another version");
}

/// Also where the lock file isn't packed.
#[test]
fn a_lock_file_outside_of_the_source_counts() {
    let dir = python_project("python3.13", "x86_64");
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": {"path": "app", "exclude": ["*.txt"]},
            "build": {"type": "python", "lock": "locks/all.txt"}}"#,
    );
    dir.write("code/locks/all.txt", REQUIREMENTS);
    let before = source_hash(&dir);
    dir.write("code/locks/all.txt", format!("{REQUIREMENTS}# more\n"));
    assert_ne!(source_hash(&dir), before);
}

#[test]
fn node_dependencies_are_those_of_the_function_not_of_this_machine() {
    let cache = Dir::new();
    for (architecture, machine, package) in [
        ("x86_64", X86_64, "node_modules/@esbuild/linux-x64/bin/esbuild"),
        ("arm64", AARCH64, "node_modules/@esbuild/linux-arm64/bin/esbuild"),
    ] {
        let dir = node_project(architecture);
        let first = code_sha256(&dir, &cache, &[]);
        let (names, machines) = contents(&dir);
        assert!(names.iter().any(|name| name == package), "{names:?}");
        assert!(names.iter().any(|name| name == "node_modules/ms/index.js"), "{names:?}");
        assert!(
            !names.iter().any(|name| name.contains("left-pad")),
            "for development only"
        );
        assert!(
            !names.iter().any(|name| name.contains(".package-lock.json")),
            "npm's notes"
        );
        assert_eq!(machines, [machine]);
        assert_eq!(
            code_sha256(&node_project(architecture), &Dir::new(), &["--no-cache"]),
            first
        );
    }
}

#[test]
fn a_layer_has_its_dependencies_where_runtimes_look() {
    let dir = python_project("python3.13", "arm64");
    dir.write(
        "lambda-json/app.json",
        r#"{"type": "layer", "compatible_runtimes": ["python3.13"], "architectures": ["arm64"],
            "source": {"path": "app", "include": []}, "build": {"type": "python"}}"#,
    );
    build(&dir, &Dir::new(), &[]);
    let (names, _) = contents(&dir);
    assert!(names.iter().all(|name| name.starts_with("python/")), "{names:?}");
    assert!(names.iter().any(|name| name == "python/requests/__init__.py"));
}

#[test]
fn an_upload_has_the_dependencies_and_their_entries() {
    let dir = node_project("x86_64");
    let built = build(&dir, &Dir::new(), &[]);
    let uploaded = dir.command(["upload", "--json"]).ok().json()[0].clone();
    for key in ["source_hash", "code_sha256", "entries", "unzipped_bytes", "size_bytes"] {
        assert_eq!(uploaded[key], built[key], "{key}");
    }
    let manifests = dir.join(".lambda-pack/store/manifests/app");
    let manifest = fs::read_dir(manifests).unwrap().next().unwrap().unwrap().path();
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    assert_eq!(manifest["entries"].as_array().unwrap().len(), 3);
    assert_eq!(manifest["package_entries"].as_array().unwrap().len(), built["entries"]);
    assert_eq!(manifest["build_inputs"]["type"], "node");
    assert_eq!(dir.command(["upload", "--json"]).ok().json()[0]["status"], "unchanged");
}

#[test]
fn what_is_not_locked_is_refused() {
    let dir = python_project("python3.13", "x86_64");
    dir.write("code/app/requirements.txt", "requests\n");
    dir.command(["validate"]).fails(
        3,
        &[
            "code/app/requirements.txt:1: `requests` is not locked",
            "requirements.in",
            "lambda-pack lock",
        ],
    );
    fs::remove_file(dir.join("code/app/requirements.txt")).unwrap();
    dir.command(["validate"]).fails(
        3,
        &[
            "its dependencies are not locked",
            "`code/app`",
            "lambda-pack lock app",
            "uv lock",
        ],
    );
    let dir = node_project("x86_64");
    fs::remove_file(dir.join("code/app/package-lock.json")).unwrap();
    dir.command(["external", "hash"])
        .stdin("{}")
        .fails(3, &["`package-lock.json`", "npm install --package-lock-only"]);
    let dir = python_project("nodejs22.x", "x86_64");
    dir.command(["validate"]).fails(3, &["needs one runtime", "python3.13"]);
}

#[test]
fn a_failing_installer_is_quoted_and_spoils_nothing() {
    let cache = Dir::new();
    // npm finds out that the two don't match.
    let dir = node_project("x86_64");
    dir.write("code/app/package.json", PACKAGE.replace("2.1.3", "2.1.2"));
    dir.write("code/fine.py", "");
    dir.write("lambda-json/fine.json", r#"{"source": "fine.py"}"#);
    let failed = build_command(&dir, &cache).run();
    assert_eq!(failed.code, 1, "{failed:?}");
    for word in ["function `app`", "npm", "package-lock.json", "all of its output is in"] {
        assert!(failed.stderr.contains(word), "{word}: {failed:?}");
    }
    assert_eq!(failed.json()[0]["name"], "fine");
    assert!(dir.join("dist/fine.zip").exists() && !dir.join("dist/app.zip").exists());
    // No wheel for this Python.
    let dir = python_project("python3.13", "x86_64");
    dir.write(
        "code/app/requirements.txt",
        "uwsgi==2.0.30 --hash=sha256:c12aa652124f062ac216077da59f6d247bd7ef938234445881552e58afb1eb5f\n",
    );
    build_command(&dir, &cache).fails(1, &["function `app`", "uwsgi"]);
    // Nobody there to download from.
    let dir = python_project("python3.13", "x86_64");
    build_command(&dir, &cache)
        .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        .env("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        .env("UV_INDEX_URL", "http://127.0.0.1:9/simple")
        .env("UV_HTTP_RETRIES", "0")
        .env("PIP_RETRIES", "0")
        .fails(1, &["function `app`"]);
    // Nobody there to install.
    build_command(&dir, &cache)
        .env("PATH", "/nonexistent")
        .fails(1, &["neither uv nor pip is installed", "https://docs.astral.sh/uv/"]);
    let left: Vec<_> = cache.snapshot().into_iter().filter(|(path, _)| is_tree(path)).collect();
    assert!(left.is_empty(), "{:?}", left.first());
}

/// Something in an installed tree, rather than a lock or a log beside it.
fn is_tree(path: &Path) -> bool {
    path.iter().any(|part| part == "dependencies") && !path.extension().is_some_and(|it| it == "lock" || it == "log")
}

/// What was installed from another lock file is never kept under the digest of the one that was hashed.
#[test]
fn a_lock_file_that_changes_while_it_is_installed_is_refused() {
    let cache = Dir::new();
    let dir = python_project("python3.13", "x86_64");
    let lock = dir.join("code/app/requirements.txt");
    let bin = Dir::new();
    bin.write("uv", format!("#!/bin/sh\necho '# more' >> '{}'\n", lock.display()));
    bin.chmod("uv", 0o755);
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    build_command(&dir, &cache)
        .env("PATH", path)
        .fails(3, &["function `app`", "requirements.txt", "changed while it was read"]);
    let left: Vec<_> = cache.snapshot().into_iter().filter(|(path, _)| is_tree(path)).collect();
    assert!(left.is_empty(), "{:?}", left.first());
}

#[test]
fn two_processes_share_an_installation() {
    let cache = Dir::new();
    let dirs = [
        python_project("python3.13", "x86_64"),
        python_project("python3.13", "x86_64"),
    ];
    let children = dirs
        .each_ref()
        .map(|dir| build_command(dir, &cache).args(["-v"]).spawn());
    let runs = children.map(|child| Run::new(child.wait_with_output().unwrap()));
    let installing = runs.iter().filter(|run| run.stderr.contains("installing")).count();
    assert_eq!(installing, 1, "{runs:?}");
    assert_eq!(runs[0].json()[0]["code_sha256"], runs[1].json()[0]["code_sha256"]);
}

#[test]
fn an_interrupted_installation_leaves_nothing() {
    let cache = Dir::new();
    let dir = python_project("python3.13", "x86_64");
    // An installer that never ends.
    let bin = Dir::new();
    bin.write("uv", "#!/bin/sh\nexec sleep 600\n");
    bin.chmod("uv", 0o755);
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    let child = build_command(&dir, &cache).env("PATH", path).spawn();
    let place = cache.join("lambda-pack/dependencies");
    crate::faults::wait_for("the installer", || {
        fs::read_dir(&place).is_ok_and(|entries| {
            entries
                .flatten()
                .any(|entry| entry.path().extension().is_some_and(|it| it == "log"))
        })
    });
    run("kill", &["-TERM", &child.id().to_string()]);
    let run = Run::new(child.wait_with_output().unwrap());
    assert_eq!(run.code, 130, "{run:?}");
    let left: Vec<_> = cache.snapshot().into_iter().filter(|(path, _)| is_tree(path)).collect();
    assert!(left.is_empty(), "{:?}", left.first());
    assert_eq!(fs::read_dir(dir.join("dist")).map_or(0, Iterator::count), 0);
}

/// Before a layer is published its dependencies are installed to know their size; then its record tells.
#[test]
fn the_dependencies_of_a_layer_count_for_functions() {
    let cache = Dir::new();
    let dir = python_project("python3.13", "x86_64");
    dir.write(
        "lambda-json/libraries.json",
        r#"{"type": "layer", "compatible_runtimes": ["python3.13"],
            "source": {"path": "app", "include": ["requirements.txt"]}, "build": {"type": "python"}}"#,
    );
    dir.write("code/large/app.py", "import pydantic\n");
    dir.write("code/large/model.bin", vec![0; 248 * 1024 * 1024]);
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "large", "layers": ["libraries"]}"#,
    );
    let command = |args: &[&'static str]| dir.command(args.iter().copied()).env("XDG_CACHE_HOME", cache.path());
    let expected = ["function `app`", "Lambda takes at most 262144000", "layer libraries"];
    command(&["validate"]).ok();
    let installed = command(&["upload", "app"]).fails(3, &expected);
    command(&["upload", "libraries"]).ok();
    let (_bin, path) = path_without(&["uv", "pip", "pip3", "python3"]);
    let recorded = dir
        .command(["upload", "app"])
        .env("XDG_CACHE_HOME", dir.join("no-cache-yet"))
        .env("PATH", path);
    assert_eq!(recorded.fails(3, &expected).stderr, installed.stderr);
}

/// What the function's package lacks is in the layer, where the runtime looks.
#[test]
fn dependencies_split_off_are_packed_apart() {
    let cache = Dir::new();
    let dir = python_project("python3.13", "x86_64");
    dir.write(
        "lambda-json/app.json",
        r#"{"runtime": "python3.13", "handler": "app.handler", "source": "app",
            "build": {"type": "python", "dependencies": "layer"}}"#,
    );
    dir.command(["upload"]).env("XDG_CACHE_HOME", cache.path()).ok();
    dir.command(["build"]).env("XDG_CACHE_HOME", cache.path()).ok();
    let (names, _) = contents(&dir);
    assert_eq!(names, ["app.py", "requirements.txt"]);
    let (names, machines) = contents_of(&dir, "app-dependencies");
    assert!(names.iter().all(|name| name.starts_with("python/")), "{names:?}");
    assert!(
        names.iter().any(|name| name == "python/requests/__init__.py"),
        "{names:?}"
    );
    assert!(
        machines.iter().all(|it| *it == X86_64) && !machines.is_empty(),
        "{machines:?}"
    );
}

/// A file system of its own with less room than the dependencies need. Making one takes root and `mount`.
#[test]
fn a_full_disk_while_installing_is_named_and_spoils_nothing() {
    let dir = python_project("python3.13", "x86_64");
    let script = format!(
        "export XDG_CACHE_HOME=$PWD/small
         '{BINARY}' build; echo build $?
         find small -name pydantic | wc -l
         mount -o remount,size=64m small
         '{BINARY}' build --quiet > table; echo build $?"
    );
    let Some(run) = on_small_disk(dir.path(), Path::new("small"), "size=2m", &script) else {
        return;
    };
    assert_eq!(run.stdout, "build 1\n0\nbuild 0\n", "{run:?}");
    assert!(run.stderr.contains("free space on the disk"), "{run:?}");
}
