//! Words for media that was refused, or that did not decrypt to what it should.

use super::super::exit::Code;
use super::output::{output_hint, write_hint};
use crate::cipher::CipherError;
use crate::envelope::Container;
#[cfg(feature = "waveform")]
use crate::media::DecodeError;
use crate::media::{Note, Sniff};
use crate::pipeline::{self, FoundInstead};

pub(super) fn pipeline_verdict(error: &pipeline::Error) -> (Code, String) {
    use pipeline::Error;
    let again = "the download may have been cut off: download the recording again; if that does not \
                 help, it is not the file that this metadata belongs to, or it was tampered with";
    let (code, hint) = match error {
        Error::NotCiphertext(seen) => (Code::Input, sniff_hint(*seen)),
        Error::SavedAsText(_) => (
            Code::Integrity,
            "bytes of it are lost: download it again in binary, as curl -o FILE does, and not \
             through a program's text, a text file or PowerShell's >",
        ),
        Error::NotPlain => (
            Code::Input,
            "fetch its metadata again: what this says may be out of date",
        ),
        Error::NoIv => (
            Code::Metadata,
            "the metadata is incomplete: get it from the provider again",
        ),
        Error::Cipher(CipherError::Read(_)) => (Code::Input, "check the disk and try again"),
        Error::Cipher(CipherError::TooShort { length: 0 }) => (
            Code::Input,
            "it is empty: the download failed, or nothing was recorded",
        ),
        Error::Cipher(CipherError::TooShort { .. }) => {
            (Code::Input, "it was cut off: download it again")
        }
        Error::Cipher(CipherError::TooLong) => (
            Code::Input,
            "no recording of this kind is that long: it is another file",
        ),
        Error::Cipher(CipherError::Ragged { .. }) => {
            (Code::Integrity, "it was cut off: download it again")
        }
        Error::Container(FoundInstead { found: Some(_), .. }) => (
            Code::Integrity,
            "the key fits, but the provider encrypts no such recordings: it is another file than \
             its metadata says; if it is the right one, please report it",
        ),
        Error::Damaged(Note::Stray { .. } | Note::Repeated { .. }) => (
            Code::Integrity,
            "bytes were added behind it, by a broken transfer or on purpose: download the \
             recording again",
        ),
        Error::Cipher(CipherError::Tag)
        | Error::Padding(_)
        | Error::Length { .. }
        | Error::Container(_)
        | Error::Damaged(_) => (Code::Integrity, again),
        Error::Cipher(CipherError::Changed) => (
            Code::Integrity,
            "wait until it is complete, and discard what was written to standard output",
        ),
        Error::Digest => (
            Code::Integrity,
            "download the archive again; to decrypt it without this evidence, pass the bare \
             password with --password",
        ),
        Error::Unproven => (
            Code::Integrity,
            "AES-CBC has no tag; metadata with a length or digest would prove it, or drop \
             --require-integrity",
        ),
        Error::Cipher(CipherError::Write(error)) | Error::Write(error) => (
            Code::Output,
            write_hint(error, "check the disk and try again"),
        ),
        Error::Spool(_) => (
            Code::Output,
            "give the input as a file, or point TMPDIR to a folder with space",
        ),
        Error::Output(error) => return (Code::Output, output_hint(error)),
        Error::Writer(error) if error.kind() == std::io::ErrorKind::BrokenPipe => (
            Code::Output,
            "the program that reads the output ended early; the output is incomplete",
        ),
        Error::Writer(_) => (Code::Output, "the output is incomplete; check its space"),
    };
    (code, hint.to_owned())
}

/// What to do with a recording that cannot be drawn.
#[cfg(feature = "waveform")]
pub(super) fn mute_hint(error: &DecodeError) -> String {
    let hint = match error {
        DecodeError::Unknown | DecodeError::Codec => {
            "WAV, MP3, AAC in MP4 and Opus in Matroska, WebM or Ogg are decoded; of others ffmpeg makes \
             one: ffmpeg -i FILE call.wav; an encrypted recording needs -k and its metadata"
        }
        DecodeError::NoTrack => "nothing was recorded but pictures",
        DecodeError::Damaged => "try whether a player plays it; else get the recording again",
        DecodeError::Channels(_) => "mix them first: ffmpeg -i FILE -ac 2 call.wav",
        DecodeError::Read(_) => "check the disk and try again",
    };
    hint.to_owned()
}

fn sniff_hint(seen: Sniff) -> &'static str {
    match seen {
        Sniff::Plain(Container::Zip) => {
            "Vonage encrypts composed archives only: those of individual streams are in the clear"
        }
        Sniff::Plain(_) => {
            "it needs no decryption: it is a recording already; --plain save copies it"
        }
        Sniff::Gzip => "it is compressed: gunzip -c INPUT > FILE, then decrypt FILE",
        Sniff::HexDump => "take its bytes back: xxd -r INPUT FILE, then decrypt FILE",
        Sniff::Base64 => "decode it: base64 -d INPUT > FILE, then decrypt FILE",
        Sniff::Key => "INPUT is the encrypted media; keys are passed with -k",
        Sniff::Blank => "room was made for the recording, and nothing written: download it again",
        _ => {
            "it is what the server answered instead of the recording: download it again, with credentials"
        }
    }
}
