//! Who failed.

use std::any::Any;

use aio_base::home::Exclusive;

use super::GroupHome;
use super::progress::Progress;

/// What a group and its children share.
pub(crate) struct Tally<E, H: GroupHome> {
    pub(crate) progress: H::Ref<Progress<H>>,
    failures: H::Exclusive<Failures<E>>,
}

pub(crate) struct Failures<E> {
    /// In the order in which the children failed.
    pub(crate) errors: Vec<E>,
    /// The first.
    pub(crate) panic: Option<Box<dyn Any + Send>>,
}

impl<E, H: GroupHome> Tally<E, H> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            progress: H::new_ref(Progress::new(limit)),
            failures: Exclusive::new(Failures { errors: Vec::new(), panic: None }),
        }
    }

    /// Records an error, and aborts the group.
    pub(crate) fn fail(&self, error: E) {
        self.failures.with(|failures| failures.errors.push(error));
        self.progress.abort();
    }

    /// Records a panic, and aborts the group.
    pub(crate) fn panicked(&self, payload: Box<dyn Any + Send>) {
        self.failures.with(|failures| match failures.panic {
            None => failures.panic = Some(payload),
            // A later one has been reported by the panic hook. Its destructor may panic too.
            Some(_) => std::mem::forget(payload),
        });
        self.progress.abort();
    }

    pub(crate) fn take_failures(&self) -> Failures<E> {
        self.failures
            .with(|failures| Failures { errors: std::mem::take(&mut failures.errors), panic: failures.panic.take() })
    }
}
