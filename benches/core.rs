//! The core by itself: one pass over ciphertext in memory.
//!
//! `cargo bench --bench core`. Compare runs of one machine only.
#![allow(clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::io;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use unreel::internals::cipher::{Cbc, Cipher, Ciphertext, Engine, Gcm, ReadAt};

const SIZES: [usize; 3] = [64 << 10, 1 << 20, 64 << 20];

struct Memory(Vec<u8>);

impl ReadAt for Memory {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = usize::try_from(offset).expect("64 bits");
        let rest = self.0.get(offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// A recording of `size` bytes of plaintext under a made-up key, with a tag that is right.
fn gcm(size: usize) -> (Cipher, Memory) {
    use aes_gcm::aead::{AeadInOut, KeyInit};
    let mut bytes = vec![0; size];
    let tag = aes_gcm::Aes256Gcm::new(&[1; 32].into())
        .encrypt_inout_detached(&[2; 12].into(), &[], bytes.as_mut_slice().into())
        .expect("it is short enough");
    bytes.extend_from_slice(&tag);
    (
        Cipher::Gcm(Gcm::new(&[1; 32], &[2; 12], &[])),
        Memory(bytes),
    )
}

fn cbc(size: usize) -> (Cipher, Memory) {
    (
        Cipher::Cbc(Cbc::new(&[1; 32], [2; 16])),
        Memory(vec![0; size + 16]),
    )
}

fn passes(c: &mut Criterion) {
    for size in SIZES {
        for threads in [1, 2] {
            let engine = Engine {
                threads,
                progress: &|_| (),
            };
            let mut group = c.benchmark_group(format!("{} KiB", size >> 10));
            group.throughput(Throughput::Bytes(size as u64));
            if size > 1 << 20 {
                group.sample_size(20);
            }
            for (name, (cipher, file)) in [("gcm", gcm(size)), ("cbc", cbc(size))] {
                let input = || Ciphertext::File {
                    file: &file,
                    length: file.0.len() as u64,
                };
                group.bench_function(BenchmarkId::new(name, threads), |b| {
                    b.iter(|| {
                        let mut each = |_, bytes: &[u8]| {
                            black_box(bytes);
                            Ok(())
                        };
                        engine
                            .decrypt(&cipher, input(), None, &mut each)
                            .expect("it opens")
                    });
                });
                if name == "gcm" {
                    group.bench_function(BenchmarkId::new("tag", threads), |b| {
                        b.iter(|| engine.verify(&cipher, input()).expect("it verifies"));
                    });
                }
            }
        }
    }
}

criterion_group!(benches, passes);
criterion_main!(benches);
