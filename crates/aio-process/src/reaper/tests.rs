use std::sync::atomic::{AtomicUsize, Ordering}; // facade: what happened in one run of a model

use aio_base::sync::Mutex;

use super::*;

/// An end that is told once.
#[derive(Default)]
struct End {
    has_come: Mutex<bool>,
    waker: WakerSlot,
}

impl End {
    fn come(&self) {
        *self.has_come.lock() = true;
        self.waker.wake();
    }

    async fn wait(self: Arc<Self>) {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            if *self.has_come.lock() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Runs the model, which adopts `n` orphans; when its threads are gone, all must have been waited for.
fn all_are_reaped(n: usize, model: impl Fn(&Arc<Reaper>, &dyn Fn(Arc<End>) -> Orphan) + Send + Sync + 'static) {
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let theirs = counts.clone();
    loom::model(move || {
        theirs.0.fetch_add(1, Ordering::Relaxed);
        let reaper = Arc::<Reaper>::default();
        model(&reaper, &|end| {
            let counts = theirs.clone();
            Box::pin(async move {
                end.wait().await;
                counts.1.fetch_add(1, Ordering::Relaxed);
            })
        });
    });
    let (runs, reaped) = (counts.0.load(Ordering::Relaxed), counts.1.load(Ordering::Relaxed));
    assert!(runs > 1);
    assert_eq!(reaped, n * runs);
}

/// The second orphan comes while the thread finds that it has nothing to do.
#[test]
fn who_comes_when_the_thread_leaves_is_taken_care_of() {
    all_are_reaped(2, |reaper, orphan| {
        for _ in 0..2 {
            let end = Arc::<End>::default();
            *end.has_come.lock() = true;
            reaper.adopt(orphan(end));
        }
    });
}

/// The process ends while the thread begins to wait for it.
#[test]
fn an_end_is_not_lost_on_the_thread() {
    all_are_reaped(1, |reaper, orphan| {
        let end = Arc::<End>::default();
        reaper.adopt(orphan(end.clone()));
        end.come();
    });
}

/// The thread waits for one process while it is given another, which ends first.
#[test]
fn who_comes_while_the_thread_waits_is_taken_care_of() {
    all_are_reaped(2, |reaper, orphan| {
        let (first, second) = (Arc::<End>::default(), Arc::<End>::default());
        *second.has_come.lock() = true;
        reaper.adopt(orphan(first.clone()));
        let second = orphan(second);
        reaper.adopt(Box::pin(async move {
            second.await;
            first.come();
        }));
    });
}
