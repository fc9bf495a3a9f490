//! What a deployment is made of, in one document: `bundle.json`.

use schemars::JsonSchema;

/// The document.
#[derive(JsonSchema)]
pub struct Document {}

/// The JSON Schema of the document, draft 2020-12.
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Document)
}
