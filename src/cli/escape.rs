//! Text from files and networks, made harmless for a terminal (CWE-150).

use std::fmt::Write;

use serde::Serialize;

/// `text` with every character written as `\u{…}` that could move the cursor, change colours or
/// reverse the direction of writing, or that is not seen.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_treacherous(c) {
            // Writing to a String cannot fail.
            write!(out, "{}", c.escape_unicode()).ok();
        } else {
            out.push(c);
        }
    }
    out
}

/// `value` as JSON on one line, with the same characters written as `\uXXXX`: it may be read by
/// people, too.
///
/// # Errors
/// As `serde_json` has it.
pub(super) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(harmless(&serde_json::to_string(value)?))
}

/// JSON that is the same to whoever reads it, with these characters written so.
pub(super) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Outside of strings JSON is plain ASCII and white space, which is not in them.
        if "\t\r\n".contains(c) {
            out.push(' ');
        } else if is_treacherous(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").ok();
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, line separators, and what Unicode has for changing direction, annotating,
/// or not being seen (`Default_Ignorable_Code_Point`).
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_of_any_language_stays() {
        for text in ["RE12 ok.wav", "Gespräch №5", "通話録音", "تسجيل"] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn escape_sequences_and_reversals_do_not() {
        assert_eq!(escape("a\x1b[31mb\r\n"), "a\\u{1b}[31mb\\u{d}\\u{a}");
        assert_eq!(escape("wav\u{202e}exe"), "wav\\u{202e}exe");
        assert_eq!(
            escape("\u{9b}0m\u{200b}\u{feff}"),
            "\\u{9b}0m\\u{200b}\\u{feff}"
        );
        assert_eq!(
            json(&"\u{9b}\u{202e}\u{e0001}").unwrap(),
            r#""\u009b\u202e\udb40\udc01""#
        );
    }

    #[test]
    fn json_of_others_is_the_same_and_harmless() {
        let text = "{\t\"a\u{202e}\":\r[1 ] ,\"\u{7f}\":null}";
        let expected = "{ \"a\\u202e\": [1 ] ,\"\\u007f\":null}";
        assert_eq!(harmless(text), expected);
    }

    /// Letters and marks by their category, and blank on the screen; the fuzz target `terminal`
    /// compares with Unicode's tables.
    #[test]
    fn invisible_letters_and_marks_are_shown() {
        for c in "\u{34f}\u{115f}\u{1160}\u{17b4}\u{180b}\u{3164}\u{ffa0}\u{1bca0}\u{1d173}".chars()
        {
            assert_eq!(escape(&c.to_string()), c.escape_unicode().to_string());
        }
    }

    proptest! {
        #[test]
        fn nothing_treacherous_remains(text: String) {
            prop_assert!(!escape(&text).chars().any(is_treacherous));
        }

        #[test]
        fn json_stays_what_it_is(text in "(\\PC|\\p{C}|.)*") {
            let json = json(&text).unwrap();
            prop_assert!(!json.chars().any(is_treacherous));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
