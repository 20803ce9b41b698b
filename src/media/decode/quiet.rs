//! A library's panic that stays within a call.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether what panics on this thread is expected to.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls `library`; `None` if that panics, of which nothing is printed. Panics elsewhere are told as
/// before: the hook that is in force stays, behind one that knows the thread.
pub(super) fn quietly<T>(library: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                told(panic);
            }
        }));
    });
    let before = IS_QUIET.replace(true);
    // What panicked is not used again.
    let result = catch_unwind(AssertUnwindSafe(library));
    IS_QUIET.set(before);
    result.ok()
}

#[cfg(test)]
#[allow(clippy::panic, reason = "it is about them")]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_call_and_nothing_else() {
        assert_eq!(quietly(|| 1), Some(1));
        assert_eq!(quietly(|| -> u8 { panic!("a library's") }), None);
        assert!(!IS_QUIET.get());
        assert_eq!(
            quietly(|| quietly(|| -> u8 { panic!("inside") })),
            Some(None)
        );
    }
}
