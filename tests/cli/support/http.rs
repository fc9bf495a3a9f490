//! HTTP/1.1, as much of it as the tests' own servers need: one request a connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    /// Without `Connection`.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Request {
    /// `None` if the client leaves before it has said all.
    pub fn read(mut client: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(client);
        let line = read_line(&mut reader)?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        let mut length = Some(0);
        loop {
            let header = read_line(&mut reader)?;
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':')?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.trim().parse().ok()?),
                "transfer-encoding" => length = None,
                "expect" => client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?,
                "connection" => continue,
                _ => {}
            }
            headers.push(header);
        }
        let mut body = vec![0; length.unwrap_or(0)];
        match length {
            Some(_) => reader.read_exact(&mut body).ok()?,
            None => read_chunks(&mut reader, &mut body)?,
        }
        Some(Request {
            method,
            target,
            headers,
            body,
        })
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter_map(|line| line.split_once(": "));
        named
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Signatures no longer fit; local servers don't look at them.
    pub fn replace_body(&mut self, body: Vec<u8>) {
        self.headers
            .retain(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
        self.headers.push(format!("Content-Length: {}", body.len()));
        self.body = body;
    }

    /// What it asks AWS for: the operation where a header or the form names it, as JSON services and STS have it, else the
    /// method, which is S3.
    pub fn operation(&self) -> String {
        if let Some(target) = self.header("x-amz-target") {
            return target.rsplit('.').next().unwrap().to_owned();
        }
        let form = std::str::from_utf8(&self.body).unwrap_or_default();
        if let Some(action) = form.split('&').find_map(|field| field.strip_prefix("Action=")) {
            return action.to_owned();
        }
        self.method.clone()
    }

    /// The operation, and what it is about: `PutParameter /path/name`, `PUT /bucket/key`.
    pub fn asks(&self) -> String {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        let named = |key| body.as_ref()?[key].as_str();
        let subject = match self.header("x-amz-target") {
            Some(_) => ["Name", "SecretId", "projectName"].into_iter().find_map(named),
            None => self.target.split('?').next(),
        };
        format!("{} {}", self.operation(), subject.unwrap_or_default())
            .trim_end()
            .to_owned()
    }
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Option<()> {
    loop {
        let size = usize::from_str_radix(&read_line(reader)?, 16).ok()?;
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..]).ok()?;
        read_line(reader)?;
        if size == 0 {
            return Some(());
        }
    }
}

/// Answers, with header lines that each end in `\r\n`, as the last thing that the connection hears.
pub fn answer(mut client: &TcpStream, status: u16, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    client.write_all(answer.as_bytes())
}
