//! Bare RSA-2048 unwraps, on every core: what a call with many small recordings cannot do without.
//!
//! `cargo bench --bench unwrap -- COUNT` prints the seconds it took.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use unreel::WrapAlgorithm;
use unreel::internals::key::{KeyBlock, parse};

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok());
    let count: usize = count.unwrap_or(1000);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/keys/pkcs8.pem");
    let blocks = parse(&std::fs::read(file).expect("the fixture")).expect("a key");
    let Some(KeyBlock::Private(key)) = blocks.first() else {
        return;
    };
    // Any number below the modulus costs the same; v1.5 gives no error.
    let mut wrapped = vec![0x5a; key.bits() / 8];
    wrapped[0] = 0;
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    key.unwrap_bytes(WrapAlgorithm::RsaPkcs1v15, &wrapped).ok();
                }
            });
        }
    });
    println!("{}", start.elapsed().as_secs_f64());
}
