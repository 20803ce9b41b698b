//! [`Hands`]: the words for what a service has to say, and what it takes from outside.

use std::ffi::OsString;
use std::num::NonZero;

use crate::cli::args::Serve;
use crate::cli::error::sentence;
use crate::cli::escape::escape;
use crate::cli::keys;
use crate::cli::message::Message;
use crate::cli::printer::Printer;
use crate::cli::words::Words;
use crate::job::{Error, KeysFrom, Library, PrivateKeys};
use crate::serve::{Event, Observer};

/// The words, and where they go; and where the keys are.
pub(super) struct Hands<'a> {
    pub(super) printer: &'a Printer,
    pub(super) flags: &'a Serve,
    pub(super) keys: KeysFrom,
}

impl Observer for Hands<'_> {
    fn event(&self, event: Event<'_>) {
        let of = |text: String| Message::of(text).from("unreel::serve");
        match event {
            Event::Listening(url) => {
                let text = of(format!("listening on {url}"));
                self.printer.done(text.with("url", url));
            }
            Event::Admin(url) => {
                let text = of(format!("admin on {url}"));
                self.printer.done(text.with("url", url));
            }
            // Who closed standard output wants none.
            Event::Link { id, url } => {
                self.printer
                    .data(&escape(&format!("{id}  {url}")))
                    .unwrap_or_default();
            }
            Event::NoRecordings => {
                let text = "there are no recordings to listen to".to_owned();
                self.printer.warning(of(text));
            }
            Event::NoTokens(error) => {
                let why = sentence(error);
                self.printer
                    .warning(of(format!("no token of Flex's can be checked: {why}")));
            }
            Event::NotPlayed { id, why } => {
                let text = of(format!("{id} was asked for, and not played: {why}"));
                self.printer.warning(text.with("recording", id));
            }
            Event::Reloaded => {
                let text = "read keys and certificates again".to_owned();
                self.printer.done(of(text));
            }
            Event::Kept { what, error } => {
                let why = sentence(error);
                self.printer
                    .warning(of(format!("kept {what} as before: {why}")));
            }
        }
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn reload_keys(&self, library: &Library) -> Result<(), Error> {
        let keys = private_keys(self.flags, self.keys.clone());
        library.reload_keys(keys, &Words(self.printer))
    }
}

/// The keys that there are now. As many content keys are unwrapped at the same time as there are cores.
pub(super) fn private_keys(flags: &Serve, from: KeysFrom) -> PrivateKeys<'static> {
    let passphrases = keys::passphrases(&flags.keys.passphrase, flags.keys.no_input);
    let cores = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    PrivateKeys::new(from, passphrases).at_once(cores)
}
