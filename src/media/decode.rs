//! [`Decoder`]: the sound of a recording, piece by piece.
//!
//! Containers and codecs are symphonia's, Opus is ropus'. Both read hostile bytes. A panic of theirs is an
//! error here, see [`quietly`]; what they decode is bounded by the length of the recording. What they count
//! is not in one place: each fragment of an MP4 file may keep symphonia counting for seconds.

mod opus;
mod quiet;
mod source;
mod wave;

use std::io;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use self::opus::{Heard, Opus};
use self::quiet::quietly;
pub use self::source::Bytes;
use self::source::{Failure, Source};
use super::transport;

/// The most channels that are told apart.
const CHANNELS: usize = 8;

/// The longest that a recording says nothing: a day.
const LONGEST_GAP: i64 = 24 * 60 * 60;

/// Why there is no sound to be had.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The container is none that is read, or damaged at its beginning.
    #[error("it is in no format that is read")]
    Unknown,
    /// There is no track of sound.
    #[error("it has no track of sound")]
    NoTrack,
    /// Nothing here decodes the track.
    #[error("its sound is in a codec that is not decoded")]
    Codec,
    /// No packet of the track could be decoded, or one brought the decoder down.
    #[error("its sound is damaged")]
    Damaged,
    /// There are more channels than anybody tells apart.
    #[error("it has {0} channels, more than {CHANNELS}")]
    Channels(usize),
    /// Its bytes cannot be read.
    #[error(transparent)]
    Read(io::Error),
}

/// What comes next.
pub(crate) enum Piece<'a> {
    /// Samples: as many of each channel. Full scale is that of an [`i16`].
    Sound(&'a [Vec<i16>]),
    /// Silence, where the container's times leave a gap.
    Silence {
        /// How many frames.
        frames: u64,
        /// Of how many channels.
        channels: usize,
    },
}

/// Decodes the first track of sound, from front to back.
pub(crate) struct Decoder<'a> {
    format: Box<dyn FormatReader + 'a>,
    track: Track,
    codec: Codec,
    planes: Vec<Vec<i16>>,
    channels: usize,
    clock: Clock,
    /// Whether `planes` are still to be given out.
    is_pending: bool,
    /// Whether anything could not be decoded.
    is_flawed: bool,
    /// How many bytes the packets may still have: a file has no more of them than it is long.
    budget: u64,
    failure: Failure,
}

enum Codec {
    Opus(Box<Opus>),
    Other(Box<dyn AudioDecoder>),
}

/// Where in time the sound is.
struct Clock {
    /// Frames a second.
    rate: u32,
    /// When the recording begins, in nanoseconds of the container's time.
    origin: Option<i128>,
    /// Frames that were given out.
    done: u64,
}

impl<'a> Decoder<'a> {
    /// Looks what the bytes are, and decodes nothing yet.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub(crate) fn open(bytes: Bytes<'a>) -> Result<Self, DecodeError> {
        let source = Source::new(bytes).map_err(DecodeError::Read)?;
        // Symphonia would find a frame of sound in one packet or another.
        if transport::start(source.head()).is_some() {
            return Err(DecodeError::Unknown);
        }
        let failure = source.failure();
        let opened = quietly(|| Self::of(source)).unwrap_or(Err(DecodeError::Unknown));
        failure
            .take()
            .map_or(opened, |error| Err(DecodeError::Read(error)))
    }

    fn of(source: Source<'a>) -> Result<Self, DecodeError> {
        let failure = source.failure();
        let budget = source.length().map_or(u64::MAX, |length| {
            // Headers that are left away in the file are put back into the packets.
            length.saturating_mul(2)
        });
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let format = symphonia::default::get_probe()
            .probe(
                &Hint::new(),
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(|_| DecodeError::Unknown)?;
        let track = format.first_track(TrackType::Audio).cloned();
        let track = track.ok_or(DecodeError::NoTrack)?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(DecodeError::NoTrack);
        };
        let channels = parameters.channels.as_ref().map_or(0, Channels::count);
        if channels > CHANNELS {
            return Err(DecodeError::Channels(channels));
        }
        let codec = Codec::of(parameters)?;
        let clock = Clock {
            rate: match codec {
                Codec::Opus(_) => opus::RATE,
                Codec::Other(_) => parameters.sample_rate.unwrap_or_default(),
            },
            origin: None,
            done: 0,
        };
        Ok(Self {
            codec,
            planes: vec![],
            channels,
            clock,
            is_pending: false,
            is_flawed: false,
            budget,
            failure,
            format,
            track,
        })
    }

    /// Frames a second, once something was given out; else what the container says.
    pub(crate) fn rate(&self) -> u32 {
        self.clock.rate
    }

    /// How many channels there are, likewise.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Decodes on. `None` at the end; a recording that breaks off there has ended, too.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub(crate) fn next(&mut self) -> Result<Option<Piece<'_>>, DecodeError> {
        while !self.is_pending {
            let step = quietly(|| self.step());
            if let Some(error) = self.failure.take() {
                return Err(DecodeError::Read(error));
            }
            match step.ok_or(DecodeError::Damaged)?? {
                Step::Nothing => {}
                Step::Sound => self.is_pending = true,
                Step::Gap(frames) => {
                    self.is_pending = true;
                    self.clock.done += frames;
                    let channels = self.channels;
                    return Ok(Some(Piece::Silence { frames, channels }));
                }
                Step::End if self.is_flawed && self.clock.done == 0 => {
                    return Err(DecodeError::Damaged);
                }
                Step::End => return Ok(None),
            }
        }
        self.is_pending = false;
        self.clock.done += self.planes.first().map_or(0, Vec::len) as u64;
        Ok(Some(Piece::Sound(&self.planes)))
    }

    /// Decodes one packet.
    fn step(&mut self) -> Result<Step, DecodeError> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Step::End),
            Err(error) => {
                self.is_flawed |= !is_end(&error);
                return Ok(Step::End);
            }
        };
        let length = packet.data.len().max(1) as u64;
        let Some(rest) = self.budget.checked_sub(length) else {
            return Ok(Step::End);
        };
        self.budget = rest;
        if self.clock.done == 0 {
            let of_packet = |track: &&Track| track.id == packet.track_id;
            let track = self.format.tracks().iter().find(of_packet);
            self.clock.begin(time(track, &packet));
        }
        if packet.track_id != self.track.id {
            return Ok(Step::Nothing);
        }
        let Some(heard) = self.decode(&packet)? else {
            self.is_flawed = true;
            return Ok(Step::Nothing);
        };
        if heard.frames == 0 {
            return Ok(Step::Nothing);
        }
        let gap = self
            .clock
            .gap(time(Some(&self.track), &packet), heard.skipped);
        Ok(gap.map_or(Step::Sound, Step::Gap))
    }

    /// Decodes a packet into the planes; `None` if that cannot be done.
    fn decode(&mut self, packet: &Packet) -> Result<Option<Heard>, DecodeError> {
        let heard = match &mut self.codec {
            Codec::Opus(opus) => {
                let padding = self.track.time_base.map_or(0, |base| {
                    let units = u128::from(packet.trim_end.get()) * u128::from(base.numer.get());
                    units * u128::from(opus::RATE) / u128::from(base.denom.get())
                });
                let padding = usize::try_from(padding).unwrap_or(usize::MAX);
                opus.decode(&packet.data, padding, &mut self.planes)
            }
            Codec::Other(decoder) => match decoder.decode(packet) {
                Ok(samples) => {
                    self.clock.rate = samples.spec().rate();
                    samples.copy_to_vecs_planar(&mut self.planes);
                    Some(Heard {
                        frames: samples.frames(),
                        skipped: usize::try_from(packet.trim_start.get()).unwrap_or_default(),
                    })
                }
                Err(_) => None,
            },
        };
        let Some(heard) = heard else { return Ok(None) };
        if self.clock.done == 0 {
            self.channels = match self.planes.len() {
                0 => return Ok(None),
                channels @ 1..=CHANNELS => channels,
                channels => return Err(DecodeError::Channels(channels)),
            };
        }
        // There are as many channels as at the beginning.
        self.planes.resize(self.channels, vec![0; heard.frames]);
        Ok(Some(heard))
    }
}

/// What became of a packet.
enum Step {
    Nothing,
    /// The planes have samples.
    Sound,
    /// They have, and come behind so many frames of silence.
    Gap(u64),
    End,
}

impl Codec {
    fn of(parameters: &AudioCodecParameters) -> Result<Self, DecodeError> {
        if parameters.codec == CODEC_ID_OPUS {
            let head = parameters.extra_data.as_deref().unwrap_or_default();
            let opus = Opus::of(head).ok_or(DecodeError::Codec)?;
            return Ok(Self::Opus(Box::new(opus)));
        }
        let decoder = symphonia::default::get_codecs();
        let decoder = decoder.make_audio_decoder(parameters, &AudioDecoderOptions::default());
        decoder.map(Self::Other).map_err(|_| DecodeError::Codec)
    }
}

impl Clock {
    /// The recording begins with the first packet of any track.
    fn begin(&mut self, time: Option<i128>) {
        if let Some(time) = time {
            self.origin = Some(self.origin.map_or(time, |origin| origin.min(time)));
        }
    }

    /// How many frames of silence stand before a packet of this time, if it is more than a tenth of a
    /// second: times are rounded, and a player does not wait for less.
    fn gap(&self, time: Option<i128>, skipped: usize) -> Option<u64> {
        let rate = i64::from(self.rate);
        let since = i64::try_from(time? - self.origin?).ok()?;
        let position = i128::from(since) * i128::from(rate) / 1_000_000_000;
        let position = i64::try_from(position).ok()? + i64::try_from(skipped).ok()?;
        let gap = position - i64::try_from(self.done).ok()?;
        let is_gap = gap > rate / 10 && gap / rate.max(1) < LONGEST_GAP;
        is_gap.then(|| gap.unsigned_abs())
    }
}

/// When a packet is heard, in nanoseconds of the container's time.
fn time(track: Option<&Track>, packet: &Packet) -> Option<i128> {
    let base = track?.time_base?;
    let units = i128::from(packet.pts.get()) * i128::from(base.numer.get());
    Some(units * 1_000_000_000 / i128::from(base.denom.get()))
}

fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A WAVE file of 8,000 frames a second, mono, 8 bits, and so long.
    fn wav(length: u32) -> Vec<u8> {
        let mut file =
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data"
                .to_vec();
        file.extend(length.to_le_bytes());
        file.resize(file.len() + length as usize, 0x80);
        file
    }

    fn frames(mut decoder: Decoder) -> Result<usize, DecodeError> {
        let mut frames = 0;
        while let Some(piece) = decoder.next()? {
            if let Piece::Sound(planes) = piece {
                frames += planes[0].len();
            }
        }
        Ok(frames)
    }

    #[test]
    fn all_of_a_file_is_heard_in_pieces() {
        let file = wav(300_000);
        let read = |buffer: &mut [u8], at: u64| {
            let from = usize::try_from(at).unwrap_or(usize::MAX);
            io::Read::read(&mut file.get(from..).unwrap_or_default(), buffer)
        };
        let decoder = Decoder::open(Bytes::At(file.len() as u64, &read)).unwrap();
        assert_eq!((decoder.rate(), decoder.channels()), (8000, 1));
        assert_eq!(frames(decoder).unwrap(), 300_000);
        let mut stream = file.as_slice();
        let decoder = Decoder::open(Bytes::Stream(&mut stream)).unwrap();
        assert_eq!(frames(decoder).unwrap(), 300_000);
    }

    #[test]
    fn what_cannot_be_read_is_no_end_of_the_recording() {
        for limit in [0, 10, 70_000, 250_000] {
            let file = wav(300_000);
            let read = |buffer: &mut [u8], at: u64| {
                let from = usize::try_from(at).unwrap_or(usize::MAX);
                match file.get(from..limit).unwrap_or_default() {
                    // As a reader says that its file is another now.
                    [] => Err(io::ErrorKind::UnexpectedEof.into()),
                    mut rest => io::Read::read(&mut rest, buffer),
                }
            };
            let decoder = Decoder::open(Bytes::At(file.len() as u64, &read));
            let result = decoder.and_then(frames);
            assert!(matches!(result, Err(DecodeError::Read(_))), "{limit}");
        }
    }

    #[test]
    fn a_gap_is_more_than_times_are_rounded() {
        let clock = Clock {
            rate: 8000,
            origin: Some(500_000_000),
            done: 8000,
        };
        let at = |milliseconds: i128| clock.gap(Some(milliseconds * 1_000_000), 0);
        assert_eq!(at(1500), None);
        assert_eq!(at(1600), None);
        assert_eq!(at(1750), Some(2000));
        assert_eq!(at(0), None);
        assert_eq!(clock.gap(Some(1_500_000_000), 900), Some(900));
        // Nobody is silent for days.
        assert_eq!(at(100 * 60 * 60 * 1000), None);
        assert_eq!(clock.gap(Some(i128::MAX), 0), None);
        assert_eq!(clock.gap(Some(i128::MIN + 1_000_000_000), 0), None);
        assert_eq!(clock.gap(None, 0), None);
    }
}
