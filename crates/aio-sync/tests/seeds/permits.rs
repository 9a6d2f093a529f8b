//! No more is given out than there is, and all of it comes back.

use std::cell::Cell;
use std::rc::Rc;

use aio_base::Home;
use aio_core::local;
use aio_sync::generic::{CapacityLimiter, Semaphore};
use aio_timer::timeout;

use crate::dice::{Dice, MS};
use crate::under_seeds;

under_seeds! {
    permits_are_conserved: semaphore;
    tokens_are_conserved: limiter;
}

/// How many are out.
struct Out {
    n: Cell<usize>,
    most: usize,
}

struct Taken<'a>(&'a Out, usize);

impl Out {
    fn take(&self, n: usize) -> Taken<'_> {
        self.n.set(self.n.get() + n);
        assert!(self.n.get() <= self.most, "{} of {} are out", self.n.get(), self.most);
        Taken(self, n)
    }
}

impl Taken<'_> {
    fn give(&mut self, n: usize) {
        self.1 -= n;
        self.0.n.set(self.0.n.get() - n);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.give(self.1);
    }
}

async fn semaphore<H: Home>(dice: Dice) {
    let total = 1 + dice.below(4) as usize;
    let semaphore = Rc::new(Semaphore::<H>::new(total + 1));
    // Out until the end: who asks for all waits in vain, and those behind it do until it gives up.
    let last = semaphore.try_acquire().expect("they are there");
    let out = Rc::new(Out { n: Cell::new(0), most: total });
    let task = |n_rounds| {
        let (dice, semaphore, out) = (dice.fork(), semaphore.clone(), out.clone());
        local::spawn(async move {
            for _ in 0..n_rounds {
                let n = dice.below(total as u32 + 1) as usize;
                if dice.one_in(4) {
                    assert!(timeout(dice.below(6) * MS, semaphore.acquire_many(total + 1)).await.is_err());
                }
                let permit = match dice.one_in(4) {
                    true => semaphore.try_acquire_many(n),
                    false => dice.attempt(semaphore.acquire_many(n)).await,
                };
                if let Some(mut permit) = permit {
                    let mut taken = out.take(n);
                    dice.pause().await;
                    if let Some(part) = permit.split(n / 2) {
                        taken.give(n / 2);
                        drop(part);
                        dice.pause().await;
                    }
                    if dice.one_in(3) {
                        // Gone for ever, and new ones in their place.
                        let left = permit.n_permits();
                        permit.forget();
                        drop(taken);
                        semaphore.add_permits(left);
                    }
                }
                dice.pause().await;
            }
        })
    };
    let tasks = (0..2 + dice.below(3)).map(|_| task(1 + dice.below(4))).collect();
    dice.join(tasks).await;
    drop(last);
    assert_eq!((semaphore.available_permits(), out.n.get()), (total + 1, 0));
}

async fn limiter<H: Home>(dice: Dice) {
    // Who asks for more than there is waits for a larger total.
    let most = 4;
    let limiter = Rc::new(CapacityLimiter::<H>::new(1));
    let out = Rc::new(Out { n: Cell::new(0), most });
    let task = |n_rounds| {
        let (dice, limiter, out) = (dice.fork(), limiter.clone(), out.clone());
        local::spawn(async move {
            for _ in 0..n_rounds {
                let n = 1 + dice.below(most as u32) as usize;
                let permit = match dice.one_in(4) {
                    true => limiter.try_acquire_many(n).ok(),
                    false => {
                        dice.attempt(limiter.acquire_many(n)).await.map(|permit| permit.expect("it is not closed"))
                    }
                };
                if let Some(_permit) = permit {
                    let _taken = out.take(n);
                    // Some may have been handed to others that have not run.
                    assert!(limiter.borrowed() >= out.n.get());
                    dice.pause().await;
                }
                dice.pause().await;
            }
        })
    };
    let tasks = (0..2 + dice.below(3)).map(|_| task(1 + dice.below(4))).collect();
    let resizes = local::spawn({
        let (dice, limiter) = (dice.fork(), limiter.clone());
        async move {
            for _ in 0..3 {
                limiter.set_total(dice.below(most as u32 + 1) as usize);
                dice.pause().await;
            }
            limiter.set_total(most);
        }
    });
    dice.join(tasks).await;
    resizes.await;
    assert_eq!((limiter.borrowed(), limiter.available(), out.n.get()), (0, most as isize, 0));
}
