//! HTTP/1.1 from the client's side, as raw as it came.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// What came to a request before the connection ended, and how it ended.
pub struct Got {
    pub head: String,
    pub body: Vec<u8>,
    pub reset: bool,
}

impl Got {
    pub fn status(&self) -> &str {
        self.head.split_whitespace().nth(1).unwrap_or_default()
    }

    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.head.lines().skip(1);
        lines.filter_map(|line| {
            line.split_once(':')
                .map(|(name, value)| (name, value.trim()))
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The body without its framing; `None` where something of it is missing.
    pub fn whole(&self) -> Option<Vec<u8>> {
        if self.header("transfer-encoding") != Some("chunked") {
            let length = self.header("content-length");
            let is_whole = length.is_none_or(|length| length.parse() == Ok(self.body.len()));
            return is_whole.then(|| self.body.clone());
        }
        let (mut rest, mut whole) = (&self.body[..], Vec::new());
        loop {
            let line = rest.windows(2).position(|two| two == b"\r\n")?;
            let size = str::from_utf8(&rest[..line]).ok()?;
            let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
            rest = &rest[line + 2..];
            if size == 0 {
                return Some(whole);
            }
            whole.extend(rest.get(..size)?);
            rest = rest.get(size + 2..)?;
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks over a connection of its own, and reads until that ends. Headers are lines; a `Host` among them
/// stands in for that of the URL.
pub fn send(method: &str, url: &str, headers: &[&str], body: &[u8]) -> Got {
    let rest = url.strip_prefix("http://").expect("http");
    let (host, target) = rest.split_at(rest.find('/').expect("a path"));
    let mut stream = TcpStream::connect(host).expect("a server");
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = match body.len() {
        0 if ["GET", "HEAD"].contains(&method) => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    let is_host = |line: &&str| line.to_ascii_lowercase().starts_with("host:");
    let own = if headers.iter().any(is_host) {
        String::new()
    } else {
        format!("Host: {host}\r\n")
    };
    let head =
        format!("{method} {target} HTTP/1.1\r\n{own}Connection: close\r\n{length}{lines}\r\n");
    let request = [head.as_bytes(), body].concat();
    stream.write_all(&request).expect("it reads");
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    let reset = end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
    let cut = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let cut = cut.map_or(bytes.len(), |at| at + 4);
    Got {
        head: String::from_utf8_lossy(&bytes[..cut]).into_owned(),
        body: bytes[cut..].to_vec(),
        reset,
    }
}
