//! A proxy between the binary and a real server, that misbehaves where a test says so.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

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

pub struct Request {
    pub method: String,
    pub target: String,
    headers: Vec<String>,
    body: Vec<u8>,
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
    let Some(mut request) = read_request(&client) else {
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
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            );
            (&client).write_all(answer.as_bytes()).unwrap();
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

fn read_request(client: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_owned();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "connection" => continue,
            _ => {}
        }
        headers.push(header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        target,
        headers,
        body,
    })
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
