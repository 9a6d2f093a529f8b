//! A day of heartbeats and retries.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use aio_core::local;
use aio_sync::local::Queue;
use aio_test::{Test, elapsed, random_seed};
use aio_timer::{interval, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Clients send a heartbeat every ten seconds over a link that loses one in four; a server that hears nothing of one
/// for a minute takes it for dead. A heartbeat is tried anew, later and later, until it was answered.
async fn day(n_clients: usize) -> (u64, u64) {
    let (sent, lost) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut rng = fastrand::Rng::with_seed(random_seed());
    let mut tasks = Vec::new();
    for _ in 0..n_clients {
        let (link, answers) = (Rc::new(Queue::unbounded()), Rc::new(Queue::unbounded()));
        tasks.push(local::spawn({
            let (link, answers) = (link.clone(), answers.clone());
            async move {
                while elapsed() < DAY {
                    let Ok(heartbeat) = timeout(60 * SECOND, link.get()).await else { panic!("taken for dead") };
                    heartbeat.unwrap();
                    sleep(SECOND / 10).await;
                    answers.try_put(()).unwrap();
                }
            }
        }));
        let mut rng = rng.fork();
        let (sent, lost) = (sent.clone(), lost.clone());
        tasks.push(local::spawn(async move {
            let mut ticks = interval(10 * SECOND);
            while elapsed() < DAY {
                ticks.tick().await;
                let mut patience = SECOND;
                loop {
                    sent.set(sent.get() + 1);
                    if rng.u32(..4) == 0 && patience < 8 * SECOND {
                        lost.set(lost.get() + 1);
                    } else {
                        link.try_put(()).unwrap();
                    }
                    if timeout(patience, answers.get()).await.is_ok() {
                        break;
                    }
                    patience *= 2;
                }
            }
        }));
    }
    for task in tasks {
        task.await;
    }
    assert!(elapsed() >= DAY && elapsed() < DAY + 60 * SECOND);
    (sent.get(), lost.get())
}

#[test]
fn a_day_is_soon_over_and_the_same_each_time() {
    let run = || {
        let counts = Cell::new((0, 0));
        Test::new("day").seed(5).run(async || counts.set(day(3).await));
        counts.get()
    };
    let (sent, lost) = run();
    assert!(sent > 30_000 && lost > 5_000, "{sent} sent, {lost} lost");
    assert_eq!(run(), (sent, lost));
}
