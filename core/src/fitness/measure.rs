//! How much of each quota a function takes: for those who show it, rather than judge it.

use super::Tier;
use super::assess::{Subject, amount};
use crate::limits::Quota;

/// A quota, with what there is of it.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    pub quota: &'static Quota,
    pub amount: u64,
}

/// Of all quotas that the tier has for this function, in the order of their table.
pub fn measures(tier: Tier, subject: &Subject) -> Vec<Measure> {
    let quotas = tier.quotas().iter();
    let measured = quotas.filter_map(|quota| {
        let amount = amount(quota.quantity, subject)?;
        Some(Measure { quota, amount })
    });
    measured.collect()
}
