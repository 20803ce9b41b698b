//! What is for who runs the service: health, readiness, metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use tokio::time::Instant;

use super::answer;
use super::app::App;
use super::audit::Audit;
use super::metrics::Now;

/// How long it is believed that the sources are in reach, or not.
const BELIEVED: Duration = Duration::from_secs(5);

/// The endpoints.
pub(super) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/healthz", any(alive))
        .route("/readyz", any(ready))
        .route("/metrics", any(metrics))
        .with_state(Arc::clone(app))
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

async fn alive(method: Method) -> Response {
    if !is_read(&method) {
        return answer::not_allowed("GET, HEAD");
    }
    answer::text(StatusCode::OK, "alive\n")
}

/// Whether recordings can be played: the keys are open since the start, the log can be written, and the
/// sources answer.
async fn ready(State(app): State<Arc<App>>, method: Method) -> Response {
    if !is_read(&method) {
        return answer::not_allowed("GET, HEAD");
    }
    let not = |what| answer::text(StatusCode::SERVICE_UNAVAILABLE, what);
    if let Some(audit) = &app.audit
        && audit.try_it().await.is_err()
    {
        return not("the audit log cannot be written\n");
    }
    if !app.in_reach().await {
        return not("a source is out of reach\n");
    }
    answer::text(StatusCode::OK, "ready\n")
}

async fn metrics(State(app): State<Arc<App>>, method: Method) -> Response {
    if !is_read(&method) {
        return answer::not_allowed("GET, HEAD");
    }
    let (recordings, bytes) = app.cache.size();
    let text = app.metrics.text(&Now {
        connections: app.connections.count(),
        recordings,
        bytes,
        is_writable: app.audit.as_ref().is_none_or(Audit::is_writable),
    });
    answer::with_body(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        text,
    )
}

impl App {
    /// Whether the sources are in reach, as of lately. Many who ask wait for the same answer.
    async fn in_reach(self: &Arc<Self>) -> bool {
        let mut reach = self.reach.lock().await;
        if let Some((since, is_in_reach)) = *reach
            && since.elapsed() < BELIEVED
        {
            return is_in_reach;
        }
        let library = Arc::clone(&self.library);
        let asked = tokio::task::spawn_blocking(move || library.in_reach().is_ok()).await;
        let is_in_reach = asked.unwrap_or(false);
        *reach = Some((Instant::now(), is_in_reach));
        is_in_reach
    }
}
