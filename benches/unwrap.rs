//! Bare RSA unwraps, on every core: what a call with many small recordings cannot do without.
//!
//! `cargo bench --bench unwrap -- [COUNT [BITS [WRAP]]]` prints the seconds it took. BITS is 2048 or 4096;
//! WRAP is a name of reports, such as `rsa-oaep-sha256`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use unreel::WrapAlgorithm::{RsaOaepSha1, RsaOaepSha256, RsaPkcs1v15};
use unreel::internals::key::{KeyBlock, parse};

fn main() {
    let arguments = std::env::args().skip(1);
    let mut arguments = arguments.filter(|argument| argument != "--bench");
    let count = arguments.next();
    let count: usize = count.map_or(1000, |count| count.parse().expect("a number"));
    let file = match arguments.next().as_deref() {
        None | Some("2048") => "pkcs8.pem",
        Some(bits) => &format!("rsa{bits}.pem"),
    };
    let wrap = arguments.next().unwrap_or(RsaPkcs1v15.name().into());
    let wrap = [RsaPkcs1v15, RsaOaepSha1, RsaOaepSha256]
        .into_iter()
        .find(|known| known.name() == wrap)
        .expect("a known wrap");

    let file = format!("{}/fixtures/keys/{file}", env!("CARGO_MANIFEST_DIR"));
    let blocks = parse(&std::fs::read(file).expect("the fixture")).expect("a key");
    let Some(KeyBlock::Private(key)) = blocks.first() else {
        return;
    };
    // Any number below the modulus costs the same, whether something comes out or not.
    let mut wrapped = vec![0x5a; key.bits() / 8];
    wrapped[0] = 0;
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    key.unwrap_bytes(wrap, &wrapped).ok();
                }
            });
        }
    });
    println!("{}", start.elapsed().as_secs_f64());
}
