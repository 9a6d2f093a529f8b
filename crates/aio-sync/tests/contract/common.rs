//! What the suites share: both homes, wakers that report, polling by hand.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Runs each of the generic functions as a test in both homes, and sees that it leaves nothing behind.
macro_rules! in_both_homes {
    ($($test:ident,)+) => {
        mod shared {
            $(#[test] fn $test() { aio_base::live::leak_check(super::$test::<aio_base::Shared>); })+
        }
        mod local {
            $(#[test] fn $test() { aio_base::live::leak_check(super::$test::<aio_base::Local>); })+
        }
    };
}
pub(crate) use in_both_homes;

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>, waker: &Waker) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// Polls once with a waker that does nothing.
pub(crate) fn poll_idle<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    poll(future, Waker::noop())
}

/// The output of a future that is ready at its first poll.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll_idle(&mut Box::pin(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// Who was woken, in this order.
#[derive(Clone, Default)]
pub(crate) struct WakeLog(Arc<Mutex<Vec<usize>>>);

impl WakeLog {
    /// A waker that writes `name` into the log.
    pub(crate) fn waker(&self, name: usize) -> Waker {
        Arc::new(LogWaker { log: self.clone(), name, panics: false }).into()
    }

    /// A waker that writes `name` into the log and panics with it.
    pub(crate) fn panicking_waker(&self, name: usize) -> Waker {
        Arc::new(LogWaker { log: self.clone(), name, panics: true }).into()
    }

    /// What was written since the last call.
    pub(crate) fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct LogWaker {
    log: WakeLog,
    name: usize,
    panics: bool,
}

impl Wake for LogWaker {
    fn wake(self: Arc<Self>) {
        self.log.0.lock().unwrap().push(self.name);
        if self.panics {
            std::panic::panic_any(self.name);
        }
    }
}

/// The number with which `f` panics.
pub(crate) fn panic_of(f: impl FnOnce()) -> usize {
    *catch_unwind(AssertUnwindSafe(f)).expect_err("it panics").downcast().expect("with a number")
}

thread_local! {
    static HOOK: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// While `test` runs, each clone, wake and drop of a [`hooked_waker`] on this thread calls `hook`.
pub(crate) fn with_hook(hook: impl Fn() + 'static, test: impl FnOnce()) {
    HOOK.set(Some(Rc::new(hook)));
    test();
    HOOK.set(None);
}

/// A waker whose every method calls the hook. Wakers of different names are different.
pub(crate) fn hooked_waker(name: usize) -> Waker {
    use std::task::{RawWaker, RawWakerVTable};

    fn call() {
        if let Some(hook) = HOOK.with_borrow(Clone::clone) {
            hook();
        }
    }
    static METHODS: RawWakerVTable = RawWakerVTable::new(
        |name| {
            call();
            RawWaker::new(name, &METHODS)
        },
        |_| call(),
        |_| call(),
        |_| call(),
    );
    // SAFETY: the data is a name and is never dereferenced; what the methods reach is of the thread they are called on.
    unsafe { Waker::new(std::ptr::without_provenance(name), &METHODS) }
}
