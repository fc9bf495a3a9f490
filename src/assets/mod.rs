//! Assets: files from elsewhere, downloaded once, verified before each use, and kept by their digest.

mod bucket;
mod download;
mod kept;
mod part;
mod web;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::OnceLock;

use lambda_pack_core::assets::{self, Unpacker};
use lambda_pack_core::function::{AssetUrl, Function, Sha256};
use lambda_pack_core::{Error, ErrorKind, Meter, Result, Work};
use sha2::Digest;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::network;
use crate::scratch;
use crate::settings::Settings;
use bucket::Bucket;
use download::{Download, Outcome, Remote};
use kept::Kept;
use part::Part;
use web::Web;

/// Downloads at a time.
pub const DOWNLOADS_AT_ONCE: usize = 4;

/// Downloads assets.
pub struct Fetcher<'a> {
    settings: &'a Settings,
    meter: &'static Meter,
    kept: Kept,
    /// For downloads that are not kept beyond this run.
    _temporary: Option<TempDir>,
    network: OnceLock<Network>,
}

struct Network {
    runtime: Runtime,
    web: Web,
}

/// An asset that is what its digest says.
pub struct Fetched {
    /// At its beginning.
    pub content: File,
    pub sha256: Sha256,
    pub size_bytes: u64,
    pub downloaded: bool,
}

impl<'a> Fetcher<'a> {
    pub fn new(settings: &'a Settings, meter: &'static Meter) -> Result<Self> {
        let (directory, temporary) = match &settings.cache_dir {
            Some(cache_dir) => (cache_dir.join("assets"), None),
            None => {
                let temporary = scratch::directory()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        Ok(Fetcher {
            settings,
            meter,
            kept: Kept::open(directory)?,
            _temporary: temporary,
            network: OnceLock::new(),
        })
    }

    /// The asset with the digest that its definition says; downloaded if it isn't there.
    pub fn fetch(&self, url: &AssetUrl, sha256: Sha256) -> Result<Fetched> {
        let name = sha256.to_string();
        let _lock = self.kept.lock(&name, self.meter)?;
        if let Some(content) = self.kept.get(&name)? {
            if let found @ Fetched { sha256: actual, .. } = self.look_at(content, false)?
                && actual == sha256
            {
                return Ok(found);
            }
            tracing::info!("what was kept of {url} is damaged");
            self.kept.remove(&name)?;
        }
        let mut part = self.kept.part(&name, url)?;
        let outcome = self.obtain(url, &mut part)?;
        let mut fetched = self.look_at(part.content()?, true)?;
        if fetched.sha256 != sha256 && outcome == Outcome::Continued {
            // What an earlier run left may have been damaged.
            part.start_over(None, None)?;
            self.obtain(url, &mut part)?;
            fetched = self.look_at(part.content()?, true)?;
        }
        if fetched.sha256 != sha256 {
            part.remove()?;
            return Err(Error::new(
                ErrorKind::Integrity,
                format!(
                    "`{url}` is not what the definition says: its sha256 should be {sha256}, and is {} ({} bytes)",
                    fetched.sha256, fetched.size_bytes
                ),
            )
            .help(
                "if the new content is meant, remove `sha256` and run `lambda-pack assets lock`; else don't trust it",
            ));
        }
        self.keep(part, fetched)
    }

    /// The asset as it is there now, whatever its digest.
    pub fn fetch_unknown(&self, url: &AssetUrl) -> Result<Fetched> {
        let name = kept::name_of(url);
        let _lock = self.kept.lock(&name, self.meter)?;
        let mut part = self.kept.part(&name, url)?;
        self.obtain(url, &mut part)?;
        let fetched = self.look_at(part.content()?, true)?;
        self.keep(part, fetched)
    }

    /// Publishes what was downloaded, and is proven.
    fn keep(&self, part: Part, fetched: Fetched) -> Result<Fetched> {
        let path = self.kept.put(part, &fetched.sha256)?;
        let content = File::open(&path).map_err(|cause| kept::cannot_use(&path, cause))?;
        Ok(Fetched { content, ..fetched })
    }

    fn obtain(&self, url: &AssetUrl, part: &mut Part) -> Result<Outcome> {
        let remote = match url {
            AssetUrl::File(path) => return self.copy(&self.settings.project_dir.join(path), part),
            AssetUrl::Web(address) => Remote::Web(&self.network()?.web, address),
            AssetUrl::S3 { bucket, key, version } => {
                let connecting = Bucket::connect(&self.settings.aws, bucket, key, version.as_deref());
                Remote::S3(self.network()?.runtime.block_on(connecting)?)
            }
        };
        let download = Download {
            url,
            remote,
            patience: self.settings.download_timeout,
            runtime: &self.network()?.runtime,
            meter: self.meter,
        };
        download.run(part)
    }

    fn network(&self) -> Result<&Network> {
        if self.network.get().is_none() {
            let network = Network {
                runtime: network::runtime()?,
                web: Web::new(self.settings.download_timeout)?,
            };
            // Another thread may have been faster.
            self.network.get_or_init(|| network);
        }
        Ok(self.network.get().expect("it was set"))
    }

    fn copy(&self, file: &Path, part: &mut Part) -> Result<Outcome> {
        let cannot_read = |cause| Error::input("read", file, cause);
        let mut content = File::open(file).map_err(cannot_read)?;
        let metadata = content.metadata().map_err(cannot_read)?;
        if !metadata.is_file() {
            return Err(Error::invalid(format!("`{}` is no regular file", file.display())));
        }
        self.meter.expect(Work::Download, metadata.len());
        part.start_over(None, None)?;
        read_pieces(&mut content, cannot_read, |piece| {
            part.append(piece)?;
            self.meter.add(Work::Download, piece.len() as u64)
        })?;
        Ok(Outcome::Whole)
    }

    fn look_at(&self, mut content: File, downloaded: bool) -> Result<Fetched> {
        let cannot_read = |cause| Error::failed(format!("cannot read what was downloaded: {cause}"));
        let mut hasher = sha2::Sha256::new();
        let mut size_bytes = 0;
        read_pieces(&mut content, cannot_read, |piece| {
            hasher.update(piece);
            size_bytes += piece.len() as u64;
            self.meter.check()
        })?;
        content.rewind().map_err(cannot_read)?;
        Ok(Fetched {
            content,
            sha256: Sha256(hasher.finalize().into()),
            size_bytes,
            downloaded,
        })
    }
}

fn read_pieces(
    content: &mut File,
    cannot_read: impl Fn(io::Error) -> Error,
    mut consume: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => consume(&buffer[..count])?,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cannot_read(cause)),
        }
    }
}

/// Fills an empty directory with what the function's assets give to its package.
pub fn unpack(function: &Function, directory: &Path, settings: &Settings, meter: &'static Meter) -> Result<()> {
    let fetcher = Fetcher::new(settings, meter)?;
    let mut unpacker = Unpacker::new(directory, meter);
    for asset in assets::of(function) {
        let sha256 = assets::checksum(function, asset)?;
        let fetched = fetcher.fetch(&asset.url, sha256)?;
        unpacker
            .add(asset, fetched.content)
            .map_err(|error| error.within(format_args!("the asset `{}`", asset.url)))?;
    }
    unpacker.finish()
}
