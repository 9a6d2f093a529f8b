use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;

use aio_base::live::leak_check;

use super::Mail;
use crate::{Builder, EventLoop, ThreadPark, block_in_place, current, local, spawn, yield_now};

fn is_stopping() -> bool {
    current::with_loop(|core| core.scheduler().is_stopping()).expect("on a worker")
}

/// Runs something when a task has ended on the second worker and the loop, which knows of no other task, has told the
/// workers to end.
struct AtTheEnd(fn());

impl Wake for AtTheEnd {
    fn wake(self: Arc<Self>) {
        while !is_stopping() {
            thread::yield_now();
        }
        (self.0)();
    }
}

/// Runs `late` on the second worker after it was told to end.
fn run_late(late: fn()) {
    let event_loop = EventLoop::with_workers(2, ThreadPark::new);
    event_loop.run(async move {
        let may_end = Arc::new(AtomicBool::new(false));
        let begun = Arc::new(AtomicBool::new(false));
        let theirs = (may_end.clone(), begun.clone());
        let mut task = spawn(async move {
            let (may_end, begun) = theirs;
            begun.store(true, Ordering::SeqCst);
            while !may_end.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        });
        block_in_place(|| {
            while !begun.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        });
        let waker = Waker::from(Arc::new(AtTheEnd(late)));
        assert!(task.poll_finished(&mut Context::from_waker(&waker)).is_pending());
        may_end.store(true, Ordering::SeqCst);
        while !task.is_finished() {
            thread::yield_now();
        }
    });
}

/// Nobody would cancel it if the first worker only waited for the second one to run out of work.
#[test]
fn a_task_that_never_waits_and_comes_after_the_end_is_cancelled() {
    leak_check(|| {
        run_late(|| {
            spawn(async {
                loop {
                    yield_now().await;
                }
            })
            .detach();
        });
    });
}

/// The local task ends with its worker, its cleanup waits for a task that is nobody's.
#[test]
fn a_cleanup_that_comes_after_the_end_may_wait_for_a_task() {
    leak_check(|| {
        run_late(|| {
            let task = spawn(std::future::pending::<()>());
            let reference = task.task_ref();
            task.detach();
            let local = Builder::new().eager(true).spawn_local(async move {
                let _guard = local::defer(reference, async |reference| reference.ended().await);
                std::future::pending::<()>().await;
            });
            local.detach();
        });
    });
}

/// Otherwise a wake that comes before the mail is read would be refused, and the mail may spawn who waits for it.
#[test]
fn a_loop_that_has_mail_refuses_nothing() {
    leak_check(|| {
        let event_loop = EventLoop::with_workers(2, ThreadPark::new);
        let scheduler = event_loop.core.scheduler();
        let sent = scheduler.workers()[0].send(Mail::Call(Box::new(|_| {})));
        assert!(sent.is_ok());
        assert!(!scheduler.close_if_empty());
        let task = event_loop.handle().spawn(async { 5 });
        assert!(!task.is_finished());
        task.detach();
        drop(event_loop);
    });
}
