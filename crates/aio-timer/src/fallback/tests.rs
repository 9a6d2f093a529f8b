use std::pin::Pin;
use std::task::{Wake, Waker};

use aio_base::Parker;
use aio_base::live::leak_check;

use super::*;
use crate::queue::{Entry, Registered};

const MS: Duration = Duration::from_millis(1);

fn leak(queue: Queue) -> &'static Queue {
    Box::leak(Box::new(queue))
}

fn register(queue: &'static Queue, after: Duration, waker: Waker) -> (Pin<Box<Entry>>, Registered) {
    let entry = Box::pin(Entry::new(queue));
    let now = aio_core::now();
    let registered = entry.as_ref().register(now, after.as_nanos() as u64, waker);
    (entry, registered)
}

#[test]
fn the_thread_ends_without_timers_and_the_next_registration_asks_for_another() {
    leak_check(|| {
        let queue = leak(Queue::new(Watch::Nobody));
        for _ in 0..2 {
            let mut parker = Parker::new();
            let (entry, registered) = register(queue, MS, parker.unparker().into());
            assert_eq!(registered, Registered::NeedsThread);
            // On this thread: it returns because it is idle, after the timer has fired.
            look_after(queue, MS);
            parker.park(None);
            assert_eq!(queue.state.lock().watch, Watch::Nobody);
            drop(entry);
        }
    });
}

#[test]
fn a_thread_that_looks_after_the_queue_is_told_only_of_earlier_timers() {
    leak_check(|| {
        let queue = leak(Queue::new(Watch::Nobody));
        let (_later, registered) = register(queue, 3000 * MS, Waker::noop().clone());
        assert_eq!(registered, Registered::NeedsThread);
        let next = queue.next_deadline();
        queue.state.lock().watch = Watch::Until(next);
        let (_latest, registered) = register(queue, 4000 * MS, Waker::noop().clone());
        assert_eq!((registered, queue.state.lock().watch), (Registered::Done, Watch::Until(next)));
        let (_earlier, registered) = register(queue, 1000 * MS, Waker::noop().clone());
        assert_eq!((registered, queue.state.lock().watch), (Registered::Done, Watch::Awake));
    });
}

#[test]
fn the_thread_survives_a_panicking_waker() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("bomb");
        }
    }
    leak_check(|| {
        let queue = leak(Queue::new(Watch::Nobody));
        let mut parker = Parker::new();
        let (_bomb, _) = register(queue, MS, std::sync::Arc::new(Bomb).into());
        let (_entry, _) = register(queue, MS, parker.unparker().into());
        look_after(queue, MS);
        parker.park(None);
    });
}
