//! Queues, semaphores and conditions between the tasks of a loop: who is cancelled between being woken and running
//! loses nothing.
#![cfg(not(aio_loom))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aio::{Condition, Event, Lock, Queue, Semaphore, TaskGroup, local, run, spawn, timeout, yield_now};
use aio_base::live::leak_check;

/// asyncio's example: workers take from a queue until all is done, and are told so.
#[test]
fn workers_share_a_queue_until_it_is_closed() {
    leak_check(|| {
        run(async {
            let queue = Queue::bounded(2);
            let done = Lock::new(Vec::new());
            let group = TaskGroup::new();
            group
                .join(async {
                    for worker in 0..3 {
                        let (queue, done) = (&queue, &done);
                        drop(group.spawn_scoped(async move {
                            while let Ok(item) = queue.get().await {
                                yield_now().await;
                                done.lock().await.push((worker, item));
                                queue.task_done();
                            }
                        }));
                    }
                    for item in 0..20 {
                        queue.put(item).await.unwrap();
                    }
                    queue.join().await;
                    assert_eq!(done.lock().await.len(), 20);
                    queue.close();
                })
                .await;
            let done = done.lock().await;
            assert!((0..3).all(|worker| done.iter().any(|(by, _)| *by == worker)), "each had some: {done:?}");
        });
    });
}

#[test]
fn a_getter_cancelled_between_its_wake_and_its_run_leaves_the_item_to_the_next() {
    leak_check(|| {
        run(async {
            let queue = Arc::new(Queue::bounded(1));
            let [first, second] = [(); 2].map(|()| {
                let queue = queue.clone();
                spawn(async move { queue.get().await })
            });
            yield_now().await;
            queue.put(7).await.unwrap();
            drop(first);
            assert_eq!(second.await, Ok(7));
            assert!(queue.is_empty());
        });
        run(async {
            let queue = Rc::new(local::Queue::bounded(1));
            let [first, second] = [(); 2].map(|()| {
                let queue = queue.clone();
                local::spawn(async move { queue.get().await })
            });
            yield_now().await;
            queue.put(7).await.unwrap();
            drop(first);
            assert_eq!(second.await, Ok(7));
            assert!(queue.is_empty());
        });
    });
}

#[test]
fn a_putter_cancelled_between_its_wake_and_its_run_leaves_the_room_to_the_next() {
    leak_check(|| {
        run(async {
            let queue = Arc::new(Queue::bounded(1));
            queue.try_put(0).unwrap();
            let [first, second] = [1, 2].map(|item| {
                let queue = queue.clone();
                spawn(async move { queue.put(item).await.is_ok() })
            });
            yield_now().await;
            assert_eq!(queue.try_get(), Ok(0));
            drop(first);
            assert_eq!(queue.get().await, Ok(2));
            assert!(second.await);
        });
    });
}

#[test]
fn a_task_cancelled_between_its_wake_and_its_run_leaves_its_permit_to_the_next() {
    leak_check(|| {
        run(async {
            let semaphore = Arc::new(Semaphore::new(1));
            let held = semaphore.acquire().await;
            let [first, second] = [(); 2].map(|()| {
                let semaphore = semaphore.clone();
                spawn(async move { semaphore.acquire().await.n_permits() })
            });
            yield_now().await;
            drop(held);
            drop(first);
            assert_eq!(second.await, 1);
            assert_eq!(semaphore.available_permits(), 1);
        });
    });
}

#[test]
fn a_task_cancelled_between_its_wake_and_its_run_leaves_its_notification_to_the_next() {
    leak_check(|| {
        run(async {
            let shared = Arc::new((Lock::new(0), Condition::new()));
            let [first, second] = [(); 2].map(|()| {
                let shared = shared.clone();
                spawn(async move {
                    let mut left = shared.1.wait_for(shared.0.lock().await, |left| *left > 0).await;
                    *left -= 1;
                })
            });
            yield_now().await;
            *shared.0.lock().await += 1;
            shared.1.notify_one();
            drop(first);
            second.await;
            assert_eq!(*shared.0.lock().await, 0);
        });
    });
}

/// asyncio's `wait_for(condition.wait(), t)`: to give up is to drop the future.
#[test]
fn a_wait_for_a_condition_that_times_out_holds_nothing_and_takes_nothing() {
    leak_check(|| {
        run(async {
            let (lock, changed) = (Lock::new(0), Condition::new());
            let guard = lock.lock().await;
            assert!(timeout(Duration::from_millis(1), changed.wait_for(guard, |value| *value > 0)).await.is_err());
            // The lock is free, and nobody is left in the line to be notified in vain.
            *lock.try_lock().expect("it was released") += 1;
            changed.notify_one();
            let guard = lock.lock().await;
            let guard = timeout(Duration::from_secs(3600), changed.wait_for(guard, |value| *value > 0)).await.unwrap();
            assert_eq!(*guard, 1);
        });
    });
}

/// It is notified, and then time is up while it waits for the lock.
#[test]
fn a_notification_whose_receiver_times_out_goes_to_the_next() {
    leak_check(|| {
        run(async {
            let shared = Arc::new((Lock::new(0), Condition::new()));
            let [first, second] = [Duration::from_millis(1), Duration::from_secs(3600)].map(|limit| {
                let shared = shared.clone();
                spawn(async move {
                    let wait = shared.1.wait(shared.0.lock().await);
                    timeout(limit, wait).await.map(|mut value| *value += 10)
                })
            });
            yield_now().await;
            yield_now().await;
            let mut value = shared.0.lock().await;
            *value += 1;
            shared.1.notify_one();
            assert!(first.await.is_err());
            drop(value);
            assert!(second.await.is_ok());
            assert_eq!(*shared.0.lock().await, 11);
        });
    });
}

/// A thread may block on what tasks wait for; a loop's own may not, even if it would not have to wait.
#[test]
fn a_blocking_form_on_the_thread_of_a_loop_panics() {
    leak_check(|| {
        let (semaphore, event, changed, lock) = (Semaphore::new(1), Event::new(), Condition::new(), Lock::new(0));
        event.set();
        run(async {
            let refused: [&dyn Fn(); 3] = [&|| drop(semaphore.acquire_blocking()), &|| event.wait_blocking(), &|| {
                drop(changed.wait_blocking(lock.try_lock().unwrap()))
            }];
            for block in refused {
                let panic = catch_unwind(AssertUnwindSafe(block)).unwrap_err();
                assert!(panic.downcast_ref::<String>().unwrap().contains("would block the loop"));
            }
        });
        // Nothing was taken, and nothing is kept.
        assert_eq!(semaphore.available_permits(), 1);
        assert!(!lock.is_locked());
        drop(semaphore.acquire_blocking());
        event.wait_blocking();
    });
}
