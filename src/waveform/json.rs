//! Peaks as numbers: the data format of BBC's audiowaveform, version 2, as JSON
//! (<https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md>), which peaks.js reads.

use super::Peaks;

/// What it begins with.
const START: &str = "{\"version\":2,\"channels\":";

impl Peaks {
    /// Whether a text is such numbers.
    pub(crate) fn are(text: &[u8]) -> bool {
        text.starts_with(START.as_bytes())
    }

    /// "The data array contains minimum and maximum waveform data points, interleaved", of each pixel
    /// those of all channels.
    pub fn json(&self) -> String {
        let Self {
            sample_rate,
            samples_per_pixel,
            ..
        } = self;
        let mut text = format!(
            "{START}{},\"sample_rate\":{sample_rate},\
             \"samples_per_pixel\":{samples_per_pixel},\"bits\":16,\"length\":{},\"data\":[",
            self.channels.len(),
            self.pixels(),
        );
        for pixel in 0..self.pixels() {
            for (low, high) in self.channels.iter().filter_map(|pixels| pixels.get(pixel)) {
                let comma = if text.ends_with('[') { "" } else { "," };
                text += &format!("{comma}{low},{high}");
            }
        }
        text + "]}\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channels_of_a_pixel_stand_side_by_side() {
        let peaks = Peaks {
            sample_rate: 8000,
            samples_per_pixel: 512,
            channels: vec![vec![(-1, 2), (-32_768, 32_767)], vec![(0, 0), (3, 4)]],
            frames: 600,
        };
        assert_eq!(
            peaks.json(),
            "{\"version\":2,\"channels\":2,\"sample_rate\":8000,\"samples_per_pixel\":512,\
             \"bits\":16,\"length\":2,\"data\":[-1,2,0,0,-32768,32767,3,4]}\n"
        );
    }
}
