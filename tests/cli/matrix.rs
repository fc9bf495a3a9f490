//! `matrix`: jobs that together do what one command would.

use serde_json::{Value, json};

use crate::support::{Dir, git};

fn functions(count: usize) -> Dir {
    let dir = Dir::new();
    for number in 0..count {
        dir.write(
            &format!("code/f{number}.py"),
            format!("def handler(event, context):\n    return {number}\n"),
        );
        dir.write(
            &format!("lambda-json/f{number}.json"),
            json!({"runtime": "python3.13", "handler": format!("f{number}.handler"), "source": format!("f{number}.py")})
                .to_string(),
        );
    }
    dir
}

fn jobs(dir: &Dir, args: &[&str]) -> Vec<(String, u64)> {
    let matrix = dir.command(["matrix"].into_iter().chain(args.iter().copied())).ok();
    assert_eq!(matrix.stdout.lines().count(), 1, "$GITHUB_OUTPUT takes one line");
    let jobs = matrix.json()["include"].as_array().unwrap().clone();
    let job = |job: &Value| {
        (
            job["shard"].as_str().unwrap().to_owned(),
            job["functions"].as_u64().unwrap(),
        )
    };
    jobs.iter().map(job).collect()
}

#[test]
fn the_jobs_of_a_matrix_upload_each_function_once() {
    let dir = functions(12);
    assert_eq!(jobs(&dir, &[]), [("1/1".to_owned(), 12)]);
    let jobs = jobs(&dir, &["--max", "4", "--per-job", "1"]);
    assert!((2..=4).contains(&jobs.len()), "{jobs:?}");
    let mut uploaded = Vec::new();
    for (shard, functions) in &jobs {
        let rows = dir.command(["upload", "--json", "--shard", shard]).ok().json();
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len() as u64, *functions);
        assert!(rows.iter().all(|row| row["status"] == "uploaded"));
        uploaded.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
    }
    uploaded.sort();
    uploaded.dedup();
    assert_eq!(uploaded.len(), 12);
    dir.command(["matrix", "--max", "257"]).fails(2, &["1..=256"]);
}

#[test]
fn a_matrix_has_the_jobs_alone_that_have_something_to_do() {
    let dir = functions(12);
    git(dir.path(), &["init", "--quiet"]);
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "--quiet", "--message=x"]);
    let since = ["--since", "HEAD", "--per-job", "1"];
    assert_eq!(jobs(&dir, &since), []);
    dir.write("code/f3.py", "# another\n");
    assert_eq!(jobs(&dir, &since), [("1/1".to_owned(), 1)]);
    dir.write("code/f7.py", "# another\n");
    let two = jobs(&dir, &since);
    assert_eq!(two.iter().map(|(_, functions)| functions).sum::<u64>(), 2, "{two:?}");
    dir.command(["matrix", "--since", "nowhere"])
        .fails(2, &["git knows no commit `nowhere` here"]);
}
