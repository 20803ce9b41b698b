//! Named temporary files, and folders that stayed empty, are removed when a signal ends the program.
//!
//! Only file systems without `O_TMPFILE` need a name for a file at all; see [`super::Staged`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

/// Names to remove, for as long as their [`CleanedUp`] lives.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Who is told of signals in place of the end that they would make.
static HEIR: Mutex<Option<Heir>> = Mutex::new(None);

/// Whether it heeds the signal.
type Heir = Box<dyn Fn(Signal) -> bool + Send>;

/// What a process is asked by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To end: SIGINT or SIGTERM, by its number.
    End(i32),
    /// To read its files again: SIGHUP.
    Hangup,
}

/// From now on `heir` is told of SIGINT, SIGTERM and SIGHUP, and they end nothing for as long as it
/// says that it heeds them. Behind [`install`], whose thread tells it: it must not take long.
#[cfg_attr(
    not(feature = "serve"),
    expect(dead_code, reason = "only a service goes on")
)]
pub(crate) fn take_over_signals(heir: impl Fn(Signal) -> bool + Send + 'static) {
    *HEIR.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(heir));
}

/// Whether somebody took the signal over, and heeds it.
fn is_taken_over(signal: i32) -> bool {
    let signal = match signal {
        SIGHUP => Signal::Hangup,
        signal => Signal::End(signal),
    };
    let heir = HEIR.lock().unwrap_or_else(PoisonError::into_inner);
    heir.as_ref().is_some_and(|heir| heir(signal))
}

/// Keeps a name on the list of those that a signal removes.
#[derive(Debug)]
pub(crate) struct CleanedUp(PathBuf);

impl CleanedUp {
    /// Makes the file or folder `path` with `make` and puts it on the list. A signal is heeded before both
    /// or after both: there is no name that it would not find.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) fn make<T>(
        path: &Path,
        make: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<(T, Self)> {
        names(|names| {
            let made = make()?;
            names.push(path.to_owned());
            Ok((made, Self(path.to_owned())))
        })
    }

    /// The name.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for CleanedUp {
    fn drop(&mut self) {
        names(|names| names.retain(|name| *name != self.0));
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP remove the names on the list and then end the program
/// as they would have without this: a shell sees 130, 143, 129. Those that were ignored when the
/// program started stay so: nohup(1) and shells, for background jobs, rely on it.
///
/// `before_exit` runs first, to leave the terminal as it was. What goes on for long takes over what
/// they do ([`take_over_signals`]), once nothing is asked on the terminal any more.
///
/// # Errors
/// As the operating system has it.
pub(crate) fn install(before_exit: impl Fn() + Send + 'static) -> io::Result<()> {
    let ignored = ignored();
    let heeded = [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(move |signal| ignored & (1 << (signal - 1)) == 0);
    // A limit on file sizes is an error of the write that meets it, and not the end (setrlimit(2)).
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let (ready, installed) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut signals = match Signals::new(heeded) {
                Ok(signals) => signals,
                Err(error) => return ready.send(Err(error)).unwrap_or_default(),
            };
            ready.send(Ok(())).ok();
            for signal in signals.forever() {
                if !is_taken_over(signal) {
                    end(signal, &before_exit);
                }
            }
        });
    match thread {
        Ok(_) => installed.recv().unwrap_or(Ok(())),
        // No further thread is allowed (setrlimit(2), `RLIMIT_NPROC`): signals end the program as
        // they do by themselves, and unnamed files are gone with it.
        Err(_) => Ok(()),
    }
}

/// Ends the program as SIGINT does: for a Ctrl-C that came as a key, not as a signal.
pub(crate) fn interrupt() {
    end(SIGINT, &|| ());
}

fn end(signal: i32, before_exit: &dyn Fn()) {
    // The lock is kept: no further name is made while the process ends.
    names(|names| {
        // What is in a folder was made after it.
        for name in names.iter().rev() {
            if fs_err::remove_file(name).is_err() {
                fs_err::remove_dir(name).ok();
            }
        }
        before_exit();
        // "Only signals for which the init process has established a signal handler can be sent to"
        // it (pid_namespaces(7)): in a container that has no other, a signal does not end us.
        if std::process::id() == 1 {
            leave(128 + signal);
        }
        signal_hook::low_level::emulate_default_handler(signal).ok();
    });
}

#[expect(clippy::exit, reason = "it is the end, and nothing else can make it")]
fn leave(code: i32) {
    std::process::exit(code);
}

/// The signals that whoever started the program had it ignore, a bit each: "`SigIgn` … Masks
/// (expressed in hexadecimal)" (proc(5)). None where that is not to be learnt.
fn ignored() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

fn names<R>(work: impl FnOnce(&mut Vec<PathBuf>) -> R) -> R {
    work(&mut NAMES.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_signal_is_taken_over_for_as_long_as_somebody_heeds_it() {
        assert!(!is_taken_over(SIGTERM));
        let (sender, receiver) = channel();
        let sender = Mutex::new(sender);
        take_over_signals(move |signal| sender.lock().unwrap().send(signal).is_ok());
        for (signal, expected) in [
            (SIGINT, Signal::End(SIGINT)),
            (SIGTERM, Signal::End(SIGTERM)),
            (SIGHUP, Signal::Hangup),
        ] {
            assert!(is_taken_over(signal));
            assert_eq!(receiver.recv(), Ok(expected));
        }
        drop(receiver);
        assert!(!is_taken_over(SIGTERM));
    }
}
