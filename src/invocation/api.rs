//! Lambda's Runtime API for one invocation, on a port of this machine:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! Every runtime asks for its event there and answers there, so that nothing else is mistaken for an answer, whatever a handler
//! prints.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use lambda_pack_core::{Error, Result};

use crate::time;

/// Longest silence of a client in the middle of a request. `curl` waits a second before it sends a large body.
const SILENCE: Duration = Duration::from_secs(5);

/// Of Lambda's synchronous answers, 6 MB: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>; and some more, since who answers
/// too much should hear so.
const LARGEST_BODY: u64 = 7 * 1024 * 1024;
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

/// Of a request's first line and its headers.
const LARGEST_HEAD: u64 = 64 * 1024;

const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
const PREFIX: &str = "/2018-06-01/runtime/";

pub struct Api {
    listener: TcpListener,
    pub address: SocketAddr,
}

/// What a runtime is told with its event.
pub struct Invocation<'a> {
    pub event: &'a [u8],
    pub function_arn: &'a str,
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

struct Request {
    method: String,
    path: String,
    body: Vec<u8>,
}

impl Api {
    pub fn open() -> Result<Self> {
        let cannot = |cause: io::Error| Error::failed(format!("cannot listen on 127.0.0.1: {cause}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Api { listener, address })
    }

    /// Serves a request if there is one. With an invocation, that goes to who asks for the next.
    pub fn serve(&self, invocation: Option<&Invocation>) -> Result<Option<Said>> {
        let (stream, _) = match self.listener.accept() {
            Ok(accepted) => accepted,
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(cause) => return Err(Error::failed(format!("cannot listen on 127.0.0.1: {cause}"))),
        };
        // Who asks half a question is no reason to end.
        match answer(stream, invocation) {
            Ok(said) => Ok(said),
            Err(cause) => {
                tracing::info!("a request of the runtime: {cause}");
                Ok(None)
            }
        }
    }
}

fn answer(stream: TcpStream, invocation: Option<&Invocation>) -> io::Result<Option<Said>> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut to = stream.try_clone()?;
    let request = read(&mut BufReader::new(stream))?;
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let of_this = path.strip_prefix("invocation/").and_then(|rest| rest.strip_prefix(ID));
    match (request.method.as_str(), path, of_this) {
        ("GET", "invocation/next", _) => match invocation {
            Some(invocation) => {
                let headers = format!(
                    "Content-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {ID}\r\n\
                     Lambda-Runtime-Deadline-Ms: {}\r\nLambda-Runtime-Invoked-Function-Arn: {}\r\n\
                     Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n",
                    time::after(invocation.timeout)
                        .to_millis()
                        .map_err(|_| bad("the time-out"))?,
                    invocation.function_arn
                );
                send(&mut to, "200 OK", &headers, invocation.event)?;
                Ok(Some(Said::IsReady))
            }
            None => send(&mut to, "410 Gone", "", b"").map(|()| None),
        },
        ("POST", _, Some("/response")) if request.body.len() > LARGEST_ANSWER => {
            send(&mut to, "413 Payload Too Large", "", b"{}")?;
            Ok(Some(Said::Failure(
                br#"{"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "the response is larger than 6 MB, which Lambda refuses"}"#.to_vec(),
            )))
        }
        ("POST", _, Some("/response")) => {
            send(&mut to, "202 Accepted", "", b"{}")?;
            Ok(Some(Said::Answer(request.body)))
        }
        ("POST", "init/error", _) | ("POST", _, Some("/error")) => {
            send(&mut to, "202 Accepted", "", b"{}")?;
            Ok(Some(Said::Failure(request.body)))
        }
        _ => send(&mut to, "404 Not Found", "", b"{}").map(|()| None),
    }
}

fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

fn read(stream: &mut impl BufRead) -> io::Result<Request> {
    let mut head = stream.take(LARGEST_HEAD);
    let first = line(&mut head)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let header = line(&mut head)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(|_| bad("Content-Length"))?,
            "transfer-encoding" => is_chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let body = match is_chunked {
        true => chunked(stream)?,
        false => exactly(stream, length)?,
    };
    Ok(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
    })
}

/// <https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding>; what follows the last chunk isn't needed.
fn chunked(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(&mut stream.take(LARGEST_HEAD))?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| bad("a chunk's size"))?;
        if size == 0 {
            return Ok(body);
        }
        body.extend(exactly(stream, size)?);
        if body.len() as u64 > LARGEST_BODY {
            return Ok(body);
        }
        line(&mut stream.take(2))?;
    }
}

/// Of more than Lambda takes, so much as shows that.
fn exactly(stream: &mut impl BufRead, length: u64) -> io::Result<Vec<u8>> {
    let wanted = length.min(LARGEST_BODY);
    let mut body = Vec::new();
    if stream.take(wanted).read_to_end(&mut body)? as u64 != wanted {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

/// Without its end.
fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.trim_end_matches('\r').to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is not understood"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(request: &str) -> Vec<u8> {
        read(&mut request.as_bytes()).expect("a request").body
    }

    #[test]
    fn bodies_come_whole_or_in_chunks() {
        assert_eq!(body_of("POST /x HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcdef"), b"abc");
        let chunks =
            "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(body_of(chunks), b"abc0123456789");
        assert!(read(&mut &b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"[..]).is_err());
        assert!(read(&mut &b"POST /x HTTP/1.1\r\nContent-Le"[..]).is_err());
        assert_eq!(
            read(&mut &b"GET /next HTTP/1.1\r\n\r\n"[..]).expect("a request").path,
            "/next"
        );
    }
}
