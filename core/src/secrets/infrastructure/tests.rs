use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::secrets::scan::Stream;
use crate::secrets::tests::in_pieces;

const VALUE: &str = "tr0ub4dor/3xyz";

/// Put together when the tests run, so that no scanner finds any in this repository.
fn github_token() -> String {
    ["gh", "p_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lM6"].concat()
}

fn functions(definitions: &[Value]) -> Result<BTreeMap<String, Function>> {
    let parsed = definitions.iter().enumerate().map(|(index, definition)| {
        let file = format!("f{index}.json");
        let function = Function::parse(Path::new(&file), definition.to_string().as_bytes())?;
        Ok((function.name.to_string(), function))
    });
    parsed.collect()
}

fn protected(definitions: &[Value]) -> BTreeMap<String, Function> {
    let mut functions = functions(definitions).expect("definitions");
    let value_of = |name: &str| Ok((name == "CI_PASSWORD").then(|| SecretValue::new(VALUE.to_owned())));
    protect(&mut functions, &[], value_of).expect("they compile");
    functions
}

fn definition(secrets: &Value) -> Value {
    json!({"source": "a.py", "secrets": secrets})
}

fn infrastructure(secrets: &Value) -> Arc<Infrastructure> {
    let functions = protected(&[definition(secrets)]);
    functions["f0"].infrastructure.clone().expect("some are declared")
}

/// Three that are known by one sign each.
fn three() -> Arc<Infrastructure> {
    infrastructure(&json!([
        {"id": "by-kind", "class": "infrastructure", "reason": "r", "kind": "github-token"},
        {"id": "by-pattern", "class": "infrastructure", "reason": "r", "pattern": "^corp_[a-z0-9]{8}$"},
        {"id": "by-value", "class": "infrastructure", "reason": "r", "variable": "CI_PASSWORD"},
    ]))
}

fn ids(leaks: &[Leak]) -> Vec<(&str, u64)> {
    leaks.iter().map(|leak| (leak.secret.id.as_str(), leak.line)).collect()
}

#[test]
fn each_sign_is_found_with_its_line() {
    let three = three();
    let text = format!("1\n a = '{VALUE}'\n\ncorp_a1b2c3d4\n{}\n", github_token());
    let mut found = three.search_text(&text);
    found.sort_by_key(|leak| leak.line);
    assert_eq!(ids(&found), [("by-value", 2), ("by-pattern", 4), ("by-kind", 5)]);
    assert!(three.search_text("nothing").is_empty());
    let error = three.check_text("bundle.json", &text).expect_err("three leaks");
    assert_eq!(error.kind(), ErrorKind::Infrastructure);
    let shown = format!("{error:?}");
    for secret in [VALUE, "corp_a1b2c3d4", &github_token()] {
        assert!(!shown.contains(secret), "{shown}");
    }
    for place in [
        "bundle.json:2",
        "bundle.json:4",
        "bundle.json:5",
        "by-value",
        "`CI_PASSWORD`",
    ] {
        assert!(shown.contains(place), "{place} in {shown}");
    }
    assert!(!format!("{three:?}").contains(VALUE));
}

/// Literals as minifiers write them; and what is said not to be found, so that the documentation stays true.
#[test]
fn a_literal_of_escapes_is_found() {
    let functions = protected(&[definition(
        &json!([{"id": "CI_PASSWORD", "class": "infrastructure", "reason": "of the pipeline"}]),
    )]);
    let infrastructure = functions["f0"].infrastructure.as_deref().expect("declared");
    let found = |text: &str| !infrastructure.search_text(&format!("const x = {text};\n")).is_empty();
    let joined = |between: &str, number: fn(u8) -> String| VALUE.bytes().map(number).collect::<Vec<_>>().join(between);
    for literal in [
        joined("", |byte| format!("\\x{byte:02x}")),
        joined("", |byte| format!("\\u{byte:04X}")),
        joined(":", |byte| format!("{byte:02X}")),
        format!("[{}]", joined(", ", |byte| byte.to_string())),
    ] {
        assert!(found(&literal), "{literal}");
    }
    let first = VALUE.as_bytes()[0];
    assert!(found(&format!("'\\x{first:02x}{}'", &VALUE[1..])), "a part of it");
    let (start, end) = VALUE.split_at(VALUE.len() / 2);
    assert!(!found(&format!("'{start}' + '{end}'")));
}

#[test]
fn what_one_function_declares_is_kept_out_of_all() {
    let secrets = json!([{"id": "CI_PASSWORD", "class": "infrastructure", "reason": "of the pipeline"}]);
    let functions = protected(&[definition(&secrets), definition(&json!([])), definition(&secrets)]);
    for function in functions.values() {
        let infrastructure = function.infrastructure.as_deref().expect("declared");
        assert_eq!(ids(&infrastructure.search_text(VALUE)), [("CI_PASSWORD", 1)]);
        let excluded = infrastructure.excluded();
        assert_eq!(
            excluded,
            [Excluded {
                id: "CI_PASSWORD".to_owned(),
                reason: "of the pipeline".to_owned()
            }]
        );
    }
    assert!(protected(&[definition(&json!([]))])["f0"].infrastructure.is_none());
}

#[test]
fn definitions_are_searched_in_all_that_they_hand_on() {
    let secrets = json!([
        {"id": "CI_PASSWORD", "class": "infrastructure", "reason": "r"},
        {"id": "deploy-token", "class": "infrastructure", "reason": "r", "kind": "github-token"},
        {"id": "passwords", "class": "infrastructure", "reason": "r", "kind": "secret-variable"},
    ]);
    let keys = |more: &Value| {
        let mut definition = definition(&secrets);
        definition
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        let functions = protected(&[definition]);
        let function = &functions["f0"];
        let infrastructure = function.infrastructure.as_deref().expect("declared");
        let found = infrastructure.in_definition(&function.definition);
        let found = found.iter().map(|(key, leak)| format!("{key} {}", leak.secret.id));
        found.collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&json!({"environment": {"MODE": "production", "TABLE": "orders"}})),
        [""; 0]
    );
    for (more, expected) in [
        (json!({"environment": {"MODE": VALUE}}), "environment.MODE CI_PASSWORD"),
        (
            json!({"environment": {"MODE": format!("x{}", hex::encode(VALUE))}}),
            "environment.MODE CI_PASSWORD",
        ),
        // By their names alone.
        (
            json!({"environment": {"CI_PASSWORD": "x"}}),
            "environment.CI_PASSWORD CI_PASSWORD",
        ),
        (
            json!({"environment": {"DEPLOY_TOKEN": "x"}}),
            "environment.DEPLOY_TOKEN deploy-token",
        ),
        (
            json!({"environment": {"DB_PASSWORD": "hunter2!"}}),
            "environment.DB_PASSWORD passwords",
        ),
        (json!({"tags": {"by": github_token()}}), "tags.by deploy-token"),
        (json!({"description": VALUE}), "description CI_PASSWORD"),
        (
            json!({"build": {"type": "command", "command": ["sh", "-c", format!("login {VALUE}")], "output": "o"}}),
            "build.command[2] CI_PASSWORD",
        ),
        (
            json!({"build": {"type": "command", "command": ["a"], "output": "o", "environment": {"AB": VALUE}}}),
            "build.environment.AB CI_PASSWORD",
        ),
    ] {
        assert_eq!(keys(&more), [expected], "{more}");
    }
}

#[test]
fn a_pattern_that_is_everywhere_can_t_be_declared() {
    for pattern in [".*", "("] {
        let secrets = json!([{"id": "a", "class": "infrastructure", "reason": "r", "pattern": pattern}]);
        let error = functions(&[definition(&secrets)]).expect_err(pattern);
        assert!(error.message().contains("key `secrets[0]`: key `pattern`: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_found_at_any_place_and_however_content_is_cut(
        before in proptest::collection::vec(any::<u8>(), 0..3000),
        after in proptest::collection::vec(any::<u8>(), 0..3000),
        far in 0_usize..200_000,
        which in 0_usize..3,
        cuts in proptest::collection::vec(1_usize..90_000, 1..8),
    ) {
        let three = three();
        let secret = &[github_token(), "corp_a1b2c3d4".to_owned(), VALUE.to_owned()][which];
        let id = ["by-kind", "by-pattern", "by-value"][which];
        let content = [&before[..], &vec![b'\n'; far], secret.as_bytes(), b"\n", &after].concat();
        let content = [b"\n", &content[..]].concat();
        prop_assume!(before.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()) || far > 0);
        let line = 1 + content[..1 + before.len() + far].iter().filter(|byte| **byte == b'\n').count() as u64;
        let (mut stream, mut rules) = (three.stream(), Stream::default());
        for piece in in_pieces(&content, &cuts) {
            stream.push(piece);
            rules.push(piece);
        }
        let leaks = stream.finish(&rules.finish());
        prop_assert!(ids(&leaks).contains(&(id, line)), "{:?}", ids(&leaks));
        let whole = three.search(&content, &scan(&content));
        prop_assert!(ids(&whole).contains(&(id, line)), "{:?}", ids(&whole));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_found_in_encoded_text_of_several_lines(
        before in proptest::collection::vec(any::<u8>(), 0..300),
        after in proptest::collection::vec(any::<u8>(), 0..300),
        column in 16_usize..80,
        glue in 0_usize..5,
        far in 0_usize..200_000,
        is_hex in any::<bool>(),
        cuts in proptest::collection::vec(1_usize..90_000, 1..8),
    ) {
        use base64::Engine;
        let three = three();
        let secret = [&before[..], VALUE.as_bytes(), &after].concat();
        let encoded = if is_hex { hex::encode(&secret) } else { base64::engine::general_purpose::STANDARD.encode(&secret) };
        let glue = ["\n", "\r\n        ", "\",\n  \"", "\\n", "\\\\r\\\\n"][glue];
        let lines: Vec<&str> = encoded.as_bytes().chunks(column).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        let content = format!("{} '{}'", "\n".repeat(far), lines.join(glue));
        let mut stream = three.stream();
        in_pieces(content.as_bytes(), &cuts).for_each(|piece| stream.push(piece));
        let first = 1 + far as u64;
        let last = first + lines.len() as u64;
        for found in [stream.finish(&[]), three.search(content.as_bytes(), &[])] {
            prop_assert!(matches!(ids(&found).as_slice(), [("by-value", line), ..] if (first..last).contains(line)), "{content}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_found_in_dumps_of_any_width(
        before in 0_usize..3000,
        column in 1_usize..1366,
        far in 0_usize..20_000,
        cuts in proptest::collection::vec(1_usize..9_000, 1..8),
    ) {
        let three = three();
        let bytes = [&vec![b'.'; before], VALUE.as_bytes(), &[b'.'; 3000]].concat();
        let line = |bytes: &[u8]| bytes.iter().map(|byte| format!(" {byte:02x}")).collect::<String>();
        let lines: Vec<String> = bytes.chunks(column).map(line).collect();
        let content = format!("{}{}", "\n".repeat(far), lines.join("\n"));
        let mut stream = three.stream();
        in_pieces(content.as_bytes(), &cuts).for_each(|piece| stream.push(piece));
        let line = (1 + far + before / column) as u64;
        for found in [stream.finish(&[]), three.search(content.as_bytes(), &[])] {
            prop_assert_eq!(ids(&found), [("by-value", line)]);
        }
    }
}

/// Addresses are asked of others and shown, so that no command gets further.
#[test]
fn an_asset_whose_address_has_a_secret_is_refused() {
    for asset in [
        json!({"url": format!("https://example.com/{VALUE}/a.bin"), "path": "a.bin"}),
        json!({"url": format!("https://ci:{}@example.com/a.bin", VALUE.replace('/', "%2F")), "path": "a.bin"}),
        json!({"url": format!("https://example.com/a.bin?token={VALUE}"), "path": "a.bin"}),
        json!({"url": format!("s3://bucket/{VALUE}"), "path": "a.bin"}),
        json!({"url": format!("file:{VALUE}"), "path": "a.bin"}),
        json!({"url": "file:a.bin", "path": VALUE}),
    ] {
        let declared = json!([{"id": "ci", "class": "infrastructure", "reason": "r", "variable": "CI_PASSWORD"}]);
        let definition = json!({"source": "a.py", "secrets": declared, "assets": [asset]});
        let mut functions = functions(&[definition]).expect("a definition");
        let value_of = |_: &str| Ok(Some(SecretValue::new(VALUE.to_owned())));
        let error = protect(&mut functions, &[], value_of).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Infrastructure, "{asset}");
        assert!(
            error.message().contains("assets[0]") && !error.to_string().contains(VALUE),
            "{error}"
        );
    }
}
