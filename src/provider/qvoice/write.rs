//! JSON as unreel writes it: two spaces for each of the two outer objects, a line for the rest.

use zeroize::Zeroizing;

use super::super::json::Json;

/// How many objects around a member have a line for each of theirs. What lies deeper has none of
/// its own, so that no depth makes a text much longer.
const OPEN: usize = 2;

/// The text of a value, with a newline at its end. It is measured before it is written: memory that
/// is outgrown would keep what was written there.
pub(super) fn json(value: &Json) -> Zeroizing<Vec<u8>> {
    let mut length = 1;
    write(value, 0, &mut |part| length += part.len());
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    write(value, 0, &mut |part| {
        text.extend_from_slice(part.as_bytes());
    });
    text.push(b'\n');
    text
}

fn write(value: &Json, depth: usize, out: &mut dyn FnMut(&str)) {
    match value {
        Json::Null => out("null"),
        Json::Bool(true) => out("true"),
        Json::Bool(false) => out("false"),
        Json::Number(number) => out(&number.to_string()),
        Json::String(text) => string(text, out),
        Json::Array(values) => {
            out("[");
            for (place, value) in values.iter().enumerate() {
                out(if place > 0 { ", " } else { "" });
                write(value, OPEN, out);
            }
            out("]");
        }
        Json::Object(object) => {
            let line = |depth: usize, out: &mut dyn FnMut(&str)| {
                out("\n");
                (0..depth).for_each(|_| out("  "));
            };
            let (is_open, is_empty) = (depth < OPEN, object.members().next().is_none());
            out("{");
            for (place, (name, value)) in object.members().enumerate() {
                out(if place > 0 { "," } else { "" });
                if is_open {
                    line(depth + 1, out);
                } else if place > 0 {
                    out(" ");
                }
                string(name, out);
                out(": ");
                write(value, depth + 1, out);
            }
            if is_open && !is_empty {
                line(depth, out);
            }
            out("}");
        }
    }
}

/// A string in its quotation marks. Controls are escaped, for terminals too.
fn string(text: &str, out: &mut dyn FnMut(&str)) {
    out("\"");
    let mut rest = text;
    let is_special = |char: char| matches!(char, '"' | '\\') || char.is_control();
    while let Some((before, special, behind)) = rest.find(is_special).and_then(|at| {
        let (before, from) = rest.split_at(at);
        let mut chars = from.chars();
        Some((before, chars.next()?, chars.as_str()))
    }) {
        out(before);
        match special {
            '"' => out("\\\""),
            '\\' => out("\\\\"),
            control => out(&format!("\\u{:04x}", u32::from(control))),
        }
        rest = behind;
    }
    out(rest);
    out("\"");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::json::{Budget, value};
    use super::*;

    fn written(text: &str) -> String {
        let value = value(text, &Budget::new()).unwrap();
        String::from_utf8(json(&value).to_vec()).unwrap()
    }

    #[test]
    fn two_objects_have_lines_and_the_rest_is_one() {
        assert_eq!(
            written(r#"{"a":{"b":{"c":[1,-2.5,{"d":null}],"e":true},"f":{}},"g":[],"h":{}}"#),
            "{\n  \"a\": {\n    \"b\": {\"c\": [1, -2.5, {\"d\": null}], \"e\": true},\n    \
             \"f\": {}\n  },\n  \"g\": [],\n  \"h\": {}\n}\n"
        );
    }

    #[test]
    fn memory_is_taken_once() {
        let text = json(&Json::text(&"\"ä\u{7}".repeat(99)));
        assert_eq!(text.len(), text.capacity());
    }

    proptest! {
        #[test]
        fn strings_come_back(text in any::<String>()) {
            let written = json(&Json::text(&text));
            let written = std::str::from_utf8(&written).unwrap();
            prop_assert!(!written.trim_end().contains(char::is_control));
            prop_assert!(value(written, &Budget::new()).unwrap() == Json::text(&text));
        }
    }
}
