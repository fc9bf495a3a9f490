//! AWS: configuration by the standard chain, and its errors in plain words.

pub mod bucket;
mod connection;
mod download;
mod explain;

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_smithy_http_client::Builder as HttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_pack_core::{Error, Result, shorten};

pub use connection::Connection;
pub use explain::{explain, status};

/// Attempts for throttling, 5xx and connections that break, with exponential backoff and jitter. The SDK's 3 are few for
/// S3 under load; more make an unreachable endpoint take minutes.
const ATTEMPTS: u32 = 5;

/// Until an answer begins. Services that are asked small questions give small answers within seconds; AWS's own limit for a gateway is 29 s.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// Until a connection is there.
const LONGEST_CONNECTING: Duration = Duration::from_secs(10);

/// How to reach AWS, where the standard configuration is not what is meant.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    pub profile: Option<String>,
}

impl AwsSettings {
    /// With this profile, if there is one, instead of its own.
    #[must_use]
    pub fn with_profile(&self, profile: Option<&str>) -> Self {
        AwsSettings {
            profile: profile.map(str::to_owned).or_else(|| self.profile.clone()),
            ..self.clone()
        }
    }

    /// The region, as far as flags and environment tell: not that of an AWS profile.
    pub fn known_region(&self) -> Option<String> {
        let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter();
        let mut set = variables
            .filter_map(|name| std::env::var(name).ok())
            .filter(|region| !region.is_empty());
        self.region.clone().or_else(|| set.next())
    }
}

/// Loads region, endpoint, credentials and retries: flags, then environment and AWS configuration files.
pub async fn load(settings: &AwsSettings) -> Result<SdkConfig> {
    let client = HttpClient::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client.clone())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard().with_max_attempts(attempts()?.unwrap_or(ATTEMPTS)));
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(profile) = &settings.profile {
        // A profile that is named wins over keys in the environment; the SDK's own chain would take these first.
        let provider = ProfileFileCredentialsProvider::builder()
            .configure(&ProviderConfig::default().with_http_client(client))
            .profile_name(profile)
            .build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    let config = loader.load().await;
    if config.region().is_some() {
        return Ok(config);
    }
    if custom_endpoint(&config).is_some() {
        // Local services sign with any region; this is the one that they assume.
        return Ok(config.into_builder().region(Region::new("us-east-1")).build());
    }
    Err(Error::failed("no AWS region is configured").help("set --region, AWS_REGION, or `region` in the AWS profile"))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(LONGEST_CONNECTING)
        .read_timeout(LONGEST_SILENCE)
        .build()
}

/// The number of attempts, if it is set in the standard way: who does so means it.
pub fn attempts() -> Result<Option<u32>> {
    match std::env::var("AWS_MAX_ATTEMPTS") {
        Err(_unset) => Ok(None),
        Ok(text) => match text.parse() {
            Ok(attempts) if attempts > 0 => Ok(Some(attempts)),
            _ => Err(Error::invalid(format!("AWS_MAX_ATTEMPTS is `{}`", shorten(&text)))
                .help("set it to a number from 1 on")),
        },
    }
}

/// The address to which requests go instead of AWS itself. It is addressed path-style then: local services have no host
/// name for each bucket.
pub fn custom_endpoint(config: &SdkConfig) -> Option<String> {
    let of_s3 = || std::env::var("AWS_ENDPOINT_URL_S3").ok();
    config.endpoint_url().map(str::to_owned).or_else(of_s3)
}

/// What a request of S3 takes over whose answer comes late: that to a PUT begins when the whole body is there, and that to a copy when it
/// is done. The SDK itself ends transfers that stand still.
pub fn answered_late() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder().timeout_config(timeouts().to_builder().disable_read_timeout().build())
}

/// A client for S3, or for what speaks its protocol.
pub fn s3(config: &SdkConfig) -> Client {
    let s3 = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(custom_endpoint(config).is_some())
        .build();
    Client::from_conf(s3)
}
