//! What a panic has left behind.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The payload of a panic. If its destructor panics as well, that says nothing about the test.
pub(crate) struct Payload(Option<Box<dyn Any + Send>>);

impl Payload {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        Self(Some(payload))
    }

    /// Its text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        let payload = self.0.as_deref()?;
        payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
    }

    /// Its text; something, if it is none.
    pub(crate) fn message(&self) -> String {
        self.text().unwrap_or("it has panicked").to_owned()
    }

    /// Goes on with the panic.
    pub(crate) fn resume(mut self) -> ! {
        match self.0.take() {
            Some(payload) => resume_unwind(payload),
            None => unreachable!("it is there until it is dropped"),
        }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let payload = self.0.take();
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(another);
        }
    }
}
