//! Two writers, and two modules of one name.

use serde_json::json;

use super::Module;
use crate::support::kills::counted;
use crate::support::proxy::Action;

#[test]
fn modules_whose_names_run_together_are_refused() {
    let one = Module::named("a-b", "c");
    let stored = one.store();
    let other = Module {
        bundles: one.bundles,
        group: "a".to_owned(),
        name: "b-c".to_owned(),
    };
    for verb in ["check", "store", "taint"] {
        let endpoint = &other.bundles.project.endpoint;
        let (run, asked) = counted(endpoint, other.command(verb, []), |_| Action::Forward);
        assert_eq!(run.code, 5, "{verb}: {run:?}");
        assert!(
            run.stderr.contains("/dev/a-b/c") && run.stderr.contains("`a-b-c`"),
            "{run:?}"
        );
        let writes = asked.writes();
        assert!(writes.iter().all(|it| it.contains("lease")), "{verb}: {writes:?}");
    }
    let one = Module {
        bundles: other.bundles,
        group: "a-b".to_owned(),
        name: "c".to_owned(),
    };
    assert_eq!(one.check()["stored_checksum"], stored["checksum"]);
    one.decides("hit");
}

#[test]
fn two_projects_do_not_share_a_bundle() {
    let one = Module::new();
    one.store();
    let mut other = Module::new();
    other.bundles.project.bucket = one.bundles.project.bucket.clone();
    other
        .command("store", [])
        .fails(5, &["belongs to the project", &one.bundles.name]);
    assert_eq!(other.recorded("status"), "");
    one.decides("hit");
}

#[test]
fn the_loser_learns_who_writes() {
    let module = Module::new();
    let project = &module.bundles.project;
    let lease = |expires: &str| {
        let lease = json!({
            "owner": {"name": "ada@elsewhere", "pid": 4711, "process": {"machine": "another", "started": "1"}},
            "identity": {"project": module.bundles.name, "deployment": "dev", "group": "data", "module": "orders"},
            "expires_at": expires,
        });
        project.overwrite("dev/data-orders.lease.json", lease.to_string().into_bytes());
    };
    lease("2999-01-01T00:00:00Z");
    for verb in ["store", "taint"] {
        module
            .command(verb, [])
            .fails(5, &["ada@elsewhere (process 4711)", "until 2999", "delete the object"]);
    }
    module.decides("miss_no_bundle");
    // Whose lease has expired has lost it.
    lease("2020-01-01T00:00:00Z");
    module.store();
    module.decides("hit");
}

#[test]
fn two_writers_at_once_make_one_bundle() {
    for _ in 0..5 {
        let module = Module::new();
        let children: Vec<_> = (0..4).map(|_| module.command("store", []).spawn()).collect();
        let mut won = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => won += 1,
                Some(5) => assert!(stderr.contains("is being written by"), "{stderr}"),
                code => panic!("{code:?}: {stderr}"),
            }
        }
        assert!(won >= 1);
        module.decides("hit");
    }
}

#[test]
fn who_lost_the_lease_commits_nothing() {
    let module = Module::new();
    let stored = module.store();
    module.write("handler.py", "print('new')\n");
    // Somebody takes over while the bundle is uploaded: the lease's next renewal fails.
    let uploaded = std::sync::atomic::AtomicBool::new(false);
    let (run, asked) = counted(
        &module.bundles.project.endpoint,
        module.command("store", []),
        move |request| {
            use std::sync::atomic::Ordering::SeqCst;
            let is_put = |name: &str| request.method == "PUT" && request.target.contains(name);
            if is_put("bundle.zip") {
                uploaded.store(true, SeqCst);
            }
            match is_put("lease.json") && uploaded.load(SeqCst) {
                true => Action::Answer(412, "", ""),
                false => Action::Forward,
            }
        },
    );
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stderr.contains("was lost"), "{run:?}");
    let written = asked.writes();
    let position = written.iter().position(|it| it.contains("bundle.zip")).unwrap();
    assert!(
        written[position..].iter().all(|it| !it.contains("PutParameter")),
        "{written:?}"
    );
    module.write("handler.py", "print('orders')\n");
    let answer = module.check();
    assert_eq!(
        [&answer["decision"], &answer["stored_checksum"]],
        [&json!("hit"), &stored["checksum"]]
    );
}

#[test]
fn a_lease_whose_answer_was_lost_is_held_all_the_same() {
    let module = Module::new();
    let lost = std::sync::atomic::AtomicUsize::new(0);
    let (run, _) = counted(
        &module.bundles.project.endpoint,
        module.command("store", []),
        move |request| {
            use std::sync::atomic::Ordering::SeqCst;
            let is_lease = request.method == "PUT" && request.target.contains("lease.json");
            // Each write of the lease is sent twice.
            match is_lease && lost.fetch_add(1, SeqCst).is_multiple_of(2) {
                true => Action::LoseAnswer,
                false => Action::Forward,
            }
        },
    );
    assert_eq!(run.code, 0, "{run:?}");
    module.decides("hit");
}
