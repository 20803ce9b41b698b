//! [`Peaks`]: how loud a recording is, from its beginning to its end, as a picture or as numbers.
//!
//! One pass, and memory by pixels: where there are too many of them, each two become one.

mod json;
mod svg;
mod ticks;

pub use self::svg::{Labels, height};
use crate::media::{Bytes, DecodeError, Decoder, Piece};

/// The most pixels. When they are full half of them remain, so a long recording has at least half
/// as many.
const MOST: usize = 1800;

/// The lowest and the highest sample of a pixel; full scale is that of an [`i16`].
pub(crate) type Peak = (i16, i16);

/// The peaks of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peaks {
    /// Frames a second.
    pub sample_rate: u32,
    /// Frames a pixel: a power of two. The last pixel may have fewer.
    pub samples_per_pixel: u64,
    /// A row of pixels each, as many of each.
    pub channels: Vec<Vec<Peak>>,
    /// All of them.
    pub frames: u64,
}

impl Peaks {
    /// Decodes a recording.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn of(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::open(bytes)?;
        let mut peaks = Self::new(0);
        while let Some(piece) = decoder.next()? {
            match piece {
                Piece::Sound(planes) => peaks.sound(planes),
                Piece::Silence { frames, channels } => peaks.silence(frames, channels),
            }
        }
        if peaks.frames == 0 {
            peaks = Self::new(decoder.channels());
        }
        peaks.sample_rate = decoder.rate();
        Ok(peaks)
    }

    fn new(channels: usize) -> Self {
        Self {
            sample_rate: 0,
            samples_per_pixel: 1,
            channels: vec![vec![]; channels],
            frames: 0,
        }
    }

    /// As many channels as at the beginning are there all the time.
    fn begin(&mut self, channels: usize) {
        if self.frames == 0 {
            self.channels.resize(channels, vec![]);
        }
    }

    fn silence(&mut self, frames: u64, channels: usize) {
        self.begin(channels);
        self.add(frames, |_, _, _| (0, 0));
    }

    fn sound(&mut self, planes: &[Vec<i16>]) {
        self.begin(planes.len());
        let frames = planes.iter().map(Vec::len).min().unwrap_or_default();
        self.add(frames as u64, |channel, start, end| {
            let samples = planes.get(channel).and_then(|plane| {
                let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
                plane.get(start..end)
            });
            let samples = samples.unwrap_or_default();
            // Each by itself: so the compiler compares many at once.
            let low = samples.iter().fold(i16::MAX, |low, &it| low.min(it));
            let high = samples.iter().fold(i16::MIN, |high, &it| high.max(it));
            (low, high)
        });
    }

    /// Adds so many frames, of which `peak` gives that of a channel from one to before another.
    fn add(&mut self, frames: u64, peak: impl Fn(usize, u64, u64) -> Peak) {
        let mut start = 0;
        while start < frames {
            let within = self.frames % self.samples_per_pixel;
            if within == 0 && self.pixels() == MOST {
                self.halve();
                continue;
            }
            let end = frames.min(start.saturating_add(self.samples_per_pixel - within));
            for (channel, pixels) in self.channels.iter_mut().enumerate() {
                let new = peak(channel, start, end);
                match pixels.last_mut().filter(|_| within > 0) {
                    Some(last) => *last = both(*last, new),
                    None => pixels.push(new),
                }
            }
            self.frames = self.frames.saturating_add(end - start);
            start = end;
        }
    }

    fn halve(&mut self) {
        for pixels in &mut self.channels {
            let pairs = pixels.chunks(2).map(|pair| match *pair {
                [one, other] => both(one, other),
                [one, ..] => one,
                [] => (0, 0),
            });
            *pixels = pairs.collect();
        }
        self.samples_per_pixel = self.samples_per_pixel.saturating_mul(2);
    }

    /// How many pixels there are.
    fn pixels(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// How long it plays.
    fn milliseconds(&self) -> u64 {
        let milliseconds = u128::from(self.frames) * 1000 / u128::from(self.sample_rate.max(1));
        u64::try_from(milliseconds).unwrap_or(u64::MAX)
    }
}

fn both((low, high): Peak, (lower, higher): Peak) -> Peak {
    (low.min(lower), high.max(higher))
}

/// Frames, of which nobody has 2^52.
#[expect(clippy::cast_precision_loss, reason = "they are fewer")]
fn real(frames: u64) -> f64 {
    frames as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(samples: &[i16], size: usize) -> Vec<Peak> {
        let peak = |part: &[i16]| (*part.iter().min().unwrap(), *part.iter().max().unwrap());
        samples.chunks(size).map(peak).collect()
    }

    /// Numbers without a pattern.
    fn noise(count: usize) -> Vec<i16> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i16::try_from(state >> 17).unwrap() - 16_384
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn pixels_are_the_extremes_of_their_samples_however_those_come() {
        for count in [
            1, 2, 1799, 1800, 1801, 3600, 3601, 100_000, 921_600, 921_601,
        ] {
            let samples = noise(count);
            for piece in [1, 7, 1152, 1_000_000] {
                let mut peaks = Peaks::new(1);
                samples
                    .chunks(piece)
                    .for_each(|part| peaks.sound(&[part.to_vec()]));
                assert_eq!(peaks.frames, count as u64);
                let size = usize::try_from(peaks.samples_per_pixel).unwrap();
                assert!(size == 1 || peaks.pixels() > MOST / 2);
                assert!(peaks.pixels() <= MOST);
                assert_eq!(
                    peaks.channels,
                    [naive(&samples, size)],
                    "{count} by {piece}"
                );
            }
        }
    }

    #[test]
    fn channels_are_kept_apart() {
        let (left, right) = (noise(5000), vec![-7; 5000]);
        let mut peaks = Peaks::new(0);
        peaks.sound(&[left.clone(), right]);
        assert_eq!(peaks.channels[0], naive(&left, 4));
        assert_eq!(peaks.channels[1], vec![(-7, -7); 1250]);
    }

    #[test]
    fn silence_costs_nothing_however_long() {
        let mut peaks = Peaks::new(0);
        peaks.sound(&[vec![5]]);
        peaks.silence(1 << 60, 1);
        peaks.sound(&[vec![-5]]);
        assert_eq!(peaks.frames, (1 << 60) + 2);
        let pixels = &peaks.channels[0];
        assert!(pixels.len() <= MOST);
        assert_eq!((pixels[0], pixels[1]), ((0, 5), (0, 0)));
        assert_eq!(pixels.last(), Some(&(-5, 0)));
    }
}
