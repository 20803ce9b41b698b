//! A server that does what a script says, one connection after the other.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is done with one connection.
pub(super) enum Step {
    /// These bytes, then the end of the connection.
    Say(Vec<u8>),
    /// These bytes, then nothing.
    Stall(Vec<u8>),
}

/// An answer with these status and header lines (each ends in `\r\n`), as it stands.
pub(super) fn raw(status: &str, headers: &str, body: &[u8]) -> Step {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    Step::Say([head.as_bytes(), body].concat())
}

/// An answer whose length is said.
pub(super) fn say(status: &str, headers: &str, body: &[u8]) -> Step {
    let headers = format!("Content-Length: {}\r\n{headers}", body.len());
    raw(status, &headers, body)
}

/// An answer that lacks what stands behind `kept` bytes of its body.
pub(super) fn cut(headers: &str, body: &[u8], kept: usize) -> Step {
    let headers = format!("Content-Length: {}\r\n{headers}", body.len());
    raw("200 OK", &headers, &body[..kept])
}

/// The rest of a body as it should come.
pub(super) fn rest(headers: &str, body: &[u8], first: usize) -> Step {
    let (last, whole) = (body.len() - 1, body.len());
    let headers = format!("Content-Range: bytes {first}-{last}/{whole}\r\n{headers}");
    say("206 Partial Content", &headers, &body[first..])
}

/// A redirection.
pub(super) fn redirect(status: u16, to: &str) -> Step {
    say(
        &format!("{status} Elsewhere"),
        &format!("Location: {to}\r\n"),
        b"",
    )
}

/// A server on this machine.
pub(super) struct Server {
    listener: Option<TcpListener>,
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One that listens, and does nothing yet.
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            port: listener.local_addr().unwrap().port(),
            listener: Some(listener),
            seen: Arc::default(),
            thread: None,
        }
    }

    /// One that does these steps, then nothing.
    pub(super) fn of(steps: Vec<Step>) -> Self {
        let mut server = Self::new();
        server.run(steps);
        server
    }

    /// Does these steps.
    pub(super) fn run(&mut self, steps: Vec<Step>) {
        let listener = self.listener.take().unwrap();
        let seen = Arc::clone(&self.seen);
        self.thread = Some(thread::spawn(move || {
            let mut held = Vec::new();
            for step in steps {
                let Some(mut stream) = accepted(&listener) else {
                    return;
                };
                seen.lock().unwrap().push(head(&mut stream));
                let (Step::Say(bytes) | Step::Stall(bytes)) = &step;
                let _ = stream.write_all(bytes);
                if let Step::Stall(_) = step {
                    held.push(stream);
                }
            }
            if !held.is_empty() {
                thread::sleep(Duration::from_secs(2));
            }
        }));
    }

    /// A URL of it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its host, as messages have it.
    pub(super) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The heads of the requests so far, in lower case.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// The next connection, unless none comes.
fn accepted(listener: &TcpListener) -> Option<std::net::TcpStream> {
    listener.set_nonblocking(true).unwrap();
    for _ in 0..2000 {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            return Some(stream);
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}

/// Reads the head of a request.
pub(super) fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_lowercase()
}
