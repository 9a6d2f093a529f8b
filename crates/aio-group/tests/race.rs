//! What `race` promises: the first to finish, after the others have cleaned up.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::future::{Future, Pending, pending, ready};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};

use aio_base::live::leak_check;
use aio_core::{defer, run, yield_now};
use aio_group::race;
use futures_lite::future::poll_once;

/// Above the number up to which all children are polled at each wake-up.
const MANY: usize = 40;

async fn after<T>(yields: usize, output: T) -> T {
    for _ in 0..yields {
        yield_now().await;
    }
    output
}

/// Notes its number when it is dropped.
struct Note<'a>(&'a RefCell<Vec<usize>>, usize);

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[test]
fn the_first_to_finish_wins_in_every_shape() {
    leak_check(|| {
        run(async {
            assert_eq!(race((after(3, 'a'), after(1, 'b'), pending())).await, 'b');
            assert_eq!(race((after(0, 'a'),)).await, 'a');
            assert_eq!(race([after(3, 'a'), after(1, 'b')]).await, 'b');
            assert_eq!(race(std::array::from_fn::<_, MANY, _>(|n| after(MANY - n, n))).await, MANY - 1);
            for n in [1, 2, 32, 33, 1000] {
                assert_eq!(race((0..n).map(|i| after(n - i, i)).collect::<Vec<_>>()).await, n - 1);
            }
        });
    });
}

#[test]
fn twelve_futures_of_different_types_can_be_raced() {
    leak_check(|| {
        let never = || pending::<u8>();
        let all = (never(), never(), never(), never(), never(), never(), never(), never(), never(), never(), ready(11));
        let (a, b, c, d, e, f, g, h, i, j, k) = all;
        assert_eq!(run(race((a, b, c, d, e, f, g, h, i, j, k, async { 12 }))), 11);
    });
}

#[test]
fn of_several_that_are_ready_the_first_argument_wins_and_those_behind_are_not_polled() {
    leak_check(|| {
        for n in [3, MANY] {
            let polls = RefCell::new(vec![0; n]);
            let child = |index: usize| {
                let polls = &polls;
                async move {
                    for turn in 0..3 {
                        polls.borrow_mut()[index] += 1;
                        if turn == 2 && index >= 1 {
                            break;
                        }
                        yield_now().await;
                    }
                    index
                }
            };
            assert_eq!(run(race((0..n).map(child).collect::<Vec<_>>())), 1);
            let mut expected = vec![2; n];
            (expected[0], expected[1]) = (3, 3);
            assert_eq!(*polls.borrow(), expected);
            if n == 3 {
                polls.replace(vec![0; n]);
                assert_eq!(run(race((child(0), child(1), child(2)))), 1);
                assert_eq!(*polls.borrow(), expected);
            }
        }
    });
}

/// Woken in the wrong order, but at one poll.
#[test]
fn of_many_the_first_argument_wins_whoever_was_woken_first() {
    leak_check(|| {
        let bells: Vec<_> = (0..MANY).map(|_| Arc::new(Bell::default())).collect();
        let mut winner = pin!(race(bells.iter().enumerate().map(|(n, bell)| bell.wait(n)).collect::<Vec<_>>()));
        run(async {
            assert_eq!(poll_once(winner.as_mut()).await, None);
            for n in [30, 7, 35, 12] {
                bells[n].ring();
            }
            assert_eq!(poll_once(winner.as_mut()).await, Some(7));
        });
    });
}

#[derive(Default)]
struct Bell(Mutex<(bool, Option<std::task::Waker>)>);

impl Bell {
    fn ring(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn wait<T: Copy>(&self, output: T) -> impl Future<Output = T> {
        std::future::poll_fn(move |cx| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return std::task::Poll::Ready(output);
            }
            state.1 = Some(cx.waker().clone());
            std::task::Poll::Pending
        })
    }
}

/// Every loser has something to clean up, which takes three turns.
#[test]
fn the_output_comes_when_the_losers_have_cleaned_up() {
    leak_check(|| {
        for n in [3, MANY] {
            let log = Arc::new(Mutex::new(vec![]));
            let child = |index: usize| {
                let log = log.clone();
                async move {
                    let _cleanup = defer(index, async move |index| {
                        after(3, ()).await;
                        log.lock().unwrap().push(index);
                    });
                    after(if index == 1 { 2 } else { usize::MAX }, index).await
                }
            };
            run(async {
                assert_eq!(race((0..n).map(child).collect::<Vec<_>>()).await, 1);
                let mut cleaned = log.lock().unwrap().clone();
                cleaned.sort_unstable();
                assert_eq!(cleaned, (0..n).collect::<Vec<_>>());
            });
        }
    });
}

#[test]
fn the_losers_are_dropped_at_once_and_in_order() {
    leak_check(|| {
        let dropped = RefCell::new(vec![]);
        let stay = async |n| {
            let _note = Note(&dropped, n);
            pending().await
        };
        run(async {
            assert_eq!(race((stay(0), after(1, "won"), stay(2), stay(3))).await, "won");
            assert_eq!(*dropped.borrow(), [0, 2, 3]);
            dropped.take();

            // While a cleanup is still going on.
            let slow = async {
                let _cleanup = defer((), async |()| after(5, ()).await);
                pending().await
            };
            let mut winner = pin!(race((stay(0), slow, after(1, "won"))));
            assert_eq!(poll_once(winner.as_mut()).await, None);
            assert_eq!(*dropped.borrow(), []);
            assert_eq!(poll_once(winner.as_mut()).await, None);
            assert_eq!(*dropped.borrow(), [0]);
            assert_eq!(winner.await, "won");
        });
    });
}

#[test]
fn a_loser_given_by_reference_keeps_its_progress() {
    leak_check(|| {
        run(async {
            let polls = Cell::new(0);
            let mut work = pin!(async {
                for _ in 0..10 {
                    polls.set(polls.get() + 1);
                    yield_now().await;
                }
                "work"
            });
            let mut rounds = 0;
            while race((work.as_mut(), after(2, "tick"))).await == "tick" {
                rounds += 1;
            }
            // Once in each of the two turns before a tick, and once when the tick was ready.
            assert_eq!((polls.get(), rounds), (10, 3));
        });
    });
}

#[test]
fn dropping_it_leaves_the_cleanups_to_the_scope_around() {
    leak_check(|| {
        let cleaned = Arc::new(Mutex::new(0));
        let child = || {
            let cleaned = cleaned.clone();
            async move {
                let _cleanup = defer((), async move |()| {
                    yield_now().await;
                    *cleaned.lock().unwrap() += 1;
                });
                pending::<()>().await
            }
        };
        run(async {
            let mut both = Box::pin(race([child(), child()]));
            assert!(poll_once(&mut both).await.is_none());
            drop(both);
            assert_eq!(*cleaned.lock().unwrap(), 0);
        });
        assert_eq!(*cleaned.lock().unwrap(), 2);
    });
}

#[test]
fn a_panic_in_a_child_goes_to_the_caller() {
    leak_check(|| {
        for n in [2, MANY] {
            let dropped = RefCell::new(vec![]);
            let child = async |index| {
                let _note = Note(&dropped, index);
                yield_now().await;
                assert!(index != 1, "culprit");
                pending::<()>().await
            };
            let panic = catch_unwind(AssertUnwindSafe(|| run(race((0..n).map(child).collect::<Vec<_>>()))));
            assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"culprit"));
            dropped.borrow_mut().sort_unstable();
            assert_eq!(*dropped.borrow(), (0..n).collect::<Vec<_>>());
        }
    });
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("bomb");
    }
}

#[test]
fn a_panic_in_dropping_a_loser_goes_to_the_caller_when_the_others_are_dropped() {
    leak_check(|| {
        for n in [3, MANY] {
            let dropped = RefCell::new(vec![]);
            let child = async |index| {
                let _note = Note(&dropped, index);
                let _bomb = (index == 1).then(|| Bomb);
                after(if index == 0 { 1 } else { usize::MAX }, ()).await;
            };
            let panic = catch_unwind(AssertUnwindSafe(|| run(race((0..n).map(child).collect::<Vec<_>>()))));
            assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"bomb"));
            dropped.borrow_mut().sort_unstable();
            assert_eq!(*dropped.borrow(), (0..n).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_race_of_nobody_is_the_callers_mistake() {
    // One at a time: the hook is that of the process.
    leak_check(|| {
        let lines = Arc::new(Mutex::new(vec![]));
        let former = std::panic::take_hook();
        let hook = {
            let lines = lines.clone();
            move |info: &PanicHookInfo<'_>| {
                let place = info.location().expect("a panic has a place");
                lines.lock().unwrap().push((place.file().to_owned(), place.line()));
            }
        };
        std::panic::set_hook(Box::new(hook));
        let none = Vec::<Pending<()>>::new();
        let (first, vector) = (line!(), catch_unwind(|| drop(race(none))));
        let (second, array) = (line!(), catch_unwind(|| drop(race([(); 0].map(ready)))));
        std::panic::set_hook(former);
        for panic in [vector, array] {
            let message = "nobody can win a race of no futures";
            assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&message));
        }
        assert_eq!(*lines.lock().unwrap(), [first, second].map(|line| (file!().to_owned(), line)));
    });
}

#[test]
fn it_may_borrow_and_is_send_if_its_children_are() {
    leak_check(|| {
        fn check<T: Send>(future: T) -> T {
            future
        }
        let words = ["a".to_owned(), "bc".to_owned()];
        let longest = run(check(race([after(1, &words[0]), after(0, &words[1])])));
        assert_eq!(longest, "bc");
        drop(check(race((after(1, 1), after(1, 2)))));
        drop(check(race(vec![after(1, 1)])));
    });
}
