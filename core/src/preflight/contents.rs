//! What is in a package, as far as checks look at it: known of a tree that is packed, and of a package that a store has, so that
//! both are checked in the same way.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::function::Architecture;
use crate::manifest::EntryKind;
use crate::source::{Tree, TreeEntry};
use crate::swaps::Moved;
use crate::{Error, Result};

/// The entries of a package: names, kinds and sizes, and which processors they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// By the bytes of their paths.
    entries: Vec<Item>,
    extent: Extent,
    /// What layers must have instead.
    moved: Vec<Moved>,
    /// What the user should know of what swaps left out.
    warnings_of_swaps: Vec<String>,
}

/// How much of the package is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Nothing: what is known is what it is to be made of.
    Nothing,
    /// Dependencies or assets are yet to come.
    Part,
    Whole,
}

/// An entry of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub path: Arc<str>,
    pub kind: EntryKind,
    /// In bytes, unzipped.
    pub size: u64,
    /// Of an ELF file: the processor that it is for.
    pub machine: Option<Machine>,
}

/// The processor that machine code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    X86_64,
    Arm64,
    Other,
}

impl Contents {
    /// Reads the first bytes of what may be machine code.
    pub fn of(tree: &Tree) -> Result<Self> {
        let extent = match (tree.is_packed(), tree.is_whole()) {
            (false, _) => Extent::Nothing,
            (true, false) => Extent::Part,
            (true, true) => Extent::Whole,
        };
        let packed = match extent {
            Extent::Nothing => &[],
            Extent::Part | Extent::Whole => tree.entries(),
        };
        let entries = packed.iter().map(|entry| {
            Ok(Item {
                path: Arc::clone(&entry.path),
                kind: entry.kind(),
                size: entry.size(),
                machine: machine_of(entry)?,
            })
        });
        Ok(Contents {
            entries: entries.collect::<Result<_>>()?,
            extent,
            moved: tree.moved().to_vec(),
            warnings_of_swaps: tree.warnings_of_swaps().to_vec(),
        })
    }

    /// All that a package has, in any order, what went of it to layers, and what the user should know of what went.
    pub fn whole(mut entries: Vec<Item>, moved: Vec<Moved>, warnings_of_swaps: Vec<String>) -> Self {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Contents {
            entries,
            extent: Extent::Whole,
            moved,
            warnings_of_swaps,
        }
    }

    pub fn entries(&self) -> &[Item] {
        &self.entries
    }

    /// What layers must have of what swaps left out.
    pub fn moved(&self) -> &[Moved] {
        &self.moved
    }

    /// What the user should know of what swaps left out. What depends on layers isn't among that.
    pub fn warnings_of_swaps(&self) -> &[String] {
        &self.warnings_of_swaps
    }

    /// Bytes of all entries.
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// Those that are machine code, by their paths.
    pub fn machine_code(&self) -> BTreeMap<&str, Machine> {
        let code = self.entries.iter().filter_map(|it| Some((&*it.path, it.machine?)));
        code.collect()
    }

    /// Whether nothing is known of it yet.
    pub fn are_unknown(&self) -> bool {
        self.extent == Extent::Nothing
    }

    /// Whether what it lacks is nowhere.
    pub(super) fn are_whole(&self) -> bool {
        self.extent == Extent::Whole
    }

    pub(super) fn find(&self, path: &str) -> Option<&Item> {
        let found = self.entries.binary_search_by(|entry| (*entry.path).cmp(path));
        found.ok().map(|position| &self.entries[position])
    }

    pub(super) fn starting_with(&self, start: &str) -> &[Item] {
        let first = self.entries.partition_point(|entry| &*entry.path < start);
        let count = self.entries[first..].partition_point(|entry| entry.path.starts_with(start));
        &self.entries[first..first + count]
    }
}

impl Machine {
    pub(super) fn is_for(self, architecture: Architecture) -> bool {
        matches!(
            (self, architecture),
            (Machine::X86_64, Architecture::X86_64) | (Machine::Arm64, Architecture::Arm64)
        )
    }

    pub(super) fn say(self) -> &'static str {
        match self {
            Machine::X86_64 => "x86_64",
            Machine::Arm64 => "arm64",
            Machine::Other => "another processor",
        }
    }
}

/// Shared objects and executables are looked at.
fn machine_of(entry: &TreeEntry) -> Result<Option<Machine>> {
    let file_name = entry.path.rsplit('/').next().unwrap_or_default();
    let may_be_code = match entry.kind() {
        EntryKind::Symlink => false,
        EntryKind::Executable => true,
        EntryKind::File => file_name.ends_with(".so") || file_name.contains(".so.") || file_name.ends_with(".node"),
    };
    match may_be_code {
        true => elf_machine(entry),
        false => Ok(None),
    }
}

/// The processor that an ELF file of 64 bits is for; `None` if it is something else.
fn elf_machine(entry: &TreeEntry) -> Result<Option<Machine>> {
    // e_machine: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
    const X86_64: u16 = 62;
    const AARCH64: u16 = 183;
    let mut header = [0; 20];
    let cannot_read = |cause| Error::input("read", &entry.file, cause);
    let mut file = File::open(&entry.file).map_err(cannot_read)?;
    let read = file.read_exact(&mut header);
    let is_elf = read.is_ok() && header.starts_with(b"\x7fELF");
    Ok(is_elf.then(|| match u16::from_le_bytes([header[18], header[19]]) {
        X86_64 => Machine::X86_64,
        AARCH64 => Machine::Arm64,
        _ => Machine::Other,
    }))
}
