//! Models of what two threads may do with a group at the same time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use aio_base::sync::Arc;
use aio_base::{Parker, Shared, thread};

use super::progress::Progress;
use crate::TaskGroup;

/// A handle outside of the group adds a child while the group ends. Either the child is refused, or the group sees it
/// and ends after it; it is not left between the two.
#[test]
fn a_child_that_comes_in_while_the_group_ends_is_refused_or_runs() {
    ::loom::model(|| {
        let group = TaskGroup::new();
        let handle = group.handle();
        let outsider =
            thread::spawn("", move || catch_unwind(AssertUnwindSafe(|| handle.spawn_scoped(async { 1 }))).ok())
                .unwrap();
        aio_core::block_on(group.join(async {}));
        if let Some(child) = outsider.join().unwrap() {
            assert!(child.is_finished());
            assert_eq!(aio_core::block_on(child), 1);
        }
    });
}

/// A child comes in and fails while the group is being polled, or rests: its error ends the body, which waits for ever.
#[test]
fn a_failure_that_comes_from_another_thread_ends_the_group() {
    ::loom::model(|| {
        let group = TaskGroup::new();
        let handle = group.handle();
        let outsider = thread::spawn("", move || drop(handle.try_spawn_scoped::<(), _>(async { Err(1) }))).unwrap();
        let error = aio_core::block_on(group.run(std::future::pending::<Result<(), _>>())).unwrap_err();
        assert_eq!(error.errors(), [1]);
        outsider.join().unwrap();
    });
}

/// A child comes in while its group is dropped: it is dropped as well, and whoever has its handle is told.
#[test]
fn a_child_that_comes_in_while_the_group_is_dropped_is_dropped() {
    ::loom::model(|| {
        let group = TaskGroup::<()>::new();
        let handle = group.handle();
        let outsider = thread::spawn("", move || {
            // The child knows its group, which would never be freed if it kept the child.
            let own = handle.clone();
            handle.spawn_scoped(async move { drop(own) })
        })
        .unwrap();
        drop(group);
        let child = outsider.join().unwrap();
        assert!(aio_core::block_on(child.join()).unwrap_err().is_cancelled());
    });
}

/// The last two children with tasks end on threads of their own while the group is about to rest.
#[test]
fn the_ends_of_the_last_tasks_wake_the_group() {
    ::loom::model(|| {
        let progress = Arc::new(Progress::<Shared>::new(usize::MAX));
        for _ in 0..2 {
            let (progress, place) = (progress.clone(), progress.admit_task().unwrap());
            thread::spawn("", move || progress.task_ended(place)).unwrap();
        }
        let mut parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        loop {
            progress.register_run(&waker);
            if progress.try_finish(0) {
                break;
            }
            parker.park(None);
        }
    });
}

/// A child makes room on one thread while another is about to wait for it on a second.
#[test]
fn room_that_is_made_is_found() {
    ::loom::model(|| {
        let progress = Arc::new(Progress::<Shared>::new(1));
        let first = progress.queue_up();
        let second = progress.queue_up().expect("there is no room");
        let leaving = progress.clone();
        thread::spawn("", move || leaving.leave(first)).unwrap();
        let mut parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        while !progress.may_begin(second, &waker) {
            parker.park(None);
        }
        progress.leave(Some(second));
        assert_eq!(progress.queue_up(), None, "there is room again");
    });
}

/// Somebody outside awaits a child that failed while the group finishes.
#[test]
fn who_waits_for_a_child_without_an_output_hears_of_the_end() {
    ::loom::model(|| {
        let progress = Arc::new(Progress::<Shared>::new(usize::MAX));
        progress.abort();
        let waiting = progress.clone();
        let outsider = thread::spawn("", move || {
            let mut parker = Parker::new();
            let waker = Waker::from(parker.unparker());
            while waiting.await_end(&waker) {
                parker.park(None);
            }
        })
        .unwrap();
        assert!(progress.try_finish(0));
        outsider.join().unwrap();
    });
}
