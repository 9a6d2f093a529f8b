//! The barrier of others, which cannot be broken.

use aio_sync::BarrierTurn;

/// An [`aio_sync::Barrier`] that nobody breaks.
#[derive(Debug)]
pub struct Barrier(aio_sync::Barrier);

impl Barrier {
    /// `new`
    pub fn new(parties: usize) -> Self {
        Self(aio_sync::Barrier::new(parties))
    }

    /// `wait`
    ///
    /// # Panics
    /// If it is broken.
    pub async fn wait(&self) -> BarrierTurn {
        self.0.wait().await.expect("nobody breaks it")
    }

    /// `wait_blocking`
    ///
    /// # Panics
    /// If it is broken.
    pub fn wait_blocking(&self) -> BarrierTurn {
        self.0.wait_blocking().expect("nobody breaks it")
    }
}
