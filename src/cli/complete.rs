//! What a shell completes with that only the project knows. What can't be read completes with nothing.

use clap::{Args, Command, FromArgMatches};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use lambda_pack_core::function;

use super::Common;
use crate::settings::Settings;

pub fn functions() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let functions = settings().and_then(|settings| function::load(&settings.config_dir).ok());
        let names = functions.into_iter().flatten().map(|(name, _)| name);
        names.map(CompletionCandidate::new).collect()
    })
}

pub fn deployment_profiles() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let settings = settings();
        let profiles = settings.iter().flat_map(|settings| settings.profiles.names());
        profiles.map(CompletionCandidate::new).collect()
    })
}

/// Of the directory where the user stands, and of variables; flags on the line to be completed don't count.
fn settings() -> Option<Settings> {
    let matches = Common::augment_args(Command::new("lambda-pack")).try_get_matches_from(["lambda-pack"]);
    let common = Common::from_arg_matches(&matches.ok()?).ok()?;
    Settings::resolve(&common, None, None).ok()
}
