//! Any sequence of operations, beside a model made of a `Vec`.

use aio_base::Home;
use aio_sync::LatchFuture;
use aio_sync::generic::Latch;
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};
use crate::model::{Stage, WAITERS, Waiters, waiter};

in_both_homes! {
    the_latch_behaves_like_its_model,
}

#[derive(Debug, Clone)]
enum Op {
    /// Calls `wait`, in place of the waiter there.
    Start(usize),
    Poll(usize),
    Drop(usize),
    /// As far as it goes.
    CountDown(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => waiter().prop_map(Op::Start),
        8 => waiter().prop_map(Op::Poll),
        2 => waiter().prop_map(Op::Drop),
        1 => (0..3_usize).prop_map(Op::CountDown),
    ]
}

fn the_latch_behaves_like_its_model<H: Home>() {
    proptest!(|(n in 0..4_usize, ops in prop::collection::vec(op(), 0..60))| {
        let (latch, log) = (Latch::<H>::new(n), WakeLog::default());
        let mut waiters: Waiters<LatchFuture<'_, H>> = Default::default();
        let (mut count, mut stages) = (n, [None; WAITERS]);
        let mut line: Vec<usize> = Vec::new();
        for op in ops {
            let mut woken = Vec::new();
            match op {
                Op::Start(i) => {
                    line.retain(|&other| other != i);
                    stages[i] = Some(Stage::New);
                    waiters[i] = Some(Box::pin(latch.wait()));
                }
                Op::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let is_ready = poll(waiter, &log.waker(i)).is_ready();
                    prop_assert_eq!(is_ready, count == 0);
                    if is_ready {
                        (waiters[i], stages[i]) = (None, None);
                    } else if stages[i].replace(Stage::Queued) == Some(Stage::New) {
                        line.push(i);
                    }
                }
                Op::Drop(i) => {
                    line.retain(|&other| other != i);
                    (waiters[i], stages[i]) = (None, None);
                }
                Op::CountDown(by) => {
                    let by = by.min(count);
                    count -= by;
                    if count == 0 {
                        woken = std::mem::take(&mut line);
                    }
                    latch.count_down(by);
                }
            }
            prop_assert_eq!(log.take(), woken);
            prop_assert_eq!((latch.count(), latch.is_open()), (count, count == 0));
        }
    });
}
