//! `init --terraform`: the modules in a new project, and in one that is there.

use std::fs;

use crate::support::{Dir, git, run};

#[test]
fn the_modules_come_without_anybodys_bucket() {
    let dir = Dir::new();
    dir.command(["init", "--terraform"]).ok();
    let root = fs::read_to_string(dir.join("root.hcl")).unwrap();
    assert!(root.contains("state_bucket = get_env(\"TF_STATE_BUCKET\")\n"), "{root}");
    for (path, content) in dir.snapshot() {
        let content = String::from_utf8_lossy(&content);
        assert!(!content.contains("904233119504"), "{}", path.display());
    }
    let script = dir.join("lambda-build-module/build-script.sh");
    run("sh", &["-n", script.to_str().unwrap()]);
    run("test", &["-x", script.to_str().unwrap()]);
    let modules = run("ls", &[dir.join("lambda-deploy-module").to_str().unwrap()]);
    assert!(
        modules.contains("iam.tf") && modules.contains("terragrunt.hcl"),
        "{modules}"
    );
    let ignored = fs::read_to_string(dir.join(".gitignore")).unwrap();
    assert!(ignored.contains(".terragrunt-cache/"), "{ignored}");
    let named = Dir::new();
    named
        .command(["init", "--terraform", "--state-bucket", "state-of-shop"])
        .ok();
    let root = fs::read_to_string(named.join("root.hcl")).unwrap();
    assert!(
        root.contains("coalesce(get_env(\"TF_STATE_BUCKET\", \"\"), \"state-of-shop\")"),
        "{root}"
    );
    let settings = fs::read_to_string(named.join("lambda-pack.toml")).unwrap();
    assert!(
        settings.contains("\nstore = \"s3://state-of-shop-packages\"\n"),
        "{settings}"
    );
}

/// Whatever Terragrunt generates by the files that `init` wrote.
#[test]
fn git_ignores_all_that_the_modules_generate() {
    let dir = Dir::new();
    dir.command(["init", "--terraform"]).ok();
    git(dir.path(), &["init", "--quiet"]);
    let generated = |file: &str| -> Vec<String> {
        let hcl = fs::read_to_string(dir.join(file)).unwrap();
        let paths = hcl.lines().filter_map(|line| line.trim().strip_prefix("path"));
        let paths = paths.filter_map(|rest| rest.trim_start().strip_prefix("= \"")?.split('"').next());
        paths.map(str::to_owned).collect()
    };
    let modules = ["lambda-build-module", "lambda-deploy-module"];
    let mut all = 0;
    for module in modules {
        let own = generated(&format!("{module}/terragrunt.hcl"));
        for name in generated("root.hcl").iter().chain(&own) {
            let path = format!("{module}/{name}");
            // Fails where it isn't ignored.
            git(dir.path(), &["check-ignore", &path]);
            all += 1;
        }
    }
    assert_eq!(all, 6, "backend and provider of both, packages and secret values");
}

/// As docs/how-to/migrate.md has it: first the definitions, then the modules.
#[test]
fn the_modules_are_added_to_a_project_that_is_there() {
    let dir = Dir::new();
    dir.write("main.tf", "resource \"aws_lambda_function\" \"orders\" {\n  function_name = \"orders\"\n  runtime = \"python3.13\"\n  handler = \"app.handler\"\n  filename = data.archive_file.orders.output_path\n}\n\ndata \"archive_file\" \"orders\" {\n  type = \"zip\"\n  source_dir = \"lambdas/orders\"\n  output_path = \"orders.zip\"\n}\n");
    dir.write(
        "lambdas/orders/app.py",
        "def handler(event, context):\n    return event\n",
    );
    dir.command(["init", "--adopt", "."]).ok();
    let before = dir.snapshot();
    let added = ["init", "--terraform", "--state-bucket", "state-of-shop"];
    let planned = dir.command(added).args(["--dry-run", "--json"]).ok().json();
    assert_eq!(dir.snapshot(), before);
    let run = dir.command(added).ok();
    assert!(
        run.stderr.contains("`store = \"s3://state-of-shop-packages\"`"),
        "{run:?}"
    );
    let files = planned["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["status"] == "planned"), "{planned}");
    let paths: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert!(
        !paths.contains(&"lambda-pack.toml") && !paths.contains(&"code/hello/app.py"),
        "{paths:?}"
    );
    for (path, content) in before.iter().filter(|(path, _)| !path.ends_with(".gitignore")) {
        assert_eq!(
            &fs::read(dir.join(path.to_str().unwrap())).unwrap(),
            content,
            "{}",
            path.display()
        );
    }
    // The directories are those of the project.
    let adopted = fs::read_to_string(dir.join("lambda-pack.toml")).unwrap();
    let code_dir = adopted
        .lines()
        .find_map(|line| line.strip_prefix("code_dir = \""))
        .unwrap();
    let terragrunt = fs::read_to_string(dir.join("lambda-build-module/terragrunt.hcl")).unwrap();
    assert!(
        terragrunt.contains(&format!("\"${{local.project}}/{code_dir}")),
        "{terragrunt}"
    );
    assert!(
        fs::read_to_string(dir.join("root.hcl"))
            .unwrap()
            .contains("\"state-of-shop\"")
    );
    let again = dir.command(added).args(["--json"]).ok().json();
    let files = again["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["status"] == "unchanged"), "{again}");
    // What is somebody's own stays, and nothing else appears.
    fs::remove_dir_all(dir.join("lambda-build-module")).unwrap();
    dir.write("root.hcl", "# mine\n");
    let before = dir.snapshot();
    dir.command(added)
        .fails(5, &["`./root.hcl` is there already", "nothing was written"]);
    // Who asks for a sample wants a whole project.
    dir.command(["init", "--terraform", "--name", "orders"])
        .fails(5, &["`./lambda-pack.toml` is there already"]);
    dir.write("lambda-pack.toml", "code_dir = \"/somewhere\"\n");
    dir.command(added)
        .fails(3, &["`/somewhere` of `./lambda-pack.toml` is an absolute path"]);
    dir.write(
        "lambda-pack.toml",
        &before
            .iter()
            .find(|(path, _)| path.ends_with("lambda-pack.toml"))
            .unwrap()
            .1,
    );
    assert_eq!(dir.snapshot(), before);
}
