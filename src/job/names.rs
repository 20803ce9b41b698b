//! [`NameTemplate`]: what outputs in a folder are called.

use std::str::FromStr;

use super::input::file_name;
use super::record::About;
use crate::provider::IdKind;

/// What stands for a field that a recording has not.
const UNKNOWN: &str = "unknown";

/// A name made of text and of what is known of a recording; `/` makes folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameTemplate(Vec<Vec<Piece>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Date,
    Call,
    Room,
    Session,
    Account,
}

/// The fields by name.
const FIELDS: [(&str, Field); 6] = [
    ("id", Field::Id),
    ("date", Field::Date),
    ("call", Field::Call),
    ("room", Field::Room),
    ("session", Field::Session),
    ("account", Field::Account),
];

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// There is no such field, or a brace stands alone.
    #[error("a field is none of {{id}}, {{date}}, {{call}}, {{room}}, {{session}}, {{account}}")]
    Field,
    /// It leads out of the folder, or to no name.
    #[error("a name is empty, begins with a dot, or has characters that names do without")]
    Name,
}

impl Default for NameTemplate {
    /// `{id}`.
    fn default() -> Self {
        Self(vec![vec![Piece::Field(Field::Id)]])
    }
}

impl FromStr for NameTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        text.split('/')
            .map(part)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// One name of a path.
fn part(mut text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let (before, rest) = text.split_at(text.find(['{', '}']).unwrap_or(text.len()));
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        if rest.is_empty() {
            break;
        }
        let (name, after) = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .ok_or(TemplateError::Field)?;
        let field = FIELDS.iter().find(|(known, _)| *known == name);
        pieces.push(Piece::Field(field.ok_or(TemplateError::Field)?.1));
        text = after;
    }
    let is_odd = |c: char| c.is_control() || c == '\\';
    match pieces.first() {
        None => Err(TemplateError::Name),
        Some(Piece::Text(first)) if first.starts_with(['.', '-', ' ']) => Err(TemplateError::Name),
        _ if pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Text(text) if text.contains(is_odd))) =>
        {
            Err(TemplateError::Name)
        }
        _ => Ok(pieces),
    }
}

impl NameTemplate {
    /// Whether it gives each id a name of its own.
    pub(super) fn is_by_id(&self) -> bool {
        let by_id = |piece: &Piece| *piece == Piece::Field(Field::Id);
        self.0.iter().flatten().any(by_id)
    }

    /// Whether it is nothing but the id.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The name of a recording, below the folder. `id` is its own, made fit for a name.
    pub(super) fn name(&self, id: &str, about: &About) -> String {
        let names = self.0.iter().map(|part| {
            let pieces = part.iter().map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Field(Field::Id) => id.to_owned(),
                Piece::Field(field) => {
                    let value = value(*field, about);
                    let value = value.and_then(|value| file_name(&value));
                    value.unwrap_or_else(|| UNKNOWN.to_owned())
                }
            });
            pieces.collect::<String>()
        });
        names.collect::<Vec<_>>().join("/")
    }
}

fn value(field: Field, about: &About) -> Option<String> {
    let parent = |kinds: &[IdKind]| {
        let parent = about.parent.as_deref()?;
        let kind = IdKind::of(parent)?;
        kinds.contains(&kind).then(|| parent.to_owned())
    };
    match field {
        Field::Id => about.id.clone(),
        Field::Date => Some(about.created?.strftime("%Y-%m-%d").to_string()),
        Field::Call => parent(&[IdKind::Call, IdKind::Conference]),
        Field::Room => parent(&[IdKind::Room]),
        Field::Session => parent(&[IdKind::Session]),
        Field::Account => about.account.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_what_is_known() {
        let about = About {
            created: Some("2026-11-15T23:59:59Z".parse().unwrap()),
            parent: Some(format!("CA{}", "0".repeat(32))),
            account: Some("../AC1".to_owned()),
            ..About::default()
        };
        let call = format!("CA{}", "0".repeat(32));
        for (template, name) in [
            ("{id}", "RE1".to_owned()),
            ("{date}/{id}", "2026-11-15/RE1".to_owned()),
            ("{call}/a {id} b", format!("{call}/a RE1 b")),
            ("{room}{session}", "unknownunknown".to_owned()),
            ("{account}", "_AC1".to_owned()),
        ] {
            let template: NameTemplate = template.parse().unwrap();
            assert_eq!(template.name("RE1", &about), name);
        }
    }

    #[test]
    fn no_template_leads_out_of_the_folder() {
        for text in [
            "", "/{id}", "{id}/", "a//b", "..", "../{id}", ".{id}", "-{id}", "{id", "id}",
            "{name}", "{ID}", "a\\{id}", "a\n{id}",
        ] {
            assert!(text.parse::<NameTemplate>().is_err(), "{text}");
        }
    }
}
