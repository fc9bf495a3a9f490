//! What must always hold of a source hash and of a package, on random trees.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use lambda_pack_core::Meter;
use lambda_pack_core::archive::{Compression, write_package};
use lambda_pack_core::cache::{Caches, DigestCache};
use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::source::Tree;
use proptest::prelude::*;

/// Path -> (content, executable). No name is a prefix of another, so that any may be a file.
type Files = BTreeMap<String, (Vec<u8>, bool)>;

fn files() -> impl Strategy<Value = Files> {
    let name = "[a-c]{1,2}(/[a-c.é -]{1,3}x){0,2}y";
    let content = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        // Compressible and long enough to be deflated.
        "[ab]{200,400}".prop_map(String::into_bytes),
    ];
    proptest::collection::btree_map(name, (content, any::<bool>()), 1..8)
}

fn write(root: &Path, path: &str, content: &[u8], mode: u32) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
}

fn write_all<'a>(files: impl IntoIterator<Item = (&'a String, &'a (Vec<u8>, bool))>) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, (content, executable)) in files {
        write(root.path(), path, content, if *executable { 0o755 } else { 0o644 });
    }
    root
}

fn hash(root: &Path) -> String {
    let tree = Tree::at(root, &Meter::default()).unwrap();
    tree.manifest(Algorithm::Blake3, &DigestCache::none(), &Meter::default())
        .unwrap()
        .source_hash()
        .to_string()
}

fn zip(root: &Path) -> Vec<u8> {
    let tree = Tree::at(root, &Meter::default()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("package.zip");
    write_package(
        &tree,
        &target,
        Compression::Standard,
        &Caches::none(),
        &Guard::strict(),
        &Meter::default(),
    )
    .unwrap();
    fs::read(target).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_does_not_decide_the_content_changes_nothing(files in files()) {
        let one = write_all(&files);
        // Other directory, other order of creation, other mode bits but the owner's x, other times.
        let two = write_all(files.iter().rev());
        for (path, (_, executable)) in &files {
            let file = two.path().join(path);
            fs::set_permissions(&file, Permissions::from_mode(if *executable { 0o777 } else { 0o664 })).unwrap();
            let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
            File::open(&file).unwrap().set_modified(long_ago).unwrap();
        }
        fs::create_dir_all(two.path().join("an/empty/directory")).unwrap();
        prop_assert_eq!(hash(one.path()), hash(two.path()));
        prop_assert_eq!(zip(one.path()), zip(two.path()));
    }

    #[test]
    fn the_zip_holds_exactly_what_the_manifest_lists(files in files()) {
        let root = write_all(&files);
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip(root.path()))).unwrap();
        let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
        let mut sorted: Vec<String> = files.keys().cloned().collect();
        sorted.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        prop_assert_eq!(&names, &sorted);
        for (path, (content, executable)) in &files {
            let mut member = archive.by_name(path).unwrap();
            let mut found = Vec::new();
            std::io::Read::read_to_end(&mut member, &mut found).unwrap();
            prop_assert_eq!(&found, content);
            prop_assert_eq!(member.unix_mode(), Some(if *executable { 0o100_755 } else { 0o100_644 }));
        }
    }

    #[test]
    fn a_rename_changes_the_hash(files in files(), which in any::<prop::sample::Index>()) {
        let root = write_all(&files);
        let before = hash(root.path());
        let path = root.path().join(which.get(&files.keys().collect::<Vec<_>>()));
        fs::rename(&path, path.with_file_name("renamed")).unwrap();
        prop_assert_ne!(before, hash(root.path()));
    }

    #[test]
    fn swapped_contents_change_the_hash(files in files()) {
        let distinct: Vec<&String> = files.keys().collect();
        let Some(pair) = distinct.windows(2).find(|pair| files[pair[0]] != files[pair[1]]) else {
            return Ok(());
        };
        let root = write_all(&files);
        let mut swapped = files.clone();
        swapped.insert(pair[0].clone(), files[pair[1]].clone());
        swapped.insert(pair[1].clone(), files[pair[0]].clone());
        prop_assert_ne!(hash(root.path()), hash(write_all(&swapped).path()));
    }

    #[test]
    fn the_owners_execute_bit_changes_the_hash(files in files(), which in any::<prop::sample::Index>()) {
        let root = write_all(&files);
        let mut changed = files.clone();
        let path = (*which.get(&files.keys().collect::<Vec<_>>())).clone();
        changed.entry(path).and_modify(|(_, executable)| *executable = !*executable);
        prop_assert_ne!(hash(root.path()), hash(write_all(&changed).path()));
    }

    #[test]
    fn a_byte_that_moves_from_the_name_to_the_content_changes_the_hash(name in "[a-z]{2,8}", content in "[a-z]{0,8}") {
        let one = tempfile::tempdir().unwrap();
        write(one.path(), &name, content.as_bytes(), 0o644);
        let two = tempfile::tempdir().unwrap();
        let (shorter, last) = name.split_at(name.len() - 1);
        write(two.path(), shorter, format!("{last}{content}").as_bytes(), 0o644);
        prop_assert_ne!(hash(one.path()), hash(two.path()));
    }

    #[test]
    fn the_target_of_a_link_changes_the_hash(files in files()) {
        prop_assume!(files.len() >= 2);
        let targets: Vec<&String> = files.keys().take(2).collect();
        let hashes: Vec<String> = targets.iter().map(|target| {
            let root = write_all(&files);
            symlink(target, root.path().join("link")).unwrap();
            hash(root.path())
        }).collect();
        prop_assert_ne!(&hashes[0], &hashes[1]);
        // Nor is a link the file that it leads to.
        let root = write_all(&files);
        fs::copy(root.path().join(targets[0]), root.path().join("link")).unwrap();
        prop_assert_ne!(&hashes[0], &hash(root.path()));
    }
}
