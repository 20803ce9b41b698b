//! [`Settings`]: what lets us into buckets.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::location::Service;

/// A setting of a service: its name, as `object_store` has it, and its value.
pub(crate) type Setting = (&'static str, Zeroizing<String>);

/// What the environment and the vendors' files say of each service: endpoints, regions, keys.
#[derive(Default)]
pub(crate) struct Settings(BTreeMap<Service, Vec<Setting>>);

impl Settings {
    /// Those of a service, which may be none at all: then it is asked as the machine's own identity.
    pub(crate) fn add(&mut self, service: Service, settings: Vec<Setting>) {
        self.0.insert(service, settings);
    }

    /// Those of a service; `None` where nobody looked for them, or could not use them.
    #[cfg(feature = "buckets")]
    pub(super) fn of(&self, service: Service) -> Option<&[Setting]> {
        self.0.get(&service).map(Vec::as_slice)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings")
    }
}
