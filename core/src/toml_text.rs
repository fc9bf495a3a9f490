//! TOML in, or an error that names file, line, key, what was found and what is allowed.

use std::fmt::Display;

use serde::de::DeserializeOwned;

use crate::json::{in_words, key_of};
use crate::{Error, Result};

/// Parses a whole text. `place` names it in messages.
pub fn parse<T: DeserializeOwned>(place: impl Display, text: &str) -> Result<T> {
    let at = |error: &toml::de::Error| self::place(&place, text, error.span().map_or(0, |span| span.start));
    let deserializer = toml::Deserializer::parse(text)
        .map_err(|error| Error::invalid(format!("{}: not TOML: {}", at(&error), error.message())))?;
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        in_words(
            &at(error.inner()),
            &key_of(error.path()),
            error.inner().message(),
            "a table",
        )
    })
}

/// `file:line:column` of a position in its text.
pub(crate) fn place(file: &impl Display, text: &str, start: usize) -> String {
    let before = &text[..text.floor_char_boundary(start)];
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    format!("{file}:{line}:{column}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[expect(dead_code, reason = "only parsed")]
        store: Option<String>,
    }

    #[track_caller]
    fn refused(text: &str, message: &str, help: Option<&str>) {
        let error = parse::<File>("lambda-pack.toml", text).expect_err("refused");
        assert_eq!((error.message(), error.help_text()), (message, help));
    }

    #[test]
    fn errors_name_file_line_key_found_and_allowed() {
        refused(
            "\nstroe = 1",
            "lambda-pack.toml:2:1: unknown key `stroe`",
            Some("did you mean `store`? allowed: `store`"),
        );
        refused(
            "store = 1",
            "lambda-pack.toml:1:9: key `store`: found integer `1`; allowed: a string",
            None,
        );
        let error = parse::<File>("lambda-pack.toml", "store = ").expect_err("refused");
        assert!(
            error.message().starts_with("lambda-pack.toml:1:9: not TOML: "),
            "{error}"
        );
    }
}
