//! What stands above the loop, on several threads.
#![cfg(not(aio_loom))]

use std::collections::HashSet;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use aio::{
    Condition, Event, Lock, Queue, Runner, Semaphore, StreamExt, Task, TaskGroup, defer, gather, generate, local, race,
    sleep, spawn, timeout, to_thread, try_gather, yield_now,
};
use aio_base::live::leak_check;

fn here() -> ThreadId {
    thread::current().id()
}

/// Runs `test` on `n` workers; one that hangs ends the process.
#[track_caller]
fn on_workers(n: usize, test: impl Future<Output = ()>) {
    let caller = std::panic::Location::caller();
    leak_check(|| {
        let (_running, over) = mpsc::channel::<()>();
        thread::spawn(move || {
            if over.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("the test at {caller} hangs");
                std::process::abort();
            }
        });
        let mut runner = Runner::new().workers(n);
        runner.run(test);
        runner.close();
    });
}

/// Runs `f` on each of `n` workers at the same time.
async fn on_each<T: Send + 'static>(n: usize, f: impl Fn() -> T + Send + Sync + 'static) -> Vec<T> {
    let (barrier, f) = (Arc::new(Barrier::new(n)), Arc::new(f));
    let group = TaskGroup::new();
    let tasks = group
        .join(async {
            let spawn_one = |_| {
                let (barrier, f) = (barrier.clone(), f.clone());
                group.spawn(async move {
                    barrier.wait();
                    let value = f();
                    barrier.wait();
                    value
                })
            };
            (0..n).map(spawn_one).collect::<Vec<_>>()
        })
        .await;
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await);
    }
    values
}

/// Runs `f` on the other one of two workers.
async fn elsewhere<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (from, f) = (here(), Mutex::new(Some(f)));
    let values = on_each(2, move || (here() != from).then(|| f.lock().unwrap().take().unwrap()()));
    values.await.into_iter().flatten().next().expect("one of two is the other one")
}

#[test]
fn zero_workers_are_as_many_as_the_machine_runs_at_once() {
    let n = aio_base::thread::parallelism();
    on_workers(0, async move {
        let threads: HashSet<_> = on_each(n, here).await.into_iter().collect();
        assert_eq!(threads.len(), n);
    });
}

#[test]
fn children_of_a_group_run_on_all_workers_or_borrow_and_stay() {
    on_workers(3, async {
        let text = String::from("borrowed");
        let home = here();
        let group = TaskGroup::new();
        let (lengths, threads) = group
            .join(async {
                let borrowing: Vec<_> = (0..3)
                    .map(|n| {
                        let text = &text;
                        group.spawn_scoped(async move {
                            yield_now().await;
                            (text.len() + n, here())
                        })
                    })
                    .collect();
                let threads = on_each(3, here).await;
                let mut lengths = Vec::new();
                for child in borrowing {
                    let (length, thread) = child.await;
                    // In `main`, which stays.
                    assert_eq!(thread, home);
                    lengths.push(length);
                }
                (lengths, threads)
            })
            .await;
        assert_eq!((lengths, threads.into_iter().collect::<HashSet<_>>().len()), (vec![8, 9, 10], 3));
        // A task whose children borrow crosses threads with them.
        let task = spawn(async {
            let numbers = [1, 2, 3];
            let group = TaskGroup::new();
            group
                .join(async {
                    let (one, two) =
                        (group.spawn_scoped(async { numbers[0] }), group.spawn_scoped(async { numbers[1] }));
                    yield_now().await;
                    one.await + two.await
                })
                .await
        });
        assert_eq!(task.await, 3);
    });
}

#[test]
fn a_group_that_is_aborted_waits_for_its_children_on_all_workers() {
    let cleaned = Arc::new(AtomicUsize::new(0));
    let counted = cleaned.clone();
    on_workers(3, async move {
        let begun = Arc::new(AtomicUsize::new(0));
        let group = TaskGroup::new();
        let error = group
            .run(async {
                for _ in 0..30 {
                    let (begun, cleaned) = (begun.clone(), counted.clone());
                    drop(group.spawn(async move {
                        let _guard = defer(cleaned, async |cleaned: Arc<AtomicUsize>| {
                            yield_now().await;
                            sleep(Duration::from_micros(100)).await;
                            cleaned.fetch_add(1, Ordering::SeqCst);
                        });
                        begun.fetch_add(1, Ordering::SeqCst);
                        pending::<()>().await;
                    }));
                }
                drop(group.try_spawn({
                    let begun = begun.clone();
                    async move {
                        while begun.load(Ordering::SeqCst) < 30 {
                            yield_now().await;
                        }
                        Err::<(), _>("one fails")
                    }
                }));
                pending::<Result<(), &str>>().await
            })
            .await
            .unwrap_err();
        assert!(error.to_string().contains("one fails"), "{error}");
        assert_eq!(counted.load(Ordering::SeqCst), 30);
    });
    assert_eq!(cleaned.load(Ordering::SeqCst), 30);
}

#[test]
fn combinators_take_tasks_of_other_workers() {
    on_workers(2, async {
        for _ in 0..50 {
            let there = elsewhere(|| (spawn(async { 1 }), spawn(async { 2 }), spawn(async { 3 }))).await;
            assert_eq!(gather(there).await, (1, 2, 3));
            let there = elsewhere(|| (spawn(async { Ok::<_, u8>(1) }), spawn(async { Err::<u8, _>(2_u8) }))).await;
            assert_eq!(try_gather(there).await, Err(2));
            let (quick, never) = elsewhere(|| (spawn(async { 4 }), spawn(pending::<i32>()))).await;
            let left = never.task_ref();
            assert_eq!(race((quick, never)).await, 4);
            // What was dropped has ended when the race has.
            assert!(left.is_finished());
        }
    });
}

#[test]
fn a_sleep_that_was_begun_on_one_worker_is_polled_and_dropped_on_another() {
    on_workers(2, async {
        for round in 0..20 {
            let from = here();
            // Begun there.
            let mut begun = elsewhere(move || {
                let mut sleep = Box::pin(sleep(Duration::from_millis(if round % 4 == 3 { 3_600_000 } else { 1 })));
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(here() != from && sleep.as_mut().poll(&mut cx).is_pending());
                sleep
            })
            .await;
            match round % 4 {
                0 => begun.await,
                1 => spawn(begun).await,
                2 => {
                    // Polled here, and then by a task of its own.
                    poll_fn(|cx| {
                        let _ = begun.as_mut().poll(cx);
                        Poll::Ready(())
                    })
                    .await;
                    elsewhere(move || spawn(begun)).await.await;
                }
                _ => drop(begun),
            }
        }
        let begin = Instant::now();
        let slow = elsewhere(|| spawn(timeout(Duration::from_millis(2), pending::<()>()))).await;
        assert!(slow.await.is_err() && begin.elapsed() >= Duration::from_millis(2));
        let quick = elsewhere(|| spawn(timeout(Duration::from_secs(3600), async { 5 }))).await;
        assert_eq!(quick.await, Ok(5));
    });
}

#[test]
fn locks_and_semaphores_keep_the_tasks_of_all_workers_apart() {
    on_workers(3, async {
        let (lock, semaphore) = (Arc::new(Lock::new(0_usize)), Arc::new(Semaphore::new(2)));
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<Task<()>> = (0..12)
            .map(|index| {
                let (lock, semaphore) = (lock.clone(), semaphore.clone());
                let (inside, most) = (inside.clone(), most.clone());
                spawn(async move {
                    for round in 0..200 {
                        let mut guard = lock.lock().await;
                        let before = *guard;
                        if (index + round) % 5 == 0 {
                            yield_now().await;
                        }
                        *guard = before + 1;
                        drop(guard);
                        let _permit = semaphore.acquire().await;
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        if round % 7 == 0 {
                            yield_now().await;
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                        // One that is given up half-way takes nothing with it.
                        if round % 20 == 0 {
                            let mut given_up = pin!(lock.lock());
                            poll_fn(|cx| Poll::Ready(given_up.as_mut().poll(cx).is_ready())).await;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await;
        }
        assert_eq!(*lock.lock().await, 2400);
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    });
}

#[test]
fn a_queue_between_workers_gives_each_item_once() {
    on_workers(3, async {
        let queue = Arc::new(Queue::bounded(4));
        let got = Arc::new(Mutex::new(Vec::new()));
        let producers: Vec<_> = (0..3)
            .map(|index| {
                let queue = queue.clone();
                spawn(async move {
                    for item in 0..500 {
                        queue.put(index * 500 + item).await.unwrap();
                    }
                })
            })
            .collect();
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let (queue, got) = (queue.clone(), got.clone());
                spawn(async move {
                    while let Ok(item) = queue.get().await {
                        got.lock().unwrap().push(item);
                        queue.task_done();
                    }
                })
            })
            .collect();
        for task in producers {
            task.await;
        }
        queue.join().await;
        queue.close();
        for task in consumers {
            task.await;
        }
        let mut got = std::mem::take(&mut *got.lock().unwrap());
        got.sort_unstable();
        assert_eq!(got, (0..1500).collect::<Vec<_>>());
    });
}

#[test]
fn events_and_conditions_wake_the_tasks_of_all_workers() {
    on_workers(3, async {
        for _ in 0..50 {
            let (event, woken) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
            let waiting: Vec<_> = (0..9)
                .map(|_| {
                    let (event, woken) = (event.clone(), woken.clone());
                    spawn(async move {
                        event.wait().await;
                        woken.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            let sets = event.clone();
            spawn(async move { sets.set() }).await;
            for task in waiting {
                task.await;
            }
            assert_eq!(woken.load(Ordering::SeqCst), 9);
        }
        // Three take turns, each waiting for its own.
        let state = Arc::new((Lock::new(0_usize), Condition::new()));
        let players: Vec<_> = (0..3)
            .map(|me| {
                let state = state.clone();
                spawn(async move {
                    let (lock, condition) = &*state;
                    for _ in 0..100 {
                        let mut turn = lock.lock().await;
                        while *turn % 3 != me {
                            turn = condition.wait(turn).await;
                        }
                        *turn += 1;
                        drop(turn);
                        condition.notify_all();
                    }
                })
            })
            .collect();
        for player in players {
            player.await;
        }
        assert_eq!(*state.0.lock().await, 300);
    });
}

#[test]
fn blocking_functions_are_awaited_from_all_workers() {
    on_workers(3, async {
        let tasks =
            on_each(3, || spawn(async { gather((to_thread(|| 1), to_thread(|| 2), to_thread(here))).await })).await;
        for task in tasks {
            let (one, two, thread) = task.await;
            assert_eq!((one, two), (1, 2));
            assert_ne!(thread, here());
        }
        // From a local task, which borrows nothing but stays.
        let home = here();
        let task = local::spawn(async move { (to_thread(|| 3).await, here() == home) });
        assert_eq!(task.await, (3, true));
    });
}

#[test]
fn a_generator_that_is_half_read_goes_on_on_another_worker() {
    let cleaned = Arc::new(AtomicBool::new(false));
    let notes = cleaned.clone();
    on_workers(2, async move {
        let mut numbers = Box::pin(generate(async move |out| {
            let _guard = defer(notes, async |notes: Arc<AtomicBool>| {
                yield_now().await;
                notes.store(true, Ordering::SeqCst);
            });
            for number in 0.. {
                out.emit(number).await;
                yield_now().await;
            }
        }));
        assert_eq!((numbers.next().await, numbers.next().await), (Some(0), Some(1)));
        let reader = elsewhere(move || {
            spawn(async move {
                let two = numbers.next().await;
                sleep(Duration::from_micros(10)).await;
                (two, numbers.next().await)
                // The rest is dropped here.
            })
        })
        .await;
        assert_eq!(reader.await, (Some(2), Some(3)));
        assert!(cleaned.load(Ordering::SeqCst));
    });
}

#[test]
fn the_end_of_a_runner_waits_for_timers_threads_and_groups_of_all_workers() {
    let cleaned = Arc::new(AtomicUsize::new(0));
    let counted = cleaned.clone();
    on_workers(3, async move {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        on_each(3, move || {
            let (begun, cleaned) = (count.clone(), counted.clone());
            spawn(async move {
                let group = TaskGroup::new();
                group
                    .join(async {
                        for _ in 0..3 {
                            let (begun, cleaned) = (begun.clone(), cleaned.clone());
                            drop(group.spawn(async move {
                                let _guard = defer(cleaned, async |cleaned: Arc<AtomicUsize>| {
                                    sleep(Duration::from_millis(1)).await;
                                    to_thread(move || cleaned.fetch_add(1, Ordering::SeqCst)).await;
                                });
                                begun.fetch_add(1, Ordering::SeqCst);
                                sleep(Duration::from_secs(3600)).await;
                            }));
                        }
                        pending::<()>().await;
                    })
                    .await;
            })
            .detach();
        })
        .await;
        while begun.load(Ordering::SeqCst) < 9 {
            yield_now().await;
        }
    });
    assert_eq!(cleaned.load(Ordering::SeqCst), 9);
}
