//! What the end of a package tells: the bytes that each entry has in it. Of [package format 1](super) alone, which has neither
//! comments nor anything behind them.

use std::collections::BTreeMap;

/// Sizes of the records in APPNOTE.TXT, 4.3.12, 4.3.14 to 4.3.16: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
const HEADER: usize = 46;
const END: usize = 22;
const ZIP64_LOCATOR: usize = 20;
const ZIP64_END: usize = 56;
/// An extra field of zip64 with all it can have.
const ZIP64_EXTRA: usize = 28;

/// Bytes at the end of a package that surely hold its list of these entries.
pub fn most_bytes<'a>(paths: impl Iterator<Item = &'a str>) -> u64 {
    let headers: usize = paths.map(|path| HEADER + ZIP64_EXTRA + path.len()).sum();
    (headers + ZIP64_END + ZIP64_LOCATOR + END) as u64
}

/// Bytes in the package by entry path. `end` is the end of a package of `size_bytes`, or all of it; `None` if that is no package, or
/// holds not all of the list.
pub fn compressed_sizes(end: &[u8], size_bytes: u64) -> Option<BTreeMap<String, u64>> {
    let before = size_bytes.checked_sub(end.len() as u64)?;
    let at = |offset: u64| -> Option<&[u8]> { end.get(usize::try_from(offset.checked_sub(before)?).ok()?..) };
    let mut rest = at(start_of_list(end, at)?)?;
    let mut sizes = BTreeMap::new();
    while rest.starts_with(b"PK\x01\x02") {
        let [name, extra, comment] = [28, 30, 32].map(|place| number::<2>(rest, place));
        let (name, extra, comment) = (name? as usize, extra? as usize, comment? as usize);
        let path = rest.get(HEADER..HEADER + name)?;
        let extra_field = rest.get(HEADER + name..HEADER + name + extra)?;
        let (size, compressed) = (number::<4>(rest, 24)?, number::<4>(rest, 20)?);
        let compressed = match (size, compressed) {
            (_, ..0xFFFF_FFFF) => compressed,
            // In the extra field the size stands before it, if it is there.
            (0xFFFF_FFFF, _) => number::<8>(extra_field, 12)?,
            _ => number::<8>(extra_field, 4)?,
        };
        sizes.insert(std::str::from_utf8(path).ok()?.to_owned(), compressed);
        rest = rest.get(HEADER + name + extra + comment..)?;
    }
    Some(sizes)
}

fn start_of_list<'a>(end: &'a [u8], at: impl Fn(u64) -> Option<&'a [u8]>) -> Option<u64> {
    let record = end.get(end.len().checked_sub(END)?..)?.strip_prefix(b"PK\x05\x06")?;
    let start = number::<4>(record, 12)?;
    let entries = number::<2>(record, 6)?;
    if start < 0xFFFF_FFFF && entries < 0xFFFF {
        return Some(start);
    }
    let locator = end.get(end.len().checked_sub(END + ZIP64_LOCATOR)?..)?;
    let record = at(number::<8>(locator.strip_prefix(b"PK\x06\x07")?, 4)?)?;
    number::<8>(record.strip_prefix(b"PK\x06\x06")?, 44)
}

/// Little-endian.
fn number<const N: usize>(bytes: &[u8], place: usize) -> Option<u64> {
    let bytes = bytes.get(place..place + N)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::zip::{Header, Method, ZipWriter};
    use super::*;

    #[test]
    fn the_end_of_a_package_tells_what_is_in_it() {
        let mut writer = ZipWriter::new(Vec::new());
        for (path, content) in [("a/b.py", &b"PK\x05\x06"[..]), ("é", b"")] {
            let size = content.len() as u64;
            let header = Header {
                path: path.into(),
                unix_mode: 0o100_644,
                method: Method::Stored,
                crc32: 0,
                compressed_size: size,
                size,
            };
            writer.begin(&header).expect("memory");
            writer.data(content).expect("memory");
        }
        let zip = writer.finish().expect("memory");
        let whole = zip.len() as u64;
        let expected = BTreeMap::from([("a/b.py".to_owned(), 4), ("é".to_owned(), 0)]);
        let enough = most_bytes(["a/b.py", "é"].into_iter()).min(whole);
        for end in [&zip[..], &zip[zip.len() - enough as usize..]] {
            assert_eq!(compressed_sizes(end, whole), Some(expected.clone()));
        }
        for too_short in 0..zip.len() {
            let found = compressed_sizes(&zip[zip.len() - too_short..], whole);
            assert!(found.is_none_or(|found| found == expected), "{too_short}");
        }
        for cut in 0..zip.len() {
            assert_eq!(compressed_sizes(&zip[..cut], cut as u64), None, "{cut}");
        }
        assert_eq!(compressed_sizes(&zip, 1), None);
    }
}
