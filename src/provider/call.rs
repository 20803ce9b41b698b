//! The call that a recording of Twilio Voice is of.

use super::id::IdKind;

/// The field of a Recording resource, and that of a status callback.
const NAMES: [&str; 2] = ["call_sid", "CallSid"];

/// The call (`CA…`) that a document of one recording names, in JSON or a form; `None` where it names
/// several.
pub(super) fn call(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut named = NAMES.iter().flat_map(|name| text.split(name).skip(1));
    let one = |rest: &str| {
        let value = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let end = value.find(|c: char| !c.is_alphanumeric());
        let id = value.get(..end.unwrap_or(value.len()))?;
        (IdKind::of(id) == Some(IdKind::Call)).then(|| id.to_owned())
    };
    let first = one(named.next()?)?;
    named
        .all(|rest| one(rest).as_ref() == Some(&first))
        .then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "RE9038847184f2f0adf0ad0bb578a2c972";

    #[test]
    fn a_document_is_of_the_only_call_that_it_names() {
        let (one, other) = (format!("CA{}", &SID[2..]), format!("CA{}0", &SID[3..]));
        for (text, named) in [
            (format!(r#"{{"sid":"{SID}","call_sid": "{one}"}}"#), true),
            (format!(r#"{{"a":"{{\"call_sid\":\"{one}\"}}"}}"#), true),
            (
                format!("RecordingSid={SID}&CallSid={one}&AccountSid=AC1"),
                true,
            ),
            (format!("CallSid={one}"), true),
            (
                format!(r#"[{{"call_sid":"{one}"}},{{"call_sid":"{one}"}}]"#),
                true,
            ),
            (
                format!(r#"[{{"call_sid":"{one}"}},{{"call_sid":"{other}"}}]"#),
                false,
            ),
            (
                format!(r#"{{"call_sid":null,"conference_sid":"{one}"}}"#),
                false,
            ),
            (format!(r#"{{"call_sid":"{one}0"}}"#), false),
            (r#"{"call_sid":"#.to_owned(), false),
            (format!(r#"{{"sid":"{SID}"}}"#), false),
        ] {
            assert_eq!(call(text.as_bytes()), named.then(|| one.clone()), "{text}");
        }
        assert_eq!(call(b"\xff call_sid"), None);
    }
}
