//! Regions and edges of Twilio's.

use super::super::error::CredentialsError;

/// The region where only an edge is named.
const USUAL_REGION: &str = "us1";

/// The edges that are usual for the regions.
const EDGES: [(&str, &str); 7] = [
    ("au1", "sydney"),
    ("br1", "sao-paulo"),
    ("de1", "frankfurt"),
    ("ie1", "dublin"),
    ("jp1", "tokyo"),
    ("sg1", "singapore"),
    ("us1", "ashburn"),
];

/// A region or an edge.
pub(super) struct Label {
    /// What said so.
    pub(super) name: String,
    /// The part of a host's name.
    pub(super) text: String,
}

impl Label {
    /// What `name` says.
    pub(super) fn of(name: String, text: &str) -> Result<Self, CredentialsError> {
        let part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || !text.bytes().all(part) {
            return Err(CredentialsError::Unlike {
                name,
                expected: "a part of a host's name: lowercase letters, digits and dashes",
            });
        }
        Ok(Self {
            name,
            text: text.to_owned(),
        })
    }
}

/// Region and edge. An edge may stand alone; Twilio dropped what a region alone meant.
pub(super) fn place(
    region: Option<Label>,
    edge: Option<Label>,
) -> Result<Option<(String, String)>, CredentialsError> {
    match (region, edge) {
        (None, None) => Ok(None),
        (None, Some(edge)) => Ok(Some((USUAL_REGION.to_owned(), edge.text))),
        (Some(region), Some(edge)) => Ok(Some((region.text, edge.text))),
        (Some(region), None) => {
            let usual = EDGES.iter().find(|(name, _)| *name == region.text);
            let edge = usual.map(|(_, edge)| *edge);
            Err(CredentialsError::NoEdge(region.name, edge))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_may_stand_alone_and_a_region_may_not() {
        let label = |name: &str, text: &str| {
            let text = Some(text).filter(|text| !text.is_empty());
            text.map(|text| Label::of(name.to_owned(), text))
                .transpose()
        };
        let place = |region: &str, edge: &str| {
            place(label("TWILIO_REGION", region)?, label("TWILIO_EDGE", edge)?)
        };
        let both = |region: &str, edge: &str| Some((region.to_owned(), edge.to_owned()));
        assert_eq!(place("", "").unwrap(), None);
        assert_eq!(place("", "dublin").unwrap(), both("us1", "dublin"));
        assert_eq!(place("ie1", "tokyo").unwrap(), both("ie1", "tokyo"));
        for (region, edge) in EDGES {
            let error = place(region, "").unwrap_err();
            assert!(
                matches!(error, CredentialsError::NoEdge(_, Some(usual)) if usual == edge),
                "{region}"
            );
        }
        let error = place("xx9", "").unwrap_err();
        assert!(matches!(error, CredentialsError::NoEdge(_, None)));
        for bad in ["IE1", "ie1.evil.example", "ie 1", "ie1/", "ié1"] {
            assert!(place(bad, "dublin").is_err(), "{bad}");
            assert!(place("ie1", bad).is_err(), "{bad}");
        }
    }
}
