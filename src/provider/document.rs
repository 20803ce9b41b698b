//! What the providers' rules share: values in base64, and putting together what a document says
//! of one recording in several places.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use base64::DecodeError;

use super::decode;
use super::error::MetadataError;
use super::listing::{Item, Listing};
use crate::envelope::Envelope;

/// What a document says of one recording.
pub(super) type Outcome<T = Envelope> = Result<T, MetadataError>;

/// The most characters of a document that an error quotes.
const QUOTE: usize = 80;

/// The lengths of wrapped keys that are accepted: RSA-512 to RSA-8192.
const WRAPPED: std::ops::RangeInclusive<usize> = 64..=1024;

/// A piece of a document, short enough for an error.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTE) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// Decodes base64 (RFC 4648) of either alphabet; padding may be left off, white space may stand
/// inside. The text is not quoted: where a key is asked for, people give passphrases.
pub(super) fn base64(field: &str, text: &str) -> Result<Vec<u8>, MetadataError> {
    let invalid = |problem: String| MetadataError::Invalid {
        field: quoted(field),
        problem,
    };
    // Documentation shortens its examples: "password" : "e42c...d23".
    if text.contains("...") || text.contains('…') {
        return Err(invalid("shortened: it has an ellipsis in it".to_owned()));
    }
    decode::base64(text).map_err(|error| match error {
        DecodeError::InvalidByte(place, _) => {
            invalid(format!("not base64: see character {}", place + 1))
        }
        _ => invalid("not base64: its end is cut off or damaged".to_owned()),
    })
}

/// Decodes base64 of exactly `N` bytes.
pub(super) fn base64_array<const N: usize>(
    field: &str,
    text: &str,
) -> Result<[u8; N], MetadataError> {
    let bytes = base64(field, text)?;
    <[u8; N]>::try_from(bytes).map_err(|bytes| MetadataError::Invalid {
        field: quoted(field),
        problem: format!("{} bytes long, not {N}", bytes.len()),
    })
}

/// Decodes a wrapped key: base64 of as many bytes as an RSA modulus may have.
pub(super) fn wrapped_key(field: &str, text: &str) -> Result<Vec<u8>, MetadataError> {
    let bytes = base64(field, text)?;
    if WRAPPED.contains(&bytes.len()) {
        return Ok(bytes);
    }
    let (least, most) = WRAPPED.into_inner();
    Err(MetadataError::Invalid {
        field: quoted(field),
        problem: format!("{} bytes long, not {least} to {most}", bytes.len()),
    })
}

/// An item, its envelope named like itself.
pub(super) fn item(id: Option<String>, mut envelope: Outcome) -> Item {
    if let Ok(envelope) = &mut envelope {
        envelope.id.clone_from(&id);
    }
    Item {
        id,
        outcome: envelope,
    }
}

/// One item a recording, in the order of first appearance; `merge` takes a later word on the
/// same id up into the earlier one.
///
/// A nameless error that repeats the one before it is dropped: a long array of something else
/// must not become a long list. Where nothing but nameless errors was found, the first is the
/// document's own.
pub(super) fn settle<T: Clone + PartialEq>(
    items: Vec<Item<T>>,
    merge: fn(&mut Outcome<T>, Outcome<T>),
) -> Result<Listing<T>, MetadataError> {
    // Ids by a keyed hash: they need no memory of their own. Two of one hash are not met; if they
    // were, the later would be one more entry.
    let keys = RandomState::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    // In one piece of memory: what is taken from the front is put back behind the last.
    let mut queue = VecDeque::from(items);
    let mut kept = 0;
    for ahead in (0..queue.len()).rev() {
        let Some(item) = queue.pop_front() else {
            break;
        };
        let hash = item.id.as_ref().map(|id| keys.hash_one(id));
        let place = hash.and_then(|hash| places.get(&hash));
        let earlier = place.and_then(|place| queue.get_mut(ahead + place));
        if let Some(earlier) = earlier.filter(|earlier| earlier.id == item.id) {
            merge(&mut earlier.outcome, item.outcome);
            continue;
        }
        if let Some(hash) = hash {
            places.insert(hash, kept);
        } else if item.outcome.is_err() && kept > 0 && queue.back() == Some(&item) {
            continue;
        }
        kept += 1;
        queue.push_back(item);
    }
    let settled = Vec::from(queue);
    let nameless = settled
        .iter()
        .all(|item| item.id.is_none() && item.outcome.is_err());
    match settled.first() {
        Some(Item {
            outcome: Err(error),
            ..
        }) if nameless => Err(error.clone()),
        _ => Ok(Listing::new(settled)),
    }
}

/// The rule where a recording has one envelope for ever: words that differ contradict.
pub(super) fn agree<T: PartialEq>(earlier: &mut Outcome<T>, later: Outcome<T>) {
    match (is_silent(earlier), is_silent(&later)) {
        (true, _) => *earlier = later,
        (false, false) if *earlier != later => {
            *earlier = Err(MetadataError::Contradiction {
                first: "the recording's encryption details".to_owned(),
                second: "those in a later entry of the same id".to_owned(),
            });
        }
        (false, _) => {}
    }
}

/// Whether this says nothing of how the recording is encrypted.
pub(super) fn is_silent<T>(outcome: &Outcome<T>) -> bool {
    use MetadataError::{Missing, NoKey, NotCompleted, NotEncrypted, Unrecognised};
    matches!(
        outcome,
        Err(NotEncrypted | NoKey | NotCompleted { .. } | Missing { .. } | Unrecognised { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(id: Option<&str>, error: MetadataError) -> Item {
        item(id.map(str::to_owned), Err(error))
    }

    fn missing(field: &'static str) -> MetadataError {
        MetadataError::Missing { field }
    }

    fn settled(items: Vec<Item>) -> Result<Vec<Item>, MetadataError> {
        settle(items, |earlier, later| *earlier = later).map(Listing::into_items)
    }

    #[test]
    fn quotes_are_capped_at_a_character() {
        assert_eq!(quoted(&"ä".repeat(80)), "ä".repeat(80));
        assert_eq!(quoted(&"ä".repeat(81)), "ä".repeat(80) + "…");
    }

    #[test]
    fn base64_needs_no_padding_and_bears_white_space() {
        for text in ["+/8=", "+/8", " +/\r\n8=\t", "-_8="] {
            assert_eq!(base64("iv", text), Ok(vec![0xFB, 0xFF]), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_base64_says_why() {
        let cases = [
            ("-/8=", "iv is not base64: see character 1"),
            ("ab\0d", "iv is not base64: see character 3"),
            ("abcde", "iv is not base64: its end is cut off or damaged"),
            ("abc=def=", "iv is not base64: see character 4"),
            ("a...b", "iv is shortened: it has an ellipsis in it"),
            ("a…b", "iv is shortened: it has an ellipsis in it"),
        ];
        for (text, reason) in cases {
            assert_eq!(base64("iv", text).unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn lengths_are_checked() {
        let error = base64_array::<12>("iv", "AAAA").unwrap_err();
        assert_eq!(error.to_string(), "iv is 3 bytes long, not 12");
        assert!(wrapped_key("key", &"AAAA".repeat(341)).is_ok());
        let error = wrapped_key("key", &"AAAA".repeat(342)).unwrap_err();
        assert_eq!(error.to_string(), "key is 1026 bytes long, not 64 to 1024");
        assert!(wrapped_key("key", &"AAAA".repeat(21)).is_err());
    }

    #[test]
    fn items_of_one_id_are_merged_where_it_first_stood() {
        let items = vec![
            failed(Some("b"), missing("1")),
            failed(None, missing("2")),
            failed(Some("a"), missing("3")),
            failed(Some("b"), missing("4")),
            failed(Some("a"), missing("5")),
            failed(None, missing("6")),
            failed(Some("a"), missing("7")),
        ];
        let ids = [Some("b"), None, Some("a"), None];
        let fields = ["4", "2", "7", "6"];
        let expected = std::iter::zip(ids, fields).map(|(id, field)| failed(id, missing(field)));
        assert_eq!(settled(items), Ok(expected.collect()));
    }

    #[test]
    fn repeated_nameless_errors_are_one() {
        let [a, b] = [failed(Some("a"), missing("1")), failed(None, missing("1"))];
        let items = vec![a.clone(), b.clone(), b.clone(), a.clone(), b.clone()];
        assert_eq!(settled(items), Ok(vec![a.clone(), b.clone()]));
        // They do not follow one another.
        let apart = vec![b.clone(), a, b];
        assert_eq!(settled(apart.clone()), Ok(apart));
    }

    #[test]
    fn nothing_but_nameless_errors_is_the_documents_error() {
        let items = vec![failed(None, missing("1")), failed(None, missing("2"))];
        assert_eq!(settled(items), Err(missing("1")));
        assert_eq!(settled(vec![]), Ok(vec![]));
    }
}
