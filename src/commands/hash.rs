//! `hash`: the source hash of any path, and the check of hashes that were printed before.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lambda_pack_core::cache::Caches;
use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::source::Tree;
use lambda_pack_core::{Error, ErrorKind, Meter, Result, collect_all, shorten};

use super::output;
use crate::cli::{AlgorithmName, Common, HashArgs};
use crate::report::{self, Progress};
use crate::{caches, settings};

pub fn run(args: &HashArgs, common: &Common, meter: &'static Meter) -> Result<()> {
    let progress = Progress::start("hashing", meter);
    if let Some(file) = &args.check {
        return check(file, common, meter);
    }
    let algorithm = match args.algorithm {
        AlgorithmName::Blake3 => Algorithm::Blake3,
        AlgorithmName::Sha256 => Algorithm::Sha256,
        AlgorithmName::Md5 => Algorithm::Md5,
    };
    let here = [PathBuf::from(".")];
    let paths = if args.paths.is_empty() { &here[..] } else { &args.paths };
    let manifests = collect_all(paths.iter().map(|path| manifest(path, algorithm, common, meter)))?;
    drop(progress);
    if common.json {
        return manifests
            .iter()
            .try_for_each(|manifest| output::json(&manifest.to_json()));
    }
    let mut lines = String::new();
    for (path, manifest) in paths.iter().zip(&manifests) {
        let name = printable(path)?;
        lines.push_str(&format_line(&manifest.source_hash(), name));
        lines.push('\n');
    }
    output::bytes(lines.as_bytes())
}

fn manifest(path: &Path, algorithm: Algorithm, common: &Common, meter: &Meter) -> Result<Manifest> {
    let tree = Tree::at(path, meter)?;
    for warning in &tree.warnings {
        report::warning(warning);
    }
    // A single file is as soon read as looked up.
    let caches = match path.is_dir() {
        true => caches::open(settings::cache_dir(common).as_deref(), path, false),
        false => Caches::none(),
    };
    let manifest = tree.manifest(algorithm, &caches.digests, meter);
    caches::keep(caches);
    manifest
}

fn printable(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Error::invalid(format!("the path {:?} is not UTF-8", path.display().to_string())))
}

/// `<digest>  <path>`; names with a backslash or a line break are escaped, and the line then starts with a backslash,
/// as `b3sum` and `sha256sum` do.
fn format_line(digest: &Digest, name: &str) -> String {
    let (mark, name) = escape(name);
    format!("{mark}{digest}  {name}")
}

/// The name as a line can hold it, and the mark at the line's beginning that tells.
fn escape(name: &str) -> (&'static str, String) {
    if !name.contains(['\\', '\n', '\r']) {
        return ("", name.to_owned());
    }
    (
        "\\",
        name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r"),
    )
}

fn parse_line(line: &str) -> Option<(Digest, String)> {
    let (escaped, rest) = match line.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (digest, name) = rest.split_once("  ")?;
    let name = if escaped { unescape(name)? } else { name.to_owned() };
    (!name.is_empty()).then_some((digest.parse().ok()?, name))
}

fn unescape(name: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

/// Hashes each path of the file again: `<path>: OK` or `<path>: FAILED`.
fn check(file: &Path, common: &Common, meter: &Meter) -> Result<()> {
    let text = read_lines(file)?;
    let mut expected = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let parsed = parse_line(line).ok_or_else(|| {
            Error::invalid(format!(
                "{}:{}: not a line of `lambda-pack hash`: {}",
                file.display(),
                index + 1,
                shorten(line)
            ))
            .help("each line is `<digest>  <path>`")
        })?;
        expected.push(parsed);
    }
    if expected.is_empty() {
        return Err(Error::invalid(format!("{}: holds no line to check", file.display())));
    }
    let mut failed = 0;
    for (digest, name) in &expected {
        let outcome = manifest(Path::new(name), digest.algorithm(), common, meter);
        let verdict = match &outcome {
            Ok(manifest) if manifest.source_hash() == *digest => "OK",
            Ok(_) => "FAILED",
            Err(error) if error.kind() == ErrorKind::Interrupted => meter.check().map(|()| "FAILED")?,
            Err(error) => {
                report::error(error);
                "FAILED (cannot be hashed)"
            }
        };
        if verdict != "OK" {
            failed += 1;
        }
        if verdict != "OK" || !common.quiet {
            let (mark, name) = escape(name);
            output::line(&format!("{mark}{name}: {verdict}"))?;
        }
    }
    if failed > 0 {
        let message = format!("{failed} of {} paths do not have the expected hash", expected.len());
        return Err(Error::new(ErrorKind::Integrity, message).help("`hash --json` lists the entries of a path"));
    }
    Ok(())
}

fn read_lines(file: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(file).map(|content| text = content)
    };
    read.map_err(|cause| Error::input("read", file, cause))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_round_trip_whatever_the_name() {
        let digest = Algorithm::Sha256.hash(b"x");
        for name in [
            "plain",
            "two  spaces",
            " leading",
            "back\\slash",
            "line\nbreak",
            "\\n",
            "cr\r",
        ] {
            let line = format_line(&digest, name);
            assert!(!line.contains('\n'));
            assert_eq!(parse_line(&line), Some((digest, name.to_owned())), "{line}");
        }
    }

    #[test]
    fn lines_of_others_are_not_taken() {
        for line in ["", "abc  name", "d41d8cd98f00b204e9800998ecf8427e  name", "\\"] {
            assert_eq!(parse_line(line), None, "{line}");
        }
    }
}
