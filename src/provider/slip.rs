//! [`Slip`]: what is wrong with a text that was meant for an id.

use super::id::{HYPHENS, IdKind, SID, SIDS, UUID};

/// What is wrong with a text that is no id of a recording and looks as if it were meant for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// But for capitals, hyphens, blanks, or an O for a 0, it is this id.
    Almost(String),
    /// This id stands in it, with something around it: `RE….json`.
    Within(String),
    /// It has so many characters, and an id of its kind so many.
    Length(usize, usize),
    /// Something in it is no hexadecimal digit.
    Digits,
    /// 32 hexadecimal digits: an id without the letters in front, or without its hyphens.
    Bare,
    /// It is the id of something else.
    Of(Other),
    /// It stands for an id in an example: `RE…`, `RE...`.
    Example,
}

/// What else Twilio gives ids to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// `AC`.
    Account,
    /// `CR`.
    PublicKey,
    /// `SK`.
    ApiKey,
    /// Any other two letters.
    Something,
}

/// How much longer or shorter than an id something may be that is meant for one.
const SLACK: usize = 6;

/// The digits of an id, which are 16 bytes.
const DIGITS: usize = 32;

impl Slip {
    /// What is wrong with `text`; `None` if it is an id, or was not meant for one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let kind = IdKind::of(text);
        if kind.is_some() {
            return None;
        }
        Self::of_sid(text)
            .or_else(|| Self::of_uuid(text))
            .or_else(|| within(text).map(|id| Self::Within(id.to_owned())))
    }

    fn of_sid(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_around);
        let (start, rest) = text.split_at_checked(2)?;
        let prefix = start.to_ascii_uppercase();
        let is_known = SIDS.iter().any(|(known, _)| *known == prefix);
        if is_known && !rest.is_empty() && rest.trim_matches(['.', '…', 'x', 'X']).is_empty() {
            return Some(Self::Example);
        }
        if text.len() == SID && start == prefix && is_hex(rest) && !is_known {
            let letters = start.bytes().all(|byte| byte.is_ascii_uppercase());
            return letters.then(|| Self::Of(Other::of(start)));
        }
        let length = text.chars().count();
        let is_meant = length.abs_diff(SID) <= SLACK && hex_digits(rest) + 4 >= length - 2;
        if !is_known || !is_meant {
            return None;
        }
        let digits: String = rest.chars().map(digit).collect();
        let id = format!("{prefix}{digits}");
        Some(if IdKind::of(&id).is_some() {
            Self::Almost(id)
        } else if is_hex(&digits) {
            Self::Length(length, SID)
        } else {
            Self::Digits
        })
    }

    fn of_uuid(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_around);
        if text.len() == DIGITS && is_hex(text) {
            return Some(Self::Bare);
        }
        let bare: String = text
            .chars()
            .filter(|c| !"-_".contains(*c))
            .map(digit)
            .collect();
        let hyphens = text.matches(['-', '_']).count();
        let is_meant = hyphens.abs_diff(HYPHENS.len()) <= 1
            && text.chars().count().abs_diff(UUID) <= SLACK
            && hex_digits(text) + 8 >= text.chars().count();
        if !is_meant {
            return None;
        }
        Some(if !is_hex(&bare) {
            Self::Digits
        } else if bare.len() == DIGITS {
            let parts = [
                &bare[..8],
                &bare[8..12],
                &bare[12..16],
                &bare[16..20],
                &bare[20..],
            ];
            Self::Almost(parts.join("-"))
        } else {
            Self::Length(text.chars().count(), UUID)
        })
    }
}

impl Other {
    fn of(prefix: &str) -> Self {
        match prefix {
            "AC" => Self::Account,
            "CR" => Self::PublicKey,
            "SK" => Self::ApiKey,
            _ => Self::Something,
        }
    }
}

/// The id that a name begins with.
fn within(text: &str) -> Option<&str> {
    let (_, id) = IdKind::find(text)?;
    text.strip_prefix(id)?
        .starts_with(['.', '/', '?'])
        .then_some(id)
}

/// What comes along when an id is copied.
fn is_around(c: char) -> bool {
    c.is_whitespace() || "\"'`,;<>".contains(c)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hex_digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_hexdigit).count()
}

/// A digit that looks like the letter that was typed.
fn digit(typed: char) -> char {
    match typed {
        'O' | 'o' => '0',
        'I' | 'l' => '1',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdefABCDEF0123456789";
    const ARCHIVE: &str = "b40ef09b-3811-4726-b508-e41a0f96c68f";

    #[test]
    fn a_mistyped_id_is_seen_for_what_it_was_meant() {
        let right = format!("RE{HEX}");
        let almost = |id: &str| Some(Slip::Almost(id.to_owned()));
        for (text, slip) in [
            (right.clone(), None),
            (format!("re{HEX}"), almost(&right)),
            (format!("Re{HEX}"), almost(&right)),
            (format!(" {right}\n"), almost(&right)),
            (format!("\"{right}\","), almost(&right)),
            (format!("REO{}", &HEX[1..]), almost(&right)),
            (format!("REo{}", &HEX[1..]), almost(&right)),
            (format!("RE0l{}", &HEX[2..]), almost(&right)),
            (format!("RE{}", &HEX[1..]), Some(Slip::Length(33, 34))),
            (format!("RE{HEX}0"), Some(Slip::Length(35, 34))),
            (format!("re{HEX}00"), Some(Slip::Length(36, 34))),
            (format!("RT{}g", &HEX[1..]), Some(Slip::Digits)),
            (format!("{right}.json"), Some(Slip::Within(right.clone()))),
            (format!("x/{right}.json"), None),
            (format!("call_{right}.wav"), None),
            ("RE…".to_owned(), Some(Slip::Example)),
            ("RE...".to_owned(), Some(Slip::Example)),
            ("RExxxxxxxx".to_owned(), Some(Slip::Example)),
            (ARCHIVE.to_owned(), None),
            (ARCHIVE.replacen('-', "", 1), almost(ARCHIVE)),
            (ARCHIVE.replace('-', "_"), almost(ARCHIVE)),
            (ARCHIVE.replace('-', ""), Some(Slip::Bare)),
            (HEX.to_owned(), Some(Slip::Bare)),
            (ARCHIVE[1..].to_owned(), Some(Slip::Length(35, 36))),
            (format!("{}g", &ARCHIVE[1..]), Some(Slip::Digits)),
            ("REcording of Monday morning at nine".to_owned(), None),
            ("call.wav".to_owned(), None),
            ("RE".to_owned(), None),
            ("AB12".to_owned(), None),
            (format!("AC{}", "z".repeat(32)), None),
            (String::new(), None),
            ("ä".repeat(17), None),
            ("RÄ".repeat(9), None),
        ] {
            assert_eq!(Slip::of(&text), slip, "{text}");
        }
    }

    #[test]
    fn what_is_too_far_from_an_id_was_not_meant_for_one() {
        for (text, is_meant) in [
            (format!("RE{}", &HEX[6..]), true),
            (format!("RE{}", &HEX[7..]), false),
            (format!("RE{HEX}000000"), true),
            (format!("RE{HEX}0000000"), false),
            (format!("RE{}zzzz", &HEX[4..]), true),
            (format!("RE{}zzzzz", &HEX[5..]), false),
            (ARCHIVE[6..].to_owned(), true),
            (ARCHIVE[7..].to_owned(), false),
            (format!("{ARCHIVE}000000"), true),
            (format!("{ARCHIVE}0000000"), false),
            (ARCHIVE.replacen('-', "", 2), false),
            (format!("{}zzzz", &ARCHIVE[..32]), true),
            (format!("{}zzzzz", &ARCHIVE[..31]), false),
        ] {
            assert_eq!(Slip::of(&text).is_some(), is_meant, "{text}");
        }
    }

    #[test]
    fn an_id_of_something_that_is_not_recorded_is_known() {
        for (prefix, other) in [
            ("AC", Other::Account),
            ("CR", Other::PublicKey),
            ("SK", Other::ApiKey),
            ("PN", Other::Something),
        ] {
            assert_eq!(Slip::of(&format!("{prefix}{HEX}")), Some(Slip::Of(other)));
        }
        assert_eq!(Slip::of(&format!("12{HEX}")), None);
    }
}
