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
