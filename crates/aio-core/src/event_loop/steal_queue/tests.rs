use super::*;

#[cfg(aio_loom)]
mod loom;

/// Counts that come round soon, so that no test can rely on their order.
const NEAR_THE_END: u64 = u64::MAX - 2;

#[cfg(not(aio_loom))]
mod behaviour {
    use std::collections::VecDeque;
    use std::hint;

    use aio_base::live::leak_check;
    use aio_base::sync::Arc;
    use aio_base::sync::atomic::AtomicUsize;
    use aio_base::thread;
    use proptest::prelude::*;

    use super::*;

    /// Enough for all tests that need to tell items apart.
    static ITEMS: [u8; 4096] = [0; 4096];

    fn item(number: usize) -> NonNull<u8> {
        NonNull::from(&ITEMS[number])
    }

    fn number(item: NonNull<u8>) -> usize {
        item.addr().get() - ITEMS.as_ptr().addr()
    }

    /// A ring with the numbers from 0 to `n`, and an injector for the rest.
    fn ring<const N: usize>(n: usize) -> (StealQueue<u8, N>, Injector<u8>) {
        let (queue, injector) = (StealQueue::starting_at(NEAR_THE_END), Injector::new());
        for number in 0..n {
            // SAFETY: this thread is the only one.
            assert_eq!(unsafe { queue.push(item(number), &injector) }, Pushed::Kept);
        }
        (queue, injector)
    }

    fn drain<const N: usize>(queue: &StealQueue<u8, N>) -> Vec<usize> {
        // SAFETY: this thread is the only one.
        iter::from_fn(|| unsafe { queue.pop() }).map(number).collect()
    }

    fn drain_injector(injector: &Injector<u8>) -> Vec<usize> {
        iter::from_fn(|| injector.pop()).map(number).collect()
    }

    #[test]
    fn the_newer_half_of_a_full_ring_goes_into_the_injector_and_the_new_item_behind_it() {
        leak_check(|| {
            let (queue, injector) = ring::<256>(256);
            // SAFETY: this thread is the only one.
            assert_eq!(unsafe { queue.push(item(256), &injector) }, Pushed::Spilled);
            assert_eq!((queue.len(), injector.len()), (128, 129));
            assert_eq!(drain(&queue), (0..128).collect::<Vec<_>>());
            assert_eq!(drain_injector(&injector), (128..257).collect::<Vec<_>>());
            assert!(queue.is_empty() && injector.is_empty());
        });
    }

    #[test]
    fn a_thief_takes_the_older_half_and_runs_the_first_of_it() {
        leak_check(|| {
            for (n, stolen) in [(0, 0), (1, 1), (2, 1), (3, 2), (5, 3), (255, 128), (256, 128)] {
                let (victim, _) = ring::<CAPACITY>(n);
                let (thief, _) = ring::<CAPACITY>(0);
                // SAFETY: this thread is the only one.
                let first = unsafe { victim.steal_into(&thief, usize::MAX) }.map(number);
                assert_eq!(first, (n > 0).then_some(0), "of {n}");
                assert_eq!(drain(&thief), (1..stolen).collect::<Vec<_>>(), "of {n}");
                assert_eq!(drain(&victim), (stolen..n).collect::<Vec<_>>(), "of {n}");
            }
        });
    }

    #[test]
    fn a_thief_takes_no_more_than_its_limit_and_its_room() {
        leak_check(|| {
            let (victim, _) = ring::<8>(8);
            let (thief, injector) = ring::<8>(0);
            // SAFETY: this thread is the only one.
            unsafe {
                assert_eq!(victim.steal_into(&thief, 0), None);
                assert_eq!(victim.steal_into(&thief, 2).map(number), Some(0));
                assert_eq!((victim.len(), thief.len()), (6, 1));
                for number in 10..16 {
                    assert_eq!(thief.push(item(number), &injector), Pushed::Kept);
                }
                assert_eq!(victim.steal_into(&thief, 8).map(number), Some(2));
                assert_eq!((victim.len(), thief.len()), (5, 7));
                assert_eq!(thief.push(item(16), &injector), Pushed::Kept);
                assert_eq!(victim.steal_into(&thief, 8), None);
            }
            assert_eq!(drain(&thief), [1, 10, 11, 12, 13, 14, 15, 16]);
            assert_eq!(drain(&victim), [3, 4, 5, 6, 7]);
        });
    }

    #[test]
    fn head_and_tail_share_a_line_and_nothing_else_is_on_it() {
        assert_eq!(size_of::<Ends>(), 128);
        assert_eq!(align_of::<StealQueue<u8>>(), 128);
        assert_eq!(size_of::<StealQueue<u8>>(), 128 + CAPACITY * size_of::<usize>());
    }

    #[derive(Debug, Clone)]
    enum Op {
        Push,
        Pop,
        /// From the first ring into the second.
        Steal {
            limit: usize,
        },
        /// From the second ring.
        PopStolen,
        Inject,
        InjectBatch(usize),
        PopInjected,
        PopInto {
            share: usize,
        },
        Close,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            10 => Just(Op::Push),
            4 => Just(Op::Pop),
            2 => (0..10_usize).prop_map(|limit| Op::Steal { limit }),
            4 => Just(Op::PopStolen),
            2 => Just(Op::Inject),
            1 => (0..12_usize).prop_map(Op::InjectBatch),
            2 => Just(Op::PopInjected),
            2 => (0..5_usize).prop_map(|share| Op::PopInto { share }),
            1 => Just(Op::Close),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 2000 } else { 20_000 }))]

        /// Two rings and an injector against three plain queues.
        #[test]
        fn the_queues_behave_as_plain_ones(ops in proptest::collection::vec(op(), 0..200)) {
            const N: usize = 8;
            leak_check(|| {
                let (ring, injector) = ring::<N>(0);
                let stolen = StealQueue::<u8, N>::new();
                let [mut ring_model, mut stolen_model, mut injector_model] = [const { VecDeque::new() }; 3];
                let mut closed = false;
                let mut next = 0;
                let mut fresh = || {
                    next += 1;
                    next - 1
                };
                for op in ops {
                    // SAFETY: this thread is the only one, of all rings.
                    let (done, expected) = unsafe { match op {
                        Op::Push => {
                            let new = fresh();
                            let pushed = ring.push(item(new), &injector);
                            if ring_model.len() == N {
                                injector_model.extend(ring_model.drain(N / 2..));
                                injector_model.push_back(new);
                                assert_eq!(pushed, Pushed::Spilled);
                            } else {
                                ring_model.push_back(new);
                                assert_eq!(pushed, Pushed::Kept);
                            }
                            (None, None)
                        }
                        Op::Pop => (ring.pop(), ring_model.pop_front()),
                        Op::PopStolen => (stolen.pop(), stolen_model.pop_front()),
                        Op::Steal { limit } => {
                            let room = N - stolen_model.len();
                            let n = ring_model.len().div_ceil(2).min(limit).min(N / 2).min(room);
                            let mut taken = ring_model.drain(..n).collect::<VecDeque<_>>();
                            let first = taken.pop_front();
                            stolen_model.append(&mut taken);
                            (ring.steal_into(&stolen, limit), first)
                        }
                        Op::Inject => {
                            let new = fresh();
                            assert_eq!(injector.push(item(new)).is_err(), closed);
                            if !closed {
                                injector_model.push_back(new);
                            }
                            (None, None)
                        }
                        Op::InjectBatch(n) => {
                            let new = (0..n).map(|_| fresh()).collect::<Vec<_>>();
                            assert_eq!(injector.push_batch(new.iter().map(|&new| item(new))).is_err(), closed);
                            if !closed {
                                injector_model.extend(new);
                            }
                            (None, None)
                        }
                        Op::PopInjected => (injector.pop(), injector_model.pop_front()),
                        Op::PopInto { share } => {
                            let most = (N / 2 - 1).min(N - stolen_model.len());
                            let others = (injector_model.len() / share.max(1)).min(most);
                            let first = injector_model.pop_front();
                            let others = others.min(injector_model.len());
                            stolen_model.extend(injector_model.drain(..others));
                            (injector.pop_into(&stolen, share), first)
                        }
                        Op::Close => {
                            closed |= injector_model.is_empty();
                            assert_eq!(injector.close_if_empty(), closed && injector_model.is_empty());
                            (None, None)
                        }
                    } };
                    assert_eq!(done.map(number), expected);
                    assert_eq!(ring.len(), ring_model.len());
                    assert_eq!(stolen.len(), stolen_model.len());
                    assert_eq!(injector.len(), injector_model.len());
                    assert_eq!(stolen.is_empty(), stolen_model.is_empty());
                }
                assert_eq!(VecDeque::from(drain(&ring)), ring_model);
                assert_eq!(VecDeque::from(drain(&stolen)), stolen_model);
                assert_eq!(VecDeque::from(drain_injector(&injector)), injector_model);
            });
        }
    }

    /// The owner pushes and pops, four thieves steal, into rings from which they are robbed in turn; what overflows is
    /// taken out of the injector. Nothing is lost, and nothing comes twice.
    #[test]
    fn of_a_million_items_each_is_taken_once() {
        struct World {
            items: Vec<AtomicUsize>,
            rings: Vec<StealQueue<AtomicUsize>>,
            injector: Injector<AtomicUsize>,
            taken: AtomicUsize,
        }

        const ITEMS: usize = 1_000_000;

        impl World {
            fn take(&self, item: Option<NonNull<AtomicUsize>>) -> bool {
                let Some(item) = item else { return false };
                // SAFETY: an item of `self`.
                unsafe { item.as_ref() }.fetch_add(1, Ordering::Relaxed);
                self.taken.fetch_add(1, Ordering::Relaxed);
                true
            }

            fn is_over(&self) -> bool {
                self.taken.load(Ordering::Relaxed) >= ITEMS
            }
        }

        leak_check(|| {
            let world = Arc::new(World {
                items: (0..ITEMS).map(|_| AtomicUsize::new(0)).collect(),
                rings: (0..5).map(|_| StealQueue::starting_at(NEAR_THE_END)).collect(),
                injector: Injector::new(),
                taken: AtomicUsize::new(0),
            });
            let thieves = [1, 2, 3, 4].map(|me| {
                let world = world.clone();
                thread::spawn("thief", move || {
                    let mine = &world.rings[me];
                    let mut taken = 0;
                    while !world.is_over() {
                        // SAFETY: this thread is the only one that uses the ring as its own.
                        while world.take(unsafe { mine.pop() }) {
                            taken += 1;
                        }
                        let others = world.rings.iter().filter(|other| !ptr::eq(*other, mine));
                        // SAFETY: as above.
                        let mut stolen = others.filter_map(|other| unsafe { other.steal_into(mine, 128) });
                        // SAFETY: as above.
                        let found = stolen.next().or_else(|| unsafe { world.injector.pop_into(mine, 5) });
                        if world.take(found) {
                            taken += 1;
                        } else {
                            thread::yield_now();
                        }
                    }
                    taken
                })
                .unwrap()
            });
            let mut taken = 0_usize;
            let mine = &world.rings[0];
            for (i, item) in world.items.iter().enumerate() {
                // SAFETY: this thread is the only one that uses the ring as its own.
                _ = unsafe { mine.push(NonNull::from(item), &world.injector) };
                // Now and then the ring runs empty, and now and then it runs over.
                for _ in 0..[0, 1, 2, 1][i / 1000 % 4] {
                    // SAFETY: as above.
                    taken += usize::from(world.take(unsafe { mine.pop() }));
                }
                if i % 1000 == 0 {
                    hint::spin_loop();
                }
            }
            // SAFETY: as above.
            while world.take(unsafe { mine.pop() }) {
                taken += 1;
            }
            taken += thieves.map(|thief| thief.join().unwrap()).iter().sum::<usize>();
            assert_eq!(taken, ITEMS);
            assert!(world.items.iter().all(|item| item.load(Ordering::Relaxed) == 1), "lost, or taken twice");
            assert!(world.rings.iter().all(StealQueue::is_empty) && world.injector.is_empty());
        });
    }
}
