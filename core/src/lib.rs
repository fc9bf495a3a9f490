//! The pure part of lambda-pack: what a function is, which files it is packed from, what they hash to, and the bytes of
//! its zip. The modules stand in the order in which data passes through them:
//!
//! ```text
//! lambda-json/*.json -> function -> source, build and assets (inputs) -> manifest (digest) -> archive (secrets)
//! ```
//!
//! Nothing here knows the command line, the environment or the network; what it needs of them is passed in. The clock
//! decides nothing but how fast work seems.

pub mod adopt;
pub mod archive;
pub mod assets;
pub mod build;
pub mod bundle;
pub mod cache;
pub mod canonical;
pub mod diff;
pub mod digest;
pub mod disk;
mod error;
pub mod fitness;
pub mod fixed_words;
pub mod function;
pub mod graph;
pub mod handoff;
pub mod json;
pub mod json_unique;
pub mod limits;
pub mod manifest;
mod meter;
mod needs;
pub mod preflight;
pub mod profile;
pub mod provenance;
pub mod sbom;
pub mod secrets;
pub mod shard;
pub mod source;
pub mod swaps;
pub mod temporary;
pub mod toml_text;
mod yaml;

pub use error::{Error, ErrorKind, Result, collect_all, counted, printable, shorten, suggest};
pub use meter::{Meter, Progress, Work};
