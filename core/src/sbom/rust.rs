//! Rust: the crates of `Cargo.lock`, because a program says nothing of them. So those are listed too that only tests, build
//! scripts or other systems need.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checksum, Part, Sbom, package_url};
use crate::Result;
use crate::build::{self, Crate};

pub fn of_lock(text: &str) -> Result<Sbom> {
    let crates = build::crates(text)?;
    let mut purls = Vec::new();
    let mut by_name = BTreeMap::<&str, Vec<(&str, usize)>>::new();
    for (index, package) in crates.iter().enumerate() {
        purls.push(package_url("cargo", None, &package.name, Some(&package.version))?);
        by_name
            .entry(&package.name)
            .or_default()
            .push((&package.version, index));
    }
    let find = |dependency: &String| -> Option<usize> {
        let mut words = dependency.split(' ');
        let versions = by_name.get(words.next()?)?;
        let wanted = words.next();
        let found = versions
            .iter()
            .find(|(version, _)| wanted.is_none_or(|wanted| wanted == *version));
        found.map(|(_, index)| *index)
    };
    let needs = |package: &Crate| -> BTreeSet<String> {
        let found = package.dependencies.iter().filter_map(find);
        let foreign = found.filter(|index| crates[*index].source.is_some());
        foreign.map(|index| purls[index].clone()).collect()
    };
    let mut sbom = Sbom::default();
    let mut direct = BTreeSet::new();
    for (package, purl) in crates.iter().zip(&purls) {
        if package.source.is_none() {
            direct.append(&mut needs(package));
            continue;
        }
        let checksum = package.checksum.as_deref();
        let part = Part {
            name: package.name.clone(),
            version: Some(package.version.clone()),
            checksums: checksum
                .and_then(|it| Checksum::from_hex("sha256", it))
                .into_iter()
                .collect(),
            needs: needs(package),
            ..Part::default()
        };
        sbom.add(purl, part);
    }
    sbom.direct = Some(direct);
    Ok(sbom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_have_digests_and_a_graph_and_local_ones_are_the_function() {
        let lock = r#"
version = 4
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["a 2.0.0", "own"]
[[package]]
name = "own"
version = "0.1.0"
dependencies = ["b"]
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "1111111111111111111111111111111111111111111111111111111111111111"
[[package]]
name = "a"
version = "2.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
[[package]]
name = "b"
version = "1.0.0+x"
source = "git+https://example.org/b#0123"
dependencies = ["a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)"]
"#;
        let sbom = of_lock(lock).expect("a lock file");
        let [one, two, b] = ["pkg:cargo/a@1.0.0", "pkg:cargo/a@2.0.0", "pkg:cargo/b@1.0.0%2Bx"].map(str::to_owned);
        assert_eq!(sbom.parts.keys().collect::<Vec<_>>(), [&one, &two, &b]);
        assert_eq!(sbom.direct, Some(BTreeSet::from([two, b.clone()])));
        assert_eq!(sbom.parts[&b].needs, BTreeSet::from([one.clone()]));
        assert_eq!(sbom.parts[&one].checksums.len(), 1);
        let error = of_lock("[[package]]\n").expect_err("no name");
        assert_eq!(error.message(), "Cargo.lock:1:1: key `package[0].name` is missing");
    }
}
