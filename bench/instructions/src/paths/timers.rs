//! Sleeps and timeouts, under a virtual clock: in which slots of the wheel the timers come to lie must not depend on
//! when and how fast they are registered.

use std::future::{Future, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use aio::{local, sleep, timeout};
use aio_core::{EventLoop, ThreadPark, VirtualTime};
use aio_timer::Timers;

use super::BATCH;

fn run(main: impl Future<Output = u64>) -> u64 {
    // Boxed, so that the loop is compiled once.
    let main: Pin<Box<dyn Future<Output = u64> + '_>> = Box::pin(main);
    EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(main)
}

/// Beside [`BATCH`] others that stay.
pub(super) fn sleep_cancel(n: u64) -> u64 {
    run(async move {
        let mut others: Vec<_> = (0..BATCH).map(|i| Box::pin(sleep(Duration::from_secs(20 + i)))).collect();
        for other in &mut others {
            assert!(!is_over(other.as_mut()).await);
        }
        let mut done = 0;
        for _ in 0..n {
            done += u64::from(!is_over(pin!(sleep(Duration::from_secs(10)))).await);
        }
        done
    })
}

async fn is_over<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}

/// Of whole seconds, so that no nanoseconds carry over: how often they would depends on the moment at which the clock
/// begins.
pub(super) fn sleep_fire(n: u64) -> u64 {
    let sleeper = move || async move {
        let mut done = 0;
        for _ in 0..n / BATCH {
            sleep(Duration::from_secs(1)).await;
            done += 1;
        }
        done
    };
    run(async move {
        let mut done = 0;
        for task in (0..BATCH).map(|_| local::spawn(sleeper())).collect::<Vec<_>>() {
            done += task.await;
        }
        done
    })
}

pub(super) fn timeout_ready(n: u64) -> u64 {
    run(async move {
        let mut done = 0;
        for i in 0..n {
            done += u64::from(timeout(Duration::from_secs(10), ready(i)).await == Ok(i));
        }
        done
    })
}
