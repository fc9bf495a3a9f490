//! Caches: they make things fast, and never wrong.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::support::{BINARY, Dir, PYTHON, TestCommand, on_small_disk};

/// A project with one function, and a cache of its own.
struct Project(Dir);

impl Project {
    fn new() -> Self {
        let dir = Dir::new();
        for number in 0..40 {
            dir.write(
                &format!("code/app/{number}.py"),
                format!("value = {number}\n").repeat(100),
            );
        }
        dir.write(
            "code/app/noise",
            (0..9999_u32)
                .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
                .collect::<Vec<u8>>(),
        );
        dir.write("lambda-json/app.json", r#"{"source": "app"}"#);
        Project(dir)
    }

    fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> TestCommand {
        self.0.command(args).env("XDG_CACHE_HOME", self.cache())
    }

    fn hash(&self) -> String {
        self.command(["hash", "code/app"]).ok().stdout
    }

    fn true_hash(&self) -> String {
        self.command(["hash", "--no-cache", "code/app"]).ok().stdout
    }

    /// The package's digest, as it is built with the cache.
    fn built(&self) -> String {
        let run = self.command(["build", "--json"]).ok();
        run.json()[0]["code_sha256"].to_string()
    }

    fn built_without(&self) -> String {
        let run = self
            .command(["build", "--json", "--no-cache", "--out-dir", "other"])
            .ok();
        run.json()[0]["code_sha256"].to_string()
    }

    /// Waits until the files are old enough for the cache to keep their digests.
    fn grow_old(&self) {
        let newest = fs::read_dir(self.0.join("code/app")).unwrap();
        let newest = newest.map(|entry| changed(&entry.unwrap().path())).max().unwrap();
        crate::faults::wait_for("the files to be 2 s old", || {
            changed(&self.0.write("clock", "")) - newest > 2_100_000_000
        });
    }

    fn cache_files(&self, kind: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.cache()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else if path.extension().is_some_and(|extension| extension == kind) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// Change time in nanoseconds.
fn changed(file: &Path) -> i64 {
    let metadata = fs::metadata(file).unwrap();
    metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec()
}

/// Writes other content of the same size, and sets the modification time back.
fn edit_unseen(file: &Path) {
    let before = fs::metadata(file).unwrap().modified().unwrap();
    let mut content = fs::read(file).unwrap();
    content[0] ^= 1;
    fs::write(file, content).unwrap();
    let open = fs::File::options().write(true).open(file).unwrap();
    open.set_modified(before).unwrap();
}

#[test]
fn a_same_size_edit_with_its_time_set_back_is_seen() {
    let project = Project::new();
    project.grow_old();
    let before = project.hash();
    assert!(!project.cache_files("digests").is_empty(), "the digests are kept");
    assert_eq!(project.hash(), before);
    edit_unseen(&project.0.join("code/app/7.py"));
    assert_ne!(project.hash(), before);
    assert_eq!(project.hash(), project.true_hash());
}

#[test]
fn edits_within_one_tick_of_the_clock_are_seen() {
    let project = Project::new();
    let file = project.0.join("code/app/7.py");
    for _ in 0..30 {
        edit_unseen(&file);
        let before = project.hash();
        edit_unseen(&file);
        assert_ne!(project.hash(), before);
    }
}

#[test]
fn another_file_in_its_place_is_seen() {
    let project = Project::new();
    let file = project.0.join("code/app/7.py");
    let mut content = fs::read(&file).unwrap();
    content[0] ^= 1;
    let other = project.0.write("code/other", content);
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(time)
        .unwrap();
    project.grow_old();
    let before = project.hash();
    fs::rename(other, file).unwrap();
    assert_ne!(project.hash(), before);
    assert_eq!(project.hash(), project.true_hash());
}

#[test]
fn damaged_caches_change_nothing() {
    let project = Project::new();
    project.grow_old();
    let (hash, built) = (project.hash(), project.built());
    assert_eq!(built, project.built_without());
    for kind in ["digests", "blocks"] {
        let file = project.cache_files(kind).pop().unwrap();
        let whole = fs::read(&file).unwrap();
        for damage in [
            Vec::new(),
            whole[..whole.len() / 2].to_vec(),
            whole.iter().map(|byte| !byte).collect(),
            // Everything between the first and the last bytes.
            [
                &whole[..60],
                &vec![0xA5; whole.len() - 160][..],
                &whole[whole.len() - 100..],
            ]
            .concat(),
        ] {
            fs::write(&file, damage).unwrap();
            assert_eq!(project.hash(), hash);
            fs::remove_dir_all(project.0.join("dist")).unwrap();
            assert_eq!(project.built(), built, "{kind}");
        }
    }
}

#[test]
fn a_cache_that_cannot_be_used_is_done_without() {
    let project = Project::new();
    let (hash, built) = (project.true_hash(), project.built_without());
    fs::write(project.cache(), "a file in its place").unwrap();
    let run = project.command(["hash", "code/app"]).ok();
    assert_eq!((run.stdout, run.stderr.as_str()), (hash, ""));
    assert_eq!(project.built(), built);
    let told = project.command(["hash", "-v", "code/app"]).ok();
    assert!(told.stderr.contains("no cache"), "{told:?}");
}

#[test]
fn a_full_cache_directory_is_done_without() {
    let project = Project::new();
    project.grow_old();
    let built = project.built_without();
    let cache = project.cache();
    let script = format!("XDG_CACHE_HOME='{}' '{BINARY}' build --json", cache.display());
    let Some(run) = on_small_disk(project.0.path(), &cache, "size=4k,nr_inodes=8", &script) else {
        return;
    };
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(run.json()[0]["code_sha256"].to_string(), built);
}

#[test]
fn many_processes_at_once_agree() {
    let project = Project::new();
    project.grow_old();
    let hash = project.true_hash();
    let hashes: Vec<String> = thread::scope(|scope| {
        let started: Vec<_> = (0..8).map(|_| scope.spawn(|| project.hash())).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(hashes.iter().all(|other| *other == hash));
    assert_eq!(project.hash(), hash);
}

#[test]
fn a_package_from_the_cache_is_the_package() {
    let project = Project::new();
    project
        .0
        .write("code/app/large", b"0123456789abcdef".repeat(34 * 1024 * 1024 / 16));
    project.grow_old();
    project.built();
    for change in [1, 2] {
        project.0.write("code/app/7.py", format!("value = {change}\n"));
        let built = project.built();
        assert_eq!(built, project.built_without());
    }
    // Each run added what was new, and nothing else.
    let mut sizes: Vec<u64> = project
        .cache_files("blocks")
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes.len(), 3);
    assert!(sizes[1] < 500 && sizes[2] > 10_000, "{sizes:?}");
}

#[test]
fn without_the_cache_none_is_read_or_written() {
    let project = Project::new();
    let commands = || {
        project.true_hash();
        project.built_without();
        project.command(["upload", "--no-cache"]).ok();
        project.command(["external", "hash", "--no-cache"]).stdin("{}").ok();
    };
    commands();
    assert!(!project.cache().exists());
    // Nor is one read that nobody may read.
    fs::write(project.cache(), "in the way").unwrap();
    commands();
}

/// Pieces of large files can't be checked alone: what they make together is.
#[test]
fn a_poisoned_piece_reaches_no_package() {
    let project = Project::new();
    let lines = (0..34 * 1024 * 1024 / 16_u32).flat_map(|n| format!("{:015}\n", n % 70_000).into_bytes());
    project.0.write("code/app/large", lines.collect::<Vec<_>>());
    let expected = project.built();
    for place in [1000, 200_000] {
        for file in project.cache_files("blocks") {
            let mut bytes = fs::read(&file).unwrap();
            bytes[place] ^= 0x10;
            fs::write(&file, bytes).unwrap();
        }
        fs::remove_dir_all(project.0.join("dist")).unwrap();
        assert_eq!(project.built(), expected, "{place}");
    }
}

#[test]
fn a_cache_inside_the_source_is_refused_and_never_hashed() {
    let project = Project::new();
    let inside = project.0.join("code/app/.cache");
    let inside = inside.to_str().unwrap();
    let build = project.command(["build"]).env("XDG_CACHE_HOME", inside);
    build.fails(
        3,
        &["cache directory", "is inside its source", "outside of the sources"],
    );
    let hash = |cache: &str| {
        project
            .command(["hash", "code"])
            .env("XDG_CACHE_HOME", cache)
            .ok()
            .stdout
    };
    assert_eq!(hash(inside), hash(inside));
    assert!(!project.0.join("code/app/.cache").exists());
}

/// The one change that no time tells of: a write through a memory map that was written through before.
#[test]
fn what_is_uploaded_was_read_whatever_the_cache_says() {
    const WRITER: &str = "
import mmap, sys
file = open(sys.argv[1], 'r+b')
memory = mmap.mmap(file.fileno(), 0)
for line in sys.stdin:
    memory[0] ^= 1
    print(flush=True)
";
    let project = Project::new();
    let file = project.0.join("code/app/7.py");
    let mut writer = Command::new(&*PYTHON)
        .args(["-c", WRITER, file.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = writer.stdin.take().unwrap();
    let mut stdout = BufReader::new(writer.stdout.take().unwrap());
    let mut write = || {
        writeln!(stdin).unwrap();
        stdout.read_line(&mut String::new()).unwrap();
    };
    write();
    project.grow_old();
    let stale = project.hash();
    project.command(["validate"]).ok();
    let time = changed(&file);
    write();
    if changed(&file) != time {
        eprintln!("SKIPPED what_is_uploaded_was_read_whatever_the_cache_says: this file system sees such writes");
    } else {
        assert_ne!(project.true_hash(), stale);
        assert_eq!(project.hash(), stale, "the known hole");
        project
            .command(["upload"])
            .fails(3, &["7.py", "changed after it was hashed"]);
        // It has read the file, so that the next run knows better.
        let uploaded = project.command(["upload", "--json"]).ok().json()[0]["source_hash"].clone();
        assert!(project.true_hash().starts_with(uploaded.as_str().unwrap()));
    }
    drop(stdin);
    writer.wait().unwrap();
}
