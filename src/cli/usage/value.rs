//! What is wrong with the value of an option.

use clap::error::{ContextKind, ErrorKind};

use super::misuse::{HELP, Misuse, first, texts};

pub(super) fn value(error: &clap::Error) -> Misuse {
    let option = first(error, ContextKind::InvalidArg);
    let given = first(error, ContextKind::InvalidValue);
    let values = texts(error, ContextKind::ValidValue);
    let hint = match first(error, ContextKind::SuggestedValue) {
        _ if option.starts_with("--passphrase-fd") => {
            "it takes the number of an open file descriptor; a passphrase's file goes to \
             --passphrase-file"
                .to_owned()
        }
        suggested if suggested.is_empty() => HELP.to_owned(),
        suggested => format!("did you mean {suggested}?"),
    };
    let message = if error.kind() == ErrorKind::TooManyValues {
        format!("'{option}' takes no value")
    } else if given.is_empty() {
        format!("a value is required for '{option}' but none was supplied")
    } else if values.is_empty() {
        match reason(error, &given) {
            Some(reason) => format!("invalid value for '{option}': {reason}"),
            None => format!("invalid value for '{option}'"),
        }
    } else {
        format!(
            "invalid value for '{option}': it takes {}",
            values.join(", ")
        )
    };
    Misuse {
        lines: vec![message],
        hint,
    }
}

/// What a value's parser says of it, without the value.
fn reason(error: &clap::Error, given: &str) -> Option<String> {
    let source = std::error::Error::source(error)?;
    if source.is::<std::num::ParseIntError>() && given.parse::<i128>().is_err() {
        return Some("it is not a whole number".to_owned());
    }
    let text = source.to_string();
    let text = match text.split_once(" is none of ") {
        Some((_, names)) => format!("it is none of {names}"),
        None => match text.strip_prefix(given) {
            Some(rest) => format!("it{rest}"),
            None => text,
        },
    };
    // A number of three digits is no secret, and stands in many a text.
    (given.len() <= 3 || !text.contains(given)).then_some(text)
}
