//! `https:`, and `http:` where definitions may have it. Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`; certificates are the system's, or `SSL_CERT_FILE`'s.

use std::time::Duration;

use lambda_pack_core::function::AssetUrl;
use lambda_pack_core::{Error, Result};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

use super::download::{Answer, Body, Content, Failure, innermost};

/// As many as curl follows by default is 50, browsers 20; release pages need 3.
const MOST_REDIRECTS: usize = 10;

pub struct Web(Client);

impl Web {
    /// `patience` limits the time that a connection takes to be made.
    pub fn new(patience: Duration) -> Result<Self> {
        // Fails if there is one already, which then serves as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder()
            .user_agent(concat!("lambda-pack/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience)
            // It would hand the address, with its query, to the next server.
            .referer(false)
            .redirect(Policy::custom(|attempt| {
                let from = attempt.previous().last().map_or("", |url| url.scheme());
                match refusal(from, attempt.url().scheme(), attempt.previous().len()) {
                    Some(why) => attempt.error(why),
                    None => attempt.follow(),
                }
            }))
            .build();
        let client = client.map_err(|error| Error::failed(format!("cannot start HTTPS: {}", reason(error))))?;
        Ok(Web(client))
    }

    /// Asks for the content, or for what comes after the first bytes of what has this validator.
    pub async fn open(&self, url: &AssetUrl, address: &str, from: Option<(u64, &str)>) -> Result<Answer, Failure> {
        let mut request = self.0.get(address).header(header::ACCEPT_ENCODING, "identity");
        if let Some((start, validator)) = from {
            request = request
                .header(header::RANGE, format!("bytes={start}-"))
                .header(header::IF_RANGE, validator);
        }
        let response = request.send().await.map_err(|error| failure(url, error))?;
        let headers = response.headers();
        match (response.status(), from) {
            (StatusCode::OK, _) => Ok(Answer::Content(Content {
                start: 0,
                total: response.content_length(),
                validator: validator(headers),
                body: Body::Web(response),
            })),
            (StatusCode::PARTIAL_CONTENT, Some((start, _))) => match content_range(headers) {
                Some((first, total)) if first == start => Ok(Answer::Content(Content {
                    start,
                    total,
                    validator: None,
                    body: Body::Web(response),
                })),
                _ => Ok(Answer::Changed),
            },
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => Ok(Answer::Changed),
            _ => Err(refused(url, &response)),
        }
    }
}

/// Why a redirect from one scheme to another isn't followed, after so many.
fn refusal(from: &str, to: &str, before: usize) -> Option<&'static str> {
    match (from, to) {
        _ if before > MOST_REDIRECTS => Some("it redirects without end"),
        ("https", "https") | ("http", _) => None,
        _ => Some("it redirects from https to a connection that isn't encrypted"),
    }
}

/// What identifies the content byte for byte: a strong ETag, else the time of its last change (RFC 9110, 13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
    match text(header::ETAG) {
        Some(etag) if etag.starts_with("W/") => None,
        Some(etag) => Some(etag),
        None => text(header::LAST_MODIFIED),
    }
}

/// First byte and, if known, number of all: `bytes 5-9/10`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _last) = range.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()))
}

/// Codes that may pass: <https://www.rfc-editor.org/rfc/rfc9110#section-15>, and 425 and 429.
const PASSING: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

fn refused(url: &AssetUrl, response: &Response) -> Failure {
    let status = response.status();
    if PASSING.contains(&status.as_u16()) {
        let seconds = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|text| text.to_str().ok()?.parse().ok());
        return Failure::Passing(format!("HTTP status {status}"), seconds.map(Duration::from_secs));
    }
    let help = match status.as_u16() {
        401 | 403 => {
            "check `url`, and whether it can be read without logging in; an address that was signed may have expired"
        }
        404 | 410 => "check `url`",
        _ => "check `url`, for example with `curl -I`",
    };
    Failure::Lasting(Error::failed(format!("cannot download `{url}`: HTTP status {status}")).help(help))
}

fn failure(url: &AssetUrl, error: reqwest::Error) -> Failure {
    let lasting = |kind: fn(String) -> Error, error, help| {
        Failure::Lasting(kind(format!("cannot download `{url}`: {}", reason(error))).help(help))
    };
    if error.is_builder() {
        return lasting(Error::invalid, error, "correct `url`");
    }
    if error.is_redirect() {
        return lasting(Error::failed, error, "name the address that it leads to in the end");
    }
    let is_about_certificates = reason_text(&error).contains("certificate");
    if is_about_certificates {
        let help = "add the authority to the system's certificates, or name a file with SSL_CERT_FILE";
        return lasting(Error::failed, error, help);
    }
    Failure::Passing(reason(error), None)
}

/// What went wrong, without the address, which may hold secrets.
pub fn reason(error: reqwest::Error) -> String {
    reason_text(&error.without_url())
}

fn reason_text(error: &reqwest::Error) -> String {
    innermost(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_never_lose_encryption_and_end() {
        assert_eq!(refusal("https", "https", 1), None);
        assert_eq!(refusal("http", "https", 1), None);
        assert_eq!(refusal("http", "http", MOST_REDIRECTS), None);
        assert!(refusal("https", "http", 1).is_some());
        assert!(refusal("https", "https", MOST_REDIRECTS + 1).is_some());
    }

    #[test]
    fn only_what_names_the_bytes_is_a_validator() {
        let validator = |headers: &[(HeaderName, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (name.clone(), value.parse().expect("a value")));
            validator(&headers.collect())
        };
        let date = "Sat, 21 Nov 2026 00:00:00 GMT";
        assert_eq!(
            validator(&[(header::ETAG, "\"a\""), (header::LAST_MODIFIED, date)]),
            Some("\"a\"".to_owned())
        );
        assert_eq!(
            validator(&[(header::ETAG, "W/\"a\""), (header::LAST_MODIFIED, date)]),
            None
        );
        assert_eq!(validator(&[(header::LAST_MODIFIED, date)]), Some(date.to_owned()));
        assert_eq!(validator(&[]), None);
    }

    #[test]
    fn ranges_are_read_as_servers_write_them() {
        let range = |text: &str| {
            content_range(&HeaderMap::from_iter([(
                header::CONTENT_RANGE,
                text.parse().expect("a value"),
            )]))
        };
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(range("bytes */10"), None);
        assert_eq!(range("items 5-9/10"), None);
    }
}
