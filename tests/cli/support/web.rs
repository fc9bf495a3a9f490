//! A web server on this machine, that misbehaves where a test says so.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::http::{self, Request};

/// What to do with a request.
pub enum Action {
    /// The content, or the part of it that is asked for.
    Serve,
    /// All of it, whatever is asked for.
    ServeAll,
    /// So many bytes of what is asked for; then the connection ends.
    Cut(usize),
    /// So many bytes; then nothing, until the client goes away.
    Hang(usize),
    /// No content, but this status and header line.
    Answer(u16, String),
}

pub struct Web {
    /// Without `/` at its end.
    pub url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Web {
    /// Serves one content at every path; `decide` gets the number of requests before.
    pub fn serve(content: Vec<u8>, decide: impl Fn(usize, &Request) -> Action + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, content, decide) = (Arc::clone(&seen), Arc::new(content), Arc::new(decide));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (log, content, decide) = (Arc::clone(&log), Arc::clone(&content), Arc::clone(&decide));
                thread::spawn(move || {
                    // A client that goes away in the middle is what some tests are about.
                    if let Err(error) = answer(&client.unwrap(), &content, &log, &*decide) {
                        eprintln!("the client left: {error}");
                    }
                });
            }
        });
        Web { url, seen }
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(
    mut client: &TcpStream,
    content: &[u8],
    log: &Mutex<Vec<Request>>,
    decide: &dyn Fn(usize, &Request) -> Action,
) -> std::io::Result<()> {
    let Some(request) = Request::read(client) else {
        return Ok(());
    };
    let before = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    let etag = format!("\"{}\"", crate::support::sha256(content));
    let range = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let range = range.filter(|_| request.header("if-range").is_none_or(|it| it == etag));
    let action = decide(before, &request);
    let (most, hangs) = match action {
        Action::Answer(status, header) => {
            return http::answer(client, status, &format!("{header}\r\n"), "");
        }
        Action::Serve | Action::ServeAll => (usize::MAX, false),
        Action::Cut(most) => (most, false),
        Action::Hang(most) => (most, true),
    };
    let (head, start) = match range.filter(|_| !matches!(action, Action::ServeAll)) {
        Some(start) => {
            let range = format!(
                "Content-Range: bytes {start}-{}/{}\r\n",
                content.len() - 1,
                content.len()
            );
            (format!("HTTP/1.1 206 Partial Content\r\n{range}"), start)
        }
        None => ("HTTP/1.1 200 OK\r\n".to_owned(), 0),
    };
    let body = &content[start..];
    write!(
        client,
        "{head}Connection: close\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    client.write_all(&body[..most.min(body.len())])?;
    if hangs {
        client.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}
