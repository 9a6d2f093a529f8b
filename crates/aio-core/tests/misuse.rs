//! What goes wrong says so, and harms nobody else.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any};
use std::pin::Pin;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use aio_core::{ContextVar, block_on, local, run, spawn, yield_now};
use common::check;
use log::Log;

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// The message of the panic of `f`.
fn message(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().expect("a message").to_string(),
    }
}

/// The line of the panic of `f`.
fn line(f: impl FnOnce()) -> u32 {
    static LINE: Mutex<u32> = Mutex::new(0);
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| *LINE.lock().unwrap() = info.location().unwrap().line()));
    let panic = catch_unwind(AssertUnwindSafe(f));
    std::panic::set_hook(former);
    assert!(panic.is_err());
    *LINE.lock().unwrap()
}

/// Runs `test` in a process of its own and returns what it wrote to stderr; in that process, does the work.
fn stderr_of(test: &str, work: impl FnOnce()) -> Option<String> {
    if std::env::var_os("AIO_TEST_CHILD").is_some_and(|child| child == test) {
        work();
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("AIO_TEST_CHILD", test)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    Some(stderr)
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("bomb");
        }
    }
}

/// Panics when woken.
struct BadWaker;

impl Wake for BadWaker {
    fn wake(self: Arc<Self>) {
        panic!("bad waker");
    }
}

#[test]
fn a_loop_inside_of_a_loop_names_both_lines() {
    check(|| {
        let outer = Location::caller().line() + 1;
        run(async {
            let inner = Location::caller().line() + 1;
            let text = message(|| run(async {}));
            assert_eq!(
                text,
                format!(
                    "`run` at {0}:{inner}:35 is inside of the loop that was started at {0}:{outer}:9: await the \
                     future instead, or spawn it",
                    file!()
                )
            );
        });
    });
}

#[test]
fn blocking_a_loop_names_both_lines() {
    check(|| {
        let outer = Location::caller().line() + 1;
        run(async {
            let inner = Location::caller().line() + 1;
            let text = message(|| block_on(async {}));
            assert_eq!(
                text,
                format!(
                    "`block_on` at {0}:{inner}:35 would block the loop that was started at {0}:{outer}:9: await the \
                     future instead",
                    file!()
                )
            );
        });
    });
}

#[test]
fn a_spawn_without_a_loop_names_the_line_of_the_caller() {
    check(|| {
        assert_eq!(line(|| spawn(async {}).detach()), Location::caller().line());
        assert_eq!(line(|| local::spawn(async {}).detach()), Location::caller().line());
        assert_eq!(line(|| block_on(async { spawn(async {}).detach() })), Location::caller().line());
        let text = message(|| spawn(async {}).detach());
        assert_eq!(text, "a task was spawned where no event loop runs: call `run` first, and spawn inside of it");
    });
}

#[test]
fn a_context_variable_set_outside_of_a_task_names_the_line_of_the_caller() {
    static VAR: ContextVar<u8> = ContextVar::new();
    check(|| {
        assert_eq!(line(|| VAR.set(1)), Location::caller().line());
        assert_eq!(VAR.get(), None);
    });
}

#[test]
fn awaiting_a_cancelled_task_says_which() {
    /// What the name of the task is followed by.
    fn expect(text: &str, task: &aio_core::TaskRef) {
        assert_eq!(text, format!("{task} was cancelled; `join` gives this as a value"));
    }
    check(|| {
        run(async {
            let cx = &mut Context::from_waker(Waker::noop());
            let (mut shared, mut local) = (spawn(pending::<()>()), local::spawn(pending::<()>()));
            shared.cancel();
            local.cancel();
            turns(2).await;
            expect(&message(|| _ = Pin::new(&mut shared).poll(cx)), &shared.task_ref());
            expect(&message(|| _ = Pin::new(&mut local).poll(cx)), &local.task_ref());
        });
    });
}

#[test]
fn awaiting_a_task_twice_says_so() {
    check(|| {
        run(async {
            let (mut shared, mut local) = (spawn(async {}), local::spawn(async {}));
            (&mut shared).await;
            (&mut local).await;
            let cx = &mut Context::from_waker(Waker::noop());
            let text = "the outcome of a task was taken twice";
            assert_eq!(message(|| _ = Pin::new(&mut shared).poll(cx)), text);
            assert_eq!(message(|| _ = Pin::new(&mut local).poll(cx)), text);
        });
    });
}

#[test]
fn a_panic_that_nobody_waits_for_is_reported() {
    let stderr = stderr_of("a_panic_that_nobody_waits_for_is_reported", || {
        run(async {
            aio_core::Builder::new().name("detached").spawn(async { panic!("one") }).detach();
            local::spawn(async { panic!("two {}", 2) }).detach();
            let unread = spawn(async { panic_any(3) });
            turns(2).await;
            drop::<aio_core::Task<()>>(unread);
            // This one is told, and not reported.
            spawn(async { panic!("four") }).join().await.unwrap_err();
        });
    });
    let Some(stderr) = stderr else { return };
    let reports: Vec<_> = stderr.lines().filter(|line| line.starts_with("aio: ")).collect();
    let text = "panicked, and nobody was waiting for it: ";
    assert_eq!(reports.len(), 3, "{stderr}");
    assert!(reports[0].starts_with("aio: task `detached` (Task-") && reports[0].ends_with(&format!("{text}one")));
    assert!(reports[1].starts_with("aio: Task-") && reports[1].ends_with(&format!("{text}two 2")));
    assert!(reports[2].ends_with(&format!("{text}(a panic without a message)")));
}

#[test]
fn reports_are_lost_without_harm_where_stderr_is_closed() {
    // The child's stderr is a pipe that nobody reads.
    const NAME: &str = "reports_are_lost_without_harm_where_stderr_is_closed";
    if std::env::var_os("AIO_TEST_CHILD").is_some_and(|child| child == NAME) {
        std::io::stdin().read_line(&mut String::new()).unwrap();
        run(async {
            spawn(async { panic!("unread") }).detach();
            local::spawn(async { panic!("unread") }).detach();
            turns(3).await;
        });
        std::process::exit(17);
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
        .env("AIO_TEST_CHILD", NAME)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(17));
}

#[test]
fn a_panicking_destructor_of_a_cancelled_future_does_not_keep_its_siblings() {
    check(|| {
        let log = Log::default();
        run(async {
            for index in 0..6 {
                let theirs = log.clone();
                let work = async move {
                    let _guard = aio_core::defer(theirs, async |log: Log| {
                        yield_now().await;
                        log.note("cleanup");
                    });
                    let _bomb = Bomb;
                    pending::<()>().await;
                };
                if index % 2 == 0 { spawn(work).detach() } else { local::spawn(work).detach() }
            }
            yield_now().await;
        });
        assert_eq!(log.take(), ["cleanup"; 6]);
    });
}

#[test]
fn a_panicking_destructor_of_an_output_is_contained_where_nobody_reads_it() {
    check(|| {
        run(async {
            spawn(async { Bomb }).detach();
            local::spawn(async { Bomb }).detach();
            let (shared, local) = (spawn(async { Bomb }), local::spawn(async { Bomb }));
            turns(2).await;
            drop(shared);
            drop(local);
        });
    });
}

#[test]
fn a_panicking_destructor_of_a_panic_is_contained() {
    check(|| {
        run(async {
            spawn(async { panic_any(Bomb) }).detach();
            local::spawn(async { panic_any(Bomb) }).detach();
            turns(2).await;
            assert!(spawn(async { panic_any(7) }).join().await.unwrap_err().is_panic());
        });
    });
}

#[test]
fn a_panicking_destructor_of_a_finished_future_is_its_outcome() {
    struct Finished(Bomb);
    impl Future for Finished {
        type Output = Arc<()>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Arc<()>> {
            Poll::Ready(Arc::new(()))
        }
    }
    check(|| {
        run(async {
            let error = spawn(Finished(Bomb)).join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"bomb"));
            let error = local::spawn(Finished(Bomb)).join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"bomb"));
        });
    });
}

#[test]
fn a_panicking_destructor_of_a_context_is_contained() {
    static BOMB: ContextVar<Arc<Bomb>> = ContextVar::new();
    check(|| {
        run(async {
            spawn(async { BOMB.set(Arc::new(Bomb)) }).await;
            local::spawn(async { BOMB.set(Arc::new(Bomb)) }).await;
        });
    });
}

#[test]
fn a_panicking_waker_does_not_keep_the_others_asleep() {
    check(|| {
        run(async {
            let tasks = (spawn(turns(3)), local::spawn(turns(3)));
            let bad = Waker::from(Arc::new(BadWaker));
            let watchers = [tasks.0.task_ref(), tasks.1.task_ref()].map(|reference| {
                let mut bad_watcher = Box::pin(reference.ended());
                assert!(bad_watcher.as_mut().poll(&mut Context::from_waker(&bad)).is_pending());
                let good_watcher = reference.ended();
                spawn(async {
                    good_watcher.await;
                    drop(bad_watcher);
                })
            });
            for watcher in watchers {
                watcher.await;
            }
            let (mut shared, mut local) = (spawn(turns(1)), local::spawn(turns(1)));
            let cx = &mut Context::from_waker(&bad);
            assert!(shared.poll_join(cx).is_pending());
            assert!(local.poll_join(cx).is_pending());
            turns(3).await;
            assert!(shared.is_finished() && local.is_finished());
        });
    });
}

#[test]
fn a_panicking_waker_of_another_thread_does_not_end_the_loop() {
    check(|| {
        run(async {
            // The mail comes in the turn in which the task ends, and is read after it.
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::Ready(())
            })
            .await;
            let task = local::spawn(async {});
            let reference = task.task_ref();
            let thread = std::thread::spawn(move || {
                let bad = Waker::from(Arc::new(BadWaker));
                _ = Box::pin(reference.ended()).as_mut().poll(&mut Context::from_waker(&bad));
                let forgotten = Box::pin(reference.ended());
                let mut forgotten = forgotten;
                _ = forgotten.as_mut().poll(&mut Context::from_waker(&bad));
                forgotten
            });
            let watching = thread.join().unwrap();
            turns(3).await;
            drop(watching);
            task.await;
        });
    });
}

#[test]
fn a_foreign_thread_may_drop_the_last_of_everything() {
    check(|| {
        let (send, receive) = mpsc::channel::<Box<dyn std::any::Any + Send>>();
        let thread = std::thread::spawn(move || receive.into_iter().for_each(drop));
        for _ in 0..20 {
            run(async {
                for index in 0..10 {
                    let (shared, local) = (spawn(turns(index)), local::spawn(turns(index)));
                    for reference in [shared.task_ref(), local.task_ref()] {
                        let mut ended = Box::pin(reference.ended());
                        poll_fn(|cx| Poll::Ready(_ = ended.as_mut().poll(cx))).await;
                        send.send(Box::new(ended)).unwrap();
                        send.send(Box::new(reference)).unwrap();
                    }
                    send.send(Box::new(shared)).unwrap();
                    local.detach();
                    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                    send.send(Box::new(waker)).unwrap();
                }
            });
        }
        drop(send);
        thread.join().unwrap();
    });
}

#[test]
fn what_blocks_is_refused_on_the_thread_of_a_loop_and_fine_elsewhere() {
    let text = run(async { message(|| aio_base::host::block_on("`get_blocking`", async {})) });
    assert!(text.starts_with(&format!("`get_blocking` at {}", file!())), "{text}");
    assert!(text.contains("would block the loop that was started at"), "{text}");
    assert_eq!(run(async { aio_core::block_in_place(|| aio_base::host::block_on("it", async { 1 })) }), 1);
    assert_eq!(aio_base::host::block_on("it", async { 2 }), 2);
}

#[test]
fn a_primitive_that_knows_of_no_loop_can_name_the_task() {
    assert_eq!(aio_base::host::current_task(), None);
    let label = run(async {
        let task = aio_core::Builder::new().name("mail").spawn(async { aio_base::host::current_task() });
        task.await
    });
    assert!(label.unwrap().to_string().starts_with(&format!("task `mail` ({}", file!())));
}
