//! [`Connection`]: one that is kept alive, read to the byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::fake::Got;

pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn to(address: &str) -> Self {
        Self::from(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn from(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.0.get_mut()
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.stream().write_all(text.as_bytes()).unwrap();
    }

    /// Asks for it, and reads the head of the answer.
    pub(crate) fn begin(&mut self, method: &str, path: &str, headers: &[&str]) -> Got {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.write(&format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n"
        ));
        self.head()
    }

    /// The head of an answer; empty where there is none.
    pub(crate) fn head(&mut self) -> Got {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).unwrap_or(0) == 0 {
                break;
            }
        }
        Got {
            head,
            body: Vec::new(),
            reset: false,
        }
    }

    /// Asks for it, and reads the whole answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[&str]) -> Got {
        let mut got = self.begin(method, path, headers);
        if method != "HEAD" {
            let length = got.header("content-length").unwrap_or("0").parse().unwrap();
            got.body = vec![0; length];
            self.0.read_exact(&mut got.body).unwrap();
        }
        got
    }

    /// Some of what comes, at least a byte unless it has ended.
    pub(crate) fn some(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; most];
        let read = self.0.read(&mut bytes).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    /// All that comes until the connection ends, in whatever way.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).ok();
        bytes
    }
}
