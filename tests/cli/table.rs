//! The table in `docs/builds.md`: `make builds-table`.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::runs::{Case, demo_functions, fixtures};
use crate::support::{Dir, TestCommand};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/builds.md");

/// Characters of an answer.
const MOST_SHOWN: usize = 120;

/// Everything above it is written by hand.
const MARK: &str = "<!-- What follows is written by `make builds-table`. -->\n";

#[test]
#[ignore = "takes minutes, and writes a page: make builds-table"]
fn the_table_of_builds() {
    let page = fs::read_to_string(FILE).unwrap();
    let (head, _) = page.split_once(MARK).unwrap();
    let mut hashes = String::from(
        "| function | runtime | source hash | code sha256, two builds | size | answer |\n\
         | --- | --- | --- | --- | ---: | --- |\n",
    );
    let mut times = String::from(
        "| function | runtime | cold | code changed | nothing changed |\n\
         | --- | --- | ---: | ---: | ---: |\n",
    );
    for case in demo_functions().into_iter().chain(fixtures()) {
        measure(&case, &mut hashes, &mut times);
    }
    fs::write(FILE, format!("{head}{MARK}\n{hashes}\n{times}")).unwrap();
}

fn measure(case: &Case, hashes: &mut String, times: &mut String) {
    let (Some(one), Some(two)) = (case.write(), case.write()) else {
        return;
    };
    // Nobody's caches but their own, so that even the downloads are in it.
    let caches = [Dir::new(), Dir::new()];
    let timed = |dir, cache| timed(case, dir, cache);
    let (cold, first) = timed(&one, &caches[0]);
    let (_, second) = timed(&two, &caches[1]);
    let sha256 = first["code_sha256"].as_str().unwrap();
    assert_eq!(second["code_sha256"], sha256, "{}", case.title);
    let answer = case
        .run(&one)
        .map_or("not run here".to_owned(), |answer| answer.to_string());
    let code = one.join(&format!("code/{}", case.code));
    let changed = [fs::read(&code).unwrap(), b"\n".to_vec()].concat();
    fs::write(&code, changed).unwrap();
    let (after_change, third) = timed(&one, &caches[0]);
    assert_ne!(third["source_hash"], first["source_hash"], "{}", case.title);
    let (unchanged, fourth) = timed(&one, &caches[0]);
    assert_eq!(fourth["status"], "unchanged", "{}", case.title);

    let definition = case.definition(&one);
    let (title, runtime) = (case.title, definition["runtime"].as_str().unwrap());
    let source_hash = &first["source_hash"].as_str().unwrap()[..16];
    let kilobytes = first["size_bytes"].as_u64().unwrap().div_ceil(1024);
    let answer = match answer.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &answer[..end]),
        None => answer,
    };
    let answer = answer.replace('|', "\\|");
    writeln!(
        hashes,
        "| {title} | {runtime} | `{source_hash}…` | `{sha256}`, twice | {kilobytes} KiB | `{answer}` |"
    )
    .unwrap();
    writeln!(times, "| {title} | {runtime} | {cold} | {after_change} | {unchanged} |").unwrap();
}

/// How long a build takes, and its row.
fn timed(case: &Case, dir: &Dir, cache: &Dir) -> (String, Value) {
    let start = Instant::now();
    let run = with_caches(case.build(dir, []), cache.path()).ok();
    let seconds = start.elapsed().as_secs_f64();
    let time = match seconds {
        ..1.0 => format!("{:.0} ms", seconds * 1000.0),
        _ => format!("{seconds:.1} s"),
    };
    (time, run.json()[0].clone())
}

/// lambda-pack's own, and those of the installers and compilers.
fn with_caches(command: TestCommand, root: &Path) -> TestCommand {
    [
        "XDG_CACHE_HOME",
        "UV_CACHE_DIR",
        "PIP_CACHE_DIR",
        "npm_config_cache",
        "GOCACHE",
    ]
    .into_iter()
    .fold(command, |command, name| {
        command.env(name, root.join(name.to_ascii_lowercase()))
    })
}
