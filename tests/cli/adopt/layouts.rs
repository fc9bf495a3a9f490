//! Layouts that other people's repositories have.

use serde_json::json;

use super::Adopted;
use crate::init::json_of;
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

/// Of the patterns that match a file the last one counts.
#[test]
fn what_patterns_bring_back_is_packed() {
    let dir = Dir::new();
    for file in [
        "src/hello.js",
        "src/other.js",
        "src/deep/a.js",
        "src/deep/b.js",
        "top.js",
    ] {
        dir.write(file, "exports.handler = 1\n");
    }
    dir.write(
        "serverless.yml",
        "service: x
provider: {name: aws, runtime: nodejs22.x}
package:
  patterns:
    - '!src/**'
    - src/hello.js
functions:
  hello: {handler: src/hello.handler}
  twice:
    handler: src/deep/a.handler
    package: {patterns: ['src/deep/**', '!src/deep/b.js', '!top.js', 'src/deep/*', '!src/deep/b.js']}
  only:
    handler: src/deep/a.handler
    package: {patterns: ['!**', 'src/**', '!src/deep/*', 'src/deep/a.js', 'gone.js']}
  slash:
    handler: src/deep/a.handler
    package: {patterns: ['!**', './src/deep/**', '!src/deep/']}
",
    );
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.packed("hello"), ["src/hello.js", "top.js"]);
    assert_eq!(adopted.packed("twice"), ["src/deep/a.js", "src/hello.js"]);
    assert_eq!(
        adopted.packed("only"),
        ["src/deep/a.js", "src/hello.js", "src/other.js"]
    );
    // To the framework such a pattern says nothing, and here it would be refused.
    assert_eq!(adopted.packed("slash"), ["src/deep/a.js", "src/deep/b.js"]);
    assert_eq!(adopted.json["notes"].as_array().unwrap().len(), 1);
    adopted.notes(
        "serverless.yml:17",
        "slash",
        Some("package.patterns"),
        "write `src/deep/**`",
    );
}

/// Aliases, what calls functions, and what keeps them warm: no definition has them, so they are named.
#[test]
fn what_stands_beside_functions_is_named() {
    let app = "def handler(event, context):\n    pass\n";
    let said = |adopted: &Adopted, file: &str, line: u64, key: &str, reason: &str| {
        let mut notes = adopted.json["notes"].as_array().unwrap().iter();
        let is_it = |note: &&serde_json::Value| note["file"] == file && note["line"] == line && note["key"] == key;
        let note = notes
            .find(is_it)
            .unwrap_or_else(|| panic!("{key}: {:#}", adopted.json["notes"]));
        assert!(note["reason"].as_str().unwrap().contains(reason), "{note}");
        assert!(adopted.run.stderr.contains(reason), "{key}");
    };
    let (alias, caller, warm, kept) = (
        "makes an alias of its own",
        "what calls a function",
        "provisions no concurrency",
        "keep it beside lambda-deploy-module",
    );

    let dir = Dir::new();
    dir.write("src/app.py", app);
    dir.write(
        "main.tf",
        r#"data "archive_file" "app" {
  type = "zip"
  source_dir = "src"
  output_path = "app.zip"
}
resource "aws_lambda_function" "app" {
  function_name = "app"
  filename = data.archive_file.app.output_path
  handler = "app.handler"
  runtime = "python3.13"
}
resource "aws_lambda_alias" "live" {}
resource "aws_lambda_event_source_mapping" "queue" {}
resource "aws_lambda_permission" "api" {}
resource "aws_lambda_provisioned_concurrency_config" "live" {}
resource "aws_lambda_runtime_management_config" "app" {}
resource "aws_lambda_layer_version_permission" "rules" {}
resource "aws_sqs_queue" "queue" {}
module "live" {
  source = "terraform-aws-modules/lambda/aws//modules/alias"
}
"#,
    );
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.names(), ["app"]);
    for (line, key, reason) in [
        (12, "resource.aws_lambda_alias.live", alias),
        (13, "resource.aws_lambda_event_source_mapping.queue", caller),
        (14, "resource.aws_lambda_permission.api", caller),
        (15, "resource.aws_lambda_provisioned_concurrency_config.live", warm),
        (16, "resource.aws_lambda_runtime_management_config.app", kept),
        (17, "resource.aws_lambda_layer_version_permission.rules", kept),
        (19, "module.live", alias),
    ] {
        said(&adopted, "main.tf", line, key, reason);
    }
    assert_eq!(
        adopted.json["notes"].as_array().unwrap().len(),
        7,
        "{:#}",
        adopted.json["notes"]
    );

    let dir = Dir::new();
    dir.write("src/app.py", app);
    dir.write(
        "template.yaml",
        "Resources:
  App:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: app.handler
      Runtime: python3.13
      AutoPublishAlias: live
      ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 2}
  Live: {Type: AWS::Lambda::Alias}
  Queue: {Type: AWS::Lambda::EventSourceMapping}
  Signed: {Type: AWS::Lambda::CodeSigningConfig}
  Version: {Type: AWS::Lambda::Version}
  Table: {Type: AWS::DynamoDB::Table}
",
    );
    let adopted = Adopted::of(dir);
    adopted.notes("template.yaml:8", "App", Some("AutoPublishAlias"), alias);
    adopted.notes("template.yaml:9", "App", Some("ProvisionedConcurrencyConfig"), warm);
    for (line, key, reason) in [(10, "Live", alias), (11, "Queue", caller), (12, "Signed", kept)] {
        said(&adopted, "template.yaml", line, key, reason);
    }
    assert_eq!(
        adopted.json["notes"].as_array().unwrap().len(),
        5,
        "{:#}",
        adopted.json["notes"]
    );

    let dir = Dir::new();
    dir.write("src/app.py", app);
    dir.write(
        "serverless.yml",
        "service: x
provider: {name: aws, runtime: python3.13}
functions:
  app:
    handler: src/app.handler
    provisionedConcurrency: 3
resources:
  Resources:
    Live: {Type: AWS::Lambda::Alias}
    Other: {Type: AWS::Lambda::Function}
    Table: {Type: AWS::DynamoDB::Table}
",
    );
    let adopted = Adopted::of(dir);
    adopted.notes("serverless.yml:6", "app", Some("provisionedConcurrency"), warm);
    said(&adopted, "serverless.yml", 9, "Live", alias);
    said(
        &adopted,
        "serverless.yml",
        10,
        "Other",
        "functions of `resources` aren't read",
    );
}

/// Of a secret in JSON a function reads one key: without that the declaration would name too much.
#[test]
fn which_key_of_a_secret_is_meant_is_carried_over() {
    let dir = Dir::new();
    dir.write("src/app.py", "def handler(event, context): pass\n");
    dir.write(
        "template.yaml",
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      Runtime: python3.13
      Environment:
        Variables:
          DB_PASSWORD: '{{resolve:secretsmanager:shop/db:SecretString:pw}}'
          DB_URL: !Sub 'postgres://app:{{resolve:secretsmanager:shop/url:SecretString:pw:AWSPREVIOUS}}@db/orders'
          API_TOKEN: '{{resolve:ssm-secure:/shop/api:3}}'
",
    );
    dir.write(
        "main.tf",
        r#"
data "aws_secretsmanager_secret_version" "db" { secret_id = "shop/db" }
data "aws_ssm_parameter" "api" { name = "/shop/api" }
data "archive_file" "app" {
  type        = "zip"
  source_dir  = "${path.module}/src"
  output_path = "app.zip"
}
locals { db = jsondecode(data.aws_secretsmanager_secret_version.db.secret_string) }
resource "aws_lambda_function" "reports" {
  function_name = "reports"
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
  role          = "arn:aws:iam::123456789012:role/x"
  environment {
    variables = {
      FIRST_PASSWORD  = jsondecode(data.aws_secretsmanager_secret_version.db.secret_string)["pw"]
      SECOND_PASSWORD = local.db.other
      THIRD_PASSWORD  = jsondecode(data.aws_ssm_parameter.api.value).pw
      WHOLE_PASSWORD  = data.aws_secretsmanager_secret_version.db.secret_string
    }
  }
}
"#,
    );
    let adopted = Adopted::of(dir);
    let note = |place: &str, function: &str, key: &str, said: &str| {
        adopted.notes(place, function, Some(key), said);
    };
    let variable = |name: &str| format!("Environment.Variables.{name}");
    note(
        "template.yaml:11",
        "Orders",
        &variable("DB_PASSWORD"),
        "`DB_PASSWORD_SECRET` holds, of it the key `pw` of its JSON",
    );
    note(
        "template.yaml:12",
        "Orders",
        &variable("DB_URL"),
        "of it the key `pw` of its JSON; its version `AWSPREVIOUS`; the variable held more than that",
    );
    note(
        "template.yaml:13",
        "Orders",
        &variable("API_TOKEN"),
        "of it its version `3`",
    );
    let declared = |function: &str| {
        let definition = json_of(&adopted.dir, &format!("lambda-json/{function}.json"));
        let secrets = definition["secrets"].as_array().unwrap().clone();
        let told = secrets.iter().map(|secret| {
            let place = ["name", "parameter", "arn"]
                .iter()
                .find_map(|key| secret[*key].as_str());
            [place, secret["description"].as_str()].map(|text| text.unwrap_or("").to_owned())
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        declared("Orders"),
        [
            ["shop/db", "the key `pw` of its JSON"],
            [
                "shop/url",
                "the key `pw` of its JSON; its version `AWSPREVIOUS`; the variable held more than that"
            ],
            ["/shop/api", "its version `3`"],
        ]
    );
    assert_eq!(
        declared("reports"),
        [
            ["shop/db", "the key `pw` of its JSON"],
            ["shop/db", "the key `other` of its JSON"],
            ["/shop/api", "the key `pw` of its JSON"],
            ["shop/db", ""],
        ]
    );
}
