//! What was attempted on what, for the error to tell.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aio_blocking::to_thread;

/// Does `f` with the path in a thread.
pub(crate) async fn on_path<T: Send + 'static>(
    what: &'static str,
    path: &Path,
    f: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let path = path.to_owned();
    to_thread(move || f(&path).map_err(|error| failed(what, Some(&path), error))).await
}

/// Does `f` with both paths in a thread.
pub(crate) async fn on_two_paths<T: Send + 'static>(
    what: &'static str,
    from: &Path,
    to: &Path,
    f: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (from, to) = (from.to_owned(), to.to_owned());
    to_thread(move || {
        f(&from, &to).map_err(|source| {
            let kind = source.kind();
            io::Error::new(kind, Failed { what, path: Some(from), other: Some(to), source })
        })
    })
    .await
}

/// `error` with `what` was attempted on `path`; none, if the path is not known.
pub(crate) fn failed(what: &'static str, path: Option<&Path>, error: io::Error) -> io::Error {
    let path = path.map(Path::to_owned);
    io::Error::new(error.kind(), Failed { what, path, other: None, source: error })
}

/// What is inside of an `io::Error` of this crate.
#[derive(Debug)]
struct Failed {
    what: &'static str,
    path: Option<PathBuf>,
    /// The path to which something was to be copied, renamed or linked.
    other: Option<PathBuf>,
    source: io::Error,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {} ", self.what)?;
        match &self.path {
            Some(path) => write!(f, "`{}`", path.display())?,
            None => f.write_str("a file")?,
        }
        if let Some(other) = &self.other {
            write!(f, " to `{}`", other.display())?;
        }
        write!(f, ": {}", self.source)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
