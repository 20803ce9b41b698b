//! Documents of JSON in which one value is another, or is missing.
#![allow(
    unreachable_pub,
    clippy::expect_used,
    reason = "test code, in a module"
)]

use serde_json::{Value, json};

/// Where the values of a document are, those within values included.
pub fn pointers(value: &Value) -> Vec<String> {
    let Value::Object(object) = value else {
        return Vec::new();
    };
    let within = |(name, value)| {
        let at = format!("/{name}");
        let deeper = pointers(value);
        let deeper = deeper.into_iter().map(|rest| format!("{at}{rest}"));
        std::iter::once(at.clone())
            .chain(deeper)
            .collect::<Vec<_>>()
    };
    object.iter().flat_map(within).collect()
}

/// Other values than this one; `None` is no value at all.
pub fn others(value: &Value) -> Vec<Option<Value>> {
    let mut others = vec![
        None,
        Some(Value::Null),
        Some(json!("")),
        Some(json!(0)),
        Some(json!(true)),
        Some(json!([value])),
        Some(json!({})),
    ];
    if let Some(text) = value.as_str()
        && !text.is_empty()
    {
        let swapped = |c: char| match c {
            c if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
            c => c.to_ascii_lowercase(),
        };
        let first = if text.starts_with('A') { "B" } else { "A" };
        others.extend(
            [
                format!("{first}{}", &text[1..]),
                text[..text.len() - 1].to_owned(),
                text.repeat(2),
                text.chars().map(swapped).collect(),
                text.chars().rev().collect(),
            ]
            .map(|text| Some(json!(text))),
        );
    }
    if let Some(number) = value.as_u64() {
        others.push(Some(json!(number + 1)));
        others.push(Some(json!(-1)));
    }
    others.retain(|other| other.as_ref() != Some(value));
    others
}

pub fn put(document: &mut Value, pointer: &str, value: Option<Value>) {
    if let Some(value) = value {
        *document.pointer_mut(pointer).expect("it is there") = value;
        return;
    }
    let (parent, name) = pointer.rsplit_once('/').expect("it is there");
    let parent = document.pointer_mut(parent).expect("it is there");
    parent.as_object_mut().expect("it is there").remove(name);
}
