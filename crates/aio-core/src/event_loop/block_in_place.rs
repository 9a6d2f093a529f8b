//! A blocking call in the middle of a task.

use super::core::Core;
use crate::current;

/// Runs `f`, which blocks the thread or computes for long, in the middle of a task, where the other workers of the loop
/// take over meanwhile what may cross threads. What `f` borrows need not be `'static`, and its result is there at once.
///
/// What stays on this worker waits until `f` returns: its local tasks, and the other branches of the task that calls
/// it. Timers and descriptors that were begun here are seen to after ten to twenty milliseconds, as in a poll that
/// takes that long without being declared; who waits for one of these descriptors then does so elsewhere from there on.
///
/// The loop does not get another thread in its place: with `n` workers, `n` such calls at the same time stop
/// everything, and on a loop with one worker each of them does. Where that is not wanted, or calls are many,
/// `to_thread` is right.
///
/// Without a loop it only calls `f`.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark, block_in_place, spawn};
///
/// let text = String::from("borrowed");
/// let length = EventLoop::with_workers(2, ThreadPark::new).run(async {
///     let other = spawn(async { 1 });
///     block_in_place(|| text.len()) + other.await
/// });
/// assert_eq!(length, 9);
/// ```
///
/// # Panics
/// If `f` does.
pub fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    let mut f = Some(f);
    match current::with_loop(|core: &Core| f.take().map(|f| core.while_blocked(f))).flatten() {
        Some(result) => result,
        None => f.take().map(|f| f()).expect("it was not called yet"),
    }
}
