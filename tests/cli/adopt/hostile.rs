//! Repositories that stand for more than any machine has, or that nobody can read to the end.

use std::fmt::Write as _;

use super::Adopted;
use crate::support::{Dir, run};

fn app(dir: &Dir) {
    dir.write("app/app.py", "def handler(event, context):\n    pass\n");
}

/// Each names the one before twice: forty of them stand for a terabyte.
#[test]
fn values_that_name_each_other_twice_are_unknown() {
    let dir = Dir::new();
    app(&dir);
    let mut locals = "locals {\n  a0 = \"x\"\n  l0 = [1]\n".to_owned();
    for n in 1..=40 {
        let before = n - 1;
        writeln!(locals, "  a{n} = \"${{local.a{before}}}${{local.a{before}}}\"").unwrap();
        writeln!(locals, "  l{n} = concat(local.l{before}, local.l{before})").unwrap();
    }
    dir.write(
        "main.tf",
        format!(
            r#"{locals}}}
data "archive_file" "app" {{
  type        = "zip"
  source_dir  = "app"
  output_path = "app.zip"
}}
resource "aws_lambda_function" "tf" {{
  function_name = "tf"
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
  description   = local.a40
  layers        = local.l40
  memory_size   = length(replace(local.a16, "x", local.a16))
}}
"#
        ),
    );
    let mut custom = "  a0: x\n".to_owned();
    for n in 1..=40 {
        let before = n - 1;
        writeln!(custom, "  a{n}: ${{self:custom.a{before}}}${{self:custom.a{before}}}").unwrap();
    }
    dir.write(
        "app/serverless.yml",
        format!(
            "service: x\nprovider: {{name: aws, runtime: python3.13}}\ncustom:\n{custom}\
             functions:\n  sls: {{handler: app.handler, description: \"${{self:custom.a40}}\"}}\n"
        ),
    );
    let nested = (1..=40).fold("{'Fn::Sub': x}".to_owned(), |inner, _| {
        format!("{{'Fn::Sub': ['${{a}}${{a}}', {{a: {inner}}}]}}")
    });
    dir.write(
        "template.yaml",
        format!(
            "Resources:\n  sam: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: app, Handler: app.handler, \
             Runtime: python3.13, Description: {nested}}}}}\n"
        ),
    );
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.names(), ["sam", "sls", "tf"]);
    for (place, name, key) in [
        ("main.tf:95", "tf", "description"),
        ("main.tf:96", "tf", "layers"),
        ("main.tf:97", "tf", "memory_size"),
        ("app/serverless.yml:46", "sls", "description"),
        ("template.yaml:2", "sam", "Description"),
    ] {
        adopted.notes(place, name, Some(key), "known only when it is deployed");
    }
}

/// Modules that call modules twice each: there is no end to the functions, so that it is said where.
#[test]
fn modules_that_multiply_are_too_much() {
    let dir = Dir::new();
    for n in 0..30 {
        let next = n + 1;
        dir.write(
            &format!("m{n}/main.tf"),
            format!(
                "module \"a\" {{\n  source = \"../m{next}\"\n  x = \"{0}\"\n}}\nmodule \"b\" {{\n  source = \"../m{next}\"\n  x = \"{0}\"\n}}\n",
                "x".repeat(100_000)
            ),
        );
    }
    dir.write("m30/main.tf", "resource \"aws_lambda_function\" \"a\" {\n}\n");
    dir.command(["init", "--adopt", "."])
        .fails(3, &["/main.tf:", "stand for too much", "`.gitignore`"]);
}

/// Whoever reads a pipe waits for a writer; and what git ignores isn't for others.
#[test]
fn only_files_of_the_repository_are_read() {
    let dir = Dir::new();
    let path = |name: &str| dir.join(name).display().to_string();
    dir.write("repository/app.py", "def handler(event, context):\n    pass\n");
    for pipe in [
        "pipe.yml",
        "requirements.txt",
        "package.json",
        "main.tf",
        "serverless.json",
        "template.yaml",
    ] {
        run("mkfifo", &[&path(&format!("repository/{pipe}"))]);
    }
    dir.write("outside.yml", "a: outside-7\n");
    dir.write("repository/mine.yml", "a: ignored-7\n");
    dir.write("repository/.gitignore", "mine.yml\n");
    dir.symlink("../outside.yml", "repository/link.yml");
    dir.write(
        "repository/serverless.yml",
        "service: x
provider:
  name: aws
  runtime: python3.13
  environment:
    PIPE: ${file(./pipe.yml):a}
    OUTSIDE: ${file(../outside.yml):a}
    LINK: ${file(link.yml):a}
    MINE: ${file(mine.yml):a}
plugins: [serverless-python-requirements]
functions:
  app: {handler: app.handler, package: {patterns: ['!**', app.py]}}
",
    );
    let run = dir.command(["init", "new", "--adopt", "repository", "--json"]).ok();
    let notes = run.json()["notes"].clone();
    for key in ["PIPE", "OUTSIDE", "LINK", "MINE"] {
        let key = format!("environment.{key}");
        let notes = notes.as_array().unwrap();
        assert!(
            notes.iter().any(|note| note["key"] == key.as_str()),
            "{key}: {notes:#?}"
        );
    }
    for (path, content) in dir.snapshot() {
        let text = String::from_utf8_lossy(&content);
        let is_origin = path.ends_with("outside.yml") || path.ends_with("mine.yml") || path.ends_with("link.yml");
        assert!(is_origin || !text.contains("-7"), "{}", path.display());
    }
}

/// What isn't the repository's is packed by nobody who doesn't say so.
#[test]
fn sources_outside_of_the_repository_are_refused() {
    let dir = Dir::new();
    let code = "def handler(event, context):\n    pass\n";
    for file in [
        "home/.aws/app.py",
        "repository/app/app.py",
        "repository/linked/app.py",
        "repository/own/app.py",
    ] {
        dir.write(file, code);
    }
    dir.symlink("../home/.aws", "repository/link");
    dir.symlink("../../home/.aws", "repository/linked/aws");
    dir.symlink("app.py", "repository/own/other.py");
    let absolute = dir.join("home/.aws").display().to_string();
    let mut terraform = String::new();
    for (name, source) in [
        ("app", "app"),
        ("own", "${abspath(path.module)}/own"),
        ("above", "../home/.aws"),
        ("absolute", &absolute),
        ("link", "link"),
        ("linked", "linked"),
        ("home", "${pathexpand(\"~\")}/.aws"),
    ] {
        writeln!(
            terraform,
            r#"data "archive_file" "{name}" {{
  type        = "zip"
  source_dir  = "{source}"
  output_path = "{name}.zip"
}}
resource "aws_lambda_function" "{name}" {{
  function_name = "{name}"
  filename      = data.archive_file.{name}.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
  environment {{
    variables = {{ WHERE = abspath("x"), HERE = path.cwd }}
  }}
}}"#
        )
        .unwrap();
    }
    dir.write("repository/main.tf", terraform);
    dir.write(
        "repository/template.yaml",
        "Resources:\n  sam: {Type: AWS::Serverless::Function, Properties: {CodeUri: ../home/.aws, Handler: app.handler, Runtime: python3.13}}\n",
    );
    let run = dir.command(["init", "--adopt", "repository", "--json"]).ok();
    let json = run.json();
    let names: Vec<_> = json["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["app", "own"]);
    let notes = json["notes"].as_array().unwrap();
    for (name, reason) in [
        ("above", "`../home/.aws` is outside of the repository"),
        ("absolute", "`../home/.aws` is outside of the repository"),
        ("link", "`link` is outside of the repository"),
        ("linked", "`linked/aws` in its source leads out of the repository"),
        ("home", "known only when it is deployed"),
        ("sam", "`../home/.aws` is outside of the repository"),
    ] {
        let is_told = |note: &serde_json::Value| {
            note["function"] == name && note["key"].is_null() && note["reason"].as_str().unwrap().contains(reason)
        };
        assert!(notes.iter().any(is_told), "{name}: {notes:#?}");
    }
    dir.command(["validate"]).ok();
    // Nothing of this machine is written down.
    let machine = dir.path().display().to_string();
    for (path, content) in dir.snapshot() {
        let is_origin = path.ends_with("main.tf");
        assert!(
            is_origin || !String::from_utf8_lossy(&content).contains(&machine),
            "{}",
            path.display()
        );
    }
}

/// What stands in a repository neither steers a terminal nor looks like a message.
#[test]
fn names_are_spelled_out() {
    let dir = Dir::new();
    app(&dir);
    dir.write(
        "app/serverless.yml",
        r#"service: x
provider: {name: aws, runtime: python3.13}
functions:
  "\e[31mf": {handler: app.handler}
  g:
    handler: app.handler
    "\e[2Jkey": 1
    "\nwarning: forged": 1
    "\u009b2J": 1
"#,
    );
    dir.write("a\nwarning: b.tf", "resource {\n");
    for json in [&[][..], &["--json"]] {
        let run = dir
            .command([&["init", "--adopt", ".", "--dry-run", "--color", "never"], json].concat())
            .ok();
        let shown = [run.stdout.as_str(), &run.stderr].concat();
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(
            !shown.contains("\nwarning: forged") && !shown.contains("\nwarning: b"),
            "{shown}"
        );
        assert!(
            run.stderr.contains("\\u{1b}[2Jkey") && run.stderr.contains("\\nwarning: forged"),
            "{shown}"
        );
    }
}

/// Terraform would refuse these; that is no reason to lose functions.
#[test]
fn modules_that_call_each_other_are_read_once() {
    let dir = Dir::new();
    app(&dir);
    let function = |name: &str| {
        format!(
            r#"data "archive_file" "app" {{
  type        = "zip"
  source_dir  = "${{path.module}}/../app"
  output_path = "{name}.zip"
}}
resource "aws_lambda_function" "{name}" {{
  function_name = "{name}"
  filename      = data.archive_file.app.output_path
  handler       = "app.handler"
  runtime       = "python3.13"
}}
"#
        )
    };
    dir.write(
        "own/main.tf",
        function("own") + "module \"m\" {\n  source = \"./\"\n}\n",
    );
    dir.write(
        "one/main.tf",
        function("one") + "module \"m\" {\n  source = \"../two\"\n}\n",
    );
    dir.write(
        "two/main.tf",
        function("two") + "module \"m\" {\n  source = \"../one\"\n}\n",
    );
    let adopted = Adopted::of(dir);
    assert_eq!(adopted.names(), ["one", "own", "two"]);
    let circles = adopted.json["notes"].as_array().unwrap().iter();
    let circles = circles.filter(|note| note["reason"].as_str().unwrap().contains("in a circle"));
    assert_eq!(circles.count(), 2);
}
