//! A group is dropped after one poll, after two, after any number: nothing is left, nothing goes on, and what has begun
//! is cleaned up once.
#![cfg(not(aio_loom))]

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use aio_base::live::leak_check;
use aio_core::{defer, yield_now};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(&'static str, usize)>>>);

impl Log {
    fn add(&self, what: &'static str, who: usize) {
        self.0.lock().unwrap().push((what, who));
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Who has done it, each as often as he has.
    fn all(&self, what: &str) -> Vec<usize> {
        let mut all: Vec<_> =
            self.0.lock().unwrap().iter().filter(|(other, _)| *other == what).map(|(_, who)| *who).collect();
        all.sort_unstable();
        all
    }
}

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// What is true for the time of its life.
struct Alive(Log, usize);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.add("dropped", self.1);
    }
}

async fn child(log: Log, who: usize, length: usize) {
    log.add("began", who);
    let _guard = defer(log.clone(), async move |log: Log| {
        turns(who % 3).await;
        log.add("cleaned up", who);
    });
    let _alive = Alive(log, who);
    turns(length).await;
}

/// Polls `future` so many times, each time it asks for it, and drops it. Whether it has ended before.
async fn poll_times<F: Future>(mut future: Pin<Box<F>>, mut times: usize) -> bool {
    poll_fn(|cx| {
        if times == 0 {
            return Poll::Ready(false);
        }
        times -= 1;
        future.as_mut().poll(cx).map(|_| true)
    })
    .await
}

/// How the group ends, if it is let.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Well,
    ChildFails,
    BodyFails,
    ChildPanics,
}

const ENDS: [End; 4] = [End::Well, End::ChildFails, End::BodyFails, End::ChildPanics];

macro_rules! home {
    ($home:ident, $group:path) => {
        mod $home {
            use super::*;
            use $group as TaskGroup;

            async fn nested(log: Log, tasks: bool) -> Result<(), usize> {
                let group = TaskGroup::<usize>::new();
                let outcome = group
                    .run(async {
                        let _body = child(log.clone(), 20, 3).await;
                        drop(group.spawn_scoped(child(log.clone(), 21, 2)));
                        if tasks {
                            drop(group.spawn(child(log.clone(), 22, 4)));
                        }
                        Ok(())
                    })
                    .await;
                outcome.map_err(|error| error.into_first().expect("nobody cancels it"))
            }

            /// Runs a group in which a bit of everything happens, for so many polls. Whether it has ended by itself.
            pub(super) async fn program(log: Log, limit: usize, tasks: bool, end: End, polls: usize) -> bool {
                let group = TaskGroup::<usize>::new().limit(limit);
                let group = &group;
                drop(group.spawn_scoped(child(log.clone(), 1, 2)));
                let body = {
                    let log = log.clone();
                    async move {
                        let _alive = Alive(log.clone(), 0);
                        log.add("began", 0);
                        let _guard = defer(log.clone(), async |log: Log| {
                            turns(2).await;
                            log.add("cleaned up", 0);
                        });
                        let awaited = group.spawn_scoped(child(log.clone(), 2, 3));
                        let (handle, inner) = (group.handle(), log.clone());
                        drop(group.spawn_scoped(async move {
                            turns(2).await;
                            drop(handle.spawn_scoped(child(inner.clone(), 3, 1)));
                            child(inner, 4, 1).await;
                        }));
                        drop(group.try_spawn_scoped(nested(log.clone(), tasks)));
                        if tasks {
                            drop(group.spawn(child(log.clone(), 5, 4)));
                            drop(group.try_spawn(nested_later(log.clone())));
                        }
                        awaited.await;
                        match end {
                            End::Well => {}
                            End::ChildFails => {
                                drop(group.try_spawn_scoped::<(), _>(async {
                                    turns(1).await;
                                    Err(1)
                                }));
                                pending::<()>().await;
                            }
                            End::ChildPanics => {
                                drop(group.spawn_scoped(async { panic!("oh") }));
                                pending::<()>().await;
                            }
                            End::BodyFails => return Err(2),
                        }
                        drop(group.spawn_scoped(child(log.clone(), 6, 2)));
                        Ok(())
                    }
                };
                poll_times(Box::pin(group.run(body)), polls).await
            }

            async fn nested_later(log: Log) -> Result<(), usize> {
                turns(1).await;
                child(log, 30, 2).await;
                Ok(())
            }
        }
    };
}

home!(shared, aio_group::TaskGroup);
home!(local, aio_group::local::TaskGroup);

/// Runs the program for each number of polls until it ends by itself.
fn for_every_number_of_polls(run: impl Fn(Log, usize, End, usize) -> bool) {
    for limit in [usize::MAX, 3, 1] {
        for end in ENDS {
            let ended = (0..200).find(|&polls| {
                let log = Log::default();
                let ended = leak_check(|| run(log.clone(), limit, end, polls));
                let began = log.all("began");
                assert!(began.windows(2).all(|pair| pair[0] != pair[1]), "{began:?}");
                assert_eq!(log.all("dropped"), began, "{end:?} with limit {limit} after {polls} polls");
                assert_eq!(log.all("cleaned up"), began, "{end:?} with limit {limit} after {polls} polls");
                assert_eq!(Arc::strong_count(&log.0), 1, "{end:?} with limit {limit} after {polls} polls");
                ended
            });
            assert!(ended.is_some_and(|polls| polls > 5), "{end:?} with limit {limit}: {ended:?}");
        }
    }
}

/// `None` for a panic, which only comes at the end.
fn caught(run: impl FnOnce() -> bool) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(true)
}

#[test]
fn children_in_place_without_a_loop() {
    for_every_number_of_polls(|log, limit, end, polls| {
        caught(|| aio_core::block_on(shared::program(log, limit, false, end, polls)))
    });
    for_every_number_of_polls(|log, limit, end, polls| {
        caught(|| aio_core::block_on(local::program(log, limit, false, end, polls)))
    });
}

/// The task in which the group is dropped ends after the children, and then nothing happens any more.
async fn nothing_happens_after(log: Log, task: impl Future<Output = bool>) -> bool {
    let ended = task.await;
    let len = log.len();
    turns(10).await;
    assert_eq!(log.len(), len, "{log:?}", log = log.0);
    ended
}

#[test]
fn children_with_tasks_on_a_loop() {
    for_every_number_of_polls(|log, limit, end, polls| {
        aio_core::run(async move {
            let task = aio_core::spawn(shared::program(log.clone(), limit, true, end, polls));
            nothing_happens_after(log, async { task.join().await.unwrap_or(true) }).await
        })
    });
    for_every_number_of_polls(|log, limit, end, polls| {
        aio_core::run(async move {
            let task = aio_core::local::spawn(local::program(log.clone(), limit, true, end, polls));
            nothing_happens_after(log, async { task.join().await.unwrap_or(true) }).await
        })
    });
}

/// On an executor that knows nothing of scopes the cleanups go to a thread of the process.
#[test]
fn children_in_place_on_a_foreign_executor() {
    for_every_number_of_polls(|log, limit, end, polls| {
        let ended = caught(|| futures_lite::future::block_on(shared::program(log.clone(), limit, false, end, polls)));
        // That thread may still be about to do it. Then only this one and its caller know the log.
        while Arc::strong_count(&log.0) > 2 {
            std::thread::yield_now();
        }
        ended
    });
}
