//! What stands in place of a secret that may not be shown.

use std::ops::Range;

const MASK: &[u8] = b"***";

/// In order, those that overlap or touch joined: two secrets may share characters.
pub fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup_by(|next, range| {
        let joins = next.start <= range.end;
        if joins {
            range.end = range.end.max(next.end);
        }
        joins
    });
    ranges
}

/// `text` without these ranges, which are joined.
pub fn covered(text: &[u8], ranges: &[Range<usize>]) -> Vec<u8> {
    let mut covered = Vec::with_capacity(text.len());
    let mut done = 0;
    for range in ranges {
        covered.extend_from_slice(&text[done..range.start]);
        covered.extend_from_slice(MASK);
        done = range.end;
    }
    covered.extend_from_slice(&text[done..]);
    covered
}
