//! How recordings sound.

use std::io::Read;

use unreel::internals::waveform::{Bytes, DecodeError, Labels, Peaks, height};

/// What is decoded can be drawn, read at any place or in order; nothing hangs, and no library brings the
/// process down. What comes once may be less: not every container can be read so.
pub fn waveform(data: &[u8]) {
    let read = |buffer: &mut [u8], offset: u64| {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        data.get(start..).unwrap_or_default().read(buffer)
    };
    let drawn = Peaks::of(Bytes::At(data.len() as u64, &read));
    assert!(!matches!(drawn, Err(DecodeError::Read(_))));
    if let Ok(peaks) = drawn {
        check(&peaks);
    }
    let mut stream = data;
    if let Ok(peaks) = Peaks::of(Bytes::Stream(&mut stream)) {
        check(&peaks);
    }
}

fn check(peaks: &Peaks) {
    let pixels = peaks.channels.first().map_or(0, Vec::len);
    assert!(pixels <= 1800 && peaks.channels.len() <= 8);
    assert!(peaks.channels.iter().all(|row| row.len() == pixels));
    assert_eq!(
        peaks.frames.div_ceil(peaks.samples_per_pixel),
        pixels as u64
    );
    let ordered = peaks.channels.iter().flatten().all(|(low, high)| low <= high);
    assert!(ordered);
    let json: serde_json::Value = serde_json::from_str(&peaks.json()).expect("JSON");
    let numbers = json["data"].as_array().map_or(0, Vec::len);
    assert_eq!(numbers, 2 * pixels * peaks.channels.len());
    let svg = peaks.svg(&Labels::new(String::new(), peaks.channels.len()));
    let rows = svg.matches("<svg class=\"row").count();
    assert_eq!(rows, peaks.channels.len());
    assert!(svg.contains(&format!("height=\"{}\"", height(rows))));
}
