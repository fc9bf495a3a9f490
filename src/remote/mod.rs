//! Builds on AWS CodeBuild: what is sent there, what is started, and what became of it.
//!
//! Waiting fails closed: whatever CodeBuild doesn't call a success is none.

mod build;
mod buildspec;
mod client;
mod finished;
mod logs;
pub mod module;
pub mod project;
mod source;
mod start;
mod text;
mod wait;
mod watched;

pub use build::{Build, BuildId, State};
pub use client::{BUILDS_A_CALL, Remote, Trouble};
pub use finished::{Finished, check};
pub use logs::{Tail, line};
pub use source::{Packed, restore};
pub use start::{Options, Request, Started, start};
pub use wait::{Patience, sleep, wait};
