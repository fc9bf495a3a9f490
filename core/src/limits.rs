//! AWS's published quotas that decide whether a package can be deployed at all.

/// Unzipped size of a deployment package, layers included: "250 MB", counted in MiB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const UNZIPPED_BYTES: u64 = 250 * 1024 * 1024;

/// Says what of Lambda's limits a package of this unzipped size breaks.
pub fn unzipped_problem(unzipped_bytes: u64) -> Option<String> {
    (unzipped_bytes > UNZIPPED_BYTES).then(|| {
        format!(
            "unzipped it has {unzipped_bytes} bytes; Lambda takes at most {UNZIPPED_BYTES} (250 MB), layers included"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(unzipped_problem(262_144_000), None);
        assert!(unzipped_problem(262_144_001).is_some());
    }
}
