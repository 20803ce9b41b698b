//! Vonage: archives, of applications (the unified Video API) and of `OpenTok`'s projects.

mod storage;

use std::sync::Arc;
use std::{iter, vec};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::answer::{self, Ask, Scalar, element, lacks, read, unusable};
use super::client::{Auth, Media, Renew, Request, Way};
use super::credentials::{Application, OpenTok, Proof, Vonage};
use super::error::Error;
use super::hosts::{self, Hosts, Service};
use super::jwt;
use super::link::Link;
use super::pages::{Offset, Page, Pages, Step};
use super::remote::{Place, Remote, Resource, Selection, State};
use crate::provider::{IdKind, Provider};

pub(crate) use self::storage::{Fallback, Storage, Target};

/// Archives on a page, at most.
const COUNT: &str = "1000";

/// How old a link is when nobody tries it any more: "The download URL is obfuscated, and the file is
/// only available from the URL for 10 minutes."
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// One of the two APIs, and who asks it: for the archives of one application or project.
#[derive(Clone)]
pub(super) struct Project {
    ask: Arc<dyn Ask>,
    service: Service,
    base: Link,
    id: String,
    auth: Auth,
}

/// An archive, as far as it is read.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Archive<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    application_id: Scalar<'a>,
    project_id: Scalar<'a>,
    partner_id: Scalar<'a>,
    session_id: Scalar<'a>,
    created_at: Scalar<'a>,
    duration: Scalar<'a>,
    size: Scalar<'a>,
    sha256sum: Scalar<'a>,
    status: Scalar<'a>,
    reason: Scalar<'a>,
    url: Scalar<'a>,
}

/// A page of archives.
#[derive(Default, Deserialize)]
#[serde(default)]
struct List<'a> {
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
    count: Scalar<'a>,
}

/// The id of an archive alone.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Id<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
}

/// What there are credentials for, in the order in which it is asked: the unified API, `OpenTok`.
pub(super) fn projects(ask: &Arc<dyn Ask>, hosts: &Hosts, credentials: &Vonage) -> Vec<Project> {
    let application = credentials.application.as_ref();
    let application = application.map(|application| {
        let id = application.id.clone();
        (Service::VonageVideo, id, proof(application))
    });
    let opentok = credentials.opentok.as_ref();
    let opentok = opentok.map(|opentok| {
        let id = opentok.key.clone();
        (Service::OpenTok, id, header(opentok))
    });
    let all = application.into_iter().chain(opentok);
    all.filter_map(|(service, id, auth)| {
        Some(Project {
            ask: ask.clone(),
            service,
            base: hosts.base(service, None).ok()?,
            id,
            auth,
        })
    })
    .collect()
}

/// "Authorization: Bearer", and a token that the application's private key signed; or "Basic", which
/// the page of S3's server-side encryption has in its place.
fn proof(application: &Application) -> Auth {
    let id = application.id.clone();
    let key = match &application.proof {
        Proof::Key(key) => Arc::clone(key),
        Proof::Secret(secret) => {
            return Auth::Basic {
                user: id,
                secret: Arc::new(secret.clone()),
            };
        }
    };
    let token = move || {
        let token = jwt::of_application(&id, key.as_ref(), Timestamp::now())?;
        Ok(Zeroizing::new(format!("Bearer {}", *token)))
    };
    Auth::Header("authorization", Arc::new(token))
}

/// "X-OPENTOK-AUTH", and a token that was made with the API secret.
fn header(opentok: &OpenTok) -> Auth {
    let (key, secret) = (opentok.key.clone(), opentok.secret.clone());
    let token = move || jwt::of_project(&key, &secret, Timestamp::now());
    Auth::Header("x-opentok-auth", Arc::new(token))
}

/// What is said of the archive `id`, by the first that knows it. Where all refuse, the one that says
/// most is heard: who does not know an archive says less than who is not to be asked.
///
/// # Errors
/// See [`Error`].
pub(super) fn recording(projects: &[Project], id: &str) -> Result<Remote, Error> {
    let mut refused: Option<Error> = None;
    for project in projects {
        let error = match project.recording(id) {
            Err(error) if is_refusal(&error) => error,
            other => return other,
        };
        if refused
            .as_ref()
            .is_none_or(|first| is_unknown(first) && !is_unknown(&error))
        {
            refused = Some(error);
        }
    }
    Err(refused.unwrap_or(Error::NoCredentials))
}

/// The archives of `selection`: all, or those of a session. What one API refuses, the other is asked
/// for.
///
/// # Errors
/// [`Error::NoCredentials`], where the group is not a session.
pub(super) fn list(projects: Vec<Project>, selection: &Selection) -> Result<Lists, Error> {
    let session = match &selection.group {
        None => None,
        Some(Resource {
            kind: IdKind::Session,
            id,
            ..
        }) => Some(id.clone()),
        Some(_) => return Err(Error::NoCredentials),
    };
    Ok(Lists {
        projects: projects.into_iter(),
        session,
        list: None,
        is_first: true,
        is_known: false,
        unknown: None,
    })
}

/// The archives of all projects, one project after another. That one does not know a session is
/// only an error if no other does.
pub(super) struct Lists {
    projects: vec::IntoIter<Project>,
    session: Option<String>,
    list: Option<Box<dyn Iterator<Item = Result<Remote, Error>> + Send>>,
    /// Whether nothing came of `list` yet.
    is_first: bool,
    is_known: bool,
    unknown: Option<Error>,
}

impl Iterator for Lists {
    type Item = Result<Remote, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(list) = &mut self.list else {
                let Some(project) = self.projects.next() else {
                    return self.unknown.take().filter(|_| !self.is_known).map(Err);
                };
                self.list = Some(project.list(self.session.clone()));
                self.is_first = true;
                continue;
            };
            match list.next() {
                Some(Err(error))
                    if self.is_first && self.session.is_some() && is_unknown(&error) =>
                {
                    self.unknown.get_or_insert(error);
                    self.list = None;
                }
                Some(item) => {
                    self.is_first = false;
                    self.is_known |= item.is_ok();
                    return Some(item);
                }
                None => {
                    self.is_known |= self.is_first;
                    self.list = None;
                }
            }
        }
    }
}

/// The media of `remote`. A link that has expired is renewed by asking for the archive again; so is
/// one that came with a list some time ago.
///
/// # Errors
/// See [`Error`].
pub(super) fn media(projects: &[Project], remote: &Remote) -> Result<Media, Error> {
    let request = request(remote)?;
    let project = projects.iter().find(|project| {
        let link = project.archive(&remote.id).ok();
        link.is_some() && link == request.told_by
    });
    let renew = project.map(|project| -> Renew {
        let (project, id) = (project.clone(), remote.id.clone());
        Arc::new(move || self::request(&project.recording(&id)?))
    });
    let is_old = match remote.place {
        Place::Told { at, .. } => Timestamp::now().duration_since(at) > FRESH,
        _ => false,
    };
    Ok(Media {
        way: Way::Request(Box::new(match &renew {
            Some(renew) if is_old => renew()?,
            _ => request,
        })),
        redirect_in_body: false,
        missing_until: None,
        renew,
    })
}

fn request(remote: &Remote) -> Result<Request, Error> {
    match &remote.place {
        Place::Told { link, by, .. } => Ok(Request {
            link: link.clone(),
            auth: Auth::None,
            told_by: Some(by.clone()),
            in_region: false,
            change: None,
        }),
        Place::Unusable { host, reason } => Err(unusable(host, reason)),
        Place::Nowhere | Place::Api { .. } => Err(Error::Gone {
            id: remote.id.clone(),
            state: remote.state.clone(),
        }),
    }
}

impl Project {
    fn recording(&self, id: &str) -> Result<Remote, Error> {
        let document = self.answer(&self.archive(id)?)?;
        let said = read(&self.base.host(), &document)?;
        self.remote(&document, &said, Some(id))
    }

    fn list(
        self,
        session: Option<String>,
    ) -> Box<dyn Iterator<Item = Result<Remote, Error>> + Send> {
        let first = match self.page(0, session.as_deref()) {
            Ok(first) => first,
            Err(error) => return Box::new(iter::once(Err(error))),
        };
        let mut offset = Offset::default();
        Box::new(Pages::new(first, move |link| {
            let (items, is_more) = self.items(&self.answer(link)?, &mut offset)?;
            let next = is_more.then(|| self.page(offset.at(), session.as_deref()));
            Ok(Page {
                items,
                next: next.transpose()?,
            })
        }))
    }

    /// Reads a page: what is new of it, and whether there are more.
    fn items(
        &self,
        bytes: &[u8],
        offset: &mut Offset,
    ) -> Result<(Vec<Result<Remote, Error>>, bool), Error> {
        let host = &self.base.host();
        let list: List<'_> = read(host, bytes)?;
        let items = list
            .items
            .ok_or_else(|| lacks(host, bytes, "list of archives"))?;
        let id = |raw: &&'_ RawValue| -> Option<String> {
            let said: Id<'_> = serde_json::from_str(raw.get()).ok()?;
            said.id.owned()
        };
        let ids: Vec<_> = items.iter().map(id).collect();
        let ids: Vec<_> = ids.iter().map(Option::as_deref).collect();
        let (new, is_more) = match offset.step(&ids, list.count.whole()) {
            Step::Back => (Vec::new(), true),
            Step::More(new) => (new, true),
            Step::Last(new) => (new, false),
            Step::Stuck => return Err(unusable(host, "its list promises more than comes")),
        };
        let new = new.into_iter().filter_map(|place| items.get(place));
        let one = |raw: &&RawValue| self.remote(raw.get().as_bytes(), &element(host, raw)?, None);
        Ok((new.map(one).collect(), is_more))
    }

    fn remote(
        &self,
        document: &[u8],
        said: &Archive<'_>,
        asked: Option<&str>,
    ) -> Result<Remote, Error> {
        let id = answer::id(
            &self.base.host(),
            document,
            &said.id,
            &[IdKind::Archive],
            asked,
        )?;
        let (state, place) = self.place(said, &id)?;
        let owners = [&said.application_id, &said.project_id, &said.partner_id];
        Ok(Remote {
            provider: Provider::Vonage,
            document: document.to_vec(),
            created: said.created_at.milliseconds(),
            parent: said.session_id.owned(),
            account: owners.into_iter().find_map(Scalar::owned),
            // It is 0 for encrypted archives.
            duration: said
                .duration
                .seconds()
                .filter(|duration| !duration.is_zero()),
            // "For archives that have not been generated, this value is set to 0."
            size: said.size.whole().filter(|size| *size > 0),
            sha256: said.sha256sum.text().and_then(sha256),
            state,
            is_data: false,
            place,
            id,
        })
    }

    fn place(&self, said: &Archive<'_>, id: &str) -> Result<(State, Place), Error> {
        let state = match said.status.text().unwrap_or_default() {
            "available" | "uploaded" => match said.url.text() {
                Some(url) => return Ok((State::Ready, self.told(url, id)?)),
                // It went to the customer's bucket: "for other archives, (including archives with
                // the status "uploaded") this property is set to null".
                None => State::External(None),
            },
            "expired" | "deleted" => State::Deleted,
            "failed" => State::Failed(said.reason.owned()),
            // started, paused, stopped, and what Vonage may add.
            other => State::NotYet(other.to_owned()),
        };
        Ok((state, Place::Nowhere))
    }

    fn told(&self, url: &str, id: &str) -> Result<Place, Error> {
        Ok(match Link::parse(url) {
            Ok(link) => Place::Told {
                link,
                by: self.archive(id)?,
                at: Timestamp::now(),
            },
            Err(error) => Place::Unusable {
                host: self.base.host(),
                reason: format!("the link to the media in it is not to be followed: {error}"),
            },
        })
    }

    fn archive(&self, id: &str) -> Result<Link, Error> {
        hosts::below(&self.base, &["v2", "project", &self.id, "archive", id], &[])
    }

    fn page(&self, offset: u64, session: Option<&str>) -> Result<Link, Error> {
        let offset = offset.to_string();
        let mut fields = vec![("offset", offset.as_str()), ("count", COUNT)];
        fields.extend(session.map(|session| ("sessionId", session)));
        hosts::below(&self.base, &["v2", "project", &self.id, "archive"], &fields)
    }

    fn answer(&self, link: &Link) -> Result<Vec<u8>, Error> {
        self.ask.ask(&self.to(link.clone()))
    }

    /// A request as who it is.
    fn to(&self, link: Link) -> Request {
        Request {
            link,
            auth: self.auth.clone(),
            told_by: None,
            in_region: false,
            change: None,
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Refused {
            status: 401 | 403 | 404,
            ..
        }
    )
}

fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::Refused { status: 404, .. })
}

/// `sha256sum` comes as base64; hexadecimal is what the command of that name prints.
fn sha256(text: &str) -> Option<[u8; 32]> {
    let bytes = base16ct::mixed::decode_vec(text)
        .ok()
        .filter(|bytes| bytes.len() == 32);
    let bytes = bytes.or_else(|| BASE64_STANDARD.decode(text).ok())?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests;
