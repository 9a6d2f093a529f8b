//! Ctrl-C against those who begin and cease to wait for it.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::Listeners;

fn poll(future: impl Future<Output = ()> + Unpin) -> Poll<()> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[cfg(not(aio_loom))]
mod alone {
    use super::*;

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn all_who_wait_are_told_once() {
        let listeners = Listeners::default();
        assert!(!listeners.tell(), "nobody has taken it");
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let mut waiting: Vec<_> = (0..40).map(|_| listeners.next()).collect();
        assert!(!listeners.tell(), "nobody has begun to wait");
        for next in &mut waiting {
            assert!(pin!(next).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert!(listeners.tell());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 40);
        assert!(waiting.iter_mut().all(|next| poll(next).is_ready()));
        assert!(!listeners.tell(), "those who were told have ceased to wait");
    }

    #[test]
    fn one_that_is_dropped_takes_nothing_and_the_others_stay() {
        let listeners = Listeners::default();
        let (mut first, mut second) = (listeners.next(), listeners.next());
        assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
        drop(first);
        assert!(poll(&mut second).is_pending());
        assert!(listeners.tell());
        assert!(poll(&mut second).is_ready());
        drop(second);
        assert!(!listeners.tell());
    }
}

/// Who begins to wait while Ctrl-C is pressed: either it is told, or Ctrl-C finds that nobody has taken it.
#[cfg(aio_loom)]
#[test]
fn a_ctrl_c_is_told_or_not_taken() {
    use aio_base::sync::Arc;
    use aio_base::{Parker, thread};

    thread::loom::model(|| {
        let listeners = Arc::new(Listeners::default());
        let theirs = listeners.clone();
        let console = thread::spawn("", move || theirs.tell()).unwrap();
        let mut parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        let mut next = listeners.next();
        let begun = pin!(&mut next).poll(&mut Context::from_waker(&waker));
        assert!(begun.is_pending());
        if console.join().unwrap() {
            parker.park(None);
            assert!(poll(&mut next).is_ready());
        } else {
            assert!(poll(&mut next).is_pending());
        }
    });
}
