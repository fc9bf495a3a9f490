//! Finding secrets in content, at the speed of memory: one pass looks for the literals that rules begin with, and only
//! around these are patterns tried.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind, packed};

use super::rules::{self, Pattern, Rule};

/// Bytes from a literal on that a pattern sees. More than any needs.
const AHEAD: usize = 1024;
/// Bytes before a literal that a rule sees.
const BEHIND: usize = 64;

/// A secret in some content. Of the secret itself nothing is kept.
#[derive(Clone, Copy)]
pub struct Finding {
    pub rule: &'static Rule,
    /// From 1.
    pub line: u64,
}

/// The secrets in a whole file's content.
pub fn scan(content: &[u8]) -> Vec<Finding> {
    let mut findings = Findings::default();
    findings.search(content, 0..content.len());
    if let Some(narrow) = narrowed(content) {
        findings.search(&narrow, 0..narrow.len());
    }
    findings.found
}

/// Where secrets stand in a text.
pub fn places(text: &[u8]) -> Vec<(&'static Rule, Range<usize>)> {
    let mut places = Vec::new();
    LITERALS.each(text, 0..text.len(), |rule, pattern, at| {
        places.extend(length_at(pattern, text, at).map(|length| (rule, at..at + length)));
    });
    places
}

/// How long the secret is that begins with the literal at this place.
fn length_at(pattern: &Pattern, content: &[u8], at: usize) -> Option<usize> {
    let is_allowed = pattern.before.allows(&content[at.saturating_sub(BEHIND)..at]);
    is_allowed.then(|| pattern.length(&content[at..content.len().min(at + AHEAD)]))?
}

/// UTF-16 by its byte order mark, as Windows' shells write it: one byte of each unit, which is enough for secrets.
pub(super) fn narrowed(content: &[u8]) -> Option<Vec<u8>> {
    let low = match content {
        [0xFF, 0xFE, ..] => 0,
        [0xFE, 0xFF, ..] => 1,
        _ => return None,
    };
    Some(content.iter().skip(2 + low).step_by(2).copied().collect())
}

/// The secrets in content that comes in pieces, wherever it is cut. Finds what [`scan`] finds, but for UTF-16.
#[derive(Default)]
pub struct Stream {
    /// What isn't searched yet, with what stands before it.
    window: Vec<u8>,
    /// The first byte of the window that a secret may begin with.
    next: usize,
    findings: Findings,
}

impl Stream {
    pub fn push(&mut self, piece: &[u8]) {
        self.window.extend_from_slice(piece);
        let end = self.window.len().saturating_sub(AHEAD);
        if end > self.next {
            self.findings.search(&self.window, self.next..end);
            let done = end.saturating_sub(BEHIND);
            self.findings.lines_before += line_feeds(&self.window[..done]);
            self.window.drain(..done);
            self.next = end - done;
        }
    }

    pub fn finish(mut self) -> Vec<Finding> {
        let end = self.window.len();
        self.findings.search(&self.window, self.next..end);
        self.findings.found
    }
}

#[derive(Default)]
struct Findings {
    found: Vec<Finding>,
    /// Before the content that is searched.
    lines_before: u64,
}

impl Findings {
    /// Secrets that begin within `starts`. Around it there is whatever the patterns may look at.
    fn search(&mut self, content: &[u8], starts: Range<usize>) {
        // Up to `counted` there are so many lines.
        let (mut lines, mut counted) = (self.lines_before, 0);
        LITERALS.each(content, starts, |rule, pattern, at| {
            if length_at(pattern, content, at).is_none() {
                return;
            }
            lines += line_feeds(&content[counted..at]);
            counted = at;
            let line = lines + 1;
            let is_known = |finding: &Finding| finding.line == line && finding.rule.id == rule.id;
            if !self.found.iter().rev().take_while(|it| it.line == line).any(is_known) {
                self.found.push(Finding { rule, line });
            }
        });
    }
}

pub(super) fn line_feeds(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// The literals of all rules, and what finds them.
static LITERALS: LazyLock<Literals> = LazyLock::new(Literals::new);

struct Literals {
    finder: Finder,
    /// Whose each of them is.
    owners: Vec<(&'static Rule, &'static Pattern)>,
    longest: usize,
}

enum Finder {
    /// 32 bytes at a time, where the processor can.
    Vectors(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Literals {
    fn new() -> Self {
        let owned = rules::patterns().flat_map(|owner| owner.1.literals.iter().map(move |literal| (*literal, owner)));
        let owned = dealt(owned.collect());
        let literals: Vec<&str> = owned.iter().map(|(literal, _)| *literal).collect();
        // It gives up on more than 64 by default, where many would begin alike or be short.
        let vectors = packed::Config::new()
            .heuristic_pattern_limits(false)
            .builder()
            .extend(&literals)
            .build();
        let automaton = || {
            let mut builder = AhoCorasick::builder();
            let builder = builder.match_kind(MatchKind::LeftmostFirst);
            builder.build(&literals).expect("a few short literals")
        };
        Literals {
            finder: vectors.map_or_else(|| Finder::Automaton(automaton()), Finder::Vectors),
            longest: literals.iter().map(|literal| literal.len()).max().unwrap_or_default(),
            owners: owned.into_iter().map(|(_, owner)| owner).collect(),
        }
    }

    /// Calls `visit` for each literal that begins within `starts`, with its place.
    fn each(
        &self,
        content: &[u8],
        starts: Range<usize>,
        mut visit: impl FnMut(&'static Rule, &'static Pattern, usize),
    ) {
        let end = content.len().min(starts.end + self.longest);
        let mut from = starts.start;
        while from < starts.end
            && let Some((literal, at)) = self.find(content, from..end)
            && at < starts.end
        {
            let (rule, pattern) = self.owners[literal];
            visit(rule, pattern, at);
            // Not behind it: another one may begin within.
            from = at + 1;
        }
    }

    fn find(&self, content: &[u8], span: Range<usize>) -> Option<(usize, usize)> {
        let found = match &self.finder {
            Finder::Vectors(searcher) => searcher.find_in(content, span.into()),
            Finder::Automaton(automaton) => automaton.find(Input::new(content).range(span)),
        };
        found.map(|found| (found.pattern().as_usize(), found.start()))
    }
}

/// Puts literals into an order in which those that begin alike share a bucket of the searcher, which deals them out in turn:
/// then few other bytes look like one of a bucket. It is four times as fast as in the order of the rules.
fn dealt<T>(mut literals: Vec<(&'static str, T)>) -> Vec<(&'static str, T)> {
    /// Of the widest searcher.
    const BUCKETS: usize = 16;
    literals.sort_by_key(|(literal, _)| *literal);
    // The first `more` buckets hold one more than the others.
    let (in_each, more) = (literals.len() / BUCKETS, literals.len() % BUCKETS);
    let in_larger = more * (in_each + 1);
    let round = |index: usize| match index.checked_sub(in_larger) {
        None => index % (in_each + 1),
        Some(index) => index % in_each,
    };
    let mut dealt: Vec<_> = literals.into_iter().enumerate().collect();
    dealt.sort_by_key(|(index, _)| round(*index));
    dealt.into_iter().map(|(_, literal)| literal).collect()
}
