//! One try: a request, through its redirections, to an answer.

use std::future::poll_fn;
use std::pin::Pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body::Body as _;
use jiff::Timestamp;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    LOCATION, RANGE, RETRY_AFTER, TRANSFER_ENCODING,
};
use reqwest::{Body, Response, StatusCode, Version};
use tracing::debug;
use zeroize::Zeroizing;

use super::connect::Clients;
use super::error::{Error, Problem};
use super::failure::{Failure, Then, senseless};
use super::link::Link;
use super::policy::Policy;
use super::problem::LOOKED_AT;
use super::redirect::{self, Hop};
use super::request::{Auth, Request};
use super::retry::asked_wait;
use super::sent::Sent;
use super::told::Asked;

/// What a try asks for beside the request.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner<'a> {
    /// Whether a redirection is looked for in the body.
    pub(super) redirect_in_body: bool,
    /// The first byte that is wanted, of what has this entity tag.
    pub(super) rest: Option<(u64, &'a str)>,
}

/// An answer with a status of 200 to 299, and what of its body was not read yet.
pub(crate) struct Answer {
    /// Whose answer it is, behind all redirections.
    pub(super) link: Link,
    /// Bytes of the body, if that is known.
    pub(super) length: Option<u64>,
    /// What it was asked with, and may give back.
    pub(super) sent: Sent,
    /// What was read of the body already.
    head: Bytes,
    status: StatusCode,
    headers: HeaderMap,
    version: Version,
    body: Body,
}

impl Answer {
    /// The `response` of `link`, which was asked with `sent`.
    pub(super) fn of(link: Link, sent: Sent, mut response: Response) -> Self {
        Self {
            link,
            length: response.content_length(),
            sent,
            head: Bytes::new(),
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            version: response.version(),
            body: response.into(),
        }
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// One of its headers, as far as it is text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What it means where it is none, and what `body` says of that.
    pub(super) fn refused(&self, body: &[u8], in_region: bool) -> Failure {
        let problem = Problem::read(body);
        let (host, status) = (self.link.host(), self.status.as_u16());
        if matches!(status, 408 | 425 | 429 | 500..) {
            let value = self.header(RETRY_AFTER);
            let asked = value.and_then(|value| asked_wait(value, Timestamp::now()));
            let error = Error::Busy {
                host,
                status,
                problem,
                after: None,
            };
            return Failure::new(error, Then::Again(asked));
        }
        let error = Error::Refused {
            host,
            status,
            problem,
            in_region,
        };
        Failure::new(error, Then::Stop)
    }

    /// Whether the body ends otherwise than with the connection.
    pub(super) fn is_delimited(&self) -> bool {
        self.length.is_some()
            || self.headers.contains_key(TRANSFER_ENCODING)
            || self.version >= Version::HTTP_2
    }

    /// The next bytes of the body, some; `None` at its end.
    ///
    /// # Errors
    /// The body broke off.
    pub(super) async fn chunk(&mut self, policy: &Policy) -> Result<Option<Bytes>, Failure> {
        if !self.head.is_empty() {
            return Ok(Some(std::mem::take(&mut self.head)));
        }
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| Failure::of_body(&error, &self.link, policy))?;
            match frame.into_data() {
                Ok(bytes) if !bytes.is_empty() => return Ok(Some(bytes)),
                Ok(_) | Err(_) => {}
            }
        }
        // A stream of HTTP/2 that is reset with NO_ERROR ends like one that has an end (hyper), and
        // proxies break off with it.
        if self.version >= Version::HTTP_2 && !self.body.is_end_stream() {
            return Err(Failure::cut(&self.link, "the stream was reset"));
        }
        Ok(None)
    }

    /// The whole body.
    ///
    /// # Errors
    /// It broke off, is not as long as it was said to be, or longer than `most` bytes.
    pub(super) async fn whole(&mut self, most: usize, policy: &Policy) -> Result<Vec<u8>, Failure> {
        let too_long = senseless(&self.link, format!("it is longer than {most} bytes"));
        if self.length.is_some_and(|length| length > most as u64) {
            return Err(too_long.into());
        }
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(policy).await? {
            if body.len() + chunk.len() > most {
                return Err(too_long.into());
            }
            body.extend_from_slice(&chunk);
        }
        if self
            .length
            .is_some_and(|length| length != body.len() as u64)
        {
            return Err(Failure::cut(
                &self.link,
                "its length is not what was announced",
            ));
        }
        self.sent.mask(&mut body);
        Ok(body)
    }
}

/// Where requests are made.
pub(super) struct Core {
    /// How patient it is.
    pub(super) policy: Policy,
    clients: Clients,
}

impl Core {
    /// Nothing is loaded yet.
    pub(super) fn new(policy: Policy, authorities: Option<(String, Vec<u8>)>) -> Self {
        Self {
            policy,
            clients: Clients::new(policy, authorities),
        }
    }

    /// The same, but with another patience.
    #[cfg(feature = "serve")]
    pub(super) fn as_patient_as(&self, policy: Policy) -> Self {
        Self {
            policy,
            clients: self.clients.with(policy),
        }
    }

    /// The connections.
    #[cfg(feature = "buckets")]
    pub(super) fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Asks once, and goes where the answers lead.
    ///
    /// # Errors
    /// What the last answer says, or what kept it from coming.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        manner: Manner<'_>,
    ) -> Result<Answer, Failure> {
        let mut hop = Hop::first(request)?;
        loop {
            let (response, sent) = self.send(&hop, request, manner).await?;
            let mut answer = Answer::of(hop.link.clone(), sent, response);
            if let Some(place) = self.place(&mut answer, &hop, manner).await? {
                hop = if request.change.is_none() {
                    let next = hop.next(&place)?;
                    debug!(
                        from = hop.link.host(),
                        host = next.link.host(),
                        "led elsewhere"
                    );
                    next
                } else {
                    return Err(hop.not_for_changes(&place).into());
                };
            } else if answer.status().is_success() {
                return readable(answer);
            } else {
                return Err(self.refusal(answer, &hop, request).await);
            }
        }
    }

    /// One request, one answer.
    async fn send(
        &self,
        hop: &Hop,
        request: &Request,
        manner: Manner<'_>,
    ) -> Result<(Response, Sent), Failure> {
        let client = self.clients.to(&hop.link, hop.reach)?;
        let url = hop.link.url().clone();
        let method = request.method();
        let mut builder = client.request(method.clone(), url);
        if let Some(change) = &request.change
            && let Some(kind) = change.body.kind()
        {
            let bytes = change.body.bytes();
            builder = builder.header(CONTENT_TYPE, kind).body(bytes);
        }
        if let Some((first, tag)) = manner.rest {
            builder = builder.header(RANGE, format!("bytes={first}-"));
            builder = builder.header(IF_RANGE, tag);
        }
        let sent = if let Some((name, value)) = credentials(&request.auth, hop)? {
            let sent = given(&request.auth, &value);
            builder = builder.header(name, value);
            if let Auth::Bearer { account, .. } = &request.auth {
                builder = builder.header(account.0, account.1.as_str());
            }
            sent
        } else {
            signatures(&hop.link)
        };
        let asked = Asked::now(&method, &hop.link);
        let response = builder.send().await.map_err(|error| {
            let failure = Failure::of_request(&error, &hop.link, &hop.base, &self.policy);
            asked.failed(&failure);
            failure
        })?;
        asked.answered(&response);
        Ok((response, sent))
    }

    /// Where the answer leads, if it leads elsewhere. What was read of its body is put back.
    async fn place(
        &self,
        answer: &mut Answer,
        hop: &Hop,
        manner: Manner<'_>,
    ) -> Result<Option<String>, Failure> {
        let leads = redirect::leads_elsewhere(answer.status());
        let may_say = manner.redirect_in_body && (leads || hop.followed == 0 && is_json(answer));
        if may_say {
            let body = self.beginning(answer).await;
            // Of a redirection the header is enough.
            let body = if leads {
                body.unwrap_or_default()
            } else {
                body?
            };
            if let Some(place) = redirect::in_body(&body) {
                return Ok(Some(place));
            }
            answer.head = body;
        }
        let place = answer.headers().get(LOCATION).filter(|_| leads);
        Ok(place.map(|place| String::from_utf8_lossy(place.as_bytes()).into_owned()))
    }

    /// The beginning of a body, as far as something is looked for in it. It has to come in the time
    /// in which a byte has to.
    pub(super) async fn beginning(&self, answer: &mut Answer) -> Result<Bytes, Failure> {
        let reading = async {
            let mut body = Vec::new();
            while body.len() < LOOKED_AT {
                match answer.chunk(&self.policy).await {
                    Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                    Ok(None) => break,
                    Err(failure) => return Err(failure),
                }
            }
            Ok(body.into())
        };
        let read = tokio::time::timeout(self.policy.silence, reading).await;
        read.unwrap_or_else(|_| Err(Failure::cut(&answer.link, "it comes too slowly")))
    }

    /// What an answer means that is none.
    async fn refusal(&self, mut answer: Answer, hop: &Hop, request: &Request) -> Failure {
        let body = self.beginning(&mut answer).await.unwrap_or_default();
        let mut body = body.to_vec();
        answer.sent.mask(&mut body);
        if let Some(change) = &request.change {
            Sent::of(change.body.secrets()).mask(&mut body);
        }
        let is_of_a_link = hop.followed > 0 || matches!(request.auth, Auth::None);
        let mut failure = answer.refused(&body, request.in_region && hop.has_auth);
        if let (
            Error::Refused {
                host, status: 403, ..
            },
            true,
        ) = (&failure.error, is_of_a_link)
        {
            failure.then = Then::Renew(host.clone());
        }
        failure
    }
}

/// What was asked for without an encoding has none.
pub(super) fn readable(answer: Answer) -> Result<Answer, Failure> {
    let all_are = |name, encoding: &str| {
        let mut values = answer.headers().get_all(name).iter();
        values.all(|value| value.as_bytes().eq_ignore_ascii_case(encoding.as_bytes()))
    };
    if all_are(CONTENT_ENCODING, "identity") && all_are(TRANSFER_ENCODING, "chunked") {
        return Ok(answer);
    }
    Err(senseless(&answer.link, "it is compressed, which nobody asked for").into())
}

/// The header that says who asks, where credentials go.
fn credentials(auth: &Auth, hop: &Hop) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
    if !hop.has_auth {
        return Ok(None);
    }
    let (name, value) = match auth {
        Auth::None => return Ok(None),
        Auth::Basic { user, secret } => {
            let pair = Zeroizing::new(format!("{user}:{}", secret.as_str()));
            let pair = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
            (
                AUTHORIZATION,
                Zeroizing::new(format!("Basic {}", pair.as_str())),
            )
        }
        Auth::Bearer { token, .. } => (
            AUTHORIZATION,
            Zeroizing::new(format!("Bearer {}", token.as_str())),
        ),
        Auth::Header(name, value) => {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::NoCredentials)?;
            (name, value()?)
        }
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| Error::NoCredentials)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// What of the header that lets us in is a secret, in every form in which it may come back.
fn given(auth: &Auth, value: &HeaderValue) -> Sent {
    let value = value.to_str().unwrap_or_default();
    let token = value.split(' ').next_back().unwrap_or_default();
    let secret = match auth {
        Auth::Basic { secret, .. } => Some(Zeroizing::clone(secret)),
        Auth::None | Auth::Header(..) | Auth::Bearer { .. } => None,
    };
    Sent::of(secret.into_iter().chain([Zeroizing::new(token.to_owned())]))
}

/// What of a link lets in whoever has it: the values of its query, and short ones where they stand
/// behind their names.
fn signatures(link: &Link) -> Sent {
    const SHORTEST: usize = 16;
    let fields = || {
        let query = link.url().query().unwrap_or_default();
        query.split('&').filter(|field| field.contains('='))
    };
    let values = fields().filter_map(|field| Some(field.split_once('=')?.1.to_owned()));
    let decoded = link
        .url()
        .query_pairs()
        .map(|(_, value)| value.into_owned());
    let values = values.chain(decoded);
    let values = values.filter(|value| value.len() >= SHORTEST);
    let fields = fields().map(ToOwned::to_owned);
    Sent::of(fields.chain(values).map(Zeroizing::new))
}

/// Whether it is a short document in JSON.
fn is_json(answer: &Answer) -> bool {
    let kind = answer.header(CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    answer.status() == StatusCode::OK
        && kind.eq_ignore_ascii_case("application/json")
        && answer
            .length
            .is_none_or(|length| length <= LOOKED_AT as u64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn masked(sent: &Sent, text: &str) -> String {
        let mut text = text.as_bytes().to_vec();
        sent.mask(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn what_lets_us_in_is_masked_alone_and_in_its_header() {
        let auth = Auth::Basic {
            user: "user".to_owned(),
            secret: Arc::new(Zeroizing::new("s3cret-of-ours".to_owned())),
        };
        let sent = given(&auth, &HeaderValue::from_static("Basic dXNlcjpz"));
        assert_eq!(
            masked(&sent, "s3cret-of-ours, Basic dXNlcjpz"),
            "**************, Basic ********"
        );
    }

    #[test]
    fn of_a_links_query_what_is_long_is_masked_and_what_is_short_behind_its_name() {
        let url = "https://a.example/b?part=7&sig=0123456789%2Babcde&of=0123456789abcde";
        let sent = signatures(&Link::parse(url).unwrap());
        for (text, expected) in [
            ("0123456789%2Babcde", "******************"),
            ("0123456789+abcde", "****************"),
            ("of=0123456789abcde", "******************"),
            ("0123456789abcde", "0123456789abcde"),
            ("part 7 of b", "part 7 of b"),
        ] {
            assert_eq!(masked(&sent, text), expected);
        }
    }

    /// Answers that come from no server. axum has their type.
    #[cfg(feature = "serve")]
    mod made {
        use std::task::{Context, Poll};

        use http_body::Frame;

        use super::*;

        /// Frames of a body; at their end it breaks off.
        struct Frames(Vec<Bytes>);

        impl http_body::Body for Frames {
            type Data = Bytes;
            type Error = std::io::Error;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
                let frame = self.0.pop().ok_or(std::io::ErrorKind::BrokenPipe.into());
                Poll::Ready(Some(frame.map(Frame::data)))
            }
        }

        fn answer(body: impl Into<Body>) -> Answer {
            let response = Response::from(axum::http::Response::new(body.into()));
            Answer::of(
                Link::parse("https://a.example/").unwrap(),
                Sent::of([]),
                response,
            )
        }

        fn runtime() -> tokio::runtime::Runtime {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap()
        }

        #[test]
        fn a_body_is_as_long_as_the_limit_at_most() {
            for (length, fits) in [(6, true), (7, false)] {
                let body = vec![b'x'; length];
                // Its length is said, and is not.
                let unsaid = Frames(vec![body.clone().into()]);
                let mut unsaid = answer(Body::wrap(unsaid));
                assert_eq!(unsaid.length, None);
                for answer in [&mut answer(body.clone()), &mut unsaid] {
                    let whole = runtime().block_on(answer.whole(6, &Policy::default()));
                    let is_too_long = matches!(whole, Err(ref failure) if matches!(failure.error, Error::Answer { .. }));
                    assert_eq!(is_too_long, !fits);
                }
            }
        }

        #[test]
        fn a_frame_of_no_bytes_is_no_end() {
            let frames = Frames(vec![Bytes::from_static(b"x"), Bytes::new()]);
            let mut answer = answer(Body::wrap(frames));
            let chunk = runtime().block_on(answer.chunk(&Policy::default()));
            assert!(matches!(chunk, Ok(Some(bytes)) if bytes == "x"));
        }

        #[test]
        fn of_a_body_no_more_is_read_than_is_looked_at() {
            let core = Core::new(Policy::default(), None);
            let frames = Frames(vec![vec![b'x'; LOOKED_AT].into()]);
            let mut answer = answer(Body::wrap(frames));
            let beginning = runtime().block_on(core.beginning(&mut answer));
            assert!(matches!(beginning, Ok(bytes) if bytes.len() == LOOKED_AT));
        }
    }
}
