//! Annotations: GitHub Actions shows an error beside the line that it names.
//!
//! They go to stderr, like the errors: the runner looks for commands in both streams (`ScriptHandler.cs` of
//! <https://github.com/actions/runner>), and stdout is for data.

use std::collections::BTreeMap;
use std::env;
use std::path::{Component, Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use lambda_pack_core::function::Function;
use lambda_pack_core::{Error, ErrorKind};

use crate::hidden::masked;

/// Where functions are defined, by their names.
static DEFINED: RwLock<BTreeMap<String, PathBuf>> = RwLock::new(BTreeMap::new());

fn is_on_github() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|it| it == "true")
}

/// Of functions whose faults may be said without a file.
pub fn are_defined<'a>(functions: impl IntoIterator<Item = &'a Function>) {
    // Names and paths of thousands, which nobody would look at.
    if !is_on_github() {
        return;
    }
    let mut defined = DEFINED.write().unwrap_or_else(PoisonError::into_inner);
    let functions = functions.into_iter();
    defined.extend(functions.map(|function| (function.name.to_string(), function.file.clone())));
}

/// A place in a file, as messages name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place<'a> {
    file: &'a str,
    line: Option<&'a str>,
    column: Option<&'a str>,
}

/// The command that annotates the file that an error names, or else the definition of the function whose fault it is; `None` elsewhere than on
/// GitHub, and for what is in no file of the workspace.
pub fn of(error: &Error) -> Option<String> {
    let (message, help) = (error.message(), error.help_text());
    if !is_on_github() {
        return None;
    }
    let workspace = PathBuf::from(env::var_os("GITHUB_WORKSPACE")?);
    let here = env::current_dir().ok()?;
    let in_workspace = |file: &Path| match here.join(file) {
        file if file.is_file() => in_workspace(&file, &workspace),
        _ => None,
    };
    let (place, file) = match named(message, |file| in_workspace(Path::new(file)).is_some()) {
        Some(place) => (place, in_workspace(Path::new(place.file))?),
        None => {
            let defined = definition(message).filter(|_| is_of_sources(error.kind()))?;
            (Place::default(), in_workspace(&defined)?)
        }
    };
    let mut command = format!("::error file={}", property(&masked(&file)));
    for (name, number) in [("line", place.line), ("col", place.column)] {
        command.extend(number.map(|number| format!(",{name}={number}")));
    }
    let help = help.map(|help| format!("\nhelp: {}", masked(help)));
    let text = format!("{}{}", masked(message), help.unwrap_or_default());
    Some(format!("{command}::{}", data(&text)))
}

/// Whether what is wrong is in what the user wrote, rather than in the network or a store.
fn is_of_sources(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Invalid | ErrorKind::Secret | ErrorKind::Infrastructure)
}

/// Of ``function `a`: what is wrong``.
fn definition(message: &str) -> Option<PathBuf> {
    let name = message.split_once("function `")?.1.split('`').next()?;
    let defined = DEFINED.read().unwrap_or_else(PoisonError::into_inner);
    defined.get(name).cloned()
}

/// The first file in `function `a`: code/a.py:3:7: what is wrong` or ``cannot read `code/a.py`: why``, or else the
/// first one in quotes.
fn named(message: &str, is_file: impl Fn(&str) -> bool) -> Option<Place<'_>> {
    const BETWEEN: &str = ": ";
    let ends: Vec<usize> = message.match_indices(BETWEEN).map(|(end, _)| end).collect();
    let mut starts = std::iter::once(0).chain(ends.iter().map(|end| end + BETWEEN.len()));
    let between = starts.find_map(|start| {
        // A name may hold what stands between names too.
        let ends = ends.iter().copied().filter(|end| *end >= start).chain([message.len()]);
        ends.into_iter().find_map(|end| {
            place(&message[start..end])
                .into_iter()
                .find(|place| is_file(place.file))
        })
    });
    let mut quoted = message.split('`').skip(1).step_by(2);
    between.or_else(|| quoted.find_map(|part| place(part).into_iter().find(|place| is_file(place.file))))
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
        finds("what `a` is: see `code/a.py:3`", "code/a.py", Some("3"), None);
        assert_eq!(named("function `a`: the network is down", |_| false), None);
        assert_eq!(named("", |_| false), None);
    }

    #[test]
    fn no_text_ends_its_command_or_begins_another() {
        assert_eq!(data("100 %\r\n::error::x"), "100 %25%0D%0A::error::x");
        assert_eq!(property("a:b,c%2C"), "a%3Ab%2Cc%252C");
    }
}
