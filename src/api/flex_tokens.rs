//! [`FlexTokens`]: who the token belongs to that an agent's browser shows in Twilio Flex.
//!
//! "Validate the Flex JWE token … you can use the Twilio API to validate the token": a request to
//! `https://iam.twilio.com/v1/Accounts/{}/Tokens/validate` with `{"token": token}`, as the Flex Token
//! Validator sends it (twilio-flex-token-validator 1.6), with our credentials and not with the token.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::answer::{Scalar, read};
use super::change::{Body, Object, Value, Verb};
use super::client::Client;
use super::draft::{Draft, Unmade};
use super::error::Error;
use super::policy::Policy;
use super::twilio::Access;

/// How long an agent may be kept waiting, in all.
const PATIENCE: Duration = Duration::from_secs(5);

/// How patient its client is: one retry, soon.
pub(super) const POLICY: Policy = Policy {
    retries: 1,
    connect: Duration::from_secs(3),
    silence: Duration::from_secs(4),
    pause: Duration::from_millis(200),
    longest_pause: Duration::from_millis(200),
    longest_wait: Duration::from_secs(2),
    breaks: 0,
};

/// What Twilio says of Flex tokens of one account.
pub(crate) struct FlexTokens {
    client: Client,
    access: Access,
    account: String,
}

/// Whom a valid token belongs to. All of it is untrusted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlexUser {
    /// "`user_40example_2Dcom`".
    pub identity: Option<String>,
    /// "`user@example.com`".
    pub realm_user_id: Option<String>,
    /// "`WKxxx`".
    pub worker: Option<String>,
    /// "`agent`".
    pub roles: Vec<String>,
    /// Until when the token is good.
    pub expires: Option<Timestamp>,
}

/// "The validated token result contains the following data".
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    valid: bool,
    #[serde(borrow)]
    expiration: Scalar<'a>,
    realm_user_id: Scalar<'a>,
    identity: Scalar<'a>,
    roles: Option<Vec<Scalar<'a>>>,
    worker_sid: Scalar<'a>,
}

impl FlexTokens {
    pub(super) fn new(client: Client, access: Access, account: String) -> Self {
        Self {
            client,
            access,
            account,
        }
    }

    /// Whom `token` belongs to; `None` where it is not valid, or is of another account.
    ///
    /// # Errors
    /// Twilio could not be asked within 5 s, or does not take our credentials.
    pub(crate) async fn user(&self, token: &str) -> Result<Option<FlexUser>, Error> {
        let asked = tokio::time::timeout(PATIENCE, self.ask(token)).await;
        asked.unwrap_or_else(|_| {
            Err(Error::Unreachable {
                host: self.access.host(),
                reason: format!("no answer in {} s", PATIENCE.as_secs()),
            })
        })
    }

    async fn ask(&self, token: &str) -> Result<Option<FlexUser>, Error> {
        let parts = ["v1", "Accounts", &self.account, "Tokens", "validate"];
        let request = self.access.request(&self.access.link(&parts, &[])?);
        let token = Value::Secret(Zeroizing::new(token.to_owned()));
        let body = Body::Json(Object(vec![("token", token)]));
        let draft = Draft::new(request, Verb::Post, body, true);
        match self.client.change_within(&draft).await {
            Ok(answer) => user(&self.access.host(), &answer),
            Err(Unmade::Not(error) | Unmade::Perhaps { error, .. }) => match error {
                error if is_about_token(&error) => Ok(None),
                error => Err(error),
            },
        }
    }
}

/// What an answer says.
fn user(host: &str, answer: &[u8]) -> Result<Option<FlexUser>, Error> {
    let answer: Answer<'_> = read(host, answer)?;
    let expires = answer.expiration.time();
    let has_expired = expires.is_some_and(|time| time <= Timestamp::now());
    if !answer.valid || has_expired {
        return Ok(None);
    }
    let roles = answer.roles.unwrap_or_default();
    Ok(Some(FlexUser {
        identity: answer.identity.owned(),
        realm_user_id: answer.realm_user_id.owned(),
        worker: answer.worker_sid.owned(),
        roles: roles.iter().filter_map(Scalar::owned).collect(),
        expires,
    }))
}

/// Whether a refusal is about the token, and not about who asks: "`{code:20101, valid:false,
/// message:"Invalid Access Token"}`; wrong account 404 / 20404".
fn is_about_token(error: &Error) -> bool {
    let Error::Refused {
        status, problem, ..
    } = error
    else {
        return false;
    };
    let code = problem.as_ref().and_then(|problem| problem.code);
    code == Some(20_101) || matches!(status, 400 | 404 | 413 | 422)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_to_be_valid_is() {
        let valid = r#"{"valid":true,"code":0,"message":null,"expiration":"2100-01-01T00:00:00.000Z",
            "realm_user_id":"user@example.com","identity":"user_40example_2Dcom",
            "roles":["agent",null],"worker_sid":null}"#;
        let found = user("h", valid.as_bytes()).unwrap().unwrap();
        assert_eq!(found.identity.as_deref(), Some("user_40example_2Dcom"));
        assert_eq!(found.roles, ["agent"]);
        assert_eq!(found.worker, None);
        for (from, to) in [
            ("\"valid\":true", "\"valid\":false"),
            ("\"valid\":true,", ""),
            ("2100-01-01", "2018-09-24"),
        ] {
            let text = valid.replacen(from, to, 1);
            assert_eq!(user("h", text.as_bytes()), Ok(None), "{to}");
        }
        for text in [
            valid.replacen("true", "\"true\"", 1),
            valid.replacen("true", "1", 1),
            String::new(),
            "<html>".to_owned(),
        ] {
            assert!(user("h", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_of_ours_is_not_one_of_the_token() {
        let refused = |status, code| Error::Refused {
            host: "h".to_owned(),
            status,
            problem: Some(super::super::error::Problem {
                code,
                message: String::new(),
            }),
            in_region: false,
        };
        assert!(is_about_token(&refused(404, Some(20_404))));
        assert!(is_about_token(&refused(403, Some(20_101))));
        assert!(!is_about_token(&refused(401, Some(20_003))));
        assert!(!is_about_token(&refused(403, None)));
    }
}
