//! [`Runtime`]: where the client's asynchronous work is done.

use std::sync::OnceLock;

use tokio::runtime::{self, Builder};

/// Threads of it.
const WORKERS: usize = 2;

/// One runtime, which starts when something is first run on it.
#[derive(Default)]
pub(super) struct Runtime(OnceLock<Option<runtime::Runtime>>);

impl Runtime {
    /// Does `work`, and waits for it. `None` if the system gives no threads.
    ///
    /// Not to be called from a task.
    pub(super) fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        Some(self.0.get_or_init(start).as_ref()?.block_on(work))
    }

    #[cfg(test)]
    pub(super) fn is_running(&self) -> bool {
        self.0.get().is_some()
    }
}

impl Drop for Runtime {
    /// The last owner may be a task, and tasks must not wait for threads.
    fn drop(&mut self) {
        if let Some(Some(runtime)) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn start() -> Option<runtime::Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("unreel-network")
        .enable_all()
        .build()
        .ok()
}
