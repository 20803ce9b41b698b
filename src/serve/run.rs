//! [`run`]: everything is opened, then it is served until a signal ends it.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::admin;
use super::app::{App, now};
use super::audit::Audit;
use super::cache::{Cache, Missing};
use super::connections::Connections;
use super::endpoints;
use super::error::Error;
use super::flex::Flex;
use super::heard::Heard;
use super::link::{Kind, LinkKeys, Origin};
use super::metrics::Metrics;
use super::observer::{Event, Observer};
use super::rate::Rate;
use super::rule::Rule;
use super::server::Server;
use super::settings::{LinkKeysFrom, Settings};
use super::tls::Identity;
use crate::io::{Signal, raise_descriptors, read_file, take_over_signals};
use crate::job::Library;
use crate::job::redact::shown_of_secret;

/// The most connections.
const CONNECTIONS: usize = 2048;

/// The most requests for links that an address makes in a second.
const LINKS_A_SECOND: u32 = 256;

/// How long requests that are being answered are waited for at the end.
const GRACE: Duration = Duration::from_secs(30);

/// The longest file of link keys.
const LINK_KEYS: u64 = 1 << 20;

/// What waits to be said of recordings that are not played. More are counted only.
const WAITING: usize = 64;

/// How much is said of them in a second.
const LINES_A_SECOND: u32 = 10;

/// Bytes that the system keeps of an answer that a client is slow to take.
const SEND_BUFFER: u32 = 256 * 1024;

/// Connections that wait to be let in.
const BACKLOG: u32 = 1024;

/// The links that `--demo` prints.
const DEMO_LINKS: usize = 20;

/// How long these are good.
const DEMO_TTL: Duration = Duration::from_secs(60 * 60);

/// What can be replaced while it runs, and who is told.
struct Running<'a> {
    app: Arc<App>,
    identity: Option<Arc<Identity>>,
    observer: &'a dyn Observer,
}

/// Serves the recordings of `library`, of which the keys are open, until SIGINT or SIGTERM.
///
/// # Errors
/// See [`Error`]: what was not to be had at the start.
pub(crate) fn run(
    settings: Settings,
    library: Library,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let library = Arc::new(library);
    raise_descriptors();
    let serving = serve(settings, Arc::clone(&library), observer);
    library.api().run(serving).ok_or(Error::NoThreads)?
}

async fn serve(
    settings: Settings,
    library: Arc<Library>,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let links = RwLock::new(Arc::new(link_keys(&settings.link_keys)?));
    let identity = settings.tls.clone().map(Identity::open).transpose()?;
    let identity = identity.map(Arc::new);
    let audit = settings.audit_log.as_deref().map(Audit::open).transpose()?;
    let listener = bind(settings.listen)?;
    let at = address(&listener, settings.listen)?;
    let metrics = Arc::new(Metrics::default());
    let (told, mut missing) = mpsc::channel(WAITING);
    let app = Arc::new(App {
        base: settings.base(at),
        hosts: hosts(&settings, at.ip()),
        links,
        audit,
        flex: flex(&settings, &library, observer),
        rule: settings
            .authz_command
            .clone()
            .map(|command| Rule::new(command, |name| observer.variable(name))),
        rate: Rate::new(LINKS_A_SECOND),
        heard: Heard::default(),
        used: tokio::sync::Mutex::default(),
        connections: Connections::new(CONNECTIONS, settings.per_address),
        cache: Cache::new(
            Arc::clone(&library),
            Arc::clone(&metrics),
            told,
            settings.cache,
        ),
        metrics,
        reach: tokio::sync::Mutex::default(),
        library,
        settings,
    });
    let (sender, mut signals) = mpsc::unbounded_channel();
    take_over_signals(move |signal| sender.send(signal).is_ok());
    let (end, ended) = watch::channel(false);
    let public = endpoints::public(&app);
    let is_one = app.settings.admin_listen == Some(app.settings.listen);
    let public = if is_one {
        public.merge(admin::router(&app))
    } else {
        public
    };
    let own = if is_one {
        None
    } else {
        let wanted = app.settings.admin_listen;
        let wanted = wanted.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = bind(wanted)?;
        let at = address(&listener, wanted)?;
        Some((listener, at))
    };
    let scheme = if identity.is_some() { "https" } else { "http" };
    observer.event(Event::Listening(&format!("{scheme}://{at}")));
    spawn(&app, public, identity.clone(), false, listener, &ended);
    if let Some((listener, at)) = own {
        observer.event(Event::Admin(&format!("http://{at}")));
        spawn(&app, admin::router(&app), None, true, listener, &ended);
    }
    drop(ended);
    if app.settings.demo {
        tell_links(&app, observer).await?;
    }
    let running = Running {
        app,
        identity,
        observer,
    };
    let lines = Rate::new(LINES_A_SECOND);
    loop {
        tokio::select! {
            signal = signals.recv() => match signal {
                Some(Signal::Hangup) => running.reload().await,
                Some(Signal::End(_)) | None => break,
            },
            Some((id, why)) = missing.recv() => {
                if lines.admits(None, now().as_secs()) {
                    running.tell(&id, &why);
                }
            }
        }
    }
    // Another signal does not wait.
    drop(signals);
    end.send_replace(true);
    running.finish().await;
    Ok(())
}

fn spawn(
    app: &Arc<App>,
    router: axum::Router,
    identity: Option<Arc<Identity>>,
    is_admin: bool,
    listener: TcpListener,
    end: &watch::Receiver<bool>,
) {
    let app = Arc::clone(app);
    let server = Server {
        app,
        router,
        identity,
        is_admin,
    };
    tokio::spawn(server.run(listener, end.clone()));
}

fn bind(at: SocketAddr) -> Result<TcpListener, Error> {
    let bound = || {
        let socket = if at.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        // Connections have it from here on.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(at)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|error| Error::Listen(at, error))
}

fn address(listener: &TcpListener, wanted: SocketAddr) -> Result<SocketAddr, Error> {
    let at = listener.local_addr();
    at.map_err(|error| Error::Listen(wanted, error))
}

/// The names that are answered to.
fn hosts(settings: &Settings, at: IpAddr) -> Vec<String> {
    let mut hosts = settings.hosts.clone();
    let public = settings.public_url.as_ref();
    hosts.extend(public.and_then(|url| Some(url.host_str()?.to_ascii_lowercase())));
    if at.is_loopback() {
        hosts.push("localhost".to_owned());
    }
    hosts
}

fn link_keys(from: &LinkKeysFrom) -> Result<LinkKeys, Error> {
    match from {
        LinkKeysFrom::Random => LinkKeys::random().map_err(Error::NoLinkKey),
        LinkKeysFrom::File(path) => read_link_keys(path),
    }
}

/// Reads the keys that sign links.
///
/// # Errors
/// See [`Error`].
pub(crate) fn read_link_keys(path: &Path) -> Result<LinkKeys, Error> {
    let name = shown_of_secret(path);
    match read_file(path, LINK_KEYS) {
        Ok(bytes) => LinkKeys::parse(&bytes).map_err(|error| Error::LinkKeys(name, error)),
        Err(error) => Err(Error::LinkKeysUnread(name, error)),
    }
}

fn flex(settings: &Settings, library: &Library, observer: &dyn Observer) -> Option<Flex> {
    let account = settings.account.as_ref().filter(|_| !settings.demo)?;
    match library.api().flex_tokens(account) {
        Ok(tokens) => Some(Flex::new(tokens, settings.roles.clone())),
        Err(error) => {
            observer.event(Event::NoTokens(&error));
            None
        }
    }
}

/// A link for each recording.
async fn tell_links(app: &App, observer: &dyn Observer) -> Result<(), Error> {
    let library = Arc::clone(&app.library);
    let ids = tokio::task::spawn_blocking(move || library.ids(DEMO_LINKS)).await;
    let ids = ids.map_err(|_| Error::NoThreads)??;
    if ids.is_empty() {
        observer.event(Event::NoRecordings);
    }
    for id in ids {
        let link = app.link(&id, "demo", Kind::Listen, DEMO_TTL, Some(Origin::Link));
        if let Some((token, _)) = link {
            let url = format!("{}/listen/{token}", app.base);
            observer.event(Event::Link { id: &id, url: &url });
        }
    }
    Ok(())
}

impl Running<'_> {
    /// Tells why a recording is not played, which its listeners are not told.
    fn tell(&self, id: &str, why: &Missing) {
        if let Missing::Unusable(why) | Missing::Unreachable(why) = why {
            self.observer.event(Event::NotPlayed { id, why });
        }
    }

    /// Reads again what files have: keys, link keys, the certificate; goes on in another log where the
    /// old one was moved away; and forgets what was verified.
    async fn reload(&self) {
        let kept = |what, error: &dyn std::error::Error| {
            self.observer.event(Event::Kept { what, error });
        };
        let (app, library) = (&self.app, &self.app.library);
        if let Err(error) = self.observer.reload_keys(library) {
            kept("the private keys", &error);
        }
        if let LinkKeysFrom::File(path) = &app.settings.link_keys {
            match read_link_keys(path) {
                Ok(keys) => {
                    let mut links = app.links.write().unwrap_or_else(PoisonError::into_inner);
                    *links = Arc::new(keys);
                }
                Err(error) => kept("the link keys", &error),
            }
        }
        if let Some(Err(error)) = self.identity.as_ref().map(|identity| identity.reload()) {
            kept("the certificate", &error);
        }
        if let Some(audit) = &app.audit
            && let Err(error) = audit.reopen().await
        {
            kept("the audit log", &error);
        }
        app.cache.empty();
        self.observer.event(Event::Reloaded);
    }

    /// Waits for what is being answered, and for what is to be written of it.
    async fn finish(self) {
        let Self { app, .. } = self;
        let until = Instant::now() + GRACE;
        wait(&app, until).await;
        app.connections.drop_all();
        wait(&app, Instant::now() + Duration::from_secs(1)).await;
        if let Some(audit) = &app.audit {
            audit.close().await.ok();
        }
    }
}

/// Waits until nobody else has to do with it: neither connections nor what is to be written of them.
async fn wait(app: &Arc<App>, until: Instant) {
    const LOOK: Duration = Duration::from_millis(10);
    while Arc::strong_count(app) > 1 && Instant::now() < until {
        sleep(LOOK).await;
    }
}
