//! Streams on a loop of `aio`.
#![cfg(not(aio_loom))]

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{defer, run, spawn, yield_now};
use aio_stream::{StreamExt, TryStreamExt, generate, try_generate};
use aio_timer::timeout;

#[test]
fn what_a_half_read_generator_deferred_has_run_when_the_task_ends() {
    leak_check(|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let theirs = log.clone();
        run(async move {
            let log = theirs.clone();
            spawn(async move {
                {
                    let mut numbers = pin!(generate(async |out| {
                        let _guard = defer(log.clone(), async |log| {
                            yield_now().await;
                            log.lock().unwrap().push("cleaned up");
                        });
                        for n in 0.. {
                            out.emit(n).await;
                        }
                    }));
                    assert_eq!(numbers.next().await, Some(0));
                    assert_eq!(numbers.next().await, Some(1));
                }
                log.lock().unwrap().push("left");
            })
            .await;
            theirs.lock().unwrap().push("ended");
        });
        assert_eq!(*log.lock().unwrap(), ["left", "cleaned up", "ended"]);
    });
}

/// A generator that fails has cleaned up before whoever asked for the error goes on; one that takes too long as well.
#[test]
fn what_a_generator_deferred_has_run_when_the_scope_around_it_ends() {
    leak_check(|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let numbers = |n| {
            let log = log.clone();
            try_generate(async move |out| {
                let _guard = defer((log, n), async |(log, n)| {
                    yield_now().await;
                    log.lock().unwrap().push(n);
                });
                out.emit(n).await;
                if n == 1 { Err("failed") } else { std::future::pending().await }
            })
        };
        run(async {
            // A task ends with what was left in it.
            let fails = numbers(1);
            assert_eq!(spawn(fails.try_collect::<Vec<_>>()).await, Err("failed"));
            assert_eq!(*log.lock().unwrap(), [1]);
            let hangs = numbers(2);
            let late = timeout(Duration::from_millis(1), hangs.for_each(async |_| {})).await;
            assert!(late.is_err());
            assert_eq!(*log.lock().unwrap(), [1, 2]);
        });
    });
}

#[test]
fn a_generator_may_await_tasks() {
    leak_check(|| {
        let squares: Vec<_> = run(generate(async |out| {
            let tasks: Vec<_> = (0..5).map(|n| spawn(async move { n * n })).collect();
            for task in tasks {
                out.emit(task.await).await;
            }
        })
        .collect());
        assert_eq!(squares, [0, 1, 4, 9, 16]);
    });
}
