//! A lease on a bundle: an object in S3 that one writer at a time holds, by conditional writes. Who lost it can't commit.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use aws_sdk_s3::primitives::DateTime;
use lambda_pack_core::bundle::Identity;
use lambda_pack_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Place;
use crate::aws::Connection;
use crate::aws::bucket::{Body, Bucket, Condition, Put};
use crate::owner::Owner;
use crate::time;

/// Renewals in the time that a lease runs: two may fail.
const RENEWALS: u32 = 3;

/// What the object holds. `None` as owner: it is free.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note {
    owner: Option<Owner>,
    /// Of the module; another one may share its name.
    identity: Identity,
    expires_at: String,
    /// Tells this write from all others: one that was sent twice, because its answer was lost, is refused the second time.
    #[serde(default)]
    nonce: String,
}

/// A lease that is held until it is dropped, or until it was lost.
pub struct Lease<'a> {
    held: Arc<Held>,
    connection: &'a Connection,
    renewing: Option<(Sender<()>, JoinHandle<()>)>,
}

struct Held {
    bucket: Arc<Bucket>,
    key: String,
    owner: Owner,
    identity: Identity,
    duration: Duration,
    /// ETag of what was written last; `None` once the lease is lost.
    etag: Mutex<Option<String>>,
}

/// What came of an attempt.
pub enum Attempt<'a> {
    Taken(Lease<'a>),
    /// By somebody else, who is named.
    Held(String),
}

impl<'a> Lease<'a> {
    /// Takes the lease if it is free, has expired, or is that of a process of this machine that is gone.
    pub fn take(place: &Place, connection: &'a Connection, duration: Duration) -> Result<Attempt<'a>> {
        let held = Held {
            bucket: Arc::new(connection.bucket(&place.bucket, "")),
            key: place.layout.lease_key(&place.identity),
            owner: Owner::this_process(),
            identity: place.identity.clone(),
            duration,
            etag: Mutex::default(),
        };
        let held = Arc::new(held);
        /// Somebody else may take what was free a moment ago; then it isn't free.
        const LOOKS: usize = 3;
        for _ in 0..LOOKS {
            let asked = Arc::clone(&held);
            let found = connection.call(async move { asked.bucket.get(&asked.key).await })?;
            let condition = match found {
                None => Condition::Absent,
                Some(object) => match held_by(&object.content, &held.identity) {
                    Some(holder) => return Ok(Attempt::Held(holder)),
                    None => Condition::Etag(object.etag),
                },
            };
            let taken = Arc::clone(&held);
            if connection.call(async move { taken.write(true, &condition).await })? {
                return Ok(Attempt::Taken(Lease {
                    renewing: Some(start_renewing(connection, &held)?),
                    held,
                    connection,
                }));
            }
        }
        Ok(Attempt::Held("somebody who was quicker".to_owned()))
    }

    pub fn url(place: &Place) -> String {
        format!("s3://{}/{}", place.bucket, place.layout.lease_key(&place.identity))
    }

    /// Says who holds the lease, without taking it; nobody, if it is this process.
    pub fn holder(place: &Place, connection: &Connection) -> Result<Option<String>> {
        let bucket = connection.bucket(&place.bucket, "");
        let key = place.layout.lease_key(&place.identity);
        let found = connection.call(async move { bucket.get(&key).await })?;
        let own = Owner::this_process();
        let is_own = |content: &[u8]| serde_json::from_slice::<Note>(content).is_ok_and(|note| note.owner == Some(own));
        let found = found.filter(|object| !is_own(&object.content));
        Ok(found.and_then(|object| held_by(&object.content, &place.identity)))
    }

    /// That it is still held: renews it. Nothing that others see may be written without.
    pub fn check(&self) -> Result<()> {
        let held = Arc::clone(&self.held);
        self.connection.call(async move { held.renew().await })
    }
}

impl Held {
    /// Writes the note; `false` where the condition isn't met.
    async fn write(&self, held: bool, condition: &Condition) -> Result<bool> {
        let note = Note {
            owner: held.then(|| self.owner.clone()),
            identity: self.identity.clone(),
            expires_at: time::text(time::after(self.duration)),
            nonce: format!("{:032x}", fastrand::u128(..)),
        };
        let content = serde_json::to_vec(&note).expect("strings");
        let body = Body::Json(content.clone());
        let written = match self.bucket.put(&self.key, &body, condition).await? {
            Put::Done { etag, .. } => Some(etag.unwrap_or_default()),
            Put::Refused => {
                let found = self.bucket.get(&self.key).await?;
                found.filter(|found| found.content == content).map(|found| found.etag)
            }
        };
        let mut etag = self.etag.lock().expect("nothing panics under this lock");
        *etag = written;
        Ok(etag.is_some())
    }

    async fn renew(&self) -> Result<()> {
        let etag = self.etag.lock().expect("nothing panics under this lock").clone();
        let renewed = match etag {
            Some(etag) => self.write(true, &Condition::Etag(etag)).await?,
            None => false,
        };
        match renewed {
            true => Ok(()),
            false => Err(Error::conflict(format!(
                "the lease `{}` was lost: somebody else took over",
                self.bucket.url(&self.key)
            ))
            .help("run again; nothing of this run was committed")),
        }
    }
}

/// Whom a note gives the lease to now. A note that can't be read is nobody's.
fn held_by(content: &[u8], identity: &Identity) -> Option<String> {
    let note: Note = serde_json::from_slice(content).ok()?;
    let owner = note.owner?;
    let expires: DateTime = time::parse(&note.expires_at)?;
    if expires.as_nanos() <= time::now().as_nanos() || owner.is_gone() {
        return None;
    }
    let of = match note.identity == *identity {
        true => String::new(),
        false => format!(", for {}", note.identity),
    };
    Some(format!("{owner}{of}, until {}", note.expires_at))
}

/// Renews on a thread of its own, until told to stop or until the lease is lost.
fn start_renewing(connection: &Connection, held: &Arc<Held>) -> Result<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let held = Arc::clone(held);
    let handle = connection.handle();
    let renewing = thread::Builder::new().spawn(move || {
        while stopped.recv_timeout(held.duration / RENEWALS) == Err(RecvTimeoutError::Timeout) {
            // The next check says so too, where somebody hears it.
            if let Err(error) = handle.block_on(held.renew()) {
                tracing::info!("{error}");
            }
        }
    });
    let renewing = renewing.map_err(|cause| Error::failed(format!("cannot start a thread: {cause}")))?;
    Ok((stop, renewing))
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some((stop, renewing)) = self.renewing.take() {
            drop(stop);
            if renewing.join().is_err() {
                tracing::info!("the thread that renews the lease has panicked");
            }
        }
        let etag = self.held.etag.lock().expect("nothing panics under this lock").take();
        let Some(etag) = etag else {
            return;
        };
        let held = Arc::clone(&self.held);
        // Also after Ctrl-C: who comes next need not wait.
        let freed = self.connection.join(
            self.connection
                .start(async move { held.write(false, &Condition::Etag(etag)).await }),
        );
        if let Err(error) = freed {
            tracing::info!("the lease stays until it expires: {error}");
        }
    }
}
