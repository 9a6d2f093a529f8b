//! Who failed, and what comes of it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aio_base::home::Exclusive;
use aio_core::{FailureKind, JoinError, report_failure};

use super::GroupHome;
use super::progress::Progress;

/// What a group and its children share.
pub(crate) struct Tally<E, H: GroupHome> {
    pub(crate) progress: H::Ref<Progress<H>>,
    failures: H::Exclusive<Inner<E, H>>,
}

struct Inner<E, H: GroupHome> {
    policy: Policy<E, H>,
    failures: Failures<E>,
}

pub(crate) struct Failures<E> {
    /// In the order in which the children failed.
    pub(crate) errors: Vec<E>,
    /// The first.
    pub(crate) panic: Option<Box<dyn Any + Send>>,
}

/// What a child's failure does.
pub(crate) enum Policy<E, H: GroupHome> {
    /// It aborts the group.
    Abort,
    /// Nothing before the end.
    Supervise,
    /// An error goes to this function, and nowhere else.
    Discard(H::OnError<E>),
}

/// What is left to do about an error, without the lock.
enum Verdict<E, H: GroupHome> {
    Abort,
    GoOn,
    Report(H::OnError<E>, E),
}

impl<E, H: GroupHome> Tally<E, H> {
    pub(crate) fn new() -> Self {
        let failures = Failures { errors: Vec::new(), panic: None };
        Self {
            progress: H::new_ref(Progress::new()),
            failures: Exclusive::new(Inner { policy: Policy::Abort, failures }),
        }
    }

    pub(crate) fn set_policy(&self, policy: Policy<E, H>) {
        let former = self.failures.with(|inner| std::mem::replace(&mut inner.policy, policy));
        drop(former);
    }

    /// Deals with a child's error.
    #[cold]
    fn fail(&self, error: E) {
        let verdict: Verdict<E, H> = self.failures.with(|inner| match &inner.policy {
            Policy::Abort => {
                inner.failures.errors.push(error);
                Verdict::Abort
            }
            Policy::Supervise => {
                inner.failures.errors.push(error);
                Verdict::GoOn
            }
            Policy::Discard(on_error) => Verdict::Report(on_error.clone(), error),
        });
        match verdict {
            Verdict::Abort => self.progress.abort(),
            Verdict::GoOn => {}
            Verdict::Report(on_error, error) => {
                // As if the child had panicked: it is called in the child's place.
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| H::report(&on_error, error))) {
                    self.panicked(payload);
                }
            }
        }
    }

    /// Keeps a panic, if it is the first. A group that discards reports it, for its end may be far away.
    #[cold]
    pub(crate) fn panicked(&self, payload: Box<dyn Any + Send>) {
        let mut payload = Some(payload);
        let aborts = self.failures.with(|inner| {
            if !matches!(inner.policy, Policy::Discard(_)) && inner.failures.panic.is_none() {
                inner.failures.panic = payload.take();
            }
            matches!(inner.policy, Policy::Abort)
        });
        if aborts {
            self.progress.abort();
        } else if let Some(payload) = &payload {
            report_failure(FailureKind::Panic { during: "panicked in a group", payload: &**payload });
        }
        // The destructor of a payload may panic too.
        std::mem::forget(payload);
    }

    pub(crate) fn take_failures(&self) -> Failures<E> {
        self.failures.with(|inner| Failures {
            errors: std::mem::take(&mut inner.failures.errors),
            panic: inner.failures.panic.take(),
        })
    }

    /// Takes a child's failure, and leaves the rest to who waits for the child.
    #[inline]
    pub(crate) fn settle<O, T>(
        &self,
        outcome: Result<O, JoinError>,
        convert: impl FnOnce(O) -> Result<T, E>,
    ) -> Result<T, JoinError> {
        match outcome.map(convert) {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => {
                self.fail(error);
                Err(JoinError::handled())
            }
            Err(error) => Err(self.settle_end(error)),
        }
    }

    /// The child was cancelled, or has panicked.
    #[cold]
    fn settle_end(&self, error: JoinError) -> JoinError {
        // Nobody asks the group any more; the task reports the panic, as it does when its handle was dropped.
        if self.progress.is_abandoned() {
            return error;
        }
        match error.try_into_panic() {
            Ok(payload) => {
                self.panicked(payload);
                JoinError::handled()
            }
            Err(cancelled) => cancelled,
        }
    }
}
