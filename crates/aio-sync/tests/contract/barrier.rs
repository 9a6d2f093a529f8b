//! The contract of the barrier, in both homes.

mod model;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::generic::Barrier;
use aio_sync::{BarrierFuture, BarrierTurn, BrokenBarrier};

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    the_last_to_come_does_not_yield_and_wakes_the_others_in_order,
    indices_tell_the_order_of_arrival,
    a_barrier_for_one_is_no_barrier,
    a_barrier_for_nobody_panics,
    debug_and_display_show_every_state,
    a_dropped_waiter_just_leaves,
    indices_are_unique_after_a_waiter_has_left,
    a_complete_round_has_passed_whoever_is_dropped,
    who_comes_early_for_the_next_round_disturbs_nobody,
    rounds_that_have_not_run_do_not_mix,
    a_reset_sends_all_who_wait_away_and_begins_anew,
    a_reset_does_not_touch_a_complete_round,
    an_aborted_barrier_is_broken_until_it_is_reset,
    an_abort_does_not_touch_a_complete_round,
    a_reset_of_nobody_changes_nothing,
    a_large_round_passes_whatever_its_wakers_do,
    one_that_is_dropped_after_a_large_round_was_complete_leaves_a_gap,
    a_large_round_passes_though_the_barrier_is_reset_meanwhile,
    a_large_round_is_sent_away_though_the_next_passes_meanwhile,
    a_large_round_is_sent_away_though_the_next_is_meanwhile,
    the_waker_of_the_last_poll_is_the_one_called,
    a_panicking_waker_does_not_keep_the_others_asleep,
    wakers_may_use_the_barrier_again,
    a_million_polls_and_drops_leave_nothing,
    a_leaked_waiter_counts,
    polling_again_after_it_was_ready_panics,
}

type Waiting<'a, H> = Pin<Box<BarrierFuture<'a, H>>>;

fn waiting<'a, H: Home>(barrier: &'a Barrier<H>, log: &WakeLog, name: usize) -> Waiting<'a, H> {
    let mut future = Box::pin(barrier.wait());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

/// What has come of one that was woken.
fn outcome<H: Home>(future: &mut Waiting<'_, H>) -> Result<usize, BrokenBarrier> {
    match poll_idle(future) {
        Poll::Ready(turn) => turn.map(|turn: BarrierTurn| turn.index()),
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::Barrier = aio_sync::Barrier::const_new(1);
    let (shared, local) = (aio_sync::Barrier::new(1), aio_sync::local::Barrier::new(1));
    assert!([now(shared.wait()), now(SOMEWHERE.wait()), now(local.wait())].iter().all(Result::is_ok));
}

fn the_last_to_come_does_not_yield_and_wakes_the_others_in_order<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(4), WakeLog::default());
    let others = [1, 2, 3].map(|name| waiting(&barrier, &log, name));
    assert_eq!((barrier.parties(), barrier.n_waiting(), log.take()), (4, 3, vec![]));
    let leader = now(barrier.wait()).unwrap();
    assert!(leader.is_leader());
    assert_eq!((barrier.n_waiting(), log.take()), (0, vec![1, 2, 3]));
    for mut other in others {
        assert!(!now(other.as_mut()).unwrap().is_leader());
    }
}

fn indices_tell_the_order_of_arrival<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
    for _ in 0..3 {
        let [mut first, mut second] = [1, 2].map(|name| waiting(&barrier, &log, name));
        assert_eq!(now(barrier.wait()).unwrap().index(), 2);
        assert_eq!((outcome(&mut second), outcome(&mut first)), (Ok(1), Ok(0)));
    }
}

fn a_barrier_for_one_is_no_barrier<H: Home>() {
    let barrier = Barrier::<H>::new(1);
    for _ in 0..3 {
        let turn = now(barrier.wait()).unwrap();
        assert_eq!((turn.index(), turn.is_leader()), (0, true));
    }
}

fn a_barrier_for_nobody_panics<H: Home>() {
    assert!(catch_unwind(|| Barrier::<H>::new(0)).is_err());
}

fn debug_and_display_show_every_state<H: Home>() {
    let barrier = Barrier::<H>::new(2);
    let mut future = Box::pin(barrier.wait());
    assert_eq!(format!("{future:?}"), "BarrierFuture(New)");
    assert!(poll_idle(&mut future).is_pending());
    assert_eq!(
        format!("{barrier:?} {future:?}"),
        "Barrier { parties: 2, n_waiting: 1, is_broken: false } BarrierFuture(Queued)"
    );
    barrier.abort();
    assert_eq!(
        format!("{barrier:?} {future:?}"),
        "Barrier { parties: 2, n_waiting: 0, is_broken: true } BarrierFuture(Woken)"
    );
    let broken = outcome(&mut future).unwrap_err();
    assert_eq!(format!("{future:?} {broken:?}"), "BarrierFuture(Done) BrokenBarrier");
    assert_eq!(broken.to_string(), "failed to wait at the barrier: it was aborted or reset");
    let turn = now(Barrier::<H>::new(1).wait()).unwrap();
    assert_eq!(format!("{turn:?}"), "BarrierTurn { index: 0, is_leader: true }");
}

fn a_dropped_waiter_just_leaves<H: Home>() {
    // The first, the one in the middle, the last.
    for dropped in 0..3 {
        let (barrier, log) = (Barrier::<H>::new(4), WakeLog::default());
        drop(barrier.wait());
        let mut waiters: Vec<_> = (0..3).map(|name| waiting(&barrier, &log, name)).collect();
        drop(waiters.remove(dropped));
        assert_eq!((barrier.n_waiting(), barrier.is_broken()), (2, false));
        waiters.push(waiting(&barrier, &log, 3));
        assert!(now(barrier.wait()).is_ok());
        let rest: Vec<_> = (0..4).filter(|name| *name != dropped).collect();
        assert_eq!(log.take(), rest);
        assert!(waiters.iter_mut().map(outcome).eq((0..3).map(Ok)));
    }
}

fn indices_are_unique_after_a_waiter_has_left<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
    let [first, mut second] = [1, 2].map(|name| waiting(&barrier, &log, name));
    drop(first);
    let mut third = waiting(&barrier, &log, 3);
    assert_eq!(now(barrier.wait()).unwrap().index(), 2);
    assert_eq!((outcome(&mut second), outcome(&mut third)), (Ok(0), Ok(1)));
}

fn a_complete_round_has_passed_whoever_is_dropped<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
    let [first, mut second] = [1, 2].map(|name| waiting(&barrier, &log, name));
    assert!(now(barrier.wait()).is_ok());
    drop(first);
    assert_eq!(barrier.n_waiting(), 0);
    assert_eq!(outcome(&mut second), Ok(1));
    // The next round is for three again.
    let _next = [1, 2].map(|name| waiting(&barrier, &log, name));
    assert_eq!(barrier.n_waiting(), 2);
}

fn who_comes_early_for_the_next_round_disturbs_nobody<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(2), WakeLog::default());
    let mut first = waiting(&barrier, &log, 1);
    assert!(now(barrier.wait()).is_ok());
    let mut early = waiting(&barrier, &log, 2);
    assert_eq!(barrier.n_waiting(), 1);
    assert_eq!(outcome(&mut first), Ok(0));
    assert!(poll_idle(&mut early).is_pending());
    assert!(now(barrier.wait()).is_ok());
    assert_eq!(outcome(&mut early), Ok(0));
}

fn rounds_that_have_not_run_do_not_mix<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
    let mut rounds: Vec<_> = (0..5)
        .map(|_| {
            let others = [1, 2].map(|name| waiting(&barrier, &log, name));
            assert_eq!(now(barrier.wait()).unwrap().index(), 2);
            others
        })
        .collect();
    for others in rounds.iter_mut().rev() {
        assert_eq!(others.each_mut().map(outcome), [Ok(0), Ok(1)]);
    }
}

fn a_reset_sends_all_who_wait_away_and_begins_anew<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(41), WakeLog::default());
    let mut waiters: Vec<_> = (0..40).map(|name| waiting(&barrier, &log, name)).collect();
    barrier.reset();
    assert_eq!(log.take(), (0..40).collect::<Vec<_>>());
    assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
    let mut next = waiting(&barrier, &log, 50);
    assert!(waiters.iter_mut().all(|waiter| outcome(waiter).is_err()));
    assert!(poll_idle(&mut next).is_pending());
    assert_eq!(barrier.n_waiting(), 1);
}

fn a_reset_does_not_touch_a_complete_round<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(2), WakeLog::default());
    let mut first = waiting(&barrier, &log, 1);
    assert!(now(barrier.wait()).is_ok());
    let mut next = waiting(&barrier, &log, 2);
    barrier.reset();
    assert_eq!((outcome(&mut first).is_ok(), outcome(&mut next).is_ok()), (true, false));
}

fn an_aborted_barrier_is_broken_until_it_is_reset<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
    let waiters = [1, 2].map(|name| waiting(&barrier, &log, name));
    barrier.abort();
    assert_eq!((log.take(), barrier.is_broken()), (vec![1, 2], true));
    for mut waiter in waiters {
        assert!(outcome(&mut waiter).is_err());
    }
    assert!(now(barrier.wait()).is_err());
    barrier.abort();
    assert!(now(barrier.wait()).is_err());
    assert_eq!(barrier.n_waiting(), 0);
    barrier.reset();
    assert!(!barrier.is_broken());
    let mut others = [1, 2].map(|name| waiting(&barrier, &log, name));
    assert!(now(barrier.wait()).is_ok());
    assert_eq!(others.each_mut().map(outcome), [Ok(0), Ok(1)]);
}

fn an_abort_does_not_touch_a_complete_round<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(2), WakeLog::default());
    let mut first = waiting(&barrier, &log, 1);
    assert!(now(barrier.wait()).is_ok());
    barrier.abort();
    assert_eq!(outcome(&mut first), Ok(0));
}

fn a_reset_of_nobody_changes_nothing<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(2), WakeLog::default());
    barrier.reset();
    barrier.reset();
    let mut first = waiting(&barrier, &log, 1);
    assert_eq!(now(barrier.wait()).unwrap().index(), 1);
    assert_eq!(outcome(&mut first), Ok(0));
}

/// More than are woken at once, so that there is a time when the round is complete and some of it wait still.
const LARGE: usize = 50;

type Coming = Pin<Box<dyn Future<Output = Result<BarrierTurn, BrokenBarrier>>>>;

/// A large round.
struct Large<H: Home> {
    barrier: Rc<Barrier<H>>,
    /// All but the last, as far as they are not dropped.
    waiters: RefCell<Vec<Option<Coming>>>,
}

impl<H: Home> Large<H> {
    fn new() -> Rc<Self> {
        let large = Self { barrier: Rc::new(Barrier::new(LARGE)), waiters: RefCell::default() };
        large.waiters.replace((1..LARGE).map(|i| Some(large.come(i))).collect());
        Rc::new(large)
    }

    /// One comes and waits, with a waker that calls the hook.
    fn come(&self, name: usize) -> Coming {
        let barrier = self.barrier.clone();
        let mut waiter: Coming = Box::pin(async move { barrier.wait().await });
        assert!(poll(&mut waiter, &hooked_waker(name)).is_pending());
        waiter
    }

    /// A whole round comes and passes.
    fn pass(&self) {
        let mut round: Vec<_> = (1..LARGE).map(|i| self.come(i)).collect();
        assert!(now(self.barrier.wait()).is_ok());
        assert!(round.iter_mut().map(index).eq((0..LARGE - 1).map(Ok)));
    }

    /// How each of those left has fared.
    fn outcomes(&self) -> Vec<Result<usize, BrokenBarrier>> {
        self.waiters.borrow_mut().iter_mut().flatten().map(index).collect()
    }
}

fn index(waiter: &mut Coming) -> Result<usize, BrokenBarrier> {
    now(waiter.as_mut()).map(|turn| turn.index())
}

/// Runs `first` at the first wake-up, and `act`.
fn at_first_wake(first: impl Fn() + 'static, act: impl FnOnce()) {
    let calls = Cell::new(0);
    let hook = move || {
        if calls.replace(calls.get() + 1) == 0 {
            first();
        }
    };
    with_hook(hook, act);
}

fn a_large_round_passes_whatever_its_wakers_do<H: Home>() {
    let large = Large::<H>::new();
    let theirs = large.clone();
    let first = move || {
        // The next round comes and passes, before this one was woken.
        theirs.pass();
        let early = theirs.come(1);
        assert_eq!(theirs.barrier.n_waiting(), 1);
        drop(early);
    };
    at_first_wake(first, || assert!(now(large.barrier.wait()).is_ok()));
    assert!(large.outcomes().into_iter().eq((0..LARGE - 1).map(Ok)));
    assert_eq!(large.barrier.n_waiting(), 0);
}

/// It had come, and counts; so the others keep the places in which they came, woken or not.
fn one_that_is_dropped_after_a_large_round_was_complete_leaves_a_gap<H: Home>() {
    for by_reset in [false, true] {
        let large = Large::<H>::new();
        let theirs = large.clone();
        let first = move || {
            drop(theirs.waiters.borrow_mut()[LARGE - 10].take());
            // The next round has nobody less.
            assert_eq!(theirs.barrier.n_waiting(), 0);
            if by_reset {
                theirs.barrier.reset();
            }
        };
        at_first_wake(first, || assert_eq!(now(large.barrier.wait()).unwrap().index(), LARGE - 1));
        assert!(large.outcomes().into_iter().eq((0..LARGE - 1).filter(|i| *i != LARGE - 10).map(Ok)));
    }
}

fn a_large_round_passes_though_the_barrier_is_reset_meanwhile<H: Home>() {
    let large = Large::<H>::new();
    let theirs = large.clone();
    let first = move || {
        for end in [Barrier::reset, Barrier::abort] {
            let mut next = theirs.come(1);
            end(&*theirs.barrier);
            assert!(index(&mut next).is_err());
        }
    };
    at_first_wake(first, || assert!(now(large.barrier.wait()).is_ok()));
    assert!(large.outcomes().into_iter().eq((0..LARGE - 1).map(Ok)));
    assert!(large.barrier.is_broken());
}

fn a_large_round_is_sent_away_though_the_next_passes_meanwhile<H: Home>() {
    let large = Large::<H>::new();
    let theirs = large.clone();
    let first = move || {
        drop(theirs.waiters.borrow_mut()[LARGE - 2].take());
        theirs.pass();
    };
    at_first_wake(first, || large.barrier.reset());
    let outcomes = large.outcomes();
    assert_eq!((outcomes.len(), outcomes.iter().any(Result::is_ok)), (LARGE - 2, false));
}

fn a_large_round_is_sent_away_though_the_next_is_meanwhile<H: Home>() {
    let large = Large::<H>::new();
    let theirs = large.clone();
    let first = move || {
        let mut next = theirs.come(1);
        theirs.barrier.abort();
        theirs.barrier.reset();
        assert!(index(&mut next).is_err());
    };
    at_first_wake(first, || large.barrier.reset());
    let outcomes = large.outcomes();
    assert_eq!((outcomes.len(), outcomes.iter().any(Result::is_ok)), (LARGE - 1, false));
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(2), WakeLog::default());
    let mut waiter = waiting(&barrier, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    assert!(now(barrier.wait()).is_ok());
    assert_eq!(log.take(), [2]);
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    for by_reset in [true, false] {
        let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
        let mut first = Box::pin(barrier.wait());
        assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
        let mut second = waiting(&barrier, &log, 2);
        let wakes = || if by_reset { barrier.reset() } else { _ = now(barrier.wait()) };
        assert_eq!((panic_of(wakes), log.take()), (1, vec![1, 2]));
        assert_eq!([&mut first, &mut second].map(|waiter| outcome(waiter).is_err()), [by_reset; 2]);
        assert_eq!(barrier.n_waiting(), 0);
    }
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the barrier is not in the middle of
/// something.
fn wakers_may_use_the_barrier_again<H: Home>() {
    let barrier = Rc::new(Barrier::<H>::new(3));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (barrier, calls) = (barrier.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = format!("{barrier:?}");
            if barrier.n_waiting() == 0 {
                let _ = poll_idle(&mut Box::pin(barrier.wait()));
                barrier.reset();
            }
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let [one, two] = [1, 2].map(hooked_waker);
        let mut first = Box::pin(barrier.wait());
        let mut second = Box::pin(barrier.wait());
        assert!(poll(&mut first, &one).is_pending());
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(second);
        assert!(called(), "drop, out of the line");
        let mut second = Box::pin(barrier.wait());
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone");
        assert!(now(barrier.wait()).is_ok());
        assert!(called(), "wake");
        assert_eq!((outcome(&mut first), outcome(&mut second)), (Ok(0), Ok(1)));
        drop((one, two));
    });
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
    let mut first = waiting(&barrier, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(barrier.wait()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    let mut second = waiting(&barrier, &log, 2);
    assert!(now(barrier.wait()).is_ok());
    assert_eq!((outcome(&mut first), outcome(&mut second), log.take()), (Ok(0), Ok(1), vec![1, 2]));
}

/// What a leaked future occupies is never reused, so it may stay in the line.
fn a_leaked_waiter_counts<H: Home>() {
    let (barrier, log) = (Barrier::<H>::new(3), WakeLog::default());
    std::mem::forget(waiting(&barrier, &log, 1));
    let mut second = waiting(&barrier, &log, 2);
    assert!(now(barrier.wait()).is_ok());
    assert_eq!((outcome(&mut second), log.take()), (Ok(1), vec![1, 2]));
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let barrier = Barrier::<H>::new(1);
    let mut future = Box::pin(barrier.wait());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
}

#[test]
fn threads_wait_for_each_other() {
    live::leak_check(|| {
        let barrier = aio_sync::Barrier::new(3);
        std::thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(|| barrier.wait_blocking().unwrap().index()));
            let indices: BTreeSet<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            assert_eq!(indices, BTreeSet::from([0, 1, 2]));
        });
        barrier.abort();
        assert!(barrier.wait_blocking().is_err());
    });
}
