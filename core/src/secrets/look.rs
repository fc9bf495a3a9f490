//! Looking at entries: at all of the user's own for what looks like a secret, and at all that there is for those that are
//! declared to be the infrastructure's.

use rayon::prelude::*;

use super::found::{Found, What};
use super::infrastructure::{Infrastructure, LeakStream};
use super::rules::{RULES, Rule, Sign};
use super::scan::{Finding, Stream, scan};
use crate::Result;
use crate::archive::deflate::LARGE_FILE_BYTES;
use crate::source::{Content, Tree, TreeEntry, read_stable};

#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub infrastructure: Option<&'a Infrastructure>,
}

impl<'a> Look<'a> {
    /// Whether an entry is looked at.
    pub fn is_at(self, entry: &TreeEntry) -> bool {
        entry.is_own() || self.infrastructure.is_some()
    }

    fn needs_rules(self, entry: &TreeEntry) -> bool {
        entry.is_own() || self.infrastructure.is_some_and(Infrastructure::has_kinds)
    }

    /// In the content of a file that isn't large.
    pub fn search(self, entry: &TreeEntry, content: &[u8]) -> Vec<Found> {
        let findings = match self.needs_rules(entry) {
            true => scan(content),
            false => Vec::new(),
        };
        let leaks = self.infrastructure.map(|declared| declared.search(content, &findings));
        self.in_lines(
            entry,
            &findings,
            leaks
                .unwrap_or_default()
                .into_iter()
                .map(|leak| (leak.line, leak.into())),
        )
    }

    /// The same for content that comes in pieces; `None` if it isn't looked at.
    pub fn stream<'b>(&'b self, entry: &'b TreeEntry) -> Option<EntryStream<'b>> {
        self.is_at(entry).then(|| EntryStream {
            look: *self,
            entry,
            rules: self.needs_rules(entry).then(Stream::default),
            infrastructure: self.infrastructure.map(Infrastructure::stream),
        })
    }

    /// The same, of the file where the entry's content stands.
    pub fn read(self, entry: &TreeEntry, size: u64) -> Result<Vec<Found>> {
        const PIECE_BYTES: usize = 1024 * 1024;
        if size <= LARGE_FILE_BYTES {
            let mut found = Vec::new();
            read_stable(&entry.file, LARGE_FILE_BYTES as usize + 1, |content| {
                found = self.search(entry, content);
                Ok(())
            })?;
            return Ok(found);
        }
        let Some(mut stream) = self.stream(entry) else {
            return Ok(Vec::new());
        };
        read_stable(&entry.file, PIECE_BYTES, |piece| {
            stream.push(piece);
            Ok(())
        })?;
        Ok(stream.finish())
    }

    fn in_lines(
        self,
        entry: &TreeEntry,
        findings: &[Finding],
        leaks: impl IntoIterator<Item = (u64, What)>,
    ) -> Vec<Found> {
        let own = findings.iter().filter(|_| entry.is_own());
        let own = own.map(|finding| (finding.line, What::Rule(finding.rule)));
        own.chain(leaks)
            .map(|(line, what)| Found::in_entry(entry, Some(line), what))
            .collect()
    }

    /// What the names of entries say, and where links lead.
    pub fn names(self, tree: &Tree) -> Vec<Found> {
        let entries = tree.entries().par_iter().filter(|entry| self.is_at(entry));
        let found = entries.flat_map_iter(|entry| {
            let of_name = of_name(&entry.path);
            let Some(infrastructure) = self.infrastructure else {
                let found = of_name.map(|rule| Found::in_entry(entry, None, What::Rule(rule)));
                return found.collect::<Vec<_>>();
            };
            let findings: Vec<Finding> = of_name.map(|rule| Finding { rule, line: 1 }).collect();
            let own = findings.iter().filter(|_| entry.is_own());
            let own = own.map(|finding| What::Rule(finding.rule));
            let target = match &entry.content {
                Content::Symlink { target } => target.as_str(),
                Content::File { .. } => "",
            };
            let leaks = [
                infrastructure.search(b"", &findings),
                infrastructure.search_text(&entry.path),
                infrastructure.search_text(target),
            ];
            own.chain(leaks.concat().into_iter().map(What::from))
                .map(|what| Found::in_entry(entry, None, what))
                .collect()
        });
        found.collect()
    }
}

/// What the name of a file says of it.
fn of_name(path: &str) -> impl Iterator<Item = &'static Rule> {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    RULES.iter().filter(move |rule| match rule.sign {
        Sign::FileName(is_match) => is_match(&name),
        Sign::Content(_) | Sign::Variable => false,
    })
}

/// What looks at an entry's content while it comes.
pub(crate) struct EntryStream<'a> {
    look: Look<'a>,
    entry: &'a TreeEntry,
    rules: Option<Stream>,
    infrastructure: Option<LeakStream<'a>>,
}

impl EntryStream<'_> {
    pub fn push(&mut self, piece: &[u8]) {
        if let Some(rules) = &mut self.rules {
            rules.push(piece);
        }
        if let Some(infrastructure) = &mut self.infrastructure {
            infrastructure.push(piece);
        }
    }

    pub fn finish(self) -> Vec<Found> {
        let findings = self.rules.map(Stream::finish).unwrap_or_default();
        let leaks = self.infrastructure.map(|stream| stream.finish(&findings));
        let leaks = leaks
            .unwrap_or_default()
            .into_iter()
            .map(|leak| (leak.line, leak.into()));
        self.look.in_lines(self.entry, &findings, leaks)
    }
}
