//! [`Location`]: an object in a bucket, or all that begin with a prefix.

use std::fmt;

use url::Url;

/// Whose buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Service {
    /// Amazon S3, and what speaks as it does.
    S3,
    /// Azure Blob Storage, where a bucket is a container and an object a blob.
    Azure,
    /// Google Cloud Storage.
    Google,
}

impl Service {
    /// Everybody's.
    pub(crate) const ALL: [Self; 3] = [Self::S3, Self::Azure, Self::Google];

    /// How its URLs begin.
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3://",
            Self::Azure => "az://",
            Self::Google => "gs://",
        }
    }

    /// Its name, in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Azure => "Azure",
            Self::Google => "Google Cloud Storage",
        }
    }
}

/// A place in a bucket. Its [`Display`](fmt::Display) is its URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Location {
    /// Whose bucket.
    pub service: Service,
    /// The bucket's name.
    pub bucket: String,
    /// The region that it is known to be in, whatever the settings say.
    pub region: Option<String>,
    /// The key, raw: `%41` is four characters. Empty, or ending in `/`, for a prefix.
    pub key: String,
}

/// What signed links of S3, of Azure and of Google have in their queries.
const SIGNATURES: [&str; 5] = [
    "X-Amz-Signature=",
    "X-Amz-Security-Token=",
    "X-Goog-Signature=",
    "Signature=",
    "sig=",
];

/// Why a URL names no place in a bucket. What may be printed of it comes first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocationError {
    /// The name of the bucket is none.
    #[error("`{0}` names no bucket")]
    Bucket(String),
    /// The key has parts that cannot be asked for.
    #[error(
        "the key in `{0}` cannot be asked for: a part between its slashes is empty, `.` or `..`, or \
         has a control character"
    )]
    Key(String),
    /// It has a signature behind it, which lets in whoever has it, and is no part of a key.
    #[error("`{0}` was given with a signature behind it, which is not repeated")]
    Signed(String),
    /// It is a prefix, where one object is meant.
    #[error("`{0}` is no object, but all below it")]
    Prefix(String),
}

impl Location {
    /// Reads `s3://BUCKET/KEY`, `az://CONTAINER/BLOB` or `gs://BUCKET/KEY`; `None` for anything else.
    ///
    /// # Errors
    /// See [`LocationError`].
    pub(crate) fn parse(text: &str) -> Option<Result<Self, LocationError>> {
        let service = Service::ALL.into_iter().find(|service| {
            let start = text.get(..service.scheme().len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(service.scheme()))
        })?;
        let rest = text.get(service.scheme().len()..).unwrap_or_default();
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Self::of(service, bucket, key))
    }

    fn of(service: Service, bucket: &str, key: &str) -> Result<Self, LocationError> {
        // Hadoop and others take secrets in front of the bucket, and an `@` behind them.
        let shown = || {
            let bucket = bucket.rsplit('@').next().unwrap_or_default();
            let bucket = bucket.split(['?', '#']).next().unwrap_or_default();
            format!("{}{bucket}/{key}", service.scheme())
        };
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.$".contains(c);
        if bucket.is_empty() || !bucket.chars().all(is_of_name) || bucket.starts_with('.') {
            let shown = shown();
            return Err(LocationError::Bucket(
                shown
                    .split(['?', '#'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            ));
        }
        if let Some((before, query)) = key.split_once('?')
            && SIGNATURES.iter().any(|name| query.contains(name))
        {
            let shown = format!("{}{bucket}/{before}", service.scheme());
            return Err(LocationError::Signed(shown));
        }
        let parts = key.strip_suffix('/').unwrap_or(key).split('/');
        let is_part = |part: &str| {
            !matches!(part, "" | "." | "..") && !part.chars().any(|c| c.is_ascii_control())
        };
        if !key.is_empty() && !parts.into_iter().all(is_part) {
            return Err(LocationError::Key(shown()));
        }
        Ok(Self {
            service,
            bucket: bucket.to_owned(),
            region: None,
            key: key.to_owned(),
        })
    }

    /// The object that a URL of S3's means, in either of its two forms: "Virtual-hosted–style …
    /// `https://bucket-name.s3.region-code.amazonaws.com/key-name`", "Path-style …
    /// `https://s3.region-code.amazonaws.com/bucket-name/key-name`" (Amazon S3, User Guide).
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?.to_ascii_lowercase();
        let inner = host
            .strip_suffix(".amazonaws.com")
            .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let path = url.path().strip_prefix('/').unwrap_or_default();
        let path = percent_decoded(path)?;
        let labels: Vec<_> = inner.split('.').collect();
        let is_s3 = |label: &&str| *label == "s3" || label.starts_with("s3-");
        let at = labels.iter().rposition(is_s3)?;
        let (bucket, key) = match labels.get(..at)? {
            [] => {
                let (bucket, key) = path.split_once('/')?;
                (bucket.to_owned(), key.to_owned())
            }
            bucket => (bucket.join("."), path),
        };
        let behind = labels.get(at + 1..)?;
        let region = match (labels.get(at)?.strip_prefix("s3-"), behind) {
            (Some("external-1" | "accelerate") | None, []) => None,
            (Some(region), []) => Some(region.to_owned()),
            (None, ["dualstack", region] | [region]) => Some((*region).to_owned()),
            _ => None,
        };
        let location = Self::of(Service::S3, &bucket, &key).ok()?;
        (!location.is_prefix()).then_some(Self { region, ..location })
    }

    /// Whether it stands for every object below it.
    pub(crate) fn is_prefix(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// The last part of its key. Untrusted text.
    pub(crate) fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }

    /// The one called `name` below this prefix.
    pub(crate) fn join(&self, name: &str) -> Self {
        let slash = if self.is_prefix() { "" } else { "/" };
        self.with_key(format!("{}{slash}{name}", self.key))
    }

    /// The one of that key in the same bucket.
    pub(crate) fn with_key(&self, key: String) -> Self {
        Self {
            key,
            ..self.clone()
        }
    }

    /// The objects that may be its sidecar, the likeliest first: those beside it that have its name,
    /// or its name without some of the extensions, and end in `.json` or `.headers`.
    pub(crate) fn sidecars(&self) -> Vec<Self> {
        let (folder, mut stem) = match self.key.rsplit_once('/') {
            Some((folder, name)) => (format!("{folder}/"), name),
            None => (String::new(), self.key.as_str()),
        };
        let mut found = Vec::new();
        loop {
            for extension in ["json", "headers"] {
                let key = format!("{folder}{stem}.{extension}");
                if key != self.key {
                    found.push(self.with_key(key));
                }
            }
            match stem.rsplit_once('.') {
                Some((shorter, _)) if !shorter.is_empty() => stem = shorter,
                _ => return found,
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            bucket,
            key,
            ..
        } = self;
        write!(f, "{}{bucket}/{key}", service.scheme())
    }
}

/// What percent signs and, in S3's links, plus signs stand for; `None` where that is no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Location, LocationError> {
        Location::parse(text).unwrap()
    }

    #[test]
    fn a_url_is_a_bucket_and_a_raw_key() {
        for (text, bucket, key) in [
            ("s3://b/k", "b", "k"),
            ("S3://b/a/b c%20d?e#f+g", "b", "a/b c%20d?e#f+g"),
            ("az://$root/x", "$root", "x"),
            ("gs://b.c-d_e/\u{e9}", "b.c-d_e", "\u{e9}"),
            ("s3://b", "b", ""),
            ("s3://b/", "b", ""),
            ("s3://b/p/", "b", "p/"),
        ] {
            let location = parse(text).unwrap();
            assert_eq!(
                (location.bucket.as_str(), location.key.as_str()),
                (bucket, key)
            );
            assert_eq!(location.is_prefix(), key.is_empty() || key.ends_with('/'));
        }
        assert_eq!(Location::parse("s3:/b/k"), None);
        assert_eq!(Location::parse("https://b/k"), None);
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_and_no_secret_is_shown() {
        for (text, shown) in [
            ("s3://", "s3:///"),
            ("s3:///k", "s3:///k"),
            ("s3://AKIA:s3cret@b/k", "s3://b/k"),
            ("gs://b?token=s3cret/k", "gs://b/k"),
            ("s3://../k", "s3://../k"),
        ] {
            assert_eq!(
                parse(text),
                Err(LocationError::Bucket(shown.to_owned())),
                "{text}"
            );
        }
        for query in [
            "X-Amz-Signature=s3cret",
            "a=b&sig=s3cret",
            "Expires=1&Signature=s3cret",
        ] {
            let signed = LocationError::Signed("s3://b/a/k".to_owned());
            assert_eq!(parse(&format!("s3://b/a/k?{query}")), Err(signed));
        }
        for key in ["/k", "a//b", "a/./b", "../a", "a/..", "a\u{7f}b", "a//"] {
            let text = format!("s3://b/{key}");
            assert_eq!(
                parse(&text),
                Err(LocationError::Key(text.clone())),
                "{text}"
            );
        }
    }

    #[test]
    fn a_url_of_s3_is_the_object_and_its_region() {
        for (url, shown, region) in [
            ("https://s3.amazonaws.com/b/a/k", "s3://b/a/k", None),
            ("https://b.s3.amazonaws.com/a/k", "s3://b/a/k", None),
            (
                "https://b.c.s3.eu-west-1.amazonaws.com/k",
                "s3://b.c/k",
                Some("eu-west-1"),
            ),
            (
                "https://b.s3-us-west-2.amazonaws.com/k%20l",
                "s3://b/k l",
                Some("us-west-2"),
            ),
            (
                "https://s3.dualstack.eu-west-1.amazonaws.com/b/k",
                "s3://b/k",
                Some("eu-west-1"),
            ),
            (
                "https://b.s3.cn-north-1.amazonaws.com.cn/k",
                "s3://b/k",
                Some("cn-north-1"),
            ),
            (
                "https://b.s3-accelerate.amazonaws.com/k?X=1",
                "s3://b/k",
                None,
            ),
        ] {
            let location = Location::of_url(url).unwrap();
            assert_eq!(
                (location.to_string().as_str(), location.region.as_deref()),
                (shown, region)
            );
        }
        for url in [
            "https://api.twilio.com/2010-04-01/x",
            "https://s3.amazonaws.com/b",
            "https://b.s3.amazonaws.com/",
            "https://b.s3.amazonaws.com.evil.example/k",
            "https://ec2.eu-west-1.amazonaws.com/b/k",
            "https://b.s3.amazonaws.com/a%2",
        ] {
            assert_eq!(Location::of_url(url), None, "{url}");
        }
    }

    #[test]
    fn a_sidecar_has_the_name_or_a_shorter_one() {
        let names = |text| {
            let sidecars = parse(text).unwrap().sidecars().into_iter();
            sidecars.map(|it| it.key).collect::<Vec<_>>()
        };
        assert_eq!(
            names("s3://b/p.q/RE1.wav.enc"),
            [
                "p.q/RE1.wav.enc.json",
                "p.q/RE1.wav.enc.headers",
                "p.q/RE1.wav.json",
                "p.q/RE1.wav.headers",
                "p.q/RE1.json",
                "p.q/RE1.headers",
            ]
        );
        assert_eq!(names("s3://b/RE1"), ["RE1.json", "RE1.headers"]);
        assert_eq!(
            names("s3://b/a.json"),
            ["a.json.json", "a.json.headers", "a.headers"]
        );
    }
}
