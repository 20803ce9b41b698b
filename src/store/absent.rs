//! What stands in for buckets where the program was built without them. Locations are refused before
//! anybody comes here.

use std::iter;

use super::location::Location;
use super::settings::Settings;
use super::{Content, Found, NotPut};
use crate::api::{Api, Attempts, Download, Error};

const ABSENT: Error = Error::Credentials("this unreel was built without buckets");

/// No buckets.
pub(crate) struct Buckets;

impl Buckets {
    /// None, for tests.
    #[cfg(test)]
    pub(crate) fn none() -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self)
    }

    /// None.
    pub(crate) fn new(_: &Api, _: Settings) -> Self {
        Self
    }

    /// Reads nothing.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_self, reason = "it is that of the real ones")]
    pub(crate) fn read(&self, _: &Location, _: &Attempts) -> Result<Download, Error> {
        Err(ABSENT)
    }

    /// Looks at nothing.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_self, reason = "it is that of the real ones")]
    pub(crate) fn look(&self, _: &Location) -> Result<Option<Found>, Error> {
        Err(ABSENT)
    }

    /// Removes nothing.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_self, reason = "it is that of the real ones")]
    pub(crate) fn remove(&self, _: &Location) -> Result<(), Error> {
        Err(ABSENT)
    }

    /// One error.
    #[expect(clippy::unused_self, reason = "it is that of the real ones")]
    pub(crate) fn list(&self, _: &Location) -> iter::Once<Result<Location, Error>> {
        iter::once(Err(ABSENT))
    }

    /// One error.
    #[expect(clippy::unused_self, reason = "it is that of the real ones")]
    pub(crate) fn folders(&self, _: &Location) -> iter::Once<Result<Location, Error>> {
        iter::once(Err(ABSENT))
    }

    /// Puts nothing.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_self, reason = "it is that of the real ones")]
    pub(crate) fn put(&self, _: &Location, _: &Content, _: bool) -> Result<(), NotPut> {
        Err(NotPut::Refused(ABSENT))
    }
}

/// There are none.
pub(crate) fn abort_uploads() {}
