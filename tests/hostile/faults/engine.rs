//! The cipher core alone: reads and writes that are short, interrupted or fail.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use unreel::CipherError;
use unreel::internals::cipher::{Cipher, Ciphertext, Engine, Gcm, ReadAt, SEGMENT, WriteAt};

use crate::common::made::{CONTENT_KEY, IV, encrypted, plaintext};

/// A file that reads short, is interrupted, and fails at one read.
struct Flaky {
    bytes: Vec<u8>,
    reads: AtomicUsize,
    fails_at: usize,
}

impl ReadAt for Flaky {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let number = self.reads.fetch_add(1, Ordering::Relaxed);
        if number == self.fails_at {
            return Err(io::ErrorKind::Other.into());
        }
        if number % 5 == 3 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let rest = &self.bytes[usize::try_from(offset)
            .expect("short")
            .min(self.bytes.len())..];
        let count = rest.len().min(buffer.len()).min(1 + number * 7919 % 50_000);
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// A file that fails at one write.
struct Full {
    bytes: Mutex<Vec<u8>>,
    writes: AtomicUsize,
    fails_at: usize,
    error: io::ErrorKind,
}

impl WriteAt for Full {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.writes.fetch_add(1, Ordering::Relaxed) == self.fails_at {
            return Err(self.error.into());
        }
        let mut all = self.bytes.lock().expect("the lock");
        let start = usize::try_from(offset).expect("short");
        let end = all.len().max(start + bytes.len());
        all.resize(end, 0);
        all[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

fn gcm() -> Cipher {
    Cipher::Gcm(Gcm::new(&CONTENT_KEY, &IV, &[]))
}

#[test]
fn the_engine_bears_short_and_interrupted_reads_and_reports_failed_ones() {
    let plaintext = plaintext(3 * SEGMENT + 1234);
    let bytes = encrypted(&plaintext);
    let length = bytes.len() as u64;
    let mut file = Flaky {
        bytes,
        reads: AtomicUsize::new(0),
        fails_at: usize::MAX,
    };
    for threads in 1..4 {
        let engine = Engine {
            threads,
            progress: &|_| (),
        };
        let run = |file: &Flaky| {
            file.reads.store(0, Ordering::Relaxed);
            let mut out = Vec::new();
            let result = engine.decrypt(
                &gcm(),
                Ciphertext::File { file, length },
                None,
                &mut |_, bytes| {
                    out.extend_from_slice(bytes);
                    Ok(())
                },
            );
            (result, out)
        };
        file.fails_at = usize::MAX;
        let (result, out) = run(&file);
        result.expect("it opens");
        assert!(out == plaintext);
        let reads = file.reads.load(Ordering::Relaxed);
        for at in 0..reads {
            file.fails_at = at;
            let (result, _) = run(&file);
            assert!(
                matches!(result, Err(CipherError::Read(_))),
                "{at}: {result:?}"
            );
        }
    }
}

#[test]
fn the_engine_reports_every_failed_write() {
    let plaintext = plaintext(5 * SEGMENT + 77);
    let bytes = encrypted(&plaintext);
    for threads in 1..4 {
        for error in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::Other,
        ] {
            for fails_at in 0..7 {
                let sink = Full {
                    bytes: Mutex::default(),
                    writes: AtomicUsize::new(0),
                    fails_at,
                    error,
                };
                let engine = Engine {
                    threads,
                    progress: &|_| (),
                };
                let mut input = &bytes[..];
                let input = Ciphertext::Stream(&mut input);
                let result = engine.decrypt(&gcm(), input, Some(&sink), &mut |_, _| Ok(()));
                match result {
                    Err(CipherError::Write(found)) => assert_eq!(found.kind(), error),
                    Ok(_) => {
                        assert_eq!(fails_at, 6, "it was never reached");
                        assert!(*sink.bytes.lock().expect("the lock") == plaintext);
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
}
