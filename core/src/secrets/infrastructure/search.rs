//! Finding declared secrets in content, whole or in pieces.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

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
    kinds: Vec<(&'static Rule, usize)>,
    patterns: Vec<(Regex, usize)>,
    values: Option<AhoCorasick>,
    owners: Vec<usize>,
    longest: usize,
}

impl Search {
    pub fn new(
        kinds: Vec<(&'static Rule, usize)>,
        patterns: Vec<(Regex, usize)>,
        values: Vec<(Vec<u8>, usize)>,
    ) -> Self {
        let (values, owners): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let automaton = || {
            let mut builder = AhoCorasick::builder();
            builder
                .match_kind(MatchKind::Standard)
                .build(&values)
                .expect("there are few")
        };
        Search {
            kinds,
            patterns,
            longest: values.iter().map(Vec::len).max().unwrap_or_default(),
            values: (!values.is_empty()).then(automaton),
            owners,
        }
    }

    pub fn has_kinds(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// In a whole file's content, where the rules have found what they know.
    pub fn whole(&self, content: &[u8], findings: &[Finding]) -> Vec<Hit> {
        let mut hits = Hits::default();
        hits.search(self, content, 0..content.len());
        if let Some(narrow) = narrowed(content) {
            hits.search(self, &narrow, 0..narrow.len());
        }
        hits.add_kinds(self, findings);
        hits.found
    }

    /// How far around a match content must be known, in bytes.
    fn reach(&self) -> usize {
        /// What a pattern matches is no longer than this, in files that are read in pieces.
        const LONGEST_MATCH: usize = 64 * 1024;
        match self.patterns.is_empty() {
            true => self.longest,
            false => self.longest.max(LONGEST_MATCH),
        }
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
        let end = self.window.len().saturating_sub(self.search.reach());
        if end > self.next {
            self.hits.search(self.search, &self.window, self.next..end);
            // A boundary of words needs one byte before.
            let done = end - 1;
            self.hits.lines_before += line_feeds(&self.window[..done]);
            self.window.drain(..done);
            self.next = end - done;
        }
    }

    pub fn finish(mut self, findings: &[Finding]) -> Vec<Hit> {
        let end = self.window.len();
        self.hits.search(self.search, &self.window, self.next..end);
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
    fn search(&mut self, search: &Search, content: &[u8], starts: Range<usize>) {
        let mut places = Vec::new();
        if let Some(values) = &search.values {
            let end = content.len().min(starts.end + search.longest);
            let found = values.find_overlapping_iter(&content[starts.start..end]);
            let found = found.map(|found| (starts.start + found.start(), search.owners[found.pattern().as_usize()]));
            places.extend(found.map(|(at, secret)| (at, secret, Sign::Value)));
        }
        for (pattern, secret) in &search.patterns {
            let mut from = starts.start;
            while let Some(found) = pattern
                .find_at(content, from)
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
