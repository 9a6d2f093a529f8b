//! Where the output of a child goes.

use aio_core::JoinError;

/// Takes the outcome of a child. Dropped without: there is none.
pub(crate) trait Delivery<T> {
    /// What is left for the child's handle.
    type Left;
    /// Whether the child's handle is kept. If not, a child in place needs no slot.
    const HAS_HANDLE: bool;

    fn deliver(self, outcome: Result<T, JoinError>) -> Result<Self::Left, JoinError>;
}

/// To the child's handle.
pub(crate) struct ToHandle;

impl<T> Delivery<T> for ToHandle {
    type Left = T;
    const HAS_HANDLE: bool = true;

    #[inline]
    fn deliver(self, outcome: Result<T, JoinError>) -> Result<T, JoinError> {
        outcome
    }
}
