//! Models of a task's end against who waits for it, cancels it or drops it on another thread.

use std::future::pending;

use aio_base::sync::Arc;
use aio_base::thread;

use crate::{block_on, run, spawn, yield_now};

fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound.get_or_insert(3);
    model.check(test);
}

#[test]
fn a_task_that_completes_is_joined_on_another_thread() {
    model(|| {
        let other = run(async {
            let task = spawn(async { 5 });
            let other = thread::spawn("", move || block_on(task.join())).unwrap();
            yield_now().await;
            other
        });
        assert_eq!(other.join().unwrap().unwrap(), 5);
    });
}

/// Either the output or the cancellation, and never neither.
#[test]
fn a_task_that_completes_is_cancelled_on_another_thread() {
    model(|| {
        let other = run(async {
            let task = spawn(async {
                yield_now().await;
                5
            });
            let reference = task.task_ref();
            let other = thread::spawn("", move || reference.cancel()).unwrap();
            match task.join().await {
                Ok(output) => assert_eq!(output, 5),
                Err(error) => assert!(error.is_cancelled()),
            }
            other
        });
        other.join().unwrap();
    });
}

#[test]
fn a_task_that_waits_is_cancelled_on_another_thread() {
    model(|| {
        let other = run(async {
            let task = spawn(pending::<()>());
            let reference = task.task_ref();
            let other = thread::spawn("", move || reference.cancel()).unwrap();
            assert!(task.join().await.unwrap_err().is_cancelled());
            other
        });
        other.join().unwrap();
    });
}

/// The output is dropped once, by the task or with the handle; loom sees whether it is leaked.
#[test]
fn a_task_that_completes_is_dropped_on_another_thread() {
    model(|| {
        let output = Arc::new(());
        let other = run(async {
            let theirs = output.clone();
            let task = spawn(async move { theirs });
            let other = thread::spawn("", move || drop(task)).unwrap();
            yield_now().await;
            other
        });
        other.join().unwrap();
        assert_eq!(Arc::strong_count(&output), 1);
    });
}
