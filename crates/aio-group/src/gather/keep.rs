//! What becomes of a child's output.

use std::convert::Infallible;

/// Whether a child's output is kept, or ends the whole. Sealed.
#[diagnostic::on_unimplemented(
    message = "an output `{O}` is not a `Result`",
    note = "`try_gather` waits for `Result`s; `gather` takes any outputs"
)]
pub trait Keep<O>: sealed::Sealed {
    /// What is kept of an output.
    type Kept;
    /// What ends the whole.
    type Failure;

    #[doc(hidden)]
    fn keep(output: O) -> Result<Self::Kept, Self::Failure>;
}

/// Keeps every output: [`gather`](crate::gather()).
#[derive(Debug, Clone, Copy)]
pub enum Everything {}

/// Keeps what is in `Ok`; an `Err` ends the whole: [`try_gather`](crate::try_gather()).
#[derive(Debug, Clone, Copy)]
pub enum Successes {}

impl<O> Keep<O> for Everything {
    type Kept = O;
    type Failure = Infallible;

    fn keep(output: O) -> Result<O, Infallible> {
        Ok(output)
    }
}

impl<T, E> Keep<Result<T, E>> for Successes {
    type Kept = T;
    type Failure = E;

    fn keep(output: Result<T, E>) -> Result<T, E> {
        output
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Everything {}
    impl Sealed for super::Successes {}
}
