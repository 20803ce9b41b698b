//! What stands between unreel and a bucket: it passes on and remembers, and goes wrong as it is told.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the tests use of it what they need"
)]

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::fake::{
    self, Body, Certificate, Delivery, Fault, Faults, Got, Origin, Request, Response, Seen,
};
use crate::servers::{Bucket, Env, May};

/// The proxy of one test. It signs nothing and changes nothing, `Host` included, but where a fault
/// has it ask for something else.
pub struct Proxy {
    shared: Arc<Shared>,
    server: Mutex<Option<fake::Server>>,
    authority: Option<String>,
    folder: tempfile::TempDir,
}

struct Shared {
    base: String,
    bucket: Bucket,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    faults: Faults,
    latency: Duration,
}

impl Proxy {
    /// Before the bucket's server.
    pub fn start(bucket: &Bucket) -> Self {
        Self::run(bucket, None)
    }

    /// The same over `https`, under an authority that is made now.
    pub fn start_tls(bucket: &Bucket, certificate: Certificate) -> Self {
        Self::run(bucket, Some(certificate))
    }

    fn run(bucket: &Bucket, certificate: Option<Certificate>) -> Self {
        let (config, authority) = certificate.map(fake::make_tls).unzip();
        let scheme = if config.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let shared = Arc::new(Shared {
            base: format!("{scheme}://{}", listener.local_addr().expect("an address")),
            bucket: bucket.clone(),
            state: Mutex::default(),
        });
        let answering = Arc::clone(&shared);
        let handler = move |connection, request| answering.answer(connection, &request);
        let server = fake::Server::start(listener, config, Box::new(handler));
        let folder = tempfile::tempdir().expect("a temporary folder");
        if let Some(authority) = &authority {
            std::fs::write(folder.path().join("ca.pem"), authority).expect("it can be written");
        }
        Self {
            shared,
            server: Mutex::new(Some(server)),
            authority,
            folder,
        }
    }

    pub fn base(&self) -> String {
        self.shared.base.clone()
    }

    /// The authority's certificate, over `https`; and its file.
    pub fn ca_pem(&self) -> &str {
        self.authority.as_deref().expect("a proxy over https")
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The environment of somebody who may do everything, through this proxy.
    pub fn settings(&self) -> Env {
        self.settings_of(May::All)
    }

    pub fn settings_of(&self, may: May) -> Env {
        self.shared.bucket.server.settings_of(may, &self.base())
    }

    pub fn settings_with_wrong_secret(&self) -> Env {
        let server = self.shared.bucket.server;
        server.settings_with_wrong_secret(&self.base())
    }

    /// The next `times` requests that `place` is a part of go wrong. What it is a part of reads
    /// `PUT /bucket/key?partNumber=2&uploadId=…`, the path decoded: see [`Bucket::path`].
    pub fn fault(&self, place: &str, fault: Fault, times: usize) {
        self.fault_after(place, 0, fault, times);
    }

    /// The same after `skip` such requests went well.
    pub fn fault_after(&self, place: &str, skip: usize, fault: Fault, times: usize) {
        self.state().faults.arm(place, skip, fault, times);
    }

    /// The places of faults that no request met. A test that has some does not test what it says.
    pub fn unmet(&self) -> Vec<String> {
        self.state().faults.unmet()
    }

    /// From now on all goes well.
    pub fn mend(&self) {
        self.state().faults.mend();
    }

    /// Every answer takes that long.
    pub fn latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// From now on connections are refused, and those that were there are gone.
    pub fn close(&self) {
        self.server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// The requests so far, in order, with bodies and headers as they came.
    pub fn requests(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// The same, those that `place` is a part of.
    pub fn requests_of(&self, place: &str) -> Vec<Seen> {
        let mut seen = self.requests();
        seen.retain(|seen| line(&seen.request).contains(place));
        seen
    }

    /// Forgets them.
    pub fn forget(&self) {
        self.state().seen.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

/// How a request reads for a fault's place: its path decoded, as clients quote in many ways.
fn line(request: &Request) -> String {
    let path = request.path();
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| str::from_utf8(two).ok());
        let quoted = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        let (byte, after) = match quoted.filter(|_| *first == b'%') {
            Some(byte) => (byte, &tail[2..]),
            None => (*first, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    let query = &request.target[path.len()..];
    format!(
        "{} {}{query}",
        request.method,
        String::from_utf8_lossy(&bytes)
    )
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, connection: u64, request: &Request) -> (Response, Delivery) {
        let (number, fault, latency) = {
            let mut state = self.state();
            state.seen.push(Seen {
                origin: Origin::Storage,
                connection,
                request: request.clone(),
                status: 0,
                at: Instant::now(),
            });
            let way = fake::follow(&self.base, &request.target).is_some();
            let fault = if way {
                None
            } else {
                state.faults.take(&line(request), request)
            };
            (state.seen.len() - 1, fault, state.latency)
        };
        let mut delivery = Delivery {
            wait: latency,
            ..Delivery::default()
        };

        let mut heard = request.clone();
        let mut response = match fake::follow(&self.base, &request.target) {
            Some(Ok(redirect)) => redirect,
            Some(Err(target)) => {
                heard.target = target;
                self.pass(&mut heard, true)
            }
            None => {
                if let Some(fault) = &fault {
                    fault.before(&mut heard);
                }
                if fault.as_ref().is_none_or(|fault| fault.heeds(request)) {
                    let changed = heard.headers.len() != request.headers.len();
                    self.pass(&mut heard, changed)
                } else {
                    Response::nothing()
                }
            }
        };
        if let Some(fault) = fault {
            fault.after(Origin::Storage, request, &mut response, &mut delivery);
        }
        let mut state = self.state();
        if delivery.raw.is_none() && state.seen.len() > number {
            state.seen[number].status = response.status;
        }
        (response, delivery)
    }

    /// Asks the server, with a signature that fits what was changed.
    fn pass(&self, request: &mut Request, changed: bool) -> Response {
        let server = self.bucket.server;
        if changed {
            let headers = request.headers.iter();
            let headers: serde_json::Map<_, _> = headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into()))
                .collect();
            let call =
                json!({"method": request.method, "target": request.target, "headers": headers});
            let signed = server.call("sign", call);
            signed["target"]
                .as_str()
                .expect("text")
                .clone_into(&mut request.target);
            let headers = signed["headers"].as_object().expect("headers");
            let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
            request.headers = headers
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect();
        }
        let of_the_connection = ["connection", "content-length", "transfer-encoding"];
        let lines: Vec<_> = request
            .headers
            .iter()
            .filter(|(name, _)| !of_the_connection.contains(&name.to_ascii_lowercase().as_str()))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let url = format!("{}{}", server.base, request.target);
        let got = fake::send(&request.method, &url, &lines, &request.body);
        response(&got, request.method == "HEAD")
    }
}

/// What the server said, as it can be sent anew. The body of a part is put where it belongs in a
/// whole of zeros, so that faults can be wrong about it.
fn response(got: &Got, head: bool) -> Response {
    let ours = [
        "connection",
        "content-length",
        "transfer-encoding",
        "date",
        "keep-alive",
    ];
    let headers = got
        .headers()
        .filter(|(name, _)| !ours.contains(&name.to_ascii_lowercase().as_str()))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let number = |text: &str| text.parse::<usize>().ok();
    // What a HEAD has no body of has a length all the same.
    let mut body = if head {
        let length = got.header("content-length").and_then(number);
        Body::new(vec![0; length.unwrap_or_default()])
    } else {
        Body::new(got.whole().expect("a whole answer"))
    };
    let range = got.header("content-range");
    let range = range.and_then(|range| range.strip_prefix("bytes ")?.split_once('/'));
    let window = range.and_then(|(part, all)| {
        let (first, last) = part.split_once('-')?;
        Some((number(first)?, number(last)? + 1, number(all)?))
    });
    if let Some((first, end, all)) = window.filter(|_| got.status() == "206") {
        let mut whole = vec![0; all];
        whole[first..end].copy_from_slice(body.bytes());
        body = Body {
            bytes: whole.into(),
            window: first..end,
        };
    }
    Response {
        status: got.status().parse().expect("a status"),
        headers,
        body,
    }
}

/// An address that refuses connections as long as this is there.
pub struct Nobody(Socket);

impl Nobody {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a port");
        Self(socket)
    }

    pub fn base(&self) -> String {
        let address = self.0.local_addr().expect("an address").as_socket();
        format!("http://{}", address.expect("an address of IP"))
    }
}
