//! Models of what two threads may do with a group at the same time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use aio_base::sync::Arc;
use aio_base::{Parker, Shared, thread};

use super::delivery::Delivery;
use super::progress::{Progress, Room};
use super::start::Started;
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
        let progress = Arc::new(Progress::<Shared>::new());
        for _ in 0..2 {
            let (progress, (place, _)) = (progress.clone(), progress.admit_task(false).unwrap());
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
        let progress = Arc::new(Progress::<Shared>::new());
        progress.set_limit(1);
        let first = progress.admit_in_place(false).unwrap();
        let second = progress.admit_in_place(false).unwrap();
        assert!(!first.waits && second.waits);
        let leaving = progress.clone();
        thread::spawn("", move || leaving.leave(first.number)).unwrap();
        let mut parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        while !progress.may_begin(second.number, &waker) {
            parker.park(None);
        }
        progress.leave(second.number);
        assert!(progress.try_reserve(), "there is room again");
    });
}

/// Somebody outside awaits a child that failed while the group finishes.
#[test]
fn who_waits_for_a_child_without_an_output_hears_of_the_end() {
    ::loom::model(|| {
        let progress = Arc::new(Progress::<Shared>::new());
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

/// A group is cancelled while it is being polled, or rests: its body, which waits for ever, is cut.
#[test]
fn a_cancellation_that_comes_from_another_thread_ends_the_group() {
    ::loom::model(|| {
        let group = TaskGroup::<()>::new();
        let handle = group.handle();
        let outsider = thread::spawn("", move || handle.cancel()).unwrap();
        let error = aio_core::block_on(group.run(std::future::pending::<Result<(), _>>())).unwrap_err();
        assert!(error.is_cancelled());
        outsider.join().unwrap();
    });
}

/// A group is cancelled while its body finishes: either it was cut, or its value counts.
#[test]
fn a_cancellation_races_the_end_of_the_body() {
    ::loom::model(|| {
        let group = TaskGroup::<()>::new();
        let handle = group.handle();
        let outsider = thread::spawn("", move || handle.cancel()).unwrap();
        match aio_core::block_on(group.run(async { Ok(1) })) {
            Ok(value) => assert_eq!(value, 1),
            Err(error) => assert!(error.is_cancelled()),
        }
        outsider.join().unwrap();
    });
}

/// Room is given back on one thread while another begins to wait for it, as `vacancy` does.
#[test]
fn room_that_is_given_back_is_found_by_who_waits_for_it() {
    ::loom::model(|| {
        let progress = Arc::new(Progress::<Shared>::new());
        progress.set_limit(1);
        assert!(progress.try_reserve());
        let leaving = progress.clone();
        thread::spawn("", move || leaving.give_back()).unwrap();
        let mut parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        let mut number = None;
        while progress.poll_reserve(&mut number, &waker) != Room::Reserved {
            parker.park(None);
        }
        progress.give_back();
        assert!(progress.try_reserve());
    });
}

/// Room is handed to somebody who waits and is dropped at the same moment: it goes on to the next in the queue.
#[test]
fn room_handed_to_who_is_being_dropped_goes_to_the_next() {
    ::loom::model(|| {
        let progress = Arc::new(Progress::<Shared>::new());
        progress.set_limit(1);
        assert!(progress.try_reserve());
        let mut parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        let (mut first, mut second) = (None, None);
        assert_eq!(progress.poll_reserve(&mut first, Waker::noop()), Room::Wait);
        assert_eq!(progress.poll_reserve(&mut second, &waker), Room::Wait);
        let leaving = progress.clone();
        thread::spawn("", move || leaving.give_back()).unwrap();
        let dropped = progress.clone();
        thread::spawn("", move || dropped.leave(first.unwrap())).unwrap();
        while progress.poll_reserve(&mut second, &waker) != Room::Reserved {
            parker.park(None);
        }
        assert!(!progress.try_reserve(), "there was room for one");
    });
}

/// Somebody outside waits for room while the group ends: he is told.
#[test]
fn who_waits_for_room_hears_of_the_end() {
    ::loom::model(|| {
        let progress = Arc::new(Progress::<Shared>::new());
        progress.set_limit(1);
        assert!(progress.try_reserve());
        let waiting = progress.clone();
        let outsider = thread::spawn("", move || {
            let mut parker = Parker::new();
            let waker = Waker::from(parker.unparker());
            let mut number = None;
            while waiting.poll_reserve(&mut number, &waker) != Room::Never {
                parker.park(None);
            }
        })
        .unwrap();
        progress.abort();
        assert!(progress.try_finish(0));
        outsider.join().unwrap();
    });
}

/// A child says that it is ready while whoever started it begins to wait.
#[test]
fn a_child_that_is_ready_is_heard() {
    ::loom::model(|| {
        let (started, slot) = Started::<u8, Shared>::new();
        thread::spawn("", move || started.set(1)).unwrap();
        let value = aio_core::block_on(std::future::poll_fn(|cx| slot.poll(cx)));
        assert_eq!(value.unwrap(), 1);
    });
}

/// A child gives its value, or lets go, while nobody waits for it any more: the value is dropped, once, and a waker of
/// the one who has gone does no harm.
#[test]
fn a_child_that_is_ready_while_nobody_waits_any_more_loses_the_value() {
    for sets in [true, false] {
        ::loom::model(move || {
            let value = Arc::new(());
            let (started, slot) = Started::<Arc<()>, Shared>::new();
            let given = value.clone();
            let child = thread::spawn("", move || if sets { started.set(given) } else { drop(started) }).unwrap();
            let poll = slot.poll(&mut std::task::Context::from_waker(Waker::noop()));
            drop(slot);
            child.join().unwrap();
            drop(poll);
            assert_eq!(Arc::strong_count(&value), 1);
        });
    }
}

/// The last outputs arrive from other threads while somebody is about to wait for them: none is missed, and neither is
/// the end.
#[test]
fn results_that_arrive_from_other_threads_are_found() {
    ::loom::model(|| {
        let group = TaskGroup::<()>::new();
        let handle = group.handle();
        let mut results = handle.results::<u8>();
        let (with_output, without) = (results.expect_one(), results.expect_one());
        thread::spawn("", move || {
            assert!(with_output.deliver(Ok(1)).is_ok());
            drop(without);
        })
        .unwrap();
        aio_core::block_on(async {
            assert_eq!(results.next().await, Some(1));
            assert_eq!(results.next().await, None);
        });
    });
}
