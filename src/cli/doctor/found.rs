//! The credentials that would be used, without a secret.

use super::super::credentials::{self, From};
use super::check::Check;

/// One a provider and a service of buckets that has some; one for those that have none.
pub(super) fn credentials(from: &From<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut absent = Vec::new();
    for (provider, found) in credentials::each(from) {
        match found {
            Ok(found) if found.is_empty() => absent.push(provider),
            Ok(found) => checks.push(Check::ok(provider, found.join("; "))),
            Err(failure) => checks.push(Check::of_failure(provider, &failure)),
        }
    }
    if !absent.is_empty() {
        let message = format!(
            "for {}; see unreel inspect --credentials",
            absent.join(", ")
        );
        checks.push(Check::ok("none", message));
    }
    checks
}
