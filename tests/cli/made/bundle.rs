//! Node.js bundles, by the esbuild that the lock file names.

use std::fs;
use std::process::Command;

use super::{code_sha256_elsewhere, define};
use crate::builds::{build, build_command, contents, source_hash};
use crate::support::{Dir, run};

const PACKAGE: &str = include_str!("../../fixtures/node/package.json");
const PACKAGE_LOCK: &str = include_str!("../../fixtures/node/package-lock.json");
const INDEX: &str = "import ms from 'ms';\n\ntype Event = { n: number };\n\n\
    export const handler = async (event: Event) => ({ n: event.n + 1, time: ms(60000) });\n";

fn project(bundle: &str) -> Dir {
    let dir = Dir::new();
    dir.write("code/app/src/index.ts", INDEX);
    dir.write("code/app/package.json", PACKAGE);
    dir.write("code/app/package-lock.json", PACKAGE_LOCK);
    define(
        &dir,
        "nodejs22.x",
        "arm64",
        &format!(r#""type": "node", "bundle": {{"entry": ["src/index.ts"]{bundle}}}"#),
    );
    dir
}

/// What the handler answers, from the unzipped package alone.
fn answer(dir: &Dir, module: &str) -> String {
    let out = dir.join("unzipped");
    let mut zip = zip::ZipArchive::new(fs::File::open(dir.join("dist/app.zip")).unwrap()).unwrap();
    zip.extract(&out).unwrap();
    let script = format!(
        "import('{}').then(async (it) => console.log(JSON.stringify(await (it.handler ?? it.default.handler)({{n: 41}}))))",
        out.join(module).display()
    );
    let output = Command::new("node").args(["-e", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_bundle_runs_and_is_the_same_everywhere() {
    let cache = Dir::new();
    for (options, names, module) in [
        ("", vec!["index.js"], "index.js"),
        (
            r#", "format": "esm", "sourcemap": true, "minify": true"#,
            vec!["index.mjs", "index.mjs.map"],
            "index.mjs",
        ),
    ] {
        let dir = project(options);
        let first = build(&dir, &cache, &[]);
        assert_eq!(contents(&dir).0, names);
        assert_eq!(answer(&dir, module), r#"{"n":42,"time":"1m"}"#);
        let elsewhere = project(options);
        // What npm installed by hand is no source.
        elsewhere.write("code/app/node_modules/ms/index.js", "other");
        assert_eq!(
            code_sha256_elsewhere(&elsewhere, "NODE_ENV=production ESBUILD_OPTIONS=x"),
            first["code_sha256"].as_str().unwrap()
        );
        let again = build_command(&dir, &cache).env("PATH", "/nonexistent").ok().json()[0].clone();
        assert_eq!(again["status"], "unchanged");
        // A change of code alone installs nothing.
        dir.write("code/app/src/index.ts", INDEX.replace("+ 1", "+ 2"));
        let changed = build_command(&dir, &cache).args(["-v"]).ok();
        assert!(!changed.stderr.contains("installing"), "{changed:?}");
        assert_ne!(changed.json()[0]["code_sha256"], first["code_sha256"]);
    }
}

#[test]
fn what_a_bundle_lacks_is_said() {
    let dir = project("");
    dir.write(
        "code/app/src/index.ts",
        "import x from 'left-behind';\nexport const handler = () => x;\n",
    );
    build_command(&dir, &Dir::new()).fails(1, &["function `app`", "left-behind"]);
    dir.write(
        "code/app/package-lock.json",
        r#"{"name": "app", "lockfileVersion": 3, "packages": {"": {}}}"#,
    );
    dir.command(["validate"]).fails(
        3,
        &[
            "esbuild, which makes bundles, is not in",
            "npm install --save-dev --save-exact esbuild",
        ],
    );
    fs::remove_file(dir.join("code/app/package-lock.json")).unwrap();
    dir.command(["validate"]).fails(
        3,
        &["its dependencies are not locked", "npm install --package-lock-only"],
    );
    let dir = project("");
    fs::remove_file(dir.join("code/app/src/index.ts")).unwrap();
    dir.command(["validate"])
        .fails(3, &["its source has no `src/index.ts`"]);
}

/// Node.js looks for modules in all directories above; what is found there isn't hashed.
#[test]
fn a_module_from_above_is_refused() {
    let dir = project("");
    dir.write(
        "code/app/src/index.ts",
        "import x from 'from-above';\nexport const handler = () => x;\n",
    );
    let cache = Dir::new();
    cache.write("node_modules/from-above/index.js", "module.exports = 1;\n");
    build_command(&dir, &cache).fails(
        1,
        &[
            "node_modules/from-above/index.js",
            "neither source nor in the lock file",
        ],
    );
    assert_eq!(source_hash(&dir).len(), 64);
    run("node", &["--version"]);
}
