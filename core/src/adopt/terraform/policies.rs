//! Policies that stand beside a function: of its role, and of the registry's module.

use super::super::draft::Draft;
use super::super::policy;
use super::super::value::{Data, Value};
use super::block::object;
use super::evaluate::Scope;

/// Of the role that a function names: `aws_iam_role_policy`, and `inline_policy` in the role.
pub fn of_role(scope: &Scope, role: &Value, draft: &mut Draft) {
    let Some(label) = label_of("aws_iam_role", role) else {
        return;
    };
    if let Some(block) = scope.module.block("resource", &["aws_iam_role", &label]) {
        let role = object(scope, block);
        for inline in role.get("inline_policy").map(Value::members).unwrap_or_default() {
            document(scope, inline.get("policy"), "inline_policy", draft);
        }
    }
    for block in scope.module.blocks("resource") {
        if block.label(0) == "aws_iam_role_policy"
            && scope
                .attribute(block, "role")
                .is_some_and(|role| label_of("aws_iam_role", &role).is_some_and(|other| other == label))
        {
            document(
                scope,
                scope.attribute(block, "policy").as_ref(),
                "aws_iam_role_policy",
                draft,
            );
        }
    }
}

/// Of a call of the registry's module.
pub fn of_call(attributes: &Value, scope: &Scope, draft: &mut Draft) {
    document(scope, attributes.get("policy_json"), "policy_json", draft);
    for json in attributes.get("policy_jsons").map(Value::members).unwrap_or_default() {
        document(scope, Some(json), "policy_jsons", draft);
    }
    let Some(statements) = attributes.get("policy_statements") else {
        return;
    };
    // By any name, or a list.
    match &statements.data {
        Data::Map(entries) => {
            for (_, statement) in entries {
                policy::statements(draft, "policy_statements", statement);
            }
        }
        _ => policy::statements(draft, "policy_statements", statements),
    }
}

/// A document: JSON, or a reference to `aws_iam_policy_document`.
fn document(scope: &Scope, document: Option<&Value>, key: &str, draft: &mut Draft) {
    let Some(document) = document else { return };
    let label = label_of("aws_iam_policy_document", document);
    let block = label.and_then(|label| scope.module.block("data", &["aws_iam_policy_document", &label]));
    match block.map(|block| object(scope, block)) {
        // Those that it takes from others aren't followed.
        Some(data)
            if data
                .entries()
                .iter()
                .all(|(key, _)| matches!(key.as_str(), "statement" | "version")) =>
        {
            let statements = data.get("statement").cloned();
            policy::statements(
                draft,
                key,
                &statements.unwrap_or_else(|| Value::new(&data.place, Data::Null)),
            );
        }
        _ => policy::document(draft, key, document),
    }
}

/// The name of the resource of this kind that a value refers to, if it is one without `for_each`.
fn label_of(kind: &str, value: &Value) -> Option<String> {
    let Data::Unknown(unknown) = &value.data else {
        return None;
    };
    let names = unknown.names();
    let names = names.strip_prefix(&["data"]).unwrap_or(&names);
    match names {
        [found, label, _] if *found == kind && unknown.index().is_none() => Some((*label).to_owned()),
        _ => None,
    }
}
