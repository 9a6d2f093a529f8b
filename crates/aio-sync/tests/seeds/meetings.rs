//! Who waits for others.

use std::cell::RefCell;
use std::rc::Rc;

use aio_base::Home;
use aio_core::local;
use aio_sync::generic::{Barrier, Latch};

use crate::dice::Dice;
use crate::under_seeds;

under_seeds! {
    rounds_are_whole: barrier;
    rounds_are_whole_although_some_do_not_stay: barrier_with_deserters;
    a_latch_opens_after_the_last: latch;
}

/// How often each place was had; the last one to come has it before all others of its round.
struct Places(RefCell<Vec<u32>>);

impl Places {
    fn new(parties: usize) -> Rc<Self> {
        Rc::new(Self(RefCell::new(vec![0; parties])))
    }

    fn had(&self, index: usize) {
        let mut places = self.0.borrow_mut();
        places[index] += 1;
        let rounds = *places.last().expect("there is one");
        assert!(places.iter().all(|n| *n <= rounds), "one went on before its round was complete: {places:?}");
    }
}

async fn barrier<H: Home>(dice: Dice) {
    let (parties, rounds) = (1 + dice.below(4) as usize, 1 + dice.below(4));
    let (barrier, places) = (Rc::new(Barrier::<H>::new(parties)), Places::new(parties));
    let party = || {
        let (dice, barrier, places) = (dice.fork(), barrier.clone(), places.clone());
        local::spawn(async move {
            for round in 0..rounds {
                dice.pause().await;
                let turn = barrier.wait().await.expect("nobody breaks it");
                places.had(turn.index());
                assert_eq!(turn.is_leader(), turn.index() == barrier.parties() - 1);
                let n_begun = *places.0.borrow().last().expect("there is one");
                assert!(n_begun == round + 1 || n_begun == round + 2, "round {round} of {n_begun}");
            }
        })
    };
    let tasks: Vec<_> = (0..parties).map(|_| party()).collect();
    for task in tasks {
        task.await;
    }
    assert_eq!(*places.0.borrow(), vec![rounds; parties]);
    assert_eq!(barrier.n_waiting(), 0);
}

async fn barrier_with_deserters<H: Home>(dice: Dice) {
    let parties = 1 + dice.below(3) as usize;
    let (barrier, places) = (Rc::new(Barrier::<H>::new(parties)), Places::new(parties));
    let party = || {
        let (dice, barrier, places) = (dice.fork(), barrier.clone(), places.clone());
        local::spawn(async move {
            for _ in 0..4 {
                dice.pause().await;
                match dice.attempt(barrier.wait()).await {
                    Some(Ok(turn)) => places.had(turn.index()),
                    Some(Err(_)) => break,
                    None => {}
                }
            }
        })
    };
    let tasks = (0..1 + dice.below(5)).map(|_| party()).collect();
    let breaks = local::spawn({
        let (dice, barrier) = (dice.fork(), barrier.clone());
        async move {
            for _ in 0..8 {
                dice.pause().await;
            }
            if dice.one_in(2) {
                barrier.reset();
                dice.pause().await;
            }
            barrier.abort();
        }
    });
    dice.join(tasks).await;
    breaks.await;
    assert_eq!(barrier.n_waiting(), 0);
    assert!(barrier.is_broken() && barrier.wait().await.is_err());
}

async fn latch<H: Home>(dice: Dice) {
    let n = dice.below(4) as usize;
    let latch = Rc::new(Latch::<H>::new(n));
    let waits = || {
        let (dice, latch) = (dice.fork(), latch.clone());
        local::spawn(async move {
            for _ in 0..3 {
                if dice.attempt(latch.wait()).await.is_some() {
                    assert!(latch.is_open() && latch.count() == 0);
                }
                dice.pause().await;
            }
        })
    };
    let arrives = || {
        let (dice, latch) = (dice.fork(), latch.clone());
        local::spawn(async move {
            dice.pause().await;
            assert!(!latch.is_open());
            latch.arrive();
        })
    };
    let arrivals: Vec<_> = (0..n).map(|_| arrives()).collect();
    let waiters = (0..dice.below(4)).map(|_| waits()).collect();
    latch.wait().await;
    for arrival in arrivals {
        arrival.await;
    }
    dice.join(waiters).await;
}
