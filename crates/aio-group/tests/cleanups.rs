//! How the parts of a whole clean up: side by side, each from the inside out, all of them before what is around, and
//! knowing why.
#![cfg(not(aio_loom))]

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use aio_base::live::leak_check;
use aio_core::{cancel_reason, defer, run, spawn, yield_now};
use aio_group::{TaskGroup, as_completed, first_ok, gather, race, try_gather};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Cleans up in two steps.
    fn guard(&self, name: String) -> impl Sized + use<> {
        defer(self.clone(), async move |log: Log| {
            let why = cancel_reason().map_or_else(|| "done".to_owned(), |reason| reason.to_string());
            log.add(format!("{name} begins: {why}"));
            yield_now().await;
            log.add(format!("{name} ends"));
        })
    }

    /// A part with two guards, which never ends.
    async fn part(&self, name: &str) {
        let _outer = self.guard(format!("{name}.outer"));
        let _inner = self.guard(format!("{name}.inner"));
        pending::<()>().await;
    }
}

type Whole = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs parts `a` and `b` within a task with a guard of its own, and cancels that.
fn cancelled(whole: impl FnOnce(Log) -> Whole + Send + 'static) -> Vec<String> {
    let log = Log::default();
    leak_check(|| {
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _around = theirs.guard("around".to_owned());
                whole(theirs.clone()).await;
            });
            for _ in 0..3 {
                yield_now().await;
            }
            task.cancel_with("enough");
            assert!(task.join().await.unwrap_err().is_cancelled());
        });
    });
    log.take()
}

#[track_caller]
fn assert_side_by_side(log: &[String]) {
    let at =
        |line: &str| log.iter().position(|other| other == line).unwrap_or_else(|| panic!("no `{line}` in {log:?}"));
    assert_eq!(log.len(), 10, "{log:?}");
    for part in ["a", "b"] {
        assert!(at(&format!("{part}.inner ends")) < at(&format!("{part}.outer begins: enough")), "{log:?}");
        assert!(at(&format!("{part}.outer ends")) < at("around begins: enough"), "{log:?}");
    }
    assert!(at("b.inner begins: enough") < at("a.inner ends"), "{log:?}");
}

#[test]
fn the_parts_of_a_gather_clean_up_side_by_side() {
    let tuple = cancelled(|log| Box::pin(async move { _ = gather((log.part("a"), log.part("b"))).await }));
    assert_side_by_side(&tuple);
    let array = cancelled(|log| Box::pin(async move { _ = gather([log.part("a"), log.part("b")]).await }));
    assert_side_by_side(&array);
    let many = cancelled(|log| {
        Box::pin(async move {
            let mut parts: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = Vec::new();
            parts.extend((0..40).map(|_| Box::pin(pending()) as _));
            parts.push(Box::pin(log.part("a")));
            parts.push(Box::pin(log.part("b")));
            gather(parts).await;
        })
    });
    assert_side_by_side(&many);
}

#[test]
fn the_parts_of_a_race_clean_up_side_by_side() {
    let log = cancelled(|log| Box::pin(async move { race((log.part("a"), log.part("b"))).await }));
    assert_side_by_side(&log);
}

#[test]
fn what_is_left_of_a_stream_of_outputs_cleans_up_side_by_side() {
    let log = cancelled(|log| {
        Box::pin(async move {
            let mut outputs = as_completed([log.part("a"), log.part("b")]);
            assert_eq!(outputs.next().await, None);
        })
    });
    assert_side_by_side(&log);
}

#[test]
fn the_children_of_a_group_clean_up_side_by_side() {
    let log = cancelled(|log| {
        Box::pin(async move {
            let group = TaskGroup::new();
            group
                .join(async {
                    drop(group.spawn_scoped(log.part("a")));
                    log.part("b").await;
                })
                .await;
        })
    });
    assert_side_by_side(&log);
    let log = cancelled(|log| {
        Box::pin(async move {
            let group = TaskGroup::new();
            let theirs = log.clone();
            group
                .join(async {
                    drop(group.spawn(async move { theirs.part("a").await }));
                    log.part("b").await;
                })
                .await;
        })
    });
    assert_side_by_side(&log);
}

#[test]
fn losers_and_siblings_know_why() {
    let log = Log::default();
    leak_check(|| {
        run(async {
            let fail = async {
                yield_now().await;
                Err::<(), _>("oh")
            };
            let part = async {
                log.part("try_gather").await;
                Ok(())
            };
            assert_eq!(try_gather((part, fail)).await, Err("oh"));
            race((log.part("race"), yield_now())).await;
            race([Box::pin(log.part("races")) as Pin<Box<dyn Future<Output = ()>>>, Box::pin(yield_now())]).await;
            let part = async {
                log.part("first_ok").await;
                Err::<i32, _>("lost")
            };
            assert!(first_ok((part, async { Ok::<_, &str>(1) })).await == Ok(1));
            // Dropped by hand, there is no reason.
            let mut dropped = Box::pin(race([log.part("dropped")]));
            poll_fn(|cx| Poll::Ready(dropped.as_mut().poll(cx).is_pending())).await;
            drop(dropped);
        });
    });
    let begun: Vec<String> = log.take().into_iter().filter(|line| line.contains("inner begins")).collect();
    assert_eq!(
        begun,
        [
            "try_gather.inner begins: its group ends early",
            "race.inner begins: another one was first",
            "races.inner begins: another one was first",
            "first_ok.inner begins: another one was first",
            "dropped.inner begins: done",
        ]
    );
}
