//! [`Flex`]: which agents' tokens are valid, and what they are in Flex.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::metrics::{Count, Metrics};
use crate::api::{FlexTokens, FlexUser};
use crate::cipher::lock;

/// How long a positive answer is good, if the token is.
const GOOD: Duration = Duration::from_secs(60);

/// How long an agent waits in all, for a place among the questions included.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many questions there are at the same time.
const AT_ONCE: usize = 32;

/// The most answers that are kept.
const MOST: usize = 4096;

/// Whoever has this role is a customer in a chat, and hears nothing.
const GUEST: &str = "guest";

/// Base64 as browsers' `btoa` writes it, and with its padding lost.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Who agents are.
pub(super) struct Flex {
    tokens: FlexTokens,
    roles: Vec<String>,
    questions: Semaphore,
    /// By the SHA-256 of the token, for it lets in whoever has it.
    known: Mutex<HashMap<[u8; 32], (FlexUser, Instant)>>,
}

/// Nobody can say whom a token belongs to.
pub(super) struct Unanswered(pub(super) String);

impl Flex {
    /// Those of an account. Who has one of `roles` may listen.
    pub(super) fn new(tokens: FlexTokens, roles: Vec<String>) -> Self {
        Self {
            tokens,
            roles,
            questions: Semaphore::new(AT_ONCE),
            known: Mutex::default(),
        }
    }

    /// Whom `token` belongs to; `None` where it is not valid.
    ///
    /// # Errors
    /// [`Unanswered`]: Twilio cannot be asked.
    pub(super) async fn user(
        &self,
        token: &str,
        metrics: &Metrics,
    ) -> Result<Option<FlexUser>, Unanswered> {
        let name = Sha256::digest(token).into();
        if let Some(user) = self.known(&name) {
            return Ok(Some(user));
        }
        metrics.count(Count::Validations);
        let asking = async {
            let _place = self.questions.acquire().await;
            self.tokens.user(token).await
        };
        let answer = match timeout(PATIENCE, asking).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("Twilio was not asked in time".to_owned()),
        };
        let user = answer.map_err(|reason| {
            metrics.count(Count::ValidationErrors);
            Unanswered(reason)
        })?;
        if let Some(user) = &user {
            self.remember(name, user);
        }
        Ok(user)
    }

    fn known(&self, name: &[u8; 32]) -> Option<FlexUser> {
        let known = lock(&self.known);
        let (user, until) = known.get(name)?;
        let is_good = *until > Instant::now() && !has_expired(user);
        is_good.then(|| user.clone())
    }

    fn remember(&self, name: [u8; 32], user: &FlexUser) {
        let mut known = lock(&self.known);
        let now = Instant::now();
        if known.len() >= MOST {
            known.retain(|_, (_, until)| *until > now);
        }
        // "kept until `expiration`": what has none is not kept.
        if known.len() < MOST && user.expires.is_some() {
            known.insert(name, (user.clone(), now + GOOD));
        }
    }

    /// Whether they may listen, as far as roles go.
    pub(super) fn has_role(&self, user: &FlexUser) -> bool {
        let is_guest = |role: &String| role.eq_ignore_ascii_case(GUEST);
        let mut roles = user.roles.iter();
        !roles.clone().any(is_guest) && roles.any(|role| self.roles.contains(role))
    }
}

fn has_expired(user: &FlexUser) -> bool {
    user.expires.is_none_or(|time| time <= Timestamp::now())
}

/// The Flex token of a request: `Basic` and the base64 of `token:JWE`, as the players send it, or the
/// JWE itself behind `Basic`.
pub(super) fn token_of(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let token = match BASE64.decode(rest) {
        Ok(pair) => {
            let pair = Zeroizing::new(String::from_utf8(pair).ok()?);
            Zeroizing::new(pair.strip_prefix("token:")?.to_owned())
        }
        Err(_) => Zeroizing::new(rest.to_owned()),
    };
    is_compact(&token).then_some(token)
}

/// Whether it has the form of a JWE or a JWS: parts of base64url with dots between (RFC 7516, 3.1;
/// RFC 7515, 3.1). All else need not be asked for.
fn is_compact(token: &str) -> bool {
    let is_part = |part: &str| {
        let mut bytes = part.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let dots = token.matches('.').count();
    matches!(dots, 2 | 4) && token.len() > dots && token.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn token(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        token_of(&headers).map(|token| token.to_string())
    }

    #[test]
    fn a_token_comes_as_the_players_send_it_or_bare() {
        let encoded = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
        let jwe = "eyJh.e30.aXY.Y3Q.dGFn";
        for value in [
            format!("Basic {}", encoded(&format!("token:{jwe}"))),
            format!("basic  {}", encoded(&format!("token:{jwe}"))),
            format!(
                "Basic {}",
                encoded(&format!("token:{jwe}")).trim_end_matches('=')
            ),
            format!("Basic {jwe}"),
        ] {
            assert_eq!(token(&[&value]).as_deref(), Some(jwe), "{value}");
        }
        // The page's own example has two signs too many.
        let example = "Basic dG9rZW46ZXlKNmFYQWlPaUpFUlVZaUxDSnJhV1FpT2lKVFFWTmZVek1==";
        assert_eq!(token(&[example]), None);
        for value in [
            format!("Bearer {jwe}"),
            "Basic".to_owned(),
            "Basic ".to_owned(),
            format!("Basic {}", encoded("token:")),
            format!("Basic {}", encoded(&format!("user:{jwe}"))),
            format!("Basic {}", encoded("token:a b.c.d")),
            format!("Basic {}", encoded("token:....")),
            "Basic no/token".to_owned(),
        ] {
            assert_eq!(token(&[&value]), None, "{value}");
        }
        let value = format!("Basic {jwe}");
        assert_eq!(token(&[&value, &value]), None);
        assert_eq!(token(&[]), None);
    }
}
