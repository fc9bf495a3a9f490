//! Whether code that AWS Signer signed is that of a package. Its digest says nothing of that: a signature has a time. Its entries do.

use std::collections::BTreeMap;

use lambda_pack_core::archive::CodeSha256;
use lambda_pack_core::diff::Change;
use lambda_pack_core::manifest::{Entry, Manifest};
use lambda_pack_core::{ErrorKind, Meter, Result};

use super::entries;
use crate::comparison::package_manifest;
use crate::lambda::{self, Code};
use crate::packages_file::NamedPackage;
use crate::packaging::in_function;
use crate::scratch;
use crate::settings::Settings;
use crate::store::{Signed, Store, StoreUrl};

/// What AWS Signer adds: `META_INF/aws_signer_signature_v1.0.SF`, a file of that directory itself.
const SIGNATURE: (&str, &str) = ("META_INF/aws_signer_signature_v", ".SF");

/// What was found out about signed code.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Its bytes hold the entries of the package, and a signature.
    OfPackage,
    /// What is signed is another package, by the SHA-256 that the key of its object says.
    OfAnother(String),
    /// Entries of the package aren't in it as they should be.
    Differs(Vec<Change>),
    /// The entries of the package, and nothing beside them.
    Unsigned,
    /// Why nobody can tell.
    Unproved(String),
}

/// Code that was signed, and the package that it should be of.
pub struct Question<'a> {
    pub name: &'a str,
    pub package: &'a NamedPackage,
    pub code: &'a Code,
}

/// A store, and what is signed of it by id of the job; or why that isn't known.
struct Beside {
    store: Store,
    signed: BTreeMap<String, Signed>,
}

type Besides = BTreeMap<String, Result<Beside, String>>;

/// Answers each, several at a time.
pub fn prove(questions: &[Question], settings: &Settings, meter: &'static Meter) -> Result<Vec<Proof>> {
    let mut besides = Besides::new();
    for question in questions {
        if let Ok(url) = place(question)
            && !besides.contains_key(&url.to_string())
        {
            let beside = unproved(Beside::open(&url, settings, meter))?;
            besides.insert(url.to_string(), beside);
        }
    }
    lambda::each(questions, meter, |question| {
        let proof = answer(question, &besides);
        in_function(question.name, unproved(proof)).map(|proof| proof.unwrap_or_else(Proof::Unproved))
    })
}

/// What can't be looked at proves nothing; all else that goes wrong is a failure of the whole.
fn unproved<T>(result: Result<T>) -> Result<Result<T, String>> {
    match result {
        Ok(found) => Ok(Ok(found)),
        Err(error) if [ErrorKind::Failed, ErrorKind::Invalid].contains(&error.kind()) => {
            Ok(Err(error.message().to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// The store that a package is in.
fn place(question: &Question) -> Result<StoreUrl, String> {
    let NamedPackage { s3_bucket, s3_key, .. } = question.package;
    let (Some(bucket), Some(key)) = (s3_bucket, s3_key) else {
        return Err("nothing says which bucket its package is in".to_owned());
    };
    StoreUrl::of_package(bucket, key).ok_or_else(|| format!("`s3://{bucket}/{key}` is no package of a store"))
}

impl Beside {
    fn open(url: &StoreUrl, settings: &Settings, meter: &'static Meter) -> Result<Self> {
        let store = Store::open(url, &settings.aws, meter)?;
        let signed = store.signed()?;
        Ok(Beside { store, signed })
    }
}

fn answer(question: &Question, besides: &Besides) -> Result<Proof> {
    let Question { name, package, code } = question;
    let url = match place(question) {
        Ok(url) => url,
        Err(why) => return Ok(Proof::Unproved(why)),
    };
    let Beside { store, signed } = match &besides[&url.to_string()] {
        Ok(beside) => beside,
        Err(why) => return Ok(Proof::Unproved(why.clone())),
    };
    let job = code.signing_job_id().unwrap_or_default();
    let Some(code_sha256) = CodeSha256::from_base64(&package.code_sha256) else {
        let found = &package.code_sha256;
        return Ok(Proof::Unproved(format!(
            "`{found}` is no SHA-256 of a package in base64"
        )));
    };
    let Some(signed) = signed.get(job) else {
        return Ok(Proof::Unproved(format!(
            "`{}` isn't there, where lambda-deploy-module would have had it written",
            store.signed_url_of(name, &code_sha256, job)
        )));
    };
    if (signed.name.as_str(), signed.code_sha256) != (*name, code_sha256) {
        return Ok(Proof::OfAnother(signed.code_sha256.to_base64()));
    }
    let directory = scratch::directory()?;
    let [signed_file, package_file] = ["signed.zip", "package.zip"].map(|file| directory.path().join(file));
    let address = store.signed_url(signed);
    match store.download_signed(signed, &signed_file)? {
        None => return Ok(Proof::Unproved(format!("`{address}` was deleted just now"))),
        Some(found) if found.to_base64() != code.sha256 => {
            let found = found.to_base64();
            return Ok(Proof::Unproved(format!(
                "`{address}` isn't the code that Lambda has: its SHA-256 is {found}"
            )));
        }
        Some(_) => {}
    }
    match store.download_package(name, &signed.code_sha256, &package_file)? {
        Some(found) if found == signed.code_sha256 => {}
        Some(found) => {
            let found = found.to_base64();
            return Ok(Proof::Unproved(format!(
                "the package itself isn't what was published: its SHA-256 is {found}"
            )));
        }
        None => {
            return Ok(Proof::Unproved(
                "the package itself isn't in the store any more".to_owned(),
            ));
        }
    }
    let (unsigned, is_signed) = unsigned(package_manifest(&signed_file)?);
    let differences = entries(&package_manifest(&package_file)?, &unsigned)?;
    Ok(match (differences.is_empty(), is_signed) {
        (true, true) => Proof::OfPackage,
        (true, false) => Proof::Unsigned,
        (false, _) => Proof::Differs(differences),
    })
}

/// Without the signature, if there is one. Of several nobody knows which one it is: they are entries like others.
fn unsigned(manifest: Manifest) -> (Manifest, bool) {
    let is_signature = |path: &str| {
        let (start, end) = SIGNATURE;
        let version = path.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        version.is_some_and(|version| !version.contains('/'))
    };
    let (signatures, others): (Vec<Entry>, Vec<Entry>) = manifest
        .entries()
        .iter()
        .cloned()
        .partition(|entry| is_signature(&entry.path));
    match signatures.len() {
        1 => (Manifest::new(manifest.algorithm(), others, None), true),
        _ => (manifest, false),
    }
}
