//! The order of writes that never shows anything half-done: status, object, metadata, outputs, status, and `md5` last.

use std::time::Duration;

use lambda_pack_core::archive::{self, Compression, Package, Packing};
use lambda_pack_core::bundle::{Bundle, Checksum, Metadata, Origin, Pointer, State, Status};
use lambda_pack_core::cache::Caches;
use lambda_pack_core::digest::Algorithm;
use lambda_pack_core::manifest::Manifest;
use lambda_pack_core::secrets::Guard;
use lambda_pack_core::source::Tree;
use lambda_pack_core::temporary::private_temporary_file;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::check::Module;
use super::lease::{Attempt, Lease};
use super::records::{ADVANCED_BYTES, Read, sha256_hex};
use crate::owner::{self, Owner};
use crate::report;
use crate::time;

/// Longest reason that is recorded, in bytes; the log has all of it.
const REASON_BYTES: usize = 1000;

/// A writer that holds the lease, and has said that it builds.
pub struct Writer<'a> {
    module: &'a Module<'a>,
    checksum: Checksum,
    before: Read,
    lease: Lease<'a>,
    started: aws_sdk_s3::primitives::DateTime,
    git_commit: Option<String>,
}

/// Takes the lease. The loser learns the owner's name.
pub fn take_lease<'a>(module: &'a Module<'a>, duration: Duration) -> Result<Lease<'a>> {
    match Lease::take(module.place, module.connection, duration)? {
        Attempt::Taken(lease) => Ok(lease),
        Attempt::Held(holder) => Err(Error::conflict(format!(
            "the bundle {} is being written by {holder}",
            module.place.identity
        ))
        .help(format!(
            "wait for it, then run again; if you know that nobody writes, delete the object `{}`",
            Lease::url(module.place)
        ))),
    }
}

impl<'a> Writer<'a> {
    /// Says that a build begins. The bundle in force stays so.
    pub fn start(
        module: &'a Module<'a>,
        lease: Lease<'a>,
        checksum: &Checksum,
        git_commit: Option<String>,
    ) -> Result<Self> {
        let before = module.read()?;
        if let Some(damage) = &before.damaged {
            report::warning(&format!("{damage}; it will be written anew"));
        }
        refuse_others_bundle(module)?;
        let writer = Writer {
            module,
            checksum: checksum.clone(),
            before,
            lease,
            started: time::now(),
            git_commit,
        };
        module.records.write_status(&writer.status(State::Building, None))?;
        Ok(writer)
    }

    fn status(&self, state: State, reason: Option<String>) -> Status {
        Status {
            status: state,
            identity: self.module.place.identity.clone(),
            checksum: self.checksum.blake3.to_hex(),
            updated_at: time::text(time::now()),
            used_at: None,
            owner: Owner::this_process().to_string(),
            reason,
            build_id: owner::build_id(),
            log_url: log_url(),
            // A build that doesn't succeed leaves the mark.
            tainted: match state {
                State::Succeeded => None,
                State::Building | State::Failed => self.before.status.as_ref().and_then(|it| it.tainted.clone()),
            },
        }
    }

    /// Records that the build failed, and why. The bundle before stays in force.
    pub fn fail(self, error: &Error) {
        let mut reason = error.message().to_owned();
        while reason.len() > REASON_BYTES {
            reason.pop();
        }
        let status = self.status(State::Failed, Some(reason));
        // What the user must read is why the build failed.
        let noted = (self.lease.check()).and_then(|()| self.module.records.write_status(&status));
        if let Err(error) = noted
            && error.kind() != ErrorKind::Interrupted
        {
            report::warning(&format!("the failure could not be recorded: {error}"));
        }
    }

    /// Packs a tree, uploads it, and records it. `outputs` is the text of a JSON object; without it, those that are there stay.
    pub fn store(&self, tree: &Tree, outputs: Option<&str>, caches: &Caches, meter: &'static Meter) -> Result<Bundle> {
        if tree.entries().is_empty() {
            return Err(Error::invalid("the source is empty: no file is left to pack")
                .help("check --source and `.lambdaignore`"));
        }
        let scratch = std::env::temp_dir();
        let cannot_write = |cause| Error::io("write a temporary file in", &scratch, cause);
        let mut zip = private_temporary_file(&scratch).map_err(cannot_write)?;
        let packing = Packing {
            caches,
            scratch: &scratch,
            compression: Compression::Standard,
            meter,
            reads_all: true,
            guard: &Guard::strict(),
        };
        let package = archive::pack(tree, zip.as_file_mut(), &packing)?;
        self.lease.check()?;
        let checksum = self.checksum.blake3.to_hex();
        let project = &self.module.place.identity.project;
        let uploaded = (self.module.object).upload(zip.path(), &package, project, &checksum)?;
        if uploaded.version.is_none() {
            report::warning(&format!(
                "the bucket `{}` keeps no versions: while a new bundle is stored, the old one can't be used",
                self.module.place.bucket
            ));
        }
        let outputs = match (outputs, &self.before.outputs) {
            (Some(outputs), _) => self.outputs_record(outputs)?,
            (None, Some(before)) => before.clone(),
            (None, None) => "{}".to_owned(),
        };
        let bundle = self.bundle(&package, uploaded, &outputs);
        self.commit(bundle, &outputs)
    }

    fn bundle(&self, package: &Package, uploaded: super::object::Uploaded, outputs: &str) -> Bundle {
        let now = time::now();
        Bundle {
            checksum: self.checksum.blake3.to_hex(),
            md5: self.checksum.md5.to_hex(),
            inputs: self.checksum.parts.clone(),
            bundle_url: self.module.object.url(),
            s3_version: uploaded.version,
            code_sha256: package.code_sha256.to_base64(),
            s3_checksum_sha256: uploaded.checksum_sha256,
            size_bytes: package.size_bytes,
            unzipped_bytes: package.unzipped_bytes(),
            entries: package.entries.len() as u64,
            content_hash: Manifest::new(Algorithm::Blake3, package.entries.clone(), None)
                .source_hash()
                .to_hex(),
            outputs_sha256: sha256_hex(outputs),
            origin: Origin {
                tool: concat!("lambda-pack ", env!("CARGO_PKG_VERSION")).to_owned(),
                git_commit: self.git_commit.clone(),
                build_id: owner::build_id(),
                log_url: log_url(),
                started_at: time::text(self.started),
                stored_at: time::text(now),
                duration_seconds: (now.secs() - self.started.secs()).unsigned_abs(),
            },
        }
    }

    /// The text of the record: the outputs, or where they are if SSM doesn't take as much.
    fn outputs_record(&self, outputs: &str) -> Result<String> {
        if outputs.len() <= ADVANCED_BYTES {
            return Ok(outputs.to_owned());
        }
        let sha256 = sha256_hex(outputs);
        let key = self
            .module
            .place
            .layout
            .outputs_key(&self.module.place.identity, &sha256);
        let outputs_url = self.module.object.write_beside(&key, outputs)?;
        Ok(serde_json::to_string(&Pointer { outputs_url, sha256 }).expect("strings"))
    }

    /// From here on the new bundle is there; with the last write it is in force.
    fn commit(&self, bundle: Bundle, outputs: &str) -> Result<Bundle> {
        let records = &self.module.records;
        self.lease.check()?;
        records.write_metadata(&Metadata {
            identity: self.module.place.identity.clone(),
            bundle: bundle.clone(),
            previous: self
                .before
                .committed()
                .filter(|before| before.md5 != bundle.md5)
                .cloned(),
        })?;
        records.write_outputs(outputs)?;
        records.write_status(&self.status(State::Succeeded, None))?;
        self.lease.check()?;
        records.write_md5(&bundle.md5)?;
        Ok(bundle)
    }
}

/// Two projects may share a bucket, but no deployment, group and module.
fn refuse_others_bundle(module: &Module) -> Result<()> {
    let own = &module.place.identity.project;
    let project = module.object.head(None)?.and_then(|head| head.project);
    match project.filter(|project| project != own) {
        None => Ok(()),
        Some(project) => Err(
            Error::conflict(format!("`{}` belongs to the project `{project}`", module.object.url()))
                .help("use another --bucket, or another --deployment"),
        ),
    }
}

/// Where CodeBuild shows the log of the build that this runs in.
fn log_url() -> Option<String> {
    std::env::var("CODEBUILD_BUILD_URL").ok().filter(|url| !url.is_empty())
}
