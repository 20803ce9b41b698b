//! The ids that providers give to recordings, and to what recordings belong to.

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdKind {
    /// `RE`: a recording of a call.
    Recording,
    /// `CA`: a call, which has recordings.
    Call,
    /// `CF`: a conference, which has recordings.
    Conference,
    /// `RT`: a recording of one track of a video room.
    Track,
    /// `CJ`: a composition of tracks.
    Composition,
    /// `RM`: a video room, which has recordings and compositions.
    Room,
    /// A UUID: an archive of Vonage's.
    Archive,
    /// `1_MX…`, `2_MX…`: a session of Vonage's, which has archives.
    Session,
}

/// Two letters and 32 hexadecimal digits (Twilio: "String Identifier").
pub(super) const SIDS: [(&str, IdKind); 6] = [
    ("RE", IdKind::Recording),
    ("CA", IdKind::Call),
    ("CF", IdKind::Conference),
    ("RT", IdKind::Track),
    ("CJ", IdKind::Composition),
    ("RM", IdKind::Room),
];

/// The length of a Twilio id.
pub(super) const SID: usize = 34;

/// The length of a UUID, and where its hyphens stand.
pub(super) const UUID: usize = 36;
pub(super) const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl IdKind {
    /// What `text`, the whole of it, names. Hexadecimal digits stand in either case.
    pub fn of(text: &str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sid = SIDS.iter().find_map(|(prefix, kind)| {
            let rest = text.strip_prefix(prefix)?;
            (text.len() == SID && digits(rest)).then_some(*kind)
        });
        sid.or_else(|| is_uuid(text).then_some(Self::Archive))
            .or_else(|| is_session(text).then_some(Self::Session))
    }

    /// The first id of a recording that stands in a text, such as the name of a file.
    pub fn find(text: &str) -> Option<(Self, &str)> {
        text.char_indices().find_map(|(start, _)| {
            [SID, UUID].into_iter().find_map(|length| {
                let piece = text.get(start..start + length)?;
                let kind = Self::of(piece).filter(|kind| !kind.is_group())?;
                Some((kind, piece))
            })
        })
    }

    /// Whether it names something that has any number of recordings.
    pub fn is_group(self) -> bool {
        match self {
            Self::Call | Self::Conference | Self::Room | Self::Session => true,
            Self::Recording | Self::Track | Self::Composition | Self::Archive => false,
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == UUID
        && text.bytes().enumerate().all(|(place, byte)| {
            if HYPHENS.contains(&place) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

/// A session id is the base64 of what begins with an API key, in an alphabet of its own.
fn is_session(text: &str) -> bool {
    let rest = text
        .strip_prefix("1_MX")
        .or_else(|| text.strip_prefix("2_MX"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_~=".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdefABCDEF0123456789";
    const ARCHIVE: &str = "b40ef09b-3811-4726-b508-e41a0f96c68f";

    #[test]
    fn ids_are_known_by_their_shape() {
        for (prefix, kind) in SIDS {
            let sid = format!("{prefix}{HEX}");
            assert_eq!(IdKind::of(&sid), Some(kind));
        }
        assert_eq!(IdKind::of(ARCHIVE), Some(IdKind::Archive));
        assert_eq!(IdKind::of(&ARCHIVE.to_uppercase()), Some(IdKind::Archive));
        let session = "2_MX4xMDB-flR1ZSBOb3YgMTkgMTE6MDk6NTggUFNUIDIwMTN-MC4zNzQxNzIxNX4";
        assert_eq!(IdKind::of(session), Some(IdKind::Session));
    }

    #[test]
    fn an_id_is_found_in_the_name_of_a_file() {
        let sid = format!("RE{HEX}");
        for (name, found) in [
            (
                format!("{sid}.wav"),
                Some((IdKind::Recording, sid.as_str())),
            ),
            (
                format!("2026-11-25_{sid} (1).enc"),
                Some((IdKind::Recording, sid.as_str())),
            ),
            (format!("ä{ARCHIVE}.ts"), Some((IdKind::Archive, ARCHIVE))),
            (format!("CA{HEX}.wav"), None),
            ("call.wav".to_owned(), None),
        ] {
            assert_eq!(IdKind::find(&name), found, "{name}");
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            String::new(),
            HEX.to_owned(),
            format!("AC{HEX}"),
            format!("re{HEX}"),
            format!("RE{HEX}.json"),
            format!(" RE{HEX}"),
            format!("RE{}", &HEX[1..]),
            format!("RE{}g", &HEX[1..]),
            format!("RE{}ä", &HEX[2..]),
            ARCHIVE.replace('-', "_"),
            ARCHIVE.replace('-', ""),
            format!("{ARCHIVE}0"),
            "2_MX".to_owned(),
            "3_MX40".to_owned(),
            "2_MX40/x".to_owned(),
            "2_MX40.ts".to_owned(),
        ] {
            assert_eq!(IdKind::of(&text), None, "{text}");
        }
    }
}
