//! One who deletes at a time, and how those who write meanwhile notice.
//!
//! `gc.json` is written when deleting begins and when it ends, each time with other content, and is never deleted. Who writes looks at it
//! before and after: if nobody held it either time and its version is the same, nobody deleted in between, and whoever deletes later sees
//! what was written. Else the writer waits and looks again at all that it relies on. `docs/operations.md` has the whole argument.

use std::thread;
use std::time::Duration;

use aws_sdk_s3::primitives::DateTime;
use lambda_pack_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Created, Deleted, Store};
use crate::aws::bucket::MOST_DELETED_AT_ONCE;
use crate::owner::Owner;
use crate::{report, time};

const KEY: &str = "gc.json";

/// How long others wait for one who is gone. A request is sent in its first half alone, and it isn't renewed in its last third: so much may clocks
/// differ.
const LEASE: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct Note {
    /// `None`: nobody deletes.
    owner: Option<Owner>,
    expires_at: String,
    /// Makes each content, and so each version, another one.
    nonce: String,
}

/// A moment in which nobody deletes; another one once somebody did. `None`: nobody ever has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quiet(Option<String>);

struct State {
    version: Option<String>,
    /// For people.
    holder: Option<String>,
}

impl Store {
    fn state(&self) -> Result<State> {
        let object = self.objects.get(KEY)?;
        // What can't be read is nobody's; so was what a killed process half wrote, which can't be.
        let note = object.as_ref().and_then(|it| serde_json::from_slice(&it.content).ok());
        Ok(State {
            holder: note.and_then(|note: Note| note.holder()),
            version: object.map(|object| object.version),
        })
    }

    /// Waits until nobody deletes.
    pub(super) fn wait_until_quiet(&self) -> Result<Quiet> {
        const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
        let mut said = None;
        loop {
            let State { version, holder } = self.state()?;
            let Some(holder) = holder else {
                return Ok(Quiet(version));
            };
            if said.as_ref() != Some(&holder) {
                report::note(&format!("`{}`: waiting for {holder}, who deletes packages", self.url));
                said = Some(holder);
            }
            self.meter.check()?;
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// From now on until it is dropped, nobody else deletes, and those who write wait.
    pub fn start_deleting(&self) -> Result<Deleting<'_>> {
        let state = self.state()?;
        if let Some(holder) = state.holder {
            return Err(Error::conflict(format!("`{}`: {holder} deletes packages", self.url)).help("run again later"));
        }
        let mut deleting = Deleting {
            store: self,
            version: state.version,
            expires: time::now(),
        };
        deleting.write(Some(Owner::this_process()))?;
        Ok(deleting)
    }
}

impl Note {
    fn holder(self) -> Option<String> {
        let owner = self.owner?;
        let expires = time::parse(&self.expires_at)?;
        let is_over = expires.as_nanos() <= time::now().as_nanos() || owner.is_gone();
        (!is_over).then(|| format!("{owner} until {}", self.expires_at))
    }
}

/// The right to delete.
pub struct Deleting<'a> {
    store: &'a Store,
    version: Option<String>,
    expires: DateTime,
}

impl Deleting<'_> {
    /// Deletes objects, many with one request. After an error any of them may be there.
    pub fn delete(&mut self, keys: &[String]) -> Result<Deleted> {
        let mut deleted = Deleted::default();
        for keys in keys.chunks(MOST_DELETED_AT_ONCE) {
            self.store.meter.check()?;
            self.renew()?;
            deleted.keeps_versions |= self.store.objects.delete(keys)?.keeps_versions;
        }
        Ok(deleted)
    }

    /// Fails if others may think that it is over: what was found out before is worth nothing then.
    fn renew(&mut self) -> Result<()> {
        let left = self.expires.as_nanos() - time::now().as_nanos();
        if left > (LEASE / 2).as_nanos().cast_signed() {
            return Ok(());
        }
        if left <= (LEASE / 3).as_nanos().cast_signed() {
            return Err(Error::conflict(format!(
                "`{}` answered too late: others may write to the store again",
                self.store.url
            ))
            .help("run again; what is left over is deleted then"));
        }
        self.write(Some(Owner::this_process()))
    }

    /// Writes the note, unless somebody else has.
    fn write(&mut self, owner: Option<Owner>) -> Result<()> {
        let lost = || {
            Error::conflict(format!(
                "`{}`: somebody else began to delete",
                self.store.url.of_key(KEY)
            ))
            .help("run again later")
        };
        let expires = time::after(LEASE);
        let note = Note {
            owner,
            expires_at: time::text(expires),
            nonce: format!("{:032x}", fastrand::u128(..)),
        };
        let content = serde_json::to_vec(&note).expect("strings");
        let objects = &self.store.objects;
        let written = match &self.version {
            None => objects.create(KEY, &content).map(|created| created != Created::Exists),
            Some(version) => objects.replace(KEY, version, &content).map(|()| true),
        };
        // One that was sent twice, because its answer was lost, is refused the second time.
        let found = objects.get(KEY)?;
        match (found, written) {
            (Some(found), _) if found.content == content => {
                self.version = Some(found.version);
                self.expires = expires;
                Ok(())
            }
            (_, Err(error)) if error.kind() != lambda_pack_core::ErrorKind::Conflict => Err(error),
            _ => Err(lost()),
        }
    }
}

impl Drop for Deleting<'_> {
    /// Also after a failure: who waits need not wait longer.
    fn drop(&mut self) {
        if let Err(error) = self.write(None) {
            tracing::info!("others wait until {}: {error}", time::text(self.expires));
        }
    }
}
