//! What went wrong in a group.

use std::error::Error;
use std::fmt::{self, Write};

/// The errors of all children of a group that failed, in the order in which they did. If the body of the group failed,
/// its error is the last one.
///
/// There is none exactly when nothing failed, but [`cancel`](crate::generic::TaskGroup::cancel) cut the body before it
/// had an output: then [`is_cancelled`](Self::is_cancelled) says so.
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
///
/// # Groups in groups
///
/// The error of an inner group is one error of the outer one, so that they make a tree, which [`Display`](fmt::Display)
/// shows. [`flatten`](Self::flatten) makes one list of it. Where only some errors are groups, they are a variant of an
/// enum, and [`leaves`](Self::leaves) walks through the whole tree:
///
/// ```
/// # use aio_group::GroupError;
/// #[derive(Debug)]
/// enum Failed {
///     Read(&'static str),
///     Several(GroupError<Failed>),
/// }
///
/// impl std::fmt::Display for Failed {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         match self {
///             Self::Read(path) => write!(f, "failed to read `{path}`"),
///             Self::Several(errors) => errors.fmt(f),
///         }
///     }
/// }
///
/// fn show(error: &GroupError<Failed>) {
///     for leaf in error.leaves(|error| if let Failed::Several(group) = error { Some(group) } else { None }) {
///         eprintln!("{leaf}");
///     }
/// }
/// # let one = |error| GroupError::from(vec![error]);
/// # let tree = GroupError::from(vec![Failed::Several(one(Failed::Read("a"))), Failed::Read("b")]);
/// # show(&tree);
/// # let text = "2 errors in a task group\n  1: 1 error in a task group\n    1: failed to read `a`\n  \
/// #     2: failed to read `b`";
/// # assert_eq!(tree.to_string(), text);
/// ```
///
/// # As an error
///
/// It is an [`Error`] if `E` is one; its source is the first error, which aborted the group. What can be shown without
/// being an `Error` itself (`&str`, `Box<dyn Error + Send + Sync>` and the like), becomes one by
/// [`boxed`](Self::boxed), so that `?` takes it:
///
/// ```
/// # use std::error::Error;
/// # use aio_group::{GroupError, TaskGroup};
/// async fn both() -> Result<(), Box<dyn Error + Send + Sync>> {
///     let group = TaskGroup::new();
///     let run = group.run(async {
///         group.try_spawn::<(), _>(async { Err("no such file".into()) });
///         Ok::<_, Box<dyn Error + Send + Sync>>(())
///     });
///     Ok(run.await.map_err(GroupError::boxed)?)
/// }
/// # let error = aio_core::run(both()).unwrap_err();
/// # assert_eq!(error.source().unwrap().to_string(), "no such file");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupError<E> {
    errors: Vec<E>,
}

impl<E> GroupError<E> {
    /// Whether nothing failed: the group was told to [`cancel`](crate::generic::TaskGroup::cancel) its body.
    pub fn is_cancelled(&self) -> bool {
        self.errors.is_empty()
    }

    /// All errors, in the order of the failures.
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// All errors, in the order of the failures.
    pub fn into_errors(self) -> Vec<E> {
        self.errors
    }

    /// The error that aborted the group; none if it was cancelled.
    pub fn into_first(self) -> Option<E> {
        self.errors.into_iter().next()
    }

    /// All errors, in the order of the failures.
    pub fn iter(&self) -> std::slice::Iter<'_, E> {
        self.errors.iter()
    }

    /// Another error in the place of each.
    pub fn map<T>(self, change: impl FnMut(E) -> T) -> GroupError<T> {
        GroupError { errors: self.errors.into_iter().map(change).collect() }
    }

    /// The errors that `belongs` is true for, and the others, as `except*` tells them apart in Python; both in the
    /// order of the failures. A side without errors is `None`; a group that was cancelled is on the second.
    ///
    /// ```
    /// # use aio_group::GroupError;
    /// let error = GroupError::from(vec![1, 20, 3]);
    /// let (large, rest) = error.split(|&n| n > 9);
    /// assert_eq!(large.unwrap().errors(), [20]);
    /// assert_eq!(rest.unwrap().errors(), [1, 3]);
    /// ```
    pub fn split(self, belongs: impl FnMut(&E) -> bool) -> (Option<Self>, Option<Self>) {
        if self.is_cancelled() {
            return (None, Some(self));
        }
        let (these, others): (Vec<E>, Vec<E>) = self.errors.into_iter().partition(belongs);
        let side = |errors: Vec<E>| if errors.is_empty() { None } else { Some(Self { errors }) };
        (side(these), side(others))
    }

    /// All errors of this group and of those in it, depth first, in the order of the failures. `inner` says which error
    /// is a group; that one is not an item itself.
    pub fn leaves<'a, F>(&'a self, inner: F) -> Leaves<'a, E, F>
    where
        F: FnMut(&'a E) -> Option<&'a GroupError<E>>,
    {
        Leaves { path: vec![self.errors.iter()], inner }
    }

    /// Each error in a box, so that all of it is an [`Error`].
    pub fn boxed(self) -> GroupError<AnyError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.map(|error| AnyError(error.into()))
    }
}

impl<E> GroupError<GroupError<E>> {
    /// The errors of all groups in this one, as one group. Inner ones that were cancelled leave nothing.
    pub fn flatten(self) -> GroupError<E> {
        GroupError { errors: self.errors.into_iter().flatten().collect() }
    }
}

/// The errors in the order of their failures.
impl<E> From<Vec<E>> for GroupError<E> {
    fn from(errors: Vec<E>) -> Self {
        Self { errors }
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.len() {
            0 => return f.write_str("a task group was cancelled"),
            1 => f.write_str("1 error in a task group")?,
            n => write!(f, "{n} errors in a task group")?,
        }
        let alternate = f.alternate();
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "\n  {}: ", index + 1)?;
            // Some errors show more in the other form, such as their causes.
            match alternate {
                true => write!(Indented(f), "{error:#}")?,
                false => write!(Indented(f), "{error}")?,
            }
        }
        Ok(())
    }
}

/// Puts the lines that follow the first one further in.
struct Indented<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Indented<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.0.write_str("\n  ")?;
            }
            self.0.write_str(line)?;
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

/// The iterator of [`GroupError::leaves`].
#[derive(Clone)]
pub struct Leaves<'a, E, F> {
    /// What is left of each group on the way down.
    path: Vec<std::slice::Iter<'a, E>>,
    inner: F,
}

impl<'a, E, F> Iterator for Leaves<'a, E, F>
where
    F: FnMut(&'a E) -> Option<&'a GroupError<E>>,
{
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        while let Some(group) = self.path.last_mut() {
            let Some(error) = group.next() else {
                self.path.pop();
                continue;
            };
            match (self.inner)(error) {
                Some(inner) => self.path.push(inner.errors.iter()),
                None => return Some(error),
            }
        }
        None
    }
}

impl<E: fmt::Debug, F> fmt::Debug for Leaves<'_, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Any error, boxed; see [`GroupError::boxed`]. A box of an error is not an error itself.
pub struct AnyError(Box<dyn Error + Send + Sync>);

impl AnyError {
    /// The error that was boxed, to look at it and to find out its type.
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }

    /// The box.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for AnyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
