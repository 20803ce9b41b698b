//! [`Sent`]: secrets that an answer may give back.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Shorter ones are left: they stand in answers for other reasons.
const SHORTEST: usize = 8;

/// What a request let us in with, so that it is recognised in its answer: some servers repeat what
/// they got in the messages of their errors, and those are printed.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<[Zeroizing<String>]>);

impl Sent {
    /// These, where they are long enough to be recognised.
    pub(super) fn of(secrets: impl IntoIterator<Item = Zeroizing<String>>) -> Self {
        let secrets = secrets.into_iter();
        Self(secrets.filter(|secret| secret.len() >= SHORTEST).collect())
    }

    /// Puts stars in their place.
    pub(crate) fn mask(&self, text: &mut [u8]) {
        for secret in self.0.iter() {
            let mut from = 0;
            while let Some(at) = find(text.get(from..).unwrap_or_default(), secret.as_bytes()) {
                let end = from + at + secret.len();
                if let Some(place) = text.get_mut(from + at..end) {
                    place.fill(b'*');
                }
                from = end;
            }
        }
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sent")
    }
}

fn find(text: &[u8], secret: &[u8]) -> Option<usize> {
    let first = secret.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| byte == first)?;
        if text.get(at..)?.starts_with(secret) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_starred_wherever_it_stands() {
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        let sent = Sent::of([
            secret("s3cret-of-ours"),
            secret("short"),
            secret("another1"),
        ]);
        let mut text = b"s3s3cret-of-ours, short; another1another1 s3cret-of-our".to_vec();
        sent.mask(&mut text);
        let masked = "s3**************, short; **************** s3cret-of-our";
        assert_eq!(String::from_utf8(text).unwrap(), masked);
        let mut text = b"s3cret-of-ours".to_vec();
        Sent::default().mask(&mut text);
        assert_eq!(text, b"s3cret-of-ours");
        sent.mask(&mut []);
        assert_eq!(format!("{sent:?}"), "Sent");
    }
}
