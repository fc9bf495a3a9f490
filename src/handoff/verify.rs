//! Whether what `bundle.json` says is so: its digests, against itself, the store, and where assets come from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lambda_pack_core::digest::{Algorithm, Digest};
use lambda_pack_core::function::{AssetUrl, Sha256};
use lambda_pack_core::graph::Requirements;
use lambda_pack_core::handoff::{AssetEntry, Document, FILE_NAME, FunctionEntry, sums_of};
use lambda_pack_core::{Error, ErrorKind, Meter, Result, shorten};
use serde::Serialize;
use sha2::Digest as _;

use super::project::{self, Project};
use super::{files, in_store};
use crate::assets::{DOWNLOADS_AT_ONCE, Fetcher};
use crate::parallel;
use crate::settings::Settings;
use crate::store::{Found, REQUESTS_AT_ONCE, Store, StoreUrl};

/// What was looked at.
#[derive(Debug, Serialize)]
pub struct Verified {
    pub what: &'static str,
    pub name: String,
    pub status: Status,
    /// What was right; of a project there is none.
    pub digest: Option<String>,
    /// Why it wasn't checked, and what that leaves open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Verified,
    NotChecked,
}

impl Verified {
    fn new(what: &'static str, name: impl Into<String>, digest: impl Into<String>) -> Self {
        Verified {
            what,
            name: name.into(),
            status: Status::Verified,
            digest: Some(digest.into()),
            detail: None,
        }
    }
}

/// What becomes of a document that another project is beside than that which made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    Refused,
    Accepted,
}

/// A document as it was read, once.
pub struct Stated {
    document: Document,
    /// Whether it is what the file beside it says.
    whole: Result<Verified>,
}

impl Stated {
    pub fn read(file: &Path) -> Result<Self> {
        let content = fs::read(file).map_err(|cause| {
            let is_missing = cause.kind() == io::ErrorKind::NotFound;
            let error = Error::input("read", file, cause);
            match is_missing {
                true => {
                    error.help("`lambda-pack bundle export --deployment-profile NAME` and `run` write dist/bundle.json")
                }
                false => error,
            }
        })?;
        let whole = whole(file, &content);
        match (Document::parse(file.display(), &content), whole) {
            (Ok(document), whole) => Ok(Stated { document, whole }),
            // Why it can't be read comes second, if somebody changed it.
            (Err(error), Err(changed)) => Err(Error::join([changed, error]).expect("two errors")),
            (Err(error), Ok(_)) => Err(error),
        }
    }

    /// The store that it names; `project_dir` is what a relative one belongs to.
    pub fn store(&self, project_dir: &Path) -> Result<StoreUrl> {
        StoreUrl::parse(&self.document.store, project_dir)
    }

    /// What it says of its functions and layers, if it is whole and no check failed.
    pub fn functions(self) -> Result<Vec<FunctionEntry>> {
        self.whole?;
        super::refuse_failures(&self.document)?;
        Ok(self.document.functions)
    }

    /// Compares all with what a store has, the one that is given or the one that it names; each failure is an error of its own.
    pub fn verify(
        self,
        given: Option<&StoreUrl>,
        elsewhere: Elsewhere,
        settings: &Settings,
        meter: &'static Meter,
    ) -> Result<Vec<Result<Verified>>> {
        let store = match given {
            Some(store) => store.clone(),
            None => self.store(&settings.project_dir)?,
        };
        let Stated { document, whole } = self;
        let mut results = vec![whole];
        results.extend(super::failures(&document).map(Err));
        let store = Store::open(&store, &settings.aws, meter)?;
        let mut store = store.of_profile(Some(&document.deployment_profile));
        let names: Vec<&str> = document.functions.iter().map(|it| it.name.as_str()).collect();
        // No cache: what is verified is what is there.
        store.expect(&names, None)?;
        let of_graph = document.requirements();
        let functions = parallel::map(&document.functions, REQUESTS_AT_ONCE, |said| {
            meter.check()?;
            function(said, of_graph[said.name.as_str()], &document, &store)
                .map_err(|error| error.within(format_args!("function `{}`", said.name)))
        });
        for verified in functions {
            match verified {
                Ok(verified) => results.extend(verified.into_iter().map(Ok)),
                Err(error) => results.push(Err(error)),
            }
        }
        // What is wrong without it need not be compared with it.
        let project = match results.iter().all(Result::is_ok) {
            true => Some(project::compare(&document, store.url(), given, settings, meter)),
            false => None,
        };
        let is_same = matches!(project, Some(Ok(Project::Same)));
        results.extend(
            project.map(|project| {
                project.and_then(|project| of_project(project, elsewhere, &document.deployment_profile))
            }),
        );
        if !document.assets.is_empty() {
            // Where the project says the same of their addresses, what was downloaded from there once is enough.
            let settings = &Settings {
                cache_dir: settings.cache_dir.clone().filter(|_| is_same),
                ..settings.clone()
            };
            let fetcher = Fetcher::new(settings, meter)?;
            results.extend(parallel::map(&document.assets, DOWNLOADS_AT_ONCE, |said| {
                asset(said, &fetcher)
                    .map_err(|error| error.within(format_args!("function `{}`", shorten(&said.function))))
            }));
        }
        Ok(results)
    }
}

fn differs(message: String) -> Error {
    Error::new(ErrorKind::Integrity, message)
}

/// The document itself, against the file beside it.
fn whole(file: &Path, content: &[u8]) -> Result<Verified> {
    let sums: PathBuf = files::sums_file(file);
    let line = fs::read_to_string(&sums).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => Error::io("read", &sums, cause)
            .help("it is written beside the document, by `bundle export` and `run`: bring both here"),
        _ => Error::input("read", &sums, cause),
    })?;
    let digest = hex::encode(sha2::Sha256::digest(content));
    let (expected, name) =
        sums_of(&line).ok_or_else(|| Error::invalid(format!("{}: its first word is no SHA-256", sums.display())))?;
    let is_of_file = |name: &str| name == FILE_NAME || file.file_name().is_some_and(|own| own == name);
    if let Some(other) = name.filter(|name| !is_of_file(name)) {
        return Err(differs(format!(
            "`{}` is of the file `{}`, and not of `{}`",
            sums.display(),
            shorten(other),
            file.display()
        ))
        .help("bring the one that was written beside it"));
    }
    if !digest.eq_ignore_ascii_case(expected) {
        return Err(differs(format!(
            "`{}` has the SHA-256 {digest}, and `{}` says {expected}",
            file.display(),
            sums.display()
        ))
        .help("somebody changed one of the two: export again"));
    }
    Ok(Verified::new("document", file.display().to_string(), digest))
}

/// Whether all that no digest vouches for is as the project says.
fn of_project(project: Project, elsewhere: Elsewhere, profile: &str) -> Result<Verified> {
    let (status, detail) = match (project, elsewhere) {
        (Project::Same, _) => (Status::Verified, None),
        (Project::Other(error), Elsewhere::Refused) => {
            let mends = error.help_text().map(|help| format!("{help}; ")).unwrap_or_default();
            return Err(error
                .within("the document can't be compared with the project that made it")
                .help(format!(
                    "{mends}`--allow-unchecked` believes what no digest vouches for"
                )));
        }
        (Project::Other(error), Elsewhere::Accepted) | (Project::Absent(error), _) => (
            Status::NotChecked,
            Some(format!(
                "{error}: what the document says of handlers, runtimes, layers, assets, swaps, secrets, checks and the graph is believed \
                 where nothing else in it, and no package, contradicts that"
            )),
        ),
    };
    Ok(Verified {
        what: "project",
        name: profile.to_owned(),
        status,
        digest: None,
        detail,
    })
}

/// Its record, its package, and what that was made from.
fn function(said: &FunctionEntry, of_graph: Requirements, document: &Document, store: &Store) -> Result<[Verified; 2]> {
    let (name, named) = (said.name.as_str(), document.store.as_str());
    let source_hash = Digest::from_hex(Algorithm::Blake3, &said.source_hash)
        .ok_or_else(|| Error::invalid(format!("its source hash is none: `{}`", shorten(&said.source_hash))))?;
    let missing = |what: &str| {
        Error::failed(format!("{what} for the source hash {source_hash} in `{}`", store.url()))
            .help("upload it: lambda-pack upload, or lambda-pack run")
    };
    let record = match store.find(name, &source_hash)? {
        Found::Published(record) => record,
        Found::Nothing => return Err(missing("there is no package")),
        Found::PackageMissing(..) => return Err(missing("the package was deleted that is recorded")),
    };
    let number = |number: u64| number.to_string();
    let in_graph = |size: Option<u64>| size.map_or_else(|| "nothing".to_owned(), number);
    let facts = [
        ("code_sha256", said.code_sha256.clone(), record.code_sha256.to_base64()),
        ("store_url", said.store_url.clone(), in_store(named, &record)),
        ("size_bytes", number(said.size_bytes), number(record.size_bytes)),
        (
            "unzipped_bytes",
            number(said.unzipped_bytes),
            number(record.unzipped_bytes),
        ),
        ("entries", number(said.entries), number(record.entries)),
        (
            "size_bytes in the graph",
            in_graph(of_graph.size_bytes),
            number(record.size_bytes),
        ),
        (
            "unzipped_bytes in the graph",
            in_graph(of_graph.unzipped_bytes),
            number(record.unzipped_bytes),
        ),
    ];
    let wrong = facts.into_iter().filter(|(_, said, found)| said != found);
    let errors = wrong.map(|(key, said, found)| {
        differs(format!(
            "its {key} is said to be `{}`, and the store has `{found}`",
            shorten(&said)
        ))
    });
    Error::join(errors).map_or(Ok(()), Err)?;
    let Some(kept) = store.kept(name, &source_hash)? else {
        return Err(missing("there is no manifest"));
    };
    kept.source()?;
    if let Some(known) = kept.known(&record)? {
        document.check_contents(said, &known.contents)?;
    }
    Ok([
        Verified::new("source", name, source_hash.to_hex()),
        Verified::new("package", name, record.code_sha256.to_base64()),
    ])
}

fn asset(said: &AssetEntry, fetcher: &Fetcher) -> Result<Verified> {
    let wrong = |key: &str, found: &str, allowed: &str| {
        Error::invalid(format!(
            "key `{key}` of an asset: found `{}`; allowed: {allowed}",
            shorten(found)
        ))
    };
    let url: AssetUrl = said.url.parse().map_err(|allowed| wrong("url", &said.url, allowed))?;
    let sha256: Sha256 = said
        .sha256
        .parse()
        .map_err(|allowed| wrong("sha256", &said.sha256, allowed))?;
    let fetched = fetcher.fetch(&url, sha256)?;
    Ok(Verified::new("asset", url.to_string(), fetched.sha256.to_string()))
}
