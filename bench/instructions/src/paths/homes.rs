//! The paths that exist in both homes, from the same text: the names in them are the same.

macro_rules! paths_of {
    ($name:ident: $home:path, $sync:path, $rc:path) => {
        pub(super) mod $name {
            use std::future::{pending, poll_fn};
            use std::hint::black_box;
            use std::sync::atomic::{AtomicU64, Ordering};
            use std::sync::{Arc, Mutex};
            use std::task::{Poll, Waker};

            use $home as home;
            use $rc as Rc;
            use $sync as sync;

            use super::super::{BATCH, run, run_on, runner};

            pub(crate) fn spawn_join(n: u64) -> u64 {
                run(async move {
                    let mut done = 0;
                    let mut tasks = Vec::new();
                    for _ in 0..n / BATCH {
                        tasks.extend((0..BATCH).map(|_| home::spawn(async { black_box(1) })));
                        for task in tasks.drain(..) {
                            done += task.await;
                        }
                    }
                    done
                })
            }

            pub(crate) fn cancel_by_drop(n: u64) -> u64 {
                struct CountDrop(Arc<AtomicU64>);

                impl Drop for CountDrop {
                    fn drop(&mut self) {
                        self.0.fetch_add(1, Ordering::Relaxed);
                    }
                }

                async fn wait(_dropped: CountDrop) {
                    pending().await
                }

                run(async move {
                    let done = Arc::new(AtomicU64::new(0));
                    let mut tasks = Vec::new();
                    for _ in 0..n / BATCH {
                        tasks.extend((0..BATCH).map(|_| home::spawn(wait(CountDrop(done.clone())))));
                        aio::yield_now().await;
                        tasks.clear();
                        aio::yield_now().await;
                    }
                    done.load(Ordering::Relaxed)
                })
            }

            /// A task that leaves a waker, waits to be woken `rounds` times, and returns how often it was.
            fn sleeper(rounds: u64, wakers: &Arc<Mutex<Vec<Waker>>>) -> home::Task<u64> {
                let wakers = wakers.clone();
                home::spawn(async move {
                    poll_fn(|cx| Poll::Ready(wakers.lock().expect("nobody panics").push(cx.waker().clone()))).await;
                    let mut n_polls = 0;
                    poll_fn(|_| {
                        n_polls += 1;
                        if n_polls > rounds { Poll::Ready(n_polls - 1) } else { Poll::Pending }
                    })
                    .await
                })
            }

            /// [`BATCH`] of them, which wait by now.
            async fn sleepers(rounds: u64) -> (Vec<home::Task<u64>>, Vec<Waker>) {
                let wakers = Arc::default();
                let tasks = (0..BATCH).map(|_| sleeper(rounds, &wakers)).collect();
                aio::yield_now().await;
                let wakers = std::mem::take(&mut *wakers.lock().expect("nobody panics"));
                (tasks, wakers)
            }

            async fn sum(tasks: Vec<home::Task<u64>>) -> u64 {
                let mut sum = 0;
                for task in tasks {
                    sum += task.await;
                }
                sum
            }

            pub(crate) fn wake(n: u64) -> u64 {
                run(async move {
                    let rounds = n / BATCH;
                    let (tasks, wakers) = sleepers(rounds).await;
                    for _ in 0..rounds {
                        wakers.iter().for_each(Waker::wake_by_ref);
                        aio::yield_now().await;
                    }
                    sum(tasks).await
                })
            }

            /// Between two runs this thread has no loop, so that it is one of the others, and the only one.
            pub(crate) fn wake_remote(n: u64) -> u64 {
                let rounds = n / BATCH;
                let mut runner = runner();
                let (tasks, wakers) = run_on(&mut runner, sleepers(rounds));
                for _ in 0..rounds {
                    wakers.iter().for_each(Waker::wake_by_ref);
                    run_on(&mut runner, aio::yield_now());
                }
                run_on(&mut runner, sum(tasks))
            }

            pub(crate) fn yield_now(n: u64) -> u64 {
                let yielding = move || async move {
                    let mut done = 0;
                    for _ in 0..n / BATCH {
                        aio::yield_now().await;
                        done += 1;
                    }
                    done
                };
                run(async move { sum((0..BATCH).map(|_| home::spawn(yielding())).collect()).await })
            }

            pub(crate) fn lock(n: u64) -> u64 {
                run(async move {
                    let lock = home::Lock::new(0);
                    for _ in 0..n {
                        *lock.lock().await += 1;
                    }
                    lock.into_inner()
                })
            }

            pub(crate) fn lock_contended(n: u64) -> u64 {
                run(async move {
                    let lock = Rc::new(home::Lock::new(0));
                    let task = || {
                        let lock = lock.clone();
                        home::spawn(async move {
                            for _ in 0..n / BATCH {
                                let mut guard = lock.lock().await;
                                aio::yield_now().await;
                                *guard += 1;
                            }
                        })
                    };
                    for task in (0..BATCH).map(|_| task()).collect::<Vec<_>>() {
                        task.await;
                    }
                    *lock.lock().await
                })
            }

            pub(crate) fn rwlock_read(n: u64) -> u64 {
                run(async move {
                    let lock = sync::RwLock::new(1);
                    let mut done = 0;
                    for _ in 0..n {
                        done += *lock.read().await;
                    }
                    done
                })
            }

            pub(crate) fn rwlock_write(n: u64) -> u64 {
                run(async move {
                    let lock = sync::RwLock::new(0);
                    for _ in 0..n {
                        *lock.write().await += 1;
                    }
                    lock.into_inner()
                })
            }

            pub(crate) fn semaphore(n: u64) -> u64 {
                run(async move {
                    let semaphore = home::Semaphore::new(2);
                    let mut done = 0;
                    for _ in 0..n {
                        let _permit = semaphore.acquire().await;
                        // The other one.
                        done += semaphore.available_permits() as u64;
                    }
                    done
                })
            }

            pub(crate) fn event(n: u64) -> u64 {
                run(async move {
                    let event = Rc::new(home::Event::new());
                    let rounds = n / BATCH;
                    let waiter = || {
                        let event = event.clone();
                        home::spawn(async move {
                            let mut done = 0;
                            for _ in 0..rounds {
                                event.wait().await;
                                done += 1;
                            }
                            done
                        })
                    };
                    let tasks = (0..BATCH).map(|_| waiter()).collect();
                    for _ in 0..rounds {
                        aio::yield_now().await;
                        event.set();
                        event.clear();
                    }
                    sum(tasks).await
                })
            }

            pub(crate) fn queue(n: u64) -> u64 {
                run(async move {
                    let queue = Rc::new(home::Queue::bounded(BATCH as usize));
                    let putter = {
                        let queue = queue.clone();
                        home::spawn(async move {
                            for i in 0..n {
                                queue.put(i).await.expect("it is open");
                            }
                        })
                    };
                    let mut done = 0;
                    for i in 0..n {
                        done += u64::from(queue.get().await == Ok(i));
                    }
                    putter.await;
                    done
                })
            }

            pub(crate) fn channel(n: u64) -> u64 {
                run(async move {
                    let (sender, receiver) = sync::channel::bounded(BATCH as usize);
                    let sending = home::spawn(async move {
                        for i in 0..n {
                            sender.send(i).await.expect("there is a receiver");
                        }
                    });
                    let mut done = 0;
                    while let Ok(i) = receiver.recv().await {
                        done += u64::from(black_box(i) == done);
                    }
                    sending.await;
                    done
                })
            }

            pub(crate) fn oneshot(n: u64) -> u64 {
                run(async move {
                    let mut done = 0;
                    for i in 0..n {
                        let (sender, receiver) = sync::oneshot::channel();
                        sender.send(black_box(i)).expect("there is a receiver");
                        done += u64::from(receiver.await == Ok(i));
                    }
                    done
                })
            }

            pub(crate) fn request_reply(n: u64) -> u64 {
                run(async move {
                    let (client, server) = sync::channel::bounded(BATCH as usize);
                    let serving = home::spawn(async move {
                        while let Ok((i, reply)) = server.recv().await {
                            let reply: sync::oneshot::Sender<u64> = reply;
                            reply.send(i).expect("it waits");
                        }
                    });
                    let mut done = 0;
                    for i in 0..n {
                        let (reply, answer) = sync::oneshot::channel();
                        client.send((i, reply)).await.expect("there is a server");
                        done += u64::from(answer.await == Ok(i));
                    }
                    drop(client);
                    serving.await;
                    done
                })
            }

            pub(crate) fn watch(n: u64) -> u64 {
                run(async move {
                    let (sender, receiver) = sync::watch::channel(0);
                    let rounds = n / BATCH;
                    let look = |mut receiver: sync::watch::Receiver<u64>| {
                        home::spawn(async move {
                            let mut done = 0;
                            while receiver.changed().await.is_ok() {
                                done += u64::from(*receiver.borrow_and_update() > done);
                            }
                            done
                        })
                    };
                    let tasks = (0..BATCH).map(|_| look(receiver.clone())).collect();
                    for i in 1..=rounds {
                        aio::yield_now().await;
                        sender.send(i).expect("there are receivers");
                    }
                    // All have seen the last one.
                    aio::yield_now().await;
                    drop(sender);
                    sum(tasks).await
                })
            }

            pub(crate) fn queue_ping_pong(n: u64) -> u64 {
                run(async move {
                    let [ping, pong] = [(); 2].map(|()| Rc::new(home::Queue::bounded(1)));
                    let other = {
                        let (ping, pong) = (ping.clone(), pong.clone());
                        home::spawn(async move {
                            for _ in 0..n {
                                let i: u64 = ping.get().await.expect("it is open");
                                pong.put(i).await.expect("it is open");
                            }
                        })
                    };
                    let mut done = 0;
                    for i in 0..n {
                        ping.put(i).await.expect("it is open");
                        done += u64::from(pong.get().await == Ok(i));
                    }
                    other.await;
                    done
                })
            }

            pub(crate) fn group_child(n: u64) -> u64 {
                run(async move {
                    let done = Arc::new(AtomicU64::new(0));
                    for _ in 0..n / BATCH {
                        let group = home::TaskGroup::new();
                        let body = async {
                            for _ in 0..BATCH {
                                let done = done.clone();
                                drop(group.spawn(async move { done.fetch_add(1, Ordering::Relaxed) }));
                            }
                        };
                        group.join(body).await;
                    }
                    done.load(Ordering::Relaxed)
                })
            }
        }
    };
}

paths_of!(local: aio::local, aio_sync::local, std::rc::Rc);
paths_of!(shared: aio, aio_sync, std::sync::Arc);
