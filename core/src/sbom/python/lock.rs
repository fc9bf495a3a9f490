//! What `requirements.txt` or `uv.lock` says of packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{Checksum, normal};
use crate::build::{Dependencies, requirements};
use crate::{Error, Result, toml_text};

/// What a lock file installs, and what it says of that.
#[derive(Default)]
pub(crate) struct Lock {
    /// By normal name; one that has markers may be there in several versions.
    pub(super) packages: BTreeMap<String, Vec<Locked>>,
    /// Normal names that the project itself asks for, where the file tells; it tells what needs what, then.
    pub(crate) direct: Option<BTreeSet<String>>,
}

pub(crate) struct Locked {
    pub(crate) version: String,
    pub(super) archives: Vec<Archive>,
    /// Normal names.
    pub(crate) needs: BTreeSet<String>,
    /// Those without a marker.
    pub(super) always: BTreeSet<String>,
    /// Whether it is installed on some machines alone.
    pub(crate) conditional: bool,
}

pub(super) struct Archive {
    pub(super) checksum: Checksum,
    /// Of a wheel, if the lock file names it: <https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/>
    pub(super) tags: Option<BTreeSet<String>>,
}

impl Locked {
    /// What tells it from others in the lock file.
    pub(crate) fn place(&self, name: &str) -> String {
        format!("{name}=={}", self.version)
    }
}

impl Lock {
    pub(crate) fn read(dependencies: &Dependencies) -> Result<Self> {
        let file = &dependencies.lock;
        let text = fs::read_to_string(file).map_err(|cause| Error::input("read", file, cause))?;
        if dependencies.beside.is_none() {
            return Ok(Self::of_requirements(&text));
        }
        toml_text::parse(file.display(), &text).map(Self::of_uv)
    }

    pub(super) fn merge(locks: Vec<Self>) -> Self {
        let mut merged = Lock::default();
        // One that doesn't tell what was asked for makes all of it unknown.
        let is_known = !locks.is_empty() && locks.iter().all(|lock| lock.direct.is_some());
        merged.direct = is_known.then(|| locks.iter().flat_map(|lock| lock.direct.clone()).flatten().collect());
        for (name, mut locked) in locks.into_iter().flat_map(|lock| lock.packages) {
            merged.packages.entry(name).or_default().append(&mut locked);
        }
        merged
    }

    pub(super) fn of_requirements(text: &str) -> Self {
        let mut lock = Lock::default();
        for requirement in requirements(text) {
            let digests = requirement.digests.iter().filter_map(|digest| checksum(digest));
            let archives = digests.map(|checksum| Archive { checksum, tags: None });
            let locked = Locked {
                version: requirement.version,
                archives: archives.collect(),
                needs: BTreeSet::new(),
                always: BTreeSet::new(),
                conditional: requirement.conditional,
            };
            lock.packages.entry(normal(&requirement.name)).or_default().push(locked);
        }
        let notes = notes(text);
        if notes.is_empty() {
            return lock;
        }
        let mut direct = BTreeSet::new();
        for name in lock.packages.keys().cloned().collect::<Vec<_>>() {
            // What was added by hand has no note.
            let by = notes.get(&name).map_or(&[][..], Vec::as_slice);
            if by.is_empty() {
                direct.insert(name.clone());
            }
            for by in by {
                match lock.packages.get_mut(&normal(by.split('[').next().unwrap_or_default())) {
                    Some(needing) => needing.iter_mut().for_each(|locked| {
                        locked.needs.insert(name.clone());
                    }),
                    // A limit on versions asks for nothing.
                    None if by.starts_with("-c ") || by.starts_with("--") => {}
                    // A file, or the project itself.
                    None => {
                        direct.insert(name.clone());
                    }
                }
            }
        }
        lock.direct = Some(direct);
        lock
    }

    /// Normal names of what it locks, each with its versions.
    pub(crate) fn packages(&self) -> impl Iterator<Item = (&str, &Locked)> {
        let packages = self.packages.iter();
        packages.flat_map(|(name, versions)| versions.iter().map(move |locked| (name.as_str(), locked)))
    }

    /// Of the archive that was installed, if that is certain; else of all those that it may have been.
    pub(super) fn checksums(
        &self,
        name: &str,
        version: Option<&str>,
        installed: &BTreeSet<String>,
    ) -> (BTreeSet<Checksum>, BTreeSet<Checksum>) {
        let locked = self.packages.get(name).map_or(&[][..], Vec::as_slice);
        let same = locked.iter().filter(|it| Some(it.version.as_str()) == version);
        let archives: Vec<&Archive> = same.flat_map(|locked| &locked.archives).collect();
        let fits = |archive: &&&Archive| archive.tags.as_ref().is_some_and(|tags| !tags.is_disjoint(installed));
        let fitting: Vec<&&Archive> = archives.iter().filter(fits).collect();
        match (fitting.as_slice(), archives.as_slice()) {
            ([one], _) => (BTreeSet::from([one.checksum.clone()]), BTreeSet::new()),
            (_, [one]) => (BTreeSet::from([one.checksum.clone()]), BTreeSet::new()),
            (_, many) => (
                BTreeSet::new(),
                many.iter().map(|archive| archive.checksum.clone()).collect(),
            ),
        }
    }
}

/// `sha256:…`
pub(super) fn checksum(text: &str) -> Option<Checksum> {
    let (algorithm, digits) = text.split_once(':')?;
    Checksum::from_hex(algorithm, digits)
}

/// Who asks for each requirement, by its normal name, as uv and pip-tools note that below it or beside: `# via -r
/// requirements.in, a`, or one a line after `# via`.
fn notes(text: &str) -> BTreeMap<String, Vec<&str>> {
    let mut notes = BTreeMap::<String, Vec<&str>>::new();
    let (mut requirement, mut goes_on) = (None, false);
    for line in text.lines() {
        let (before, note) = line.split_once('#').unwrap_or((line, ""));
        if let Some((name, _)) = before.split_once("==") {
            requirement = name.split(['[', ' ']).next().map(normal);
        }
        let by = match note.trim().strip_prefix("via") {
            Some("") => {
                goes_on = true;
                continue;
            }
            Some(by) if by.starts_with(' ') => by,
            // Other comments aren't indented.
            _ if goes_on && before.trim().is_empty() && note.starts_with("  ") => note,
            _ => {
                goes_on = false;
                continue;
            }
        };
        if let Some(requirement) = &requirement {
            let by = by.split(", ").map(str::trim).filter(|by| !by.is_empty());
            notes.entry(requirement.clone()).or_default().extend(by);
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    const UV: &str = r#"
version = 1
[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "A_b" }]
[[package]]
name = "a-b"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://example.org/a_b-1.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000" }
wheels = [
    { url = "https://example.org/a_b-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", hash = "sha256:1111111111111111111111111111111111111111111111111111111111111111" },
    { url = "https://example.org/a_b-1.0-cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", hash = "sha256:2222222222222222222222222222222222222222222222222222222222222222" },
]
"#;

    fn first_digits(checksums: &BTreeSet<Checksum>) -> String {
        checksums.iter().map(|checksum| &checksum.content[..1]).collect()
    }

    #[test]
    fn the_installed_wheel_tells_which_digest_is_its_own() {
        let lock = Lock::of_uv(toml::from_str(UV).expect("a lock file"));
        assert_eq!(lock.direct, Some(BTreeSet::from(["a-b".to_owned()])));
        for (version, tag, certain, possible) in [
            ("1.0", "cp313-cp313-manylinux2014_aarch64", "2", ""),
            ("1.0", "cp313-cp313-manylinux2014_x86_64", "1", ""),
            ("1.0", "cp312-cp312-manylinux2014_x86_64", "", "012"),
            ("2.0", "cp313-cp313-manylinux2014_x86_64", "", ""),
        ] {
            let (found, one_of) = lock.checksums("a-b", Some(version), &BTreeSet::from([tag.to_owned()]));
            assert_eq!(
                (&*first_digits(&found), &*first_digits(&one_of)),
                (certain, possible),
                "{tag}"
            );
        }
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn notes_tell_what_was_asked_for_and_what_needs_what() {
        let hash = "--hash=sha256:00";
        let text = format!(
            "# made by: uv pip compile requirements.in\n\
            a==1 \\\n    {hash}\n    # via\n    #   -r requirements.in\n    #   B.c\n    # from https://example.org\n\
            B_c[x]==1 {hash}\n    # via -r requirements.in\n\
            d==1 {hash}\n    # via a[x]\n\
            e==1 {hash}\n    # via app (pyproject.toml)\n\
            f==1 {hash}\n    # via\n    #   -c limits.txt\n    #   d\n\
            g==1 {hash}  # via a, app (setup.cfg), d\n\
            h==1 ; sys_platform == 'linux' {hash}\n    # via my-app\n\
            i==1 {hash}\n\n\
            # The following packages are considered to be unsafe:\n"
        );
        let lock = Lock::of_requirements(&text);
        assert_eq!(lock.direct, Some(set(&["a", "b-c", "e", "g", "h", "i"])));
        let needs = |name: &str| lock.packages[name][0].needs.clone();
        assert_eq!(needs("a"), set(&["d", "g"]));
        assert_eq!(needs("b-c"), set(&["a"]));
        assert_eq!(needs("d"), set(&["f", "g"]));
        let conditional = lock.packages().filter(|(_, locked)| locked.conditional);
        assert_eq!(conditional.map(|(name, _)| name).collect::<Vec<_>>(), ["h"]);
        let plain = Lock::of_requirements(&format!("a==1 {hash}\nb==1 {hash} # pinned\n"));
        assert_eq!(plain.direct, None);
    }

    #[test]
    fn requirements_pin_archives_without_their_names() {
        let digits = |digit: &str| digit.repeat(64);
        let (one, two) = (digits("1"), digits("2"));
        let text = format!(
            "--index-url https://example.org/==\n\
            A.b[x]==1.0 ; python_version < '3.13' \\\n    --hash=sha256:{one} \\\n    --hash=sha256:{two}\n\
            c==2 --hash=sha256:{two} # via a\n"
        );
        let lock = Lock::of_requirements(&text);
        assert_eq!(lock.packages.len(), 2);
        let (found, one_of) = lock.checksums("a-b", Some("1.0"), &BTreeSet::new());
        assert_eq!(
            (first_digits(&found), first_digits(&one_of)),
            (String::new(), "12".to_owned())
        );
        let (found, one_of) = lock.checksums("c", Some("2"), &BTreeSet::new());
        assert_eq!(
            (first_digits(&found), first_digits(&one_of)),
            ("2".to_owned(), String::new())
        );
    }
}
