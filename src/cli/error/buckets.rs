//! Words for what buckets refused.

use crate::api::Problem;

/// What to do about an object that is not there.
pub(super) fn object_hint(problem: Option<&Problem>) -> &'static str {
    match problem {
        Some(problem) if problem.is_of_bucket() => {
            "there is no such bucket: check its name, and the endpoint (AWS_ENDPOINT_URL, \
             AZURE_STORAGE_ENDPOINT)"
        }
        _ => {
            "check the bucket and the key: keys are taken as they stand, nothing in them is decoded"
        }
    }
}

/// What to do where a storage names its reason.
pub(super) fn denied_hint(problem: Option<&Problem>) -> Option<&'static str> {
    let text = problem.map_or("", |problem| problem.message.as_str());
    Some(match name(problem) {
        "RequestTimeTooSkewed" => "this machine's clock is wrong: set it (timedatectl shows it)",
        "AuthenticationFailed" if text.contains("Date") || text.contains("date") => {
            "this machine's clock is wrong: set it (timedatectl shows it)"
        }
        "InvalidAccessKeyId" => {
            "there is no such access key: unreel inspect --credentials shows which is used, and from \
             where"
        }
        "AuthorizationFailure" if !text.contains("failed to authenticate") => return None,
        "SignatureDoesNotMatch"
        | "AuthenticationFailed"
        | "AuthorizationFailure"
        | "InvalidToken" => {
            "the secret is not that of the access key or account: unreel inspect --credentials shows \
             which are used, and from where"
        }
        "ExpiredToken" | "TokenRefreshRequired" => "the session has expired: log in again",
        _ => return None,
    })
}

/// The storage's own word for it, which stands in front of its message.
fn name(problem: Option<&Problem>) -> &str {
    let text = problem.map_or("", |problem| problem.message.as_str());
    text.split(':').next().unwrap_or_default()
}
