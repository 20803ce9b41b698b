//! Peaks as a picture: a row a channel over the whole width, and the time below.
//!
//! It has no size of its own but its height. What is text stays as it is, at any width, and stands at
//! a percentage of it; the rows alone are stretched. So the picture fits an `<img>` of any width, and
//! a second of the recording is the same part of it everywhere. How many times are named depends on the
//! width, by media queries, and the colours on the reader's scheme.

use super::ticks::{Tick, Width, clock, ticks};
use super::{Peak, Peaks, real};

/// Heights in pixels: of the name above a row, of the row, and of the times below all rows. A row's is
/// odd: so the line of silence, a pixel thick, covers one.
const NAME: usize = 20;
const ROW: usize = 65;
const AXIS: usize = 32;

/// Units from the middle of a row to its edge.
const HALF: i32 = 256;

/// The edge of a row is at the loudest sample, but never below this part of full scale: what is all
/// but silent looks so.
const QUIETEST: i32 = 1 << 13;

const STYLE: &str = "\
svg{color-scheme:light dark}
text{fill:#1f2933;font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
.name{font-weight:600}
.time{fill:#5b6672;font-variant-numeric:tabular-nums}
.axis{stroke:#7b8794}
.row{fill:#0b5cad;stroke:#0b5cad}
.odd{fill:#a8480a;stroke:#a8480a}
.row path{vector-effect:non-scaling-stroke;stroke-width:1px;stroke-linejoin:round}
@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.time{fill:#9aa5b1}.axis{stroke:#7b8794}\
.row{fill:#63b3ff;stroke:#63b3ff}.odd{fill:#ffab5e;stroke:#ffab5e}}
@media(max-width:1079px){.wide{display:none}}
@media(max-width:539px){.middle{display:none}}";

/// What is written into the picture. All of it may be untrusted text.
pub struct Labels {
    /// What the picture is of.
    pub title: String,
    /// The names of the rows.
    pub rows: Vec<String>,
}

impl Labels {
    /// The names of so many channels: of two the first is the customer's, the other the agent's.
    pub fn new(title: String, channels: usize) -> Self {
        let rows = match channels {
            1 => vec!["call".to_owned()],
            2 => vec!["customer".to_owned(), "agent".to_owned()],
            more => (1..=more)
                .map(|number| format!("channel {number}"))
                .collect(),
        };
        Self { title, rows }
    }
}

/// The height in pixels of the picture of so many channels.
pub fn height(channels: usize) -> usize {
    channels * (NAME + ROW) + AXIS
}

impl Peaks {
    /// The picture. A recording's beginning is at its left edge, the end at its right edge.
    pub fn svg(&self, labels: &Labels) -> String {
        let rows = self.channels.len();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\" height=\"{}\" role=\"img\">\n\
             <title>{}</title>\n<desc>{}</desc>\n<style>{STYLE}</style>\n",
            height(rows),
            escaped(&labels.title),
            escaped(&self.description(labels)),
        );
        let edge = self.loudest().max(QUIETEST);
        let width = real(self.frames) / real(self.samples_per_pixel);
        for (number, pixels) in self.channels.iter().enumerate() {
            let top = number * (NAME + ROW);
            let name = labels.rows.get(number).map_or("", String::as_str);
            let odd = if number % 2 == 0 { "" } else { " odd" };
            svg += &format!(
                "<text class=\"name\" y=\"{}\">{}</text>\n\
                 <svg class=\"row{odd}\" y=\"{}\" width=\"100%\" height=\"{ROW}\" \
                 viewBox=\"0 -{HALF} {} {}\" preserveAspectRatio=\"none\">\
                 <path d=\"{}\"/></svg>\n",
                top + NAME - 6,
                escaped(name),
                top + NAME,
                if width > 0.0 { width } else { 1.0 },
                2 * HALF,
                outline(pixels, edge),
            );
        }
        self.axis(&mut svg, rows * (NAME + ROW));
        svg + "</svg>\n"
    }

    fn description(&self, labels: &Labels) -> String {
        let length = clock(self.milliseconds(), self.milliseconds());
        match labels.rows.as_slice() {
            [] => length,
            [only] => format!("{only}, {length}"),
            rows => format!("From above: {}. {length}", rows.join(", ")),
        }
    }

    /// The times below the rows.
    fn axis(&self, svg: &mut String, top: usize) {
        let length = self.milliseconds();
        // In the middle of a pixel, so that it covers one.
        let (line, text) = (format!("{}.5", top + 4), top + 25);
        let mut lines = format!("<line x2=\"100%\" y1=\"{line}\" y2=\"{line}\"/>");
        let mut times = String::new();
        for Tick { time, width } in ticks(length) {
            let class = match width {
                Width::Any => "",
                Width::Middle => " middle",
                Width::Wide => " wide",
            };
            let anchor = if time > 0 { "middle" } else { "start" };
            let at = at(time, length);
            let time = clock(time, length);
            lines += &format!(
                "<line class=\"{class}\" x1=\"{at}%\" x2=\"{at}%\" y1=\"{line}\" y2=\"{}\"/>",
                top + 10
            );
            times += &format!(
                "<text class=\"time{class}\" x=\"{at}%\" y=\"{text}\" text-anchor=\"{anchor}\">{time}\
                 </text>\n"
            );
        }
        if length > 0 {
            let end = clock(length, length);
            times += &format!(
                "<text class=\"time\" x=\"100%\" y=\"{text}\" text-anchor=\"end\">{end}</text>\n"
            );
        }
        *svg += &format!("<g class=\"axis\">{lines}</g>\n{times}");
    }

    fn loudest(&self) -> i32 {
        let peaks = self.channels.iter().flatten();
        let loudest = peaks.map(|&(low, high)| i32::from(high).max(-i32::from(low)));
        loudest.max().unwrap_or_default()
    }
}

/// Where a time is, in per cent of the width.
fn at(time: u64, length: u64) -> f64 {
    (real(time) * 100_000.0 / real(length)).round() / 1000.0
}

/// The area between the lowest and the highest samples, there along the one and back along the other. A
/// line, where that is none.
fn outline(pixels: &[Peak], edge: i32) -> String {
    let y = |sample: i16| -i32::from(sample) * HALF / edge;
    if pixels.is_empty() {
        return "M0 0h1".to_owned();
    }
    let there = steps(pixels.iter().map(|&(_, high)| y(high)), 1);
    let back = steps(pixels.iter().rev().map(|&(low, _)| y(low)), -1);
    format!("M0 0{there}{back}z")
}

/// Steps at these heights, each as wide as a pixel.
fn steps(heights: impl Iterator<Item = i32>, pixel: i32) -> String {
    let (mut path, mut at, mut run) = (String::new(), None, 0);
    for height in heights {
        if at != Some(height) {
            if run != 0 {
                path += &format!("h{run}");
            }
            path += &format!("V{height}");
            (at, run) = (Some(height), 0);
        }
        run += pixel;
    }
    path + &format!("h{run}")
}

/// Text for XML. Characters that XML does not have, and those that turn text around, are left away.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
