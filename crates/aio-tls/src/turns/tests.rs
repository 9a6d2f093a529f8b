//! The two sides against each other.

use std::task::{Context, Poll, Waker};

use aio_base::sync::{Arc, UnsafeCell};
use aio_base::{Parker, thread};

use super::{Side, Turn, Turns};

/// Polls as a task does, until `poll` is ready: again only after it was woken. Loom reports a wake-up that is lost.
fn complete<T, R>(turns: &Turns<T>, side: Side, mut poll: impl FnMut(&mut Turn<'_, T>) -> Poll<R>) -> R {
    let mut parker = Parker::new();
    let waker = Waker::from(parker.unparker());
    loop {
        if let Some(mut turn) = turns.take(side, &Context::from_waker(&waker))
            && let Poll::Ready(output) = poll(&mut turn)
        {
            return output;
        }
        parker.park(None);
    }
}

/// One at a time, and who came too early comes again.
#[test]
fn two_sides_have_it_one_after_the_other() {
    thread::loom::model(|| {
        let turns = Turns::new(UnsafeCell::new(0));
        let add_one = |turn: &mut Turn<'_, UnsafeCell<u32>>| {
            // SAFETY: this is what is tested: nobody else has it.
            turn.with_mut(|n| unsafe { *n += 1 });
            Poll::Ready(())
        };
        let theirs = turns.clone();
        let other = thread::spawn("", move || complete(&theirs, Side::Write, add_one));
        complete(&turns, Side::Read, add_one);
        other.unwrap().join().unwrap();
        // SAFETY: as above.
        let sum = complete(&turns, Side::Read, |turn| Poll::Ready(turn.with(|n| unsafe { *n })));
        assert_eq!(sum, 2);
    });
}

/// The reader waits for what the value tells, while the writer has its turn.
#[test]
fn what_the_value_tells_wakes_the_side_that_waits() {
    #[derive(Default)]
    struct Event {
        happened: bool,
        waker: Option<Waker>,
    }

    thread::loom::model(|| {
        let turns: Arc<Turns<Event>> = Turns::new(Event::default());
        let theirs = turns.clone();
        let other = thread::spawn("", move || {
            let waker = complete(&theirs, Side::Write, |turn| {
                turn.happened = true;
                Poll::Ready(turn.waker.take())
            });
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        complete(&turns, Side::Read, |turn| match turn.happened {
            true => Poll::Ready(()),
            false => {
                turn.waker = Some(turn.waker());
                Poll::Pending
            }
        });
        other.unwrap().join().unwrap();
    });
}
