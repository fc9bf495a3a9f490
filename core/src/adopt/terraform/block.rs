//! Blocks as values, and what their functions are called.

use super::super::draft::Draft;
use super::super::unknown::Unknown;
use super::super::value::{Data, Value};
use super::evaluate::Scope;
use super::module::Located;
use crate::function::Kind;

/// The attributes of a block and the blocks in it, as an object.
pub fn object(scope: &Scope, block: Located) -> Value {
    let attributes = block.attributes().map(|(attribute, _)| attribute.key.as_str());
    // That of all others is called just `aws`.
    let is_default = |name: &str, value: &Value| {
        name == "provider"
            && value
                .first_unknown()
                .is_some_and(|unknown| unknown.reference.len() == 1)
    };
    let attributes = attributes.filter_map(|name| {
        let value = scope.attribute(block, name).filter(|value| !is_default(name, value))?;
        Some((name.to_owned(), value))
    });
    let mut entries: Vec<(String, Value)> = attributes.collect();
    for inner in block.blocks() {
        let (name, value) = match inner.block.ident.as_str() {
            "dynamic" => (inner.label(0), Value::unknown(&inner.place(), Unknown::default())),
            name => (name, object(scope, inner)),
        };
        match entries.iter_mut().find(|(known, _)| known == name) {
            Some((_, first)) => {
                let all = first.members().iter().cloned().chain([value]).collect();
                *first = Value::new(&first.place, Data::List(all));
            }
            None => entries.push((name.to_owned(), value)),
        }
    }
    Value::map(&block.place(), entries)
}

/// A draft with the name that is said, or, where that isn't known, that of the block.
pub fn named(scope: &Scope, block: Located, attributes: &Value, attribute: &str, kind: Kind) -> Draft {
    /// Labels that say nothing: of the only resource in a module.
    const NAMELESS: [&str; 7] = [
        "this",
        "main",
        "default",
        "lambda",
        "function",
        "layer",
        "lambda_function",
    ];
    let label = block.block.labels.last().map_or("function", |label| label.as_str());
    let label = match scope.calls.last() {
        Some(call) if NAMELESS.contains(&label) => call,
        _ => label,
    };
    let own = match scope.each_key() {
        Some(key) => format!("{label}-{key}"),
        None => label.to_owned(),
    };
    Draft::named(attributes.get(attribute), attribute, own, kind, block.place())
}
