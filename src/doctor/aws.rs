//! A bucket, and what leads to it: region, credentials, clock. All of it only asks.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use lambda_pack_core::{Meter, Result};

use super::Finding;
use crate::aws::{self, Connection, explain};
use crate::settings::Settings;
use crate::store::StoreUrl;
use crate::time;

pub fn look(bucket: &str, prefix: &str, settings: &Settings, meter: &'static Meter) -> Result<Vec<Finding>> {
    let connection = match Connection::connect(&settings.aws, meter) {
        Ok(connection) => connection,
        Err(error) => {
            meter.check()?;
            let unknown = ["credentials", "clock", "store"].map(|check| Finding::skip(check, "needs a region"));
            return Ok([Finding::failed("region", &error)].into_iter().chain(unknown).collect());
        }
    };
    let region = connection.region().unwrap_or_default().to_owned();
    let region = match aws::custom_endpoint(&connection.config) {
        Some(endpoint) => format!("{region}, at {endpoint}"),
        None => region,
    };
    let (credentials, clock) = caller(&connection, meter)?;
    let store = store(&connection, bucket, prefix, &settings.store, meter)?;
    Ok(vec![Finding::pass("region", region), credentials, clock, store])
}

/// Whose the credentials are, and what the service's clock says.
fn caller(connection: &Connection, meter: &Meter) -> Result<(Finding, Finding)> {
    let date = ServerDate::default();
    let client = aws_sdk_sts::Client::from_conf(sts(&connection.config, date.clone()));
    let asked = async move {
        let answer = client.get_caller_identity().send().await;
        answer.map_err(|error| explain(&error, "ask STS for", "the caller's identity"))
    };
    let answer = connection.call(asked);
    meter.check()?;
    let credentials = match answer {
        Ok(answer) => Finding::pass("credentials", answer.arn().unwrap_or("valid")),
        Err(error) => Finding::failed("credentials", &error),
    };
    Ok((credentials, clock(date.get())))
}

fn sts(config: &SdkConfig, date: ServerDate) -> aws_sdk_sts::Config {
    aws_sdk_sts::config::Builder::from(config).interceptor(date).build()
}

fn clock(theirs: Option<DateTime>) -> Finding {
    const CHECK: &str = "clock";
    /// AWS refuses requests that are 15 minutes off.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>
    const REFUSED: i64 = 15 * 60;
    /// More than any answer takes.
    const FINE: i64 = 60;
    let Some(theirs) = theirs else {
        return Finding::skip(CHECK, "the service doesn't tell its time");
    };
    let off = time::now().secs() - theirs.secs();
    if off.abs() <= FINE {
        return Finding::pass(CHECK, "as the service's");
    }
    let detail = match off {
        ..0 => format!("{} seconds behind the service's", -off),
        _ => format!("{off} seconds ahead of the service's"),
    };
    let fix = "set it, for example with `timedatectl set-ntp true`: AWS refuses requests that are 15 minutes off";
    match off.abs() < REFUSED {
        true => Finding::warn(CHECK, detail, fix),
        false => Finding::fail(CHECK, detail, fix),
    }
}

/// Lists one key at most.
fn store(connection: &Connection, bucket: &str, prefix: &str, url: &StoreUrl, meter: &Meter) -> Result<Finding> {
    let client = aws::s3(&connection.config);
    let request = client
        .list_objects_v2()
        .bucket(bucket)
        .prefix(format!("{prefix}records/"))
        .max_keys(1);
    let shown = url.to_string();
    let asked = async move { request.send().await.map_err(|error| explain(&error, "list", &shown)) };
    let answer = connection.call(asked);
    meter.check()?;
    Ok(match answer {
        Ok(answer) if answer.key_count().unwrap_or_default() > 0 => Finding::pass(
            "store",
            format!("`{url}`: can be read; whether it may be written shows `upload` alone"),
        ),
        Ok(_) => Finding::pass("store", format!("`{url}`: there, and nothing published yet")),
        Err(error) => Finding::failed("store", &error),
    })
}

/// What answers say that the time is, also those that are errors.
#[derive(Clone, Debug, Default)]
struct ServerDate(Arc<Mutex<Option<DateTime>>>);

impl ServerDate {
    fn get(&self) -> Option<DateTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
