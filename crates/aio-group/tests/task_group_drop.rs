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
    Cancelled,
}

const ENDS: [End; 5] = [End::Well, End::ChildFails, End::BodyFails, End::ChildPanics, End::Cancelled];

/// What the failure of a child does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Policy {
    Abort,
    Supervise,
    Discard,
}

/// How a group is made.
#[derive(Debug, Clone, Copy)]
struct Options {
    limit: usize,
    policy: Policy,
    end: End,
}

fn all_options() -> impl Iterator<Item = Options> {
    [usize::MAX, 3, 1].into_iter().flat_map(|limit| {
        [Policy::Abort, Policy::Supervise, Policy::Discard]
            .into_iter()
            .flat_map(move |policy| ENDS.into_iter().map(move |end| Options { limit, policy, end }))
    })
}

macro_rules! home {
    ($home:ident, $group:path) => {
        mod $home {
            use super::*;
            use $group::{Started, TaskGroup};

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
            pub(super) async fn program(log: Log, options: Options, tasks: bool, polls: usize) -> bool {
                let Options { limit, policy, end } = options;
                let group = TaskGroup::<usize>::new().limit(limit);
                let seen = log.clone();
                let group = match policy {
                    Policy::Abort => group,
                    Policy::Supervise => group.supervised(),
                    Policy::Discard => group.discarding(move |error| seen.add("discarded", error)),
                };
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
                        drop(group.vacancy().await.spawn_scoped(child(log.clone(), 7, 1)));
                        let mut results = group.results();
                        results.spawn_scoped(child(log.clone(), 8, 3));
                        if tasks {
                            results.spawn(child(log.clone(), 9, 1));
                            let inner = log.clone();
                            let start = group.start(async move |started: Started<Alive>| {
                                turns(1).await;
                                inner.add("began", 10);
                                let _guard = defer(inner.clone(), async |log: Log| log.add("cleaned up", 10));
                                started.set(Alive(inner.clone(), 10));
                                child(inner.clone(), 11, 2).await;
                            });
                            let _alive = start.await;
                        }
                        while results.next().await.is_some() {}
                        let go_on = async || {
                            if policy == Policy::Abort {
                                pending::<()>().await;
                            }
                            turns(3).await;
                        };
                        match end {
                            End::Well => {}
                            End::ChildFails => {
                                drop(group.try_spawn_scoped::<(), _>(async {
                                    turns(1).await;
                                    Err(1)
                                }));
                                go_on().await;
                            }
                            End::ChildPanics => {
                                drop(group.spawn_scoped(async { panic!("oh") }));
                                go_on().await;
                            }
                            End::Cancelled => {
                                drop(group.spawn_scoped(child(log.clone(), 12, 9)));
                                turns(2).await;
                                group.cancel();
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

home!(shared, aio_group);
home!(local, aio_group::local);

/// Runs the program for each number of polls until it ends by itself.
fn for_every_number_of_polls(run: impl Fn(Log, Options, usize) -> bool) {
    for options in all_options() {
        let ended = (0..200).find(|&polls| {
            let log = Log::default();
            let ended = leak_check(|| run(log.clone(), options, polls));
            let began = log.all("began");
            assert!(began.windows(2).all(|pair| pair[0] != pair[1]), "{began:?}");
            assert_eq!(log.all("dropped"), began, "{options:?} after {polls} polls");
            assert_eq!(log.all("cleaned up"), began, "{options:?} after {polls} polls");
            assert_eq!(Arc::strong_count(&log.0), 1, "{options:?} after {polls} polls");
            // Once, if the group has got so far.
            let discarded = log.all("discarded");
            let discards = options.policy == Policy::Discard && options.end == End::ChildFails;
            assert!(discarded.is_empty() || discards && discarded == [1], "{options:?} after {polls} polls");
            assert!(!ended || discards != discarded.is_empty(), "{options:?} after {polls} polls");
            ended
        });
        assert!(ended.is_some_and(|polls| polls > 5), "{options:?}: {ended:?}");
    }
}

/// `None` for a panic, which only comes at the end.
fn caught(run: impl FnOnce() -> bool) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(true)
}

#[test]
fn children_in_place_without_a_loop() {
    for_every_number_of_polls(|log, options, polls| {
        caught(|| aio_core::block_on(shared::program(log, options, false, polls)))
    });
    for_every_number_of_polls(|log, options, polls| {
        caught(|| aio_core::block_on(local::program(log, options, false, polls)))
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
    for_every_number_of_polls(|log, options, polls| {
        aio_core::run(async move {
            let task = aio_core::spawn(shared::program(log.clone(), options, true, polls));
            nothing_happens_after(log, async { task.join().await.unwrap_or(true) }).await
        })
    });
    for_every_number_of_polls(|log, options, polls| {
        aio_core::run(async move {
            let task = aio_core::local::spawn(local::program(log.clone(), options, true, polls));
            nothing_happens_after(log, async { task.join().await.unwrap_or(true) }).await
        })
    });
}

/// On an executor that knows nothing of scopes the cleanups go to a thread of the process.
#[test]
fn children_in_place_on_a_foreign_executor() {
    for_every_number_of_polls(|log, options, polls| {
        let ended = caught(|| futures_lite::future::block_on(shared::program(log.clone(), options, false, polls)));
        // That thread may still be about to do it. Then only this one and its caller know the log.
        while Arc::strong_count(&log.0) > 2 {
            std::thread::yield_now();
        }
        ended
    });
}
