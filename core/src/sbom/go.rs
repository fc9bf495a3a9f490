//! Go: the modules that a program was built from, as the linker notes them in it:
//! <https://pkg.go.dev/debug/buildinfo>, whose source has the format.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::{Checksum, Part, Sbom, package_url};
use crate::manifest::EntryKind;
use crate::source::{Tree, TreeEntry};
use crate::{Error, Result};

const ELF: &[u8; 4] = b"\x7fELF";
/// Stands where the notes begin, which is at a multiple of [`ALIGNMENT`].
const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
const ALIGNMENT: usize = 16;
/// Of the notes' head; two texts follow.
const HEAD_BYTES: usize = 32;
/// In the head's 16th byte: the texts follow, rather than their addresses as before Go 1.18.
const INLINE: u8 = 2;
/// Far more than the modules of any program need.
const MOST_BYTES: u64 = 1 << 20;
/// What the linker puts around the list of modules, on both sides.
const FRAME_BYTES: usize = 16;

pub fn find(tree: &Tree) -> Result<Sbom> {
    let mut sbom = Sbom::default();
    let entries = tree.entries().iter().map(AsRef::as_ref);
    for entry in entries.filter(|entry: &&TreeEntry| entry.kind() == EntryKind::Executable) {
        let notes = notes_of(entry).map_err(|cause| Error::input("read", &entry.file, cause))?;
        let Some((version, modules)) = notes else { continue };
        let toolchain = version.trim_start_matches("go").split(' ').next().unwrap_or_default();
        // Scanners look for the standard library under this name.
        add(&mut sbom, "stdlib", Some(toolchain), None)?;
        for (path, version, sum) in modules_of(&modules) {
            add(&mut sbom, path, version, sum)?;
        }
    }
    Ok(sbom)
}

/// The modules that `go.sum` names, but for those of which only the `go.mod` was read:
/// <https://go.dev/ref/mod#go-sum-files>
pub fn of_lock(text: &str) -> Result<Sbom> {
    let mut sbom = Sbom::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [path, version, sum] = words.as_slice()
            && !version.ends_with("/go.mod")
        {
            add(&mut sbom, path, Some(version), Some(sum))?;
        }
    }
    Ok(sbom)
}

fn add(sbom: &mut Sbom, path: &str, version: Option<&str>, sum: Option<&str>) -> Result<()> {
    let (group, name) = match path.rsplit_once('/') {
        Some((group, name)) => (Some(group), name),
        None => (None, path),
    };
    let purl = package_url("golang", group, name, version)?;
    // `h1:` is SHA-256 of a list of the module's files with their digests: <https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash>
    let checksum = sum.and_then(|sum| sum.strip_prefix("h1:"));
    let checksum = checksum.and_then(|sum| Checksum::from_integrity(&format!("sha256-{sum}")));
    sbom.add(
        &purl,
        Part {
            name: path.to_owned(),
            version: version.map(str::to_owned),
            checksums: checksum.into_iter().collect(),
            ..Part::default()
        },
    );
    Ok(())
}

/// The version of Go and the list of modules; `None` for what isn't a program made by Go.
fn notes_of(entry: &TreeEntry) -> io::Result<Option<(String, String)>> {
    /// A multiple of the alignment, so that the magic never stands across two.
    const READ_BYTES: usize = 1 << 20;
    let mut file = File::open(&entry.file)?;
    let mut buffer = Vec::with_capacity(READ_BYTES);
    read_from(&mut file, 0, ELF.len() as u64, &mut buffer)?;
    if buffer != ELF {
        return Ok(None);
    }
    let mut notes = Vec::new();
    let mut start = 0;
    loop {
        read_from(&mut file, start, READ_BYTES as u64, &mut buffer)?;
        if buffer.is_empty() {
            return Ok(None);
        }
        for (index, block) in buffer.chunks(ALIGNMENT).enumerate() {
            if block.starts_with(MAGIC) {
                read_from(&mut file, start + (index * ALIGNMENT) as u64, MOST_BYTES, &mut notes)?;
                if let Some(parsed) = parse(&notes) {
                    return Ok(Some(parsed));
                }
            }
        }
        start += buffer.len() as u64;
    }
}

/// Fills the buffer with what stands from an offset on, as far as it goes.
fn read_from(file: &mut File, start: u64, most: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    file.seek(SeekFrom::Start(start))?;
    file.take(most).read_to_end(buffer)?;
    Ok(())
}

fn parse(notes: &[u8]) -> Option<(String, String)> {
    let (head, texts) = notes.split_at_checked(HEAD_BYTES)?;
    if head[MAGIC.len() + 1] & INLINE == 0 {
        return None;
    }
    let (version, rest) = text(texts)?;
    let (framed, _) = text(rest)?;
    let modules = framed.get(FRAME_BYTES..framed.len().checked_sub(FRAME_BYTES)?)?;
    let version = std::str::from_utf8(version).ok()?;
    let modules = std::str::from_utf8(modules).ok()?;
    Some((version.to_owned(), modules.to_owned()))
}

/// A text with its length before it: seven bits a byte, the lowest first.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().take(4).position(|byte| byte & 0x80 == 0)?;
    let digits = bytes[..=end].iter().rev();
    let length = digits.fold(0, |length, byte| length << 7 | usize::from(byte & 0x7F));
    bytes[end + 1..].split_at_checked(length)
}

/// Path, version and sum of each module but the program's own; `=>` says what took the place of the one before.
fn modules_of(text: &str) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let mut modules: Vec<(&str, Option<&str>, Option<&str>)> = Vec::new();
    for line in text.lines() {
        let mut words = line.split('\t');
        let (kind, path) = (words.next(), words.next());
        let mut next = || words.next().filter(|word| !word.is_empty() && *word != "(devel)");
        let (version, sum) = (next(), next());
        match (kind, path, modules.last_mut()) {
            (Some("dep"), Some(path), _) => modules.push((path, version, sum)),
            // A directory has no version, and no name that means anything elsewhere.
            (Some("=>"), Some(_), Some(replaced)) if version.is_none() => *replaced = (replaced.0, None, None),
            (Some("=>"), Some(path), Some(replaced)) => *replaced = (path, version, sum),
            _ => {}
        }
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_go_sum_only_modules_that_are_compiled_count() {
        let text = "b.org/b v1.0.0 h1:x=\nb.org/b v1.0.0/go.mod h1:y=\nb.org/c v1.2.0/go.mod h1:z=\n";
        let sbom = of_lock(text).expect("a lock file");
        assert_eq!(sbom.parts.keys().collect::<Vec<_>>(), ["pkg:golang/b.org/b@v1.0.0"]);
    }

    #[test]
    fn modules_are_read_from_the_linkers_notes() {
        let list = "path\texample.com/a\nmod\texample.com/a\t(devel)\t\ndep\tb.org/b\tv1.0.0\th1:x=\n\
            dep\tb.org/c\tv1.2.0\th1:y=\n=>\t../c\t(devel)\t\ndep\tb.org/d\tv1.3.0\n=>\tb.org/e\tv2.0.0\th1:z=\nbuild\t-trimpath=true\n";
        let framed = [&[0; FRAME_BYTES][..], list.as_bytes(), &[0; FRAME_BYTES]].concat();
        let mut notes = [&MAGIC[..], &[8, INLINE]].concat();
        notes.resize(HEAD_BYTES, 0);
        notes.extend(b"\x08go1.26.1");
        notes.extend([(framed.len() & 0x7F) as u8 | 0x80, (framed.len() >> 7) as u8]);
        notes.extend(&framed);
        let (version, modules) = parse(&notes).expect("notes");
        assert_eq!(version, "go1.26.1");
        assert_eq!(
            modules_of(&modules),
            [
                ("b.org/b", Some("v1.0.0"), Some("h1:x=")),
                ("b.org/c", None, None),
                ("b.org/e", Some("v2.0.0"), Some("h1:z=")),
            ]
        );
        for cut in [0, HEAD_BYTES, HEAD_BYTES + 3, notes.len() - 1] {
            assert_eq!(parse(&notes[..cut]), None, "{cut}");
        }
    }
}
