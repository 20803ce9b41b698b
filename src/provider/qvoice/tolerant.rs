//! The guide's examples are not JSON: they have `//` comments and commas behind the last member.
//!
//! > `"salt": "aBc123XyZ456...", // Save this!`

use zeroize::Zeroizing;

/// The text without comments and without commas in front of `}` and `]`. What is taken out
/// becomes spaces, so that an error's line and column stay right. Strings are left alone.
pub(super) fn json(text: &str) -> Zeroizing<String> {
    let mut clean = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text.char_indices().peekable();
    while let Some((at, char)) = rest.next() {
        match char {
            '"' => {
                clean.push('"');
                while let Some((_, char)) = rest.next() {
                    clean.push(char);
                    match char {
                        '"' => break,
                        '\\' => clean.extend(rest.next().map(|(_, escaped)| escaped)),
                        _ => {}
                    }
                }
            }
            '/' if text.get(at..).is_some_and(|text| text.starts_with("//")) => {
                clean.push(' ');
                while rest.next_if(|(_, char)| *char != '\n').is_some() {
                    clean.push(' ');
                }
            }
            ',' if is_last(text.get(at + 1..).unwrap_or_default()) => clean.push(' '),
            char => clean.push(char),
        }
    }
    clean
}

/// Whether nothing but white space and comments stands before the end of the object or array.
fn is_last(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix("//") {
            Some(comment) => rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
            None => return rest.starts_with(['}', ']']),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_last_commas_go_and_strings_stay() {
        let text = "{\"a\": \"x//y,}\\\"//\", // ⚠️ SAVE THIS\n \"b\": [1, 2,],\n // end\n}";
        let value: serde_json::Value = serde_json::from_str(&json(text)).unwrap();
        assert_eq!(value, serde_json::json!({"a": "x//y,}\"//", "b": [1, 2]}));
    }

    #[test]
    fn json_stays_as_it_is() {
        for text in ["{\"a\": [1, {}], \"b\\\\\": \"\\\\\"}\n", "{\"a\": 1 / 2}"] {
            assert_eq!(*json(text), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r#"[{}\[\],/"\\\na é]{0,60}"#) {
            let _ = json(&text);
        }
    }
}
