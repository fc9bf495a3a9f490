//! Digests and the framing of source hash version 1. The layout is frozen: `docs/formats.md` describes it byte by byte,
//! and `tests/reference/` implements it a second time.

use std::fmt;
use std::str::FromStr;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// First bytes of what is hashed; the version in it is the hash version.
const HEADER: &[u8] = b"lambda-pack/source/v1\n";

/// The hash function of a source hash, inside (contents) and out (records).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    #[default]
    Blake3,
    Sha256,
    Md5,
}

impl Algorithm {
    pub const ALL: [Algorithm; 3] = [Algorithm::Blake3, Algorithm::Sha256, Algorithm::Md5];

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Blake3 => "blake3",
            Algorithm::Sha256 => "sha256",
            Algorithm::Md5 => "md5",
        }
    }

    fn digest_len(self) -> usize {
        match self {
            Algorithm::Blake3 | Algorithm::Sha256 => 32,
            Algorithm::Md5 => 16,
        }
    }

    pub fn hash(self, bytes: &[u8]) -> Digest {
        // Most contents are small: no hasher of 2 KB is put on the heap for each.
        if self == Algorithm::Blake3 {
            return Digest::new(self, blake3::hash(bytes).as_bytes());
        }
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }
}

/// An incremental hash of one content.
pub struct Hasher(State);

enum State {
    Blake3(Box<blake3::Hasher>),
    Sha256(Sha256),
    Md5(Md5),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Self {
        Hasher(match algorithm {
            Algorithm::Blake3 => State::Blake3(Box::default()),
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Md5 => State::Md5(Md5::new()),
        })
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Blake3(hasher) => {
                hasher.update(bytes);
            }
            State::Sha256(hasher) => hasher.update(bytes),
            State::Md5(hasher) => hasher.update(bytes),
        }
    }

    pub fn finish(self) -> Digest {
        match self.0 {
            State::Blake3(hasher) => Digest::new(Algorithm::Blake3, hasher.finalize().as_bytes()),
            State::Sha256(hasher) => Digest::new(Algorithm::Sha256, &hasher.finalize()),
            State::Md5(hasher) => Digest::new(Algorithm::Md5, &hasher.finalize()),
        }
    }
}

/// A hash value that knows its algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: [u8; 32],
}

impl Digest {
    fn new(algorithm: Algorithm, value: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes[..value.len()].copy_from_slice(value);
        Digest { algorithm, bytes }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.digest_len()]
    }

    /// The hex digits alone, as JSON has them beside an `algorithm` key.
    pub fn to_hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    /// The value that [`Digest::to_hex`] wrote.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Self> {
        let lowercase = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        Self::from_bytes(algorithm, &hex::decode(text).ok()?).filter(|_| lowercase)
    }

    /// The value that [`Digest::as_bytes`] gave.
    pub fn from_bytes(algorithm: Algorithm, value: &[u8]) -> Option<Self> {
        (value.len() == algorithm.digest_len()).then(|| Digest::new(algorithm, value))
    }
}

/// Hex for BLAKE3; the others say their name in front: `sha256:<hex>`.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.algorithm != Algorithm::Blake3 {
            write!(f, "{}:", self.algorithm.name())?;
        }
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a digest as [`Digest`]'s `Display` writes it.
#[derive(Debug)]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let (algorithm, digits) = match text.split_once(':') {
            None => (Algorithm::Blake3, text),
            Some((name, digits)) => {
                let named = Algorithm::ALL.into_iter().find(|it| it.name() == name);
                (named.ok_or(NotADigest)?, digits)
            }
        };
        Digest::from_hex(algorithm, digits).ok_or(NotADigest)
    }
}

/// Hashes records: `kind (1 byte) + length of the path (u64, little-endian) + path + digest`.
pub struct Framing {
    algorithm: Algorithm,
    hasher: Hasher,
    /// What the hasher hasn't seen yet: BLAKE3 takes several pieces of 1 KB at once if it gets them at once.
    waiting: Vec<u8>,
}

impl Framing {
    /// Few enough to stay in a processor's cache.
    const MOST_WAITING: usize = 64 * 1024;

    pub fn new(algorithm: Algorithm) -> Self {
        Framing {
            algorithm,
            hasher: Hasher::new(algorithm),
            waiting: HEADER.to_vec(),
        }
    }

    /// Adds one record. Records must come in the order that the format demands; the framing does not sort.
    pub fn record(&mut self, kind: u8, path: &str, digest: &Digest) {
        assert_eq!(digest.algorithm, self.algorithm, "one algorithm inside and out");
        self.waiting.push(kind);
        self.waiting.extend_from_slice(&(path.len() as u64).to_le_bytes());
        self.waiting.extend_from_slice(path.as_bytes());
        self.waiting.extend_from_slice(digest.as_bytes());
        if self.waiting.len() >= Self::MOST_WAITING {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
    }

    pub fn finish(mut self) -> Digest {
        self.hasher.update(&self.waiting);
        self.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_nothing_else_is_taken() {
        for algorithm in Algorithm::ALL {
            let digest = algorithm.hash(b"x");
            assert_eq!(digest.to_string().parse::<Digest>().ok(), Some(digest));
        }
        let hex = Algorithm::Blake3.hash(b"x").to_hex();
        for bad in [
            "",
            "00",
            &hex[1..],
            &hex.to_uppercase(),
            &format!("sha1:{hex}"),
            &format!("md5:{hex}"),
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
