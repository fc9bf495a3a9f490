//! Layouts that other people's repositories have.

use serde_json::json;

use super::Adopted;
use crate::support::Dir;

/// What a function is called in its file alone, another file may have too.
#[test]
fn functions_of_one_name_are_told_apart() {
    let dir = Dir::new();
    let template = |name: &str| {
        format!(
            "Resources:\n  App: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: src, Handler: app.handler, Runtime: python3.13}}}}\n  \
             Named: {{Type: AWS::Serverless::Function, Properties: {{FunctionName: {name}, CodeUri: src, Handler: app.handler, Runtime: python3.13}}}}\n"
        )
    };
    for (service, name) in [("orders", "same"), ("refunds", "same")] {
        dir.write(
            &format!("{service}/src/app.py"),
            "def handler(event, context):\n    pass\n",
        );
        dir.write(&format!("{service}/template.yaml"), template(name));
    }
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.names(), ["App", "refunds-App", "same"]);
    assert_eq!(adopted.definition("refunds-App")["source"], "refunds/src");
    adopted.notes(
        "refunds/template.yaml:2",
        "refunds-App",
        Some("function_name"),
        "orders/template.yaml:2",
    );
    adopted.notes("refunds/template.yaml:3", "same", None, "another function has its name");
}

/// `include` and `exclude`, which came before `patterns`; and what a plugin makes.
#[test]
fn older_services_are_adopted() {
    let dir = Dir::new();
    for file in ["src/app.py", "src/tests/test.py", "web/index.py"] {
        dir.write(file, "def handler(event, context):\n    pass\n");
    }
    dir.write("src/View.java", "class View {}\n");
    dir.write(
        "serverless.yml",
        "service: x
provider: {name: aws, runtime: python3.13}
package: {exclude: ['./**'], include: ['./src/*.py']}
constructs: {jobs: {type: queue, worker: {handler: src/app.handler}}}
functions:
  app:
    handler: src/app.handler
    environment: {STAGE: '${opt:stage, self:provider.stage}', REGION_: '${self:provider.region}'}
  java: {handler: a.B, runtime: java21}
  other: {handler: src/app.handler, runtime: rust}
",
    );
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.names(), ["app"]);
    assert_eq!(adopted.packed("app"), ["src/app.py"]);
    assert_eq!(
        adopted.definition("app")["environment"],
        json!({"STAGE": "dev", "REGION_": "us-east-1"})
    );
    adopted.notes("serverless.yml:9", "java", None, "nothing that `java21` runs");
    adopted.notes("serverless.yml:10", "other", None, "none of Lambda's");
    let notes = adopted.json["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["key"] == "constructs"), "{notes:#?}");
}
