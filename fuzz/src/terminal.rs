//! Text on its way to a terminal.

use std::sync::LazyLock;

use regex::Regex;
use unreel::internals::cli::escape;

/// What moves the cursor, breaks the line, turns the direction of writing or is not seen, by
/// Unicode's own properties.
static TREACHEROUS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]")
        .expect("a valid expression")
});

/// Escaping lets nothing treacherous through, loses nothing, and leaves plain text alone.
pub fn terminal(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let escaped = escape(&text);
    let left = TREACHEROUS.find(&escaped);
    assert!(left.is_none(), "{left:?} is left of {text:?}");
    assert_eq!(escape(&escaped), escaped, "it escapes what it wrote");
    assert!(spelt_out(&text, &escaped), "{text:?} became {escaped:?}");
    let is_plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    if text.chars().all(is_plain) && !TREACHEROUS.is_match(&text) {
        assert_eq!(escaped, text, "plain text did not stay");
    }
}

/// Whether `escaped` is `text`, each character as it is or as `\u{…}`.
fn spelt_out(text: &str, escaped: &str) -> bool {
    let rest = text.chars().try_fold(escaped, |rest, c| {
        rest.strip_prefix(c)
            .or_else(|| rest.strip_prefix(&c.escape_unicode().to_string()))
    });
    rest == Some("")
}
