//! From assets to a directory of what they give to a package, whatever an archive tries.
//!
//! Nothing is written through a link: links are made when all else is there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::names::{entry_path, link_problem};
use crate::disk::{make_link, set_mode};
use crate::function::Mode;
use crate::limits::UNZIPPED_BYTES;
use crate::source::parents;
use crate::{Error, Meter, Result, shorten};

/// What all assets of a function may hold together, and no more.
#[derive(Clone, Copy, Debug)]
struct Limits {
    entries: usize,
    bytes: u64,
    /// An archive that unpacks to more than so many times its size is a bomb …
    ratio: u64,
    /// … unless it is as small as this.
    harmless_bytes: u64,
}

/// Real packages have some ten thousand files, and text seldom reaches a ratio of 20.
const LIMITS: Limits = Limits {
    entries: 100_000,
    bytes: UNZIPPED_BYTES,
    ratio: 200,
    harmless_bytes: 16 * 1024 * 1024,
};

/// Fills a directory.
pub struct Unpacker<'a> {
    root: &'a Path,
    meter: &'a Meter,
    seen: BTreeMap<String, Kind>,
    links: Vec<(PathBuf, String)>,
    bytes: u64,
    limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Directory,
    File { executable: bool },
    Link,
}

/// Where an archive's entries go, and what it may unpack to.
pub struct Archive<'a> {
    pub prefix: &'a str,
    pub mode: Option<Mode>,
    /// Of the archive.
    pub size_bytes: u64,
    /// Unpacked before it.
    bytes_before: u64,
}

impl<'a> Unpacker<'a> {
    /// `root` is an empty directory.
    pub fn new(root: &'a Path, meter: &'a Meter) -> Self {
        Unpacker {
            root,
            meter,
            seen: BTreeMap::new(),
            links: Vec::new(),
            bytes: 0,
            limits: LIMITS,
        }
    }

    /// The same for a bundle, of which it was recorded what it holds.
    pub fn of_bundle(root: &'a Path, bytes: u64, meter: &'a Meter) -> Self {
        /// No real module comes near.
        const ENTRIES: usize = 10_000_000;
        Unpacker {
            limits: Limits {
                entries: ENTRIES,
                bytes,
                // No bomb unpacks to what was counted when it was packed.
                ratio: u64::MAX,
                harmless_bytes: u64::MAX,
            },
            ..Unpacker::new(root, meter)
        }
    }

    pub(super) fn start_archive<'b>(&self, prefix: &'b str, mode: Option<Mode>, size_bytes: u64) -> Archive<'b> {
        Archive {
            prefix,
            mode,
            size_bytes,
            bytes_before: self.bytes,
        }
    }

    /// A file that is packed as it is.
    pub(super) fn add_file(&mut self, path: &str, mode: Mode, content: &mut dyn Read) -> Result<()> {
        let executable = mode == Mode::Executable;
        self.claim(path, Kind::File { executable })?;
        self.write(path, executable, content, None)
    }

    /// A directory of an archive. Packages have none; but nothing else may stand there.
    pub(super) fn directory(&mut self, archive: &Archive, name: &[u8]) -> Result<()> {
        let path = named(archive, name)?;
        self.claim(&path, Kind::Directory)
    }

    /// A regular file of an archive; `executable` is what the archive says.
    pub(super) fn file(
        &mut self,
        archive: &Archive,
        name: &[u8],
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<()> {
        let path = named(archive, name)?;
        let executable = archive.mode.map_or(executable, |mode| mode == Mode::Executable);
        self.claim(&path, Kind::File { executable })?;
        self.write(&path, executable, content, Some(archive))
    }

    /// A symbolic link of an archive.
    pub(super) fn link(&mut self, archive: &Archive, name: &[u8], target: &[u8]) -> Result<()> {
        let path = named(archive, name)?;
        let target = std::str::from_utf8(target).map_err(|_| refused(name, "it is a link to no proper name"))?;
        let below = entry_path(name).map_err(|problem| refused(name, problem))?;
        if let Some(problem) = link_problem(&below, target) {
            return Err(refused(name, problem));
        }
        self.claim(&path, Kind::Link)?;
        self.links.push((self.root.join(path), target.to_owned()));
        Ok(())
    }

    /// A second name of a file that the archive had before: packages hold its content twice.
    pub(super) fn hard_link(&mut self, archive: &Archive, name: &[u8], target: &[u8]) -> Result<()> {
        let original =
            named(archive, target).map_err(|_| refused(name, "it is a link that leads out of the archive"))?;
        let Some(Kind::File { executable }) = self.seen.get(&original).copied() else {
            return Err(refused(name, "it is a link to what the archive didn't hold before"));
        };
        let original = self.root.join(original);
        let mut content = File::open(&original).map_err(|cause| Error::io("read", &original, cause))?;
        self.file(archive, name, executable, &mut content)
    }

    /// Makes the links.
    pub fn finish(self) -> Result<()> {
        for (path, target) in self.links {
            self.meter.check()?;
            let made = make_parents(&path).and_then(|()| make_link(&target, &path));
            made.map_err(|cause| Error::io("make the link", &path, cause))?;
        }
        Ok(())
    }

    /// Notes an entry path, once.
    fn claim(&mut self, path: &str, kind: Kind) -> Result<()> {
        if path.is_empty() {
            return match kind {
                Kind::Directory => Ok(()),
                _ => Err(Error::invalid("an archive's top is no directory").help(HELP)),
            };
        }
        let twice = |path: &str| {
            Error::invalid(format!("the entry `{}` comes twice", shorten(path)))
                .help("give one of the assets another `path`, or use an archive that holds each name once")
        };
        for parent in parents(path) {
            match self.seen.get(parent) {
                None => {
                    self.seen.insert(parent.to_owned(), Kind::Directory);
                }
                Some(Kind::Directory) => {}
                // A link that leads to a directory would take the entry elsewhere.
                Some(Kind::File { .. } | Kind::Link) => return Err(twice(parent)),
            }
        }
        match self.seen.insert(path.to_owned(), kind) {
            None => {}
            Some(Kind::Directory) if kind == Kind::Directory => {}
            Some(_) => return Err(twice(path)),
        }
        if self.seen.len() > self.limits.entries {
            return Err(Error::invalid(format!("it holds more than {} entries", self.limits.entries)).help(HELP));
        }
        Ok(())
    }

    fn write(&mut self, path: &str, executable: bool, content: &mut dyn Read, archive: Option<&Archive>) -> Result<()> {
        let file = self.root.join(path);
        let cannot_write = |cause: io::Error| {
            Error::io("write", &file, cause)
                .help("check space and permissions there (XDG_CACHE_HOME names another place)")
        };
        make_parents(&file).map_err(cannot_write)?;
        let mut out = File::options()
            .write(true)
            .create_new(true)
            .open(&file)
            .map_err(cannot_write)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(unreadable(&cause)),
            };
            self.meter.check()?;
            self.bytes += count as u64;
            self.refuse_too_much(archive)?;
            out.write_all(&buffer[..count]).map_err(cannot_write)?;
        }
        // Whatever the umask says.
        set_mode(&out, executable).map_err(cannot_write)
    }
}

impl Unpacker<'_> {
    fn refuse_too_much(&self, archive: Option<&Archive>) -> Result<()> {
        let Limits {
            bytes,
            ratio,
            harmless_bytes,
            ..
        } = self.limits;
        if self.bytes > bytes {
            return Err(Error::invalid(format!("it holds more than {bytes} bytes")).help(HELP));
        }
        if let Some(Archive {
            size_bytes,
            bytes_before,
            ..
        }) = archive
            && self.bytes - bytes_before > size_bytes.saturating_mul(ratio).max(harmless_bytes)
        {
            let what = format!("it unpacks to more than {ratio} times its {size_bytes} bytes, as bombs do");
            return Err(Error::invalid(what).help("use another archive; without `extract` it is packed as it is"));
        }
        Ok(())
    }
}

const HELP: &str =
    "use one that holds less; what is larger a function can fetch when it runs, from S3 or a file system";

/// The archive itself is not what it should be.
pub fn unreadable(cause: &io::Error) -> Error {
    Error::invalid(format!("the archive can't be read: {cause}"))
        .help("check that `extract` names its kind, and that the file is whole")
}

/// An entry that no archive should hold.
pub fn refused(name: &[u8], problem: &str) -> Error {
    let name = String::from_utf8_lossy(name);
    Error::invalid(format!(
        "the archive's entry `{}` is refused: {problem}",
        shorten(&name)
    ))
    .help("use another archive; without `extract` it is packed as it is")
}

/// The entry path in the package.
fn named(archive: &Archive, name: &[u8]) -> Result<String> {
    let path = entry_path(name).map_err(|problem| refused(name, problem))?;
    Ok(match (archive.prefix, path.as_str()) {
        ("", path) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}/{path}"),
    })
}

fn make_parents(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_refused_before_it_is_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let meter = Meter::default();
        let limits = Limits {
            entries: 4,
            bytes: 1000,
            ratio: 3,
            harmless_bytes: 50,
        };
        let unpacker = |name: &str| {
            let root = Box::leak(Box::new(directory.path().join(name)));
            Unpacker {
                limits,
                ..Unpacker::new(root, &meter)
            }
        };
        let refusal = |result: Result<()>| result.expect_err("refused").message().to_owned();
        let zeros = |count| io::repeat(0).take(count);

        let mut sizes = unpacker("sizes");
        sizes.add_file("a", Mode::Plain, &mut zeros(1000)).expect("just so");
        let message = refusal(sizes.add_file("b", Mode::Plain, &mut zeros(1)));
        assert!(message.contains("more than 1000 bytes"), "{message}");

        let mut ratio = unpacker("ratio");
        ratio
            .add_file("before", Mode::Plain, &mut zeros(500))
            .expect("not of the archive");
        let archive = ratio.start_archive("", None, 100);
        ratio.file(&archive, b"a", false, &mut zeros(200)).expect("fine");
        ratio.file(&archive, b"b", false, &mut zeros(100)).expect("just so");
        let message = refusal(ratio.file(&archive, b"c", false, &mut zeros(1)));
        assert!(message.contains("more than 3 times its 100 bytes"), "{message}");
        let mut harmless = unpacker("harmless");
        let small = harmless.start_archive("", None, 1);
        harmless.file(&small, b"a", false, &mut zeros(50)).expect("harmless");

        let mut entries = unpacker("entries");
        let archive = entries.start_archive("", None, 1);
        entries.directory(&archive, b"a/b/c/d").expect("four");
        entries.directory(&archive, b"a").expect("again");
        let message = refusal(entries.directory(&archive, b"e"));
        assert!(message.contains("more than 4 entries"), "{message}");
    }
}
