//! Times as records have them.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

pub fn now() -> DateTime {
    DateTime::from(SystemTime::now())
}

pub fn after(duration: Duration) -> DateTime {
    DateTime::from(SystemTime::now() + duration)
}

/// RFC 3339 in UTC, whole seconds.
pub fn text(time: DateTime) -> String {
    DateTime::from_secs(time.secs())
        .fmt(DateTimeFormat::DateTime)
        .expect("a time of this age")
}

pub fn parse(text: &str) -> Option<DateTime> {
    DateTime::from_str(text, DateTimeFormat::DateTime).ok()
}
