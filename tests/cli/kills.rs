//! What is left when a process is killed at one of its requests; and that the tests' own tools for it do what they say.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use serde_json::json;

use crate::support::bundles::Bundles;
use crate::support::kills::{Moment, counted, kill_at_each_request};
use crate::support::proxy::{Action, Proxy};
use crate::support::server::{MOTO, Project, config};
use crate::support::ssm_limits::{SsmLimits, too_many_updates};

/// Asks for what the sources are now; `None` if the store lacks it.
fn published_key(project: &Project) -> Option<String> {
    let hashed = project.command(["external", "hash"]).stdin("{}").ok().json();
    let query = json!({"store": project.store(), "packages": hashed["packages"]});
    let run = project
        .command(["external", "published"])
        .stdin(query.to_string())
        .run();
    if run.code != 0 {
        assert!(run.stderr.contains("lambda-pack upload"), "{run:?}");
        return None;
    }
    let packages: serde_json::Value = serde_json::from_str(run.json()["packages"].as_str().unwrap()).unwrap();
    Some(packages["app"]["s3_key"].as_str().unwrap().to_owned())
}

#[test]
fn an_upload_that_is_killed_at_any_request_is_done_by_the_next() {
    let upload = |project: &Project| project.command(["upload", "--no-cache"]);
    let whole = kill_at_each_request(
        &MOTO.endpoint,
        &[Moment::Before, Moment::After],
        || MOTO.project(),
        upload,
        |project, number, moment, asks| {
            let case = format!("{moment:?} request {number}, {asks}");
            let key = published_key(project);
            // The record is what the last write is; after it comes a look whether anybody deleted meanwhile.
            let is_commit = asks.contains("/records/") && asks.starts_with("PUT ");
            let is_last_look = asks.ends_with("/gc.json") && number > 3;
            let committed = (is_commit && moment == Moment::After) || is_last_look;
            assert_eq!(key.is_some(), committed, "{case}");
            if let Some(key) = key {
                assert!(project.keys().contains(&key), "{case}");
            }
            upload(project).ok();
            assert!(project.keys().contains(&published_key(project).unwrap()), "{case}");
            assert_eq!(project.keys().len(), 4, "{case}");
        },
    );
    assert_eq!(whole.writes().len(), 4, "{whole:?}");
    assert_eq!(whole.reads().len(), whole.0.len() - 4, "{whole:?}");
    assert!(whole.writes().last().unwrap().contains("/records/app/"), "{whole:?}");
}

#[test]
fn requests_are_named_and_told_apart() {
    let bundles = Bundles::new();
    let (run, asked) = counted(&MOTO.endpoint, bundles.command(["upload"]), |_| Action::Forward);
    assert_eq!(run.code, 0, "{run:?}");
    let place = format!("/{}/some/prefix/", bundles.project.bucket);
    assert!(
        asked.reads().iter().all(|it| it.starts_with(&format!("GET {place}"))),
        "{asked:?}"
    );
    let parts = ["manifests", "packages", "provenance", "records"].map(|part| format!("PUT {place}{part}/app/"));
    for (write, part) in asked.writes().iter().zip(&parts) {
        assert!(write.starts_with(part), "{asked:?}");
    }
    let proxy = Proxy::before(&MOTO.endpoint, |_| Action::Forward);
    let name = format!("/sf/{}/named", bundles.name);
    put(
        &Client::new(&config(&proxy.endpoint)),
        &name,
        1,
        ParameterTier::Standard,
    )
    .unwrap();
    assert_eq!(proxy.asked(), [format!("PutParameter {name}")]);
}

#[test]
fn parameters_and_secrets_are_there_for_one_test_alone() {
    let (bundles, other) = (Bundles::new(), Bundles::new());
    let (path, other_path) = (format!("/sf/{}", bundles.name), format!("/sf/{}", other.name));
    for number in 0..12 {
        bundles.put_parameter(&format!("{path}/a/{number}"), "value");
    }
    assert_eq!(bundles.parameters(&path).len(), 12, "more than a page");
    assert!(other.parameters(&other_path).is_empty());
    bundles.delete_parameter(&format!("{path}/a/7"));
    assert!(!bundles.parameters(&path).contains_key(&format!("{path}/a/7")));
    let arn = bundles.create_secret(&format!("{}/token", bundles.name), "hidden");
    assert!(arn.starts_with("arn:aws:secretsmanager:"), "{arn}");
}

/// The tier that was given, or the error and its message.
fn put(ssm: &Client, name: &str, bytes: usize, tier: ParameterTier) -> Result<ParameterTier, String> {
    let call = ssm
        .put_parameter()
        .name(name)
        .value("x".repeat(bytes))
        .r#type(ParameterType::String)
        .tier(tier)
        .overwrite(true);
    match MOTO.wait(call.send()) {
        Ok(answer) => Ok(answer.tier.unwrap()),
        Err(error) => Err(format!("{:?}: {:?}", error.code(), error.message())),
    }
}

#[test]
fn parameter_store_is_as_strict_as_the_real_one() {
    use ParameterTier::{Advanced, IntelligentTiering, Standard};
    let bundles = Bundles::new();
    let limits = SsmLimits::default();
    let proxy = Proxy::before(&MOTO.endpoint, move |request| limits.decide(request));
    let ssm = Client::new(&config(&proxy.endpoint));
    let name = format!("/sf/{}/value", bundles.name);
    let fails = |bytes, tier, words: &str| {
        let said = put(&ssm, &name, bytes, tier).unwrap_err();
        assert!(said.contains("ValidationException") && said.contains(words), "{said}");
    };
    assert_eq!(put(&ssm, &name, 4096, Standard).unwrap(), Standard);
    fails(4097, Standard, "maximum parameter value of 4096 characters");
    assert_eq!(put(&ssm, &name, 4096, IntelligentTiering).unwrap(), Standard);
    assert_eq!(put(&ssm, &name, 4097, IntelligentTiering).unwrap(), Advanced);
    fails(1, Standard, "You can't downgrade");
    assert_eq!(put(&ssm, &name, 1, IntelligentTiering).unwrap(), Advanced);
    assert_eq!(put(&ssm, &name, 8192, Advanced).unwrap(), Advanced);
    fails(8193, IntelligentTiering, "maximum parameter value of 8192 characters");
    assert_eq!(bundles.parameters(&name.replace("/value", ""))[&name].len(), 8192);
    MOTO.wait(ssm.delete_parameter().name(&name).send()).unwrap();
    assert_eq!(put(&ssm, &name, 1, Standard).unwrap(), Standard);

    let busy = Proxy::before(&MOTO.endpoint, too_many_updates);
    let said = put(&Client::new(&config(&busy.endpoint)), &name, 2, Standard).unwrap_err();
    assert!(said.contains("TooManyUpdates"), "{said}");
    assert_eq!(bundles.parameters(&name.replace("/value", ""))[&name].len(), 1);
}
