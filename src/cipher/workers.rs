//! Threads that share one task, and the locks between them.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, ScopedJoinHandle};

/// More threads than this bring nothing to one task, whoever asks for them.
const MOST: usize = 256;

/// Runs `task` on the calling thread and on up to `threads - 1` others, and returns what each of
/// them returned, the caller's first.
///
/// They are fewer where the system declines to start more, down to none but the caller: a task
/// must be whole when one thread alone has run it.
pub(crate) fn on_threads<T: Send>(threads: usize, task: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let others: Vec<ScopedJoinHandle<'_, T>> =
            as_many(threads, || Builder::new().spawn_scoped(scope, &task));
        let mut results = vec![task()];
        results.extend(others.into_iter().map(|other| {
            other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }));
        results
    })
}

/// One thread fewer than `threads`, for the caller is one; those that `start` starts until it
/// fails.
fn as_many<T>(threads: usize, mut start: impl FnMut() -> io::Result<T>) -> Vec<T> {
    (1..threads.min(MOST)).map_while(|_| start().ok()).collect()
}

/// A lock whose holder cannot leave it half changed; a panic is passed on by [`on_threads`].
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_system_declines_threads_fewer_are_used_down_to_none() {
        for granted in 0..5 {
            let mut calls = 0;
            let started = as_many(4, || {
                calls += 1;
                let is_granted = calls <= granted;
                is_granted
                    .then_some(())
                    .ok_or(io::ErrorKind::WouldBlock.into())
            });
            assert_eq!(started.len(), granted.min(3));
        }
    }

    #[test]
    fn no_number_of_threads_is_too_large_or_too_small() {
        for (asked, used) in [(0, 1), (1, 1), (2, 2), (usize::MAX, MOST)] {
            assert_eq!(on_threads(asked, || ()).len(), used);
        }
    }
}
