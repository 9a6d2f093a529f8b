//! Models: the slots of one thread are nobody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use aio_base::sync::Arc;
use aio_base::sync::atomic::AtomicBool;
use aio_base::thread;

use super::*;

/// Polls a body.
fn poll<R>(slot: &mut Slot<u8>, body: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> (Poll<R>, Option<u8>) {
    let mut cx = Context::from_waker(Waker::noop());
    let around = Around::new(&cx);
    slot.make_ready(around);
    slot.poll(around, &mut cx, body)
}

/// Emits the items, as a body does; gives the one that is handed over at once.
fn poll_with(slot: &mut Slot<u8>, items: &[u8]) -> Option<u8> {
    let id = slot.id();
    let (polled, item) = poll(slot, |cx| {
        items.iter().for_each(|item| emit(id, *item, cx));
        Poll::<()>::Pending
    });
    assert!(polled.is_pending());
    item
}

fn is_refused(id: Id) -> bool {
    catch_unwind(AssertUnwindSafe(|| emit(id, 7_u8, &Context::from_waker(Waker::noop())))).is_err()
}

/// The emitter has escaped: another thread emits while this one polls the body, which emits too. The other is refused
/// whenever it comes, also inside the poll of a generator of its own.
#[test]
fn an_emit_from_another_thread_is_refused_at_any_moment() {
    loom::model(|| {
        let mut slot = Slot::new();
        let id = slot.id();
        let is_polled = Arc::new(AtomicBool::new(false));
        let seen = is_polled.clone();
        let other = thread::spawn("", move || {
            let _ = seen.load(Ordering::Relaxed);
            assert!(is_refused(id));
            let (polled, item) = poll(&mut Slot::new(), |_| Poll::Ready(is_refused(id)));
            assert_eq!((polled, item), (Poll::Ready(true), None));
        });
        for item in 0..2 {
            let (_, emitted) = poll(&mut slot, |cx| {
                is_polled.store(true, Ordering::Relaxed);
                emit(id, item, cx);
                is_polled.store(false, Ordering::Relaxed);
                Poll::<()>::Pending
            });
            assert_eq!(emitted, Some(item));
        }
        other.unwrap().join().unwrap();
    });
}

/// The generator moves from one thread to another, as in a pool.
#[test]
fn a_generator_may_change_its_thread_between_polls() {
    loom::model(|| {
        let mut slot = Slot::new();
        let id = slot.id();
        assert_eq!(poll_with(&mut slot, &[1, 2]), Some(1));
        let other = thread::spawn("", move || {
            assert_eq!(slot.pop(), Some(2));
            assert_eq!(poll_with(&mut slot, &[3]), Some(3));
        });
        // This thread was inside, and is no more.
        assert!(is_refused(id), "got in after its poll");
        other.unwrap().join().unwrap();
    });
}
