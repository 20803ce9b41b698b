//! [`Settings`]: what lets us into buckets.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::location::Service;
#[cfg(feature = "buckets")]
use crate::api::Error;

/// A setting of a service: its name, as `object_store` has it, and its value.
pub(crate) type Setting = (&'static str, Zeroizing<String>);

/// What the environment and the vendors' files say of each service: endpoints, regions, keys.
#[derive(Default)]
pub(crate) struct Settings(BTreeMap<Service, Result<Vec<Setting>, String>>);

impl Settings {
    /// Those of a service, which may be none at all: then it is asked as the machine's own identity.
    pub(crate) fn add(&mut self, service: Service, settings: Vec<Setting>) {
        self.0.insert(service, Ok(settings));
    }

    /// That there are none for a service, or none that can be used: the reason, for what needs them.
    pub(crate) fn without(&mut self, service: Service, why: String) {
        self.0.insert(service, Err(why));
    }

    /// Those of a service.
    ///
    /// # Errors
    /// [`Error::NoCredentials`] where nobody looked for them; [`Error::Without`].
    #[cfg(feature = "buckets")]
    pub(super) fn of(&self, service: Service) -> Result<&[Setting], Error> {
        match self.0.get(&service) {
            Some(Ok(settings)) => Ok(settings),
            Some(Err(why)) => Err(Error::Without(why.clone())),
            None => Err(Error::NoCredentials),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings")
    }
}
