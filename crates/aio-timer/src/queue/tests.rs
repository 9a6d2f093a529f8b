use std::sync::Arc as StdArc; // `Wake` asks for it
use std::task::Wake;

use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::thread;

use super::*;
use crate::fallback;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn leak(queue: Queue) -> &'static Queue {
    Box::leak(Box::new(queue))
}

fn register(
    queue: &'static Queue,
    now: Instant,
    after: Duration,
    wakes: &StdArc<Wakes>,
) -> (Pin<Box<Entry>>, Registered) {
    let entry = Box::pin(Entry::new(queue));
    let registered = entry.as_ref().register(now, after.as_nanos() as u64, wakes.clone().into());
    (entry, registered)
}

fn register_fresh(queue: &'static Queue, left: Duration, wakes: &StdArc<Wakes>) -> Pin<Box<Entry>> {
    let entry = Box::pin(Entry::new(queue));
    let registered = entry.as_ref().register_fresh(left.as_nanos() as u64, wakes.clone().into());
    assert_eq!(registered, Registered::Done);
    entry
}

/// The loop finds a timer due while another thread drops it: one of them unlinks it, and the other sees that.
#[test]
fn a_timer_dropped_on_another_thread_while_it_fires_is_unlinked_once() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Loop));
        let wakes = [(); 2].map(|()| StdArc::<Wakes>::default());
        let (dropped, _) = register(queue, start, MINUTE, &wakes[0]);
        let (kept, _) = register(queue, start, MINUTE, &wakes[1]);
        let other = thread::spawn("", move || drop(dropped)).unwrap();
        queue.fire_due_at(|| start + 2 * MINUTE);
        other.join().unwrap();
        assert!(wakes[0].count() <= 1);
        assert_eq!(wakes[1].count(), 1);
        assert_eq!(kept.as_ref().poll(Waker::noop()), Fate::Fired);
        assert!(queue.state.lock().wheel.is_empty());
    });
}

/// The loop lets timers begin, and finds them due, while another thread drops one of them: it is unlinked from where it
/// is, and the others stay in order.
#[test]
fn a_timer_dropped_on_another_thread_while_it_begins_is_unlinked_once() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Loop));
        let wakes = [(); 3].map(|()| StdArc::<Wakes>::default());
        let [first, dropped, last] = [0, 1, 2].map(|at| register_fresh(queue, MINUTE, &wakes[at]));
        let other = thread::spawn("", move || drop(dropped)).unwrap();
        queue.begin_at(|| start);
        queue.fire_due_at(|| start + 2 * MINUTE);
        other.join().unwrap();
        assert!(wakes[1].count() <= 1);
        for (kept, wakes) in [(first, &wakes[0]), (last, &wakes[2])] {
            assert_eq!(wakes.count(), 1);
            assert_eq!(kept.as_ref().poll(Waker::noop()), Fate::Fired);
        }
        assert!(queue.state.lock().wheel.is_empty());
    });
}

/// The loop registers timers and lets them begin while another thread drops one that was there: none gets lost.
#[test]
fn a_timer_dropped_on_another_thread_while_others_are_registered_leaves_them_linked() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Loop));
        let wakes = [(); 3].map(|()| StdArc::<Wakes>::default());
        let dropped = register_fresh(queue, MINUTE, &wakes[0]);
        let other = thread::spawn("", move || drop(dropped)).unwrap();
        let _fresh = register_fresh(queue, MINUTE, &wakes[1]);
        // Lets those begin that were there before.
        let _begun = register(queue, start, MINUTE, &wakes[2]);
        other.join().unwrap();
        queue.fire_due_at(|| start + 2 * MINUTE);
        assert_eq!([0, 1, 2].map(|at| wakes[at].count()), [0, 1, 1]);
    });
}

/// The loop ends while another thread drops one of its timers: that is woken or not, and the others are, with the
/// deadline that they have.
#[test]
fn a_timer_dropped_on_another_thread_while_its_loop_ends_is_unlinked_once() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Loop));
        let wakes = [(); 2].map(|()| StdArc::<Wakes>::default());
        let [dropped, kept] = [0, 1].map(|at| register_fresh(queue, MINUTE, &wakes[at]));
        let other = thread::spawn("", move || drop(dropped)).unwrap();
        // What leaving the loop does; and it stays out of the pool, which would outlive the model.
        queue.begin_at(|| start);
        queue.retain();
        queue.close();
        other.join().unwrap();
        assert!(wakes[0].count() <= 1);
        assert_eq!(wakes[1].count(), 1);
        assert_eq!(kept.as_ref().poll(Waker::noop()), Fate::Orphaned(start + MINUTE));
        assert!(queue.state.lock().wheel.is_empty());
    });
}

/// The loop lets a timer begin, and finds it due, while its task, now on another thread, polls it with another waker.
#[test]
fn a_timer_polled_on_another_thread_while_it_begins_does_not_lose_the_wake() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Loop));
        let [old, new] = [(); 2].map(|()| StdArc::<Wakes>::default());
        let entry = register_fresh(queue, MINUTE, &old);
        let waker = Waker::from(new.clone());
        let other = thread::spawn("", move || {
            let fate = entry.as_ref().poll(&waker);
            (entry, fate)
        })
        .unwrap();
        queue.begin_at(|| start);
        queue.fire_due_at(|| start + 2 * MINUTE);
        let (entry, fate) = other.join().unwrap();
        match fate {
            Fate::Linked => assert_eq!((old.count(), new.count()), (0, 1)),
            Fate::Fired => assert_eq!((old.count(), new.count()), (1, 0)),
            Fate::Orphaned(_) => unreachable!("the queue is open"),
        }
        assert_eq!(entry.as_ref().poll(Waker::noop()), Fate::Fired);
    });
}

/// The loop finds a timer due while its task, now on another thread, polls it with another waker: either the poll sees
/// that it has fired, or the new waker is woken.
#[test]
fn a_timer_polled_on_another_thread_while_it_fires_does_not_lose_the_wake() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Loop));
        let [old, new] = [(); 2].map(|()| StdArc::<Wakes>::default());
        let (entry, _) = register(queue, start, MINUTE, &old);
        let waker = Waker::from(new.clone());
        let other = thread::spawn("", move || {
            let fate = entry.as_ref().poll(&waker);
            (entry, fate)
        })
        .unwrap();
        queue.fire_due_at(|| start + 2 * MINUTE);
        let (entry, fate) = other.join().unwrap();
        match fate {
            Fate::Linked => assert_eq!((old.count(), new.count()), (0, 1)),
            Fate::Fired => assert_eq!((old.count(), new.count()), (1, 0)),
            Fate::Orphaned(_) => unreachable!("the queue is open"),
        }
        assert_eq!(entry.as_ref().poll(Waker::noop()), Fate::Fired);
    });
}

/// The loop ends while another thread polls one of its timers: the poll sees it, or the waker is woken and polls again.
#[test]
fn a_timer_polled_on_another_thread_while_its_loop_ends_is_told() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Loop));
        let [old, new] = [(); 2].map(|()| StdArc::<Wakes>::default());
        let (entry, _) = register(queue, start, MINUTE, &old);
        let waker = Waker::from(new.clone());
        let other = thread::spawn("", move || {
            let fate = entry.as_ref().poll(&waker);
            (entry, fate)
        })
        .unwrap();
        // It stays out of the pool, which would outlive the model.
        queue.retain();
        queue.close();
        let (entry, fate) = other.join().unwrap();
        assert_eq!(fate == Fate::Linked, new.count() == 1);
        assert_eq!(entry.as_ref().poll(Waker::noop()), Fate::Orphaned(start + MINUTE));
        assert_eq!(register(queue, start, MINUTE, &new).1, Registered::Closed);
    });
}

/// The thread is about to sleep until a far deadline while another registers a near one: it must not sleep through
/// that. (Loom knows no time: a sleep that nobody ends would never end, and loom would say so.)
#[test]
fn a_registration_is_not_slept_through() {
    let start = Instant::now();
    loom::model(move || {
        let queue = leak(Queue::new(Watch::Nobody));
        let [far, near] = [(); 2].map(|()| StdArc::<Wakes>::default());
        let (_far, registered) = register(queue, start, 1_000_000 * MINUTE, &far);
        assert_eq!(registered, Registered::NeedsThread);
        let thread = thread::spawn("", {
            let near = near.clone();
            move || {
                let mut now = start;
                while near.count() == 0 {
                    queue.fire_due_at(|| now);
                    // Time passes, or the near timer would be ahead and could only end a sleep by its time.
                    now += 10 * MINUTE;
                    if near.count() == 0 {
                        assert!(fallback::wait(queue, now, MINUTE));
                    }
                }
            }
        })
        .unwrap();
        let (_near, registered) = register(queue, start, MINUTE, &near);
        assert_eq!(registered, Registered::Done);
        thread.join().unwrap();
        assert_eq!((far.count(), near.count()), (0, 1));
    });
}
