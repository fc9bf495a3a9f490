//! Random changes: what `affected` says of them, against hashing everything before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::{LOCK, commit, git, project, since};
use crate::support::{Dir, run};

/// What can be compared of each function: source hash, definition and layers. `None` for what can't be hashed.
fn hashed(dir: &Dir) -> BTreeMap<String, Option<Value>> {
    let ask = |query: Value| {
        let run = dir.command(["external", "hash"]).stdin(query.to_string()).run();
        (run.code == 0).then(|| serde_json::from_str::<Value>(run.json()["packages"].as_str().unwrap()).unwrap())
    };
    let packages: BTreeMap<String, Value> = match ask(json!({})) {
        Some(all) => serde_json::from_value(all).unwrap(),
        None => {
            let names = fs::read_dir(dir.join("lambda-json")).unwrap();
            let names = names.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
            let each =
                names.map(|name| ask(json!({"names": json!([name]).to_string()})).unwrap_or(json!({name: null})));
            each.flat_map(|packages| packages.as_object().unwrap().clone())
                .collect()
        }
    };
    let models = fs::read_dir(dir.join("models")).unwrap().count().to_string()
        + &fs::read_to_string(dir.join("models/m.bin")).unwrap_or_default();
    let with_layers = packages.iter().map(|(name, package)| {
        if package.is_null() {
            return (name.clone(), None);
        }
        let layers = package["definition"]["layers"].as_array().cloned().unwrap_or_default();
        let layers: Vec<&Value> = layers.iter().map(|layer| &packages[layer.as_str().unwrap()]).collect();
        // Builds refuse it once the file is another one.
        let asset = (name == "m").then_some(&models);
        (name.clone(), Some(json!([package, layers, asset])))
    });
    with_layers.collect()
}

/// The project, with its code and definitions behind links, beside others that are nearly the same, and with files that git
/// converts. Names of files are found once more below a directory where one may stand.
fn behind_links() -> Dir {
    let dir = project();
    for file in paths(&dir) {
        if file.starts_with("code/")
            && !dir.join(&file).is_symlink()
            && !file.ends_with("ignore")
            && !file.ends_with(".txt")
        {
            dir.write(&file, format!("{file}\n{file}\n"));
        }
    }
    for (from, to) in [("code", "trees/one/code"), ("lambda-json", "defs/one")] {
        fs::create_dir_all(dir.join(to).parent().unwrap()).unwrap();
        fs::rename(dir.join(from), dir.join(to)).unwrap();
    }
    for (from, to) in [
        ("trees/one", "trees/two"),
        ("defs/one", "defs/two"),
        ("trees", "below/trees"),
    ] {
        fs::create_dir_all(dir.join(to).parent().unwrap()).unwrap();
        let [from, to] = [from, to].map(|path| dir.join(path));
        run("cp", &["-R", from.to_str().unwrap(), to.to_str().unwrap()]);
    }
    dir.write("trees/two/code/a/x.py", "another one\n");
    define_timeout(&dir, "defs/two/b.json", 9);
    dir.symlink("way/code", "code");
    dir.symlink("trees/one", "way");
    dir.symlink("defs/one", "lambda-json");
    dir.write(".gitattributes", "*.md text\n");
    dir
}

fn define_timeout(dir: &Dir, file: &str, timeout: u8) {
    let mut definition: Value = serde_json::from_slice(&fs::read(dir.join(file)).unwrap()).unwrap();
    definition["timeout"] = timeout.into();
    dir.write(file, definition.to_string());
}

/// All files and links, without those of git itself.
fn paths(dir: &Dir) -> Vec<String> {
    let all = dir.snapshot().into_iter();
    let paths = all.map(|(path, _)| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned());
    paths
        .filter(|path| !path.starts_with(".git/") && path != ".gitignore")
        .collect()
}

/// Everything that can be told of each file.
fn state(dir: &Dir) -> BTreeMap<String, (u32, Vec<u8>)> {
    let states = paths(dir).into_iter().map(|path| {
        let file = dir.join(&path);
        let mode = fs::symlink_metadata(&file).unwrap().permissions().mode();
        let content = match fs::read_link(&file) {
            Ok(target) => target.into_os_string().into_encoded_bytes(),
            Err(_no_link) => fs::read(&file).unwrap(),
        };
        (path, (mode, content))
    });
    states.collect()
}

/// Commits everything, and writes the files anew as the commit has them.
fn check_in(dir: &Dir) {
    let top = dir.path();
    let tracked = git(top, &["ls-files", "-z"]);
    for flag in ["--no-assume-unchanged", "--no-skip-worktree"] {
        let files: Vec<&str> = tracked.split('\0').filter(|path| !path.is_empty()).collect();
        git(top, &[["update-index", flag, "--"].as_slice(), &files].concat());
    }
    git(top, &["config", "core.fileMode", "true"]);
    commit(dir);
    for path in git(top, &["ls-files", "-z"])
        .split('\0')
        .filter(|path| !path.is_empty())
    {
        fs::remove_file(dir.join(path)).unwrap();
    }
    git(top, &["checkout", "--quiet", "HEAD", "--", "."]);
}

/// One random change. Returns whether it is of a kind for which `affected` may name too many: of ignore files and links it isn't
/// known what they said before.
fn change(dir: &Dir, random: &mut fastrand::Rng) -> bool {
    match random.u8(..16) {
        0 => return change_links(dir, random),
        1 => return change_what_git_sees(dir, random),
        _ => {}
    }
    let mut files = paths(dir);
    files.retain(|path| !path.starts_with("below/"));
    // Mostly of what is in use.
    if random.u8(..4) > 0 {
        files.retain(|path| !path.contains("/two/"));
    }
    let new = [
        "code/a/skip/n.py",
        "code/a/n.tmp",
        "code/a/n/m.py",
        "code/b/n.md",
        "code/b/n.py",
        "code/shared/n.md",
        "code/shared/log/n.py",
        "code/c/n",
        "code/g/n",
        "code/i/made.py",
        "code/i/n",
        "code/libs/n.go",
        "code/libs/n.md",
        "code/proto/n",
        "code/v1/n",
        "code/v2/n",
        "code/k/uv.lock",
        "code/k/pyproject.toml",
        "code/a/__pycache__/n.pyc",
        "code/a/skip/keep/.lambdaignore",
        "code/n",
        "README.md",
        "code/f/dist/n",
    ];
    let pool: Vec<&str> = files.iter().map(String::as_str).chain(new).collect();
    let path = pool[random.usize(..pool.len())];
    let file = dir.join(path);
    let is_link = file.is_symlink();
    let decides_others = path.ends_with("ignore") || is_link;
    match random.u8(..6) {
        _ if is_link && !path.ends_with("code/current") => false,
        _ if path == ".gitattributes" => change_what_git_sees(dir, random),
        _ if path.starts_with("defs/") => {
            let Ok(text) = fs::read(&file) else { return false };
            let mut definition: Value = serde_json::from_slice(&text).unwrap();
            let glob = ["*.none", "n"][random.usize(..2)];
            match random.u8(..4) {
                0 if definition["type"] != "layer" => definition["timeout"] = random.u8(1..4).into(),
                1 => definition["description"] = json!(["x", "y"][random.usize(..2)]),
                2 if definition["source"].is_string() => {
                    definition["source"] = json!({"path": definition["source"], "exclude": [glob]});
                }
                _ => {}
            }
            fs::write(&file, definition.to_string()).unwrap();
            false
        }
        _ if path == "lambda-pack.toml" => {
            dir.write(path, format!("region = \"eu-west-{}\"\n", random.u8(1..4)));
            false
        }
        0 if !is_link && file.exists() => {
            fs::remove_file(file).unwrap();
            decides_others
        }
        1 if !is_link && file.exists() => {
            dir.chmod(path, if random.bool() { 0o755 } else { 0o644 });
            decides_others
        }
        2 if !is_link && file.exists() => {
            let to = dir.join(&format!("{path}{}", [".md", ".py", ".tmp"][random.usize(..3)]));
            fs::rename(&file, to).unwrap();
            decides_others
        }
        _ if path.ends_with("code/current") => {
            fs::remove_file(&file).unwrap();
            dir.symlink(["v1", "v2"][random.usize(..2)], path);
            true
        }
        3 if file.exists() && !decides_others => {
            // Not binary, and of the other ends of lines.
            let text = fs::read_to_string(&file).unwrap();
            let lines = text.replace("\r\n", "\n");
            dir.write(
                path,
                if lines == text {
                    text.replace('\n', "\r\n")
                } else {
                    lines
                },
            );
            false
        }
        _ => {
            let lock = format!("{LOCK}# {}\n", random.u8(..3));
            let content = match path {
                path if path.ends_with(".txt") => lock,
                path if path.ends_with("ignore") => ["skip/\n", "*.py\n", "!*.py\n"][random.usize(..3)].to_owned(),
                _ => format!("{}\n\n", random.u8(..3)),
            };
            dir.write(path, content);
            decides_others
        }
    }
}

/// Where code and definitions are; with the definitions sometimes the file that decides about all, too.
fn change_links(dir: &Dir, random: &mut fastrand::Rng) -> bool {
    let links = [
        ("code", ["way/code", "trees/two/code"]),
        ("way", ["trees/one", "trees/two"]),
        ("lambda-json", ["defs/one", "defs/two"]),
    ];
    let (link, targets) = links[random.usize(..links.len())];
    fs::remove_file(dir.join(link)).unwrap();
    dir.symlink(targets[random.usize(..2)], link);
    if link == "lambda-json" && random.bool() {
        dir.write(
            "lambda-pack.toml",
            format!("[application]\nversion = \"{}\"\n", random.u8(..)),
        );
    }
    true
}

/// What git converts, or doesn't look at; then something that this hides.
fn change_what_git_sees(dir: &Dir, random: &mut fastrand::Rng) -> bool {
    let tracked = git(
        dir.path(),
        &["ls-files", "-z", "--", "trees/one/*.py", "trees/one/*.go"],
    );
    let tracked: Vec<&str> = tracked.split('\0').filter(|path| dir.join(path).is_file()).collect();
    let Some(path) = tracked.get(random.usize(..tracked.len().max(1))) else {
        return false;
    };
    if dir.join(path).is_symlink() {
        return false;
    }
    match random.u8(..4) {
        0 => {
            git(dir.path(), &["config", "core.fileMode", "false"]);
            dir.chmod(path, 0o755);
            false
        }
        flag @ (1 | 2) => {
            git(
                dir.path(),
                &[
                    "update-index",
                    ["--assume-unchanged", "--skip-worktree"][usize::from(flag) - 1],
                    path,
                ],
            );
            dir.write(path, format!("{}\n", random.u8(..)));
            false
        }
        _ => {
            let all = [
                "* text=auto",
                "*.py text eol=crlf",
                "*.md text",
                "*.go ident\n*.py text=auto",
            ];
            dir.write(".gitattributes", all[random.usize(..all.len())].to_owned() + "\n");
            true
        }
    }
}

/// None is missed, and no more are named than differ.
#[test]
fn random_changes_touch_what_hashing_everything_says() {
    const ROUNDS: u64 = 24;
    let (mut touched, mut untouched, mut inexact) = (0, 0, 0);
    let dir = behind_links();
    commit(&dir);
    let mut before = hashed(&dir);
    for seed in 0..ROUNDS {
        let mut random = fastrand::Rng::with_seed(seed);
        let files_before = state(&dir);
        let changes = random.usize(1..5);
        let may_name_more = (0..changes).fold(false, |more, _| change(&dir, &mut random) | more);
        match random.u8(..3) {
            0 => drop(git(dir.path(), &["add", "--all"])),
            // git notes what it takes for unchanged.
            1 => drop(git(dir.path(), &["status", "--short"])),
            _ => {}
        }
        let files_after = state(&dir);
        let all = files_before.keys().chain(files_after.keys());
        let files: BTreeSet<&str> = all
            .filter(|path| files_before.get(*path) != files_after.get(*path))
            .map(String::as_str)
            .collect();
        let after = hashed(&dir);
        let found: BTreeSet<String> = since(&dir, "HEAD").into_iter().collect();
        let stands = ["", "below", "trees"][random.usize(..3)];
        let list = files.iter().copied().collect::<Vec<_>>().join("\0") + "\0";
        let of_files = dir.command(["affected", "--files", "-"]).current_dir(&dir.join(stands));
        let of_files = of_files.stdin(list).ok().stdout;
        let of_files: BTreeSet<String> = of_files.lines().map(str::to_owned).collect();
        let what = format!("{may_name_more} {files:#?}");
        // Files that stay as they are may be checked out otherwise with other attributes.
        assert!(
            files.contains(".gitattributes") || found.is_subset(&of_files),
            "seed {seed}: {found:?} {of_files:?}\n{what}"
        );
        for (name, state) in &after {
            let differs = match (before.get(name).and_then(Option::as_ref), state) {
                // Nothing is known of what couldn't be hashed.
                (None, None) => continue,
                (before, after) => before != after.as_ref(),
            };
            let is_named = found.contains(name);
            touched += usize::from(differs);
            untouched += usize::from(!differs);
            inexact += usize::from(is_named && !differs);
            assert!(is_named || !differs, "seed {seed}: `{name}` is missed\n{what}");
            assert!(
                of_files.contains(name) || !differs,
                "seed {seed}: `{name}` is missed in a list\n{what}"
            );
            assert!(
                !is_named || differs || may_name_more,
                "seed {seed}: `{name}` is too many\n{what}"
            );
        }
        if after.values().any(Option::is_none) {
            // Each round of what is broken takes longer, and tells less.
            check_in(&dir);
            git(dir.path(), &["rm", "--quiet", "-r", "--", "."]);
            git(dir.path(), &["checkout", "--quiet", &first(&dir), "--", "."]);
        }
        check_in(&dir);
        before = hashed(&dir);
    }
    // The rounds are not all alike.
    assert!(
        touched > 20 && untouched > 80 && inexact < untouched / 4,
        "{touched} {untouched} {inexact}"
    );
}

fn first(dir: &Dir) -> String {
    git(dir.path(), &["rev-list", "--max-parents=0", "HEAD"])
        .trim()
        .to_owned()
}
