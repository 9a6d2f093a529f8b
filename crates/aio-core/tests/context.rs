//! Task-locals: who inherits what, and who sees a change.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use aio_base::Local;
use aio_core::{Context, ContextVar, EventLoop, Task, ThreadPark, block_on, defer, local, run, spawn, yield_now};
use common::check;
use log::Log;

static NAME: ContextVar<&str> = ContextVar::new();
static COUNT: ContextVar<u32> = ContextVar::new();
static OWNED: ContextVar<Arc<()>> = ContextVar::new();

#[test]
fn a_task_inherits_what_was_set_before_its_spawn() {
    check(|| {
        run(async {
            assert_eq!(NAME.get(), None);
            NAME.set("main");
            let shared = spawn(async { NAME.get() });
            let local = local::spawn(async { NAME.get() });
            NAME.set("later");
            assert_eq!((shared.await, local.await), (Some("main"), Some("main")));
        });
        assert_eq!(NAME.get(), None);
    });
}

#[test]
fn a_change_stays_in_its_task() {
    check(|| {
        run(async {
            NAME.set("main");
            COUNT.set(1);
            let tasks = ["a", "b"].map(|name| {
                spawn(async move {
                    NAME.set(name);
                    yield_now().await;
                    let child = spawn(async { (NAME.get(), COUNT.get()) });
                    (NAME.get(), child.await)
                })
            });
            for (task, name) in tasks.into_iter().zip(["a", "b"]) {
                assert_eq!(task.await, (Some(name), (Some(name), Some(1))));
            }
            assert_eq!((NAME.get(), COUNT.get()), (Some("main"), Some(1)));
        });
    });
}

#[test]
fn a_cleanup_sees_the_values_of_its_task() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                NAME.set("task");
                let _shared = defer(theirs.clone(), async |log: Log| log.note(NAME.get().unwrap()));
                drop(local::defer(theirs, async |log: Log| log.note(NAME.get().unwrap())));
            });
            task.await;
            assert_eq!(NAME.get(), None);
        });
        assert_eq!(log.take(), ["task", "task"]);
    });
}

#[test]
fn values_are_lent_and_dropped_with_the_task() {
    check(|| {
        let value = Arc::new(());
        run(async {
            let theirs = value.clone();
            let task = spawn(async move {
                OWNED.set(theirs);
                OWNED.with(|value| Arc::strong_count(value.unwrap()))
            });
            assert_eq!(task.await, 2);
            assert_eq!(Arc::strong_count(&value), 1);
            OWNED.set(value.clone());
            OWNED.set(Arc::new(()));
            assert_eq!(Arc::strong_count(&value), 1);
        });
    });
}

#[test]
fn a_destructor_of_a_value_may_use_context_variables() {
    static NOISY: ContextVar<Noisy> = ContextVar::new();
    #[derive(Clone)]
    struct Noisy(#[expect(dead_code, reason = "dropped")] Arc<OnDrop>);
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            COUNT.set(COUNT.get().unwrap_or_default() + 1);
        }
    }
    check(|| {
        run(async {
            NOISY.set(Noisy(Arc::new(OnDrop)));
            NOISY.set(Noisy(Arc::new(OnDrop)));
            assert_eq!(COUNT.get(), Some(1));
            // Dropped with their tasks.
            local::spawn(async { NOISY.set(Noisy(Arc::new(OnDrop))) }).await;
            spawn(async { NOISY.set(Noisy(Arc::new(OnDrop))) }).await;
        });
    });
}

#[test]
fn a_context_is_carried_into_a_thread() {
    check(|| {
        run(async {
            NAME.set("task");
            let context = Context::current();
            NAME.set("later");
            let thread = std::thread::spawn(move || {
                let seen = context.clone().enter(|| {
                    let seen = NAME.get();
                    NAME.set("thread");
                    assert_eq!(NAME.get(), Some("thread"));
                    assert_eq!(block_on(async { NAME.get() }), Some("thread"));
                    seen
                });
                assert_eq!(NAME.get(), None);
                assert_eq!(context.enter(|| NAME.get()), Some("task"));
                seen
            });
            assert_eq!(thread.join().unwrap(), Some("task"));
            assert_eq!(NAME.get(), Some("later"));
        });
    });
}

#[test]
fn a_loop_inherits_from_the_context_it_was_started_in() {
    check(|| {
        let seen = Context::default().enter(|| {
            NAME.set("thread");
            let seen = run(async {
                let seen = spawn(async { NAME.get() }).await;
                NAME.set("main");
                seen
            });
            assert_eq!(NAME.get(), Some("thread"));
            seen
        });
        assert_eq!(seen, Some("thread"));
    });
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("value");
    }
}

/// A variable may be set as late as in the destructor of an output that nobody takes.
#[test]
fn what_is_set_at_the_very_end_is_dropped_on_the_loop() {
    struct SetsInDrop;
    impl Drop for SetsInDrop {
        fn drop(&mut self) {
            VALUE.set(Arc::new(PanicsInDrop));
        }
    }
    static VALUE: ContextVar<Arc<PanicsInDrop>> = ContextVar::new();
    check(|| {
        let log = Log::default();
        let seen = log.clone();
        EventLoop::new(ThreadPark::new()).on_failure(move |failure| seen.note(failure.to_string())).run(async {
            spawn(async { SetsInDrop }).detach();
            local::spawn(async { SetsInDrop }).detach();
            yield_now().await;
        });
        let lines = log.take();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.ends_with("panicked in dropping its context: value")), "{lines:?}");
    });
}

/// A destructor may set another value when the values of the task are being dropped: that is dropped there, too, and
/// not with the task's memory, when anything may be going on.
#[test]
fn what_the_destructor_of_a_value_sets_is_dropped_on_the_loop() {
    static FIRST: ContextVar<Arc<SetsInDrop>> = ContextVar::new();
    static SECOND: ContextVar<Arc<PanicsInDrop>> = ContextVar::new();
    struct SetsInDrop;
    impl Drop for SetsInDrop {
        fn drop(&mut self) {
            SECOND.set(Arc::new(PanicsInDrop));
        }
    }
    check(|| {
        let log = Log::default();
        let seen = log.clone();
        EventLoop::new(ThreadPark::new()).on_failure(move |failure| seen.note(failure.to_string())).run(async {
            spawn(async { FIRST.set(Arc::new(SetsInDrop)) }).detach();
            spawn(async { FIRST.set(Arc::new(SetsInDrop)) }).await;
            local::spawn(async { FIRST.set(Arc::new(SetsInDrop)) }).detach();
            local::spawn(async { FIRST.set(Arc::new(SetsInDrop)) }).await;
        });
        let lines = log.take();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines.iter().all(|line| line.ends_with("panicked in dropping its context: value")), "{lines:?}");
    });
}

/// The values of a task that has ended, but to which a waker still refers, drop the handle of another when that ends.
#[test]
fn a_value_may_own_the_task_that_its_own_task_waited_for() {
    static FIRST: ContextVar<Arc<SetsInDrop>> = ContextVar::new();
    static OWNER: ContextVar<Arc<OwnsTask>> = ContextVar::new();
    thread_local! {
        static TASK: RefCell<Option<Task<u32, Local>>> = const { RefCell::new(None) };
    }
    struct SetsInDrop;
    impl Drop for SetsInDrop {
        fn drop(&mut self) {
            OWNER.set(Arc::new(OwnsTask));
        }
    }
    struct OwnsTask;
    impl Drop for OwnsTask {
        fn drop(&mut self) {
            TASK.take().unwrap().detach();
        }
    }
    check(|| {
        run(async {
            TASK.set(Some(local::spawn(async {
                yield_now().await;
                yield_now().await;
                7
            })));
            local::spawn(async {
                FIRST.set(Arc::new(SetsInDrop));
                poll_fn(|cx| {
                    TASK.with_borrow_mut(|task| assert!(task.as_mut().unwrap().poll_finished(cx).is_pending()));
                    Poll::Ready(())
                })
                .await;
            })
            .await;
            for _ in 0..5 {
                yield_now().await;
            }
            assert!(TASK.take().is_none());
        });
    });
}

/// What would go on for ever is leaked at some point.
#[test]
fn a_value_whose_destructor_sets_it_anew_does_not_keep_the_loop() {
    static PHOENIX: ContextVar<Arc<SetsItself>> = ContextVar::new();
    struct SetsItself;
    impl Drop for SetsItself {
        fn drop(&mut self) {
            PHOENIX.set(Arc::new(SetsItself));
        }
    }
    check(|| {
        run(async {
            spawn(async { PHOENIX.set(Arc::new(SetsItself)) }).await;
            local::spawn(async { PHOENIX.set(Arc::new(SetsItself)) }).await;
        });
    });
}

#[test]
fn a_task_that_is_refused_keeps_no_values() {
    check(|| {
        let event_loop = EventLoop::new(ThreadPark::new());
        let handle = event_loop.handle();
        event_loop.close();
        let value = Arc::new(());
        Context::default().enter(|| {
            OWNED.set(value.clone());
            let task = handle.spawn(async {});
            OWNED.set(Arc::new(()));
            assert_eq!(Arc::strong_count(&value), 1);
            drop(task);
        });
    });
}
