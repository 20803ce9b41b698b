//! Twilio's IAM API, as far as Flex's tokens go.
//!
//! "You can use the Twilio API to validate the token": `POST /v1/Accounts/{AC}/Tokens/validate` with
//! `{"token": …}`, as twilio-flex-token-validator 1.6 sends it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answers::{basic, error_json, twilio_json};
use super::http::{Request, Response};
use super::{ACCOUNT, Fake, State};

/// Whom a token belongs to, as the answer says it.
#[derive(Clone, Debug)]
pub struct FlexUser {
    pub identity: String,
    pub realm_user_id: String,
    pub worker_sid: Option<String>,
    pub roles: Vec<String>,
    pub expiration: Option<Timestamp>,
}

impl FlexUser {
    /// An agent, for an hour.
    pub fn agent(name: &str) -> Self {
        Self {
            identity: format!("{name}_40example_2Dcom"),
            realm_user_id: format!("{name}@example.com"),
            worker_sid: Some("WK5eed0000000000000000000000000001".into()),
            roles: vec!["agent".into()],
            expiration: Some(Timestamp::now() + SignedDuration::from_hours(1)),
        }
    }

    /// The same with other roles.
    #[must_use]
    pub fn with_roles(mut self, roles: &[&str]) -> Self {
        self.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self
    }

    /// The same until so many milliseconds from now.
    #[must_use]
    pub fn for_millis(mut self, millis: i64) -> Self {
        self.expiration = Some(Timestamp::now() + SignedDuration::from_millis(millis));
        self
    }
}

/// A token of the form of Flex's (JWE: five parts), that says nothing.
pub fn flex_token(name: &str) -> String {
    format!(
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..made-up-iv.{name}-flex-token-5eed10.made-up-tag"
    )
}

impl Fake {
    /// From now on the token is valid.
    pub fn add_flex_token(&self, token: &str, user: FlexUser) {
        self.state().flex_tokens.insert(token.to_owned(), user);
    }

    /// How often it was asked for a token.
    pub fn validations(&self) -> usize {
        let state = self.state();
        let seen = state.seen.iter();
        seen.filter(|seen| seen.target().ends_with("/Tokens/validate"))
            .count()
    }
}

/// Whether it is of this API.
pub fn is_of(path: &str) -> bool {
    path.starts_with("/v1/Accounts/") && path.ends_with("/Tokens/validate")
}

pub fn answer(state: &State, request: &Request) -> Response {
    if !basic(request) {
        return error_json(401);
    }
    if request.method != "POST" {
        return twilio_json(405, 20004, "Method not allowed");
    }
    if request.path() != format!("/v1/Accounts/{ACCOUNT}/Tokens/validate") {
        return error_json(404);
    }
    let body: Option<Value> = serde_json::from_slice(&request.body).ok();
    let body = body.filter(|_| request.is_of("application/json"));
    let Some(token) = body.as_ref().and_then(|body| body["token"].as_str()) else {
        return error_json(400);
    };
    let user = state.flex_tokens.get(token);
    let is_good = |user: &&FlexUser| user.expiration.is_none_or(|time| time > Timestamp::now());
    let Some(user) = user.filter(is_good) else {
        let value = json!({"valid": false, "code": 20101, "message": "Invalid Access Token"});
        return Response::json(200, &value);
    };
    let expiration = user.expiration.map(|time| format!("{time:.3}"));
    let value = json!({
        "valid": true,
        "code": 0,
        "message": null,
        "expiration": expiration,
        "realm_user_id": user.realm_user_id,
        "identity": user.identity,
        "roles": user.roles,
        "worker_sid": user.worker_sid,
    });
    Response::json(200, &value)
}
