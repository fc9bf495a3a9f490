//! What an AWS error means, and what to do about it.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use lambda_pack_core::Error;

/// The HTTP status of an answer, if there was one.
pub fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Codes of S3 and STS, what they mean, and the way out.
const CODES: &[(&[&str], &str, &str)] = &[
    (
        &["NoSuchBucket"],
        "the bucket does not exist",
        "create it (lambda-build-module does), or correct the name that was given",
    ),
    (
        &[
            "AccessDenied",
            "AccessDeniedException",
            "AllAccessDisabled",
            "Forbidden",
        ],
        "access denied",
        "these credentials lack a permission, which the message may name; a store needs s3:GetObject and s3:ListBucket to read, \
         s3:PutObject to upload, s3:DeleteObject for `gc`, and its writers to be among `writer_arns` if the bucket has them; check with \
         `aws sts get-caller-identity`",
    ),
    (
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "TokenRefreshRequired",
        ],
        "the credentials have expired",
        "log in again, for example `aws sso login`",
    ),
    (
        &[
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidToken",
            "SignatureDoesNotMatch",
        ],
        "the credentials are not valid here",
        "check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN: `aws sts get-caller-identity`",
    ),
    (
        &["RequestTimeTooSkewed"],
        "this machine's clock is wrong",
        "set the clock: AWS refuses requests that are more than 15 minutes off",
    ),
    (
        &[
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "TooManyRequestsException",
        ],
        "throttled, even after retries",
        "run again; what was uploaded is kept",
    ),
    (
        &["TooManyUpdates"],
        "somebody else changes it too, again and again",
        "run again when they are done",
    ),
    (
        &[
            "BadDigest",
            "XAmzContentSHA256Mismatch",
            "XAmzContentChecksumMismatch",
            "InvalidDigest",
        ],
        "the bytes were damaged on their way: their checksum differs",
        "run again; nothing became visible",
    ),
];

/// Turns a failed call into an error: `operation` is a verb phrase, `url` what it was done to.
pub fn explain<E>(error: &SdkError<E, HttpResponse>, operation: &str, url: &str) -> Error
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    let cannot = |what: &str, help: &str| Error::failed(format!("cannot {operation} `{url}`: {what}")).help(help);
    let details = DisplayErrorContext(error).to_string();
    if let Some(region) = bucket_region(error) {
        return cannot(
            &format!("the bucket is in the region {region}"),
            &format!("use --region {region} (or AWS_REGION)"),
        );
    }
    let code = error.code().unwrap_or_default();
    if let Some((_, what, help)) = CODES.iter().find(|(codes, _, _)| codes.contains(&code)) {
        return match error.message() {
            Some(message) => cannot(&format!("{what} ({code}: {message})"), help),
            None => cannot(&format!("{what} ({code})"), help),
        };
    }
    match error {
        // HEAD answers have no body, and so no code.
        SdkError::ServiceError(_) if status(error) == Some(403) => {
            let (_, what, help) = CODES[1];
            cannot(what, help)
        }
        SdkError::DispatchFailure(_) if details.contains("credential") => cannot(
            &format!("no AWS credentials were found ({})", innermost(error)),
            "log in (`aws sso login`), name a profile that exists (--profile, AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => cannot(
            &format!("the service can't be reached ({})", innermost(error)),
            "check the network, --endpoint-url and AWS_ENDPOINT_URL",
        ),
        _ => match (error.message(), status(error)) {
            (None, _) if !code.is_empty() => cannot(code, "run again with -vvv to see the requests"),
            (Some(message), _) => cannot(&format!("{code}: {message}"), "run again with -vvv to see the requests"),
            (None, Some(status)) => cannot(
                &format!("HTTP status {status}"),
                "run again with -vvv to see the requests",
            ),
            (None, None) => cannot(&details, "run again with -vvv to see the requests"),
        },
    }
}

/// The region that S3 says a bucket is in, when it was asked in another one.
fn bucket_region<E>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    let response = error.raw_response()?;
    matches!(response.status().as_u16(), 301 | 307 | 400)
        .then(|| response.headers().get("x-amz-bucket-region"))
        .flatten()
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
