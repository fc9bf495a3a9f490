//! A proxy between the binary and a real server, that misbehaves where a test says so.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::http::{self, Request};
use super::kills::Victim;
use crate::faults::wait_for;

/// What to do with a request.
pub enum Action {
    Forward,
    /// Forward it with this body in place of its own.
    ForwardBody(Vec<u8>),
    /// Answer with this status, header lines and body.
    Answer(u16, &'static str, &'static str),
    /// Change a byte of the body on its way.
    Damage,
    /// Change the last byte of the answer on its way.
    DamageAnswer,
    /// Forward it, and have the answer say that all that it is about was written years ago.
    Aged,
    /// Forward it, and change the body of the answer, a text.
    EditAnswer(Arc<dyn Fn(String) -> String + Send + Sync>),
    /// Never answer.
    Stall,
    /// Neither forward nor answer it.
    Drop,
    /// Forward it, and lose the answer.
    LoseAnswer,
    /// Kill the client: the server never hears of the request.
    KillBefore(Arc<Victim>),
    /// Kill the client once the server has answered: the client never hears of it.
    KillAfter(Arc<Victim>),
}

pub struct Proxy {
    pub endpoint: String,
    log: Arc<Log>,
}

/// Every request, in order of arrival.
#[derive(Default)]
struct Log {
    /// `METHOD target`.
    seen: Mutex<Vec<String>>,
    /// [`Request::asks`].
    asked: Mutex<Vec<String>>,
    /// One for each connection that is being served.
    serving: Arc<()>,
}

impl Proxy {
    pub fn before(upstream: &str, decide: impl Fn(&Request) -> Action + Send + Sync + 'static) -> Self {
        let upstream = upstream.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Log::default());
        let kept = Arc::clone(&log);
        let decide = Arc::new(decide);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (upstream, log, decide) = (upstream.clone(), Arc::clone(&log), Arc::clone(&decide));
                let serving = Arc::clone(&log.serving);
                thread::spawn(move || {
                    serve(client.unwrap(), &upstream, &log, &*decide);
                    drop(serving);
                });
            }
        });
        Proxy { endpoint, log: kept }
    }

    pub fn seen(&self) -> Vec<String> {
        self.log.seen.lock().unwrap().clone()
    }

    /// [`Request::asks`] of the same.
    pub fn asked(&self) -> Vec<String> {
        self.log.asked.lock().unwrap().clone()
    }

    /// When the client is gone: until nothing of what it asked for is still on its way to the server.
    pub fn wait_until_idle(&self) {
        wait_for("the end of all requests", || Arc::strong_count(&self.log.serving) == 1);
    }
}

/// One request a connection: simple, and the client reconnects.
fn serve(client: TcpStream, upstream: &str, log: &Log, decide: &dyn Fn(&Request) -> Action) {
    let Some(mut request) = Request::read(&client) else {
        return;
    };
    let line = format!("{} {}", request.method, request.target);
    log.seen.lock().unwrap().push(line);
    log.asked.lock().unwrap().push(request.asks());
    match decide(&request) {
        Action::Forward => forward(&request, client, upstream),
        Action::ForwardBody(body) => {
            request.replace_body(body);
            forward(&request, client, upstream);
        }
        Action::Damage => {
            let middle = request.body.len() / 2;
            request.body[middle] ^= 1;
            forward(&request, client, upstream);
        }
        Action::DamageAnswer => {
            let mut answer = Vec::new();
            send(&request, upstream).read_to_end(&mut answer).unwrap();
            *answer.last_mut().unwrap() ^= 1;
            (&client).write_all(&answer).unwrap();
        }
        Action::Aged => {
            let mut answer = Vec::new();
            send(&request, upstream).read_to_end(&mut answer).unwrap();
            (&client).write_all(&aged(&answer)).unwrap();
        }
        Action::EditAnswer(edit) => {
            let mut answer = Vec::new();
            send(&request, upstream).read_to_end(&mut answer).unwrap();
            (&client).write_all(&edited(&answer, &*edit)).unwrap();
        }
        Action::Answer(status, headers, body) => {
            http::answer(&client, status, headers, body).unwrap();
        }
        Action::Stall => {
            // Until the client goes away.
            let mut rest = Vec::new();
            if let Err(error) = (&client).read_to_end(&mut rest) {
                eprintln!("the client left: {error}");
            }
        }
        Action::Drop => {}
        Action::LoseAnswer => {
            send(&request, upstream).read_to_end(&mut Vec::new()).unwrap();
        }
        Action::KillBefore(victim) => victim.kill(),
        Action::KillAfter(victim) => {
            let answered = send(&request, upstream).read_to_end(&mut Vec::new()).unwrap();
            assert!(answered > 0, "the server hung up");
            victim.kill();
        }
    }
}

fn forward(request: &Request, mut client: TcpStream, upstream: &str) {
    // The server closes when it has answered; the client may be gone by then.
    if let Err(error) = std::io::copy(&mut send(request, upstream), &mut client) {
        eprintln!("the client left: {error}");
    }
}

/// An answer whose `Last-Modified` is long ago.
fn aged(answer: &[u8]) -> Vec<u8> {
    const LONG_AGO: &[u8] = b"Wed, 01 Jan 2020 00:00:00 GMT";
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut aged = answer.to_vec();
    if let Some(start) = head.to_ascii_lowercase().find("\r\nlast-modified: ") {
        let start = start + "\r\nlast-modified: ".len();
        aged[start..start + LONG_AGO.len()].copy_from_slice(LONG_AGO);
    }
    // Of a listing.
    const LISTED: &[u8] = b"<LastModified>";
    const YEAR: &[u8] = b"2020";
    let mut from = end;
    while let Some(start) = aged[from..].windows(LISTED.len()).position(|it| it == LISTED) {
        from += start + LISTED.len();
        aged[from..from + YEAR.len()].copy_from_slice(YEAR);
    }
    aged
}

/// An answer with another body.
fn edited(answer: &[u8], edit: &dyn Fn(String) -> String) -> Vec<u8> {
    let answer = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body = edit(body.to_owned());
    let lines = head.split("\r\n");
    let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let head: Vec<&str> = kept.collect();
    format!("{}\r\nContent-Length: {}\r\n\r\n{body}", head.join("\r\n"), body.len()).into_bytes()
}

/// The connection on which the server will answer.
fn send(request: &Request, upstream: &str) -> TcpStream {
    let mut server = TcpStream::connect(upstream).unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n",
        request.method,
        request.target,
        request.headers.join("\r\n")
    );
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&request.body).unwrap();
    server
}
