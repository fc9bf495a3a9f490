//! Random changes: what `affected` says of them, against hashing everything before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::{LOCK, commit, git, of_files, project, since};
use crate::support::Dir;

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

/// One random change. Returns whether it is of a kind for which `affected` may name too many: of ignore files and links it isn't
/// known what they said before.
fn change(dir: &Dir, random: &mut fastrand::Rng) -> bool {
    let mut files: Vec<String> = dir
        .snapshot()
        .iter()
        .map(|(path, _)| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned())
        .collect();
    files.retain(|path| !path.starts_with(".git/") && path != ".gitignore");
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
        _ if path.starts_with("lambda-json/") => {
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
        _ if path == "code/current" => {
            fs::remove_file(&file).unwrap();
            dir.symlink(["v1", "v2"][random.usize(..2)], path);
            true
        }
        _ if is_link => false,
        _ => {
            let lock = format!("{LOCK}# {}\n", random.u8(..3));
            let content = match path {
                "code/locks/d.txt" | "code/k/requirements.txt" => lock,
                path if path.ends_with("ignore") => ["skip/\n", "*.py\n", "!*.py\n"][random.usize(..3)].to_owned(),
                _ => random.u8(..3).to_string(),
            };
            dir.write(path, content);
            decides_others
        }
    }
}

/// None is missed, and no more are named than differ.
#[test]
fn random_changes_touch_what_hashing_everything_says() {
    const ROUNDS: u64 = 16;
    let (mut touched, mut untouched, mut inexact) = (0, 0, 0);
    let dir = project();
    commit(&dir);
    let mut before = hashed(&dir);
    for seed in 0..ROUNDS {
        let mut random = fastrand::Rng::with_seed(seed);
        let changes = random.usize(1..5);
        let may_name_more = (0..changes).fold(false, |more, _| change(&dir, &mut random) | more);
        if random.bool() {
            git(dir.path(), &["add", "--all"]);
        }
        let files = git(dir.path(), &["diff", "--name-only", "--no-renames", "-z", "HEAD"])
            + &git(dir.path(), &["ls-files", "-z", "--others", "--exclude-standard"]);
        let after = hashed(&dir);
        let found: BTreeSet<String> = since(&dir, "HEAD").into_iter().collect();
        let of_files: BTreeSet<String> = of_files(&dir, &files).into_iter().collect();
        let what = git(dir.path(), &["status", "--short", "--untracked-files=all"]);
        assert!(
            found.is_subset(&of_files),
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
                !is_named || differs || may_name_more,
                "seed {seed}: `{name}` is too many\n{what}"
            );
        }
        commit(&dir);
        before = after;
        if before.values().any(Option::is_none) {
            // Each round of what is broken takes longer, and tells less.
            git(dir.path(), &["rm", "--quiet", "-r", "--", "."]);
            git(dir.path(), &["checkout", "--quiet", &first(&dir), "--", "."]);
            commit(&dir);
            before = hashed(&dir);
        }
    }
    // The rounds are not all alike.
    assert!(
        touched > 20 && untouched > 80 && inexact < touched / 4,
        "{touched} {untouched} {inexact}"
    );
}

fn first(dir: &Dir) -> String {
    git(dir.path(), &["rev-list", "--max-parents=0", "HEAD"])
        .trim()
        .to_owned()
}
