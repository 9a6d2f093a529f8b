//! What becomes of a child's output.

use std::convert::Infallible;

use aio_core::Reason;

/// Whether a child's output is kept, or ends the whole. Sealed.
#[diagnostic::on_unimplemented(
    message = "an output `{O}` is not a `Result`",
    note = "`try_gather` and `first_ok` wait for `Result`s; `gather` and `race` take any outputs"
)]
pub trait Keep<O>: sealed::Sealed {
    /// What is kept of an output.
    type Kept;
    /// What ends the whole: an error for [`gather`](crate::gather()) and its like, the winner of a race.
    type Failure;

    /// Whether it matters who of several is polled first: then it is the first in the order of the arguments.
    #[doc(hidden)]
    const IN_ORDER: bool = false;

    /// Why the others are dropped when one ends the whole.
    #[doc(hidden)]
    const WHY: &Reason = &Reason::Outrun;

    #[doc(hidden)]
    fn keep(output: O) -> Result<Self::Kept, Self::Failure>;
}

/// Keeps every output: [`gather`](crate::gather()).
#[derive(Debug, Clone, Copy)]
pub enum Everything {}

/// Keeps what is in `Ok`; an `Err` ends the whole: [`try_gather`](crate::try_gather()).
#[derive(Debug, Clone, Copy)]
pub enum Successes {}

/// Keeps what is in `Err`; an `Ok` ends the whole: [`first_ok`](crate::first_ok()).
#[derive(Debug, Clone, Copy)]
pub enum Failures {}

/// Keeps nothing; any output ends the whole: [`race`](crate::race()).
#[derive(Debug, Clone, Copy)]
pub enum Nothing {}

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

    const WHY: &Reason = &Reason::Aborted;

    fn keep(output: Result<T, E>) -> Result<T, E> {
        output
    }
}

impl<T, E> Keep<Result<T, E>> for Failures {
    type Kept = E;
    type Failure = T;

    const IN_ORDER: bool = true;

    fn keep(output: Result<T, E>) -> Result<E, T> {
        match output {
            Ok(success) => Err(success),
            Err(failure) => Ok(failure),
        }
    }
}

impl<O> Keep<O> for Nothing {
    type Kept = Infallible;
    type Failure = O;

    const IN_ORDER: bool = true;

    fn keep(output: O) -> Result<Infallible, O> {
        Err(output)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Everything {}
    impl Sealed for super::Successes {}
    impl Sealed for super::Failures {}
    impl Sealed for super::Nothing {}
}
