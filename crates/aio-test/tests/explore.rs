//! Explorations of programs whose schedules can be counted by hand.
//!
//! In most of them the tasks are detached: the main task then makes one step, in which it spawns them, and another one
//! when nobody can run any more. Neither is a choice.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Mutex}; // facade: wakers have to be `Send`
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aio_blocking::to_thread;
use aio_core::{local, yield_now};
use aio_test::{Bound, Explore, Explored, Leaks, elapsed, explore, explore_outcomes, touch};
use aio_timer::sleep;

const MS: Duration = Duration::from_millis(1);

fn all() -> Explore {
    Explore::new("example")
}

/// Schedules, and runs that were cut short.
fn counts(explored: &Explored) -> (u64, u64) {
    assert!(explored.is_complete());
    (explored.schedules(), explored.cut_short())
}

fn factorial(n: u64) -> u64 {
    (1..=n).product()
}

/// Spawns tasks of so many steps each, in which they do nothing that others notice.
fn spawn_steps(steps: &[usize]) {
    for n in steps.iter().copied() {
        local::spawn(async move {
            for _ in 1..n {
                yield_now().await;
            }
        })
        .detach();
    }
}

#[test]
fn sequences_are_interleaved_in_every_way() {
    // (a + b)! / (a! b!), and so on for more.
    let counted = |steps: &[usize]| counts(&all().try_run(async || spawn_steps(steps)).unwrap()).0;
    for steps in [&[1][..], &[2, 2], &[3, 1], &[1, 1, 1], &[3, 2], &[2, 2, 2], &[1, 1, 1, 1]] {
        let total: usize = steps.iter().sum();
        let hand = steps.iter().fold(factorial(total as u64), |n, steps| n / factorial(*steps as u64));
        assert_eq!(counted(steps), hand, "{steps:?}");
    }
    // Nobody to choose from.
    assert_eq!(counted(&[]), 1);
}

#[test]
fn a_reduction_leaves_one_order_of_what_is_independent() {
    // Any subset of tasks that have run is a state that is reached once, by its members in order. From a state that
    // lacks someone who was passed over, he is the only one to come, asleep; the runs that are cut short end at those
    // states whose missing tasks have all been passed over, that is which contain the last one but not all: 2^(n-1) -
    // 1.
    for n in 1..=5 {
        let steps = vec![1; n];
        let explored = all().reduced().try_run(async || spawn_steps(&steps)).unwrap();
        let hand = if cfg!(debug_assertions) { (1, (1 << (n - 1)) - 1) } else { (factorial(n as u64), 0) };
        assert_eq!(counts(&explored), hand, "{n}");
    }
}

#[test]
fn a_main_task_that_waits_is_a_task_like_any_other() {
    // a1 a2 M and b1 b2 in every order: a2 wakes the main task, which waits for `a` first. If b2 comes after M, it
    // wakes the main task once more, which is then alone. 5! / (3! 2!) = 10.
    let explored = explore(async || {
        let tasks = [1, 2].map(|_| local::spawn(yield_now()));
        for task in tasks {
            task.await;
        }
    });
    assert_eq!(counts(&explored), (10, 0));
}

/// A queue without an end, told by hand of what is touched.
#[derive(Default)]
struct Line {
    items: RefCell<Vec<u32>>,
    waiter: RefCell<Option<Waker>>,
}

impl Line {
    fn push(&self, item: u32) {
        touch(self);
        self.items.borrow_mut().push(item);
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }

    async fn pop(&self) -> u32 {
        poll_fn(|cx| {
            touch(self);
            let mut items = self.items.borrow_mut();
            if items.is_empty() {
                *self.waiter.borrow_mut() = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(items.remove(0))
        })
        .await
    }
}

#[test]
fn a_producer_and_a_consumer() {
    let program = async || {
        let line = Rc::new(Line::default());
        touch(&*line);
        let consumer = line.clone();
        local::spawn(async move {
            assert_eq!((consumer.pop().await, consumer.pop().await), (1, 2));
        })
        .detach();
        local::spawn(async move {
            line.push(1);
            yield_now().await;
            line.push(2);
        })
        .detach();
    };
    // p1 and p2 push. The consumer, tried first, waits (c), and so on:
    // c p1 (wakes): c p2 (wakes) c | p2 c         2
    // p1: c (waits for the second) p2 c | p2 c    2
    assert_eq!(counts(&all().try_run(program).unwrap()), (4, 0));
    // All steps touch the queue: nothing is left out.
    assert_eq!(counts(&all().reduced().try_run(program).unwrap()), (4, 0));
}

/// A lock, told by hand of what is touched.
#[derive(Default)]
struct Lock {
    is_taken: Cell<bool>,
    waiters: RefCell<Vec<Waker>>,
}

impl Lock {
    async fn take(&self) {
        poll_fn(|cx| {
            touch(self);
            if self.is_taken.replace(true) {
                self.waiters.borrow_mut().push(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    fn give(&self) {
        touch(self);
        self.is_taken.set(false);
        let waiters = self.waiters.take();
        waiters.into_iter().for_each(Waker::wake);
    }
}

#[test]
fn two_tasks_and_a_lock() {
    let program = async || {
        let lock = Rc::new(Lock::default());
        touch(&*lock);
        for _ in 0..2 {
            let lock = lock.clone();
            local::spawn(async move {
                lock.take().await;
                yield_now().await;
                lock.give();
            })
            .detach();
        }
    };
    // a takes it: then either b waits before a gives it (a b a b b), or finds it free (a a b b). And the other way
    // round.
    assert_eq!(counts(&all().try_run(program).unwrap()), (4, 0));
    assert_eq!(counts(&all().reduced().try_run(program).unwrap()), (4, 0));
}

#[test]
fn tasks_that_share_less_have_fewer_schedules() {
    // Two steps each, of which the first touches what both share. Of the six orders of a1 a2 b1 b2 it matters only
    // which of a1 and b1 comes first.
    let program = async || {
        let shared = Rc::new(Cell::new(0));
        touch(&*shared);
        for _ in 0..2 {
            let shared = shared.clone();
            local::spawn(async move {
                touch(&*shared);
                yield_now().await;
            })
            .detach();
        }
    };
    assert_eq!(counts(&all().try_run(program).unwrap()), (6, 0));
    let reduced = all().reduced().try_run(program).unwrap();
    // a1 b1 a2 b2 is run to its end. After a1 b1 b2, a2 sleeps, which was tried after b1; after a1 a2, b1 does, which
    // was tried after a1. And the same with b1 first: a1, which was tried there, is woken by it.
    assert_eq!(counts(&reduced), if cfg!(debug_assertions) { (2, 4) } else { (6, 0) });
}

#[test]
fn a_task_that_spawns() {
    // a spawns c and ends: a before c; b anywhere: 3! / 2 = 3.
    let program = async || {
        local::spawn(async { spawn_steps(&[1]) }).detach();
        spawn_steps(&[1]);
    };
    assert_eq!(counts(&all().try_run(program).unwrap()), (3, 0));
    let reduced = all().reduced().try_run(program).unwrap();
    assert_eq!(reduced.schedules(), if cfg!(debug_assertions) { 1 } else { 3 });
}

#[test]
fn a_timer_fires_when_nobody_can_run() {
    // a waits for 1 ms, b for 2 ms, both then make two steps more; c makes two steps at once.
    // Time 0: a, b and c c: 4! / 2 = 12. At 1 ms a a, at 2 ms b b: no choice.
    let program = async || {
        for ms in [1, 2] {
            local::spawn(async move {
                sleep(ms * MS).await;
                assert_eq!(elapsed(), ms * MS);
                yield_now().await;
                assert_eq!(elapsed(), ms * MS);
            })
            .detach();
        }
        spawn_steps(&[2]);
        sleep(2 * MS).await;
    };
    // The main task sleeps until then as well: at 2 ms it is ready with b, M and b b in any order: 3.
    assert_eq!(counts(&all().try_run(program).unwrap()), (36, 0));
}

#[test]
fn time_may_pass_before_a_step() {
    // The main task waits for a flag for 1 ms at most; the other one sets it in its third step.
    let program = async || {
        let flag = Rc::new(Cell::new(false));
        let setter = flag.clone();
        local::spawn(async move {
            yield_now().await;
            yield_now().await;
            setter.set(true);
        })
        .detach();
        sleep(MS).await;
        flag.get()
    };
    let outcomes = |explore: Explore| explore.outcomes(program).unwrap().0;
    assert_eq!(outcomes(all()), [(true, 1)].into());
    // The timer may fire before each of the three steps, and after that the main task may come before any of those that
    // are left: 3 + 2 + 1 times it is too early; and three times, or after all, it is not.
    assert_eq!(outcomes(all().late_steps(1)), [(false, 6), (true, 4)].into());
    assert_eq!(outcomes(all().late_steps(9)), [(false, 6), (true, 4)].into());
    assert_eq!(outcomes(all().late_steps(1).reduced()).keys().collect::<Vec<_>>(), [&false, &true]);
}

#[test]
fn time_may_pass_although_all_that_may_come_was_seen_in_another_order() {
    // Two tasks that have nothing to do with each other: each may come at once, or late, or not at all.
    let program = async || {
        let came = [(); 2].map(|()| Rc::new(Cell::new("not")));
        for came in &came {
            touch(&**came);
            let came = came.clone();
            local::spawn(async move {
                touch(&*came);
                came.set(if elapsed() < MS { "at once" } else { "late" });
            })
            .detach();
        }
        sleep(MS).await;
        came.map(|came| came.get())
    };
    let outcomes = |explore: Explore| explore.outcomes(program).unwrap().0.into_keys().collect::<Vec<_>>();
    let all = all().leaks(Leaks::Allow).late_steps(1);
    let hand = ["at once", "late", "not"].map(|one| ["at once", "late", "not"].map(|other| [one, other]));
    assert_eq!(outcomes(all.clone()), hand.as_flattened());
    assert_eq!(outcomes(all.reduced()), hand.as_flattened());
}

#[test]
fn timers_of_one_deadline_fire_in_every_order_if_that_is_asked_for() {
    // Two timers of one task, each of which writes down that it has fired.
    let program = async || {
        let log = Arc::new(Mutex::new(String::new()));
        let mut timers = [Box::pin(sleep(MS)), Box::pin(sleep(MS))];
        poll_fn(|cx| {
            for (timer, name) in timers.iter_mut().zip(["a", "b"]) {
                let waker = Waker::from(Arc::new(Writes { name, log: log.clone(), waker: cx.waker().clone() }));
                let _ = timer.as_mut().poll(&mut Context::from_waker(&waker));
            }
            if log.lock().unwrap().is_empty() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        log.lock().unwrap().clone()
    };
    let outcomes = |explore: Explore| explore.outcomes(program).unwrap().0;
    assert_eq!(outcomes(all()), [("ab".to_owned(), 1)].into());
    let orders = outcomes(all().timer_orders());
    assert!(["ab", "ba"].iter().all(|log| orders.contains_key(*log)), "{orders:?}");
    // Which one of two, and whether the other one follows at once.
    assert_eq!(orders.values().sum::<u64>(), 4);
}

/// Writes down that it is woken.
struct Writes {
    name: &'static str,
    log: Arc<Mutex<String>>,
    waker: Waker,
}

impl Wake for Writes {
    fn wake(self: Arc<Self>) {
        self.log.lock().unwrap().push_str(self.name);
        self.waker.wake_by_ref();
    }
}

#[test]
fn outcomes_are_counted() {
    let outcomes = explore_outcomes(async || {
        let log = Rc::new(RefCell::new(String::new()));
        for name in ["a", "b"] {
            let log = log.clone();
            local::spawn(async move { log.borrow_mut().push_str(name) }).detach();
        }
        sleep(MS).await;
        log.take()
    });
    assert_eq!(outcomes, [("ab".to_owned(), 1), ("ba".to_owned(), 1)].into());
}

#[test]
fn the_end_of_the_main_task_may_come_before_others() {
    // Where tasks may be left, the loop ends with the main task: it may be that a has run then, or not.
    let program = async || {
        let ran = Rc::new(Cell::new(0));
        let counted = ran.clone();
        local::spawn(async move { counted.set(1) }).detach();
        yield_now().await;
        ran.get()
    };
    assert_eq!(all().leaks(Leaks::Allow).outcomes(program).unwrap().0, [(0, 1), (1, 1)].into());
    assert_eq!(all().leaks(Leaks::Allow).reduced().outcomes(program).unwrap().0, [(0, 1), (1, 1)].into());
}

#[test]
fn blocking_functions_are_steps() {
    let program = async || {
        let log = Arc::new(Mutex::new(String::new()));
        for name in ["a", "b"] {
            let log = log.clone();
            local::spawn(to_thread(move || log.lock().unwrap().push_str(name))).detach();
        }
        sleep(MS).await;
        let log = log.lock().unwrap();
        log.clone()
    };
    let outcomes = |explore: Explore| explore.outcomes(program).unwrap().0.into_keys().collect::<Vec<_>>();
    assert_eq!(outcomes(all()), ["ab", "ba"]);
    assert_eq!(outcomes(all().reduced()), ["ab", "ba"]);
}

#[test]
fn bounds_end_an_exploration_and_say_so() {
    let program = async || spawn_steps(&[2, 2, 2]);
    let explored = all().max_schedules(17).try_run(program).unwrap();
    assert_eq!((explored.schedules(), explored.stopped_by()), (17, Some(Bound::Schedules)));
    // Exactly all of them.
    assert!(all().max_schedules(90).try_run(program).unwrap().is_complete());
    let failure = all().max_steps(7).try_run(program).unwrap_err();
    assert_eq!(failure.message, "it has not ended after 7 steps");
    assert!(all().max_steps(9).try_run(program).unwrap().is_complete());
}

#[test]
fn deviations_from_production_are_bounded() {
    // Three tasks of one step: a b c; and at the first choice b or c, at the second one the second of those that are
    // left.
    let explored = |n| all().max_deviations(n).try_run(async || spawn_steps(&[1, 1, 1])).unwrap();
    let seen = |n| (explored(n).schedules(), explored(n).stopped_by());
    assert_eq!(seen(0), (1, Some(Bound::Deviations)));
    // acb, bac, cab
    assert_eq!(seen(1), (4, Some(Bound::Deviations)));
    assert_eq!(seen(2), (6, None));
}

#[test]
#[should_panic(expected = "a reduction may leave out")]
fn a_reduction_and_a_bound_of_deviations_do_not_go_together() {
    drop(all().reduced().max_deviations(1).try_run(async || ()));
}

/// Two tasks that take two free locks in different orders, and nothing else to wait for.
async fn both_ways() {
    let locks = Arc::new([(); 2].map(aio_sync::Lock::new));
    let take = |first: usize, second: usize| {
        let locks = locks.clone();
        aio_core::spawn(async move {
            let _first = locks[first].lock().await;
            let _second = locks[second].lock().await;
        })
    };
    let (one, two) = (take(0, 1), take(1, 0));
    one.await;
    two.await;
}

#[test]
fn preemptive_runs_are_those_of_several_workers() {
    // On one thread each task is a single step: the second one first; or the main task in between, or not.
    assert_eq!(Explore::new("both ways").try_run(both_ways).unwrap().schedules(), 3);
    for reduced in [false, true] {
        let explore = Explore::new("both ways").preemptive(true);
        let explore = if reduced { explore.reduced() } else { explore };
        let failure = explore.try_run(both_ways).unwrap_err();
        assert!(failure.message.starts_with("deadlock"), "{}", failure.message);
        let replayed = Explore::new("both ways").preemptive(true).replay(&failure.schedule().unwrap(), both_ways);
        assert!(replayed.unwrap_err().message.starts_with("deadlock"));
    }
}
