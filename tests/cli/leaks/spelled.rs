//! A value is found as other programs and people write it.

use super::{BY_VARIABLE, VALUE, command, hides, project};
use crate::support::{Dir, run};

/// As other programs and people write the very same value.
#[test]
fn a_value_is_found_in_every_other_spelling_that_is_promised() {
    const OWN: &str = "zür$ich'5\"x${y}";
    let each = |between: &str, number: &dyn Fn(u8) -> String| {
        let numbers: Vec<String> = OWN.bytes().map(number).collect();
        numbers.join(between)
    };
    let chars = |escape: &dyn Fn(u32) -> String| OWN.chars().map(|c| escape(c.into())).collect::<String>();
    let dump = |program: &str, args: &[&str]| {
        let dir = Dir::new();
        let file = dir.write("value", format!("some text before it {OWN}\n"));
        let args = [args, &[file.to_str().unwrap()]].concat();
        run(program, &args)
    };
    let mut spelled = vec![
        (
            "decimal-lines.json",
            format!("[\n  {}\n]", each(",\n  ", &|byte| byte.to_string())),
        ),
        (
            "decimal-wrapped.go",
            format!("[]byte{{{}}}", each(",\n\t\t\t", &|byte| byte.to_string())),
        ),
        (
            "hexadecimal.c",
            format!("{{ {} }}", each(", \n ", &|byte| format!("0x{byte:02x}"))),
        ),
        ("entities.html", chars(&|code| format!("&#{code};"))),
        ("entities-hex.xml", chars(&|code| format!("&#x{code:X};"))),
        ("entity-of-one.html", OWN.replace('ü', "&#252;")),
        ("entity-of-another.html", OWN.replace('x', "&#x78;")),
        ("braces.js", chars(&|code| format!("\\u{{{code:x}}}"))),
        ("brace-of-one.rs", OWN.replace('ü', "\\u{fc}").replace('"', "\\u{22}")),
        ("octal.sh", each("", &|byte| format!("\\{byte:o}"))),
        ("octal-of-two.c", OWN.replace('ü', "\\303\\274")),
        ("latin-1.py", OWN.replace('ü', "\\xfc")),
        ("yaml.yml", format!("value: '{}'", OWN.replace('\'', "''"))),
        ("sql.sql", format!("SELECT \"{}\";", OWN.replace('"', "\"\""))),
        ("compose.yml", format!("value: {}", OWN.replace('$', "$$"))),
        (
            "terraform.tf",
            format!("value = <<E\n{}\nE\n", OWN.replace("${", "$${")),
        ),
        ("od.txt", dump("od", &["-An", "-tx1"])),
        ("od-offsets.txt", dump("od", &["-Ax", "-tx1"])),
    ];
    // As xxd and hexdump print it, which not every machine has.
    let bytes: Vec<u8> = format!("text before: {OWN}\n").into_bytes();
    let lines = |line: &dyn Fn(usize, &[u8]) -> String| {
        let lines = bytes
            .chunks(16)
            .enumerate()
            .map(|(index, chunk)| line(index * 16, chunk));
        lines.collect::<Vec<_>>().join("\n")
    };
    let pairs = |chunk: &[u8], of: usize, between: &str| {
        let groups = chunk.chunks(of).map(hex::encode);
        groups.collect::<Vec<_>>().join(between)
    };
    spelled.push((
        "xxd.txt",
        lines(&|at, chunk| format!("{at:08x}: {:<39}  dead beef {}", pairs(chunk, 2, " "), "....")),
    ));
    spelled.push((
        "hexdump.txt",
        lines(&|at, chunk| {
            format!(
                "{at:08x}  {:<49}  |................|",
                pairs(chunk, 8, "  ")
                    .split("  ")
                    .map(|half| pairs(&hex::decode(half).unwrap(), 1, " "))
                    .collect::<Vec<_>>()
                    .join("  ")
            )
        }),
    ));
    assert_eq!(spelled.len(), 20, "no more are shown at once");
    let dir = project(BY_VARIABLE);
    for (name, content) in &spelled {
        assert!(!content.contains(OWN), "{name}");
        dir.write(&format!("code/app/{name}"), format!("first line\n{content}\n"));
    }
    let run = dir.command(["validate"]).env("CI_PASSWORD", OWN).run();
    assert_eq!(run.code, 3, "{run:?}");
    for (name, content) in &spelled {
        assert!(
            run.stderr.contains(&format!("code/app/{name}:")),
            "{name}: {content}: {run:?}"
        );
    }
    hides(&run, OWN);
    // Nothing of that is another value.
    dir.command(["validate"]).env("CI_PASSWORD", "zür$ich'5\"x${z}").ok();
}

/// Quotes and backslashes are escaped by the same programs that write other characters as numbers.
#[test]
fn a_value_with_quotes_is_found_where_another_part_of_it_is_a_number() {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let ascii = |text: &str| json(text).replace('ü', "\\u00fc");
    let minified = |text: &str| json(text).replace('ü', "\\xfc");
    const OWN: &str = "zür\"ich-pass";
    const WITH_BACKSLASH: &str = "zür\\ich'pass";
    const WITH_SLASH: &str = "a\"b/cdefgh";
    for (value, spelled) in [
        (OWN, r#""z\xfcr\"ich-pass""#.to_owned()),
        (OWN, ascii(OWN)),
        // JSON in JavaScript, and that in JSON.
        (OWN, minified(&ascii(OWN))),
        (OWN, json(&json(&minified(OWN)))),
        (WITH_BACKSLASH, ascii(WITH_BACKSLASH)),
        (WITH_BACKSLASH, r"'z\xfcr\\ich\'pass'".to_owned()),
        (WITH_BACKSLASH, json(&minified(WITH_BACKSLASH))),
        // As it stands, beside a number of HTML.
        (WITH_BACKSLASH, WITH_BACKSLASH.replace('ü', "&#252;")),
        // The number comes behind it.
        (WITH_SLASH, r#""a\"b\x2fcdefgh""#.to_owned()),
        (WITH_SLASH, r#""a\"b\/cdef\u0067h""#.to_owned()),
        ("first\nsecond\tü", r#""first\nsecond\t\u00fc""#.to_owned()),
    ] {
        assert!(!spelled.contains(value), "{spelled}");
        let dir = project(BY_VARIABLE);
        dir.write("code/app/app.js", format!("first line\nx={spelled};\n"));
        let of = |value: &str| dir.command(["validate"]).env("CI_PASSWORD", value);
        let run = of(value).fails(3, &["code/app/app.js:2: infrastructure secret `ci` found"]);
        hides(&run, value);
        of(&value.replace('c', "k")).ok();
    }
}

#[test]
fn a_value_is_found_in_wide_dumps() {
    let dir = Dir::new();
    let text = format!("{}{VALUE}{}\n", ".".repeat(200), ".".repeat(500));
    let file = dir.write("value", text);
    for args in [
        ["-An", "-tx1", "-w128"],
        ["-Ax", "-tx1", "-w203"],
        ["-An", "-tx1", "-w1024"],
    ] {
        let dump = run("od", &[&args[..], &[file.to_str().unwrap()]].concat());
        let dir = project(BY_VARIABLE);
        dir.write("code/app/dump.txt", dump);
        let run = command(&dir, ["validate"]).fails(3, &["code/app/dump.txt:", "infrastructure secret `ci` found"]);
        hides(&run, VALUE);
    }
}

#[test]
fn another_spelling_is_found_in_a_large_file_wherever_it_is_cut() {
    const SIZE: usize = 33 * 1024 * 1024;
    const CUT: usize = 16 * 1024 * 1024;
    let numbers: Vec<String> = VALUE.bytes().map(|byte| byte.to_string()).collect();
    let escaped: String = VALUE.chars().map(|c| format!("&#{};", u32::from(c))).collect();
    for (spelled, name) in [(numbers.join(",\n"), "numbers"), (escaped, "escaped")] {
        for at in [CUT - 5, CUT - spelled.len() / 2] {
            let dir = project(BY_VARIABLE);
            let mut content = vec![b' '; SIZE];
            content[at - 1] = b'\n';
            content[at..at + spelled.len()].copy_from_slice(spelled.as_bytes());
            dir.write("code/app/model.bin", content);
            let run = command(&dir, ["validate", "-q"]).fails(3, &["model.bin:2: "]);
            assert!(run.stderr.contains("`CI_PASSWORD`"), "{name}: {run:?}");
        }
    }
}
