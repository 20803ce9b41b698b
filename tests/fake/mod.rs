//! A server that behaves as the documents of Twilio, Vonage and Qvoice say, and, where a test wants that,
//! as no document says.
//!
//! [`Fake`] runs on this machine under two origins: the providers' APIs ([`Fake::base`]), told apart
//! by their paths, and the storage that their links lead to ([`Fake::storage`]). It knows the
//! recordings that it was given, and which keys are registered; it remembers every request, and does
//! to answers what [`Fault`] describes.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "test code, of which every test binary uses a part"
)]

mod answers;
mod armed;
mod customer;
mod encrypt;
mod faults;
mod fixtures;
mod http;
mod qvoice;
mod records;
mod registered;
mod storage;
mod style;
mod tls;
mod twilio_iam;
mod twilio_keys;
mod twilio_settings;
mod twilio_video;
mod twilio_voice;
mod vonage;
mod vonage_storage;
mod wire;

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use self::armed::Faults;
pub use self::customer::*;
pub use self::faults::{Fault, Page, follow};
pub use self::http::{Body, Delivery, Request, Response, Server, http_date};
pub use self::records::{Archive, Video, Voice, flood_sid};
use self::registered::Registered;
pub use self::registered::Settings;
pub use self::storage::error as storage_error;
use self::storage::{Object, Storage};
pub use self::style::{Style, VideoLink, VoiceMedia};
pub use self::tls::{Certificate, make as make_tls, pems};
pub use self::twilio_iam::{FlexUser, flex_token};
pub use self::wire::{Got, send};

/// The server. It ends, with all its connections, when this is dropped.
pub struct Fake {
    shared: Arc<Shared>,
    servers: [Server; 2],
    authority: Option<String>,
    folder: tempfile::TempDir,
}

/// Which of its two origins was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Api,
    Storage,
}

/// A request that came, in the order in which they did.
#[derive(Clone, Debug)]
pub struct Seen {
    pub origin: Origin,
    /// Requests of one number came over one connection.
    pub connection: u64,
    pub request: Request,
    /// The status of the answer; 0 where there was none.
    pub status: u16,
    pub at: Instant,
}

/// What is the same for all connections.
struct Shared {
    base: String,
    storage: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    records: records::Records,
    registered: Registered,
    storage: Storage,
    style: Style,
    seen: Vec<Seen>,
    faults: Faults,
    latency: Duration,
    /// Flex's tokens that are valid.
    flex_tokens: HashMap<String, FlexUser>,
    /// The `jti` of tokens that were used.
    tokens: HashSet<String>,
}

impl Fake {
    /// Over `http`, without recordings.
    pub fn start() -> Self {
        Self::run(None)
    }

    /// Over `https`, under an authority that is made now: see [`ca_pem`](Self::ca_pem).
    pub fn start_tls() -> Self {
        Self::start_tls_with(Certificate::Good)
    }

    pub fn start_tls_with(certificate: Certificate) -> Self {
        Self::run(Some(certificate))
    }

    fn run(certificate: Option<Certificate>) -> Self {
        let (config, authority) = certificate.map(tls::make).unzip();
        let scheme = if config.is_some() { "https" } else { "http" };
        let listen = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let base = format!("{scheme}://{}", listener.local_addr().expect("an address"));
            (listener, base)
        };
        let ((api, base), (store, storage)) = (listen(), listen());
        let shared = Arc::new(Shared {
            base,
            storage,
            state: Mutex::default(),
        });
        let serve = |listener, origin| {
            let shared = Arc::clone(&shared);
            let handler = move |connection, request| shared.answer(origin, connection, &request);
            Server::start(listener, config.clone(), Box::new(handler))
        };
        let servers = [serve(api, Origin::Api), serve(store, Origin::Storage)];
        let folder = tempfile::tempdir().expect("a temporary folder");
        let fake = Self {
            shared,
            servers,
            authority,
            folder,
        };
        fake.keep("vonage.pem", &fixtures::read("keys/other.pem"));
        if let Some(authority) = &fake.authority {
            fake.keep("ca.pem", authority.as_bytes());
        }
        fake
    }

    /// With every recording of `fixtures/`, over `http`.
    pub fn with_fixtures() -> Self {
        let fake = Self::start();
        fake.add_fixtures();
        fake
    }

    /// Adds every recording of `fixtures/`.
    pub fn add_fixtures(&self) {
        fixtures::add(self);
    }

    /// A file of mode 0600 that is there as long as the server is.
    fn keep(&self, name: &str, bytes: &[u8]) {
        let mut file = tempfile::Builder::new()
            .tempfile_in(self.folder.path())
            .expect("a file");
        file.write_all(bytes).expect("it can be written");
        file.persist(self.folder.path().join(name)).expect("a name");
    }

    /// The APIs: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        self.shared.base.clone()
    }

    /// The storage, at another port.
    pub fn storage(&self) -> String {
        self.shared.storage.clone()
    }

    /// The authority's certificate, of a server over `https`; and its file.
    pub fn ca_pem(&self) -> &str {
        self.authority.as_deref().expect("a server over https")
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The private key of the Vonage application, of mode 0600.
    pub fn vonage_key(&self) -> PathBuf {
        self.folder.path().join("vonage.pem")
    }

    pub fn add_voice(&self, voice: Voice) {
        self.state().add_voice(voice);
    }

    /// So many recordings like this one, each with an id of its own (see [`records::flood_sid`]), a
    /// second older than the one before. They are made when they are asked for.
    pub fn flood_voice(&self, voice: Voice, count: usize) {
        self.state().records.flood = Some((voice, count));
    }

    pub fn add_video(&self, video: Video) {
        self.state().add_video(video);
    }

    pub fn add_archive(&self, archive: Archive) {
        self.state().add_archive(archive);
    }

    /// A call, a conference or a room without recordings.
    pub fn add_group(&self, id: &str) {
        self.state().records.groups.insert(id.to_owned());
    }

    /// A subaccount without recordings.
    pub fn add_account(&self, id: &str) {
        self.state().records.accounts.insert(id.to_owned());
    }

    /// Puts an object in storage, with headers; returns the URL, which is for everyone where `public`,
    /// and a presigned one else.
    pub fn put(
        &self,
        path: &str,
        bytes: impl Into<Arc<[u8]>>,
        headers: &[(&str, &str)],
        public: bool,
    ) -> String {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let object = Object {
            body: Body::new(bytes),
            headers: headers.iter().map(own).collect(),
            public,
        };
        self.state().storage.put(path, object);
        let target = if public {
            path.to_owned()
        } else {
            Storage::link(path, self.style_now().link_seconds)
        };
        format!("{}{target}", self.shared.storage)
    }

    /// Changes what is open.
    pub fn style(&self, change: impl FnOnce(&mut Style)) {
        change(&mut self.state().style);
    }

    fn style_now(&self) -> Style {
        self.state().style.clone()
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Forgets them.
    pub fn forget(&self) {
        self.state().seen.clear();
    }

    /// The next `times` requests that `place` is a part of go wrong. What it is a part of reads
    /// `GET api:/v1/Recordings?Page=1`, or `GET storage:/…`. Where several are for one request, the
    /// first that was said holds.
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    pub fn target(&self) -> &str {
        &self.request.target
    }
}

impl State {
    fn add_voice(&mut self, voice: Voice) {
        let object = Object {
            body: voice.media.clone(),
            headers: vec![("Content-Type".into(), "audio/x-wav".into())],
            public: false,
        };
        self.storage.put(&voice.object(), object);
        self.records.add_voice(voice);
    }

    fn add_video(&mut self, video: Video) {
        let object = Object {
            body: video.media.clone(),
            headers: video.metadata.clone(),
            public: false,
        };
        self.storage.put(&video.object(), object);
        self.records.add_video(video);
    }

    fn add_archive(&mut self, archive: Archive) {
        let object = Object {
            body: archive.media.clone(),
            headers: Vec::new(),
            public: false,
        };
        self.storage.put(&archive.object(), object);
        self.records.add_archive(archive);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, origin: Origin, connection: u64, request: &Request) -> (Response, Delivery) {
        let mut state = self.state();
        let number = state.seen.len();
        state.seen.push(Seen {
            origin,
            connection,
            request: request.clone(),
            status: 0,
            at: Instant::now(),
        });
        let mut delivery = Delivery {
            wait: state.latency,
            ..Delivery::default()
        };

        let mut heard = request.clone();
        let base = match origin {
            Origin::Api => &self.base,
            Origin::Storage => &self.storage,
        };
        let response = match follow(base, &request.target) {
            Some(Ok(redirect)) => redirect,
            Some(Err(target)) => {
                heard.target = target;
                self.route(&mut state, origin, &heard)
            }
            None => {
                let name = match origin {
                    Origin::Api => "api",
                    Origin::Storage => "storage",
                };
                let line = format!("{} {name}:{}", request.method, request.target);
                let fault = state.faults.take(&line, request);
                if let Some(fault) = &fault {
                    fault.before(&mut heard);
                }
                let heeded = fault.as_ref().is_none_or(|fault| fault.heeds(request));
                let mut response = if heeded {
                    self.route(&mut state, origin, &heard)
                } else {
                    answers::error(origin, request, 500)
                };
                if let Some(fault) = fault {
                    fault.after(origin, request, &mut response, &mut delivery);
                }
                response
            }
        };
        if delivery.raw.is_none() && state.seen.len() > number {
            state.seen[number].status = response.status;
        }
        (response, delivery)
    }

    fn route(&self, state: &mut State, origin: Origin, request: &Request) -> Response {
        if origin == Origin::Storage {
            return state.storage.answer(request);
        }
        let path = request.path();
        if path.starts_with("/2010-04-01/") {
            twilio_voice::answer(self, state, request)
        } else if twilio_iam::is_of(path) {
            twilio_iam::answer(state, request)
        } else if path.starts_with("/v1/Credentials/") {
            twilio_keys::answer(self, state, request)
        } else if let Some(kind) = Settings::of(path) {
            twilio_settings::answer(self, state, request, kind)
        } else if path.starts_with("/v1/") {
            twilio_video::answer(self, state, request)
        } else if path.starts_with("/v2/project/") {
            vonage::answer(self, state, request)
        } else if path.starts_with("/api/") {
            qvoice::answer(state, request)
        } else {
            answers::error(origin, request, 404)
        }
    }
}
