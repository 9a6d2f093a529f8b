//! Under executors that are not ours, on several threads.
#![cfg(not(aio_loom))]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aio_base::live::leak_check;
use aio_sync::{
    Barrier, CapacityLimiter, Condition, Event, Latch, Lock, Notify, OnceCell, Queue, RwLock, Semaphore, broadcast,
    channel, local, oneshot, watch,
};

const TASKS: usize = 20;
const ROUNDS: usize = 200;

/// What the tasks share. The count is changed in two steps with a yield in between: whoever came in there would lose
/// one.
#[derive(Default)]
struct Work {
    count: Lock<usize>,
    start: Event,
}

impl Work {
    async fn add(self: Arc<Self>, yield_now: impl AsyncFn()) {
        self.start.wait().await;
        for _ in 0..ROUNDS {
            let mut count = self.count.lock().await;
            let before = *count;
            yield_now().await;
            *count = before + 1;
        }
    }

    fn assert_done(&self) {
        assert_eq!(*self.count.try_lock().expect("all have released it"), TASKS * ROUNDS);
    }
}

#[test]
fn tasks_of_tokio_share_a_lock_and_an_event() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let work = Arc::new(Work::default());
            let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(work.clone().add(tokio::task::yield_now))).collect();
            tokio::task::yield_now().await;
            work.start.set();
            for task in tasks {
                task.await.unwrap();
            }
            work.assert_done();
        });
    });
}

#[test]
fn tasks_of_smol_share_a_lock_and_an_event() {
    leak_check(|| {
        let executor = smol::Executor::new();
        let work = Arc::new(Work::default());
        let tasks: Vec<_> = (0..TASKS).map(|_| executor.spawn(work.clone().add(smol::future::yield_now))).collect();
        let stop = smol::channel::bounded::<()>(1);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| smol::block_on(executor.run(stop.1.recv())));
            }
            work.start.set();
            smol::block_on(async {
                for task in tasks {
                    task.await;
                }
            });
            stop.0.close();
        });
        work.assert_done();
    });
}

/// Aborted wherever they are, waiting or in the lock, they neither keep it nor leave anybody asleep.
#[test]
fn aborted_tasks_of_tokio_leave_the_lock_to_the_others() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let work = Arc::new(Work::default());
            work.start.set();
            let spawn = || tokio::spawn(work.clone().add(tokio::task::yield_now));
            let aborted: Vec<_> = (0..TASKS).map(|_| spawn()).collect();
            let others: Vec<_> = (0..TASKS).map(|_| spawn()).collect();
            for task in &aborted {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in others {
                task.await.unwrap();
            }
            for task in aborted {
                let _ = task.await;
            }
            assert!(*work.count.try_lock().expect("all have released it") >= TASKS * ROUNDS);
        });
    });
}

/// Readers and writers, some of them aborted wherever they are: whoever reads sees no half of a change, and all others
/// come through.
#[test]
fn aborted_tasks_of_tokio_leave_the_read_write_lock_to_the_others() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let pair = Arc::new(RwLock::new((0, 0)));
            let writer = || {
                let pair = pair.clone();
                tokio::spawn(async move {
                    for _ in 0..ROUNDS {
                        let mut pair = pair.write_owned().await;
                        pair.0 += 1;
                        pair.1 += 1;
                    }
                })
            };
            let reader = || {
                let pair = pair.clone();
                tokio::spawn(async move {
                    for _ in 0..ROUNDS {
                        let pair = pair.read().await;
                        let first = pair.0;
                        tokio::task::yield_now().await;
                        assert_eq!(first, pair.1);
                    }
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(|i| if i % 2 == 0 { writer() } else { reader() }).collect();
            let others: Vec<_> = (0..TASKS).map(|i| if i % 2 == 0 { writer() } else { reader() }).collect();
            for task in &aborted {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in others {
                task.await.unwrap();
            }
            for task in aborted {
                let _ = task.await;
            }
            let pair = *pair.try_write().expect("all have left it");
            assert!(pair.0 == pair.1 && pair.0 >= TASKS / 2 * ROUNDS);
        });
    });
}

/// Those who begin to make the value are aborted one after the other; in the end somebody has made it, and all have it.
#[test]
fn aborted_tasks_of_tokio_leave_the_value_to_be_made_by_others() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let cell = Arc::new(OnceCell::new());
            let maker = |i| {
                let cell = cell.clone();
                tokio::spawn(async move {
                    *cell
                        .get_or_init(async || {
                            tokio::task::yield_now().await;
                            i
                        })
                        .await
                })
            };
            let waits = {
                let cell = cell.clone();
                tokio::spawn(async move { *cell.wait().await })
            };
            let aborted: Vec<_> = (0..TASKS).map(maker).collect();
            let others: Vec<_> = (TASKS..2 * TASKS).map(maker).collect();
            for task in &aborted {
                task.abort();
                tokio::task::yield_now().await;
            }
            let value = waits.await.unwrap();
            for task in others {
                assert_eq!(task.await.unwrap(), value);
            }
            for task in aborted {
                let _ = task.await;
            }
        });
    });
}

/// Everything that is put in arrives once, though takers are aborted wherever they are.
#[test]
fn aborted_tasks_of_tokio_lose_no_item() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let queue = Arc::new(Queue::bounded(2));
            let got = Arc::new(std::sync::Mutex::new(Vec::new()));
            let taker = || {
                let (queue, got) = (queue.clone(), got.clone());
                tokio::spawn(async move {
                    // Nothing can be aborted between the two: there is no await.
                    while let Ok(item) = queue.get().await {
                        got.lock().unwrap().push(item);
                        queue.task_done();
                    }
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(|_| taker()).collect();
            let others: Vec<_> = (0..TASKS).map(|_| taker()).collect();
            let putters: Vec<_> = (0..TASKS)
                .map(|i| {
                    let queue = queue.clone();
                    tokio::spawn(async move {
                        for item in 0..ROUNDS {
                            queue.put(i * ROUNDS + item).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in &aborted {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in putters {
                task.await.unwrap();
            }
            queue.join().await;
            queue.close();
            for task in others {
                task.await.unwrap();
            }
            for task in aborted {
                let _ = task.await;
            }
            let mut got = std::mem::take(&mut *got.lock().unwrap());
            got.sort_unstable();
            assert_eq!(got, (0..TASKS * ROUNDS).collect::<Vec<_>>());
        });
    });
}

/// Everything that is sent arrives once, though receivers, streams and senders that reserve are aborted wherever they
/// are; and the end of the senders is the end of the receivers.
#[test]
fn aborted_tasks_of_tokio_lose_no_message() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let (sender, receiver) = channel::bounded(2);
            let got = Arc::new(std::sync::Mutex::new(Vec::new()));
            let taker = |i: usize| {
                let (receiver, got) = (receiver.clone(), got.clone());
                tokio::spawn(async move {
                    if i.is_multiple_of(2) {
                        let mut items = std::pin::pin!(receiver.into_stream());
                        while let Some(item) = futures_lite::StreamExt::next(&mut items).await {
                            got.lock().unwrap().push(item);
                        }
                    } else {
                        while let Ok(item) = receiver.recv().await {
                            got.lock().unwrap().push(item);
                        }
                    }
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(taker).collect();
            let others: Vec<_> = (0..TASKS).map(taker).collect();
            drop(receiver);
            let senders: Vec<_> = (0..TASKS)
                .map(|i| {
                    let sender = sender.clone();
                    tokio::spawn(async move {
                        for item in 0..ROUNDS {
                            sender.send(i * ROUNDS + item).await.unwrap();
                        }
                    })
                })
                .collect();
            let reservers: Vec<_> = (0..TASKS)
                .map(|_| {
                    let sender = sender.clone();
                    tokio::spawn(async move {
                        while let Ok(permit) = sender.reserve().await {
                            tokio::task::yield_now().await;
                            drop(permit);
                        }
                    })
                })
                .collect();
            drop(sender);
            for task in &aborted {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in senders {
                task.await.unwrap();
            }
            for task in reservers {
                task.abort();
                let _ = task.await;
            }
            for task in others {
                task.await.unwrap();
            }
            for task in aborted {
                let _ = task.await;
            }
            let mut got = std::mem::take(&mut *got.lock().unwrap());
            got.sort_unstable();
            assert_eq!(got, (0..TASKS * ROUNDS).collect::<Vec<_>>());
        });
    });
}

/// Never more at once than there are permits, and all of them are back in the end.
#[test]
fn aborted_tasks_of_tokio_give_their_permits_back() {
    const PERMITS: usize = 3;
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let semaphore = Arc::new(Semaphore::new(PERMITS));
            let tasks: Vec<_> = (0..2 * TASKS)
                .map(|i| {
                    let semaphore = semaphore.clone();
                    tokio::spawn(async move {
                        for _ in 0..ROUNDS {
                            let _permit = semaphore.acquire_many(1 + i % PERMITS).await;
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            for task in &tasks[..TASKS] {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in tasks {
                let _ = task.await;
            }
            assert_eq!(semaphore.available_permits(), PERMITS);
        });
    });
}

/// Never more at once than the limiter ever allowed, however it is resized, and all are back in the end.
#[test]
fn aborted_tasks_of_tokio_give_their_tokens_back_to_a_limiter_that_is_resized() {
    const MOST: usize = 3;
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let limiter = Arc::new(CapacityLimiter::new(MOST));
            let tasks: Vec<_> = (0..2 * TASKS)
                .map(|i| {
                    let limiter = limiter.clone();
                    tokio::spawn(async move {
                        for _ in 0..ROUNDS {
                            let _permit = limiter.acquire_many_owned(1 + i % MOST).await.unwrap();
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            for (i, task) in tasks[..TASKS].iter().enumerate() {
                limiter.set_total(i % MOST);
                tokio::task::yield_now().await;
                task.abort();
            }
            limiter.set_total(MOST);
            for task in tasks {
                let _ = task.await;
            }
            let statistics = limiter.statistics();
            assert_eq!((statistics.borrowed, statistics.waiting), (0, 0));
            assert!(statistics.most_borrowed <= MOST);
        });
    });
}

/// All of a round have come before one of them goes on, and each has its own index.
#[test]
fn tasks_of_tokio_pass_a_barrier_together() {
    const PARTIES: usize = 4;
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let (barrier, done) = (Arc::new(Barrier::new(PARTIES)), Arc::new(Latch::new(PARTIES)));
            let came = Arc::new([(); ROUNDS].map(|()| AtomicUsize::new(0)));
            let indices = Arc::new([(); ROUNDS].map(|()| AtomicUsize::new(0)));
            // Counted, since one that panicked would leave the others waiting.
            let faults = Arc::new(AtomicUsize::new(0));
            for _ in 0..PARTIES {
                let (barrier, done, faults) = (barrier.clone(), done.clone(), faults.clone());
                let (came, indices) = (came.clone(), indices.clone());
                tokio::spawn(async move {
                    for round in 0..ROUNDS {
                        // Relaxed: the barrier orders them.
                        came[round].fetch_add(1, Ordering::Relaxed);
                        let bit = barrier.wait().await.map_or(1 << PARTIES, |turn| 1 << turn.index());
                        let is_early = came[round].load(Ordering::Relaxed) < PARTIES;
                        let is_double = indices[round].fetch_or(bit, Ordering::Relaxed) & bit != 0;
                        faults.fetch_add(usize::from(is_early || is_double), Ordering::Relaxed);
                    }
                    done.arrive();
                });
            }
            done.wait().await;
            assert_eq!(faults.load(Ordering::Relaxed), 0);
            assert!(indices.iter().all(|indices| indices.load(Ordering::Relaxed) == (1 << PARTIES) - 1));
            assert_eq!(barrier.n_waiting(), 0);
        });
    });
}

/// Each wake-up goes to one that is there, whoever of the others is aborted.
#[test]
fn aborted_tasks_of_tokio_lose_no_wake_up() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let shared = Arc::new((Notify::new(), AtomicUsize::new(0)));
            let taker = || {
                let shared = shared.clone();
                tokio::spawn(async move {
                    loop {
                        let mut notified = std::pin::pin!(shared.0.notified());
                        notified.as_mut().enable();
                        // Relaxed: who does not see a change has taken its place before it was notified.
                        let take = |left: usize| left.checked_sub(1);
                        if shared.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                            return;
                        }
                        notified.await;
                    }
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(|_| taker()).collect();
            let others: Vec<_> = (0..TASKS).map(|_| taker()).collect();
            for task in &aborted {
                for _ in 0..2 {
                    shared.1.fetch_add(1, Ordering::Relaxed);
                    shared.0.notify_one();
                }
                task.abort();
                tokio::task::yield_now().await;
            }
            for task in others {
                task.await.unwrap();
            }
            for task in aborted {
                let _ = task.await;
            }
            assert!(shared.1.load(Ordering::Relaxed) <= TASKS);
        });
    });
}

#[test]
fn tasks_of_smol_and_a_thread_wait_for_each_other() {
    leak_check(|| {
        let (barrier, latch) = (Barrier::new(3), Latch::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait_blocking().unwrap();
                latch.arrive();
            });
            let executor = smol::Executor::new();
            let tasks = [(); 2].map(|()| {
                executor.spawn(async {
                    barrier.wait().await.unwrap();
                    latch.wait().await;
                })
            });
            latch.arrive();
            smol::block_on(executor.run(async {
                for task in tasks {
                    task.await;
                }
            }));
        });
        assert!(latch.is_open());
    });
}

/// A condition handed from task to task: one that is aborted after it was notified does not stop the others.
#[test]
fn aborted_tasks_of_tokio_lose_no_notification() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let shared = Arc::new((Lock::new(0_usize), Condition::new()));
            let taker = || {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let mut left = shared.1.wait_for(shared.0.lock().await, |left| *left > 0).await;
                    *left -= 1;
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(|_| taker()).collect();
            let others: Vec<_> = (0..TASKS).map(|_| taker()).collect();
            for task in &aborted {
                *shared.0.lock().await += 2;
                shared.1.notify_one();
                shared.1.notify_one();
                task.abort();
                tokio::task::yield_now().await;
            }
            for task in others {
                task.await.unwrap();
            }
            for task in aborted {
                let _ = task.await;
            }
            assert!(*shared.0.try_lock().expect("all have released it") <= TASKS);
        });
    });
}

/// A thread that blocks, and tasks of smol, in the same lines.
#[test]
fn a_thread_and_tasks_of_smol_share_a_channel() {
    leak_check(|| {
        let (sender, receiver) = channel::bounded(1);
        let (answer, answers) = channel::unbounded();
        let thread = std::thread::spawn(move || {
            for item in receiver {
                answer.send_blocking(item * 2).unwrap();
            }
        });
        let executor = smol::LocalExecutor::new();
        smol::block_on(executor.run(async {
            let tasks: Vec<_> = (0..TASKS)
                .map(|i| {
                    let sender = sender.clone();
                    executor.spawn(async move { sender.send(i).await.unwrap() })
                })
                .collect();
            drop(sender);
            let mut sum = 0;
            while let Ok(answer) = answers.recv().await {
                sum += answer;
            }
            assert_eq!(sum, TASKS * (TASKS - 1));
            for task in tasks {
                task.await;
            }
        }));
        thread.join().unwrap();
    });
}

#[test]
fn the_local_home_works_in_a_local_executor() {
    leak_check(|| {
        let (count, start) = (local::Lock::new(0), local::Event::new());
        let executor = smol::LocalExecutor::new();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                executor.spawn(async {
                    start.wait().await;
                    for _ in 0..ROUNDS {
                        let mut count = count.lock().await;
                        let before = *count;
                        smol::future::yield_now().await;
                        *count = before + 1;
                    }
                })
            })
            .collect();
        smol::block_on(executor.run(async {
            start.set();
            for task in tasks {
                task.await;
            }
        }));
        drop(executor);
        assert_eq!(count.into_inner(), TASKS * ROUNDS);
    });
}

/// Requests with the address of the answer; some who ask are aborted, which whoever answers is told.
#[test]
fn tasks_of_tokio_answer_by_a_oneshot_channel() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let requests = Arc::new(Queue::<(usize, oneshot::Sender<usize>)>::unbounded());
            let theirs = requests.clone();
            let server = tokio::spawn(async move {
                let (mut answered, mut unheard) = (0, 0);
                while let Ok((question, answer)) = theirs.get().await {
                    match answer.send(question + 1) {
                        Ok(()) => answered += 1,
                        Err(error) => unheard += usize::from(error.into_inner() == question + 1),
                    }
                }
                (answered, unheard)
            });
            let ask = |question| {
                let requests = requests.clone();
                tokio::spawn(async move {
                    for i in 0..ROUNDS {
                        let (sender, receiver) = oneshot::channel();
                        requests.try_put((question + i, sender)).unwrap();
                        assert_eq!(receiver.await, Ok(question + i + 1));
                    }
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(ask).collect();
            let others: Vec<_> = (0..TASKS).map(ask).collect();
            for task in &aborted {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in others {
                task.await.unwrap();
            }
            for task in aborted {
                let _ = task.await;
            }
            requests.close();
            let (answered, unheard) = server.await.unwrap();
            assert!(answered >= TASKS * ROUNDS);
            assert!(unheard <= TASKS);
        });
    });
}

#[test]
fn threads_and_tasks_of_smol_answer_each_other() {
    leak_check(|| {
        for _ in 0..ROUNDS {
            let (question, asked) = oneshot::channel();
            let (answer, answered) = oneshot::channel();
            let other = std::thread::spawn(move || answer.send(asked.recv_blocking().unwrap() + 1).unwrap());
            let task = smol::spawn(async move {
                question.send(1).unwrap();
                answered.await.unwrap()
            });
            assert_eq!(smol::block_on(task), 2);
            other.join().unwrap();
        }
    });
}

/// All who watch see the last value, and none sees an older one after a newer one; some are aborted meanwhile.
#[test]
fn tasks_of_tokio_watch_a_value() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let (sender, receiver) = watch::channel(0);
            let watches = || {
                let mut receiver = receiver.clone();
                tokio::spawn(async move {
                    let mut last = 0;
                    while receiver.changed().await.is_ok() {
                        let value = receiver.borrow_and_update();
                        assert!(*value > last);
                        tokio::task::yield_now().await;
                        last = *value;
                    }
                    last
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(|_| watches()).collect();
            let others: Vec<_> = (0..TASKS).map(|_| watches()).collect();
            let modifies = |sender: watch::Sender<usize>| {
                tokio::spawn(async move {
                    for _ in 0..ROUNDS {
                        sender.send_modify(|value| *value += 1);
                        tokio::task::yield_now().await;
                    }
                })
            };
            let senders: Vec<_> = (0..TASKS).map(|_| modifies(sender.clone())).collect();
            drop(sender);
            for task in &aborted {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in senders {
                task.await.unwrap();
            }
            for task in others {
                assert_eq!(task.await.unwrap(), TASKS * ROUNDS);
            }
            for task in aborted {
                let _ = task.await;
            }
            assert_eq!(*receiver.borrow(), TASKS * ROUNDS);
        });
    });
}

/// Each receiver gets what each sender sends in its order, and what it does not get it is told about; some are aborted
/// meanwhile.
#[test]
fn tasks_of_tokio_send_to_all() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(async {
            let (sender, receiver) = broadcast::channel(8);
            let receives = || {
                let mut receiver = receiver.resubscribe();
                tokio::spawn(async move {
                    let (mut last, mut n_heard) = ([0; TASKS], 0);
                    loop {
                        match receiver.recv().await {
                            Ok((who, number)) => {
                                assert!(number > last[who]);
                                last[who] = number;
                                n_heard += 1;
                            }
                            Err(broadcast::RecvError::Lagged(missed)) => n_heard += missed,
                            Err(broadcast::RecvError::Closed) => return n_heard,
                        }
                    }
                })
            };
            let aborted: Vec<_> = (0..TASKS).map(|_| receives()).collect();
            let others: Vec<_> = (0..TASKS).map(|_| receives()).collect();
            let sends = |who: usize| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for number in 1..=ROUNDS {
                        sender.send((who, number)).unwrap();
                        if number % 5 == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                })
            };
            let senders: Vec<_> = (0..TASKS).map(sends).collect();
            drop(sender);
            for task in &aborted {
                tokio::task::yield_now().await;
                task.abort();
            }
            for task in senders {
                task.await.unwrap();
            }
            for task in others {
                assert_eq!(task.await.unwrap(), (TASKS * ROUNDS) as u64);
            }
            for task in aborted {
                let _ = task.await;
            }
            drop(receiver);
        });
    });
}

/// The streams of both, by somebody else's combinators.
#[test]
fn tasks_of_smol_read_channels_as_streams() {
    use smol::stream::StreamExt;

    leak_check(|| {
        let (sender, receiver) = broadcast::channel(16);
        let (progress, watcher) = watch::channel(0);
        let all = smol::spawn(Box::pin(receiver.stream()).map(Result::unwrap).collect::<Vec<_>>());
        let last = smol::spawn(Box::pin(watcher.stream()).map(|value| *value).last());
        for i in 1..=16 {
            sender.send(i).unwrap();
            progress.send(i).unwrap();
        }
        drop((sender, progress));
        assert!(smol::block_on(all).into_iter().eq(1..=16));
        assert_eq!(smol::block_on(last), Some(16));
    });
}
