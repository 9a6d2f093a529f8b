//! Threads of the facade, and a cheap name for the running one.

use std::io;

#[cfg(aio_loom)]
pub use loom::thread::JoinHandle;
#[cfg(not(aio_loom))]
pub use std::thread::JoinHandle;

/// Declares a thread-local that the model checker sees as such: `thread_local! { static X: Cell<u8> = Cell::new(0); }`.
/// The initial value must be a constant expression.
#[cfg(not(aio_loom))]
#[macro_export]
macro_rules! thread_local {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr;)+) => {
        ::std::thread_local! { $($(#[$attr])* $vis static $name: $t = const { $init };)+ }
    };
}

/// Declares a thread-local that the model checker sees as such: `thread_local! { static X: Cell<u8> = Cell::new(0); }`.
#[cfg(aio_loom)]
#[macro_export]
macro_rules! thread_local {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr;)+) => {
        $($crate::thread::loom::thread_local! { $(#[$attr])* $vis static $name: $t = $init; })+
    };
}

#[cfg(aio_loom)]
#[doc(hidden)]
pub use loom;

crate::thread_local! {
    static TOKEN: u8 = 0;
}

/// Starts a thread called `name`.
///
/// # Errors
/// What the system says when it has no thread to give.
#[cfg(not(aio_loom))]
pub fn spawn<T: Send + 'static>(name: &str, main: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(main)
}

/// Starts a thread; loom does not name its threads.
///
/// # Errors
/// None here.
#[cfg(aio_loom)]
pub fn spawn<T: Send + 'static>(_name: &str, main: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    Ok(loom::thread::spawn(main))
}

/// Lets another thread run.
pub fn yield_now() {
    #[cfg(aio_loom)]
    loom::thread::yield_now();
    #[cfg(not(aio_loom))]
    std::thread::yield_now();
}

/// Lets some time pass, and other threads run; loom knows no time.
pub fn sleep(duration: std::time::Duration) {
    #[cfg(aio_loom)]
    let _ = (duration, loom::thread::yield_now());
    #[cfg(not(aio_loom))]
    std::thread::sleep(duration);
}

/// How many threads can run at the same time, as far as the system tells; at least one.
pub fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A number that no other thread alive has: the address of one of its thread-locals, so it costs an addition.
/// Zero once the thread is too far gone to have thread-locals.
#[inline]
pub fn token() -> usize {
    TOKEN.try_with(|token| std::ptr::from_ref(token).addr()).unwrap_or(0)
}
