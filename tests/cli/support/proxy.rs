//! A proxy between the binary and a real server, that misbehaves where a test says so.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::http::{self, Request};

/// What to do with a request.
pub enum Action {
    Forward,
    /// Answer with this status, header lines and body.
    Answer(u16, &'static str, &'static str),
    /// Change a byte of the body on its way.
    Damage,
    /// Never answer.
    Stall,
}

pub struct Proxy {
    pub endpoint: String,
    /// `METHOD target` of every request, in order of arrival.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub fn before(upstream: &str, decide: impl Fn(&Request) -> Action + Send + Sync + 'static) -> Self {
        let upstream = upstream.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let decide = Arc::new(decide);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (upstream, log, decide) = (upstream.clone(), Arc::clone(&log), Arc::clone(&decide));
                thread::spawn(move || serve(client.unwrap(), &upstream, &log, &*decide));
            }
        });
        Proxy { endpoint, seen }
    }

    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// One request a connection: simple, and the client reconnects.
fn serve(client: TcpStream, upstream: &str, log: &Mutex<Vec<String>>, decide: &dyn Fn(&Request) -> Action) {
    let Some(mut request) = Request::read(&client) else {
        return;
    };
    log.lock()
        .unwrap()
        .push(format!("{} {}", request.method, request.target));
    match decide(&request) {
        Action::Forward => forward(&request, client, upstream),
        Action::Damage => {
            let middle = request.body.len() / 2;
            request.body[middle] ^= 1;
            forward(&request, client, upstream);
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
    }
}

fn forward(request: &Request, mut client: TcpStream, upstream: &str) {
    let mut server = TcpStream::connect(upstream).unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n",
        request.method,
        request.target,
        request.headers.join("\r\n")
    );
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&request.body).unwrap();
    // The server closes when it has answered; the client may be gone by then.
    if let Err(error) = std::io::copy(&mut server, &mut client) {
        eprintln!("the client left: {error}");
    }
}
