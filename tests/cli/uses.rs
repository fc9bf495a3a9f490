//! When packages were used: what that costs, and what doesn't change by it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::lookups::Many;
use crate::rollback::Versions;
use crate::s3::against_both;
use crate::support::proxy::Action;
use crate::support::server::Server;
use crate::support::{Dir, hash_of};

against_both!(a_use_is_noted_once_a_day);

const NOTHING: u8 = 0;
const ALL: u8 = 1;
const ALL_BUT_USES: u8 = 2;

fn a_use_is_noted_once_a_day(server: &'static Server) {
    const COUNT: usize = 20;
    let is_old = Arc::new(AtomicU8::new(NOTHING));
    let decides = Arc::clone(&is_old);
    let mut many = Many::behind(server, COUNT, move |request| {
        match (decides.load(Ordering::SeqCst), request.target.contains("/uses/")) {
            (NOTHING, _) | (ALL_BUT_USES, true) => Action::Forward,
            _ => Action::Aged,
        }
    });
    many.upload().ok();
    // Then another package of each is the newest.
    let code = many.project.dir.join("code");
    let files: Vec<_> = fs::read_dir(&code)
        .unwrap()
        .map(|it| it.unwrap().path().join("app.py"))
        .filter(|file| file.exists())
        .collect();
    let before: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for file in &files {
        fs::write(file, b"newer = 1\n").unwrap();
    }
    many.upload().ok();
    for (file, content) in files.iter().zip(&before) {
        fs::write(file, content).unwrap();
    }
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.project.keys_of("uses").len(), 0, "they are young");
    let records = |many: &Many| {
        let keys = many.project.keys_of("records");
        keys.into_iter().map(|key| many.project.get(&key)).collect::<Vec<_>>()
    };
    let published = records(&many);
    many.requests();

    is_old.store(ALL, Ordering::SeqCst);
    assert_eq!(many.statuses(), ["unchanged"]);
    let requests = many.requests();
    assert_eq!((requests.lists, requests.puts), (2, COUNT), "{requests:?}");
    assert_eq!(many.project.keys_of("uses").len(), COUNT);
    assert_eq!(records(&many), published);
    // This machine knows.
    for _ in 0..2 {
        assert_eq!(many.statuses(), ["unchanged"]);
        let requests = many.requests();
        assert_eq!(
            (requests.lists, requests.gets, requests.puts),
            (2, 0, 0),
            "{requests:?}"
        );
    }
    // Another one asks: for each record, and for its use.
    is_old.store(ALL_BUT_USES, Ordering::SeqCst);
    let elsewhere = Dir::new();
    for gets in [2 * COUNT, 0] {
        let run = many.project.command(["upload", "--json"]);
        let run = run.env("XDG_CACHE_HOME", elsewhere.path()).ok();
        assert!(run.statuses().iter().all(|status| *status == "unchanged"), "{run:?}");
        let requests = many.requests();
        assert_eq!(
            (requests.lists, requests.gets, requests.puts),
            (2, gets, 0),
            "{requests:?}"
        );
    }
}

/// Whatever was deployed again in between.
#[test]
fn steps_count_by_publishing() {
    let versions = Versions::new();
    let dir = &versions.dir;
    let used = |hash: &str| dir.join(&format!(".lambda-pack/store/uses/app/{hash}.json")).exists();
    let newest = fs::read(dir.join("code/app.py")).unwrap();
    crate::rollback::source(dir, 1);
    let first = hash_of(&dir.join("code/app.py"));
    assert_eq!(dir.command(["upload", "--json"]).ok().statuses(), ["unchanged"]);
    assert!(used(&first));
    dir.write("code/app.py", newest);
    let back = dir.command(["rollback", "app", "--dry-run", "--json"]).ok().json();
    let second = back["package"]["source_hash"].as_str().unwrap();
    assert_ne!(second, first);
    assert!(!used(second), "nothing is written");
    dir.command(["rollback", "app"]).ok();
    assert!(used(second));
    let kept = dir
        .command(["gc", "--without-lambda", "--without-sources", "--keep", "0", "--json"])
        .ok()
        .json();
    let row = kept["packages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["source_hash"] == *second);
    assert!(row.unwrap()["reasons"].to_string().contains("\"young\""), "{kept}");
}
