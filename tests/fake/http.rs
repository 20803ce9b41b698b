//! HTTP/1.1 by hand, a thread a connection: so that every byte of an answer can be wrong.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use socket2::SockRef;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query as on the wire.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The next one of a connection; `None` at its end.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut headers = Vec::new();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut request = Self {
            method,
            target,
            headers,
            body: Vec::new(),
        };
        let length = request.header("content-length").unwrap_or("0").parse();
        let length: u64 = length.map_err(|_| io::ErrorKind::InvalidData)?;
        reader.take(length).read_to_end(&mut request.body)?;
        Ok(Some(request))
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether it says that its body is of this kind.
    pub fn is_of(&self, kind: &str) -> bool {
        let said = self.header("content-type").unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default().trim();
        said.eq_ignore_ascii_case(kind)
    }

    /// The fields of a form that may have these, each once.
    pub fn form(&self, known: &[&str]) -> Result<HashMap<String, String>, String> {
        if !self.is_of("application/x-www-form-urlencoded") {
            return Err("The body is no form".into());
        }
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(&self.body).into_owned() {
            if !known.contains(&name.as_str()) {
                return Err(format!("Unexpected parameter {name}"));
            }
            if fields.insert(name.clone(), value).is_some() {
                return Err(format!("{name} is there twice"));
            }
        }
        Ok(fields)
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(p, _)| p)
    }

    /// The fields of the query, decoded. An operator may belong to the name: `DateCreated>`.
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect()
    }

    /// The first field of that name.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut query = self.query().into_iter();
        query
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }
}

/// A body, or the part of it that is asked for.
#[derive(Clone, Debug)]
pub struct Body {
    pub bytes: Arc<[u8]>,
    pub window: Range<usize>,
}

impl Body {
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let window = 0..bytes.len();
        Self { bytes, window }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.window.clone()]
    }
}

/// An answer, as the provider means it.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Response {
    pub fn new(status: u16, kind: &str, body: impl Into<Arc<[u8]>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".into(), kind.into())],
            body: Body::new(body),
        }
    }

    pub fn json(status: u16, value: &Value) -> Self {
        let text = value.to_string().into_bytes();
        Self::new(status, "application/json;charset=utf-8", text)
    }

    pub fn xml(status: u16, text: String) -> Self {
        Self::new(status, "application/xml", text.into_bytes())
    }

    /// 204.
    pub fn nothing() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: Body::new(Vec::new()),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a header, in place of one of that name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.headers.push((name.into(), value.into()));
    }

    pub fn remove(&mut self, name: &str) {
        let other = |(header, _): &(String, String)| !header.eq_ignore_ascii_case(name);
        self.headers.retain(other);
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// How an answer goes out. The default is as it should be.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Waits before anything is sent.
    pub wait: Duration,
    pub framing: Framing,
    /// Ends after that many bytes of the body.
    pub cut: Option<usize>,
    pub end: End,
    /// Waits after that many bytes of the body.
    pub stall: Option<(usize, Duration)>,
    /// Waits after each byte of the body.
    pub dribble: Option<Duration>,
    /// Sends these bytes instead of an answer.
    pub raw: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Framing {
    #[default]
    Length,
    /// A `Content-Length` that is off by so much; the connection ends after the body.
    Wrong(isize),
    Chunked,
    /// The body ends with the connection.
    Close,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum End {
    /// The connection is kept, if the client wants it.
    #[default]
    Keep,
    /// It ends as it should: over TLS it says so before.
    Close,
    /// It ends without a word: FIN, over TLS no `close_notify`.
    Cut,
    /// It is reset.
    Reset,
}

/// What a connection is read from and written to.
trait Wire: Read + Write + Send {
    /// Says that no more will come.
    fn finish(&mut self) {}
}

impl Wire for TcpStream {}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn finish(&mut self) {
        self.conn.send_close_notify();
        self.flush().ok();
    }
}

/// What answers requests: of which connection it is, the request, and a way to wait.
pub type Handler = dyn Fn(u64, Request) -> (Response, Delivery) + Send + Sync;

/// A listening socket with its connections; they end when it is dropped.
pub struct Server {
    address: SocketAddr,
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    handler: Box<Handler>,
    tls: Option<Arc<ServerConfig>>,
    stopped: AtomicBool,
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Server {
    pub fn start(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        handler: Box<Handler>,
    ) -> Self {
        let address = listener.local_addr().expect("an address");
        let inner = Arc::new(Inner {
            handler,
            tls,
            stopped: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let accepting = Arc::clone(&inner);
        let thread = thread::spawn(move || accept(&accepting, &listener));
        Self {
            address,
            inner,
            thread: Some(thread),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.inner.stopped.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        for stream in self.inner.open().values() {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

fn accept(inner: &Arc<Inner>, listener: &TcpListener) {
    for (number, stream) in (0..).zip(listener.incoming()) {
        if inner.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let inner = Arc::clone(inner);
        thread::spawn(move || {
            inner.talk(number, stream).ok();
            inner.open().remove(&number);
        });
    }
}

impl Inner {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn talk(&self, number: u64, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        self.open().insert(number, stream.try_clone()?);
        let wire: Box<dyn Wire> = match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config));
                let connection = connection.map_err(io::Error::other)?;
                Box::new(StreamOwned::new(connection, stream))
            }
        };
        let mut reader = BufReader::new(wire);
        while let Some(request) = Request::read(&mut reader)? {
            let head = request.method == "HEAD";
            let close = request.header("connection") == Some("close");
            let (response, delivery) = (self.handler)(number, request);
            self.wait(delivery.wait);
            let wire = reader.get_mut();
            let sent = send(self, wire, &response, &delivery, head);
            let end = match (delivery.framing, delivery.end) {
                (_, end @ (End::Reset | End::Cut)) => end,
                (Framing::Close | Framing::Wrong(_), _) | (_, End::Close) => End::Close,
                _ if delivery.raw.is_some() || close => End::Close,
                _ => End::Keep,
            };
            if end == End::Reset {
                // What was sent arrives first. The reset comes with the last descriptor.
                thread::sleep(Duration::from_millis(30));
                if let Some(stream) = self.open().remove(&number) {
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                }
            }
            sent?;
            match end {
                End::Keep => {}
                End::Close => {
                    wire.finish();
                    return Ok(());
                }
                End::Cut | End::Reset => return Ok(()),
            }
        }
        Ok(())
    }

    /// Waits, but not longer than the server is there.
    fn wait(&self, duration: Duration) {
        let start = Instant::now();
        while start.elapsed() < duration && !self.stopped.load(Ordering::SeqCst) {
            let rest = duration.saturating_sub(start.elapsed());
            thread::sleep(rest.min(Duration::from_millis(20)));
        }
    }
}

fn send(
    server: &Inner,
    wire: &mut Box<dyn Wire>,
    response: &Response,
    delivery: &Delivery,
    head: bool,
) -> io::Result<()> {
    if let Some(raw) = &delivery.raw {
        wire.write_all(raw)?;
        return wire.flush();
    }
    let body = response.body.bytes();
    let mut text = format!(
        "HTTP/1.1 {} {}\r\n",
        response.status,
        reason(response.status)
    );
    write!(text, "Date: {}\r\n", http_date(0)).ok();
    for (name, value) in &response.headers {
        write!(text, "{name}: {value}\r\n").ok();
    }
    match delivery.framing {
        Framing::Length => write!(text, "Content-Length: {}\r\n", body.len()).ok(),
        Framing::Wrong(by) => {
            let length = body.len().saturating_add_signed(by);
            write!(text, "Content-Length: {length}\r\n").ok()
        }
        Framing::Chunked => write!(text, "Transfer-Encoding: chunked\r\n").ok(),
        Framing::Close => write!(text, "Connection: close\r\n").ok(),
    };
    text.push_str("\r\n");
    wire.write_all(text.as_bytes())?;
    wire.flush()?;
    if head {
        return Ok(());
    }

    let length = delivery.cut.unwrap_or(body.len()).min(body.len());
    let chunked = delivery.framing == Framing::Chunked;
    let mut sent = 0;
    while sent < length {
        let mut piece = (length - sent).min(0x4_0000);
        if delivery.dribble.is_some() {
            piece = 1;
        }
        if let Some((after, duration)) = delivery.stall {
            if sent == after.min(length - 1) {
                server.wait(duration);
            } else if sent < after {
                piece = piece.min(after.min(length - 1) - sent);
            }
        }
        let bytes = &body[sent..sent + piece];
        if chunked {
            let chunk = [format!("{piece:x}\r\n").as_bytes(), bytes, b"\r\n"].concat();
            wire.write_all(&chunk)?;
        } else {
            wire.write_all(bytes)?;
        }
        wire.flush()?;
        sent += piece;
        server.wait(delivery.dribble.unwrap_or_default());
        if server.stopped.load(Ordering::SeqCst) {
            return Ok(());
        }
    }
    if chunked && delivery.cut.is_none() {
        wire.write_all(b"0\r\n\r\n")?;
    }
    wire.flush()
}

/// Now and some seconds, as HTTP writes it.
pub fn http_date(after: i64) -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(after);
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "As Said",
    }
}
