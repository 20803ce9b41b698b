//! Text in the width of a terminal.

/// How many things are said of a recording that was released.
pub(super) const CELLS: usize = 7;

/// What is said of it: name, content, duration, size, evidence, key, version. What is not known
/// is empty.
pub(super) type Row = [String; CELLS];

/// In which order they are said on two lines, the most important first.
const NARROW: [usize; CELLS] = [0, 2, 3, 4, 1, 5, 6];

/// The widest of each so far.
pub(super) type Widths = [usize; CELLS];

pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Breaks a line between words where it is wider than `columns`. The first line has room for
/// `first` less; what follows is set in by `indent`. A word that is too long stays whole.
pub(super) fn wrap(text: &str, columns: usize, first: usize, indent: usize) -> String {
    let mut out = String::new();
    let (mut used, mut gap) = (first, 0);
    for word in text.split(' ') {
        if !word.is_empty() {
            if used + gap + width(word) > columns && !out.trim().is_empty() {
                out.push('\n');
                (used, gap) = (0, indent);
            }
            out.push_str(&" ".repeat(gap));
            out.push_str(word);
            used += gap + width(word);
            gap = 0;
        }
        gap += 1;
    }
    out
}

/// One line, if there is no terminal or it is wide enough, else two; columns stand below those of
/// the rows before. What has no room on the second line is left out: the report has it.
pub(super) fn row(cells: &Row, widths: &mut Widths, columns: Option<usize>) -> String {
    let Some(columns) = columns else {
        let said = cells.iter().filter(|cell| !cell.is_empty());
        return said.cloned().collect::<Vec<_>>().join("  ");
    };
    for (widest, cell) in widths.iter_mut().zip(cells) {
        *widest = width(cell).max(*widest);
    }
    let padded: Vec<_> = cells
        .iter()
        .zip(*widths)
        .map(|(cell, width)| (format!("{cell:width$}"), width))
        .filter(|(_, width)| *width > 0)
        .collect();
    let total = padded.iter().map(|(_, width)| width + 2).sum::<usize>() - 2;
    if total <= columns {
        let cells: Vec<_> = padded.into_iter().map(|(cell, _)| cell).collect();
        return cells.join("  ").trim_end().to_owned();
    }
    let mut lines = [String::new(), String::new()];
    let mut used = 0;
    let mut on_second = false;
    for index in NARROW {
        let (Some(cell), Some(&width)) = (cells.get(index), widths.get(index)) else {
            continue;
        };
        if width == 0 {
            continue;
        }
        if used > 0 && used + 2 + width > columns && !on_second {
            on_second = true;
            used = 0;
        }
        if on_second && used + 2 + width > columns {
            continue;
        }
        if let Some(line) = lines.get_mut(usize::from(on_second)) {
            if on_second || used > 0 {
                line.push_str("  ");
                used += 2;
            }
            line.push_str(&format!("{cell:width$}"));
            used += width;
        }
    }
    lines
        .each_ref()
        .map(|line| line.trim_end())
        .join("\n")
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "decrypted/RE5eed0000000000000000000000000001.wav";
    const KEY: &str = "key CR5eed0000000000000000000000000001";

    fn cells(name: &str, what: &str, evidence: &str, key: &str) -> Row {
        [name, what, "00:00:04", "128 kB", evidence, key, ""].map(ToOwned::to_owned)
    }

    #[test]
    fn without_a_terminal_it_is_one_line_as_ever() {
        let row = row(
            &cells(NAME, "WAV PCM16 8 kHz stereo", "verified: tag", KEY),
            &mut [90; CELLS],
            None,
        );
        let expected =
            format!("{NAME}  WAV PCM16 8 kHz stereo  00:00:04  128 kB  verified: tag  {KEY}");
        assert_eq!(row, expected);
    }

    #[test]
    fn a_recording_takes_at_most_two_lines_of_80_columns() {
        let archive = "decrypted/5eed0000-0000-4000-8000-000000000001.ts";
        let stream = "MPEG-TS h264+aac 48 kHz mono 121 packets";
        let print = "key sha256:8f0d415d7ef5af9e";
        for (name, what, evidence, key) in [
            (NAME, "WAV PCM16 8 kHz stereo", "verified: tag", KEY),
            (archive, stream, "verified: structure", print),
            ("a.ts", stream, "verified: structure", print),
            (
                &format!("{NAME}{NAME}")[..79],
                stream,
                "verified: structure",
                KEY,
            ),
        ] {
            let text = row(&cells(name, what, evidence, key), &mut [0; CELLS], Some(80));
            assert!(text.lines().count() <= 2, "{text}");
            assert!(text.lines().all(|line| width(line) <= 80), "{text}");
            for part in [name, evidence, "00:00:04"] {
                assert!(text.contains(part), "no {part} in {text}");
            }
        }
        let short = cells("call.wav", "WAV PCM16 8 kHz mono", "verified: tag", "");
        let text = row(&short, &mut [0; CELLS], Some(80));
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn columns_stand_below_each_other_over_a_run() {
        let mut widths = [0; CELLS];
        let mut place = |what: &str, key: &str, columns| {
            let text = row(
                &cells("a.wav", what, "verified: tag", key),
                &mut widths,
                Some(columns),
            );
            text.find("verified").unwrap()
        };
        let first = place("WAV PCM16 8 kHz stereo", KEY, 200);
        assert_eq!(place("WAV PCM16 8 kHz mono", "", 200), first);
        let narrow = place("WAV PCM16 8 kHz stereo", KEY, 80);
        assert_eq!(place("WAV", KEY, 80), narrow);
    }

    #[test]
    fn lines_break_between_words_and_long_words_stay_whole() {
        let text = "pass the private key, of 2048 bits, whose public half the provider had then";
        let wrapped = wrap(text, 40, 14, 4);
        assert!(
            wrapped
                .lines()
                .skip(1)
                .all(|line| width(line) <= 40 && line.starts_with("    "))
        );
        assert!(width(wrapped.lines().next().unwrap()) <= 26, "{wrapped}");
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&wrapped), words(text));
        let long = "x".repeat(100);
        assert_eq!(
            wrap(&format!("a {long} b"), 40, 0, 2),
            format!("a\n  {long}\n  b")
        );
        assert_eq!(wrap("  two  spaces", 40, 0, 2), "  two  spaces");
        assert_eq!(wrap("", 40, 0, 2), "");
    }
}
