//! What a poll has given, and how much time has passed.
#![expect(missing_docs, clippy::missing_panics_doc, reason = "what the macros expand to is no part of the API")]

use std::fmt::{Arguments, Debug};
use std::task::Poll;
use std::time::Duration;

use crate::Stopwatch;

/// Asserts that a poll gave nothing.
///
/// ```
/// use aio_test::{assert_pending, step};
///
/// let mut never = step(std::future::pending::<u8>());
/// assert_pending!(never.poll());
/// assert_pending!(never.poll(), "after {} polls", never.n_polls());
/// ```
#[macro_export]
macro_rules! assert_pending {
    ($poll:expr $(,)?) => { $crate::hidden::pending($poll, ::std::format_args!("")) };
    ($poll:expr, $($message:tt)+) => { $crate::hidden::pending($poll, ::std::format_args!($($message)+)) };
}

/// Asserts that a poll gave something; its value is that.
///
/// ```
/// use aio_test::{assert_ready, step};
///
/// let mut two = step(async { 2 });
/// assert_eq!(assert_ready!(two.poll(), "nothing to wait for") + 1, 3);
/// ```
#[macro_export]
macro_rules! assert_ready {
    ($poll:expr $(,)?) => { $crate::hidden::ready($poll, ::std::format_args!("")) };
    ($poll:expr, $($message:tt)+) => { $crate::hidden::ready($poll, ::std::format_args!($($message)+)) };
}

/// Asserts that a poll gave this value.
///
/// ```
/// use aio_test::{assert_ready_eq, step};
///
/// assert_ready_eq!(step(async { 1 + 1 }).poll(), 2);
/// ```
#[macro_export]
macro_rules! assert_ready_eq {
    ($poll:expr, $expected:expr $(,)?) => {
        $crate::hidden::ready_eq($poll, &$expected, ::std::format_args!(""))
    };
    ($poll:expr, $expected:expr, $($message:tt)+) => {
        $crate::hidden::ready_eq($poll, &$expected, ::std::format_args!($($message)+))
    };
}

/// Asserts that a poll gave an `Ok`; its value is what is in there.
///
/// ```
/// use aio_test::{assert_ready_ok, step};
///
/// assert_eq!(assert_ready_ok!(step(async { "2".parse::<i32>() }).poll()), 2);
/// ```
#[macro_export]
macro_rules! assert_ready_ok {
    ($poll:expr $(,)?) => { $crate::hidden::ready_ok($poll, ::std::format_args!("")) };
    ($poll:expr, $($message:tt)+) => { $crate::hidden::ready_ok($poll, ::std::format_args!($($message)+)) };
}

/// Asserts that a poll gave an `Err`; its value is what is in there.
///
/// ```
/// use aio_test::{assert_ready_err, step};
///
/// let error = assert_ready_err!(step(async { "two".parse::<i32>() }).poll());
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// ```
#[macro_export]
macro_rules! assert_ready_err {
    ($poll:expr $(,)?) => { $crate::hidden::ready_err($poll, ::std::format_args!("")) };
    ($poll:expr, $($message:tt)+) => { $crate::hidden::ready_err($poll, ::std::format_args!($($message)+)) };
}

/// Asserts that exactly so much time has passed since a [`Stopwatch`] was started: for tests with
/// virtual time.
///
/// ```
/// # use aio_core::{EventLoop, ThreadPark, VirtualTime};
/// # use aio_timer::Timers;
/// use aio_test::{Stopwatch, assert_elapsed};
/// use aio_timer::sleep;
/// use std::time::Duration;
///
/// # EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
/// let watch = Stopwatch::start();
/// sleep(Duration::from_secs(60)).await;
/// assert_elapsed!(watch, Duration::from_secs(60), "the first of {} tries", 3);
/// # });
/// ```
#[macro_export]
macro_rules! assert_elapsed {
    ($watch:expr, $expected:expr $(,)?) => {
        $crate::hidden::elapsed(&$watch, $expected, ::std::format_args!(""))
    };
    ($watch:expr, $expected:expr, $($message:tt)+) => {
        $crate::hidden::elapsed(&$watch, $expected, ::std::format_args!($($message)+))
    };
}

/// What the user's message adds.
fn colon(message: Arguments<'_>) -> String {
    if message.as_str() == Some("") { String::new() } else { format!(": {message}") }
}

#[track_caller]
pub fn pending<T: Debug>(poll: Poll<T>, message: Arguments<'_>) {
    if let Poll::Ready(value) = poll {
        panic!("it is ready, with {value:?}{}", colon(message));
    }
}

#[track_caller]
pub fn ready<T>(poll: Poll<T>, message: Arguments<'_>) -> T {
    match poll {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is pending{}", colon(message)),
    }
}

#[track_caller]
pub fn ready_eq<T: PartialEq<U> + Debug, U: Debug>(poll: Poll<T>, expected: &U, message: Arguments<'_>) {
    let value = ready(poll, message);
    assert!(value == *expected, "it is ready, with {value:?} and not {expected:?}{}", colon(message));
}

#[track_caller]
pub fn ready_ok<T, E: Debug>(poll: Poll<Result<T, E>>, message: Arguments<'_>) -> T {
    match ready(poll, message) {
        Ok(value) => value,
        Err(error) => panic!("it is ready, with the error {error:?}{}", colon(message)),
    }
}

#[track_caller]
pub fn ready_err<T: Debug, E>(poll: Poll<Result<T, E>>, message: Arguments<'_>) -> E {
    match ready(poll, message) {
        Ok(value) => panic!("it is ready, with {value:?} and not an error{}", colon(message)),
        Err(error) => error,
    }
}

#[track_caller]
pub fn elapsed(watch: &Stopwatch, expected: Duration, message: Arguments<'_>) {
    let elapsed = watch.elapsed();
    assert!(elapsed == expected, "{elapsed:?} have passed and not {expected:?}{}", colon(message));
}
