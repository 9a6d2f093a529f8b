//! hyper's timeouts on the timers of the loop.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use pin_project_lite::pin_project;

/// hyper's timeouts (for the header of a request, for an answer to a ping) as [`aio_timer::sleep()`], on the clock of
/// the loop, so also in virtual time. It works without a loop of `aio`, as that does.
#[doc(alias = "TokioTimer")]
#[derive(Debug, Clone, Copy, Default)]
pub struct HyperTimer;

pin_project! {
    struct HyperSleep {
        #[pin]
        sleep: aio_timer::Sleep,
    }
}

impl HyperTimer {
    fn boxed(sleep: aio_timer::Sleep) -> Pin<Box<dyn Sleep>> {
        Box::pin(HyperSleep { sleep })
    }
}

impl Timer for HyperTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Self::boxed(aio_timer::sleep(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Self::boxed(aio_timer::sleep_until(deadline))
    }

    fn now(&self) -> Instant {
        aio_core::now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<HyperSleep>() {
            Some(ours) => ours.project().sleep.reset(deadline),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

impl Future for HyperSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl Sleep for HyperSleep {}
