//! The crate as a library: its example opens what the program opens, and refuses what it refuses.

#[path = "../../examples/decrypt.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
mod example;

use std::error::Error;

use serde_json::Value;
use unreel::{Outcome, Provider};

use crate::common::{fixture, list, sha256};

/// What the example makes of a case that asks no more of it than it does: one key, no passphrase.
fn run(case: &Value, out: &mut Vec<u8>) -> Option<Result<Outcome, Box<dyn Error>>> {
    let path = |field: &str| Some(fixture(case[field].as_str()?));
    let provider = Provider::from_name(case["provider"].as_str()?)?;
    let [key] = case["keys"].as_array()?.as_slice() else {
        return None;
    };
    let is_more = ["passphrase_file", "mutate", "args"]
        .iter()
        .any(|field| !case[*field].is_null());
    if is_more || provider == Provider::Qvoice {
        return None;
    }
    let (key, metadata) = (fixture(key.as_str()?), path("metadata")?);
    Some(example::run(
        provider,
        &key,
        &metadata,
        &path("media")?,
        out,
    ))
}

#[test]
fn the_example_opens_what_the_program_opens() {
    let mut opened = 0;
    for case in list("cases") {
        let mut out = vec![];
        let Some(outcome) = run(&case, &mut out) else {
            continue;
        };
        let name = &case["name"];
        let integrity = outcome
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .integrity;
        assert_eq!(integrity.name(), case["integrity_expected"], "{name}");
        assert_eq!(sha256(&out), case["sha256"], "{name}");
        opened += 1;
    }
    assert!(opened > 20, "only {opened}");
}

#[test]
fn the_example_writes_nothing_of_what_the_program_refuses() {
    let mut refused = 0;
    for case in list("failures") {
        let mut out = vec![];
        if let Some(outcome) = run(&case, &mut out) {
            assert!(outcome.is_err() && out.is_empty(), "{}", case["name"]);
            refused += 1;
        }
    }
    assert!(refused > 20, "only {refused}");
}
