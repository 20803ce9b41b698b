//! Connections: from where they are let in to their end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower_service::Service;
use tracing::{Instrument, debug, debug_span, trace};

use super::answer;
use super::app::App;
use super::client::Client;
use super::connections::{Connection, Full};
use super::endpoints::{is_shared, name, refusal};
use super::media::held;
use super::metrics::Count;
use super::paced::Paced;
use super::tls::Identity;

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(60);

/// How long the beginning of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The longest header, with the line in front of it: "Headers up to 64 KiB".
const HEADER: usize = 68 * 1024;

/// The most headers. Browsers send a score.
const HEADERS: usize = 100;

/// How long accepting rests where the system has no descriptors left.
const REST: Duration = Duration::from_millis(50);

/// How many are told at the same time that there are too many. Others are not told.
const TOLD: usize = 64;

/// A socket that is listened to, and what stands behind it.
pub(super) struct Server {
    pub(super) app: Arc<App>,
    pub(super) router: Router,
    pub(super) identity: Option<Arc<Identity>>,
    /// Whether it is for who runs the service: any host is answered to.
    pub(super) is_admin: bool,
}

impl Server {
    /// Lets connections in until `end` says so, or there are no others to be had.
    pub(super) async fn run(self, listener: TcpListener, end: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let told = Arc::new(Semaphore::new(TOLD));
        let mut ended = end.clone();
        loop {
            let accepted = tokio::select! {
                () = is_over(&mut ended) => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(REST).await;
                continue;
            };
            let is_counted = !this.is_admin && !this.app.settings.behind_proxy;
            let address = is_counted.then(|| peer.ip().to_canonical());
            match this.app.connections.admit(address) {
                Ok(connection) => {
                    this.app.metrics.count(Count::Connections);
                    let (this, end) = (Arc::clone(&this), end.clone());
                    let span = debug_span!("connection", connection = connection.id());
                    let served = this.connection(stream, peer, connection, end);
                    tokio::spawn(served.instrument(span));
                }
                Err(full) => {
                    this.app.metrics.count(Count::Refused);
                    debug!(peer = %peer.ip(), "too many connections");
                    // Over TLS there is nothing that could be said in time.
                    if let (None, Ok(place)) =
                        (&this.identity, Arc::clone(&told).try_acquire_owned())
                    {
                        tokio::spawn(async move {
                            let _place = place;
                            timeout(Duration::from_secs(1), tell(stream, full))
                                .await
                                .ok();
                        });
                    }
                }
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        connection: Connection,
        end: watch::Receiver<bool>,
    ) {
        let connection = Arc::new(connection);
        let Ok(local) = stream.local_addr() else {
            return;
        };
        debug!(peer = %peer, admin = self.is_admin, "connected");
        stream.set_nodelay(true).ok();
        let stream = Paced::new(stream, Arc::clone(connection.turns()));
        let ends = Ends { peer, local };
        match &self.identity {
            None => self.serve(stream, ends, &connection, end).await,
            Some(identity) => {
                let handshake = identity.acceptor().accept(stream);
                let begun = tokio::select! {
                    begun = timeout(HANDSHAKE, handshake) => begun,
                    () = connection.dropped() => return self.app.metrics.count(Count::Refused),
                };
                match begun {
                    Ok(Ok(stream)) => {
                        let (_, tls) = stream.get_ref();
                        let cipher = tls.negotiated_cipher_suite().map(|it| it.suite());
                        trace!(protocol = ?tls.protocol_version(), ?cipher, "encrypted");
                        self.serve(stream, ends, &connection, end).await;
                    }
                    Ok(Err(error)) => debug!(reason = %error, "not encrypted"),
                    Err(_) => debug!(reason = "it took too long", "not encrypted"),
                }
            }
        }
        debug!(requests = connection.turns().count(), "closed");
    }

    /// Answers the requests of a connection, one after another.
    async fn serve<S>(
        &self,
        stream: S,
        ends: Ends,
        connection: &Arc<Connection>,
        mut end: watch::Receiver<bool>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let service = service_fn(|request| self.request(request, ends, connection));
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_buf_size(HEADER)
            .max_headers(HEADERS);
        let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            _ = &mut served => {}
            () = connection.dropped() => self.app.metrics.count(Count::Refused),
            () = is_over(&mut end) => {
                served.as_mut().graceful_shutdown();
                tokio::select! {
                    _ = &mut served => {}
                    () = connection.dropped() => self.app.metrics.count(Count::Refused),
                }
            }
        }
    }

    async fn request(
        &self,
        request: hyper::Request<Incoming>,
        ends: Ends,
        connection: &Arc<Connection>,
    ) -> Result<Response, Infallible> {
        let turn = connection.request();
        let start = Instant::now();
        let method = request.method().clone();
        let app = &self.app;
        let asked = request.headers().clone();
        let endpoint = name(request.uri().path(), &app.settings.flex_path);
        let behind_proxy = app.settings.behind_proxy && !self.is_admin;
        let client = Client::of(ends.peer, &asked, behind_proxy);
        let span = debug_span!(
            "request",
            request = %format_args!("{}.{}", connection.id(), connection.turns().count()),
            address = client.address.map(tracing::field::display),
            recording = tracing::field::Empty,
        );
        // Where connections are a proxy's, requests are what is counted.
        let place = match client.address.filter(|_| behind_proxy) {
            Some(address) => app.connections.enter(address).map(Some),
            None => Ok(None),
        };
        let refused = if self.is_admin {
            None
        } else {
            refusal(app, ends.local.ip(), &request)
        };
        let (mut response, place) = match (refused, place) {
            (Some(response), place) => (response, place.ok().flatten()),
            (None, Err(_)) => {
                app.metrics.count(Count::Refused);
                (answer::too_many(), None)
            }
            (None, Ok(place)) => {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(client);
                let answer = self.router.clone().call(request);
                let Ok(response) = answer.instrument(span.clone()).await;
                (response, place)
            }
        };
        let headers = response.headers_mut();
        if is_shared(endpoint) {
            answer::share(headers, &asked, &app.settings.origins);
        }
        answer::vary(headers);
        answer::harden(headers);
        let status = response.status().as_u16();
        app.metrics.answered(endpoint, status);
        let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        debug!(parent: &span, method = method.as_str(), endpoint, status, ms, "answered");
        Ok(response.map(|body| held(body, (turn, place))))
    }
}

/// Waits for the end.
async fn is_over(end: &mut watch::Receiver<bool>) {
    end.wait_for(|end| *end).await.ok();
}

/// Both ends of a connection.
#[derive(Clone, Copy)]
struct Ends {
    peer: SocketAddr,
    local: SocketAddr,
}

/// Says that there are too many, without a look at what is asked.
async fn tell(mut stream: TcpStream, full: Full) -> std::io::Result<()> {
    let status = match full {
        Full::Address => "429 Too Many Requests",
        Full::All => "503 Service Unavailable",
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // What was sent is read: else the system resets the connection, and the answer is lost.
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
