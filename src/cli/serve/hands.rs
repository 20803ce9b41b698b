//! [`Hands`]: the words for what a service has to say.

use crate::cli::escape::escape;
use crate::cli::printer::Printer;
use crate::serve::{Event, Observer};

/// The words, and where they go.
pub(super) struct Hands<'a>(pub(super) &'a Printer);

impl Observer for Hands<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Listening(url) => self.0.done(&format!("listening on {url}")),
            Event::Admin(url) => self.0.done(&format!("admin on {url}")),
            // Who closed standard output wants none.
            Event::Link { id, url } => {
                self.0
                    .data(&escape(&format!("{id}  {url}")))
                    .unwrap_or_default();
            }
        }
    }
}
