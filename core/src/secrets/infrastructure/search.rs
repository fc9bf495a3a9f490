//! Finding declared secrets in content, whole or in pieces.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

use super::{decoded, folded};
use crate::secrets::rules::Rule;
use crate::secrets::scan::{Finding, line_feeds, narrowed};

/// What gives a declared secret away.
#[derive(Clone, Copy)]
pub enum Sign {
    Kind(&'static Rule),
    Value,
    Pattern,
    /// The name of a variable that holds it.
    Name,
}

/// A declared secret in some content. Of the secret itself nothing is kept.
#[derive(Clone, Copy)]
pub struct Hit {
    /// Its number among those that are declared.
    pub secret: usize,
    pub sign: Sign,
    /// From 1.
    pub line: u64,
}

/// What is looked for. Numbers are those of the secrets.
pub struct Search {
    pub(super) kinds: Vec<(&'static Rule, usize)>,
    pub(super) patterns: Vec<(Regex, usize)>,
    pub(super) values: Option<Values>,
    /// Those that may be broken into lines.
    folded: Option<Values>,
    /// What others are decoded to.
    decoded: Option<Values>,
}

/// Spellings of values, each with the number of its secret.
pub struct Values {
    pub automaton: AhoCorasick,
    pub spelled: Vec<Vec<u8>>,
    owners: Vec<usize>,
    /// Bytes of the shortest and of the longest.
    shortest: usize,
    longest: usize,
}

impl Values {
    /// `None` if there are none.
    fn new(spelled: Vec<(Vec<u8>, usize)>) -> Option<Self> {
        let (spelled, owners): (Vec<_>, Vec<_>) = spelled.into_iter().unzip();
        let mut builder = AhoCorasick::builder();
        let builder = builder.match_kind(MatchKind::Standard);
        (!spelled.is_empty()).then(|| Values {
            automaton: builder.build(&spelled).expect("there are few"),
            shortest: spelled.iter().map(Vec::len).min().unwrap_or_default(),
            longest: spelled.iter().map(Vec::len).max().unwrap_or_default(),
            spelled,
            owners,
        })
    }

    /// Where they are, and whose.
    fn each(&self, content: &[u8]) -> impl Iterator<Item = (usize, usize)> {
        let found = self.automaton.find_overlapping_iter(content);
        found.map(|found| (found.start(), self.owners[found.pattern().as_usize()]))
    }
}

impl Search {
    pub fn new(
        kinds: Vec<(&'static Rule, usize)>,
        patterns: Vec<(Regex, usize)>,
        values: [Vec<(Vec<u8>, usize)>; 3],
    ) -> Self {
        let [values, folded, decoded] = values.map(Values::new);
        Search {
            kinds,
            patterns,
            values,
            folded,
            decoded,
        }
    }

    pub fn has_values(&self) -> bool {
        self.values.is_some()
    }

    pub fn has_kinds(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// In a whole file's content, where the rules have found what they know. Patterns are looked for in `for_patterns`, which is as
    /// long.
    pub fn whole(&self, content: &[u8], for_patterns: &[u8], findings: &[Finding]) -> Vec<Hit> {
        let mut hits = Hits::default();
        hits.search(self, content, for_patterns, 0..content.len());
        if let Some(narrow) = narrowed(content) {
            hits.search(self, &narrow, &narrow, 0..narrow.len());
        }
        hits.add_kinds(self, findings);
        hits.found
    }

    /// How far around a match content must be known, in bytes.
    fn reach(&self) -> usize {
        /// What a pattern matches is no longer than this, in files that are read in pieces.
        const LONGEST_MATCH: usize = 64 * 1024;
        let of_values = self.values.as_ref().map_or(0, |values| values.longest);
        let of_folded = self.folded.as_ref().map_or(0, |values| folded::reach(values.longest));
        let of_decoded = self.decoded.as_ref().map_or(0, |values| decoded::reach(values.longest));
        let of_patterns = if self.patterns.is_empty() { 0 } else { LONGEST_MATCH };
        of_values.max(of_folded).max(of_decoded).max(of_patterns)
    }
}

/// The same in content that comes in pieces, wherever it is cut; but for patterns in UTF-16.
pub struct HitStream<'a> {
    search: &'a Search,
    window: Vec<u8>,
    /// The first byte of the window that a match may begin with.
    next: usize,
    hits: Hits,
}

impl<'a> HitStream<'a> {
    pub fn new(search: &'a Search) -> Self {
        HitStream {
            search,
            window: Vec::new(),
            next: 0,
            hits: Hits::default(),
        }
    }

    pub fn push(&mut self, piece: &[u8]) {
        self.window.extend_from_slice(piece);
        let reach = self.search.reach();
        let end = self.window.len().saturating_sub(reach);
        // What is around is looked at again: a few bytes at a time would cost much.
        if end > self.next + reach {
            self.hits
                .search(self.search, &self.window, &self.window, self.next..end);
            // A boundary of words needs one byte before, a line its beginning.
            let done = end.saturating_sub(decoded::LINE_BYTES);
            self.hits.lines_before += line_feeds(&self.window[..done]);
            self.window.drain(..done);
            self.next = end - done;
        }
    }

    pub fn finish(mut self, findings: &[Finding]) -> Vec<Hit> {
        let end = self.window.len();
        self.hits
            .search(self.search, &self.window, &self.window, self.next..end);
        self.hits.add_kinds(self.search, findings);
        self.hits.found
    }
}

#[derive(Default)]
struct Hits {
    found: Vec<Hit>,
    /// Before the content that is searched.
    lines_before: u64,
}

impl Hits {
    /// What begins within `starts`.
    fn search(&mut self, search: &Search, content: &[u8], for_patterns: &[u8], starts: Range<usize>) {
        let mut places = Vec::new();
        if let Some(values) = &search.values {
            let end = content.len().min(starts.end + values.longest);
            let found = values.each(&content[starts.start..end]);
            places.extend(found.map(|(at, secret)| (starts.start + at, secret, Sign::Value)));
        }
        if let Some(values) = &search.folded {
            let end = content.len().min(starts.end + folded::reach(values.longest));
            folded::each(&content[starts.start..end], values.shortest, values.longest, |folded| {
                let found = values.each(&folded.text);
                places.extend(found.map(|(at, secret)| (starts.start + folded.place(at), secret, Sign::Value)));
            });
        }
        if let Some(values) = &search.decoded {
            let end = content.len().min(starts.end + decoded::reach(values.longest));
            let before = &content[starts.start.saturating_sub(decoded::LINE_BYTES)..starts.start];
            let of_line = memchr::memrchr(b'\n', before).map_or(before.len(), |at| before.len() - at - 1);
            let start = starts.start - of_line;
            decoded::each(&content[start..end], values.shortest, values.longest, |decoded| {
                let found = values.each(&decoded.text);
                places.extend(found.map(|(at, secret)| (start + decoded.place(at), secret, Sign::Value)));
            });
        }
        for (pattern, secret) in &search.patterns {
            let mut from = starts.start;
            while let Some(found) = pattern
                .find_at(for_patterns, from)
                .filter(|found| found.start() < starts.end)
            {
                places.push((found.start(), *secret, Sign::Pattern));
                from = found.end();
            }
        }
        places.retain(|(at, ..)| *at < starts.end);
        places.sort_by_key(|(at, ..)| *at);
        let (mut lines, mut counted) = (self.lines_before, 0);
        for (at, secret, sign) in places {
            lines += line_feeds(&content[counted..at]);
            counted = at;
            self.add(Hit {
                secret,
                sign,
                line: lines + 1,
            });
        }
    }

    fn add_kinds(&mut self, search: &Search, findings: &[Finding]) {
        for Finding { rule, line } in findings {
            for (_, secret) in search.kinds.iter().filter(|(kind, _)| kind.id == rule.id) {
                self.add(Hit {
                    secret: *secret,
                    sign: Sign::Kind(rule),
                    line: *line,
                });
            }
        }
    }

    /// One place is one hit, however many signs there are; and a few are enough to find the others.
    fn add(&mut self, hit: Hit) {
        const MOST: usize = 10;
        let known = || self.found.iter().filter(|known| known.secret == hit.secret);
        if known().count() < MOST && known().all(|known| known.line != hit.line) {
            self.found.push(hit);
        }
    }
}
