//! `graph`: what functions are made of, and what they need.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Dir, PYTHON, run};

fn define(dir: &Dir, name: &str, definition: &Value) {
    dir.write(&format!("lambda-json/{name}.json"), definition.to_string());
}

fn graph(dir: &Dir) -> Value {
    dir.command(["graph", "--json"]).ok().json()
}

/// As `from kind to`.
fn edges(graph: &Value) -> BTreeSet<String> {
    let edges = graph["edges"].as_array().unwrap().iter();
    let text = |edge: &Value, key: &str| edge[key].as_str().unwrap().to_owned();
    edges
        .map(|edge| format!("{} {} {}", text(edge, "from"), text(edge, "kind"), text(edge, "to")))
        .collect()
}

fn node<'a>(graph: &'a Value, id: &str) -> &'a Value {
    let mut nodes = graph["nodes"].as_array().unwrap().iter();
    nodes
        .find(|node| node["id"] == id)
        .unwrap_or_else(|| panic!("no {id} in {graph}"))
}

const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Two functions that share a layer, code and packages: a diamond, with all kinds of nodes.
fn shop() -> Dir {
    let dir = Dir::new();
    dir.write("code/orders/app.py", "import log\n");
    dir.write("code/mail/app.py", "import log\n");
    dir.write("code/shared/log.py", "LOG = 1\n");
    dir.write("code/shared/deep/er.py", "DEEP = 1\n");
    dir.write("code/rules/python/rules.py", "RATE = 7\n");
    dir.write(
        "code/locks/all.txt",
        format!("Requests==2.32.0 --hash=sha256:{DIGEST}\nidna==3.7 ; python_version > '3' --hash=sha256:{DIGEST}\n"),
    );
    dir.write(
        "code/web/package-lock.json",
        json!({"lockfileVersion": 3, "packages": {
            "": {"dependencies": {"a": "1"}, "devDependencies": {"d": "1"}},
            "node_modules/a": {"version": "1.0.0", "dependencies": {"@s/b": "1"}},
            "node_modules/@s/b": {"version": "2.0.0", "dependencies": {"a": "1"}},
            "node_modules/d": {"version": "1.0.0", "dev": true}
        }})
        .to_string(),
    );
    dir.write("code/web/package.json", "{}");
    dir.write("code/web/index.js", "exports.handler = () => {}\n");
    let asset = json!([{"url": "https://u:p@example.org/m.bin?key=x", "path": "m.bin", "sha256": DIGEST}]);
    let function = |source: &str, more: Value| {
        let mut definition = json!({
            "runtime": "python3.13", "handler": "app.handler", "layers": ["rules"], "memory_size": 256,
            "source": [source, {"path": "shared", "exclude": ["*.md"]}],
            "build": {"type": "python", "lock": "locks/all.txt"}
        });
        definition
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        definition
    };
    let mail = json!({
        "assets": asset, "ephemeral_storage": {"size": 1024},
        "secrets": [
            {"id": "smtp", "class": "remote_fetch", "target": "SMTP_SECRET", "name": "shop/smtp"},
            {"id": "ci", "class": "infrastructure", "reason": "for deploying", "variable": "CI_TOKEN"}
        ],
        "policy_statements": [
            {"actions": ["dynamodb:GetItem", "dynamodb:PutItem", "sqs:SendMessage"], "resources": ["*"]},
            {"effect": "Deny", "actions": ["s3:DeleteObject"], "resources": ["*"]}
        ]
    });
    define(&dir, "mail", &function("mail", mail));
    define(&dir, "orders", &function("orders", json!({"assets": asset})));
    define(
        &dir,
        "web",
        &json!({"runtime": "nodejs22.x", "handler": "index.handler", "source": "web", "build": {"type": "node"},
            "layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:other:3"]}),
    );
    define(
        &dir,
        "rules",
        &json!({"type": "layer", "compatible_runtimes": ["python3.13"], "source": "rules"}),
    );
    dir
}

#[test]
fn everything_that_functions_need_is_in_it() {
    let dir = shop();
    let graph = graph(&dir);
    let [requests, idna] = ["pypi/requests@2.32.0", "pypi/idna@3.7"].map(|name| format!("dependency:pkg:{name}"));
    let asset = format!("asset:{DIGEST}");
    let mut expected = BTreeSet::from(
        [
            "function:mail calls service:dynamodb",
            "function:mail calls service:sqs",
            "function:mail denies service:s3",
            "function:mail reads secret:remote_fetch:smtp",
            "function:web uses layer:arn:aws:lambda:eu-west-1:123456789012:layer:other:3",
            "function:web packs dependency:pkg:npm/a@1.0.0",
            // In a circle, as packages may.
            "dependency:pkg:npm/a@1.0.0 requires dependency:pkg:npm/%40s/b@2.0.0",
            "dependency:pkg:npm/%40s/b@2.0.0 requires dependency:pkg:npm/a@1.0.0",
        ]
        .map(str::to_owned),
    );
    for function in ["mail", "orders"] {
        expected.insert(format!("function:{function} uses layer:rules"));
        for packed in ["code:shared", &requests, &idna, &asset] {
            expected.insert(format!("function:{function} packs {packed}"));
        }
    }
    assert_eq!(edges(&graph), expected);
    assert_eq!(
        *node(&graph, &requests),
        json!({"id": requests, "kind": "dependency", "name": "requests", "version": "2.32.0"})
    );
    assert_eq!(node(&graph, "code:shared")["unzipped_bytes"], 8 + 9);
    assert_eq!(node(&graph, &asset)["name"], "https://example.org/m.bin?…");
    assert_eq!(node(&graph, "secret:remote_fetch:smtp")["class"], "remote_fetch");
    let text = graph.to_string();
    assert!(!text.contains("CI_TOKEN") && !text.contains("key=x"), "{text}");
}

/// A swap is for one function; the other one has what its lock file says.
#[test]
fn what_a_swap_leaves_out_is_not_needed() {
    let dir = shop();
    dir.write(
        "lambda-pack.toml",
        "[profiles.p]\n[[profiles.p.swaps]]\nfrom = \"requests\"\nto = \"drop\"\nfunctions = [\"mail\"]\n",
    );
    let run = dir.command(["graph", "--json", "--deployment-profile", "p"]).ok();
    let found = edges(&run.json());
    let needs = |function: &str| {
        let edge = format!("function:{function} packs dependency:pkg:pypi/requests@2.32.0");
        found.contains(&edge)
    };
    assert!(!needs("mail") && needs("orders"), "{found:?}");
}

#[test]
fn what_only_that_needed_is_not_needed_either() {
    let dir = Dir::new();
    dir.write("code/app/app.py", "");
    dir.write(
        "code/app/requirements.txt",
        include_str!("../fixtures/sdk/requirements.txt"),
    );
    define(
        &dir,
        "app",
        &json!({"runtime": "python3.13", "handler": "app.handler", "source": "app", "build": {"type": "python"}}),
    );
    dir.write(
        "lambda-pack.toml",
        "[profiles.p]\nswaps = [{ from = \"boto3\", to = \"runtime\" }]\n",
    );
    let names = |args: &[&str]| -> BTreeSet<String> {
        let graph = dir.command(["graph", "--json"]).args(args.iter().copied()).ok().json();
        let nodes = graph["nodes"].as_array().unwrap().iter();
        let dependencies = nodes.filter(|node| node["kind"] == "dependency");
        dependencies
            .map(|node| node["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(names(&[]).contains("s3transfer"));
    // Its notes tell what needs what.
    let top = edges(&graph(&dir));
    let of_app = top
        .iter()
        .filter(|edge| edge.starts_with("function:app packs dependency:"));
    assert_eq!(of_app.count(), 2, "{top:?}");
    let left = ["certifi", "charset-normalizer", "idna", "requests", "urllib3"].map(str::to_owned);
    assert_eq!(names(&["--deployment-profile", "p"]), BTreeSet::from(left));
}

#[test]
fn sizes_are_requirements_as_far_as_they_are_known() {
    let dir = shop();
    let before = graph(&dir);
    let mail = json!({"id": "function:mail", "kind": "function", "name": "mail", "memory_size": 256,
        "ephemeral_storage": 1024});
    assert_eq!(
        *node(&before, "function:mail"),
        mail,
        "what is installed isn't known before"
    );
    let layer = json!({"id": "layer:rules", "kind": "layer", "name": "rules", "unzipped_bytes": 9});
    assert_eq!(*node(&before, "layer:rules"), layer);
    let uploaded = dir.command(["upload", "rules", "--json"]).ok().json();
    let stored = graph(&dir);
    assert_eq!(node(&stored, "layer:rules")["size_bytes"], uploaded[0]["size_bytes"]);
    let without = dir.command(["graph", "--json", "--no-store"]).ok();
    assert_eq!(without.json(), before);
    let mermaid = dir.command(["graph", "orders"]).ok().stdout;
    assert!(mermaid.contains("orders<br/>memory 256 MB, /tmp 512 MB"), "{mermaid}");
    assert!(!mermaid.contains("mail"), "{mermaid}");
    let elsewhere = dir.command([
        "graph",
        "--store",
        "s3://bucket/prefix",
        "--region",
        "eu-west-1",
        "--endpoint-url",
        "http://127.0.0.1:1",
    ]);
    let run = elsewhere
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("AWS_MAX_ATTEMPTS", "1")
        .ok();
    assert!(run.stderr.contains("sizes of packages are left out"), "{}", run.stderr);
}

#[test]
fn the_same_project_gives_the_same_graph_in_every_format() {
    let dir = shop();
    for format in ["mermaid", "dot", "json", "svg"] {
        let make = || dir.command(["graph", "--format", format]).ok().stdout;
        assert_eq!(make(), make());
    }
    dir.command(["graph", "--format", "json", "--json"])
        .fails(2, &["--format"]);
}

/// Names that are syntax in one of the formats, and in none of their pictures.
#[test]
fn names_are_never_syntax() {
    let dir = Dir::new();
    let odd = "a\"]; end --> <script>&amp;`x`#%%é.py";
    dir.write(&format!("code/{odd}"), "x");
    for name in ["one", "two"] {
        define(&dir, name, &json!({"source": odd}));
    }
    let picture = |format: &str| dir.command(["graph", "--format", format]).ok().stdout;
    let svg = dir.write("graph.svg", picture("svg"));
    let texts = run(
        &*PYTHON,
        &[
            "-c",
            "import sys, xml.etree.ElementTree as tree
for text in tree.parse(sys.argv[1]).iter('{http://www.w3.org/2000/svg}text'): print(text.text)",
            svg.to_str().unwrap(),
        ],
    );
    assert!(texts.lines().any(|line| line == odd), "{texts}");
    let dot = picture("dot");
    assert!(
        dot.contains("\"code:a\\\"]; end --> <script>&amp;`x`#%%é.py\" [label="),
        "{dot}"
    );
    let mermaid = picture("mermaid");
    let line = mermaid.lines().find(|line| line.contains("end")).unwrap();
    assert_eq!(
        line,
        "  n0[\"a#34;#93;#59; end --#62; #60;script#62;#38;amp#59;#96;x#96;#35;#37;#37;é.py<br/>unzipped 1 B\"]:::code"
    );
    assert_eq!(node(&graph(&dir), &format!("code:{odd}"))["name"], odd);
}

#[test]
fn a_function_that_is_packed_into_itself_by_way_of_others_is_an_error() {
    let dir = Dir::new();
    let asset = |of: &str| json!([{"url": format!("file:dist/{of}.zip"), "path": "other.zip", "sha256": DIGEST}]);
    for (name, of) in [("one", "two"), ("two", "three"), ("three", "none")] {
        dir.write(&format!("code/{name}.py"), "x");
        define(
            &dir,
            name,
            &json!({"source": format!("{name}.py"), "assets": asset(of)}),
        );
    }
    // One digest would be one asset.
    let rename = |name: &str, digit: &str| {
        let file = dir.join(&format!("lambda-json/{name}.json"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text.replace(DIGEST, &digit.repeat(64))).unwrap();
    };
    rename("one", "1");
    rename("two", "2");
    let found = edges(&graph(&dir));
    let made = format!("asset:{} made_by function:two", "1".repeat(64));
    assert!(found.contains(&made), "{found:?}");
    define(&dir, "three", &json!({"source": "three.py", "assets": asset("one")}));
    rename("three", "3");
    let mut roundabout = asset("one");
    roundabout[0]["url"] = "file:./dist/../dist/one.zip".into();
    define(&dir, "three", &json!({"source": "three.py", "assets": roundabout}));
    dir.command(["graph"]).fails(3, &["a cycle"]);
    define(&dir, "three", &json!({"source": "three.py", "assets": asset("one")}));
    dir.command(["graph"]).fails(
        3,
        &[
            "a cycle",
            "function `one` -> asset `file:dist/two.zip` -> function `two` -> asset `file:dist/three.zip` -> function `three` -> asset `file:dist/one.zip` -> function `one`",
            "help: ",
        ],
    );
    // Also for who asks for one of them, or for no picture.
    dir.write("lambda-pack.toml", "[profiles.prod]\n");
    for command in [
        &["graph", "two"][..],
        &["validate"],
        &["profile", "check"],
        &["bundle", "export", "--deployment-profile", "prod"],
    ] {
        dir.command(command.iter().copied()).fails(
            3,
            &[
                "a cycle",
                "function `two` -> asset `file:dist/three.zip` -> function `three`",
            ],
        );
    }
}

#[test]
fn a_graph_of_some_has_nothing_of_the_others() {
    let dir = Dir::new();
    for name in ["one", "two"] {
        dir.write(&format!("code/{name}.py"), "x");
        dir.write("code/layer/x", "x");
        define(
            &dir,
            name,
            &json!({"source": format!("{name}.py"), "layers": ["layer"]}),
        );
    }
    define(&dir, "layer", &json!({"type": "layer", "source": "layer"}));
    dir.command(["upload", "one"]).ok();
    let graph = dir.command(["graph", "one", "--json"]).ok().json();
    let nodes = graph["nodes"].as_array().unwrap();
    let names: Vec<_> = nodes.iter().map(|node| node["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", "layer"]);
    assert!(
        nodes[0]["size_bytes"].is_u64() && nodes[1]["size_bytes"].is_null(),
        "{nodes:?}"
    );
    assert_eq!(nodes[1]["unzipped_bytes"], 1);
}

#[test]
fn what_a_command_leaves_is_made_by_its_function() {
    let dir = Dir::new();
    let build = |input: &str| json!({"type": "command", "command": ["true"], "output": "dist", "inputs": [input]});
    dir.write("code/one/main.sh", "x");
    dir.write("code/one/dist/made", "x");
    dir.write("code/two/main.sh", "x");
    dir.write("code/two/dist/made", "x");
    define(&dir, "one", &json!({"source": "one", "build": build("two/main.sh")}));
    define(&dir, "two", &json!({"source": "two", "build": build("one/dist/**")}));
    let found = edges(&graph(&dir));
    for edge in ["function:two packs code:one/dist", "code:one/dist made_by function:one"] {
        assert!(found.contains(edge), "{found:?}");
    }
    define(&dir, "one", &json!({"source": "one", "build": build("two/dist/**")}));
    dir.command(["graph"]).fails(
        3,
        &[
            "a cycle",
            "function `one` -> code `two/dist` -> function `two` -> code `one/dist` -> function `one`",
        ],
    );
}

/// A thousand functions, each with code of its own and with one of ten directories that a hundred of them share.
#[test]
fn a_thousand_functions_take_no_longer_than_one_waits() {
    let dir = Dir::new();
    for shared in 0..10 {
        for file in 0..10 {
            dir.write(&format!("code/shared-{shared}/{file}.py"), format!("{shared} {file}"));
        }
    }
    for function in 0..1000 {
        let name = format!("function-{function:03}");
        dir.write(&format!("code/{name}/app.py"), &name);
        define(
            &dir,
            &name,
            &json!({"source": [name, format!("shared-{}", function % 10)], "layers": ["layer"]}),
        );
    }
    dir.write("code/layer/x", "x");
    define(&dir, "layer", &json!({"type": "layer", "source": "layer"}));
    let timed = |args: &[&str], input: &str| {
        let started = Instant::now();
        let run = dir.command(args.iter().copied()).stdin(input).ok();
        // Of a build for debugging on a busy machine; `docs/graph.md` has what is measured.
        assert!(started.elapsed() < Duration::from_secs(30), "{args:?}");
        run
    };
    for format in ["mermaid", "dot", "svg"] {
        let text = timed(&["graph", "--format", format], "").stdout;
        assert!(text.matches("function-").count() >= 1000);
    }
    let graph = timed(&["graph", "--json"], "").json();
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 1000 + 10 + 1);
    assert_eq!(graph["edges"].as_array().unwrap().len(), 2 * 1000);
    let affected = timed(&["affected", "--files", "-"], "code/shared-3/5.py\n").stdout;
    let expected = (0..100).fold(String::new(), |mut lines, function| {
        writeln!(lines, "function-{:03}", function * 10 + 3).unwrap();
        lines
    });
    assert_eq!(affected, expected);
    assert_eq!(
        timed(&["affected", "--files", "-"], "code/layer/x\n")
            .stdout
            .lines()
            .count(),
        1001
    );
}
