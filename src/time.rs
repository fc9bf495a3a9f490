//! Times as records have them.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

#[expect(clippy::disallowed_methods, reason = "records say when; no digest has it")]
pub fn now() -> DateTime {
    DateTime::from(SystemTime::now())
}

pub fn after(duration: Duration) -> DateTime {
    DateTime::from_secs(now().secs() + i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2))
}

/// RFC 3339 in UTC, whole seconds.
pub fn text(time: DateTime) -> String {
    DateTime::from_secs(time.secs())
        .fmt(DateTimeFormat::DateTime)
        .expect("a time of this age")
}

pub fn parse(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, DateTimeFormat::DateTimeWithOffset).ok()
}

/// From nanoseconds since 1970.
pub fn of_nanos(nanos: i128) -> DateTime {
    DateTime::from_nanos(nanos).unwrap_or(DateTime::from_secs(0))
}

/// None for what comes from a clock that is ahead.
pub fn age_seconds(time: DateTime) -> u64 {
    u64::try_from(now().secs() - time.secs()).unwrap_or(0)
}
