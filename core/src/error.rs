//! One error type: what went wrong, where, and what mends it. The kind is what callers branch on, and `main` turns it
//! into the exit code.

use std::fmt;
use std::io;
use std::path::Path;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is; each has an exit code of its own (`docs/commands.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The machine, the network or a service let us down.
    Failed,
    /// The command line asks for something that does not exist.
    Usage,
    /// A definition, a source tree or a limit is not as it must be.
    Invalid,
    /// Stored bytes contradict their own record, or a digest does not match.
    Integrity,
    /// Something other than expected was found.
    Conflict,
    /// A build on another machine failed, or nobody can say that it didn't.
    RemoteBuild,
    /// It took longer than the user allowed.
    TimedOut,
    /// What would be packed or deployed holds a secret.
    Secret,
    /// It holds one that is declared to be the infrastructure's.
    Infrastructure,
    /// There are changes, and the user asked to be told by the exit code: no failure, and nothing to print.
    Changes,
    /// The user asked us to stop.
    Interrupted,
}

impl ErrorKind {
    pub const ALL: [ErrorKind; 11] = [
        ErrorKind::Failed,
        ErrorKind::Usage,
        ErrorKind::Invalid,
        ErrorKind::Integrity,
        ErrorKind::Conflict,
        ErrorKind::RemoteBuild,
        ErrorKind::TimedOut,
        ErrorKind::Secret,
        ErrorKind::Infrastructure,
        ErrorKind::Changes,
        ErrorKind::Interrupted,
    ];
}

/// A failure, with the place in `message` and the way out in `help`.
///
/// `more` holds further failures of the same operation, so that ten bad definitions are reported at once.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    cause: Option<io::Error>,
    /// In a text that somebody wrote.
    key: Option<String>,
    more: Vec<Error>,
}

impl Inner {
    fn change_texts(&mut self, change: &impl Fn(&str) -> String) {
        self.message = change(&self.message);
        self.help = self.help.as_deref().map(change);
        // The kind is what callers ask of it; its text may repeat anything.
        self.cause = self.cause.take().map(|cause| cause.kind().into());
        for error in &mut self.more {
            error.0.change_texts(change);
        }
    }
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            help: None,
            cause: None,
            key: None,
            more: Vec::new(),
        }))
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// An operating-system error: `operation` is a verb phrase ("read", "create the directory").
    pub fn io(operation: &str, path: &Path, cause: io::Error) -> Self {
        let mut error = Self::failed(format!(
            "cannot {operation} `{}`: {cause}",
            shorten(&path.display().to_string())
        ));
        error.0.cause = Some(cause);
        error
    }

    /// Like [`Error::io`], for something that the user named or that stands in a source tree: theirs to mend.
    pub fn input(operation: &str, path: &Path, cause: io::Error) -> Self {
        let mut error = Self::io(operation, path, cause);
        error.0.kind = ErrorKind::Invalid;
        error
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The same failure, said to have happened in `place`.
    #[must_use]
    pub fn within(self, place: impl fmt::Display) -> Self {
        self.within_text(place, |_| None)
    }

    /// The same failure, of the value at a key such as `secrets[0]`, or of one inside it.
    #[must_use]
    pub fn at_key(mut self, outer: impl fmt::Display) -> Self {
        self.change_each(|error| {
            error.key = Some(match &error.key {
                Some(inner) => format!("{outer}.{inner}"),
                None => outer.to_string(),
            });
        });
        self
    }

    /// The same, said in the message.
    #[must_use]
    pub fn in_key(self, outer: &str) -> Self {
        self.within(format_args!("key `{outer}`")).at_key(outer)
    }

    /// The same failure, said to have happened in `place`, a text. `position` knows line and column of its keys.
    #[must_use]
    pub fn within_text(mut self, place: impl fmt::Display, position: impl Fn(&str) -> Option<[usize; 2]>) -> Self {
        self.change_each(|error| {
            error.message = match error.key.as_deref().and_then(&position) {
                Some([line, column]) => format!("{place}:{line}:{column}: {}", error.message),
                None => format!("{place}: {}", error.message),
            };
        });
        self
    }

    fn change_each(&mut self, change: impl Fn(&mut Inner)) {
        change(&mut self.0);
        for error in &mut self.0.more {
            change(&mut error.0);
        }
    }

    /// The same failures, with each of their texts as `change` makes it. Nothing of the old ones stays.
    #[must_use]
    pub fn map_text(mut self, change: impl Fn(&str) -> String) -> Self {
        self.0.change_texts(&change);
        self
    }

    /// Joins failures into one. `None` if there are none.
    pub fn join(errors: impl IntoIterator<Item = Error>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        for mut error in errors {
            let more = std::mem::take(&mut error.0.more);
            first.0.more.push(error);
            first.0.more.extend(more);
        }
        Some(first)
    }

    /// The kind of the first, but that of a secret is never hidden by others.
    pub fn kind(&self) -> ErrorKind {
        let has = |kind: &ErrorKind| self.each().any(|error| error.0.kind == *kind);
        let secrets = [ErrorKind::Infrastructure, ErrorKind::Secret];
        secrets.into_iter().find(has).unwrap_or(self.0.kind)
    }

    /// That of this failure alone, whatever was joined to it.
    pub fn own_kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// This failure and those that were joined to it, in the order in which they were found.
    pub fn each(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self).chain(&self.0.more)
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause as _)
    }
}

/// All values, or all failures joined. An interruption hides the others: they only tell that work was cut short.
pub fn collect_all<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let results = results.into_iter();
    let mut values = Vec::with_capacity(results.size_hint().0);
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => errors.push(error),
        }
    }
    Error::join(errors).map_or(Ok(values), Err)
}

/// `1 function`, `2 functions`.
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let several = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{several}")
}

/// `text` in one line, with control characters spelled out: a name from a file must not steer a terminal, nor look like a message.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => printable.extend(c.escape_default()),
            false => printable.push(c),
        }
    }
    printable
}

/// `text`, cut to what still helps in a message: nobody reads a 5 MB value in a terminal; [`printable`].
pub fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    let (shown, rest) = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => (&text[..end], format!("… ({} bytes)", text.len())),
        None => (text, String::new()),
    };
    printable(shown) + &rest
}

/// The candidate that `found` was probably meant to be.
pub fn suggest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this likeness a suggestion misleads more often than it helps; clap uses the same bound.
    const ALIKE: f64 = 0.7;
    // Likeness costs the product of the lengths; no name is this long.
    if found.len() > 200 {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro(found, candidate), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_name_and_nothing_far_away() {
        let keys = ["memory_size", "timeout", "handler"];
        assert_eq!(suggest("memry_size", keys), Some("memory_size"));
        assert_eq!(suggest("zzz", keys), None);
    }

    #[test]
    fn a_secret_decides_the_kind_of_joined_failures() {
        let error = |kind| Error::new(kind, "x");
        let joined = |kinds: &[ErrorKind]| Error::join(kinds.iter().map(|kind| error(*kind))).map(|error| error.kind());
        use ErrorKind::{Failed, Infrastructure, Invalid, Secret};
        assert_eq!(joined(&[Invalid, Failed]), Some(Invalid));
        assert_eq!(joined(&[Invalid, Secret, Failed]), Some(Secret));
        assert_eq!(joined(&[Failed, Secret, Infrastructure]), Some(Infrastructure));
    }

    #[test]
    fn all_texts_of_joined_failures_are_changed() {
        let cause = io::Error::new(io::ErrorKind::NotFound, "abc");
        let errors = [
            Error::invalid("abc").help("no abc"),
            Error::io("read abc", Path::new("x/abc"), cause),
        ];
        let error = Error::join(errors).expect("two");
        let changed = error.map_text(|text| text.replace("abc", "***"));
        let texts = changed.each().map(Error::message).collect::<Vec<_>>();
        assert_eq!(texts, ["***", "cannot read *** `x/***`: ***"]);
        assert_eq!(changed.help_text(), Some("no ***"));
        assert!(!format!("{changed:?}").contains("abc"), "{changed:?}");
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let long = "é".repeat(300);
        assert!(shorten(&long).starts_with(&"é".repeat(200)));
        assert!(shorten(&long).ends_with("… (600 bytes)"));
    }
}
