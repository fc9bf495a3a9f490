//! Lambda's Runtime API for one invocation, on a port of this machine:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! Every runtime asks for its event there and answers there, so that nothing else is mistaken for an answer, whatever a handler
//! prints. Who waits for an answer gives up by its own clock: no request, however slow, holds it.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use lambda_pack_core::{Error, Result, shorten};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::time;

/// Of Lambda's synchronous answers, 6 MB: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

/// Where no connection can be accepted, mostly for want of file descriptors, the next one can't either for a while.
const AFTER_A_FAULT: Duration = Duration::from_millis(100);

const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
const PREFIX: &str = "/2018-06-01/runtime/";

pub struct Api {
    listener: TcpListener,
    pub address: SocketAddr,
}

/// What a runtime is told with its event.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub event: Vec<u8>,
    pub function_arn: String,
    pub timeout: Duration,
}

/// What a runtime said.
pub enum Said {
    /// It is ready, and has the event.
    IsReady,
    Answer(Vec<u8>),
    /// The handler failed, or it couldn't be loaded; JSON.
    Failure(Vec<u8>),
}

/// What is said while the API is served.
pub struct Heard {
    pub said: Receiver<Said>,
    /// One for each request that is under way, beside this one.
    under_way: Arc<()>,
}

impl Heard {
    /// Whether nobody is in the middle of saying something.
    pub fn is_quiet(&self) -> bool {
        Arc::strong_count(&self.under_way) == 1
    }
}

/// What requests have in common.
struct Served {
    invocation: Invocation,
    /// Whether somebody has the event: nobody gets it twice.
    is_taken: AtomicBool,
    said: Sender<Said>,
}

impl Api {
    pub fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot_listen)?;
        listener.set_nonblocking(true).map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        Ok(Api { listener, address })
    }

    /// Serves until the runtime of tokio that this is called in ends.
    pub fn serve(self, invocation: Invocation) -> Result<Heard> {
        let listener = tokio::net::TcpListener::from_std(self.listener).map_err(cannot_listen)?;
        // A runtime says that it is ready, and what came of it.
        let (sender, said) = channel(2);
        let served = Arc::new(Served {
            invocation,
            is_taken: AtomicBool::new(false),
            said: sender,
        });
        let under_way = Arc::new(());
        let heard = Heard {
            said,
            under_way: Arc::clone(&under_way),
        };
        // The one that this task keeps stands for itself.
        let connections = Arc::downgrade(&under_way);
        drop(under_way);
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let (served, connection) = (Arc::clone(&served), connections.upgrade());
                        tokio::spawn(async move {
                            let service = service_fn(|request| answer(request, &served));
                            let served = http1::Builder::new()
                                .keep_alive(false)
                                // For those who look for them with grep.
                                .title_case_headers(true)
                                .serve_connection(TokioIo::new(stream), service);
                            // Who asks half a question is no reason to end.
                            if let Err(cause) = served.await {
                                tracing::info!("a request of the runtime: {cause}");
                            }
                            drop(connection);
                        });
                    }
                    Err(cause) => {
                        tracing::info!("a connection of the runtime: {cause}");
                        tokio::time::sleep(AFTER_A_FAULT).await;
                    }
                }
            }
        });
        Ok(heard)
    }
}

/// Fails where a region can't be part of an ARN: handlers are told one.
pub fn check_region(region: &str) -> Result<()> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match !region.is_empty() && region.bytes().all(is_part) {
        true => Ok(()),
        false => Err(
            Error::invalid(format!("the region `{}` is none: a handler can't be called in it", shorten(region)))
                .help("correct --region, LAMBDA_PACK_REGION, AWS_REGION, AWS_DEFAULT_REGION or `region` in lambda-pack.toml: letters, digits and `-`"),
        ),
    }
}

fn cannot_listen(cause: io::Error) -> Error {
    Error::failed(format!("cannot listen on 127.0.0.1: {cause}"))
}

async fn answer(request: Request<Incoming>, served: &Served) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let of_this = path.strip_prefix("invocation/").and_then(|rest| rest.strip_prefix(ID));
    let is_failure = match (request.method(), path.as_str(), of_this) {
        (&Method::GET, "invocation/next", _) => return Ok(next(served).await),
        (&Method::POST, _, Some("/response")) => false,
        (&Method::POST, "init/error", _) | (&Method::POST, _, Some("/error")) => true,
        _ => return Ok(status(StatusCode::NOT_FOUND)),
    };
    let (said, answer) = match Limited::new(request.into_body(), LARGEST_ANSWER).collect().await {
        Ok(body) if is_failure => (Said::Failure(body.to_bytes().into()), StatusCode::ACCEPTED),
        Ok(body) => (Said::Answer(body.to_bytes().into()), StatusCode::ACCEPTED),
        Err(cause) if cause.is::<LengthLimitError>() => {
            let said = br#"{"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "the response is larger than 6 MB, which Lambda refuses"}"#;
            (Said::Failure(said.to_vec()), StatusCode::PAYLOAD_TOO_LARGE)
        }
        Err(cause) => {
            tracing::info!("a request of the runtime: {cause}");
            return Ok(status(StatusCode::BAD_REQUEST));
        }
    };
    served.say(said).await;
    Ok(status(answer))
}

async fn next(served: &Served) -> Response<Full<Bytes>> {
    if served.is_taken.swap(true, Ordering::SeqCst) {
        return status(StatusCode::GONE);
    }
    let Invocation {
        event,
        function_arn,
        timeout,
    } = &served.invocation;
    let deadline = time::after(*timeout).to_millis().unwrap_or(i64::MAX);
    let response = Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", ID)
        .header("Lambda-Runtime-Deadline-Ms", deadline)
        .header("Lambda-Runtime-Invoked-Function-Arn", function_arn)
        .header(
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        )
        .body(Full::from(event.clone()));
    served.say(Said::IsReady).await;
    response.expect("a region that was checked and a function's name have characters of headers alone")
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("{}"));
    *response.status_mut() = status;
    response
}

impl Served {
    async fn say(&self, said: Said) {
        // Who no longer listens knows enough.
        if self.said.send(said).await.is_err() {
            tracing::debug!("the runtime says more than is asked");
        }
    }
}
