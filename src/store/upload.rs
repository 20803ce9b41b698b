//! What is put into buckets.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::{
    Attribute, Attributes, MultipartId, PutMode, PutMultipartOptions, PutOptions, PutPayload,
};
use tokio::task::JoinSet;
use tracing::{Instrument, trace};

use super::buckets::{Buckets, Place};
use super::location::{Location, Service};
use super::{Content, NotPut};
use crate::api::{Attempts, Error, Failure, Wire};

/// The bytes that go in one request: "Part size: 5 MiB to 5 GiB" (Amazon S3 multipart upload limits).
const PART: u64 = 8 << 20;

/// "Maximum number of parts per upload: 10,000" (the same).
const PARTS: u64 = 10_000;

/// Parts on their way at the same time.
const AT_ONCE: usize = 4;

/// How long the end of the program waits for uploads to be given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Uploads in parts that are not complete, for as long as their [`Upload`] lives.
static UPLOADS: Mutex<Vec<Unfinished>> = Mutex::new(Vec::new());

/// An upload in parts that is not complete. Its parts lie in the bucket, seen by nobody and paid for,
/// until it is given up.
#[derive(Clone)]
struct Unfinished {
    place: Place,
    id: MultipartId,
    wire: Wire,
}

/// Gives up all uploads that are not complete: the program ends. No other begins then.
pub(crate) fn abort_uploads() {
    let uploads = UPLOADS.lock().unwrap_or_else(PoisonError::into_inner);
    for Unfinished { place, id, wire } in uploads.iter() {
        let aborting = async {
            let abort = place.store.abort_multipart(&place.path, id);
            tokio::time::timeout(PATIENCE, abort).await.ok();
            Ok(())
        };
        wire.run(&place.host, aborting).ok();
    }
    // The lock is kept: what is not on the list is not begun.
    std::mem::forget(uploads);
}

/// Keeps an upload on the list.
struct Upload(Unfinished);

impl Drop for Upload {
    fn drop(&mut self) {
        let mut uploads = UPLOADS.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.retain(|upload| upload.id != self.0.id);
    }
}

impl Buckets {
    /// Puts `content` to `location`, all of it or nothing; what stands there only where `replace`.
    ///
    /// What fits one request is put in one, with `If-None-Match: *` where nothing may stand there. A
    /// larger one goes in parts; nothing can make its last request conditional, so it is looked
    /// before, once more just before that, and behind it.
    ///
    /// # Errors
    /// See [`NotPut`]. The bucket is as it was then, unless what was asked last was done and nobody
    /// heard of it.
    pub(crate) fn put(
        &self,
        location: &Location,
        content: &Content,
        replace: bool,
    ) -> Result<(), NotPut> {
        let place = self.place(location)?;
        if content.length <= PART {
            self.put_whole(location, &place, content, replace)
        } else {
            self.put_parts(location, &place, content, replace)
        }
    }

    fn put_whole(
        &self,
        location: &Location,
        place: &Place,
        content: &Content,
        replace: bool,
    ) -> Result<(), NotPut> {
        let bytes = part(content, 0, content.length)?;
        let mode = if replace {
            PutMode::Overwrite
        } else {
            PutMode::Create
        };
        let mut may_be_there = false;
        let putting = async {
            let mut tries = self.wire.tries();
            loop {
                let options = PutOptions {
                    mode: mode.clone(),
                    attributes: attributes(content),
                    ..PutOptions::default()
                };
                let payload = PutPayload::from_bytes(bytes.clone());
                let put = place.store.put_opts(&place.path, payload, options);
                let put = put.instrument(tries.span()).await;
                let Err(error) = put else {
                    return Ok(true);
                };
                let failure = Failure::of_store(&error, &place.host);
                if !replace && is_taken(&failure.error) {
                    return Ok(false);
                }
                may_be_there |= failure.may_be_made();
                tries.wait(at_odds(failure)).await?;
            }
        };
        let is_put = self.wire.run(&place.host, putting)?;
        // Of an earlier try that nobody heard of, it may be ours.
        if is_put || may_be_there && self.is_there(location, content)? {
            Ok(())
        } else {
            Err(NotPut::Exists)
        }
    }

    fn put_parts(
        &self,
        location: &Location,
        place: &Place,
        content: &Content,
        replace: bool,
    ) -> Result<(), NotPut> {
        let is_free = || Ok::<_, Error>(replace || self.look(location)?.is_none());
        if !is_free()? {
            return Err(NotPut::Exists);
        }
        let upload = self.begin(location, place, content)?;
        let sent = self.send(place, &upload.0.id, content);
        let completed = sent.and_then(|parts| {
            if !is_free()? {
                return Err(NotPut::Exists);
            }
            let tag = self.complete(location, place, &upload.0.id, &parts, content)?;
            // Another may have completed its own just behind.
            let after = self
                .look(location)
                .ok()
                .flatten()
                .and_then(|found| found.tag);
            let is_ours =
                tag.is_none_or(|ours| after.is_none_or(|theirs| bare(&ours) == bare(&theirs)));
            if replace || is_ours {
                Ok(())
            } else {
                Err(NotPut::Exists)
            }
        });
        if completed.is_err() {
            let aborting = self.tried(place, async |place: &Place| {
                let abort = place.store.abort_multipart(&place.path, &upload.0.id);
                abort.await
            });
            // What failed first says more.
            aborting.ok();
        }
        completed
    }

    /// Begins an upload in parts.
    fn begin(
        &self,
        location: &Location,
        place: &Place,
        content: &Content,
    ) -> Result<Upload, Error> {
        let id = self.tried(place, async |place: &Place| {
            // object_store gives Azure's blobs in parts no type.
            let attributes = match location.service {
                Service::Azure => Attributes::new(),
                Service::S3 | Service::Google => attributes(content),
            };
            let options = PutMultipartOptions {
                attributes,
                ..PutMultipartOptions::default()
            };
            place
                .store
                .create_multipart_opts(&place.path, options)
                .await
        })?;
        let unfinished = Unfinished {
            place: place.clone(),
            id,
            wire: self.wire.clone(),
        };
        let mut uploads = UPLOADS.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.push(unfinished.clone());
        Ok(Upload(unfinished))
    }

    /// Sends all parts, a few at a time.
    fn send(
        &self,
        place: &Place,
        id: &MultipartId,
        content: &Content,
    ) -> Result<Vec<PartId>, NotPut> {
        let size = PART.max(content.length.div_ceil(PARTS));
        let count = content.length.div_ceil(size);
        let mut sent: Vec<Option<PartId>> = Vec::new();
        let mut unread = None;
        let sending = async {
            let mut under_way = JoinSet::new();
            for index in 0..count {
                let start = index * size;
                match part(content, start, size.min(content.length - start)) {
                    Ok(bytes) => {
                        let index = usize::try_from(index).unwrap_or(usize::MAX);
                        sent.push(None);
                        let (place, id) = (place.clone(), id.clone());
                        let wire = self.wire.clone();
                        let put = async move { put_part(&wire, &place, &id, index, bytes).await };
                        under_way.spawn(put.in_current_span());
                    }
                    Err(error) => {
                        unread = Some(error);
                        return Ok(());
                    }
                }
                while under_way.len() >= AT_ONCE || index + 1 == count {
                    let Some(done) = under_way.join_next().await else {
                        break;
                    };
                    let given_up = || Failure::senseless(&place.host, "a part was given up").error;
                    let (index, part) = done.map_err(|_| given_up())??;
                    if let Some(slot) = sent.get_mut(index) {
                        *slot = Some(part);
                    }
                }
            }
            Ok(())
        };
        self.wire.run(&place.host, sending)?;
        if let Some(error) = unread {
            return Err(NotPut::Unread(error));
        }
        let parts: Option<Vec<_>> = sent.into_iter().collect();
        let missing = || Failure::senseless(&place.host, "a part is missing").error;
        Ok(parts.ok_or_else(missing)?)
    }

    /// Makes an object of the parts, and gives its entity tag where that is known.
    fn complete(
        &self,
        location: &Location,
        place: &Place,
        id: &MultipartId,
        parts: &[PartId],
        content: &Content,
    ) -> Result<Option<String>, NotPut> {
        let mut may_be_there = false;
        let completing = async {
            let mut tries = self.wire.tries();
            loop {
                let parts = parts.to_vec();
                let completed = place.store.complete_multipart(&place.path, id, parts);
                let error = match completed.instrument(tries.span()).await {
                    Ok(put) => return Ok(put.e_tag),
                    Err(error) => error,
                };
                let failure = Failure::of_store(&error, &place.host);
                may_be_there |= failure.may_be_made();
                tries.wait(at_odds(failure)).await?;
            }
        };
        match self.wire.run(&place.host, completing) {
            // It is whole: the storage joins what it has confirmed.
            Ok(tag) => Ok(tag),
            Err(_) if may_be_there && self.is_there(location, content)? => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether what stands there is `content`, byte for byte.
    fn is_there(&self, location: &Location, content: &Content) -> Result<bool, NotPut> {
        use io::Read;
        let mut body = match self.read(location, &Attempts::default()) {
            Ok(download) => download.body,
            Err(Error::Refused { status: 404, .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let (mut theirs, mut ours) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut at = 0;
        loop {
            let read = body.read(&mut theirs).map_err(|error| {
                let within = Error::within(&error).cloned();
                within.map_or(NotPut::Unread(error), NotPut::Refused)
            })?;
            let end = at + read as u64;
            if read == 0 || end > content.length {
                return Ok(read == 0 && at == content.length);
            }
            let (theirs, _) = theirs.split_at(read);
            let (ours, _) = ours.split_at_mut(read);
            (content.read)(ours, at).map_err(NotPut::Unread)?;
            if theirs != ours {
                return Ok(false);
            }
            at = end;
        }
    }
}

/// Puts one part until it is there.
async fn put_part(
    wire: &Wire,
    place: &Place,
    id: &MultipartId,
    index: usize,
    bytes: Bytes,
) -> Result<(usize, PartId), Error> {
    let mut tries = wire.tries();
    loop {
        let payload = PutPayload::from_bytes(bytes.clone());
        let put = place.store.put_part(&place.path, id, index, payload);
        match put.instrument(tries.span()).await {
            Ok(part) => {
                trace!(part = index + 1, bytes = bytes.len(), "a part is there");
                return Ok((index, part));
            }
            Err(error) => tries.wait(Failure::of_store(&error, &place.host)).await?,
        }
    }
}

/// An entity tag without its quotation marks, which XML and headers differ in.
fn bare(tag: &str) -> &str {
    tag.trim_matches('"')
}

/// Some bytes of `content`, in memory.
fn part(content: &Content, start: u64, length: u64) -> Result<Bytes, io::Error> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut bytes = vec![0; length];
    (content.read)(&mut bytes, start)?;
    Ok(bytes.into())
}

fn attributes(content: &Content) -> Attributes {
    Attributes::from_iter([(Attribute::ContentType, content.kind)])
}

/// Whether somebody else's object stands there: S3 and Google answer 412 to `If-None-Match: *`, Azure
/// "409 Conflict: `BlobAlreadyExists`".
fn is_taken(error: &Error) -> bool {
    match error {
        Error::Refused { status: 412, .. } => true,
        Error::Refused {
            status: 409,
            problem: Some(problem),
            ..
        } => problem.message.starts_with("BlobAlreadyExists"),
        _ => false,
    }
}

/// Two that write there at the same time are tried again: "409 Conflict … `ConditionalRequestConflict`"
/// (Amazon S3, conditional writes).
fn at_odds(failure: Failure) -> Failure {
    match failure.error {
        Error::Refused {
            host,
            status: 409,
            problem,
            ..
        } => Failure::again(Error::Busy {
            host,
            status: 409,
            problem,
            after: None,
        }),
        _ => failure,
    }
}

impl From<io::Error> for NotPut {
    fn from(error: io::Error) -> Self {
        Self::Unread(error)
    }
}
