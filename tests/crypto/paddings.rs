//! What is taken for a padded key, and what is refused: RSA Laboratories' vectors, and random ciphertexts,
//! whole and damaged in each step of their padding, of which OpenSSL decides what is in them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test's helpers fail the test"
)]

use std::collections::BTreeMap;
use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use unreel::WrapAlgorithm;
use unreel::internals::key::{KeyBlock, PrivateKey, parse};

use super::interop::{has_cryptography, source};
use crate::common::{run_with, stderr};

/// Of `-`, nothing.
fn bytes(base64: &str) -> Vec<u8> {
    BASE64_STANDARD
        .decode(base64.trim_start_matches('-'))
        .unwrap()
}

fn private_key(base64: &str) -> PrivateKey {
    match parse(&bytes(base64)).unwrap().remove(0) {
        KeyBlock::Private(key) => key,
        _ => panic!("not a private key: {base64}"),
    }
}

#[test]
fn what_rsa_laboratories_wrapped_opens() {
    let mut key = None;
    let mut opened = BTreeMap::<usize, usize>::new();
    let lines = include_str!("oaep_vect.txt").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        match line.split_once(' ').unwrap() {
            ("key", der) => key = Some(private_key(der)),
            (message, wrapped) => {
                let key = key.as_ref().unwrap();
                let unwrap = |algorithm| key.unwrap_bytes(algorithm, &bytes(wrapped));
                let opens = unwrap(WrapAlgorithm::RsaOaepSha1);
                assert_eq!(*opens.expect(line), bytes(message));
                unwrap(WrapAlgorithm::RsaOaepSha256).expect_err(line);
                *opened.entry(key.bits()).or_default() += 1;
            }
        }
    }
    let sizes = [1024, 1025, 1026, 1027, 1028, 1029, 1030, 1031, 1536, 2048];
    assert_eq!(opened, sizes.map(|bits| (bits, 6)).into());
}

#[test]
fn random_ciphertexts_have_in_them_what_openssl_says() {
    agrees_with_openssl(200);
}

/// `cargo test --test crypto ten_thousand -- --ignored --nocapture`
#[test]
#[ignore = "the same as above, for longer"]
fn ten_thousand_random_ciphertexts_have_in_them_what_openssl_says() {
    agrees_with_openssl(10_000);
}

/// Has `count` ciphertexts judged, under each of three keys. An invalid RSAES-PKCS1-v1_5 padding gives
/// random bytes, and they are OpenSSL's (implicit rejection, draft-irtf-cfrg-rsa-guidance).
fn agrees_with_openssl(count: usize) {
    if !has_cryptography() {
        return;
    }
    let mut command = Command::new("python3");
    command.arg(source("unwrap.py")).arg(count.to_string());
    let output = run_with(command, b"");
    assert!(output.status.success(), "{}", stderr(&output));
    let lines = String::from_utf8(output.stdout).unwrap();

    let algorithms = [
        WrapAlgorithm::RsaOaepSha256,
        WrapAlgorithm::RsaOaepSha1,
        WrapAlgorithm::RsaPkcs1v15,
    ];
    let mut key = None;
    let mut answers = BTreeMap::<_, usize>::new();
    for line in lines.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let (wrap, wrapped, answer) = match words[..] {
            ["key", der] => {
                key = Some((der, private_key(der)));
                continue;
            }
            [wrap, wrapped, answer] => (wrap, bytes(wrapped), answer),
            _ => panic!("{line}"),
        };
        let (der, key) = key.as_ref().unwrap();
        let algorithm = algorithms.iter().find(|known| known.name() == wrap);
        let result = key.unwrap_bytes(*algorithm.unwrap(), &wrapped).ok();
        let case = format!("{line}\nkey {der}");
        match answer.strip_prefix('=') {
            Some(message) => assert_eq!(*result.expect(&case), bytes(message), "{case}"),
            None => assert_eq!(result.is_some(), answer == "unjudged", "{case}"),
        }
        let kind = if answer.starts_with('=') {
            "opened"
        } else {
            answer
        };
        *answers.entry((wrap, kind)).or_default() += 1;
    }
    println!("random ciphertexts that OpenSSL judged: {answers:?}");
    assert_eq!(answers.values().sum::<usize>(), 3 * count);
    for algorithm in algorithms {
        for kind in ["opened", "refused"] {
            let is_there = answers.contains_key(&(algorithm.name(), kind));
            assert!(is_there, "none of {} was {kind}", algorithm.name());
        }
    }
}
