//! The attributes of `aio`: `#[aio::main]` for programs, `#[aio::test]` for tests.
//!
//! An async function has to be run by somebody. These attributes put a plain function of the same name in its place,
//! which does that:
//!
//! ```
//! #[aio::main]
//! async fn main() {
//!     aio::sleep(std::time::Duration::from_millis(1)).await;
//! }
//! ```
//!
//! They are meant to be used through the crate `aio` (its features `macros`, which is on unless one turns it off, and
//! `test`), or through `aio-test`. See [`main`](macro@main) and [`test`](macro@test) for the options.
//!
//! # When not to use them
//!
//! They save three lines. What they have no option for, such as the pool of threads for blocking functions or a handler
//! for failures, a `Runner` has, and so has a `Test`.

mod duration;
mod faults;
mod function;
mod main_attribute;
mod options;
mod test_attribute;
#[cfg(test)]
mod testing;
mod value;

use proc_macro::TokenStream;

use crate::test_attribute::Home;

/// Runs an `async fn` on an event loop of its own, each time that the function is called: asyncio's
/// `asyncio.run(main())`.
///
/// ```
/// use std::time::Duration;
///
/// #[aio::main(workers = 2, grace = "5s")]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     aio::sleep(Duration::from_millis(1)).await;
///     let seven: u32 = "7".parse()?;
///     assert_eq!(aio::spawn(async move { seven * 6 }).await, 42);
///     Ok(())
/// }
/// ```
///
/// is, without the attribute,
///
/// ```
/// # use std::time::Duration;
/// fn main() -> Result<(), std::num::ParseIntError> {
///     async fn main() -> Result<(), std::num::ParseIntError> {
///         // ...
///         # Ok(())
///     }
///     aio::Runner::new().workers(2).shutdown_grace(Duration::from_secs(5)).run(main())
/// }
/// ```
///
/// and without options it is `aio::run(main())`. So an error that `main` returns is printed, and the exit code is 1;
/// Ctrl-C cancels `main`, and cleanups run.
///
/// # Options
///
/// | option | without it | what it does |
/// |---|---|---|
/// | `workers = 4` | one thread | runs tasks on four threads, of which the caller's is one |
/// | `workers = 0` | one thread | runs them on as many threads as the machine runs at a time |
/// | `debug`, `debug = false` | what `AIO_DEBUG` says | keeps account of who waits for what, or does not |
/// | `grace = "5s"` | no bound | bounds how long the end waits for tasks, cleanups, blocking functions |
/// | `crate = "path"` | `::aio` | where the crate is, if it has another name here |
///
/// Durations are a whole number and a unit: `"250ms"`, `"5s"`, `"1m"`, `"2h"`.
///
/// The function need not be called `main`. It has no arguments and no generic parameters; `Self` of an `impl` around it
/// is not known inside.
///
/// # Coming from tokio
///
/// | tokio | aio |
/// |---|---|
/// | `#[tokio::main]` | `#[aio::main(workers = 0)]` |
/// | `#[tokio::main(flavor = "current_thread")]` | `#[aio::main]` |
/// | `#[tokio::main(worker_threads = 4)]` | `#[aio::main(workers = 4)]` |
/// | `#[tokio::main(start_paused = true)]` | nothing: the time of an `#[aio::test]` is virtual |
/// | `#[tokio::main(crate = "path")]` | `#[aio::main(crate = "path")]` |
/// | spawned tasks are dropped at the end | they are cancelled, and their cleanups run, for as long as `grace` |
///
/// # Errors
///
/// What does not fit is an error of the compiler:
///
/// ```compile_fail
/// #[aio::main]
/// fn main() {} // the function is not async: write `async fn`
/// ```
///
/// ```compile_fail
/// #[aio::main(grace = "5")] // `5` is no duration: it lacks a unit: one of `ms`, `s`, `m` and `h`
/// async fn main() {}
/// ```
///
/// # Panics
///
/// The function panics if the body does, after everything has ended; and if it is called where a loop runs already.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(main_attribute::expand(options.into(), item.into()))
}

/// Makes an `async fn` a test, which is run on one thread, in virtual time, in the order or the orders that are asked
/// for.
///
/// ```
/// use std::time::Duration;
///
/// #[aio::test]
/// async fn a_day_takes_no_time() {
///     let before = aio::now();
///     aio::sleep(Duration::from_secs(24 * 60 * 60)).await;
///     assert_eq!(aio::now() - before, Duration::from_secs(24 * 60 * 60));
/// }
///
/// #[aio::test(schedules = 1000)]
/// async fn both_have_their_turn_in_any_order() -> Result<(), aio::JoinError> {
///     let tasks = (aio::spawn(async { 1 }), aio::spawn(async { 2 }));
///     assert_eq!(tasks.0.join().await? + tasks.1.join().await?, 3);
///     Ok(())
/// }
/// ```
///
/// It is a `#[test]` for the standard harness, with all that goes with one: filters, `#[should_panic]`, `#[ignore]`. It
/// returns nothing, or a `Result<(), E>` whose error has a `Debug`, and which fails the test. The body is run once for
/// each order, from its beginning: what is to be new in each run is made in it.
///
/// # Options
///
/// | option | without it | what it does |
/// |---|---|---|
/// | `schedules = 1000` | one | runs the test in a thousand orders, those of the seeds from 1 on |
/// | `seed = 7` | the order of production | runs it in the order of this seed; with `schedules`, from this seed on |
/// | `strategy = "uniform"` | this | how seeds make orders: any task that is ready may be next |
/// | `strategy = "pct"`, `"pct:5"` | `"uniform"` | tasks have priorities, which change at a few moments |
/// | `preemptive` | `false` | others may get in as if other workers ran, where what may cross threads is used |
/// | `faults = "all"` | `"none"` | spurious and late wakes, late timers, slow steps and slow blocking functions |
/// | `clock = "virtual"` | this | time jumps to the next deadline when nothing can run |
/// | `clock = "real"` | `"virtual"` | time goes by as it does outside of tests |
/// | `timeout = "30s"` | a minute | fails a run that takes longer than this in real time |
/// | `leaks = "fail"` | this | fails if tasks, timers or waiters are left at the end |
/// | `leaks = "allow"` | `"fail"` | cancels what is left, as `aio::run` does |
/// | `crate = "path"` | `::aio` | where the crate is, if it has another name here |
///
/// `"pct"` is probabilistic concurrency testing. It finds what goes wrong in few orders only: if three steps have to
/// come in a certain order (its *depth*), or in `"pct:5"` five.
///
/// The environment says which runs there are as well: `AIO_SEED=17 cargo test NAME` repeats the one that has failed,
/// `AIO_SCHEDULES=10000` tries more of them, `AIO_TRACE=1` prints their steps. See `Test`, which has all that is here,
/// and more.
///
/// Durations are a whole number and a unit: `"250ms"`, `"5s"`, `"1m"`, `"2h"`.
///
/// What would do nothing, or promise what it cannot keep, is an error: no schedules (`schedules = 0`); a `strategy`
/// or `preemptive` without `schedules` or `seed`, since there are no orders for it to choose from; any of them, or
/// `faults`, with `clock = "real"`, since orders cannot be repeated in real time; a `#[test]` beside the attribute,
/// which would run the test twice.
///
/// ```compile_fail
/// #[aio::test(clock = "real", schedules = 1000)]
/// async fn one_thing_or_the_other() {}
/// ```
///
/// # Coming from tokio
///
/// | tokio | aio |
/// |---|---|
/// | `#[tokio::test]` | `#[aio::test(clock = "real")]` |
/// | `#[tokio::test(start_paused = true)]` | `#[aio::test]` |
/// | `#[tokio::test(flavor = "multi_thread")]` | `#[aio::test(schedules = 1000, preemptive)]`, on one thread |
/// | `#[tokio::test(crate = "path")]` | `#[aio::test(crate = "path")]` |
///
/// # Coming from asyncio
///
/// | asyncio | aio |
/// |---|---|
/// | `IsolatedAsyncioTestCase`, `@pytest.mark.asyncio` | `#[aio::test]` |
/// | mocking `asyncio.sleep` | nothing: time is virtual |
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(test_attribute::expand(options.into(), item.into(), Home::Umbrella))
}

/// [`macro@test`], for users of the crate `aio-test` alone, which exports it as `test`.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn test_of_aio_test(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(test_attribute::expand(options.into(), item.into(), Home::AioTest))
}

fn finish((mut expansion, faults): (proc_macro2::TokenStream, faults::Faults)) -> TokenStream {
    expansion.extend(faults.into_tokens());
    expansion.into()
}
