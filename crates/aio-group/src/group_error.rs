//! What went wrong in a group.

use std::error::Error;
use std::fmt;

/// The errors of all children of a group that failed, in the order in which they did; never empty. If the body of the
/// group failed, its error is the last one.
///
/// Groups nest, and so do their errors: the error of an inner group is one error of the outer one.
///
/// ```
/// # use aio_group::{GroupError, TaskGroup};
/// # aio_core::run(async {
/// let group = TaskGroup::new();
/// let error: GroupError<String> = group
///     .run(async {
///         group.try_spawn::<(), _>(async { Err(String::from("no such file")) });
///         group.try_spawn::<(), _>(async { Err(String::from("no such host")) });
///         Ok(())
///     })
///     .await
///     .unwrap_err();
/// assert_eq!(error.to_string(), "2 errors in a task group\n  1: no such file\n  2: no such host");
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupError<E> {
    errors: Vec<E>,
}

impl<E> GroupError<E> {
    pub(crate) fn new(errors: Vec<E>) -> Self {
        debug_assert!(!errors.is_empty(), "a group without errors has not failed");
        Self { errors }
    }

    /// All errors, in the order of the failures.
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// All errors, in the order of the failures.
    pub fn into_errors(self) -> Vec<E> {
        self.errors
    }

    /// The error that aborted the group.
    #[expect(clippy::missing_panics_doc, reason = "there is always one")]
    pub fn into_first(self) -> E {
        self.errors.into_iter().next().expect("a group fails with at least one error")
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.errors.len() == 1 { "" } else { "s" };
        write!(f, "{} error{plural} in a task group", self.errors.len())?;
        for (index, error) in self.errors.iter().enumerate() {
            let text = error.to_string().replace('\n', "\n  ");
            write!(f, "\n  {}: {text}", index + 1)?;
        }
        Ok(())
    }
}

impl<E: Error + 'static> Error for GroupError<E> {
    /// The error that aborted the group.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors.first().map(|error| error as &(dyn Error + 'static))
    }
}

impl<E> IntoIterator for GroupError<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a GroupError<E> {
    type Item = &'a E;
    type IntoIter = std::slice::Iter<'a, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.iter()
    }
}
