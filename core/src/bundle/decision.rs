//! Whether a stored bundle is still right, from what was seen of it. Whatever is not surely right is a miss.

use serde::Serialize;

use super::{Bundle, Checksum, Metadata, State, Status};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Hit,
    /// No bundle is there.
    MissNoBundle,
    /// No record says what it was made from.
    MissNoHash,
    /// It was made from something else.
    MissChanged,
    /// Its bytes, or its outputs, aren't those that were recorded.
    MissCorrupt,
    /// The last build of just this failed.
    MissFailed,
    /// It is being built, or a build of it was cut short.
    MissBuilding,
    /// Somebody wants it built again.
    Forced,
}

impl Decision {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Hit => "hit",
            Decision::MissNoBundle => "miss_no_bundle",
            Decision::MissNoHash => "miss_no_hash",
            Decision::MissChanged => "miss_changed",
            Decision::MissCorrupt => "miss_corrupt",
            Decision::MissFailed => "miss_failed",
            Decision::MissBuilding => "miss_building",
            Decision::Forced => "forced",
        }
    }
}

/// What the records say.
#[derive(Debug)]
pub struct Seen<'a> {
    pub wanted: &'a Checksum,
    /// Content of the record `md5`.
    pub md5: Option<&'a str>,
    pub metadata: Option<&'a Metadata>,
    pub status: Option<&'a Status>,
    /// SHA-256 of the record `outputs` in hex.
    pub outputs_sha256: Option<&'a str>,
    /// What is wrong with a record that can't be read.
    pub damaged: Option<&'a str>,
    /// The user's own wish.
    pub force: bool,
}

/// An object's bytes, compared with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Absent,
    /// They are those that were recorded.
    Same,
    /// They are others, or nobody asked.
    Other,
}

/// What is in the bucket.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// What readers get who ask for no version.
    pub current: Object,
    /// The version that was recorded; the current one where versions are not kept.
    pub recorded: Object,
}

/// A decision, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub decision: Decision,
    pub reason: String,
}

/// The stored bundle that is right if its bytes are: in force, and made from what is wanted.
pub fn candidate<'a>(seen: &Seen<'a>) -> Option<&'a Bundle> {
    let committed = seen.metadata?.committed(seen.md5?)?;
    committed.is_of(seen.wanted).then_some(committed)
}

/// `stored` is compared with the candidate; without one, only what is absent counts.
pub fn decide(seen: &Seen, stored: Stored) -> Answer {
    let candidate = candidate(seen);
    let wanted = seen.wanted.blake3.to_hex();
    let answer = |decision, reason: &str| Answer {
        decision,
        reason: reason.to_owned(),
    };
    let state = seen.status.map(|status| status.status);
    let of_wanted = seen.status.is_some_and(|status| status.checksum == wanted);
    let tainted = seen.status.and_then(|status| status.tainted.as_ref());
    if seen.force {
        return answer(Decision::Forced, "a build is asked for, whatever is stored");
    }
    if let Some(taint) = tainted {
        let reason = format!("{} marked it for a new build at {}", taint.by, taint.at);
        return answer(Decision::Forced, &reason);
    }
    if let Some(damage) = seen.damaged {
        return answer(Decision::MissCorrupt, damage);
    }
    if let Some(status) = seen.status {
        // A build of something else leaves the bundle in force alone until it commits.
        if state == Some(State::Building) && (of_wanted || candidate.is_none()) {
            let reason = format!("a build by {} began at {}", status.owner, status.updated_at);
            return answer(Decision::MissBuilding, &reason);
        }
        if state == Some(State::Failed) && of_wanted {
            let why = status.reason.as_deref().unwrap_or("for reasons that were not recorded");
            let reason = format!("the last build of it failed at {}: {why}", status.updated_at);
            return answer(Decision::MissFailed, &reason);
        }
    }
    // While a build is on its way, or was cut short, what is current may be its own.
    let newest_is_in_force = seen
        .metadata
        .is_none_or(|metadata| seen.md5 == Some(metadata.bundle.md5.as_str()));
    let settled = newest_is_in_force && !matches!(state, Some(State::Building | State::Failed));
    let is_there = match candidate {
        Some(_) if !settled => stored.recorded != Object::Absent,
        _ => stored.current != Object::Absent,
    };
    if !is_there {
        return answer(Decision::MissNoBundle, "no bundle is stored");
    }
    if seen.md5.is_none() {
        return answer(
            Decision::MissNoHash,
            "no record says what the stored bundle was made from",
        );
    }
    if seen.metadata.is_none() {
        return answer(
            Decision::MissNoHash,
            "the record `md5` is there, but not `metadata`, whose digest decides",
        );
    }
    let Some(candidate) = candidate else {
        return answer(Decision::MissChanged, &changes(seen));
    };
    if stored.recorded != Object::Same {
        return answer(
            Decision::MissCorrupt,
            "the stored bytes are not those that were recorded",
        );
    }
    if settled && stored.current != Object::Same {
        return answer(
            Decision::MissCorrupt,
            "somebody else has written other bytes over the bundle; the recorded version is intact",
        );
    }
    if seen.outputs_sha256 != Some(candidate.outputs_sha256.as_str()) {
        return answer(Decision::MissCorrupt, "the stored outputs are not those of this bundle");
    }
    answer(
        Decision::Hit,
        "specification, source and parameters are the same, and the stored bytes are those that were recorded",
    )
}

/// What differs from the bundle in force.
fn changes(seen: &Seen) -> String {
    let committed = seen
        .metadata
        .zip(seen.md5)
        .and_then(|(metadata, md5)| metadata.committed(md5));
    let Some(bundle) = committed else {
        return "the record `md5` is of no bundle that `metadata` names: another tool wrote it, or a store was cut short".to_owned();
    };
    let changed = seen.wanted.parts.changed_since(&bundle.inputs);
    match changed.as_slice() {
        [] => format!("what it is made from changed since {}", bundle.origin.stored_at),
        changed => format!("changed since {}: {}", bundle.origin.stored_at, changed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Identity, Origin, Parts, Taint};
    use crate::digest::Algorithm;

    fn checksum(of: &str) -> Checksum {
        Checksum {
            blake3: Algorithm::Blake3.hash(of.as_bytes()),
            md5: Algorithm::Md5.hash(of.as_bytes()),
            parts: Parts::default(),
        }
    }

    fn bundle(of: &str) -> Bundle {
        let checksum = checksum(of);
        Bundle {
            checksum: checksum.blake3.to_hex(),
            md5: checksum.md5.to_hex(),
            inputs: checksum.parts,
            bundle_url: String::new(),
            s3_version: None,
            code_sha256: String::new(),
            s3_checksum_sha256: None,
            size_bytes: 0,
            unzipped_bytes: 0,
            entries: 0,
            content_hash: String::new(),
            outputs_sha256: "outputs".to_owned(),
            origin: Origin::default(),
        }
    }

    fn identity() -> Identity {
        let name = || "x".to_owned();
        Identity::new(name(), name(), name(), name()).expect("names")
    }

    fn status(status: State, of: &str) -> Status {
        Status {
            status,
            identity: identity(),
            checksum: checksum(of).blake3.to_hex(),
            updated_at: String::new(),
            used_at: None,
            owner: String::new(),
            reason: None,
            build_id: None,
            log_url: None,
            tainted: None,
        }
    }

    /// What is stored, step by step, while the bundle `new` replaces `old`.
    struct Records {
        md5: Option<&'static str>,
        bundles: Vec<&'static str>,
        status: Option<(State, &'static str)>,
        current: &'static str,
        outputs: &'static str,
    }

    impl Records {
        fn decide(&self, wanted: &str) -> Decision {
            let md5 = self.md5.map(|of| checksum(of).md5.to_hex());
            let mut bundles = self.bundles.iter().map(|of| bundle(of));
            let metadata = bundles.next().map(|newest| Metadata {
                identity: identity(),
                bundle: newest,
                previous: bundles.next(),
            });
            let status = self.status.map(|(state, of)| status(state, of));
            let wanted_checksum = checksum(wanted);
            let seen = Seen {
                wanted: &wanted_checksum,
                md5: md5.as_deref(),
                metadata: metadata.as_ref(),
                status: status.as_ref(),
                outputs_sha256: Some(self.outputs),
                damaged: None,
                force: false,
            };
            // In a bucket that keeps versions, all of those in the metadata are there.
            let current = match self.current {
                "" => Object::Absent,
                of if of == wanted => Object::Same,
                _ => Object::Other,
            };
            let recorded = match candidate(&seen) {
                Some(_) => Object::Same,
                None => current,
            };
            decide(&seen, Stored { current, recorded }).decision
        }
    }

    #[test]
    fn while_a_bundle_is_replaced_the_old_one_is_right_until_the_last_write() {
        use State::{Building, Failed, Succeeded};
        let old = Records {
            md5: Some("old"),
            bundles: vec!["old"],
            status: Some((Succeeded, "old")),
            current: "old",
            outputs: "outputs",
        };
        assert_eq!(old.decide("old"), Decision::Hit);
        assert_eq!(old.decide("new"), Decision::MissChanged);
        let building = Records {
            status: Some((Building, "new")),
            ..old
        };
        assert_eq!(building.decide("old"), Decision::Hit);
        assert_eq!(building.decide("new"), Decision::MissBuilding);
        let uploaded = Records {
            current: "new",
            ..building
        };
        assert_eq!(uploaded.decide("old"), Decision::Hit);
        assert_eq!(uploaded.decide("new"), Decision::MissBuilding);
        let noted = Records {
            bundles: vec!["new", "old"],
            ..uploaded
        };
        assert_eq!(noted.decide("old"), Decision::Hit);
        assert_eq!(noted.decide("new"), Decision::MissBuilding);
        let failed = Records {
            status: Some((Failed, "new")),
            ..noted
        };
        assert_eq!(failed.decide("old"), Decision::Hit);
        assert_eq!(failed.decide("new"), Decision::MissFailed);
        let succeeded = Records {
            status: Some((Succeeded, "new")),
            ..failed
        };
        assert_eq!(succeeded.decide("new"), Decision::MissChanged);
        assert_eq!(succeeded.decide("old"), Decision::Hit);
        let committed = Records {
            md5: Some("new"),
            ..succeeded
        };
        assert_eq!(committed.decide("new"), Decision::Hit);
        assert_eq!(committed.decide("old"), Decision::MissChanged);
    }

    #[test]
    fn what_is_missing_or_damaged_is_named() {
        let right = || Records {
            md5: Some("it"),
            bundles: vec!["it"],
            status: Some((State::Succeeded, "it")),
            current: "it",
            outputs: "outputs",
        };
        let decide = |change: fn(&mut Records)| {
            let mut records = right();
            change(&mut records);
            records.decide("it")
        };
        assert_eq!(decide(|_| ()), Decision::Hit);
        assert_eq!(decide(|it| it.status = None), Decision::Hit);
        assert_eq!(decide(|it| it.md5 = None), Decision::MissNoHash);
        assert_eq!(decide(|it| it.bundles.clear()), Decision::MissNoHash);
        assert_eq!(decide(|it| it.current = ""), Decision::MissNoBundle);
        assert_eq!(decide(|it| it.current = "damaged"), Decision::MissCorrupt);
        assert_eq!(decide(|it| it.outputs = "others"), Decision::MissCorrupt);
        assert_eq!(
            decide(|it| it.status = Some((State::Failed, "it"))),
            Decision::MissFailed
        );
        let nothing = Records {
            md5: None,
            bundles: vec![],
            status: None,
            current: "",
            outputs: "",
        };
        assert_eq!(nothing.decide("it"), Decision::MissNoBundle);
    }

    #[test]
    fn a_mark_or_a_wish_forces() {
        let (wanted, metadata) = (checksum("it"), None);
        let mut marked = status(State::Succeeded, "it");
        marked.tainted = Some(Taint {
            by: "me".to_owned(),
            at: "now".to_owned(),
        });
        for (force, status) in [(true, None), (false, Some(&marked))] {
            let seen = Seen {
                wanted: &wanted,
                md5: None,
                metadata,
                status,
                outputs_sha256: None,
                damaged: None,
                force,
            };
            let stored = Stored {
                current: Object::Absent,
                recorded: Object::Absent,
            };
            assert_eq!(decide(&seen, stored).decision, Decision::Forced);
        }
    }
}
