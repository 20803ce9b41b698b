//! [`Page`]: where a recording is listened to, in a browser.
//!
//! One file of HTML without anything from elsewhere. Without its script the browser's own player is
//! there; the script puts a waveform to seek in, and keys, in its place.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page/listen.css");
const SCRIPT: &str = include_str!("page/listen.js");

/// Nothing but the style and the script above, this server's images and media, and the page's icon (`data:`).
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src 'self' data:; \
         media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

/// How a recording is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio,
    Video,
    /// What browsers do not play: MPEG transport streams.
    Download,
}

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// The recording's id.
    pub recording: &'a str,
    pub kind: Kind,
    /// The link to the media, relative to the page.
    pub media: &'a str,
    /// The link to the picture of its sound, likewise. Its left edge is the beginning, its right edge the end.
    pub waveform: Option<&'a str>,
    /// Seconds.
    pub duration: Option<f64>,
    pub channels: Option<u16>,
    /// In words: `WAV, mu-law, 8 kHz, stereo`.
    pub format: &'a str,
    /// The present, in Unix seconds.
    pub now: u64,
    /// When the links end, in Unix seconds.
    pub expires: u64,
}

/// The HTML, and the Content-Security-Policy that it is sent with.
pub(crate) fn render(page: &Page) -> (String, String) {
    let (until, until_text) = moment(page.expires);
    let html = format!(
        include_str!("page/listen.html"),
        style = STYLE,
        script = SCRIPT,
        recording = escape(page.recording),
        about = about(page),
        body = body(page),
        left = page.expires.saturating_sub(page.now),
        until = until,
        until_text = until_text,
    );
    (html, POLICY.clone())
}

/// The format, and how long it is.
fn about(page: &Page) -> String {
    let duration = page.duration.map(clock);
    let known = [Some(escape(page.format)), duration];
    let known: Vec<_> = known.into_iter().flatten().collect();
    known.join(" &middot; ")
}

/// The player, or the link of what is not played.
fn body(page: &Page) -> String {
    let media = escape(page.media);
    let element = match page.kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
        Kind::Download => return format!(include_str!("page/download.html"), media = media),
    };
    let rows = match page.channels {
        Some(2) => "Waveform: the customer above, the agent below",
        _ => "Waveform",
    };
    let waveform = page.waveform.map(escape);
    let waveform = waveform.map(|link| format!(r#"<img id="waveform" src="{link}" alt="{rows}">"#));
    format!(
        include_str!("page/player.html"),
        element = element,
        media = media,
        waveform = waveform.unwrap_or_default(),
        duration = page.duration.unwrap_or_default(),
        duration_text = clock(page.duration.unwrap_or_default()),
    )
}

/// `1:03`, `1:02:03`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds; `as` saturates"
)]
fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A moment as RFC 3339 has it, and for people who have no script; both in UTC.
fn moment(unix: u64) -> (String, String) {
    let seconds = i64::try_from(unix).unwrap_or(i64::MAX);
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let words = time
        .to_zoned(TimeZone::UTC)
        .strftime("%-d %B %Y, %H:%M UTC");
    (time.to_string(), words.to_string())
}

/// Text that is text in HTML, between tags and in attributes with quotation marks.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Page = Page {
        recording: "RE5eed0000000000000000000000000001",
        kind: Kind::Audio,
        media: "../media/v1.a.b.c",
        waveform: Some("../waveform/v1.a.b.c.svg"),
        duration: Some(63.4),
        channels: Some(2),
        format: "WAV, mu-law, 8 kHz, stereo",
        now: 1_796_047_200,
        expires: 1_796_050_800,
    };

    #[test]
    fn a_page_names_its_recording_and_when_its_links_end() {
        let (html, _) = render(&PAGE);
        let about = "<p>WAV, mu-law, 8 kHz, stereo &middot; 1:03</p>";
        let until = r#"datetime="2026-11-30T15:00:00Z">30 November 2026, 15:00 UTC<"#;
        for part in [
            "<title>RE5eed0000000000000000000000000001</title>",
            about,
            until,
            r#"data-left="3600""#,
            r#"<audio id="media" src="../media/v1.a.b.c""#,
            "the customer above, the agent below",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn what_others_wrote_is_text() {
        let bad = r#""><script>alert('&amp;')</script>{media}"#;
        let page = Page {
            recording: bad,
            media: bad,
            waveform: Some(bad),
            format: bad,
            ..PAGE
        };
        let plain = render(&PAGE).0;
        for kind in [Kind::Audio, Kind::Video, Kind::Download] {
            let (html, _) = render(&Page { kind, ..page });
            assert!(html.contains("&quot;&gt;&lt;script&gt;alert(&#39;&amp;amp;&#39;)"));
            assert!(html.contains("{media}"), "it is not filled in");
            let count = |text: &str| text.matches("<script").count();
            assert_eq!(count(&html), count(&plain));
            assert!(!html.contains(bad));
        }
    }

    #[test]
    fn the_policy_holds_the_hashes_of_what_is_between_the_tags() {
        let (html, policy) = render(&PAGE);
        for (tag, name) in [("script", "script-src"), ("style", "style-src")] {
            let (_, rest) = html.split_once(&format!("<{tag}>")).unwrap();
            let (text, _) = rest.split_once(&format!("</{tag}>")).unwrap();
            let hash = BASE64_STANDARD.encode(Sha256::digest(text));
            assert!(policy.contains(&format!("{name} 'sha256-{hash}'")));
        }
        assert!(policy.starts_with("default-src 'none';"));
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("-inline") && !policy.contains("-eval"));
    }

    #[test]
    fn nothing_on_a_page_needs_what_the_policy_forbids() {
        for kind in [Kind::Audio, Kind::Video, Kind::Download] {
            let (html, _) = render(&Page { kind, ..PAGE });
            let (before, rest) = html.split_once("<style>").unwrap();
            let (_, rest) = rest.split_once("</style>").unwrap();
            let (body, _) = rest.split_once("<script>").unwrap();
            let (before, _) = before.split_once("<link rel=\"icon\"").unwrap();
            for word in [" style=", " on", "http:", "https:", "javascript:"] {
                let markup = format!("{before}{body}");
                let tags = markup.split('<').map(|tag| tag.split('>').next().unwrap());
                assert!(tags.clone().all(|tag| !tag.contains(word)), "{word}");
            }
        }
    }

    #[test]
    fn video_and_transport_streams_have_what_is_theirs() {
        let video = render(&Page {
            kind: Kind::Video,
            ..PAGE
        })
        .0;
        assert!(video.contains(r#"<video id="media""#) && video.contains("</video>"));
        let page = Page {
            kind: Kind::Download,
            ..PAGE
        };
        let download = render(&page).0;
        assert!(download.contains(r#"href="../media/v1.a.b.c" download"#));
        assert!(download.contains("Browsers do not play MPEG transport streams."));
        assert!(!download.contains("<audio") && !download.contains("<video"));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let page = Page {
            waveform: None,
            duration: None,
            channels: None,
            ..PAGE
        };
        let html = render(&page).0;
        assert!(html.contains("<p>WAV, mu-law, 8 kHz, stereo</p>"));
        assert!(!html.contains("<img"));
        assert!(html.contains(r#"max="0""#));
        assert_eq!(clock(f64::NAN), "0:00");
        assert_eq!(clock(3723.9), "1:02:03");
        let late = Page {
            expires: u64::MAX,
            ..PAGE
        };
        assert!(render(&late).0.contains("9999-12-30"));
        let past = Page { expires: 0, ..PAGE };
        assert!(render(&past).0.contains(r#"data-left="0""#));
    }
}
