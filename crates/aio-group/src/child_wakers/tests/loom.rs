use super::*;

use aio_base::Parker;
use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::thread;

/// Polls until `done`; sleeps in between until the parent is woken, so that a lost wake-up blocks the model for good.
fn poll_until(wakers: &ChildWakers, mut done: impl FnMut(usize) -> bool) {
    let mut parker = Parker::new();
    let parent = Waker::from(parker.unparker());
    loop {
        wakers.register(&parent);
        let mut all_done = false;
        for child in wakers.take_woken() {
            all_done |= done(child);
        }
        if all_done {
            return;
        }
        parker.park(None);
    }
}

/// A child is woken by two threads, perhaps while it is being polled; the parent must poll it until it has seen both.
#[test]
fn two_remote_wakers_of_one_child_lose_no_wake() {
    ::loom::model(|| {
        let wakers = ChildWakers::new(1);
        let told = Arc::new(AtomicUsize::new(0));
        for bit in [1, 2] {
            let (waker, told) = (wakers.lend(0).clone(), told.clone());
            thread::spawn("", move || {
                told.fetch_or(bit, Ordering::Relaxed);
                waker.wake();
            })
            .unwrap();
        }
        poll_until(&wakers, |_| told.load(Ordering::Relaxed) == 3);
    });
}

/// Two children are woken by two threads; the parent, woken by the first of a batch, must not miss the second.
#[test]
fn two_children_woken_by_two_threads_are_both_polled() {
    ::loom::model(|| {
        let wakers = ChildWakers::new(2);
        for child in [0, 1] {
            let waker = wakers.lend(child).clone();
            thread::spawn("", move || waker.wake_by_ref()).unwrap();
        }
        let mut polled = [false; 2];
        poll_until(&wakers, |child| {
            polled[child] = true;
            polled == [true; 2]
        });
    });
}

/// The parent goes while two threads wake, clone and drop: whoever is last frees the block, once (loom counts), and
/// the parent's waker is not kept.
#[test]
fn wakes_may_come_while_and_after_the_parent_goes() {
    ::loom::model(|| {
        let wakers = ChildWakers::new(2);
        let parent = Parker::new();
        wakers.register(&parent.unparker().into());
        let threads = [0, 1].map(|child| {
            let waker = wakers.lend(child).clone();
            thread::spawn("", move || {
                waker.wake_by_ref();
                if child == 0 {
                    let waker = waker.clone();
                    waker.wake_by_ref();
                }
            })
            .unwrap()
        });
        drop(wakers);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
