//! Names in archives, which anybody may have written.

use crate::function::has_drive_letter;
use crate::source::name_problem;

/// The entry path that a name in an archive stands for, below the archive's top; empty for the top itself. Else what is
/// wrong with it.
pub fn entry_path(name: &[u8]) -> Result<String, &'static str> {
    let name = std::str::from_utf8(name).map_err(|_| "its name is not UTF-8")?;
    if let Some(problem) = name_problem(name) {
        return Err(problem);
    }
    if name.starts_with('/') {
        return Err("its name is absolute");
    }
    if has_drive_letter(name) {
        return Err("its name has a drive letter");
    }
    let mut components = Vec::new();
    for component in name.split('/') {
        match component {
            "" | "." => {}
            ".." => return Err("its name leads upward"),
            component => components.push(component),
        }
    }
    Ok(components.join("/"))
}

/// What is wrong with the target of a symbolic link at this entry path; `None` if it stays within the archive.
pub fn link_problem(path: &str, target: &str) -> Option<&'static str> {
    if target.is_empty() || name_problem(target).is_some() {
        return Some("it is a link to no proper name");
    }
    if target.starts_with('/') || target.as_bytes().get(1) == Some(&b':') {
        return Some("it is a link to an absolute path");
    }
    let mut depth = path.matches('/').count();
    for component in target.split('/') {
        match component {
            "" | "." => {}
            ".." if depth == 0 => return Some("it is a link that leads out of the archive"),
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_top() {
        for (name, path) in [
            ("a", "a"),
            ("./a//b/", "a/b"),
            ("./", ""),
            ("a/./b", "a/b"),
            ("é", "é"),
            ("a..b", "a..b"),
        ] {
            assert_eq!(entry_path(name.as_bytes()), Ok(path.to_owned()));
        }
        let bad: [&[u8]; 9] = [
            b"/a", b"..", b"../a", b"a/../b", b"a/..", b"C:a", b"c:/a", b"a\\b", b"a\x1bb",
        ];
        for name in bad.into_iter().chain([&b"a\xff"[..], b"a\0"]) {
            assert!(entry_path(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn links_stay_within_the_archive() {
        for (path, target) in [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../d/./e"), ("a", "b/../c")] {
            assert_eq!(link_problem(path, target), None, "{path} {target}");
        }
        for (path, target) in [
            ("a", "../b"),
            ("a/b", "../../c"),
            ("a", "/etc"),
            ("a", ""),
            ("a", "b\\c"),
            ("a", "C:x"),
        ] {
            assert!(link_problem(path, target).is_some(), "{path} {target}");
        }
    }
}
