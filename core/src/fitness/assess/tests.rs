//! Every quota on both sides.

use std::fs;
use std::path::Path;

use super::*;
use crate::Meter;
use crate::cache::DigestCache;
use crate::limits::{MB, UNZIPPED_BYTES};
use crate::source::{Outputs, Tree};

/// Sizes in bytes: of the zip, of what is in it, and of its layers.
type Sizes = (u64, u64, u64);

fn assessed(tier: Tier, limits: &Limits, keys: &str, sizes: Sizes) -> Vec<Check> {
    let text = format!(r#"{{"source": "app.py", "runtime": "python3.13", "handler": "app.handler"{keys}}}"#);
    of_text(tier, limits, &text, sizes)
}

fn of_definition(tier: Tier, text: &str) -> Vec<Check> {
    of_text(tier, &Limits::default(), text, (1, 1, 0))
}

fn of_text(tier: Tier, limits: &Limits, text: &str, sizes: Sizes) -> Vec<Check> {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("app.py"), "").expect("written");
    let parse = |name: &str, text: &str| Function::parse(Path::new(name), text.as_bytes()).expect("a definition");
    let function = parse("app.json", text);
    let layer = parse("rules.json", r#"{"source": "app.py", "type": "layer"}"#);
    let (outputs, digests, meter) = (Outputs::new([]), DigestCache::none(), Meter::default());
    let trees = Tree::of_functions(&[&function], directory.path(), &outputs, &digests, &meter).expect("a tree");
    let (size_bytes, unzipped_bytes, of_layer) = sizes;
    let layers = [Layer {
        function: &layer,
        bytes: of_layer,
        source: None,
    }];
    let subject = Subject {
        function: &function,
        contents: &Contents::of(&trees[0]).expect("readable"),
        size_bytes,
        unzipped_bytes,
        layers: &layers[..usize::from(of_layer > 0)],
        region: Some("us-east-1"),
    };
    assess(tier, limits, &subject)
}

#[track_caller]
fn expect(tier: Tier, keys: &str, sizes: Sizes, check: &str, status: Status) {
    let checks = assessed(tier, &Limits::default(), keys, sizes);
    let found = checks.iter().find(|found| found.check == check).expect("it is checked");
    assert_eq!(found.status, status, "{tier:?} {keys}: {found:?}");
    assert_eq!(found.remedy.is_some(), status != Status::Pass, "{found:?}");
    // Nothing else has anything to do with it.
    let others = checks
        .iter()
        .filter(|other| other.check != check && other.status == Status::Fail);
    assert_eq!(others.count(), 0, "{checks:?}");
}

/// What is fine, what is too much, and how bad that is: the last one that is fine, and the first one that isn't.
#[test]
fn each_quota_has_two_sides() {
    use Quantity::{EphemeralStorage, MemorySize, Timeout};
    use Status::{Fail, Pass, Warn};
    use Tier::{Container, Lambda, LambdaEdge};
    let sizes = [
        (
            LambdaEdge,
            "size_bytes",
            (50 * MB, 1, 0),
            (50 * MB + 1, 1, 0),
            Warn,
            Fail,
        ),
        (LambdaEdge, "size_bytes", (MB, 1, 0), (MB + 1, 1, 0), Pass, Warn),
        (
            LambdaEdge,
            "unzipped_bytes",
            (1, UNZIPPED_BYTES, 0),
            (1, UNZIPPED_BYTES + 1, 0),
            Pass,
            Fail,
        ),
        (
            Lambda,
            "unzipped_bytes",
            (1, UNZIPPED_BYTES - 7, 7),
            (1, UNZIPPED_BYTES - 7, 8),
            Pass,
            Fail,
        ),
        (
            Container,
            "unzipped_bytes",
            (1, 10_737_418_240, 0),
            (1, 10_737_418_241, 0),
            Pass,
            Fail,
        ),
    ];
    for (tier, check, fine, too_much, below, above) in sizes {
        expect(tier, "", fine, check, below);
        expect(tier, "", too_much, check, above);
    }
    // No size of a zip that comes from S3 is too large.
    expect(Lambda, "", (1 << 40, 1, 0), "size_bytes", Pass);

    let numbers = [
        (LambdaEdge, Timeout, 30, Warn, Fail),
        (LambdaEdge, Timeout, 5, Pass, Warn),
        (LambdaEdge, MemorySize, 128, Pass, Warn),
        (LambdaEdge, EphemeralStorage, 512, Pass, Fail),
    ];
    for (tier, quantity, most, below, above) in numbers {
        let key = |value: u64| match quantity {
            EphemeralStorage => format!(r#", "ephemeral_storage": {{"size": {value}}}"#),
            _ => format!(r#", "{}": {value}"#, quantity.name()),
        };
        expect(tier, &key(most), (1, 1, 0), quantity.name(), below);
        expect(tier, &key(most + 1), (1, 1, 0), quantity.name(), above);
    }
    // Definitions have no more than Lambda takes.
    for (quantity, most) in [(Timeout, 900), (MemorySize, 10_240)] {
        for tier in [Lambda, Container] {
            expect(
                tier,
                &format!(r#", "{}": {most}"#, quantity.name()),
                (1, 1, 0),
                quantity.name(),
                Pass,
            );
        }
    }
    for tier in [Lambda, Container] {
        let environment = |bytes: usize| format!(r#", "environment": {{"KEY": "{}"}}"#, "x".repeat(bytes - 3));
        expect(tier, &environment(4096), (1, 1, 0), "environment_bytes", Pass);
        expect(tier, &environment(4097), (1, 1, 0), "environment_bytes", Fail);
    }
    expect(LambdaEdge, "", (1, 1, 0), "environment", Pass);
    expect(
        LambdaEdge,
        r#", "environment": {"KEY": "x"}"#,
        (1, 1, 0),
        "environment",
        Fail,
    );
    let secret = r#", "secrets": [{"id": "key", "class": "per_install_generated", "target": "KEY_SECRET"}]"#;
    expect(LambdaEdge, secret, (1, 1, 0), "environment", Fail);
    let layers = |count: usize| {
        let arns = (1..=count).map(|version| format!(r#""arn:aws:lambda:eu-west-1:123456789012:layer:any:{version}""#));
        format!(r#", "layers": [{}]"#, arns.collect::<Vec<_>>().join(", "))
    };
    for (tier, most) in [(Lambda, 5), (LambdaEdge, 0), (Container, 0)] {
        expect(tier, &layers(most), (1, 1, 0), "layers", Pass);
        expect(tier, &layers(most + 1), (1, 1, 0), "layers", Fail);
    }
}

#[test]
fn the_edge_lacks_features() {
    for (keys, check, status) in [
        (r#", "architectures": ["arm64"]"#, "architecture", Status::Fail),
        (
            r#", "tracing_config": {"mode": "Active"}"#,
            "tracing_config",
            Status::Fail,
        ),
        (
            r#", "tracing_config": {"mode": "PassThrough"}"#,
            "tracing_config",
            Status::Pass,
        ),
        (
            r#", "vpc_config": {"subnet_ids": [], "security_group_ids": []}"#,
            "vpc_config",
            Status::Fail,
        ),
        (
            r#", "dead_letter_config": {"target_arn": "arn:aws:sqs:us-east-1:123456789012:any"}"#,
            "dead_letter_config",
            Status::Fail,
        ),
        (
            r#", "reserved_concurrent_executions": -1"#,
            "reserved_concurrent_executions",
            Status::Pass,
        ),
        (
            r#", "reserved_concurrent_executions": 0"#,
            "reserved_concurrent_executions",
            Status::Warn,
        ),
        ("", "region", Status::Pass),
        ("", "runtime", Status::Pass),
    ] {
        expect(Tier::LambdaEdge, keys, (1, 1, 0), check, status);
    }
    let lambda = assessed(
        Tier::Lambda,
        &Limits::default(),
        r#", "architectures": ["arm64"]"#,
        (1, 1, 0),
    );
    assert_eq!(worst(&lambda), Status::Pass, "{lambda:?}");
}

#[test]
fn a_profile_may_allow_less() {
    let limits = Limits {
        size_bytes: Some(10),
        timeout: Some(3),
        ..Limits::default()
    };
    let status = |keys: &str, size_bytes| {
        let checks = assessed(Tier::Lambda, &limits, keys, (size_bytes, 1, 0));
        checks
            .iter()
            .filter(|check| check.status == Status::Fail)
            .map(|check| check.check.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(status("", 10), [""; 0]);
    assert_eq!(status("", 11), ["limits.size_bytes"]);
    assert_eq!(status(r#", "timeout": 4"#, 10), ["limits.timeout"]);
}

/// What documents are held to.
#[test]
fn what_is_always_checked_is_checked_of_the_least_that_there_is() {
    for tier in [Tier::Lambda, Tier::LambdaEdge, Tier::Container] {
        for (kind, keys) in [(Kind::Function, ""), (Kind::Layer, r#", "type": "layer""#)] {
            let checks = of_definition(tier, &format!(r#"{{"source": "app.py"{keys}}}"#));
            let found: BTreeSet<&str> = checks.iter().map(|check| &*check.check).collect();
            let always = always_checked(tier, kind);
            assert!(found.is_superset(&always), "{tier:?} {kind:?}: {found:?}, {always:?}");
            assert!(always.len() > 1);
        }
    }
    assert!(
        !always_checked(Tier::Lambda, Kind::Function).is_superset(&always_checked(Tier::LambdaEdge, Kind::Function))
    );
}
