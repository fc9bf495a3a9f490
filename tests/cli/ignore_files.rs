//! Ignore files mean what git makes of them: both are asked about the same trees.

use std::collections::BTreeSet;

use crate::support::{Dir, git};

/// What each tree holds beside its ignore file.
const FILES: [&str; 33] = [
    "a",
    "ab",
    "b.log",
    "c.tmp",
    "{a,b}",
    "x.{log,tmp}",
    "a]b",
    "a[b",
    "a!b",
    "!a",
    "!",
    "^",
    "#a",
    "a-b",
    "-",
    "a^b",
    "a,b",
    "a b",
    "a ",
    "é",
    "Z9",
    "z",
    "_",
    "~",
    "[abc",
    "dir/a",
    "dir/ab",
    "dir/b.log",
    "dir/sub/a",
    "dir/sub/c.tmp",
    "sub/a",
    "sub/xsub/b",
    "x/y",
];

/// Asserts that git and the program keep the same files of each tree, which has these lines for an ignore file.
fn assert_as_git(ignore_files: &[String]) {
    let dir = Dir::new();
    for (number, lines) in ignore_files.iter().enumerate() {
        for file in FILES {
            dir.write(&format!("tree/{number}/{file}"), "");
        }
        for name in [".gitignore", ".lambdaignore"] {
            dir.write(&format!("tree/{number}/{name}"), lines);
        }
    }
    let tree = dir.join("tree");
    git(&tree, &["init", "-q"]);
    let listed = git(
        &tree,
        &[
            "-c",
            "core.excludesFile=/dev/null",
            "ls-files",
            "-o",
            "--exclude-standard",
            "-z",
        ],
    );
    let packed = dir.command(["hash", "tree", "--json"]).ok().entry_paths();
    let ours: BTreeSet<&str> = packed.iter().map(String::as_str).collect();
    let gits: BTreeSet<&str> = listed.split_terminator('\0').collect();
    let of = |paths: &BTreeSet<&str>, number: usize| -> Vec<String> {
        let start = format!("{number}/");
        let below = paths.iter().filter_map(|path| path.strip_prefix(&start));
        below
            .filter(|path| !path.ends_with("ignore"))
            .map(str::to_owned)
            .collect()
    };
    for (number, lines) in ignore_files.iter().enumerate() {
        assert_eq!(of(&ours, number), of(&gits, number), "ours and git's, with {lines:?}");
    }
    assert!(gits.len() > ignore_files.len(), "git lists what is there: {gits:?}");
}

#[test]
fn lines_mean_what_they_mean_to_git() {
    let lines = [
        // Braces are letters.
        "*.{log,tmp}",
        "{a,b}",
        "{a",
        "a}",
        "a,b",
        "x.{*",
        // Classes.
        "[[:alpha:]]",
        "[![:alpha:]]*",
        "[[:upper:][:digit:]]*",
        "[[:punct:]]",
        "*[[:space:]]*",
        "[[:nope:]]",
        "[[:alpha]",
        "[[:]",
        r"a[a\]b]b",
        r"a[\]]b",
        "a[]]b",
        "a[!]]b",
        "a[^]]b",
        "a[]-]b",
        "a[-b]b",
        "a[+--]b",
        "a[,-.]b",
        "a[!-]b",
        "[!]",
        "[^]",
        "[!!]",
        "a[!]",
        "a[b",
        "[abc",
        r"\[abc",
        "[z-a]",
        "a[^!]b",
        "a[!^]b",
        "a[b!]b",
        "a[b^]b",
        r"[\!]a",
        r"[\!^]",
        r"[\!-]",
        r"[\a-c]",
        "[a-c-e]*",
        "dir[/]a",
        "dir[!x]a",
        "di[!a]/a",
        "[",
        "]",
        "[]",
        "[]a",
        // What is no pattern, or matches nothing.
        "*\n!",
        "*\n!/",
        "*\n\\",
        "\\",
        r"a\",
        r"dir\/",
        "/",
        "//",
        "",
        "   ",
        "#a",
        r"\#a",
        r"\!a",
        r"\!",
        "!a",
        r"\a",
        // White space.
        "a\t",
        "a ",
        "a  ",
        r"a\ ",
        r"a\  ",
        " a",
        "a b",
        "a\r",
        "\u{feff}a",
        "\u{feff}\u{feff}a",
        "a\r\nab\r\n",
        // Directories, and where a line counts.
        "dir",
        "dir/",
        "/a",
        "dir/a",
        "/dir/sub/",
        "sub/",
        "sub/a",
        "a/",
        "x/*",
        "x/",
        "//a",
        "a//",
        "./a",
        "dir/./a",
        // Stars.
        "*",
        "**",
        "**/",
        "/**",
        "/*",
        "***",
        "***/a",
        "**/a",
        "dir/**",
        "dir/**/",
        "dir/**/a",
        "dir/**/**/a",
        "**/sub/**",
        r"dir/**\/a",
        "**a",
        "*a*",
        "dir/*",
        "dir/*/a",
        "*/a",
        "?",
        "dir?a",
        "dir/?",
        "??",
        "*\n!a",
        "*\n!*/\n!a",
        "dir/*\n!dir/a",
        "dir\n!dir/a",
        "*.log\n!b.log\n*.log",
        "é",
        "*é",
    ];
    assert_as_git(&lines.map(str::to_owned));
}

#[test]
fn lines_made_of_parts_mean_what_they_mean_to_git() {
    const PARTS: [&str; 34] = [
        "a",
        "b",
        "dir",
        "sub",
        ".log",
        "c",
        "x",
        "*",
        "*",
        "**",
        "/",
        "/",
        "?",
        "[",
        "]",
        "[a",
        "[!",
        "[^",
        "b]",
        "-",
        "\\",
        "{",
        "}",
        ",",
        "!",
        "^",
        "[:alpha:]",
        "[:punct:]",
        "[[:alpha:]",
        "]]",
        " ",
        "\t",
        "#",
        "\n",
    ];
    // Xorshift (Marsaglia 2003): the same lines each time.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    let mut made = BTreeSet::new();
    while made.len() < 200 {
        let parts = 1 + below(7);
        let lines: String = (0..parts).map(|_| PARTS[below(PARTS.len())]).collect();
        // Versions of git take `x**/a` for `x` and `**/a`, against its own manual.
        let is_run =
            |(position, _): (usize, &str)| position > 0 && !matches!(lines.as_bytes()[position - 1], b'/' | b'\n');
        if !lines.match_indices("**").any(is_run) {
            made.insert(lines);
        }
    }
    assert_as_git(&Vec::from_iter(made));
}

/// A class of bytes can't say which letters are meant.
#[test]
fn letters_beyond_ascii_in_brackets_are_refused_with_their_line() {
    let dir = Dir::new();
    dir.write("tree/lib/.lambdaignore", "*.md\ncaf[éè]\n");
    dir.write("tree/lib/a", "");
    dir.command(["hash", "tree"])
        .fails(3, &["`tree/lib/.lambdaignore`:2:", "`[éè]`", "beyond ASCII", "help:"]);
}
