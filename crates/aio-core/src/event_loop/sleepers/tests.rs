use super::*;

#[cfg(aio_loom)]
mod loom;

#[cfg(not(aio_loom))]
mod behaviour {
    use aio_base::live::leak_check;
    use proptest::prelude::*;

    use super::*;
    use State::{Running, Searching, Sleeping};

    /// `n` workers, all of them running.
    fn awake(n: usize) -> Sleepers {
        let sleepers = Sleepers::new(n);
        for worker in 0..n {
            assert!(!sleepers.wake_up(worker));
        }
        sleepers
    }

    #[test]
    fn all_begin_as_sleepers_and_are_notified_in_their_order() {
        leak_check(|| {
            let sleepers = Sleepers::new(3);
            assert_eq!(sleepers.states(), [Sleeping; 3]);
            // The one that is there already.
            assert!(!sleepers.wake_up(0));
            assert_eq!(sleepers.notify(), Some(1));
            assert_eq!(sleepers.states(), [Running, Searching, Sleeping]);
            assert!(sleepers.wake_up(1));
        });
    }

    #[test]
    fn the_last_to_fall_asleep_is_the_first_to_be_notified() {
        leak_check(|| {
            let sleepers = awake(3);
            for worker in [1, 0, 2] {
                assert!(sleepers.fall_asleep(worker, || false));
            }
            for worker in [2, 0, 1] {
                assert_eq!(sleepers.notify(), Some(worker));
                assert_eq!(sleepers.stop_searching(worker, || false), None);
            }
            assert_eq!(sleepers.notify(), None);
        });
    }

    #[test]
    fn nobody_is_notified_while_somebody_searches() {
        leak_check(|| {
            let sleepers = awake(2);
            assert!(sleepers.fall_asleep(1, || false));
            assert!(sleepers.start_searching(0));
            assert_eq!((sleepers.notify(), sleepers.notify_soon()), (None, None));
            assert_eq!(sleepers.stop_searching(0, || false), None);
            assert_eq!(sleepers.notify_soon(), Some(1));
            // It counts already, though its thread may not run yet.
            assert_eq!(sleepers.notify(), None);
        });
    }

    #[test]
    fn half_of_those_awake_may_search_and_one_always() {
        leak_check(|| {
            for (n, may) in [(1, 1), (2, 1), (3, 1), (4, 2), (7, 3), (200, 100)] {
                let sleepers = awake(n);
                assert_eq!((0..n).filter(|&worker| sleepers.start_searching(worker)).count(), may, "of {n}");
                // Who searches already may go on.
                assert!(sleepers.start_searching(0));
            }
            let sleepers = awake(4);
            assert!(sleepers.fall_asleep(3, || false));
            assert!(sleepers.start_searching(0));
            assert!(!sleepers.start_searching(1));
        });
    }

    #[test]
    fn the_last_who_searched_wakes_another_if_there_is_more() {
        leak_check(|| {
            let sleepers = awake(5);
            assert!(sleepers.fall_asleep(4, || false));
            assert!(sleepers.start_searching(0));
            assert!(sleepers.start_searching(1));
            assert_eq!(sleepers.stop_searching(0, || unreachable!("another one searches")), None);
            assert_eq!(sleepers.stop_searching(1, || true), Some(4));
            assert_eq!(sleepers.stop_searching(1, || unreachable!("it does not search")), None);
            assert_eq!(sleepers.stop_searching(4, || true), None);
            assert_eq!(sleepers.states(), [Running; 5]);
        });
    }

    #[test]
    fn who_sees_work_after_its_announcement_stays_awake_and_searches() {
        leak_check(|| {
            let sleepers = awake(2);
            assert!(!sleepers.fall_asleep(0, || true));
            assert_eq!(sleepers.states(), [Searching, Running]);
            // The announcement came first, so the pusher of that work may have notified it.
            let notified = || {
                assert_eq!(sleepers.stop_searching(0, || false), None);
                assert_eq!(sleepers.notify(), Some(1));
                true
            };
            assert!(!sleepers.fall_asleep(1, notified));
            assert_eq!(sleepers.states(), [Running, Searching]);
        });
    }

    #[test]
    fn who_wakes_up_by_itself_is_not_notified_and_who_was_notified_knows() {
        leak_check(|| {
            let sleepers = awake(2);
            assert!(sleepers.fall_asleep(0, || false));
            assert!(sleepers.fall_asleep(1, || false));
            assert!(!sleepers.wake_up(1));
            assert_eq!(sleepers.notify(), Some(0));
            assert!(sleepers.wake_up(0));
            assert_eq!(sleepers.stop_searching(0, || false), None);
            assert_eq!(sleepers.notify(), None);
            assert_eq!(format!("{sleepers:?}"), "Sleepers([Running, Running])");
        });
    }

    #[derive(Debug, Clone, Copy)]
    enum Op {
        Notify,
        Start(usize),
        Stop(usize, bool),
        FallAsleep(usize, bool),
        WakeUp(usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        let worker = || 0..6_usize;
        prop_oneof![
            Just(Op::Notify),
            worker().prop_map(Op::Start),
            (worker(), any::<bool>()).prop_map(|(worker, more)| Op::Stop(worker, more)),
            (worker(), any::<bool>()).prop_map(|(worker, more)| Op::FallAsleep(worker, more)),
            worker().prop_map(Op::WakeUp),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// The states, kept in the plainest way.
        #[test]
        fn the_counts_agree_with_the_states(n in 1..6_usize, ops in proptest::collection::vec(op(), 0..60)) {
            leak_check(|| {
                let sleepers = Sleepers::new(n);
                let mut states = vec![Sleeping; n];
                let count = |states: &[State], which| states.iter().filter(|&&state| state == which).count();
                let may_notify = |states: &[State]| count(states, Searching) == 0 && count(states, Sleeping) > 0;
                let notified = |worker: Option<usize>, states: &mut Vec<State>, expected: bool| {
                    assert_eq!(worker.is_some(), expected);
                    if let Some(worker) = worker {
                        assert_eq!(states[worker], Sleeping);
                        states[worker] = Searching;
                    }
                };
                for op in ops {
                    match op {
                        Op::Notify => {
                            let may = may_notify(&states);
                            notified(sleepers.notify(), &mut states, may);
                        }
                        Op::Start(worker) if worker < n && states[worker] == Running => {
                            let searching = count(&states, Searching);
                            let awake = n - count(&states, Sleeping);
                            let may = searching == 0 || 2 * (searching + 1) <= awake;
                            assert_eq!(sleepers.start_searching(worker), may);
                            if may {
                                states[worker] = Searching;
                            }
                        }
                        Op::Stop(worker, more) if worker < n && states[worker] != Sleeping => {
                            let was_last = states[worker] == Searching && count(&states, Searching) == 1;
                            states[worker] = Running;
                            let expected = was_last && more && may_notify(&states);
                            notified(sleepers.stop_searching(worker, || more), &mut states, expected);
                        }
                        Op::FallAsleep(worker, more) if worker < n && states[worker] != Sleeping => {
                            assert_eq!(sleepers.fall_asleep(worker, || more), !more);
                            states[worker] = if more { Searching } else { Sleeping };
                        }
                        Op::WakeUp(worker) if worker < n => {
                            assert_eq!(sleepers.wake_up(worker), states[worker] == Searching);
                            if states[worker] == Sleeping {
                                states[worker] = Running;
                            }
                        }
                        _ => {}
                    }
                    assert_eq!(sleepers.states(), states);
                    let counts = Counts(sleepers.counts.load(Ordering::Relaxed));
                    assert_eq!(counts.searching(), count(&states, Searching));
                    assert_eq!(counts.sleeping(), count(&states, Sleeping));
                    assert_eq!(sleepers.asleep.lock().len(), counts.sleeping());
                }
            });
        }
    }
}
