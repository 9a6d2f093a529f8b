//! Who does a driver's part while its thread does not come to it.

use std::fmt;

/// Delivers what is due in place of a [`Driver`](super::Driver), from another thread; made by
/// [`Driver::stand_in`](super::Driver::stand_in).
#[derive(Default)]
pub struct StandIn(Vec<Box<dyn Fn() + Send + Sync>>);

impl StandIn {
    /// For a driver that has nothing to deliver.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also delivers what `deliver` does: another layer's part. It is called at any time, also while the driver's own
    /// thread does the same, and catches the panics of wakers.
    #[must_use]
    pub fn and(mut self, deliver: impl Fn() + Send + Sync + 'static) -> Self {
        self.0.push(Box::new(deliver));
        self
    }

    pub(crate) fn has_nothing_to_do(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn deliver(&self) {
        for deliver in &self.0 {
            deliver();
        }
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StandIn").field(&self.0.len()).finish()
    }
}
