//! Why packages are to be published, for Terraform's plan: a line for each function.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use lambda_pack_core::diff::one_line;
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::difference;
use super::opened::Version;
use crate::packaging::Hashed;
use crate::parallel;
use crate::settings::Settings;
use crate::store::{Past, REQUESTS_AT_ONCE, Store, StoreUrl};

/// How long a plan waits for its reasons. A store that is well answers for a thousand functions in a third of that.
const PATIENCE: Duration = Duration::from_secs(10);

/// What differs from what was published last, by function; functions that are as they were published have none. A store that
/// can't be read is the reason then: a plan doesn't fail for want of an explanation.
pub fn reasons<'a>(hashed: &'a [Hashed], settings: &Settings) -> BTreeMap<&'a str, String> {
    let names: Vec<String> = hashed.iter().map(|hashed| hashed.function.name.to_string()).collect();
    let meter = limited(PATIENCE);
    let store: &Store = match settings.open_store(meter) {
        // The process ends soon. To drop it would be to wait for what hangs, such as a look-up of a name.
        Ok(store) => Box::leak(Box::new(store)),
        Err(error) => return all(hashed, &unknown(&error, settings)),
    };
    let histories = match store.histories(&names) {
        Ok(Some(histories)) => histories,
        // What Terraform is about to make.
        Ok(None) => return all(hashed, "first package: the bucket is not there yet"),
        Err(error) => return all(hashed, &unknown(&error, settings)),
    };
    let pairs: Vec<(&Hashed, Vec<Past>)> = hashed.iter().zip(histories).collect();
    let reasons = parallel::map(&pairs, REQUESTS_AT_ONCE, |(hashed, history)| {
        let reason = meter.check().and_then(|()| reason(hashed, history, store));
        let reason = reason.unwrap_or_else(|error| Some(unknown(&error, settings)))?;
        Some((hashed.function.name.as_str(), reason))
    });
    reasons.into_iter().flatten().collect()
}

/// Calls that have this meter are interrupted when the time is over.
fn limited(time: Duration) -> &'static Meter {
    let meter: &'static Meter = Box::leak(Box::default());
    let interrupted = meter.interrupt_flag();
    // Nobody waits for it: the process ends before, or soon after.
    thread::spawn(move || {
        thread::sleep(time);
        interrupted.store(true, Ordering::Relaxed);
    });
    meter
}

/// What differs from what was published last, in one line; `None` if nothing does. `history` is the function's.
pub fn reason(hashed: &Hashed, history: &[Past], store: &Store) -> Result<Option<String>> {
    let source_hash = hashed.manifest.source_hash();
    let Some(last) = history.first() else {
        return Ok(Some("first package".to_owned()));
    };
    if last.source_hash == source_hash {
        return Ok(None);
    }
    if history.iter().any(|past| past.source_hash == source_hash) {
        return Ok(Some("as it was published before".to_owned()));
    }
    let before = Version::stored(store, hashed.function.name.as_str(), &last.source_hash)?;
    Ok(Some(difference(Some(&before), Some(&Version::of(hashed)?))?.reason()))
}

fn all<'a>(hashed: &'a [Hashed], reason: &str) -> BTreeMap<&'a str, String> {
    let names = hashed.iter().map(|hashed| hashed.function.name.as_str());
    names.map(|name| (name, reason.to_owned())).collect()
}

/// Why there is no reason, without directories of this machine: elsewhere a plan says the same.
pub fn unknown(error: &Error, settings: &Settings) -> String {
    if error.kind() == ErrorKind::Interrupted {
        return format!(
            "unknown: no answer from the store within {} seconds",
            PATIENCE.as_secs()
        );
    }
    let store = match &settings.store {
        StoreUrl::File(root) => Some((root.as_path(), "<store>")),
        StoreUrl::S3 { .. } => None,
    };
    let sources = [
        (settings.code_dir.as_path(), "<code_dir>"),
        (settings.config_dir.as_path(), "<config_dir>"),
    ];
    let mut message = error.message().to_owned();
    for (place, name) in store.into_iter().chain(sources) {
        if place.is_absolute() {
            message = message.replace(&*place.to_string_lossy(), name);
        }
    }
    one_line(&format!("unknown: {message}"))
}
