//! What unreel says of media.

use aes_gcm::aead::Aead;
use aes_gcm::{Aes256Gcm, KeyInit};
use unreel::internals::io::Wrapper;
use unreel::internals::media::{
    Head, PACKET, Probe, SEGMENT, TsScan, damaged_head, hms, mangled, sniff,
};
use unreel::{Container, Mangled, Media, Sniff};

use crate::Random;

/// The probe says the same of a file however it is cut, in its pieces or in parallel.
///
/// The first byte tells how much padding is stripped, the second where to cut.
pub fn media_probe(data: &[u8]) {
    let Some((&[stripped, cuts], file)) = data.split_first_chunk() else {
        return;
    };
    let length = file.len().saturating_sub(usize::from(stripped % 17)) as u64;

    let whole = probe([(0, file)], length);
    assert_eq!(probe(pieces(file, cuts), length), whole, "cut into pieces");
    // Behind the first segment, the probe alone sees where Matroska and MP4 end.
    if file.len() <= SEGMENT {
        assert_eq!(
            in_parallel(file, cuts, length),
            whole,
            "scanned in parallel"
        );
    }
    check_words(&whole);
}

/// A sniff needs no more than its first 4 KiB, agrees with the probe, and never takes ciphertext
/// for something else.
pub fn media_sniff(data: &[u8]) {
    let seen = sniff(data);
    assert_eq!(sniff(data.get(..4096).unwrap_or(data)), seen);
    if let Some(Sniff::Plain(container)) = seen {
        let media = probe([(0, data)], data.len() as u64);
        // An ID3 tag is no ciphertext, but without frames behind it no recording either.
        let is_bare_tag = container == Container::Mp3 && media.container.is_none();
        assert!(
            is_bare_tag || media.container == Some(container),
            "{seen:?} is probed {media:?}"
        );
    }
    let _ = damaged_head(data);
    check_wrapper(data);
    // Of shorter ones, tags included, it may say more than it knows.
    if data.len() >= 64 {
        let ciphertext = encrypted(data);
        assert_eq!(sniff(&ciphertext), None, "ciphertext");
        assert_eq!(mangled(&ciphertext), None, "ciphertext");
        assert_eq!(Wrapper::of(&ciphertext), None, "ciphertext");
    }
    let lossy = String::from_utf8_lossy(data);
    // What is full of zeros was never written, and is no text.
    let zeros = lossy.bytes().filter(|&byte| byte == 0).count();
    if lossy.len() >= 64 && zeros <= lossy.len() / 8 {
        assert_eq!(mangled(lossy.as_bytes()), Some(Mangled::Utf8));
    }
}

/// A wrapper stays one when the file goes on, and has a name that can be shown.
fn check_wrapper(data: &[u8]) {
    let Some(wrapper) = Wrapper::of(data) else {
        return;
    };
    let name = wrapper.to_string();
    assert!(!name.is_empty() && !name.contains(char::is_control));
    let longer = [data, b"AAAA"].concat();
    assert!(Wrapper::of(&longer).is_some(), "{name}");
}

fn probe<'a>(segments: impl IntoIterator<Item = (u64, &'a [u8])>, length: u64) -> Media {
    let mut probe = Probe::new();
    for (offset, bytes) in segments {
        probe.segment(offset, bytes);
    }
    probe.finish(length)
}

/// Pieces of any length, and their offsets.
fn pieces(mut rest: &[u8], seed: u8) -> Vec<(u64, &[u8])> {
    let mut random = Random::new(seed.into());
    let longest = [2, 7, 100, 189, 700][usize::from(seed) % 5];
    let mut pieces = Vec::new();
    let mut offset = 0;
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(random.below(longest).min(rest.len()));
        pieces.push((offset, piece));
        offset += piece.len() as u64;
        rest = later;
    }
    pieces
}

/// What workers do: whole packets each, merged in order.
fn in_parallel(file: &[u8], seed: u8, length: u64) -> Media {
    let packets = 1 + usize::from(seed % 5);
    let mut head = Head::default();
    let mut scan = TsScan::default();
    for (number, bytes) in file.chunks(packets * PACKET).enumerate() {
        let offset = (number * packets * PACKET) as u64;
        head.take(offset, bytes);
        scan = scan.merge(TsScan::of(offset, bytes));
    }
    head.finish(scan, length)
}

/// What people and machines are told is printable, whatever the file holds.
fn check_words(media: &Media) {
    let duration = media.duration.map(hms).unwrap_or_default();
    let notes = media.notes.iter().map(ToString::to_string);
    let words = [
        media.describe(),
        media.codec().unwrap_or_default(),
        duration,
    ];
    for text in words.into_iter().chain(notes) {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

/// Under an IV that depends on all of `data`: a fuzzer would solve a keystream that stays the same.
fn encrypted(data: &[u8]) -> Vec<u8> {
    let iv: [u8; 12] = Random::of(data).bytes();
    Aes256Gcm::new(&[0x5a; 32].into())
        .encrypt(&iv.into(), data)
        .unwrap_or_default()
}
