//! `#[aio::main]` on functions of any name.
#![cfg(all(not(aio_loom), feature = "macros"))]

use std::future::pending;
use std::process::{ExitCode, Termination};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aio::{JoinError, defer, sleep, spawn, yield_now};
use aio_base::live::leak_check;

/// What takes longer has failed, on the slowest machine.
const LONG: Duration = Duration::from_secs(60);

#[aio::main]
async fn sleeps_and_returns_nothing() {
    sleep(Duration::from_millis(1)).await;
}

#[aio::main]
async fn doubles_in_a_task() -> u32 {
    spawn(async { 21 }).await * 2
}

#[test]
fn a_function_without_options_runs_a_loop_of_its_own_at_each_call() {
    leak_check(|| {
        let () = sleeps_and_returns_nothing();
        assert_eq!((doubles_in_a_task(), doubles_in_a_task()), (42, 42));
    });
}

#[aio::main]
async fn fails() -> Result<(), std::num::ParseIntError> {
    yield_now().await;
    let _: u8 = "x".parse()?;
    Ok(())
}

#[aio::main]
async fn ends_with_a_code() -> impl Termination + use<> {
    ExitCode::from(3)
}

#[aio::main]
async fn panics() -> Result<(), String> {
    yield_now().await;
    panic!("oh");
}

#[aio::main(workers = 1)]
async fn panics_on_a_runner() -> ! {
    yield_now().await;
    panic!("oh");
}

#[test]
fn what_the_body_returns_or_panics_with_comes_out() {
    leak_check(|| {
        assert_eq!(fails().unwrap_err().to_string(), "invalid digit found in string");
        assert_eq!(ends_with_a_code().report(), ExitCode::from(3));
        for panic in
            [thread::spawn(panics).join().unwrap_err(), thread::spawn(|| panics_on_a_runner()).join().unwrap_err()]
        {
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"oh"));
        }
    });
}

#[aio::main(grace = "10ms")]
async fn leaves_a_task_that_does_not_end() -> &'static str {
    let stubborn = async {
        let _guard = defer((), async |()| pending().await);
        pending::<()>().await;
    };
    aio::Builder::new().name("stubborn").spawn(stubborn).detach();
    yield_now().await;
    "done"
}

#[test]
fn what_does_not_end_within_the_grace_is_given_up() {
    let (ended, end) = mpsc::channel();
    let thread = thread::spawn(move || {
        leak_check(|| assert_eq!(leaves_a_task_that_does_not_end(), "done"));
        ended.send(())
    });
    assert_eq!(end.recv_timeout(LONG), Ok(()), "it waits for ever, or has failed");
    thread.join().unwrap().unwrap();
}

#[aio::main(workers = 2)]
async fn keeps_its_thread() -> Result<bool, mpsc::RecvTimeoutError> {
    let (sender, threads) = mpsc::channel();
    for _ in 0..4 {
        let sender = sender.clone();
        spawn(async move { _ = sender.send(thread::current().id()) }).detach();
    }
    // Whoever runs a task now is another thread.
    Ok(threads.recv_timeout(LONG)? != thread::current().id())
}

#[test]
fn workers_are_threads_that_run_tasks_at_the_same_time() {
    leak_check(|| assert_eq!(keeps_its_thread(), Ok(true)));
}

#[aio::main(debug)]
async fn is_debugged() -> bool {
    aio::debug::is_tracked()
}

#[aio::main(debug = false)]
async fn is_not_debugged() -> bool {
    aio::debug::is_tracked()
}

#[test]
fn debug_is_what_is_said_last() {
    assert_eq!((is_debugged(), is_not_debugged(), is_debugged()), (true, false, true));
}

mod renamed {
    use aio as runtime;

    #[aio::main(workers = 1, crate = "self::runtime")]
    pub(crate) async fn in_a_module() -> Result<u8, aio::JoinError> {
        runtime::spawn(async { 7 }).join().await
    }
}

/// A function of the name that others choose for what they put inside.
fn body() -> u8 {
    1
}

#[aio::main]
async fn sees_what_is_outside() -> u8 {
    #![expect(unused_variables, reason = "attributes inside of the body are kept")]
    let unused = 1;
    body()
}

struct Program;

impl Program {
    #[aio::main]
    async fn start() -> Program {
        Program
    }
}

macro_rules! program {
    ($name:ident $workers:literal $grace:expr, $output:ty, $body:block) => {
        #[aio::main(workers = $workers, grace = $grace)]
        async fn $name() -> $output $body
    };
}

program! { of_a_macro 1 "1s", Result<u8, JoinError>, { spawn(async { 8 }).join().await } }

#[test]
fn it_stands_wherever_a_function_does() {
    static CALLED: AtomicBool = AtomicBool::new(false);

    #[aio::main]
    async fn in_a_function() {
        CALLED.store(true, Ordering::SeqCst);
    }

    in_a_function();
    assert!(CALLED.load(Ordering::SeqCst));
    assert_eq!((renamed::in_a_module().unwrap(), sees_what_is_outside(), of_a_macro().unwrap()), (7, 1, 8));
    let Program = Program::start();
}
