//! What is counted. Each path does `n` operations and returns how many it has seen done.
//!
//! Most work in batches of [`BATCH`], with everything at hand again after the first one: the difference between a long
//! and a short run is that of operations, not of memory that grows. `_local` is the home of what stays on its loop; no
//! suffix that of what may cross threads, or that the two have the path in common.

mod homes;
mod sockets;
mod timers;

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::Poll;

use aio::{Runner, StreamExt, gather, generate, iter, local, yield_now};
use aio_stream::merge_all;

/// How many tasks there are at once.
const BATCH: u64 = 100;

/// The number of operations is a multiple of this, so that all batches are full.
pub(crate) const UNIT: u64 = 1_000;

/// A name, and what bears it.
type Path = (&'static str, fn(u64) -> u64);

/// All of them, in the order in which they are shown.
pub(crate) const PATHS: &[Path] = &[
    // A task that is ready at once is spawned, run and awaited.
    ("spawn_join_local", homes::local::spawn_join),
    ("spawn_join", homes::shared::spawn_join),
    // A task that waits is cancelled by dropping its handle, and ends.
    ("cancel_by_drop_local", homes::local::cancel_by_drop),
    ("cancel_by_drop", homes::shared::cancel_by_drop),
    // A task is woken by another of its loop, and polled; the second pair from where no loop is, through the mailbox.
    ("wake_local", homes::local::wake),
    ("wake", homes::shared::wake),
    ("wake_remote_local", homes::local::wake_remote),
    ("wake_remote", homes::shared::wake_remote),
    // One of many tasks yields; the only task yields, and the queue runs empty each time.
    ("yield_now_local", homes::local::yield_now),
    ("yield_now", homes::shared::yield_now),
    ("yield_alone", yield_alone),
    // A sleep is registered and dropped; is registered, fires and wakes its task; is not needed.
    ("sleep_cancel", timers::sleep_cancel),
    ("sleep_fire", timers::sleep_fire),
    ("timeout_ready", timers::timeout_ready),
    // Taken and given back while it is free; waited for in a queue of the others, and held during a yield.
    ("lock_local", homes::local::lock),
    ("lock", homes::shared::lock),
    ("lock_contended_local", homes::local::lock_contended),
    ("lock_contended", homes::shared::lock_contended),
    ("rwlock_read_local", homes::local::rwlock_read),
    ("rwlock_read", homes::shared::rwlock_read),
    ("rwlock_write_local", homes::local::rwlock_write),
    ("rwlock_write", homes::shared::rwlock_write),
    ("semaphore_local", homes::local::semaphore),
    ("semaphore", homes::shared::semaphore),
    // One of many waiters waits, and is woken.
    ("event_local", homes::local::event),
    ("event", homes::shared::event),
    // An item goes from one task to another.
    ("queue_local", homes::local::queue),
    ("queue", homes::shared::queue),
    ("channel_local", homes::local::channel),
    ("channel", homes::shared::channel),
    // A channel for one message is made, sent through and received from; a request is answered through one.
    ("oneshot_local", homes::local::oneshot),
    ("oneshot", homes::shared::oneshot),
    ("request_reply_local", homes::local::request_reply),
    ("request_reply", homes::shared::request_reply),
    // One of many receivers waits for a change, and looks at it.
    ("watch_local", homes::local::watch),
    ("watch", homes::shared::watch),
    // A message goes to a task that waits for it, and back: two are put, two are waited for.
    ("queue_ping_pong_local", homes::local::queue_ping_pong),
    ("queue_ping_pong", homes::shared::queue_ping_pong),
    // A child that is ready at once is spawned, run and counted out.
    ("group_child_local", homes::local::group_child),
    ("group_child", homes::shared::group_child),
    // A child that is woken once.
    ("gather_10", |n| gathered(10, n)),
    ("gather_1k", |n| gathered(1_000, n)),
    ("generator_item", generator_item),
    // An item of ten streams, which always have one; a future that is woken once, in a group.
    ("merge_10", merge_10),
    ("buffered_in_10", buffered_in_10),
    // A message goes to another task, and back: one at a time, and a hundred.
    ("socket_round_trip", |n| sockets::round_trips(1, n)),
    ("socket_round_trip_100", |n| sockets::round_trips(100, n)),
];

/// A loop as programs have it; without Ctrl-C, for which there would be a thread.
fn runner() -> Runner {
    Runner::new().ctrl_c(false)
}

/// [`Runner::run`], compiled once for all paths.
fn run_on<T>(runner: &mut Runner, main: impl Future<Output = T>) -> T {
    let mut output = None;
    let main: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(async { output = Some(main.await) });
    runner.run(main);
    output.expect("it has run to its end")
}

fn run(main: impl Future<Output = u64>) -> u64 {
    let mut runner = runner();
    let output = run_on(&mut runner, main);
    runner.close();
    output
}

/// Pending once, having woken the task.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn yield_alone(n: u64) -> u64 {
    run(async move {
        let mut done = 0;
        for _ in 0..n {
            yield_now().await;
            done += 1;
        }
        done
    })
}

fn gathered(width: u64, n: u64) -> u64 {
    let child = |i| async move {
        yield_once().await;
        black_box(i)
    };
    run(async move {
        let mut done = 0;
        for _ in 0..n / width {
            done += gather((0..width).map(child).collect::<Vec<_>>()).await.len() as u64;
        }
        done
    })
}

fn generator_item(n: u64) -> u64 {
    run(async move {
        let mut items = pin!(generate(async move |out| {
            for i in 0..n {
                out.emit(i).await;
            }
        }));
        let mut done = 0;
        while let Some(item) = items.next().await {
            black_box(item);
            done += 1;
        }
        done
    })
}

fn merge_10(n: u64) -> u64 {
    run(async move {
        let mut items = merge_all((0..10).map(|_| iter(0..n / 10)));
        let mut done = 0;
        while let Some(item) = items.next().await {
            black_box(item);
            done += 1;
        }
        done
    })
}

fn buffered_in_10(n: u64) -> u64 {
    let child = |i| async move {
        yield_once().await;
        black_box(i)
    };
    run(async move {
        let group = local::TaskGroup::new();
        group.join(iter(0..n).map(child).buffered_in(&group, 10).count()).await as u64
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_path_does_what_is_asked_of_it_as_often_as_it_is_asked() {
        for (name, path) in PATHS {
            for n in [UNIT, 3 * UNIT] {
                assert_eq!(aio_base::live::leak_check(|| path(n)), n, "{name}");
            }
        }
    }

    #[test]
    fn no_two_paths_have_the_same_name() {
        assert_eq!(PATHS.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len(), PATHS.len());
    }

    #[test]
    fn batches_are_full() {
        assert!(UNIT.is_multiple_of(BATCH));
    }
}
