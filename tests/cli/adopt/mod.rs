//! `init --adopt`: three repositories as people have them, in `tests/fixtures/adopt`, and what is odd.

mod hostile;
mod layouts;
mod shown;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::init::{answer, json_of};
use crate::support::{Dir, Run, run};

/// A copy of a repository, and what was said when it was adopted, after `validate` accepted it.
struct Adopted {
    dir: Dir,
    run: Run,
    json: Value,
}

impl Adopted {
    #[track_caller]
    fn new(fixture: &str) -> Self {
        let dir = Dir::new();
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/adopt")
            .join(fixture);
        run(
            "cp",
            &["-R", &format!("{}/.", from.display()), dir.path().to_str().unwrap()],
        );
        Self::of(dir)
    }

    #[track_caller]
    fn of(dir: Dir) -> Self {
        let run = dir.command(["init", "--adopt", ".", "--json"]).ok();
        dir.command(["validate"]).ok();
        let json = run.json();
        Adopted { dir, run, json }
    }

    fn names(&self) -> Vec<&str> {
        let functions = self.json["functions"].as_array().unwrap();
        functions
            .iter()
            .map(|function| function["name"].as_str().unwrap())
            .collect()
    }

    fn definition(&self, name: &str) -> Value {
        json_of(&self.dir, &format!("lambda-json/{name}.json"))
    }

    /// Whether a note says this of that place, and stderr the same.
    #[track_caller]
    fn notes(&self, place: &str, function: &str, key: Option<&str>, reason: &str) {
        let (file, line) = place.split_once(':').unwrap();
        let line: u64 = line.parse().unwrap();
        let all = self.json["notes"].as_array().unwrap();
        let fits = |note: &&Value| {
            note["file"] == file
                && note["line"] == line
                && note["function"] == function
                && note["key"] == json!(key)
                && note["reason"].as_str().unwrap().contains(reason)
        };
        assert!(
            all.iter().any(|note| fits(&note)),
            "{place} {function} {key:?} {reason}: {all:#?}"
        );
        assert!(
            self.run.stderr.contains(place) && self.run.stderr.contains(reason),
            "{}",
            self.run.stderr
        );
    }

    fn notes_of(&self, function: &str) -> usize {
        let all = self.json["notes"].as_array().unwrap();
        all.iter().filter(|note| note["function"] == function).count()
    }

    /// A value that looks like a secret stays where it was.
    #[track_caller]
    fn keeps(&self, secret: &str, file: &str) {
        assert!(
            !self.run.stdout.contains(secret) && !self.run.stderr.contains(secret),
            "{:?}",
            self.run
        );
        for (path, content) in self.dir.snapshot() {
            let holds = String::from_utf8_lossy(&content).contains(secret);
            assert_eq!(holds, path == self.dir.join(file), "{}", path.display());
        }
    }

    /// The names in a package.
    #[track_caller]
    fn packed(&self, name: &str) -> Vec<String> {
        self.dir.command(["build", name]).ok();
        let mut zip = zip::ZipArchive::new(fs::File::open(self.zip(name)).unwrap()).unwrap();
        let names = (0..zip.len()).map(|index| zip.by_index(index).unwrap().name().unwrap().into_owned());
        names.collect()
    }

    fn zip(&self, name: &str) -> std::path::PathBuf {
        let toml = fs::read_to_string(self.dir.join("lambda-pack.toml")).unwrap();
        let out_dir = if toml.contains("out_dir = ") {
            ".lambda-pack/dist"
        } else {
            "dist"
        };
        self.dir.join(&format!("{out_dir}/{name}.zip"))
    }

    /// What a function answers. `None` where its runtime can't be installed.
    fn answer(&self, name: &str, event: &Value) -> Option<Value> {
        let zip = self.zip(name);
        answer(&self.dir, name, zip.to_str().unwrap(), event)
    }
}

#[test]
fn terraform_is_adopted() {
    let adopted = Adopted::new("terraform");
    let names = [
        "common",
        "notify",
        "refund",
        "report-daily",
        "report-monthly",
        "shop-prod-orders",
    ];
    assert_eq!(adopted.names(), names);
    assert_eq!(
        adopted.definition("shop-prod-orders"),
        json!({
            "function_name": "shop-prod-orders", "description": "Takes orders", "runtime": "python3.13",
            "handler": "orders.handler", "architectures": ["arm64"], "memory_size": 256, "timeout": 10,
            "environment": {"GREETING": "Hello\nthere\n", "LOG_LEVEL": "INFO", "RETRIES": "3", "STAGE": "prod"},
            "source": {"path": "functions/orders", "exclude": ["tests/**", "README.md"]},
            "layers": ["common", "arn:aws:lambda:eu-central-1:123456789012:layer:insights:3"],
            "secrets": [{"id": "api-token", "class": "user_prompt", "target": "API_TOKEN_SECRET", "label": "Api token"}],
            "tracing_config": {"mode": "Active"}
        })
    );
    // A layer is for the architecture of the functions that name it.
    assert_eq!(
        adopted.definition("common"),
        json!({
            "function_name": "common", "type": "layer", "compatible_runtimes": ["python3.13"],
            "architectures": ["arm64"], "source": "layers/common"
        })
    );
    // By way of an object in S3, one for each key.
    assert_eq!(
        adopted.definition("report-monthly"),
        json!({
            "function_name": "report-monthly", "runtime": "python3.13", "handler": "monthly.handler",
            "timeout": 900, "source": "functions/report/monthly.py"
        })
    );
    // A module of the repository, whose archive is known by its name.
    assert_eq!(adopted.definition("refund")["memory_size"], 512);
    let orders = "shop-prod-orders";
    adopted.notes("infra/main.tf:29", orders, Some("role"), "`policy_statements`");
    adopted.notes(
        "infra/main.tf:41",
        orders,
        Some("environment.variables.TABLE"),
        "`aws_dynamodb_table.orders.name`",
    );
    adopted.notes(
        "infra/main.tf:42",
        orders,
        Some("environment.variables.API_TOKEN"),
        "looks like a secret",
    );
    adopted.notes("infra/main.tf:55", orders, Some("vpc_config"), "`var.subnet_ids`");
    adopted.notes("infra/main.tf:60", orders, Some("snap_start"), "nothing like it");
    adopted.notes(
        "infra/main.tf:118",
        "legacy",
        None,
        "no `archive_file` makes its package",
    );
    adopted.notes("infra/main.tf:121", "renderer", None, "container image");
    adopted.notes(
        "infra/main.tf:130",
        "aws_lambda_function.tenant",
        Some("for_each"),
        "known only when it is deployed",
    );
    adopted.notes("infra/functions.tf:25", "notify", Some("policy_json"), "`role_name`");
    assert_eq!((adopted.notes_of(orders), adopted.notes_of("report-daily")), (5, 1));
    adopted.keeps("tok_9f8Xq2LmZr7Vb3Ns5Kd1", "infra/main.tf");
    // What was packed is packed.
    assert_eq!(adopted.packed(orders), ["orders.py"]);
    assert_eq!(adopted.packed("common"), ["python/common.py"]);
    assert_eq!(adopted.packed("notify"), ["notify.py", "shared/text.py"]);
    if let Some(answer) = adopted.answer("notify", &json!({"text": "closed"})) {
        assert_eq!(answer, "CLOSED!");
    }
    assert_eq!(adopted.packed("refund"), ["index.js"]);
    if let Some(answer) = adopted.answer("refund", &json!({"order": 7})) {
        assert_eq!(answer, json!({"refunded": 7}));
    }
}

#[test]
fn a_sam_template_is_adopted() {
    let adopted = Adopted::new("sam");
    assert_eq!(adopted.names(), ["Convert", "RatesFunction", "intake-test", "rules"]);
    assert_eq!(
        adopted.definition("intake-test"),
        json!({
            "function_name": "intake-test", "runtime": "python3.13", "handler": "intake.handler",
            "architectures": ["arm64"], "memory_size": 256, "timeout": 10,
            "environment": {"LOG_LEVEL": "DEBUG", "STAGE": "test"}, "source": "src/intake", "layers": ["rules"],
            "secrets": [
                {"id": "api-key", "class": "user_prompt", "target": "API_KEY_SECRET", "label": "Api key"},
                {"id": "db-password", "class": "user_prompt", "target": "DB_PASSWORD_SECRET", "label": "Db password"}
            ]
        })
    );
    let rates = adopted.definition("RatesFunction");
    assert_eq!(rates["tracing_config"], json!({"mode": "Active"}));
    assert_eq!(rates["ephemeral_storage"], json!({"size": 1024}));
    assert_eq!(
        rates["dead_letter_config"]["target_arn"],
        "arn:aws:sqs:eu-central-1:123456789012:dead"
    );
    let convert = adopted.definition("Convert");
    assert_eq!(
        (&convert["architectures"], &convert["build"]),
        (&json!(["x86_64"]), &json!({"type": "go"}))
    );
    assert_eq!(
        adopted.definition("rules")["source"],
        json!({"path": "layers/rules", "prefix": "python"})
    );
    let intake = "intake-test";
    adopted.notes(
        "template.yaml:41",
        intake,
        Some("Environment.Variables.TABLE"),
        "`!GetAtt Table.Arn`",
    );
    adopted.notes(
        "template.yaml:42",
        intake,
        Some("Environment.Variables.BUCKET"),
        "`!Ref AWS::AccountId`",
    );
    adopted.notes(
        "template.yaml:43",
        intake,
        Some("Environment.Variables.API_KEY"),
        "`!Ref ApiKey`",
    );
    adopted.notes(
        "template.yaml:44",
        intake,
        Some("Environment.Variables.DB_PASSWORD"),
        "looks like a secret",
    );
    adopted.notes("template.yaml:46", intake, Some("Policies"), "`role_name`");
    adopted.notes("template.yaml:48", intake, Some("Events"), "alias");
    adopted.notes(
        "template.yaml:56",
        "RatesFunction",
        Some("build"),
        "requirements.txt:2: `requests` is not locked",
    );
    adopted.notes("template.yaml:79", "Inline", None, "put it into a file");
    assert_eq!(
        (
            adopted.notes_of(intake),
            adopted.notes_of("Convert"),
            adopted.notes_of("Inline")
        ),
        (6, 0, 1)
    );
    for secret in ["Tr0ub4dor-and-3", "not-a-real-one"] {
        adopted.keeps(secret, "template.yaml");
    }
    assert_eq!(adopted.packed("rules"), ["python/rules.py"]);
    if adopted.packed("RatesFunction").contains(&"rates.py".to_owned())
        && let Some(answer) = adopted.answer("RatesFunction", &json!({}))
    {
        assert_eq!(answer, json!({"rate": 1.1}));
    }
}

#[test]
fn a_serverless_service_is_adopted() {
    let adopted = Adopted::new("serverless");
    assert_eq!(adopted.names(), ["cancel", "create", "geo"]);
    let create = adopted.definition("create");
    assert_eq!(create["handler"], "src/handlers/create.handler");
    assert_eq!((&create["memory_size"], &create["timeout"]), (&json!(512), &json!(20)));
    assert_eq!(create["architectures"], json!(["arm64"]));
    assert_eq!(create["layers"], json!(["geo"]));
    assert_eq!(
        create["environment"],
        json!({"MAX_SEATS": "8", "SERVICE": "bookings", "TABLE": "bookings-dev"})
    );
    // The framework's default, which is another than Lambda's.
    assert_eq!(adopted.definition("cancel")["timeout"], 6);
    adopted.notes(
        "serverless.yml:18",
        "create",
        Some("environment.ACCOUNT"),
        "`${aws:accountId}`",
    );
    adopted.notes(
        "serverless.yml:39",
        "create",
        Some("environment.STRIPE_KEY"),
        "`${ssm:/bookings/stripe}`",
    );
    adopted.notes("serverless.yml:22", "create", Some("provider.iam"), "`role_name`");
    adopted.notes("serverless.yml:45", "create", Some("events"), "alias");
    adopted.notes("serverless.yml:49", "cancel", Some("name"), "`cancel`");
    adopted.notes("serverless.yml:57", "thumbnails", None, "its package is made elsewhere");
    assert_eq!(adopted.packed("create"), ["src/handlers/create.js", "src/lib/seats.js"]);
    if let Some(answer) = adopted.answer("create", &json!({"seats": 9})) {
        assert_eq!(answer, json!({"seats": 8}));
    }
    // The project is within its own source; it packs none of what it writes.
    let before = adopted.packed("cancel");
    assert_eq!(before, ["src/handlers/cancel.js", "src/lib/seats.js"]);
    assert_eq!(adopted.packed("cancel"), before);
}

#[test]
fn adopting_again_changes_nothing() {
    let adopted = Adopted::new("sam");
    let before = adopted.dir.snapshot();
    let again = adopted.dir.command(["init", "--adopt", ".", "--json"]).ok().json();
    let files = again["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["status"] == "unchanged"), "{again}");
    assert_eq!(adopted.dir.snapshot(), before);
    adopted.dir.write("lambda-json/rules.json", "{}");
    adopted
        .dir
        .command(["init", "--adopt", "."])
        .fails(5, &["lambda-json/rules.json", "nothing was written"]);
}

/// The project stands beside what it adopts, which isn't touched.
#[test]
fn a_repository_elsewhere_is_only_read() {
    let dir = Dir::new();
    dir.write("legacy/app.py", "def handler(event, context):\n    return event\n");
    dir.write(
        "legacy/template.json",
        r#"{"Resources": {"App": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python3.13",
            "Handler": "app.handler", "Code": "app.py", "Tags": [{"Key": "team", "Value": "a"}],
            "TracingConfig": {"Mode": "PassThrough"}}}}}"#,
    );
    let before = fs::read_dir(dir.join("legacy")).unwrap().count();
    dir.command(["init", "new", "--adopt", "legacy"]).ok();
    let toml = fs::read_to_string(dir.join("new/lambda-pack.toml")).unwrap();
    assert!(toml.contains("code_dir = \"../legacy\""), "{toml}");
    dir.command(["validate"]).current_dir(&dir.join("new")).ok();
    let definition = json_of(&dir, "new/lambda-json/App.json");
    assert_eq!(
        (&definition["source"], &definition["tags"]),
        (&json!("app.py"), &json!({"team": "a"}))
    );
    assert_eq!(definition["tracing_config"], json!({"mode": "PassThrough"}));
    assert_eq!(fs::read_dir(dir.join("legacy")).unwrap().count(), before);
}

#[test]
fn where_nothing_can_be_adopted_that_is_said() {
    let dir = Dir::new();
    dir.write("README.md", "nothing");
    dir.command(["init", "--adopt", "."])
        .fails(3, &["no function was found", "serverless.yml"]);
    dir.command(["init", "--adopt", "absent"]).fails(3, &["absent"]);
    dir.write(
        "main.tf",
        "resource \"aws_lambda_function\" \"a\" {\n  filename = \n}\n",
    );
    dir.command(["init", "--adopt", "."])
        .fails(3, &["main.tf:2", "not Terraform's language"]);
    let usage = ["cannot be used with"];
    dir.command(["init", "--adopt", ".", "--language", "go"])
        .fails(2, &usage);
    assert_eq!(dir.snapshot().len(), 2, "nothing was written");
}

/// A function whose source holds a secret would be refused later: it is said now, and the others are carried over.
#[test]
fn what_validate_would_refuse_is_not_written() {
    let dir = Dir::new();
    let secret = ["AKIA", "Z7QXW3RTYPLKJH5D"].concat();
    dir.write(
        "a/app.py",
        format!("KEY = '{secret}'\n\n\ndef handler(event, context):\n    pass\n"),
    );
    dir.write("b/app.py", "def handler(event, context):\n    pass\n");
    let function = |name: &str| {
        format!(
            "  {name}:\n    Type: AWS::Serverless::Function\n    Properties: {{CodeUri: {name}, Handler: app.handler, Runtime: python3.13}}\n"
        )
    };
    let missing = function("c");
    dir.write(
        "template.yaml",
        format!("Resources:\n{}{}{missing}", function("a"), function("b")),
    );
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.names(), ["b"]);
    adopted.notes("template.yaml:2", "a", None, "a/app.py:1");
    adopted.notes("template.yaml:8", "c", None, "its source");
    assert!(!adopted.run.stderr.contains(&secret), "{}", adopted.run.stderr);
}

/// What a function may do comes over where all of it is known; roles and the rest are noted.
#[test]
fn policy_statements_that_are_known_are_carried_over() {
    let dir = Dir::new();
    for name in ["tf", "sam", "sls"] {
        dir.write(&format!("{name}/app.py"), "def handler(event, context):\n    pass\n");
    }
    dir.write(
        "tf/main.tf",
        r#"data "archive_file" "app" {
  type        = "zip"
  source_file = "app.py"
  output_path = "app.zip"
}
resource "aws_iam_role" "app" {
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}
resource "aws_iam_role_policy" "app" {
  role   = aws_iam_role.app.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:SendMessage", Resource = "arn:aws:sqs:eu-west-1:123456789012:orders" }]
  })
}
data "aws_iam_policy_document" "more" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::orders/*"]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }
  statement {
    actions   = ["dynamodb:GetItem"]
    resources = [aws_dynamodb_table.orders.arn]
  }
}
resource "aws_iam_role_policy" "more" {
  role   = aws_iam_role.app.name
  policy = data.aws_iam_policy_document.more.json
}
resource "aws_lambda_function" "tf" {
  function_name = "tf"
  role          = aws_iam_role.app.arn
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
}
"#,
    );
    dir.write(
        "sam/template.yaml",
        "Resources:
  sam:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
      Policies:
        - AWSLambdaBasicExecutionRole
        - Statement:
            - {Sid: Read, Effect: Allow, Action: [s3:GetObject], Resource: 'arn:aws:s3:::orders/*'}
            - {Effect: Allow, NotAction: 's3:*', Resource: '*'}
        - DynamoDBReadPolicy: {TableName: orders}
        - Statement:
            - {Sid: Read, Effect: Allow, Action: [sqs:ReceiveMessage], Resource: 'arn:aws:sqs:eu-west-1:123456789012:orders'}
",
    );
    dir.write(
        "sls/serverless.yml",
        "service: x
provider:
  name: aws
  runtime: python3.13
  iam: {role: {statements: [{Effect: Deny, Action: 'sns:Publish', Resource: '*'}, {Effect: Allow, Action: 'sns:*', Resource: !Ref Topic}]}}
functions:
  sls: {handler: app.handler}
",
    );
    let adopted = Adopted::of(dir);
    assert_eq!(
        adopted.definition("tf")["policy_statements"],
        json!([
            {"effect": "Allow", "actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-west-1:123456789012:orders"]},
            {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::orders/*"], "conditions": {"Bool": {"aws:SecureTransport": ["true"]}}},
        ])
    );
    adopted.notes(
        "tf/main.tf:26",
        "tf",
        Some("aws_iam_role_policy"),
        "`aws_dynamodb_table.orders.arn`",
    );
    assert_eq!(
        adopted.definition("sam")["policy_statements"],
        json!([
            {"sid": "Read", "effect": "Allow", "actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::orders/*"]},
            // Of another policy; in one that name comes once.
            {"effect": "Allow", "actions": ["sqs:ReceiveMessage"], "resources": ["arn:aws:sqs:eu-west-1:123456789012:orders"]},
        ])
    );
    assert_eq!(adopted.notes_of("sam"), 3, "{:#?}", adopted.json["notes"]);
    assert_eq!(
        adopted.definition("sls")["policy_statements"],
        json!([{"effect": "Deny", "actions": ["sns:Publish"], "resources": ["*"]}])
    );
    adopted.notes("sls/serverless.yml:5", "sls", Some("provider.iam"), "`!Ref Topic`");
}

/// Each of these is a function that isn't deployed, or one that is deployed otherwise than a definition can say.
#[test]
fn nothing_is_lost_in_silence() {
    let dir = Dir::new();
    dir.write("app/app.py", "def handler(event, context):\n    pass\n");
    dir.write(
        "main.tf",
        r#"module "off" {
  source        = "terraform-aws-modules/lambda/aws"
  create        = false
  function_name = "off"
  source_path   = "app"
}
module "packed" {
  source          = "terraform-aws-modules/lambda/aws"
  create_function = false
  function_name   = "packed"
  source_path     = "app"
}
module "elsewhere" {
  source         = "terraform-aws-modules/lambda/aws"
  create_package = false
  function_name  = "elsewhere"
  source_path    = "app"
}
module "maybe" {
  source        = "terraform-aws-modules/lambda/aws"
  create        = var.enabled
  function_name = "maybe"
  runtime       = "python3.13"
  handler       = "app.handler"
  source_path   = "app"
}
data "archive_file" "app" {
  type        = "zip"
  source_dir  = "app"
  output_path = "app.zip"
}
resource "aws_lambda_function" "edge" {
  provider      = aws.us_east_1
  region        = "us-east-1"
  function_name = "edge"
  handler       = "app.handler"
  runtime       = "python3.13"
  filename      = data.archive_file.app.output_path
}
resource "aws_lambda_function" "none" {
  count         = 0
  function_name = "none"
  filename      = data.archive_file.app.output_path
}
"#,
    );
    dir.write(
        "template.yaml",
        "Resources:
  Prod:
    Type: AWS::Serverless::Function
    Condition: IsProd
    Properties: {CodeUri: app, Handler: app.handler, Runtime: python3.13}
  Fn::ForEach::Each:
    - Name
    - [a, b]
    - ${Name}Function: {Type: AWS::Serverless::Function, Properties: {CodeUri: app}}
  Nested: {Type: AWS::Serverless::Application, Properties: {Location: other.yaml}}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: app, LicenseInfo: MIT, RetentionPolicy: Retain}
",
    );
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.names(), ["Prod", "Shared", "edge", "maybe"]);
    adopted.notes("main.tf:3", "off", None, "`create` is false");
    adopted.notes("main.tf:9", "packed", None, "`create_function` is false");
    adopted.notes("main.tf:15", "elsewhere", None, "made elsewhere");
    adopted.notes("main.tf:21", "maybe", Some("create"), "`var.enabled`");
    adopted.notes("main.tf:33", "edge", Some("provider"), "region");
    adopted.notes("main.tf:34", "edge", Some("region"), "region");
    adopted.notes("main.tf:41", "aws_lambda_function.none", Some("count"), "it is 0");
    adopted.notes("template.yaml:4", "Prod", Some("Condition"), "depends on a condition");
    adopted.notes("template.yaml:13", "Shared", Some("LicenseInfo"), "nothing like it");
    let notes = adopted.json["notes"].as_array().unwrap();
    for key in ["Fn::ForEach::Each", "Nested", "RetentionPolicy"] {
        assert!(notes.iter().any(|note| note["key"] == key), "{key}: {notes:#?}");
    }
}

/// A function that can't be carried over says nothing of where the code is.
#[test]
fn what_is_refused_does_not_move_the_code_directory() {
    let dir = Dir::new();
    dir.write("elsewhere/app.py", "KEY = 1\n");
    dir.write("repository/app/app.py", "def handler(event, context):\n    pass\n");
    dir.write(
        "repository/template.yaml",
        "Resources:
  Good: {Type: AWS::Serverless::Function, Properties: {CodeUri: app, Handler: app.handler, Runtime: python3.13}}
  Bad: {Type: AWS::Serverless::Function, Properties: {CodeUri: ../elsewhere, Handler: no.handler, Runtime: python3.13}}
",
    );
    let run = dir
        .command(["init", "repository", "--adopt", "repository", "--json"])
        .ok();
    let notes = &run.json()["notes"];
    assert_eq!((&notes[0]["function"], &notes[0]["key"]), (&json!("Bad"), &Value::Null));
    let toml = fs::read_to_string(dir.join("repository/lambda-pack.toml")).unwrap();
    assert!(toml.contains("code_dir = \".\""), "{toml}");
    assert_eq!(json_of(&dir, "repository/lambda-json/Good.json")["source"], "app");
}
