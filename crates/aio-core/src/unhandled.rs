//! Failures nobody waits for.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::task::Meta;

/// Reports what went wrong `during` the work of a task, on stderr: it would be lost otherwise.
#[cold]
pub(crate) fn report(meta: &Meta, during: impl fmt::Display, payload: &(dyn Any + Send)) {
    // `eprintln` panics where nobody reads stderr any more.
    let _ = catch_unwind(AssertUnwindSafe(|| eprintln!("aio: {meta} {during}: {}", message(payload))));
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "(a panic without a message)"
    }
}

/// Runs `f`, foreign code whose panic has nowhere to go, and reports the panic if there is one.
pub(crate) fn contain(meta: &Meta, during: &str, f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        report(meta, during, &*payload);
        // A payload's destructor may panic as well.
        std::mem::forget(payload);
    }
}
