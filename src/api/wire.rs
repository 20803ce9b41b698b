//! [`Wire`]: this client under the requests of `object_store`, which signs them and reads what is
//! answered in XML. What fails, what is tried again and what may be believed is decided here.

use std::error::Error as Cause;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION};
use reqwest::{Body, Method, StatusCode};
use url::{Host, Url};
use zeroize::Zeroizing;

use super::client::{Client, JSON, Media, Way};
use super::connect::{Clients, Reach};
use super::credentials::is_label;
use super::error::{Error, Problem};
use super::exchange::{Answer, readable};
use super::failure::{Failure, Then, astray};
use super::link::{Link, LinkError};
use super::media::Asking;
use super::policy::Policy;
use super::problem::{LOOKED_AT, element};
use super::remote::{Attempts, Download};
use super::retry::Tries;
use super::sent::Sent;
use super::told::Asked;

/// How long a server may be silent while it is given something: that time is the upload's.
const UPLOAD: Duration = Duration::from_secs(5 * 60);

/// How long the services are waited for that give a cloud's own machines their credentials. Other
/// machines have none, and then nobody answers.
const METADATA: Duration = Duration::from_secs(2);

/// The header in which S3 says where a bucket is.
const REGION: &str = "x-amz-bucket-region";

/// The client, as `object_store` takes it.
#[derive(Clone)]
pub(crate) struct Wire {
    client: Client,
    uploads: Arc<Clients>,
    metadata: Arc<Clients>,
}

/// In a request: its answer's body is to stay unread, and be had from the answer's [`Unread`].
#[derive(Clone)]
pub(crate) struct LeaveUnread;

/// An answer whose body was not read.
#[derive(Clone)]
pub(crate) struct Unread(Arc<Mutex<Option<Answer>>>);

/// A request that failed, for whoever finds it below `object_store`'s own errors.
#[derive(Debug)]
struct Undone(Failure);

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl Cause for Undone {}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Unread {
    /// The answer, once.
    pub(crate) fn take(&self) -> Option<Answer> {
        self.0.lock().ok()?.take()
    }
}

impl Wire {
    /// Over the connections of `client`. Nothing is loaded yet.
    pub(super) fn new(client: Client) -> Self {
        let policy = client.core().policy;
        let with = |policy| Arc::new(client.core().clients().with(policy));
        let uploads = with(Policy {
            silence: UPLOAD,
            ..policy
        });
        let metadata = with(Policy {
            connect: METADATA,
            silence: METADATA,
            ..policy
        });
        Self {
            client,
            uploads,
            metadata,
        }
    }

    /// Waits for `work`, of which `host` is part.
    ///
    /// # Errors
    /// Those of `work`; [`Error::Unreachable`] where the system gives no threads for it.
    pub(crate) fn run<T>(
        &self,
        host: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.client.run(host, work)
    }

    /// Tries that are as patient as this client.
    pub(crate) fn tries(&self) -> Tries {
        Tries::new(self.client.core().policy)
    }

    /// Begins to read media for which `ask` asks at `host`.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn media(
        &self,
        host: String,
        ask: Asking,
        attempts: &Attempts,
    ) -> Result<Download, Error> {
        let media = Media {
            way: Way::Storage(host, ask),
            redirect_in_body: false,
            missing_until: None,
            renew: None,
        };
        self.client.media(media, attempts)
    }

    /// One request, and its answer where that is a success.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).ok();
        let url = url.ok_or_else(|| Failure::from(Error::Credentials("the endpoint is no URL")))?;
        let (link, client) = self.client_for(url, body.content_length())?;
        let sent = Sent::of(secrets(&link, &parts.headers));
        let stays_unread = parts.extensions.get::<LeaveUnread>().is_some();
        let method = parts.method;
        let (is_head, is_post) = (method == Method::HEAD, method == Method::POST);
        let mut request = reqwest::Request::new(method.clone(), link.url().clone());
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(Body::wrap(body));

        let policy = &self.client.core().policy;
        let asked = Asked::now(&method, &link);
        let response = client.execute(request).await.map_err(|error| {
            let failure = Failure::of_request(&error, &link, &link, policy);
            asked.failed(&failure);
            of_a_service(&link)(failure)
        })?;
        asked.answered(&response);
        let mut answer = Answer::of(link.clone(), sent, response);
        let status = answer.status();
        if !status.is_success() {
            if is_metadata_service(answer.link.url()) {
                return Err(no_role().into());
            }
            return Err(self.refusal(&mut answer).await);
        }
        let mut answer = readable(answer)?;
        let mut response = HttpResponse::new(HttpResponseBody::from(Vec::new()));
        *response.status_mut() = status;
        response.headers_mut().clone_from(answer.headers());
        if is_head {
            return Ok(response);
        }
        if stays_unread {
            let unread = Unread(Arc::new(Mutex::new(Some(answer))));
            response.extensions_mut().insert(unread);
        } else {
            let body = answer.whole(JSON, policy).await?;
            // "A `200 OK` response can contain either a success or an error": Amazon S3's
            // `CompleteMultipartUpload`, which is for trying again.
            if let (true, Some(problem)) = (is_post, Problem::of_error_page(&body)) {
                let (host, status) = (answer.link.host(), status.as_u16());
                return Err(Failure::again(Error::Busy {
                    host,
                    status,
                    problem: Some(problem),
                    after: None,
                }));
            }
            *response.body_mut() = body.into();
        }
        Ok(response)
    }

    /// What asks at `url`, and gives so many bytes there.
    fn client_for(&self, url: Url, given: usize) -> Result<(Link, &reqwest::Client), Failure> {
        let link = match Link::of(url.clone()) {
            Ok(link) => link,
            Err(LinkError::NotEncrypted) if is_metadata_service(&url) => {
                let link = Link::unencrypted(url);
                let client = self.metadata.to(&link, Reach::Anywhere)?;
                return Ok((link, client));
            }
            Err(error) => {
                return Err(Error::Credentials(match error {
                    LinkError::NotEncrypted => {
                        "the endpoint is http, which is for this machine only"
                    }
                    LinkError::UserInfo => "the endpoint has a user name in it",
                    LinkError::Malformed => "the endpoint is no URL",
                })
                .into());
            }
        };
        let client = match given {
            0 => self.client.core().clients().to(&link, Reach::Anywhere)?,
            _ => self.uploads.to(&link, Reach::Anywhere)?,
        };
        Ok((link, client))
    }

    /// What an answer means that is none.
    async fn refusal(&self, answer: &mut Answer) -> Failure {
        let status = answer.status();
        let core = self.client.core();
        let mut body = core.beginning(answer).await.unwrap_or_default().to_vec();
        answer.sent.mask(&mut body);
        let text = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(&body)).into_owned();
        let told = answer.headers().get(REGION).and_then(|it| it.to_str().ok());
        let region = told.or_else(|| element(&text, "Region"));
        let region = region.filter(|region| is_label(region));
        if let (true, Some(region)) = (may_be_elsewhere(status), region) {
            let host = answer.link.host();
            let region = region.to_owned();
            return Error::OtherRegion { host, region }.into();
        }
        if let (true, Some(place)) = (status.is_redirection(), answer.headers().get(LOCATION)) {
            let place = String::from_utf8_lossy(place.as_bytes());
            let place = answer.link.shown(&place);
            return astray(&answer.link, place, "and is no answer of a bucket's").into();
        }
        answer.refused(&body, false)
    }
}

/// Statuses with which S3 says that a bucket is in another region.
fn may_be_elsewhere(status: StatusCode) -> bool {
    status.is_redirection() || status == StatusCode::BAD_REQUEST
}

/// Whether it is one of the services that a cloud has for its own machines, which speak no https.
fn is_metadata_service(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            matches!(address.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, _])
        }
        Some(Host::Domain(name)) => matches!(name, "metadata.google.internal" | "metadata"),
        None => false,
    }
}

/// Who asks such a service has no credentials of its own; and nor has this machine, if none answers.
fn of_a_service(link: &Link) -> impl Fn(Failure) -> Failure {
    let is_one = is_metadata_service(link.url());
    move |failure| match failure.then {
        Then::Again(_) if is_one => no_role().into(),
        _ => failure,
    }
}

/// This machine was given no role.
fn no_role() -> Error {
    Error::Without(
        "there are no credentials for the bucket: none are set, and this machine has no role"
            .to_owned(),
    )
}

/// What of a request lets in whoever has it: two headers, and the signature of Azure's SAS, as it stands
/// in the query and decoded. Everything else there is what is asked for, and stands in the answers.
fn secrets(link: &Link, headers: &HeaderMap) -> Vec<Zeroizing<String>> {
    let names = [AUTHORIZATION.as_str(), "x-amz-security-token"];
    let of_headers = names
        .iter()
        .filter_map(|name| Some(headers.get(*name)?.to_str().ok()?.to_owned()));
    let url = link.url();
    let decoded = url.query_pairs().filter(|(name, _)| name == "sig");
    let decoded = decoded.map(|(_, value)| value.into_owned());
    let fields = url.query().unwrap_or_default().split('&');
    let raw = fields.filter_map(|field| Some(field.strip_prefix("sig=")?.to_owned()));
    let all = of_headers.chain(decoded).chain(raw);
    all.map(Zeroizing::new).collect()
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.send(request).await;
        answer.map_err(|failure| HttpError::new(HttpErrorKind::Unknown, Undone(failure)))
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl Failure {
    /// What an error of `object_store` means at `host`: what this client had found, else that it
    /// could not make sense of an answer.
    pub(crate) fn of_store(error: &object_store::Error, host: &str) -> Self {
        let first: &(dyn Cause + 'static) = error;
        let causes = || std::iter::successors(Some(first), |error| Cause::source(*error));
        let found = causes().find_map(|error| error.downcast_ref::<Undone>());
        if let Some(Undone(failure)) = found {
            return failure.clone();
        }
        // Its own texts have URLs in them, with signatures.
        let reason = causes().last().filter(|last| !std::ptr::eq(*last, first));
        let reason = reason.map_or_else(|| "it makes no sense".to_owned(), ToString::to_string);
        Error::Answer {
            host: host.to_owned(),
            reason,
        }
        .into()
    }

    /// An answer of `host`'s that makes no sense.
    pub(crate) fn senseless(host: &str, reason: &str) -> Self {
        Error::Answer {
            host: host.to_owned(),
            reason: reason.to_owned(),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_services_of_a_cloud_are_known_by_their_addresses() {
        for (url, is_one) in [
            ("http://169.254.169.254/latest/", true),
            ("http://[fd00:ec2::254]/latest/", true),
            ("http://metadata.google.internal/", true),
            ("http://metadata/", true),
            ("http://169.253.169.254/", false),
            ("http://10.0.0.1/", false),
            ("http://[fd00:ec2:1::254]/", false),
            ("http://[fe80::1]/", false),
            ("http://metadata.google.internal.example.com/", false),
            ("http://localhost/", false),
        ] {
            assert_eq!(is_metadata_service(&url.parse().unwrap()), is_one, "{url}");
        }
    }

    #[test]
    fn who_asks_is_patient_with_uploads_and_not_with_the_services_of_a_cloud() {
        let client = Client::with(Policy::default(), None);
        let wire = Wire::new(client.clone());
        let at = |clients: &Clients, text: &str| {
            let link = Link::unencrypted(text.parse().unwrap());
            std::ptr::from_ref(clients.to(&link, Reach::Anywhere).unwrap())
        };
        for (url, given, clients) in [
            ("https://b.example/k", 0, client.core().clients()),
            ("https://b.example/k", 7, &wire.uploads),
            ("http://127.0.0.1:9000/k", 0, client.core().clients()),
            ("http://169.254.169.254/latest/", 0, &wire.metadata),
        ] {
            let (_, found) = wire.client_for(url.parse().unwrap(), given).ok().unwrap();
            assert_eq!(std::ptr::from_ref(found), at(clients, url), "{url} {given}");
        }
        for url in [
            "http://b.example/k",
            "http://10.0.0.1/k",
            "https://user@b.example/k",
        ] {
            let error = wire
                .client_for(url.parse().unwrap(), 0)
                .err()
                .unwrap()
                .error;
            assert!(matches!(error, Error::Credentials(_)), "{url}: {error}");
        }
    }

    #[test]
    fn where_no_service_of_a_cloud_answers_there_is_no_role() {
        let unreachable = || {
            Failure::again(Error::Unreachable {
                host: "h".to_owned(),
                reason: "r".to_owned(),
            })
        };
        for (url, has_none) in [
            ("http://169.254.169.254/latest/", true),
            ("https://b.example/k", false),
        ] {
            let link = Link::unencrypted(url.parse().unwrap());
            let error = of_a_service(&link)(unreachable()).error;
            assert_eq!(matches!(error, Error::Without(_)), has_none, "{url}");
        }
        let final_one = Failure::from(Error::NoCredentials);
        let link = Link::unencrypted("http://169.254.169.254/".parse().unwrap());
        assert_eq!(of_a_service(&link)(final_one).error, Error::NoCredentials);
    }

    #[test]
    fn what_lets_in_is_a_secret_as_it_stands_and_decoded() {
        let link = Link::parse("https://a.example/b?sv=2024&sig=ab%2Bcd%3D&sigma=no").unwrap();
        let headers: HeaderMap = [
            (AUTHORIZATION.as_str(), "AWS4-HMAC-SHA256 Signature=1f"),
            ("x-amz-security-token", "of a session"),
            ("x-amz-date", "20261130T000000Z"),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
        let secrets: Vec<_> = secrets(&link, &headers)
            .iter()
            .map(|secret| secret.to_string())
            .collect();
        assert_eq!(
            secrets,
            [
                "AWS4-HMAC-SHA256 Signature=1f",
                "of a session",
                "ab+cd=",
                "ab%2Bcd%3D"
            ]
        );
    }

    #[test]
    fn a_bucket_may_be_elsewhere_by_these_statuses() {
        let may = |status| may_be_elsewhere(StatusCode::from_u16(status).unwrap());
        assert!([301, 307, 400].into_iter().all(may));
        assert!(![200, 401, 403, 404, 500].into_iter().any(may));
    }
}
