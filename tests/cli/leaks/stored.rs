//! Values change: what is in the store was searched for others, or for none.

use serde_json::json;

use super::{VALUE, hides};
use crate::s3::against_both;
use crate::support::server::Server;
use crate::support::{Dir, TestCommand};

against_both!(a_package_in_a_bucket_is_searched_for_another_value);

/// A function whose build puts the value into the package, though no source has it.
fn write_project(dir: &Dir) {
    dir.write("code/app/x.txt", "nothing\n");
    let halves = format!("{}''{}", &VALUE[..6], &VALUE[6..]);
    let definition = json!({
        "runtime": "provided.al2023", "handler": "bootstrap", "architectures": ["x86_64"], "source": "app",
        "build": {
            "type": "command", "output": "out",
            "command": ["sh", "-c", format!("mkdir out; printf '#!/bin/sh\n{halves}' >out/bootstrap; chmod +x out/bootstrap")],
        },
    });
    dir.write("lambda-json/app.json", definition.to_string());
    dir.write(
        "lambda-pack.toml",
        "[application]\nname = 'shop'\n[profiles.prod]\n[[profiles.prod.secrets]]\nid = 'ci'\nclass = 'infrastructure'\nreason = 'r'\nvariable = 'CI_PASSWORD'\n",
    );
}

/// Whether the value was never known, or was another one, when the package was stored.
fn is_searched_again(command: impl Fn(&[&str]) -> TestCommand) {
    const EACH: [&[&str]; 3] = [&["run"], &["bundle", "export"], &["upload"]];
    let with = |args: &[&str]| {
        let profile = ["--deployment-profile", "prod"];
        command(&[args, &profile].concat())
    };
    with(&["run"]).ok();
    for args in EACH {
        let run = with(args).env("CI_PASSWORD", "another-one").ok();
        // It isn't built again for that: this machine may have no program for it.
        assert!(
            args == ["upload"] || run.stderr.contains("0 packages, 1 in the store"),
            "{run:?}"
        );
    }
    for args in EACH {
        let words = [
            "function `app`",
            ".zip`: bootstrap:2: infrastructure secret `ci` found",
            "change the secret",
        ];
        hides(
            &with(&[args, &["-vvv"]].concat())
                .env("CI_PASSWORD", VALUE)
                .fails(3, &words),
            VALUE,
        );
    }
}

#[test]
fn a_package_is_searched_for_another_value() {
    let dir = Dir::new();
    write_project(&dir);
    is_searched_again(|args| dir.command(args.iter().copied()));
}

fn a_package_in_a_bucket_is_searched_for_another_value(server: &'static Server) {
    let project = server.project();
    write_project(&project.dir);
    is_searched_again(|args| project.command(args.iter().copied()));
}
