//! What one key makes of one recording.

use std::io::{self, Read};
use std::sync::atomic::Ordering;

use zeroize::Zeroizing;

use super::{Aad, CONTAINERS, Derivation, Finder, Found, Layout, Method, Place, SaltForm, Shared};
use crate::cipher::{BLOCK, Cbc, Cipher, CipherError, Engine, Gcm, lock};
use crate::envelope::{Container, Expected, Mode, Padding};
use crate::io::{Part, Source, Stored};
use crate::key::ContentKey;
use crate::media::Media;
use crate::pipeline::{Opener, ending, look};

/// How much of a plaintext is looked at: three of the longest MP3 frames and more.
const GLANCE: usize = 8 * 1024;

impl Finder<'_> {
    /// The additional data to try: their names and bytes.
    fn aads<'a>(&'a self, job: &'a Derivation) -> Vec<(Aad, Zeroizing<Vec<u8>>)> {
        let tried = match &self.pins.aad {
            Some(pinned) => vec![pinned.clone()],
            None => Aad::TRIED.to_vec(),
        };
        let bytes = |aad: &Aad| {
            let text = match aad {
                Aad::None => Some(""),
                Aad::Id => self.subject.id,
                Aad::KeyId => self.subject.key_id,
                Aad::Salt => Some(job.salt_text.as_str()).filter(|salt| !salt.is_empty()),
                Aad::Text(text) => Some(text.as_str()),
            };
            text.map(|text| Zeroizing::new(text.as_bytes().to_vec()))
        };
        let tried = tried.into_iter();
        tried
            .filter_map(|aad| bytes(&aad).map(|bytes| (aad, bytes)))
            .collect()
    }

    fn cipher(
        &self,
        key: &ContentKey,
        layout: Layout,
        place: &Place,
        aad: &[u8],
    ) -> Option<Cipher> {
        let iv = match &place.iv {
            Some(range) => self.bytes(range)?,
            None => self.subject.iv?.to_vec(),
        };
        Some(match layout.mode() {
            Mode::Gcm => Cipher::Gcm(Gcm::with_iv(key.key(), &iv, aad)?),
            Mode::Cbc => Cipher::Cbc(Cbc::new(key.key(), iv.try_into().ok()?)),
        })
    }

    /// The ciphertext as the engine reads it.
    fn view(&self, layout: Layout, place: &Place) -> Stored {
        let mut parts: Vec<_> = place.body.iter().cloned().map(Part::File).collect();
        if layout.needs_tag() {
            parts.extend(self.subject.tag.map(|tag| Part::Bytes(tag.to_vec())));
        }
        self.subject.source.arranged(parts)
    }

    fn found(
        &self,
        job: &Derivation,
        key: &ContentKey,
        layout: Layout,
        place: &Place,
        (aad, bytes): (Aad, &[u8]),
    ) -> Option<Found> {
        // A salt in front of the file is part of one layout only.
        let is_files = job.salt_form == SaltForm::File && job.kdf.is_salted();
        if is_files && layout != Layout::Salt16Nonce12CtTag16 {
            return None;
        }
        Some(Found {
            opener: Opener {
                cipher: self.cipher(key, layout, place, bytes)?,
                padding: Padding::Pkcs7,
                expected: Expected {
                    containers: CONTAINERS,
                    ..Expected::default()
                },
            },
            source: self.view(layout, place).into(),
            method: Method {
                layout,
                kdf: job.kdf.clone(),
                key_form: job.key_form,
                salt_form: job.salt_form,
                aad,
            },
            version: job.version,
            proven: false,
        })
    }

    /// Looks what a key makes of the first bytes; only what looks like a recording is worth more.
    pub(super) fn glance(
        &self,
        job: &Derivation,
        key: &ContentKey,
        layout: Layout,
        shared: &Shared,
    ) -> io::Result<()> {
        let Some(place) = layout.place(self.subject.source.length()) else {
            return Ok(());
        };
        let Some(cipher) = self.cipher(key, layout, &place, &[]) else {
            return Ok(());
        };
        let media = look(&cipher, self.ciphertext(layout, &place), u64::MAX);
        if !is_recording(media.container) && !is_recording(media.damaged) {
            return Ok(());
        }
        let found = || self.found(job, key, layout, &place, (Aad::None, &[]));
        let suspect = || {
            let mut suspect = lock(&shared.suspect);
            if suspect.is_none() {
                *suspect = found();
            }
        };
        match cipher {
            Cipher::Gcm(_) => {
                if self.authenticate(job, key, layout, shared)? {
                    suspect();
                }
            }
            Cipher::Cbc(cbc) => {
                if self.subject.source.length().is_multiple_of(BLOCK as u64)
                    && accepts(&media, &self.last_block(&cbc, &place)?)
                {
                    if let Some(found) = found() {
                        shared.prove(found);
                    }
                } else {
                    suspect();
                }
            }
        }
        Ok(())
    }

    /// The first bytes of ciphertext, without a tag.
    fn ciphertext(&self, layout: Layout, place: &Place) -> &[u8] {
        let range = place.body.first().cloned().unwrap_or_default();
        let behind = match layout.mode() {
            Mode::Gcm if place.body.len() == 1 && !layout.needs_tag() => BLOCK as u64,
            _ => 0,
        };
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let end = index(range.end.saturating_sub(behind));
        let start = index(range.start);
        let end = end
            .min(start.saturating_add(GLANCE))
            .min(self.subject.head.len());
        self.subject.head.get(start..end).unwrap_or_default()
    }

    /// The last block of a CBC plaintext.
    fn last_block(&self, cbc: &Cbc, place: &Place) -> io::Result<[u8; BLOCK]> {
        let body = place.body.last().cloned().unwrap_or_default();
        let start = body.end.saturating_sub(2 * BLOCK as u64).max(body.start);
        let view = vec![Part::File(start..body.end)];
        let mut view = Source::from(self.subject.source.arranged(view));
        let mut reader = view.reader();
        let mut before = None;
        if body.end - start > BLOCK as u64 {
            reader.read_exact(before.insert([0; BLOCK]))?;
        }
        let mut last = [0; BLOCK];
        reader.read_exact(&mut last)?;
        cbc.open(before.as_ref(), &mut last);
        Ok(last)
    }

    /// Checks the tag over the whole file, with each additional data. `false` if there was no
    /// time for all of them.
    pub(super) fn authenticate(
        &self,
        job: &Derivation,
        key: &ContentKey,
        layout: Layout,
        shared: &Shared,
    ) -> io::Result<bool> {
        let Some(place) = layout.place(self.subject.source.length()) else {
            return Ok(true);
        };
        for (nth, (aad, bytes)) in self.aads(job).into_iter().enumerate() {
            if nth > 0 && self.is_late(shared) {
                return Ok(false);
            }
            let Some(mut found) = self.found(job, key, layout, &place, (aad, &bytes)) else {
                return Ok(true);
            };
            shared.passes.fetch_add(1, Ordering::Relaxed);
            let engine = Engine {
                threads: 1,
                progress: &|_| (),
            };
            match engine.verify(&found.opener.cipher, found.source.input()) {
                Ok(_) => {
                    shared.prove(found);
                    return Ok(true);
                }
                Err(CipherError::Read(error)) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(true)
    }
}

/// Whether a container is evidence for a key. JSON is not: a short text may be chance.
fn is_recording(container: Option<Container>) -> bool {
    container.is_some_and(|container| container != Container::Json)
}

/// Whether an unauthenticated plaintext is a recording: by the container it starts as, whole from
/// its first byte, and by its padding.
pub(super) fn accepts(media: &Media, last: &[u8; BLOCK]) -> bool {
    let contained = media
        .container
        .is_some_and(|container| CONTAINERS.contains(&container));
    contained && media.damaged.is_none() && ending::kept(Padding::Pkcs7, 0, last).is_ok()
}
