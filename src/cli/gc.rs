//! `gc` as typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Delete packages that nothing refers to
///
/// Kept is what a function version or layer version in Lambda has (aliases lead to versions), what the source is now, what a file names, the newest packages of
/// each function, and what was published or used a short time ago. Without --yes nothing is deleted: the plan is shown, with what keeps each package. Lambda is asked in
/// one account and region, or with each --lambda-profile: name all that deploy from this store.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lambda-pack gc                                              what would be deleted
  lambda-pack gc --yes
  lambda-pack gc --keep 10 --min-age 30d
  lambda-pack gc --lambda-profile dev --lambda-profile prod   two accounts deploy from this store
  lambda-pack gc --keep-bundle release/bundle.json --keep-bundle prod.auto.tfvars.json
  lambda-pack gc --without-lambda --without-sources --keep 20 --min-age 90d")]
pub struct GcArgs {
    /// Newest packages of each function that stay; 0 where nobody deploys meanwhile
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub keep: usize,
    /// Packages stay that were published or used a shorter time ago: a number with m, h or d. Longer than it takes from a build to the
    /// end of its deployment, and a day more
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = age)]
    pub min_age: Duration,
    /// Packages stay that this file names: bundle.json, the output `packages`, or inputs of lambda-deploy-module
    #[arg(long, value_name = "FILE")]
    pub keep_bundle: Vec<PathBuf>,
    /// AWS profile with which Lambda is asked; several for several accounts [default: the store's]
    #[arg(long, value_name = "NAME")]
    pub lambda_profile: Vec<String>,
    /// Don't ask Lambda: what is deployed goes unless something else keeps it
    #[arg(long, conflicts_with = "lambda_profile")]
    pub without_lambda: bool,
    /// Don't look at definitions and sources, where there are none
    #[arg(long)]
    pub without_sources: bool,
    /// Delete
    #[arg(long)]
    pub yes: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let allowed = || "allowed: a number of minutes, hours or days, such as 90m, 12h or 7d".to_owned();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let unit = text.char_indices().last().map(|(start, _)| start).ok_or_else(allowed)?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(allowed()),
    };
    // In years: longer than there have been functions.
    const MOST: u64 = 100 * 365 * 24 * 60 * 60;
    let number: u64 = number.parse().map_err(|_| allowed())?;
    let seconds = number.checked_mul(seconds).filter(|seconds| *seconds <= MOST);
    seconds.map(Duration::from_secs).ok_or_else(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        for (text, seconds) in [("0", 0), ("90m", 5400), ("12h", 43_200), ("7d", 604_800), ("0d", 0)] {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "7",
            "d",
            "-1d",
            "1.5d",
            "7w",
            "7 d",
            "99999999999999999999d",
            "9999999999d",
            "7\u{e9}",
        ] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
