//! Markdown, for summaries and comments.

use std::fs;

use serde_json::json;

use crate::support::Dir;

#[test]
fn a_row_a_function_and_what_differs_first() {
    let dir = Dir::with_app();
    dir.write("code/b.py", "b\n");
    dir.write("lambda-json/b.json", r#"{"source": "b.py"}"#);
    dir.command(["upload"]).ok();
    let hash = |name: &str| {
        let json = dir.command(["report", name, "--json"]).ok().json();
        json["functions"][0]["source_hash"].as_str().unwrap()[..12].to_owned()
    };
    let (app, b) = (hash("app"), hash("b"));
    dir.write("code/b.py", "bb|\n");
    dir.write("code/c.py", "c\n");
    dir.write("lambda-json/c.json", r#"{"source": "c.py"}"#);
    let text = dir.command(["report", "--markdown"]).ok().stdout;
    let expected = format!(
        "### Lambda packages\n\
         \n\
         1 changed, 1 new, of 3: compared with what was published last in `file://./.lambda-pack/store`.\n\
         \n\
         | function | source hash | unzipped | why | limits |\n\
         | --- | --- | ---: | --- | --- |\n\
         | `b` | `{b}` → `{}` | 4 B (+2 B) | b.py changed, +2 B | unzipped: under 1 % of 250.00 MiB |\n\
         | `c` | → `{}` | 2 B | first package | unzipped: under 1 % of 250.00 MiB |\n\
         | `app` | `{app}` | 46 B |  | unzipped: under 1 % of 250.00 MiB |\n",
        hash("b"),
        hash("c")
    );
    assert_eq!(text, expected);
    dir.command(["report", "--markdown=summary.md"]).ok();
    assert_eq!(fs::read_to_string(dir.join("summary.md")).unwrap(), text);
    dir.command(["report", "--markdown", "--json"])
        .fails(2, &["cannot be used with"]);
}

#[test]
fn no_name_is_markdown_or_html() {
    let dir = Dir::with_app();
    dir.write("lambda-json/app.json", r#"{"source": "lib"}"#);
    dir.write("code/lib/app.py", "");
    dir.command(["upload"]).ok();
    dir.write("code/lib/a|b`c<img src=x>[d](e)@f*g*", "");
    // What follows is shown before it.
    dir.write("code/lib/gpj.\u{202e}py.exe", "");
    let text = dir.command(["report", "--markdown"]).ok().stdout;
    let row = text.lines().find(|line| line.starts_with("| `app`")).unwrap();
    assert_eq!(row.matches('|').count(), 6, "{row}");
    assert!(
        row.contains("gpj.&#60;U+202E&#62;py.exe") && !text.contains('\u{202e}'),
        "{row}"
    );
    assert!(
        row.contains("a&#124;b&#96;c&#60;img src=x&#62;&#91;d&#93;&#40;e&#41;&#64;f&#42;g&#42; added"),
        "{row}"
    );
}

#[test]
fn what_is_too_much_is_cut_and_counted() {
    let dir = Dir::new();
    for index in 0..100 {
        dir.write(&format!("code/f{index:02}.py"), format!("{index}"));
        let definition = json!({"source": format!("f{index:02}.py")}).to_string();
        dir.write(&format!("lambda-json/f{index:02}.json"), definition);
    }
    let summary = |most: &str| dir.command(["report", "--markdown", "--max-bytes", most]).ok().stdout;
    let whole = summary("1048576");
    assert!(!whole.contains("were cut"), "{whole}");
    assert_eq!(whole.matches("\n| `f").count(), 100);
    for most in [1000, 3000, whole.len() - 2, whole.len() - 1, whole.len()] {
        let text = summary(&most.to_string());
        assert!(text.len() <= most + 1, "{most}: {}", text.len());
        let rows = text.matches("\n| `f").count();
        let note = format!("{} more functions were cut", 100 - rows);
        assert_eq!(text.contains(&note), rows < 100, "{most}: {text}");
        assert!(rows > 3, "{most}: {text}");
    }
    dir.command(["report", "--markdown", "--max-bytes", "1048577"])
        .fails(2, &["1048576"]);
}

#[test]
fn what_breaks_a_limit_is_said_in_place_of_what_does_not() {
    let dir = Dir::with_app();
    dir.write("lambda-pack.toml", "[profiles.edge]\ntier = \"lambda-edge\"\n");
    let definition = r#"{"source": "app.py", "environment": {"LEVEL": "b"}, "timeout": 9}"#;
    dir.write("lambda-json/app.json", definition);
    let report = dir.command(["report", "--markdown", "--deployment-profile", "edge"]);
    let text = report.ok().stdout;
    let row = text.lines().find(|line| line.starts_with("| `app`")).unwrap();
    assert!(
        row.ends_with("| **environment&#58; 1 of 0**<br>**timeout&#58; 9 of 5** |"),
        "{row}"
    );
}
