//! Each of twenty kinds in each of five places: what becomes of it is the table in `docs/secrets.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use serde_json::json;

use super::hides;
use super::kinds::{KINDS, core, token};
use crate::support::{Dir, sha256};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/secrets.md");
const MARK: &str = "<!-- What follows is written by `make leaks-table`. -->\n";

/// Where a secret may be planted.
#[derive(Clone, Copy)]
enum Place {
    Code,
    Environment,
    Assets,
    Layer,
    /// `bundle.json`, through the version of the application.
    Manifest,
}

const PLACES: [(Place, &str); 5] = [
    (Place::Code, "code"),
    (Place::Environment, "environment"),
    (Place::Assets, "assets"),
    (Place::Layer, "layer"),
    (Place::Manifest, "manifest"),
];

impl Place {
    /// A project in which all kinds are declared, by a profile, and this one is planted.
    fn plant(self, kind: &str) -> Dir {
        let dir = Dir::new();
        let token = token(kind);
        let held = |is_here: bool| if is_here { format!("{token}\n") } else { String::new() };
        let code = format!(
            "def handler(event, context):\n    return event\n\"\"\"\n{}\"\"\"\n",
            held(matches!(self, Place::Code))
        );
        dir.write("code/app/app.py", code);
        dir.write(
            "code/shared/python/shared.py",
            format!("\"\"\"\n{}\"\"\"\n", held(matches!(self, Place::Layer))),
        );
        let asset = dir.write(
            "models/model.txt",
            format!("weights\n{}", held(matches!(self, Place::Assets))),
        );
        let asset =
            json!({"url": "file:models/model.txt", "path": "model.txt", "sha256": sha256(&fs::read(asset).unwrap())});
        let setting = match self {
            Place::Environment => &token,
            _ => "plain",
        };
        let app = json!({
            "runtime": "python3.13", "handler": "app.handler", "source": "app", "layers": ["shared"], "assets": [asset],
            "environment": {"SETTING": setting},
        });
        dir.write("lambda-json/app.json", app.to_string());
        dir.write(
            "lambda-json/shared.json",
            json!({"type": "layer", "source": "shared"}).to_string(),
        );
        let version = match self {
            Place::Manifest => &token,
            _ => "1.0",
        };
        let version = serde_json::to_string(version).unwrap();
        let mut settings = format!("[application]\nname = \"shop\"\nversion = {version}\n\n[profiles.prod]\n");
        for kind in KINDS {
            write!(
                settings,
                "\n[[profiles.prod.secrets]]\nid = \"the-{kind}\"\nclass = \"infrastructure\"\nkind = \"{kind}\"\nreason = \"no function needs it\"\n"
            )
            .unwrap();
        }
        dir.write("lambda-pack.toml", settings);
        dir
    }

    /// The commands that look there.
    fn commands(self) -> &'static [&'static [&'static str]] {
        const EXPORT: &[&str] = &["bundle", "export", "-vvv"];
        const BUILD: &[&str] = &["build", "-vvv", "--json"];
        const UPLOAD: &[&str] = &["upload", "-vvv"];
        const VALIDATE: &[&str] = &["validate", "--json"];
        const PLAN: &[&str] = &["external", "hash"];
        match self {
            Place::Environment => &[VALIDATE, PLAN, BUILD, UPLOAD, EXPORT],
            Place::Code | Place::Layer => &[VALIDATE, BUILD, UPLOAD, EXPORT],
            // An asset is downloaded when a package is made.
            Place::Assets => &[BUILD, UPLOAD, EXPORT],
            Place::Manifest => &[EXPORT],
        }
    }

    /// The exit codes of these commands, each once, and how many gave it. Each names the secret, none shows it, and nothing is
    /// left of it.
    fn outcome(self, kind: &str) -> String {
        let dir = self.plant(kind);
        let id = format!("infrastructure secret `the-{kind}` found");
        let mut codes = BTreeMap::<i32, usize>::new();
        for args in self.commands() {
            let args = args.iter().copied().chain(["--deployment-profile", "prod"]);
            let run = dir.command(args).stdin("{}").run();
            *codes.entry(run.code).or_default() += 1;
            assert!(run.stderr.contains(&id), "{kind}: {run:?}");
            hides(&run, &core(kind));
        }
        for (file, content) in dir.snapshot() {
            let file = file.strip_prefix(dir.path()).unwrap();
            let is_written = file.starts_with("dist") || file.starts_with(".lambda-pack");
            let has_secret = String::from_utf8_lossy(&content).contains(&core(kind));
            assert!(!is_written || !has_secret, "{kind} is in {}", file.display());
        }
        // Of the function and the layer the other one may have been built.
        assert!(!dir.join("dist/bundle.json").exists(), "{kind}");
        let codes = codes.iter().map(|(code, count)| format!("exit {code} × {count}"));
        codes.collect::<Vec<_>>().join(", ")
    }
}

#[test]
fn without_a_secret_all_of_it_passes() {
    let dir = Place::Code.plant(KINDS[0]);
    dir.write("code/app/app.py", "def handler(event, context):\n    return event\n");
    for (place, _) in PLACES {
        for args in place.commands() {
            let args = args.iter().copied().chain(["--deployment-profile", "prod"]);
            dir.command(args).stdin("{}").ok();
        }
    }
}

#[test]
fn each_kind_is_refused_in_each_place() {
    // Of each place, of each kind.
    let outcomes: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads = PLACES.map(|(place, name)| {
            let outcomes = move || KINDS.into_iter().map(|kind| place.outcome(kind)).collect();
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread.spawn_scoped(scope, outcomes).unwrap()
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for ((place, name), outcomes) in PLACES.iter().zip(&outcomes) {
        let refused = format!("exit 3 × {}", place.commands().len());
        assert!(
            outcomes.iter().all(|outcome| *outcome == refused),
            "{name}: {outcomes:?}"
        );
    }
    let names = PLACES.map(|(_, name)| name);
    let mut table = format!(
        "| kind | {} |\n| --- |{}\n",
        names.join(" | "),
        " --- |".repeat(PLACES.len())
    );
    for (index, kind) in KINDS.iter().enumerate() {
        let cells: Vec<&str> = outcomes.iter().map(|of_place| of_place[index].as_str()).collect();
        writeln!(table, "| `{kind}` | {} |", cells.join(" | ")).unwrap();
    }
    let page = fs::read_to_string(PAGE).unwrap();
    let (head, written) = page.split_once(MARK).unwrap();
    if std::env::var_os("WRITE_LEAKS_TABLE").is_some() {
        fs::write(PAGE, format!("{head}{MARK}\n{table}")).unwrap();
    } else {
        assert_eq!(written.trim(), table.trim(), "make leaks-table");
    }
}
