//! What a test may return.

use std::fmt;

/// What a test returns: nothing, or a `Result` whose error is printed.
#[diagnostic::on_unimplemented(
    message = "a test returns nothing, or a `Result` of that, and not `{Self}`",
    label = "this test returns `{Self}`",
    note = "the error of a `Result` has a `Debug`; a body that never returns needs a type: `async || -> ()`"
)]
pub trait TestOutcome {
    /// The error, if it is one, as text.
    fn error(&self) -> Option<String>;
}

/// The output, unless it is an error: that as text.
pub(crate) fn judge<R: TestOutcome>(output: R) -> Result<R, String> {
    match output.error() {
        None => Ok(output),
        Some(error) => Err(error),
    }
}

impl TestOutcome for () {
    fn error(&self) -> Option<String> {
        None
    }
}

impl<T: TestOutcome, E: fmt::Debug> TestOutcome for Result<T, E> {
    fn error(&self) -> Option<String> {
        match self {
            Ok(inner) => inner.error(),
            Err(error) => Some(format!("the test returned an error: {error:?}")),
        }
    }
}
