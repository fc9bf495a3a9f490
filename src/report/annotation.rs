//! Annotations: GitHub Actions shows an error beside the line that it names.
//!
//! They go to stderr, like the errors: the runner looks for commands in both streams (`ScriptHandler.cs` of
//! <https://github.com/actions/runner>), and stdout is for data.

use std::env;
use std::path::{Component, Path, PathBuf};

use crate::hidden::masked;

/// A place in a file, as messages name it.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    file: &'a str,
    line: Option<&'a str>,
    column: Option<&'a str>,
}

/// The command that annotates what an error names; `None` elsewhere than on GitHub, and for what is in no file of the
/// workspace.
pub fn of(message: &str, help: Option<&str>) -> Option<String> {
    if env::var_os("GITHUB_ACTIONS")? != "true" {
        return None;
    }
    let workspace = PathBuf::from(env::var_os("GITHUB_WORKSPACE")?);
    let here = env::current_dir().ok()?;
    let place = named(message, |file| here.join(file).is_file())?;
    let file = in_workspace(&here.join(place.file), &workspace)?;
    let mut command = format!("::error file={}", property(&masked(&file)));
    for (name, number) in [("line", place.line), ("col", place.column)] {
        command.extend(number.map(|number| format!(",{name}={number}")));
    }
    let help = help.map(|help| format!("\nhelp: {}", masked(help)));
    let text = format!("{}{}", masked(message), help.unwrap_or_default());
    Some(format!("{command}::{}", data(&text)))
}

/// The first file in `function `a`: code/a.py:3:7: what is wrong` or ``cannot read `code/a.py`: why``.
fn named(message: &str, is_file: impl Fn(&str) -> bool) -> Option<Place<'_>> {
    const BETWEEN: &str = ": ";
    let ends: Vec<usize> = message.match_indices(BETWEEN).map(|(end, _)| end).collect();
    let starts = std::iter::once(0).chain(ends.iter().map(|end| end + BETWEEN.len()));
    starts.into_iter().find_map(|start| {
        // A name may hold what stands between names too.
        let ends = ends.iter().copied().filter(|end| *end >= start).chain([message.len()]);
        ends.into_iter().find_map(|end| {
            place(&message[start..end])
                .into_iter()
                .find(|place| is_file(place.file))
        })
    })
}

/// What a part of a message may mean, the likeliest first.
fn place(part: &str) -> Vec<Place<'_>> {
    let whole = |file| Place {
        file,
        line: None,
        column: None,
    };
    if let Some(rest) = part.strip_prefix("cannot ") {
        let quoted = rest.split_once('`').and_then(|(_, rest)| rest.rsplit_once('`'));
        return quoted.map(|(file, _)| whole(file)).into_iter().collect();
    }
    let mut places = vec![whole(part)];
    if let Some((file, line)) = numbered(part) {
        places.push(Place {
            line: Some(line),
            ..whole(file)
        });
        places.extend(numbered(file).map(|(file, first)| Place {
            file,
            line: Some(first),
            column: Some(line),
        }));
    }
    places
}

/// `a` and `3` of `a:3`.
fn numbered(text: &str) -> Option<(&str, &str)> {
    let (before, number) = text.rsplit_once(':')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((before, number))
}

/// With `/`, whatever stands between names here. Links in the way to the workspace don't matter.
fn in_workspace(file: &Path, workspace: &Path) -> Option<String> {
    let [file, workspace] = [file, workspace].map(|path| path.canonicalize().ok());
    let (file, workspace) = (file?, workspace?);
    let parts = file.strip_prefix(workspace).ok()?.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

/// As the runner reads it: `ActionCommand.cs` of <https://github.com/actions/runner>.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(message: &str, file: &str, line: Option<&str>, column: Option<&str>) {
        let found = named(message, |name| name == file);
        assert_eq!(found, Some(Place { file, line, column }), "{message}");
    }

    #[test]
    fn files_are_found_in_the_words_of_messages() {
        finds(
            "lambda-json/a.json:3:7: unknown key `x`",
            "lambda-json/a.json",
            Some("3"),
            Some("7"),
        );
        finds(
            "function `a`: code/a.py:12: secret found",
            "code/a.py",
            Some("12"),
            None,
        );
        finds("lambda-json/a.json: key `x`: no", "lambda-json/a.json", None, None);
        finds("code/a: b.py:3: secret found", "code/a: b.py", Some("3"), None);
        finds("code/a:3: no", "code/a:3", None, None);
        finds(
            "function `a`: cannot read `code/a`b.py`: denied",
            "code/a`b.py",
            None,
            None,
        );
        assert_eq!(named("function `a`: the network is down", |_| false), None);
        assert_eq!(named("", |_| false), None);
    }

    #[test]
    fn no_text_ends_its_command_or_begins_another() {
        assert_eq!(data("100 %\r\n::error::x"), "100 %25%0D%0A::error::x");
        assert_eq!(property("a:b,c%2C"), "a%3Ab%2Cc%252C");
    }
}
