//! The second box, first half: from a text to the values in it, whatever the text's shape.
//!
//! JSON, heads and bodies of HTTP, form bodies, and lines of names and values all become [`Json`].

use std::collections::BTreeSet;

use super::decode::{dump, is_form};
use super::error::MetadataError;
use super::id::IdKind;
use super::json::{self, Budget, Entry, Json, Object};

/// The member in which a response's status stands among its headers; no header has such a name.
pub(super) const STATUS: &str = ":status";

/// The same of a request's method.
pub(super) const METHOD: &str = ":method";

/// The values of a text.
pub(super) enum Shape {
    /// The text consists of them: each is an entry of its own.
    All(Vec<Entry>),
    /// They stand in other text. Of several groups the last that has a recording counts, as the
    /// last of several answers to one question; what is no recording is of no interest.
    Some(Vec<Vec<Entry>>),
}

/// Finds the values of a text.
///
/// # Errors
/// When it is JSON and broken, a [`Dump`](super::error::Dump), or of no shape that is known.
pub(super) fn shape(
    text: &str,
    expected: &'static str,
    budget: &Budget,
) -> Result<Shape, MetadataError> {
    let text = text.trim();
    if text.starts_with(['{', '[', '"']) {
        match json::texts(text, budget) {
            Ok(entries) => return Ok(Shape::All(entries)),
            // A log may begin with a time in brackets.
            Err(MetadataError::Syntax { .. }) if is_bracket(text) => {}
            Err(error @ MetadataError::Syntax { .. }) => {
                return Err(dump(text).map_or(error, MetadataError::Dump));
            }
            Err(error) => return Err(error),
        }
    }
    if text.lines().any(|line| head_line(line).is_some()) {
        return answers(text, budget).map(Shape::Some);
    }
    if text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .all(is_form)
    {
        return forms(text, budget).map(Shape::All);
    }
    if let Some(dump) = dump(text) {
        return Err(MetadataError::Dump(dump));
    }
    let mut entries = inside(text, budget)?;
    if entries.is_empty() {
        entries = escaped(text, budget)?;
    }
    let members = members(text, budget)?;
    if entries.is_empty() && members.is_empty() {
        return Err(MetadataError::Syntax {
            expected,
            // Not the text itself: it may be a passphrase or key, given in the metadata's place.
            detail: "it is text of another kind".to_owned(),
        });
    }
    // A header's value may be JSON too, of no interest.
    let object = Json::Object(members.into_iter().collect());
    Ok(Shape::Some(vec![entries, vec![Ok(object)]]))
}

fn is_bracket(text: &str) -> bool {
    let inside = text.strip_prefix('[').map(str::trim_start);
    inside.is_some_and(|inside| !inside.starts_with(['{', '[', '"', ']']))
}

/// JSON texts and form bodies in the middle of other text: a log, a progress meter, quotes.
fn inside(text: &str, budget: &Budget) -> Result<Vec<Entry>, MetadataError> {
    let mut entries = Vec::new();
    let mut rest = text;
    while let Some(start) = start_of_json(rest) {
        let (before, from) = rest.split_at(start);
        entries.extend(forms_inside(before, budget)?);
        match json::first(from, budget) {
            Ok((value, behind)) => {
                entries.push(Ok(value));
                rest = behind;
            }
            Err(error @ MetadataError::TooMany { .. }) => return Err(error),
            Err(error) => {
                budget.spend()?;
                entries.push(Err(error));
                rest = from.split_once('\n').map_or("", |(_, rest)| rest);
            }
        }
    }
    entries.extend(forms_inside(rest, budget)?);
    Ok(entries)
}

/// JSON texts in strings in the middle of other text: `msg="got {\"sid\": …}"`.
fn escaped(text: &str, budget: &Budget) -> Result<Vec<Entry>, MetadataError> {
    let mut entries = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{\\\"") {
        rest = behind;
        let from = before.rfind('"').and_then(|quote| {
            let inside = text.len() - behind.len() - 3 - before.len() + quote;
            text.get(inside..)
        });
        match from.map(|from| json::first(from, budget)) {
            Some(Ok((value, behind))) => {
                entries.push(Ok(value));
                rest = behind;
            }
            Some(Err(error @ MetadataError::TooMany { .. })) => return Err(error),
            Some(Err(_)) => rest = rest.split_once('\n').map_or("", |(_, rest)| rest),
            None => {}
        }
    }
    Ok(entries)
}

/// Whether an object, or an array of them, stands in a text.
pub(super) fn has_json(text: &str) -> bool {
    start_of_json(text).is_some()
}

/// Where an object, or an array of them, begins: `{"` or `[{"`, not `[info]` or `{ [5 bytes`.
fn start_of_json(text: &str) -> Option<usize> {
    let is_start = |place: usize| {
        let (_, from) = text.split_at_checked(place)?;
        let inside = from.get(1..)?.trim_start();
        let first = inside.chars().next()?;
        let fits = match from.chars().next()? {
            '{' => first == '"',
            _ => first == '{' && inside.get(1..)?.trim_start().starts_with('"'),
        };
        fits.then_some(place)
    };
    text.match_indices(['{', '['])
        .find_map(|(place, _)| is_start(place))
}

/// Words of a text that are form bodies of several fields.
fn forms_inside(text: &str, budget: &Budget) -> Result<Vec<Entry>, MetadataError> {
    let quotes = |c: char| c.is_whitespace() || "\"'`".contains(c);
    text.split(quotes)
        .filter(|word| word.contains('&') && is_form(word))
        .map(|word| Ok(Ok(form(word, budget)?)))
        .collect()
}

/// Form bodies, one a line; lines of one field each are one body.
fn forms(text: &str, budget: &Budget) -> Result<Vec<Entry>, MetadataError> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines().any(|line| line.contains('&')) {
        lines().map(|line| Ok(Ok(form(line, budget)?))).collect()
    } else {
        let mut fields = String::with_capacity(text.len());
        for line in lines() {
            fields.push_str(line);
            fields.push('&');
        }
        Ok(vec![Ok(form(&fields, budget)?)])
    }
}

/// An `application/x-www-form-urlencoded` body.
fn form(body: &str, budget: &Budget) -> Result<Json, MetadataError> {
    let fields = form_urlencoded::parse(body.trim().as_bytes());
    let members: Result<Object, _> = fields
        .map(|(name, value)| {
            budget.spend()?;
            Ok((name.into_owned(), Json::text(&value)))
        })
        .collect();
    members.map(Json::Object)
}

/// The first line of a response or request, as `curl -i`, `curl -v` and `wget -S` write it.
enum Head<'a> {
    Status(&'a str),
    Method(&'a str),
}

fn head_line(line: &str) -> Option<Head<'_>> {
    let line = line.trim();
    let line = line.strip_prefix('<').unwrap_or(line).trim_start();
    let mut words = line.split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let is_version = |word: &str| word.starts_with("HTTP/");
    if is_version(first) && second.len() == 3 && second.bytes().all(|c| c.is_ascii_digit()) {
        return Some(Head::Status(second));
    }
    let is_method = first.bytes().all(|c| c.is_ascii_uppercase());
    (is_method && words.next().is_some_and(is_version)).then_some(Head::Method(first))
}

/// Takes a log apart into answers by their first lines: the headers, then what the body holds.
/// What comes before the first line of all is an answer too, without a status.
fn answers(text: &str, budget: &Budget) -> Result<Vec<Vec<Entry>>, MetadataError> {
    let mut answers: Vec<Answer> = vec![Answer::default()];
    for line in text.lines() {
        budget.spend()?;
        let indented = line.trim();
        if let Some(head) = head_line(line) {
            let (name, word) = match head {
                Head::Status(status) => (STATUS, status),
                Head::Method(method) => (METHOD, method),
            };
            let members = vec![(name.to_owned(), Json::text(word))];
            answers.push(Answer {
                members,
                ..Answer::default()
            });
        } else if let Some(answer) = answers.last_mut() {
            answer.line(indented);
        }
    }
    let id = id_in_url(text);
    let entries = |mut answer: Answer| {
        if let Some(id) = &id {
            answer.members.push(("sid".to_owned(), Json::text(id)));
        }
        let head = Json::Object(answer.members.into_iter().collect());
        let body = answer.body.trim();
        let mut entries = vec![Ok(head)];
        if is_form(body) {
            entries.push(Ok(form(body, budget)?));
        } else {
            entries.extend(inside(body, budget)?);
        }
        Ok(entries)
    };
    let is_empty = |answer: &Answer| answer.members.is_empty();
    let answers = answers.into_iter().filter(|answer| !is_empty(answer));
    answers.map(entries).collect()
}

#[derive(Default)]
struct Answer {
    members: Vec<(String, Json)>,
    is_body: bool,
    body: String,
}

impl Answer {
    fn line(&mut self, line: &str) {
        // What `curl -v` says between.
        let is_said = |start: &&str| line.starts_with(*start);
        if line == ">" || ["* ", "> ", "{ [", "} ["].iter().any(is_said) {
            return;
        }
        let line = line.strip_prefix('<').unwrap_or(line).trim_start();
        if self.is_body {
            self.body.push_str(line);
            self.body.push('\n');
        } else if line.is_empty() {
            self.is_body = !self.members.is_empty();
        } else {
            self.members.extend(header(line));
        }
    }
}

/// `name: value`.
fn header(line: &str) -> Option<(String, Json)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_end();
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    is_name.then(|| (name.to_owned(), Json::text(unquoted(value.trim()))))
}

/// Without the quotes that YAML puts around a value.
fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    within('\'').or_else(|| within('"')).unwrap_or(value)
}

/// Names and values without JSON: headers, YAML, aligned columns, and what browsers' tools copy:
/// the name on one line and the value on the next.
fn members(text: &str, budget: &Budget) -> Result<Vec<(String, Json)>, MetadataError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("- "))
        .filter(|line| !line.is_empty());
    let mut lines = lines.peekable();
    let mut members = Vec::new();
    while let Some(line) = lines.next() {
        budget.spend()?;
        let next = lines.peek().copied().unwrap_or_default();
        let name = line.trim_end_matches([' ', '>', '|', '-']);
        let name = name.strip_suffix(':').unwrap_or(name);
        if !name.is_empty() && name.chars().all(is_name) {
            // A value may look like anything, but a name and its value stand on one line or on two.
            if !next.is_empty() && header(next).is_none() {
                members.push((name.to_owned(), Json::text(unquoted(next))));
            }
        } else if let Some(member) = header(line) {
            members.push(member);
        } else if let Some((name, value)) = line.split_once(char::is_whitespace)
            && name.chars().all(is_name)
        {
            members.push((name.to_owned(), Json::text(unquoted(value.trim()))));
        }
    }
    Ok(members)
}

/// The one recording whose URL `wget` says it fetches:
/// `--2017-11-24 15:11:30--  https://….s3.amazonaws.com/AC…/RT….mkv?…`.
fn id_in_url(text: &str) -> Option<String> {
    let ids: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("--"))
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.split_once("://"))
        .filter_map(|(_, url)| url.split(['?', '#']).next())
        .flat_map(|path| path.split(['/', '.']))
        .filter(|name| matches!(IdKind::of(name), Some(IdKind::Track | IdKind::Composition)))
        .collect();
    let mut ids = ids.into_iter();
    match (ids.next(), ids.next()) {
        (Some(id), None) => Some(id.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<Object> {
        let entries = match shape(text, "JSON", &Budget::new()).unwrap() {
            Shape::All(entries) => entries,
            Shape::Some(groups) => groups.into_iter().flatten().collect(),
        };
        let object = |entry: Entry| match entry {
            Ok(Json::Object(object)) => Some(object),
            _ => None,
        };
        entries.into_iter().filter_map(object).collect()
    }

    /// The value of `iv` in the one object that has it.
    fn iv(text: &str) -> String {
        let objects = objects(text);
        let found: Vec<_> = objects
            .iter()
            .filter_map(|object| object.text(&["iv"]).unwrap())
            .collect();
        assert_eq!(found.len(), 1, "{text}");
        found[0].1.to_owned()
    }

    #[test]
    fn every_shape_becomes_objects() {
        for text in [
            "{\"iv\":\"a b\"}",
            "iv=a+b&x=y",
            "x=y\niv=a%20b",
            "2026-11-25T12:00:00Z [info] POST iv=a+b&x=y 200",
            "[2026-11-25 12:00] body={\"iv\":\"a b\"} done",
            "12:00 {\"x\": 1}\n12:01 {\"iv\": \"a b\"}\n12:02 {\"x\"\n",
            "  % Total\r  0\r100  45{\n  \"iv\": \"a b\"\n}",
            "```json\n{\"iv\": \"a b\"}\n```",
            "'{\"iv\": \"a b\"}'",
            "HTTP/2 200 \r\nx: y\r\n\r\n{ \"iv\":\r\n \"a b\" }",
            "POST /hook HTTP/1.1\nHost: x\n\nx=y&iv=a+b",
            "* Connected\n> GET / HTTP/1.1\n>\n< HTTP/1.1 200 OK\n< x: y\n< \n{ [5 bytes data]\n\
             {\"iv\":\"a b\"}* Connection left",
            "HTTP/1.1 200 OK\niv: a b\n\n",
            "x: y\niv: a b",
            "x: y\niv:\na b\nz: x",
            "x\ny\niv\na b\nz\nx",
            "x      y\niv     a b",
            "Metadata:\n  iv: 'a b'\n  matdesc: '{}'",
            "Metadata:\n  iv: >-\n    a b\n",
            "nel: {\"max_age\": 7}\niv: a b",
            "{\"x\": 1}\n{\"iv\": \"a b\"}200",
        ] {
            assert_eq!(iv(text), "a b", "{text}");
        }
    }

    #[test]
    fn what_was_asked_is_no_part_of_the_answer() {
        let log = "* Connected\n> GET / HTTP/1.1\n> iv: x\n>\n< HTTP/1.1 200 OK\n< iv: a b\n";
        assert_eq!(iv(log), "a b");
    }

    #[test]
    fn what_curl_says_in_between_is_no_part_of_the_body() {
        for said in [
            ">",
            "* Closing",
            "> GET / HTTP/1.1",
            "{ [9 bytes data]",
            "} [9 bytes data]",
        ] {
            let log =
                format!("< HTTP/1.1 200 OK\n< etag: x\n<\n{said}\n{{\"iv\":\"a\"}}\n{said}\n");
            assert_eq!(iv(&log), "a", "{said}");
            let form = format!("< HTTP/1.1 200 OK\n< etag: x\n<\n{said}\niv=a\n{said}\n");
            assert_eq!(iv(&form), "a", "{said}");
        }
    }

    #[test]
    fn a_name_alone_on_its_line_takes_no_header_for_its_value() {
        let names = |text| {
            let members = members(text, &Budget::new()).unwrap();
            members
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names("iv\na b\n"), ["iv", "a"]);
        assert_eq!(names("iv\nkey: x\n"), ["key"]);
        assert_eq!(names("iv\n"), [""; 0]);
    }

    #[test]
    fn json_begins_with_an_object_that_has_a_name() {
        for (text, place) in [
            ("[info] {\"a\":1}", Some(7)),
            ("[{x}] [ { \"a\"", Some(6)),
            ("[x\"] [1] {", None),
            ("{ [5 bytes", None),
        ] {
            assert_eq!(start_of_json(text), place, "{text}");
        }
    }

    #[test]
    fn what_begins_an_answer_is_a_status_or_a_request() {
        let head = |line| match head_line(line) {
            Some(Head::Status(status)) => status,
            Some(Head::Method(method)) => method,
            None => "",
        };
        for (line, expected) in [
            ("  HTTP/1.1 200 OK", "200"),
            ("< HTTP/2 404", "404"),
            ("HTTP/1.1 2000 OK", ""),
            ("HTTP/1.1 2x0 OK", ""),
            ("iv 200 OK", ""),
            ("POST /hook HTTP/1.1", "POST"),
            ("post /hook HTTP/1.1", ""),
            ("POST /hook twice", ""),
        ] {
            assert_eq!(head(line), expected, "{line}");
        }
    }

    #[test]
    fn a_header_has_a_name_in_one_word() {
        let name = |line| header(line).map(|(name, _)| name);
        assert_eq!(name("iv : x").as_deref(), Some("iv"));
        assert_eq!(name(": x"), None);
        assert_eq!(name("the iv: x"), None);
    }

    #[test]
    fn text_of_no_shape_is_not_repeated() {
        for text in ["supersecret", "supersecret, and more", "correct-horse\n"] {
            let Err(error) = shape(text, "JSON", &Budget::new()) else {
                continue;
            };
            assert_eq!(
                error.to_string(),
                "it is not JSON: it is text of another kind"
            );
        }
    }

    #[test]
    fn lines_and_fields_are_counted() {
        for text in ["x: y\n", "x\n", "a=b&c=d\n", "{\"\n"] {
            let text = format!(".{text}{}", text.repeat(140_000));
            let error = shape(&text, "JSON", &Budget::new()).err();
            assert!(
                matches!(error, Some(MetadataError::TooMany { .. })),
                "{error:?}"
            );
        }
    }
}
