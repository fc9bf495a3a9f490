//! What adopting shows, and what it copies, of each place in which a value can stand: a marker in each of them.

use serde_json::json;

use super::Adopted;
use crate::support::Dir;

/// What may become of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    /// It is neither shown nor copied.
    Stay,
    /// It is known, and allowed in a definition: it is copied, and not shown.
    BeCopied,
    /// It is a name, a path of a source or a handler: what people need to find their way.
    BeShown,
}

/// Markers stand in a template as `{stay:…}`, `{copied:…}` and `{shown:…}`.
fn planted(template: &str) -> (String, Vec<(String, May)>) {
    let mut text = String::new();
    let mut markers = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("<<") {
        let (marker, after) = after.split_once(">>").unwrap();
        let (may, name) = marker.split_once(':').unwrap();
        let may = match may {
            "stay" => May::Stay,
            "copied" => May::BeCopied,
            "shown" => May::BeShown,
            other => panic!("{other}"),
        };
        // With a digit, as secrets have; and nothing that any rule knows.
        let marker = format!("zq7{name}z");
        assert!(
            markers.iter().all(|(known, _)| *known != marker),
            "{marker} comes twice"
        );
        text.push_str(before);
        text.push_str(&marker);
        markers.push((marker, may));
        rest = after;
    }
    (text + rest, markers)
}

/// Adopts a repository with this file, and looks for each marker.
#[track_caller]
fn check(file: &str, template: &str, more: &[(&str, &str)]) -> Adopted {
    let (text, markers) = planted(template);
    let dir = Dir::new();
    dir.write("app/app.py", "def handler(event, context):\n    pass\n");
    dir.write(file, &text);
    for (name, content) in more {
        dir.write(name, content);
    }
    let before = dir.snapshot();
    let plain = dir.command(["init", "--adopt", ".", "--dry-run", "-vvv"]).ok();
    let adopted = Adopted::of(dir);
    let outputs = [&plain.stdout, &plain.stderr, &adopted.run.stdout, &adopted.run.stderr];
    let written = adopted.dir.snapshot();
    let written: Vec<_> = written
        .iter()
        .filter(|(path, _)| !before.iter().any(|(known, _)| known == path))
        .collect();
    for (marker, may) in markers {
        let is_shown = outputs.iter().any(|output| output.contains(&marker));
        let is_copied = written
            .iter()
            .any(|(_, content)| String::from_utf8_lossy(content).contains(&marker));
        assert!(!is_shown || may == May::BeShown, "{marker} is shown: {outputs:?}");
        assert!(!is_copied || may != May::Stay, "{marker} is copied");
        // Else the place isn't one that is read.
        assert!(
            is_copied || may != May::BeCopied,
            "{marker} isn't copied: {:#?}",
            adopted.json
        );
    }
    adopted
}

#[test]
fn of_terraform() {
    let adopted = check(
        "main.tf",
        r#"
variable "password" {
  sensitive = true
  default   = "<<stay:default>>"
}
variable "given" {
  type      = string
  sensitive = true
}
variable "level" {
  default = "<<copied:level>>"
}
locals {
  secret = sensitive("<<stay:sensitive>>")
  dsn    = "host=db user=app password=<<stay:dsn>>"
}
data "archive_file" "app" {
  type        = "zip"
  source_dir  = "app"
  output_path = "<<stay:output>>.zip"
  excludes    = ["<<copied:exclude>>"]
}
resource "aws_lambda_function" "app" {
  function_name = "<<shown:name>>"
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
  description   = "<<copied:description>>"
  role          = "<<stay:role>>"
  memory_size   = "<<stay:memory>>"
  timeout       = { a = "<<stay:timeout>>" }
  layers        = ["<<stay:layer>>", local.unknown["<<stay:index>>"]]
  kms_key_arn   = "<<stay:kms>>"
  architectures = ["<<stay:architecture>>"]
  image_uri     = "<<stay:image>>"
  new_argument  = "<<stay:argument>>"
  tags = {
    team     = "<<copied:tag>>"
    Password = "<<stay:tagpassword>>"
  }
  environment {
    variables = {
      LEVEL        = var.level
      PLAIN        = "<<copied:plain>>"
      DB_PASSWORD  = "<<stay:environment>>"
      API_TOKEN    = "<<stay:token>>"
      FROM_DEFAULT = var.password
      FROM_TFVARS  = var.given
      FROM_LOCAL   = local.secret
      IN_TEXT      = "x-${var.password}"
      DSN          = local.dsn
      CONN         = "Server=db;Password=<<stay:conn>>;"
      JSON         = jsonencode({ password = "<<stay:json>>" })
      URL          = "postgres://app:<<stay:url>>@db.example.com/x"
      JOINED       = join("", ["<<stay:joined>>", aws_x.id.y])
      TEMPLATE     = "<<stay:template>>-${aws_x.id.z}"
      CONDITION    = aws_x.id.b ? "<<stay:true>>" : "<<stay:false>>"
      CALL         = templatefile("<<stay:file>>", { a = "<<stay:argumentof>>" })
      INDEX        = aws_x.id["<<stay:key>>"].name
      LOOP         = [for x in ["<<stay:loop>>"] : x]
      LIST         = ["<<stay:list>>"]
    }
  }
  tracing_config {
    mode = "<<stay:mode>>"
  }
  vpc_config {
    subnet_ids         = ["<<stay:subnet>>"]
    security_group_ids = [aws_x.id.w]
    <<stay:inner>> = "<<stay:innervalue>>"
  }
  dead_letter_config {
    target_arn = "<<stay:target>>"
  }
  dynamic "file_system_config" {
    for_each = ["<<stay:dynamic>>"]
    content {
      arn = "<<stay:content>>"
    }
  }
}
resource "aws_lambda_function" "merged" {
  function_name = "merged"
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
  environment {
    variables = merge(var.unknown, { DB_PASSWORD = "<<stay:merged>>", XX = "<<stay:mergedplain>>" })
  }
}
resource "aws_lambda_function" "refused" {
  function_name = "refused"
  filename      = "<<stay:filename>>.zip"
}
resource "aws_lambda_function" "object" {
  function_name = "object"
  s3_bucket     = "<<stay:bucket>>"
  s3_key        = "<<stay:s3key>>"
}
resource "aws_lambda_function" "many" {
  for_each      = toset(concat(aws_x.id.all, ["<<stay:each>>"]))
  function_name = each.key
}
data "archive_file" "written" {
  type        = "zip"
  output_path = "w.zip"
  source {
    content  = "<<stay:written>>"
    filename = "<<shown:filenameof>>"
  }
}
resource "aws_lambda_function" "written" {
  function_name = "written"
  filename      = data.archive_file.written.output_path
}
module "registry" {
  source        = "terraform-aws-modules/lambda/aws"
  version       = "<<stay:version>>"
  function_name = "registry"
  handler       = "app.handler"
  runtime       = "python3.13"
  source_path   = "app"
  policy        = "<<stay:policy>>"
  policy_json   = jsonencode({ Statement = [{ NotAction = "<<stay:notaction>>" }] })
  layers        = ["<<stay:layerof>>"]
  new_input     = "<<stay:input>>"
  environment_variables = { SECRET_KEY = "<<stay:key2>>", XX = "<<copied:x2>>" }
}
module "commands" {
  source        = "terraform-aws-modules/lambda/aws"
  function_name = "commands"
  source_path   = [{ path = "app", commands = ["<<stay:command>>"] }]
}
module "own" {
  source   = "./own"
  password = "<<stay:passed>>"
}
"#,
        &[
            ("terraform.tfvars", "given = \"zq7tfvars\"\n"),
            (
                "own/main.tf",
                r#"
variable "password" {
  sensitive = true
}
data "archive_file" "own" {
  type        = "zip"
  source_dir  = "../app"
  output_path = "own.zip"
}
resource "aws_lambda_function" "own" {
  function_name = "own"
  filename      = data.archive_file.own.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
  environment {
    variables = { XX = var.password }
  }
}
"#,
            ),
        ],
    );
    adopted.keeps("zq7tfvars", "terraform.tfvars");
    let name = "zq7namez";
    adopted.notes(
        "main.tf:47",
        name,
        Some("environment.variables.FROM_DEFAULT"),
        "`var.password` is marked as a secret",
    );
    adopted.notes(
        "main.tf:49",
        name,
        Some("environment.variables.FROM_LOCAL"),
        "declared in `secrets` as `from-local`",
    );
    adopted.notes("main.tf:55", name, Some("environment.variables.JOINED"), "`aws_x.id.y`");
    adopted.notes(
        "main.tf:59",
        name,
        Some("environment.variables.INDEX"),
        "`aws_x.id[…].name`",
    );
    adopted.notes("main.tf:88", "merged", Some("environment.variables"), "`var.unknown`");
}

#[test]
fn of_templates() {
    let adopted = check(
        "template.yaml",
        r#"
Parameters:
  Hidden: {Type: String, NoEcho: true, Default: <<stay:hidden>>}
  Plain: {Type: String, Default: <<copied:parameter>>}
  Chosen: {Type: 'AWS::SSM::Parameter::Value<String>', Default: <<stay:ssm>>}
Mappings: {A: {b: {c: <<copied:mapping>>}}}
Globals:
  Function:
    Environment: {Variables: {GLOBAL: <<copied:global>>, GLOBAL_PASSWORD: <<stay:globalpassword>>}}
Resources:
  App:
    Type: AWS::Serverless::Function
    Condition: <<stay:condition>>
    Properties:
      FunctionName: <<shown:name>>
      CodeUri: app
      Handler: app.handler
      Runtime: python3.13
      Description: <<copied:description>>
      MemorySize: <<stay:memory>>
      Timeout: [<<stay:timeout>>]
      KmsKeyArn: <<stay:kms>>
      Layers: [<<stay:layer>>, {a: <<stay:layerobject>>}]
      Role: <<stay:role>>
      Policies: [<<stay:policy>>, {DynamoDBReadPolicy: {TableName: <<stay:table>>}}, {Statement: [{Effect: <<stay:effect>>, Action: 'a:b', Resource: '*'}]}]
      Events: {E: {Type: Api, Properties: {Path: <<stay:event>>}}}
      NewProperty: <<stay:property>>
      Tags: {team: <<copied:tag>>, ApiSecret: <<stay:tagsecret>>}
      Tracing: <<stay:tracing>>
      EphemeralStorage: {Size: <<stay:size>>, Other: <<stay:other>>}
      Environment:
        Variables:
          AA: !Ref Hidden
          BB: !Sub '<<stay:sub>>-${Hidden}'
          CC: !Sub '<<stay:sub2>>-${AWS::Region}'
          DD: !Join ['-', [<<stay:join>>, !Ref 'AWS::Region']]
          EE: !If [C, <<stay:then>>, <<stay:else>>]
          FF: !Base64 <<stay:base64>>
          GG: !FindInMap [A, b, c]
          HH: !Ref Plain
          II: !Select [1, [<<stay:select>>, !Ref X]]
          JJ: '{{resolve:secretsmanager:<<copied:dynamic>>:SecretString:password}}'
          KK: !Cidr [<<stay:cidr>>, 2]
          LL: [<<stay:list>>]
          MM: !Ref Chosen
          PASSWORD: <<stay:password>>
          DSN: 'password=<<stay:dsn>>'
          PLAIN: <<copied:plain>>
  Elsewhere:
    Type: AWS::Lambda::Function
    Properties: {Code: {S3Bucket: <<stay:bucket>>, S3Key: <<stay:key>>}, Handler: a.b, Runtime: python3.13}
  Stored: {Type: AWS::Serverless::Function, Properties: {CodeUri: 's3://<<stay:bucket2>>/<<stay:key2>>'}}
  Inline: {Type: AWS::Serverless::Function, Properties: {InlineCode: '<<stay:inline>>'}}
  Layer: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: <<stay:method>>}, Properties: {ContentUri: app, LicenseInfo: <<stay:license>>}}
  Nested: {Type: AWS::Serverless::Application, Properties: {Location: <<stay:location>>, Parameters: {P: <<stay:given>>}}}
  Fn::ForEach::X: [N, [<<stay:loop>>], {'${N}F': {Type: AWS::Serverless::Function}}]
"#,
        &[],
    );
    let variable = |letter: &str| format!("Environment.Variables.{letter}");
    let name = "zq7namez";
    adopted.notes(
        "template.yaml:33",
        name,
        Some(&variable("AA")),
        "`!Ref Hidden` is marked as a secret",
    );
    adopted.notes(
        "template.yaml:34",
        name,
        Some(&variable("BB")),
        "`!Ref Hidden` is marked as a secret",
    );
    adopted.notes("template.yaml:35", name, Some(&variable("CC")), "`!Ref AWS::Region`");
    adopted.notes(
        "template.yaml:42",
        name,
        Some(&variable("JJ")),
        "declared in `secrets` as `jj`, of class `remote_fetch`",
    );
}

#[test]
fn of_serverless() {
    let adopted = check(
        "serverless.yml",
        r#"
service: x
custom:
  plain: <<copied:custom>>
provider:
  name: aws
  runtime: python3.13
  environment: {GLOBAL: <<copied:global>>, GLOBAL_TOKEN: <<stay:globaltoken>>}
  iam: {role: {statements: [{Effect: Allow, NotAction: <<stay:notaction>>, Resource: '*'}]}}
  tags: {team: <<copied:tag>>, password: <<stay:tagpassword>>}
functions:
  app:
    name: <<shown:name>>
    handler: app/app.handler
    description: <<copied:description>>
    memorySize: <<stay:memory>>
    timeout: {a: <<stay:timeout>>}
    layers: [<<stay:layer>>]
    role: <<stay:role>>
    iamRoleStatements: [<<stay:statement>>]
    events: [{http: <<stay:event>>}]
    newKey: <<stay:newkey>>
    onError: <<stay:onerror>>
    tracing: <<stay:tracing>>
    kmsKeyArn: <<stay:kms>>
    vpc: {subnetIds: [<<stay:subnet>>], securityGroupIds: ['${cf:a.b}'], other: <<stay:vpc>>}
    package: {patterns: ['!**', '!<<copied:pattern>>', '${env:X, "<<stay:fallbackof>>"}', 'app/**', [<<stay:nopattern>>]]}
    environment:
      AA: ${self:custom.plain}
      BB: <<stay:before>>-${env:HOME}
      CC: ${ssm:/a/b, '<<stay:fallback>>'}
      DD: ${aws:region}-<<stay:after>>
      EE: ${unknown("<<stay:argument>>")}
      FF: ${opt:x, '<<copied:default>>'}
      GG: !Sub '<<stay:sub>>-${AWS::Region}'
      HH: !Join ['', [<<stay:join>>, !Ref X]]
      PASSWORD: <<stay:password>>
      DSN: password=<<stay:dsn>>
      LIST: [<<stay:list>>]
      PLAIN: <<copied:plain>>
  packed: {handler: a.b, package: {artifact: <<stay:artifact>>.zip}}
  image: {image: {uri: <<stay:image>>}}
layers:
  shared: {path: app, description: <<copied:layerof>>, licenseInfo: <<stay:license>>}
"#,
        &[],
    );
    adopted.notes("serverless.yml:30", "app", Some("environment.BB"), "`${env:HOME}`");
    adopted.notes("serverless.yml:31", "app", Some("environment.CC"), "`${ssm:/a/b}`");
}

/// Names alone say that these are secrets: those of what they were reached by.
#[test]
fn what_only_a_name_says_in_terraform() {
    let adopted = check(
        "main.tf",
        r#"
variable "db_password" {
  default = "<<stay:default>>"
}
variable "settings" {
  default = { stage = "<<copied:stage>>", passwords = { db = "<<stay:deep>>" } }
}
locals {
  api_token = "<<stay:local>>"
  cfg       = { password = "<<stay:member>>", table = "<<copied:table>>" }
  alias     = var.db_password
  all       = [local.api_token, "<<copied:other>>"]
}
data "aws_ssm_parameter" "stripe" {
  name = "/shop/<<copied:parameter>>"
}
data "archive_file" "app" {
  type        = "zip"
  source_dir  = "app"
  output_path = "app.zip"
}
resource "aws_lambda_function" "app" {
  function_name = "app"
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
  description   = "by ${local.alias}"
  tags          = { owner = local.cfg.password }
  environment {
    variables = {
      AA     = var.db_password
      BB     = "x-${local.api_token}"
      CC     = local.cfg.password
      DD     = local.cfg.table
      EE     = upper(local.alias)
      FF     = join(",", local.all)
      GG     = local.all[1]
      HH     = var.settings.passwords["db"]
      II     = var.settings.stage
      JJ     = lookup(local.cfg, "password", "x")
      KK     = jsonencode(var.settings)
      LL     = merge(local.cfg, {})["password"]
      STRIPE = data.aws_ssm_parameter.stripe.value
      STRIPE_KEY = data.aws_ssm_parameter.stripe.value
      TABLE_KEY  = aws_dynamodb_table.orders.hash_key
      SECRET     = aws_secretsmanager_secret.orders.arn
      MM     = "Authorization: Bearer <<stay:bearer>>"
      NN     = "run --api-key <<stay:flag>>"
      OO     = "sv=1&sig=<<stay:signature>>"
    }
  }
}
resource "aws_lambda_function" "named" {
  function_name = "f-${var.db_password}"
  filename      = data.archive_file.app.output_path
  handler       = "${local.cfg.password}.handler"
  runtime       = "python3.13"
}
resource "aws_lambda_function" "each" {
  for_each      = toset([local.api_token])
  function_name = each.key
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
}
data "archive_file" "path" {
  type        = "zip"
  source_dir  = "${var.db_password}/app"
  output_path = "path.zip"
}
resource "aws_lambda_function" "path" {
  filename = data.archive_file.path.output_path
}
"#,
        &[],
    );
    let definition = adopted.definition("app");
    let declared: Vec<_> = definition["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        declared,
        [
            "aa",
            "bb",
            "cc",
            "ee",
            "ff",
            "hh",
            "jj",
            "kk",
            "ll",
            "stripe-key",
            "mm",
            "nn",
            "oo"
        ]
    );
    assert_eq!(
        definition["secrets"][0],
        json!({"id": "aa", "class": "user_prompt", "target": "AA_SECRET", "label": "Aa"})
    );
    assert_eq!(
        definition["secrets"][9],
        json!({"id": "stripe-key", "class": "remote_fetch", "target": "STRIPE_KEY_SECRET", "parameter": "/shop/zq7parameterz"})
    );
    for key in ["STRIPE", "TABLE_KEY", "SECRET"] {
        let notes = adopted.json["notes"].as_array().unwrap();
        let key = format!("environment.variables.{key}");
        let note = notes.iter().find(|note| note["key"] == key.as_str()).unwrap();
        assert!(
            note["reason"]
                .as_str()
                .unwrap()
                .contains("`environment` of lambda-deploy-module"),
            "{note}"
        );
    }
}

#[test]
fn what_only_a_name_says_in_templates() {
    let adopted = check(
        "template.yaml",
        r#"
Parameters:
  DbPassword: {Type: String, Default: <<stay:default>>}
  Stage: {Type: String, Default: <<copied:stage>>}
Mappings: {Secrets: {db: {main: <<stay:mapping>>}}}
Resources:
  TokenFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: app
      Handler: app.handler
      Runtime: python3.13
      Description: !Sub 'by ${DbPassword}'
      Tags: {owner: !Ref DbPassword}
      Environment:
        Variables:
          AA: !Ref DbPassword
          BB: !Sub 'x-${DbPassword}'
          CC: !Join ['', [a, !Ref DbPassword]]
          DD: !Sub ['${P}', {P: !Ref DbPassword}]
          EE: !FindInMap [Secrets, db, main]
          FF: !Ref Stage
          DB_SECRET: !Ref Secret
  Secret: {Type: AWS::SecretsManager::Secret}
"#,
        &[],
    );
    let definition = adopted.definition("TokenFunction");
    let declared: Vec<_> = definition["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(declared, ["aa", "bb", "cc", "dd", "ee"]);
}

#[test]
fn what_only_a_name_says_in_serverless() {
    let adopted = check(
        "serverless.yml",
        r#"
service: x
custom:
  dbPassword: &shared <<stay:custom>>
  db: {password: <<stay:deep>>, host: <<copied:host>>}
  neutral: *shared
params: {default: {apiToken: <<stay:param>>}}
provider:
  name: aws
  runtime: python3.13
functions:
  app:
    handler: app/app.handler
    name: ${self:custom.dbPassword}
    environment:
      AA: ${self:custom.dbPassword}
      BB: x${self:custom.db.password}y
      CC: ${param:apiToken}
      DD: ${opt:token, '<<stay:fallback>>'}
      EE: ${file(./secrets.json):db}
      FF: ${env:DB_PASSWORD, '<<stay:other>>'}
      GG: ${self:custom.db.host}
      HH: ${self:custom.neutral}
      STRIPE_KEY: ${ssm:/shop/stripe}
      TABLE: ${ssm:/shop/table}
"#,
        &[("secrets.json", r#"{"db": "zq7file"}"#)],
    );
    adopted.keeps("zq7file", "secrets.json");
    let definition = adopted.definition("app");
    let declared: Vec<_> = definition["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(declared, ["aa", "bb", "cc", "dd", "ee", "ff", "hh", "stripe-key"]);
    assert_eq!(definition["secrets"][7]["parameter"], "/shop/stripe");
}

/// References within `serverless.yml` are followed, and what can't be is said for what it is.
#[test]
fn references_within_a_serverless_file_are_followed() {
    let dir = Dir::new();
    dir.write("app/app.py", "");
    dir.write("more.yml", "table: orders\n");
    dir.write(
        "serverless.yml",
        r#"service: shop
custom:
  base: &base {memory: 512}
  x:
    <<: *base
    key: value-of-key
    table-name: ${self:custom.more.table}-${self:custom.stages.${sls:stage}.suffix}
    resource: arn:aws:s3:::${self:custom.x.key}/*
  more: ${file(more.yml)}
  stages: {dev: {suffix: d}}
  program: ${file(values.js)}
provider:
  name: aws
  runtime: python3.13
  memorySize: ${self:custom.x.memory}
  iam: {role: {statements: [{Effect: Allow, Action: s3:GetObject, Resource: '${self:custom.x.resource}'}]}}
functions:
  app:
    handler: app/app.handler
    description: ${self:custom.x.key}
    timeout: ${self:custom.x.tiemout}
    tags: {by: '${self:custom.x.key}'}
    environment:
      AA: ${self:custom.x.key}
      BB: a-${self:custom.x.table-name}-b
      CC: ${self:custom.x.kye}
      DD: ${opt:size, self:custom.x.gone}
      EE: ${self:custom.program.key}
      FF: ${self:functions.app.environment.AA}
"#,
    );
    let run = dir.command(["init", "--adopt", "."]).ok();
    let definition: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(dir.join("lambda-json/app.json")).unwrap()).unwrap();
    assert_eq!(
        definition["environment"],
        serde_json::json!({"AA": "value-of-key", "BB": "a-orders-d-b", "FF": "value-of-key"})
    );
    assert_eq!(definition["memory_size"], 512);
    assert_eq!(definition["description"], "value-of-key");
    assert_eq!(definition["tags"]["by"], "value-of-key");
    assert_eq!(
        definition["policy_statements"][0]["resources"][0],
        "arn:aws:s3:::value-of-key/*"
    );
    for words in [
        "`timeout` isn't carried over: `${self:custom.x.tiemout}` refers to what isn't there; correct the reference",
        "`environment.CC` isn't carried over: `${self:custom.x.kye}` refers to what isn't there; correct the reference",
        "`environment.DD` isn't carried over: `${self:custom.x.gone}` refers to what isn't there",
        "`environment.EE` isn't carried over: `${file(values.js)}` is known only when it is deployed",
    ] {
        assert!(run.stderr.contains(words), "{words}: {run:?}");
    }
}
