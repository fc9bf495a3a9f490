//! `diff` against S3: how many requests it takes, and what it says where something is missing.

use crate::lookups::{Many, Requests};
use crate::s3::against_both;
use crate::support::server::Server;

against_both!(
    functions_are_listed_together_and_manifests_read_where_hashes_differ,
    a_bucket_that_is_not_there_is_named,
);

fn functions_are_listed_together_and_manifests_read_where_hashes_differ(server: &'static Server) {
    let mut many = Many::new(server, 100);
    many.upload().ok();
    many.project.dir.write("code/f000/app.py", "number = 7\n");
    many.requests();
    let json = many.with_cache(many.project.command(["diff", "--json"])).ok().json();
    let differing = json["functions"].as_array().unwrap().iter();
    let differing: Vec<_> = differing.filter(|it| it["changes"] != serde_json::json!([])).collect();
    assert_eq!(differing.len(), 1);
    assert_eq!(differing[0]["name"], "f000");
    let expected = Requests {
        lists: 1,
        gets: 1,
        ..Requests::default()
    };
    assert_eq!(many.requests(), expected);
}

fn a_bucket_that_is_not_there_is_named(server: &'static Server) {
    let project = server.project();
    project
        .command(["diff", "--from", "s3://no-such-bucket-anywhere"])
        .fails(
            1,
            &["`s3://no-such-bucket-anywhere/` isn't there: the bucket does not exist"],
        );
}
