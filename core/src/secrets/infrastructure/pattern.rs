//! A declared pattern, made to search text with.

use regex::bytes::Regex;
use regex_syntax::hir::{Capture, Hir, HirKind, Look, Repetition};

/// A regular expression of a secret's whole text, to be looked for in other text: what says that nothing stands before or
/// after it (`^`, `$`) then says that no word goes on there.
///
/// Fails, in words, for what is no regular expression, and for one that an empty text matches: it would be everywhere.
pub fn searching(pattern: &str) -> Result<Regex, String> {
    let parsed = regex_syntax::parse(pattern).map_err(|error| error.to_string())?;
    if parsed.properties().minimum_len() == Some(0) {
        return Err("it matches an empty text, which is everywhere".to_owned());
    }
    Regex::new(&within_text(&parsed).to_string()).map_err(|error| error.to_string())
}

fn within_text(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(Look::Start | Look::StartLF | Look::StartCRLF) => Hir::look(Look::WordStartHalfAscii),
        HirKind::Look(Look::End | Look::EndLF | Look::EndCRLF) => Hir::look(Look::WordEndHalfAscii),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(within_text(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => Hir::capture(Capture {
            sub: Box::new(within_text(&capture.sub)),
            ..capture.clone()
        }),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(within_text).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(within_text).collect()),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_a_whole_text_is_found_within_others() {
        for pattern in [
            "^corp_[a-z0-9]{4}$",
            "corp_[a-z0-9]{4}",
            r"\Acorp_[a-z0-9]{4}\z",
            "(?m)^(corp|team)_[a-z0-9]{4}$",
            "^corp_[a-z0-9]{4}$|^never$",
            "^(?:corp_[a-z0-9]{4})+$",
        ] {
            let regex = searching(pattern).expect(pattern);
            for text in [
                "corp_a1b2",
                "token = \"corp_a1b2\"\n",
                "x\0corp_a1b2\0",
                "a-corp_a1b2-b",
                "\u{e9}corp_a1b2",
            ] {
                assert!(regex.is_match(text.as_bytes()), "{pattern} in {text:?}");
            }
            assert!(regex.is_match(b"\xFF\xFEcorp_a1b2\x80"), "{pattern} in what is no text");
            assert!(!regex.is_match(b"corp_a1"), "{pattern}");
        }
        let whole = searching("^corp_[a-z0-9]{4}$").expect("a pattern");
        for text in ["corp_a1b2c", "xcorp_a1b2", "_corp_a1b2", "corp_a1b2_"] {
            assert!(!whole.is_match(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn patterns_that_match_everywhere_are_refused() {
        for pattern in ["", "a*", "^$", "(x)?", "a|"] {
            assert!(searching(pattern).is_err_and(|why| why.contains("empty")), "{pattern}");
        }
        assert!(searching("corp_[").is_err_and(|why| why.contains("unclosed")));
    }
}
