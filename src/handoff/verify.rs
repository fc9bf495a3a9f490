//! Whether what `bundle.json` says is so: its digests, against itself, the store, and where assets come from.

use std::fs;
use std::path::{Path, PathBuf};

use lambda_pack_core::handoff::{AssetClaim, Claims, FunctionClaim, sums_of};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::assets::Fetcher;
use crate::parallel;
use crate::settings::Settings;
use crate::store::{Found, REQUESTS_AT_ONCE, Store, StoreUrl};

/// Downloads of assets at a time.
const DOWNLOADS_AT_ONCE: usize = 4;

/// A digest that was right.
#[derive(Debug, Serialize)]
pub struct Verified {
    pub what: &'static str,
    pub name: String,
    pub digest: String,
}

/// A document as it was read, once.
pub struct Stated {
    file: PathBuf,
    content: Vec<u8>,
    claims: Claims,
}

impl Stated {
    pub fn read(file: &Path) -> Result<Self> {
        let content = fs::read(file).map_err(|cause| Error::input("read", file, cause))?;
        let claims = Claims::parse(file.display(), &content)?;
        Ok(Stated {
            file: file.to_owned(),
            content,
            claims,
        })
    }

    /// The store that it names; `project_dir` is what a relative one belongs to.
    pub fn store(&self, project_dir: &Path) -> Result<StoreUrl> {
        StoreUrl::parse(&self.claims.store, project_dir)
    }

    /// Compares all with what a store has; each failure is an error of its own.
    pub fn verify(
        &self,
        store: &StoreUrl,
        settings: &Settings,
        meter: &'static Meter,
    ) -> Result<Vec<Result<Verified>>> {
        let claims = &self.claims;
        let mut results = vec![document(&self.file, &self.content)];
        results.extend(claims.failures().map(|failure| Err(Error::invalid(failure))));
        let mut store = Store::open(store, &settings.aws, meter)?;
        let names: Vec<&str> = claims.functions.iter().map(|function| function.name.as_str()).collect();
        // No cache: what is verified is what is there.
        store.expect(&names, None)?;
        let functions = parallel::map(&claims.functions, REQUESTS_AT_ONCE, |claim| {
            meter.check()?;
            function(claim, &store).map_err(|error| error.within(format_args!("function `{}`", claim.name)))
        });
        for verified in functions {
            match verified {
                Ok(verified) => results.extend(verified.into_iter().map(Ok)),
                Err(error) => results.push(Err(error)),
            }
        }
        if !claims.assets.is_empty() {
            let fetcher = Fetcher::new(settings, meter)?;
            results.extend(parallel::map(&claims.assets, DOWNLOADS_AT_ONCE, |claim| {
                asset(claim, &fetcher).map_err(|error| error.within(format_args!("function `{}`", claim.function)))
            }));
        }
        Ok(results)
    }
}

fn differs(message: String) -> Error {
    Error::new(ErrorKind::Integrity, message)
}

/// The document itself, against the file beside it.
fn document(file: &Path, content: &[u8]) -> Result<Verified> {
    let sums = super::sums_file(file);
    let line = fs::read_to_string(&sums).map_err(|cause| Error::input("read", &sums, cause))?;
    let digest = hex::encode(Sha256::digest(content));
    let expected =
        sums_of(&line).ok_or_else(|| Error::invalid(format!("{}: its first word is no SHA-256", sums.display())))?;
    if !digest.eq_ignore_ascii_case(expected) {
        return Err(differs(format!(
            "`{}` has the SHA-256 {digest}, and `{}` says {expected}",
            file.display(),
            sums.display()
        ))
        .help("somebody changed one of the two: export again"));
    }
    Ok(Verified {
        what: "document",
        name: file.display().to_string(),
        digest,
    })
}

/// Its record, its package, and what that was made from.
fn function(claim: &FunctionClaim, store: &Store) -> Result<[Verified; 2]> {
    let name = claim.name.as_str();
    let source_hash = claim.source_hash()?;
    let missing = |what: &str| {
        Error::failed(format!("{what} for the source hash {source_hash} in `{}`", store.url()))
            .help("upload it: lambda-pack upload, or lambda-pack run")
    };
    let record = match store.find(name, &source_hash)? {
        Found::Published(record) => record,
        Found::Nothing => return Err(missing("there is no package")),
        Found::PackageMissing(..) => return Err(missing("the package was deleted that is recorded")),
    };
    let pairs = [
        ("code_sha256", claim.code_sha256.clone(), record.code_sha256.to_base64()),
        (
            "size_bytes",
            claim.size_bytes.to_string(),
            record.size_bytes.to_string(),
        ),
        (
            "unzipped_bytes",
            claim.unzipped_bytes.to_string(),
            record.unzipped_bytes.to_string(),
        ),
    ];
    if let Some((key, said, found)) = pairs.into_iter().find(|(_, said, found)| said != found) {
        return Err(differs(format!(
            "its {key} is said to be {said}, and the store has {found}"
        )));
    }
    if !claim.store_url.ends_with(&record.package_key()) {
        return Err(differs(format!(
            "its package is said to be `{}`, and is `{}`",
            lambda_pack_core::shorten(&claim.store_url),
            store.package_url(&record)
        )));
    }
    if store.manifest(name, &source_hash)?.is_none() {
        return Err(missing("there is no manifest"));
    }
    let verified = |what, digest| Verified {
        what,
        name: name.to_owned(),
        digest,
    };
    Ok([
        verified("source", source_hash.to_hex()),
        verified("package", record.code_sha256.to_base64()),
    ])
}

fn asset(claim: &AssetClaim, fetcher: &Fetcher) -> Result<Verified> {
    let fetched = fetcher.fetch(&claim.url, claim.sha256)?;
    Ok(Verified {
        what: "asset",
        name: claim.url.to_string(),
        digest: fetched.sha256.to_string(),
    })
}
