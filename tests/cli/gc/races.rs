//! Who dies, fails or writes while `gc` deletes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{assert_whole, count, gc};
use crate::faults::wait_for;
use crate::s3::against_both;
use crate::support::functions::{key, source, upload};
use crate::support::http::Request;
use crate::support::kills::{Moment, counted, kill_at_each_request};
use crate::support::proxy::{Action, Proxy};
use crate::support::server::{MOTO, Project, Server};
use crate::support::{Dir, Run};

against_both!(a_gc_in_between_costs_no_package, one_at_a_time_and_uploads_wait);

fn is_delete(request: &Request) -> bool {
    request.method == "POST" && request.target.contains("delete")
}

#[test]
fn denied_deletes_leave_a_whole_store() {
    const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    const ONE: &str = "<DeleteResult><Error><Key>some/prefix/records/app/x.json</Key><Code>AccessDenied</Code>\
        <Message>Access Denied</Message></Error></DeleteResult>";
    let project = MOTO.project();
    upload(&project, 0);
    upload(&project, 1);
    for (status, body) in [(403, DENIED), (200, ONE)] {
        let (run, asked) = counted(
            &MOTO.endpoint,
            gc(&project, &["--yes"]),
            move |request| match is_delete(request) {
                true => Action::Answer(status, "", body),
                false => Action::Forward,
            },
        );
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
        assert!(
            run.stderr.contains("delete") && run.stderr.contains("Access Denied"),
            "{run:?}"
        );
        // Nothing else is deleted after a record that stays.
        assert_eq!(
            asked.writes().iter().filter(|it| it.starts_with("POST ")).count(),
            1,
            "{asked:?}"
        );
        assert_eq!((count(&project), assert_whole(&project)), ([2, 2, 2], 2));
        // Nobody has to wait for who failed.
        upload(&project, 1);
    }
}

#[test]
fn a_gc_that_is_killed_anywhere_leaves_a_whole_store() {
    let fresh = || {
        let project = MOTO.project();
        upload(&project, 0);
        upload(&project, 1);
        project
    };
    let whole = kill_at_each_request(
        &MOTO.endpoint,
        &[Moment::Before, Moment::After],
        fresh,
        |project| gc(project, &["--yes"]),
        |project, number, moment, asks| {
            let case = format!("{moment:?} request {number}, {asks}");
            assert!(assert_whole(project) >= 1, "{case}");
            // Whoever comes next, with what was going to be deleted.
            match number % 2 {
                0 => {
                    gc(project, &["--yes"]).ok();
                    assert_eq!((count(project), assert_whole(project)), ([1, 1, 1], 1), "{case}");
                    upload(project, 0);
                }
                _ => {
                    upload(project, 0);
                    gc(project, &["--yes"]).ok();
                    assert_eq!(count(project), [1, 1, 1], "{case}");
                    upload(project, 1);
                }
            }
            assert_eq!((count(project), assert_whole(project)), ([2, 2, 2], 2), "{case}");
            project.command(["verify", "--level", "store", "--deep"]).ok();
        },
    );
    assert_eq!(
        whole.writes().iter().filter(|it| it.starts_with("POST ")).count(),
        3,
        "{whole:?}"
    );
    assert!(whole.0.last().unwrap().ends_with("/gc.json"), "{whole:?}");
}

/// Runs an upload again and again, and a whole `gc` before one of its requests, the first, the second, and so on.
fn with_gc_before_each_request(
    project: &Project,
    prepare: impl Fn(),
    decide: impl Fn(&Request) -> Action + Copy + Send + Sync + 'static,
) {
    for number in 1.. {
        prepare();
        let requests = Arc::new(AtomicUsize::new(0));
        let (seen, between) = (Arc::clone(&requests), gc(project, &["--without-sources", "--yes"]));
        let between = Mutex::new(Some(between));
        let (run, asked) = counted(
            &project.server.endpoint,
            project.command(["upload", "app", "--json"]),
            move |request| {
                if seen.fetch_add(1, Ordering::SeqCst) + 1 == number
                    && let Some(gc) = between.lock().unwrap().take()
                {
                    assert_eq!(gc.run().code, 0);
                }
                decide(request)
            },
        );
        let case = format!("{number}: {run:?}, {asked:?}");
        assert_eq!(run.code, 0, "{case}");
        let row = &run.json()[0];
        assert_eq!(assert_whole(project), 1, "{case}");
        assert!(project.keys().contains(&key(row)), "{case}");
        if requests.load(Ordering::SeqCst) < number {
            return;
        }
    }
}

fn a_gc_in_between_costs_no_package(server: &'static Server) {
    let project = server.project();
    let package = upload(&project, 1);
    let delete_all = || {
        gc(&project, &["--without-sources", "--yes"]).ok();
        assert_eq!(project.keys_of("records").len(), 0);
    };
    // A new package.
    with_gc_before_each_request(&project, delete_all, |_| Action::Forward);
    // One whose bytes are there, of an upload that was killed: they are nobody's until the record is written.
    let record = project.keys_of("records").remove(0);
    let without_record = || {
        upload(&project, 1);
        project.delete(&record);
    };
    with_gc_before_each_request(&project, without_record, |_| Action::Forward);
    // One that is there, and was used long ago.
    let published = || assert_eq!(upload(&project, 1)["code_sha256"], package["code_sha256"]);
    with_gc_before_each_request(&project, published, |_| Action::Aged);
    // Its use is noted, and the record stays as it is.
    published();
    let content = project.get(&record);
    let (run, asked) = counted(&server.endpoint, project.command(["upload", "--json"]), |_| {
        Action::Aged
    });
    assert_eq!(run.statuses(), ["unchanged"]);
    let noted = record.replace("/records/", "/uses/");
    assert_eq!(asked.writes(), [format!("PUT /{}/{noted}", project.bucket)]);
    assert_eq!(project.get(&record), content);
    let (_, asked) = counted(&server.endpoint, project.command(["upload"]), |_| Action::Forward);
    assert!(asked.writes().is_empty(), "{asked:?}");
}

fn one_at_a_time_and_uploads_wait(server: &'static Server) {
    let project = server.project();
    upload(&project, 0);
    upload(&project, 1);
    // The one that was going to be deleted.
    project.dir.write("code/app.py", source(&project.bucket, 0));
    let waiting = Arc::new(Proxy::before(&server.endpoint, |_| Action::Aged));
    let new = Dir::new();
    let upload = project
        .command(["upload", "--json"])
        .env("AWS_ENDPOINT_URL", &waiting.endpoint);
    let upload = upload.env("XDG_CACHE_HOME", new.path());
    let second = gc(&project, &["--without-sources", "--yes"]);
    let meanwhile = Mutex::new(Some((second, upload)));
    let uploading = Arc::new(Mutex::new(None));
    let (started, watched) = (Arc::clone(&uploading), Arc::clone(&waiting));
    let gc = gc(&project, &["--without-sources", "--yes"]);
    let (run, _) = counted(&server.endpoint, gc, move |request| {
        if is_delete(request)
            && let Some((second, upload)) = meanwhile.lock().unwrap().take()
        {
            let refused = second.run();
            assert_eq!(refused.code, 5, "{refused:?}");
            assert!(refused.stderr.contains("deletes packages"), "{refused:?}");
            *started.lock().unwrap() = Some(upload.spawn());
            let looks = || watched.asked().iter().filter(|it| it.ends_with("/gc.json")).count();
            wait_for("an upload that looks again", || looks() >= 3);
        }
        Action::Forward
    });
    assert_eq!(run.code, 0, "{run:?}");
    let upload = uploading.lock().unwrap().take().unwrap();
    let upload = Run::new(upload.wait_with_output().unwrap());
    assert_eq!(upload.statuses(), ["uploaded"], "{upload:?}");
    assert!(
        upload.stderr.contains("waiting for") && upload.stderr.contains("who deletes packages"),
        "{upload:?}"
    );
    assert_eq!(assert_whole(&project), 1);
}
