//! Tasks that wait until something has happened, all woken at once. An operation is a wait. Only ours remembers that it
//! has happened; with tokio's `Notify` and `event-listener`, who comes later waits for the next time.

use std::future::Future;
use std::rc::Rc;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Smol, Tokio};

/// How many tasks wait.
const N_TASKS: u64 = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("event, 64 waiters", 5_000, 500)
            .aio("aio::local", |n| waits::<Aio, aio::local::Event>(1, N_TASKS, n))
            .aio("aio", |n| waits::<Aio, aio::Event>(1, N_TASKS, n))
            .peer("tokio Notify", |n| waits::<Tokio, tokio::sync::Notify>(1, N_TASKS, n))
            .peer("event-listener, on smol", |n| waits::<Smol, event_listener::Event>(1, N_TASKS, n)),
    ]
}

pub(crate) trait Event: 'static {
    fn new() -> Self;
    fn wait(&self) -> impl Future<Output = ()>;
    /// Wakes all that wait.
    fn happen(&self);
}

macro_rules! event {
    ($event:ty: wait($waiting:ident) $wait:expr; happen($happening:ident) $happen:expr;) => {
        impl Event for $event {
            fn new() -> Self {
                Self::new()
            }

            async fn wait(&self) {
                let $waiting = self;
                $wait.await;
            }

            fn happen(&self) {
                let $happening = self;
                $happen;
            }
        }
    };
}

event! {
    aio::local::Event:
    wait(event) event.wait();
    happen(event) { event.set(); event.clear(); };
}
event! {
    aio::Event:
    wait(event) event.wait();
    happen(event) { event.set(); event.clear(); };
}
event! {
    tokio::sync::Notify:
    wait(event) event.notified();
    happen(event) event.notify_waiters();
}
event! {
    event_listener::Event:
    wait(event) event.listen();
    happen(event) event.notify(usize::MAX);
}

/// `repeat` times, `n_tasks` tasks wait `n` times each.
pub(crate) fn waits<R: Local, E: Event>(repeat: u64, n_tasks: u64, n: u64) -> Sample {
    R::run(async move {
        let event = Rc::new(E::new());
        let meter = Meter::start();
        for _ in 0..repeat {
            let task = || {
                let event = event.clone();
                async move {
                    for _ in 0..n {
                        event.wait().await;
                    }
                }
            };
            let tasks: Vec<_> = (0..n_tasks).map(|_| R::spawn(task())).collect();
            for _ in 0..n {
                // All of them come to wait.
                R::yield_now().await;
                event.happen();
            }
            for task in tasks {
                task.await;
            }
        }
        meter.stop(repeat * n_tasks * n)
    })
}
