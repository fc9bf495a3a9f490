//! What age, use and count keep.

use std::fs;

use serde_json::json;

use super::hex_of;
use crate::list::age;
use crate::support::Dir;
use crate::support::functions::source;

#[test]
fn age_and_count_keep_packages() {
    let dir = Dir::with_app();
    let mut hashes = Vec::new();
    for (number, days) in [40, 30, 20, 10, 2].into_iter().enumerate() {
        dir.write("code/app.py", source("ages", number));
        let row = dir.command(["upload", "--json"]).ok().json()[0].clone();
        let hash = row["source_hash"].as_str().unwrap().to_owned();
        age(&dir, &format!("records/app/{hash}.json"), days);
        age(&dir, &format!("manifests/app/{hash}.json"), days);
        age(&dir, &format!("packages/app/{}", hex_of(&row)), days);
        hashes.push(hash);
    }
    // What a killed upload left, and what is somebody else's.
    let left = format!("manifests/app/{}.json", "0".repeat(64));
    dir.write(&format!(".lambda-pack/store/{left}"), "{}");
    dir.write(".lambda-pack/store/packages/app/notes.txt", "by somebody");
    let keeps = |args: &[&str]| {
        let json = dir
            .command(["gc", "--without-lambda", "--json"])
            .args(args.iter().copied())
            .ok()
            .json();
        let kept = json["packages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["keep"] == true);
        let kept = kept.map(|row| {
            let index = hashes.iter().position(|hash| row["source_hash"] == **hash).unwrap();
            (index, row["reasons"].to_string())
        });
        (kept.collect::<Vec<_>>(), json["left_over"].as_u64().unwrap())
    };
    let newest = |index| (index, r#"["newest"]"#.to_owned());
    assert_eq!(
        keeps(&[]),
        (
            vec![(4, r#"["current","newest","young"]"#.to_owned()), newest(3), newest(2)],
            0
        )
    );
    assert_eq!(
        keeps(&["--keep", "1", "--min-age", "1d"]).0,
        [(4, r#"["current","newest"]"#.to_owned())]
    );
    assert_eq!(keeps(&["--keep", "0", "--min-age", "25d"]).0.len(), 3);
    assert_eq!(keeps(&["--keep", "9"]).0.len(), 5);
    age(&dir, &left, 8);
    assert_eq!(keeps(&[]).1, 1);

    // Using a package again keeps it, and tells nothing of when it was published.
    dir.write("code/app.py", source("ages", 0));
    let row = dir.command(["upload", "--json"]).ok().json()[0].clone();
    assert_eq!(
        (&row["status"], row["source_hash"].as_str().unwrap()),
        (&json!("unchanged"), hashes[0].as_str())
    );
    let (kept, _) = keeps(&["--keep", "2"]);
    let young = (0, r#"["current","young"]"#.to_owned());
    assert_eq!(
        kept,
        [(4, r#"["newest","young"]"#.to_owned()), newest(3), young.clone()]
    );
    let listed = dir.command(["list", "--json"]).ok().json();
    let listed = listed.as_array().unwrap();
    let days = |index: usize, key: &str| {
        let row = listed.iter().find(|row| row["source_hash"] == *hashes[index]).unwrap();
        row[key].as_str().unwrap()[..10].to_owned()
    };
    assert_ne!(days(0, "published_at"), days(0, "used_at"));
    assert_eq!(days(1, "published_at"), days(1, "used_at"));
    let key = format!("uses/app/{}.json", hashes[0]);
    let used = || {
        let file = dir.join(&format!(".lambda-pack/store/{key}"));
        fs::metadata(file).unwrap().modified().unwrap()
    };
    let once = used();
    dir.command(["upload"]).ok();
    assert_eq!(used(), once, "not every time");
    // A use isn't for ever.
    dir.write("code/app.py", source("ages", 4));
    let used_alone = |days: u64| {
        age(&dir, &key, days);
        keeps(&["--keep", "2"]).0.contains(&(0, r#"["young"]"#.to_owned()))
    };
    assert_eq!((used_alone(6), used_alone(8)), (true, false));
    dir.write("code/app.py", source("ages", 0));
    // This machine remembers the use that was made old behind its back.
    dir.command(["upload", "--no-cache"]).ok();
    assert_ne!(used(), once);
    assert!(keeps(&["--keep", "2"]).0.contains(&young));

    let done = dir.command(["gc", "--without-lambda", "--keep", "1", "--yes"]).ok();
    assert!(
        done.stdout.contains("--keep 1") && done.stdout.contains("7 days"),
        "{done:?}"
    );
    assert!(
        dir.join(".lambda-pack/store/packages/app/notes.txt").exists()
            && !dir.join(&format!(".lambda-pack/store/{left}")).exists()
    );
    assert_eq!(dir.command(["list", "--json"]).ok().json().as_array().unwrap().len(), 2);
    dir.command(["verify", "--level", "store", "--deep"]).ok();
    dir.command(["gc", "--min-age", "7"]).fails(2, &["90m, 12h or 7d"]);
}
