//! What differs between servers whose connections may cross threads and those whose connections stay on their loop.

use std::io;
use std::rc::Rc;
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be

use aio_base::{Local, Shared};
use aio_core::{FailureKind, report_failure};
use aio_group::generic::GroupHome;

/// Where the connections of a server live: [`Shared`] or [`Local`]. Sealed, as `Home` is.
pub trait ServerHome: GroupHome {
    /// What is called with each error.
    #[doc(hidden)]
    type ErrorHandler: Clone;

    /// Has the loop report them, as failures that nobody waits for.
    #[doc(hidden)]
    fn reporting() -> Self::ErrorHandler;

    #[doc(hidden)]
    fn tell(on_error: &Self::ErrorHandler, error: &io::Error);
}

impl ServerHome for Shared {
    type ErrorHandler = Arc<dyn Fn(&io::Error) + Send + Sync>;

    fn reporting() -> Self::ErrorHandler {
        Arc::new(report)
    }

    fn tell(on_error: &Self::ErrorHandler, error: &io::Error) {
        on_error(error);
    }
}

impl ServerHome for Local {
    type ErrorHandler = Rc<dyn Fn(&io::Error)>;

    fn reporting() -> Self::ErrorHandler {
        Rc::new(report)
    }

    fn tell(on_error: &Self::ErrorHandler, error: &io::Error) {
        on_error(error);
    }
}

fn report(error: &io::Error) {
    report_failure(FailureKind::Error(error));
}
