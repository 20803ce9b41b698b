//! What providers and storages say in the bodies of their errors.

use serde_json::Value;

use super::error::Problem;

/// How much of a body is looked at.
pub(super) const LOOKED_AT: usize = 64 * 1024;

/// Characters of a message that are kept.
const MESSAGE: usize = 300;

impl Problem {
    /// Finds it in a body: JSON of Twilio, Vonage or OpenTok, XML of Twilio or a storage.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let body = body.get(..LOOKED_AT).unwrap_or(body);
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match body.trim_ascii_start().first()? {
            b'{' => Self::of_json(&serde_json::from_slice(body).ok()?),
            b'<' => Self::of_xml(&String::from_utf8_lossy(body)),
            _ => None,
        }
    }

    /// Whether it is that there is no such bucket, and not that there is no such object.
    pub(crate) fn is_of_bucket(&self) -> bool {
        let names = ["NoSuchBucket", "ContainerNotFound"];
        names.iter().any(|name| self.message.starts_with(name))
    }

    /// Finds it in a page of a storage's that is nothing but an error.
    #[cfg(feature = "buckets")]
    pub(super) fn of_error_page(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body));
        let start = text.find("<Error")?;
        let before = text.get(..start)?;
        let is_first = before.split('<').skip(1).all(|part| part.starts_with('?'));
        is_first.then(|| Self::of_xml(&text))?
    }

    /// `{code, message}`, `{code, message, description}`, `{type, title, detail}`.
    fn of_json(value: &Value) -> Option<Self> {
        let text = |name| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = match value.get("code") {
            Some(Value::Number(code)) => code.to_string(),
            Some(Value::String(code)) => code.clone(),
            _ => String::new(),
        };
        let first = [text("message"), text("title"), text("error")];
        let second = [
            text("description"),
            text("detail"),
            text("error_description"),
        ];
        Self::of(&code, &[said(&first), said(&second)])
    }

    /// `<RestException>` or `<Error>` with `<Code>` and `<Message>`.
    fn of_xml(text: &str) -> Option<Self> {
        let inner = element(text, "RestException").or_else(|| element(text, "Error"))?;
        let part = |name| {
            element(inner, name)
                .map(without_entities)
                .unwrap_or_default()
        };
        // Azure's reason, of which its message says nothing.
        let detail = part("AuthenticationErrorDetail");
        Self::of(&part("Code"), &[&detail, &part("Message")])
    }

    /// A code that is no number goes in front of the words.
    fn of(code: &str, words: &[&str]) -> Option<Self> {
        let number = code.trim().parse().ok();
        let mut parts = Vec::new();
        if number.is_none() {
            parts.push(code);
        }
        parts.extend(words);
        let mut parts: Vec<_> = parts.into_iter().map(on_one_line).collect();
        parts.retain(|part| !part.is_empty());
        parts.dedup();
        if parts.is_empty() {
            return None;
        }
        Some(Self {
            code: number,
            message: shortened(&parts.join(": ")),
        })
    }
}

fn said<'a>(texts: &[&'a str]) -> &'a str {
    texts
        .iter()
        .find(|text| !text.is_empty())
        .copied()
        .unwrap_or_default()
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text.to_owned(),
    }
}

/// What stands in the first element of this name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let open = format!("<{name}");
    let mut starts = text.match_indices(&open).map(|(at, _)| at + open.len());
    let inner = starts.find_map(|at| {
        let (attributes, inner) = text.get(at..)?.split_once('>')?;
        let is_whole = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
        (is_whole && !attributes.ends_with('/')).then_some(inner)
    })?;
    Some(inner.split_once(&format!("</{name}"))?.0)
}

/// Text with what `&…;` and CDATA stand for.
fn without_entities(text: &str) -> String {
    let text = text.replace("<![CDATA[", "").replace("]]>", "");
    let mut parts = text.split('&');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part
            .split_once(';')
            .and_then(|(name, behind)| Some((entity(name)?, behind)));
        if let Some((character, behind)) = known {
            decoded.push(character);
            decoded.push_str(behind);
        } else {
            decoded.push('&');
            decoded.push_str(part);
        }
    }
    decoded
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_found_in_bodies() {
        let twilio = "<?xml version='1.0' encoding='UTF-8'?>\n<TwilioResponse><RestException>\
            <Code>20404</Code><Message>The requested resource /2010-04-01/&lt;x&gt; &amp; &#39;y&#x27; \
            was not found</Message><MoreInfo>https://www.twilio.com/docs/errors/20404</MoreInfo>\
            <Status>404</Status></RestException></TwilioResponse>";
        let s3 = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has \
            expired</Message><HostId>x</HostId></Error>";
        let azure = "\u{feff}<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>The \
            specified blob does not exist.\nRequestId:1\nTime:2</Message></Error>";
        for (body, code, message) in [
            (
                r#"{"code":20404,"message":"no such","more_info":"u","status":404}"#,
                Some(20404),
                "no such",
            ),
            (
                r#"{"code":15004,"message":"Forbidden","description":"not yours"}"#,
                Some(15004),
                "Forbidden: not yours",
            ),
            (
                r#"{"code":15004,"message":"Forbidden","description":"Forbidden"}"#,
                Some(15004),
                "Forbidden",
            ),
            (
                r#"{"type":"https://developer.vonage.com","title":"Unauthorized","detail":"bad token"}"#,
                None,
                "Unauthorized: bad token",
            ),
            (
                r#"{"code":"20003","detail":"","message":"Authenticate"}"#,
                Some(20003),
                "Authenticate",
            ),
            (
                r#"{"code":"NoSuchKey","message":"gone"}"#,
                None,
                "NoSuchKey: gone",
            ),
            ("\u{feff} {\"message\":\" a\\n  b \"}", None, "a b"),
            (
                twilio,
                Some(20404),
                "The requested resource /2010-04-01/<x> & 'y' was not found",
            ),
            (s3, None, "AccessDenied: Request has expired"),
            (
                azure,
                None,
                "BlobNotFound: The specified blob does not exist. RequestId:1 Time:2",
            ),
            (
                "<Error a='b'><Code/><Message lang='en'><![CDATA[x < y]]> &unknown; &</Message></Error>",
                None,
                "x < y &unknown; &",
            ),
            (
                "<ErrorX><Code>1</Code></ErrorX><Error><Message>m</Message></Error>",
                None,
                "m",
            ),
        ] {
            let problem = Problem {
                code,
                message: message.to_owned(),
            };
            assert_eq!(Problem::read(body.as_bytes()), Some(problem), "{body}");
        }
    }

    #[test]
    fn a_body_is_looked_at_as_far_as_the_limit() {
        let mut body = br#"{"message":"m"}"#.to_vec();
        body.resize(LOOKED_AT, b' ');
        assert!(Problem::read(&body).is_some());
        body.push(b'x');
        assert!(Problem::read(&body).is_some());
        body.insert(0, b' ');
        body[LOOKED_AT - 1] = b'x';
        assert_eq!(Problem::read(&body), None);
    }

    #[test]
    fn characters_of_xml_are_decoded() {
        let body = "<Error><Message>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&no;</Message></Error>";
        let problem = Problem::read(body.as_bytes()).unwrap();
        assert_eq!(problem.message, "<>&\"'AB&no;");
    }

    #[test]
    fn a_bucket_that_is_missing_is_told_from_an_object() {
        for (code, is_of_bucket) in [
            ("NoSuchBucket", true),
            ("ContainerNotFound", true),
            ("NoSuchKey", false),
            ("BlobNotFound", false),
        ] {
            let body = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
            let problem = Problem::read(body.as_bytes()).unwrap();
            assert_eq!(problem.is_of_bucket(), is_of_bucket, "{code}");
        }
    }

    #[cfg(feature = "buckets")]
    #[test]
    fn a_page_that_is_nothing_but_an_error_is_found() {
        const ERROR: &str = "<Error><Code>InternalError</Code><Message>m</Message></Error>";
        for (before, is_one) in [
            ("", true),
            ("<?xml version=\"1.0\"?>\n", true),
            ("<CompleteMultipartUploadResult>", false),
            ("<?xml version=\"1.0\"?><Result/>", false),
        ] {
            let page = Problem::of_error_page(format!("{before}{ERROR}").as_bytes());
            assert_eq!(page.is_some(), is_one, "{before}");
        }
        let far = " ".repeat(LOOKED_AT) + ERROR;
        assert_eq!(Problem::of_error_page(far.as_bytes()), None);
    }

    #[test]
    fn other_bodies_have_none() {
        for body in [
            "",
            " ",
            "{}",
            "[]",
            "{",
            "{\"code\":1}",
            "{\"message\":5}",
            "<html><body>Error</body></html>",
            "<Error>",
            "<Error></Error>",
            "<Error><Code>",
            "plain",
            "\u{0}",
            "<",
            "<Error",
            "&#xffffffff;",
        ] {
            assert_eq!(Problem::read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(Problem::read(b"\xff\xfe<"), None);
        let deep = format!("{{\"a\":{}", "[".repeat(10_000));
        assert_eq!(Problem::read(deep.as_bytes()), None);
    }

    #[test]
    fn messages_are_cut() {
        let body = format!("{{\"message\":\"{}\"}}", "\u{e9}".repeat(5000));
        let problem = Problem::read(body.as_bytes()).unwrap();
        assert_eq!(problem.message.chars().count(), MESSAGE + 1);
        let body = format!("<Error><Message>x</Message>{}", " ".repeat(LOOKED_AT));
        assert_eq!(Problem::read(body.as_bytes()), None);
    }
}
