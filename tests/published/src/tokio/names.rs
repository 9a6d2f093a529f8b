//! The methods that have another name in `tokio::sync`, as traits.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use aio_base::Shared;
use aio_sync::generic;
use aio_sync::{Notify, OnceCell, OwnedPermit, Permit, Semaphore, SetError};

/// What `tokio` takes from `rand`.
pub mod rand {
    use std::ops::Range;

    /// From `fastrand`.
    pub fn random_range(range: Range<u32>) -> u32 {
        fastrand::u32(range)
    }
}

/// What fails for one reason only is an option with us, a result there.
pub trait OptionNames {
    /// `is_some`
    fn is_ok(&self) -> bool;
    /// `is_none`
    fn is_err(&self) -> bool;
}

impl<T> OptionNames for Option<T> {
    fn is_ok(&self) -> bool {
        self.is_some()
    }

    fn is_err(&self) -> bool {
        self.is_none()
    }
}

/// Of a [`Notify`].
pub trait NotifyNames {
    /// `notify_all`
    fn notify_waiters(&self);
}

impl NotifyNames for Notify {
    fn notify_waiters(&self) {
        self.notify_all();
    }
}

/// Of a [`OnceCell`].
pub trait OnceCellNames {
    /// `is_set`
    fn initialized(&self) -> bool;
}

impl<T> OnceCellNames for OnceCell<T> {
    fn initialized(&self) -> bool {
        self.is_set()
    }
}

/// Of a [`SetError`].
pub trait SetErrorNames {
    /// `is_set`
    fn is_already_init_err(&self) -> bool;
    /// `is_initializing`
    fn is_initializing_err(&self) -> bool;
}

impl<T> SetErrorNames for SetError<T> {
    fn is_already_init_err(&self) -> bool {
        self.is_set()
    }

    fn is_initializing_err(&self) -> bool {
        self.is_initializing()
    }
}

/// Of a [`Semaphore`]. To wait for a permit does not fail with us: there is no closing.
pub trait SemaphoreNames {
    /// Never.
    fn is_closed(&self) -> bool;
    /// `acquire_blocking`
    ///
    /// # Errors
    /// None.
    fn blocking_acquire(&self) -> Result<Permit<'_>, Infallible>;
    /// `acquire_many_blocking`
    ///
    /// # Errors
    /// None.
    fn blocking_acquire_many(&self, n: usize) -> Result<Permit<'_>, Infallible>;
}

impl SemaphoreNames for Semaphore {
    fn is_closed(&self) -> bool {
        false
    }

    fn blocking_acquire(&self) -> Result<Permit<'_>, Infallible> {
        Ok(self.acquire_blocking())
    }

    fn blocking_acquire_many(&self, n: usize) -> Result<Permit<'_>, Infallible> {
        Ok(self.acquire_many_blocking(n))
    }
}

/// Of a [`Permit`].
pub trait PermitNames: Sized {
    /// `n_permits`
    fn num_permits(&self) -> usize;

    /// Of the result that it is there.
    #[must_use]
    fn unwrap(self) -> Self {
        self
    }
}

impl<R: Deref<Target = Semaphore>> PermitNames for generic::Permit<R, Shared> {
    fn num_permits(&self) -> usize {
        self.n_permits()
    }
}

/// Of a counted [`Semaphore`].
pub trait ArcSemaphoreNames {
    /// `acquire_owned_blocking`
    ///
    /// # Errors
    /// None.
    fn blocking_acquire_owned(self) -> Result<OwnedPermit, Infallible>;
    /// `acquire_many_owned_blocking`
    ///
    /// # Errors
    /// None.
    fn blocking_acquire_many_owned(self, n: usize) -> Result<OwnedPermit, Infallible>;
}

impl ArcSemaphoreNames for Arc<Semaphore> {
    fn blocking_acquire_owned(self) -> Result<OwnedPermit, Infallible> {
        Ok(self.acquire_owned_blocking())
    }

    fn blocking_acquire_many_owned(self, n: usize) -> Result<OwnedPermit, Infallible> {
        Ok(self.acquire_many_owned_blocking(n))
    }
}
