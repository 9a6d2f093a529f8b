//! Random streams under seeds: nothing that was asked for is lost, whoever gives up waiting for it.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;

use aio_core::local;
use aio_group::local::TaskGroup;
use aio_stream::{Stream, StreamExt, generate, iter, merge_all};

use crate::dice::{Dice, MS, under_seeds};

#[path = "../../aio-test/tests/support/dice.rs"]
mod dice;

/// By whom, and which of its items.
type Item = (u32, u32);

/// Items that come now and then.
fn source(dice: Dice, number: u32, n: u32) -> Pin<Box<dyn Stream<Item = Item>>> {
    Box::pin(generate(async move |out| {
        for item in 0..n {
            dice.pause().await;
            out.emit((number, item)).await;
        }
        dice.pause().await;
    }))
}

/// All items of `stream`, asked for by one who gives up now and then.
async fn collect<T>(dice: &Dice, stream: impl Stream<Item = T>) -> Vec<T> {
    let (mut stream, mut items) = (pin!(stream), Vec::new());
    loop {
        match dice.attempt(stream.next()).await {
            Some(Some(item)) => items.push(item),
            Some(None) => return items,
            None => {}
        }
        dice.pause().await;
    }
}

/// All of them, and those of each source in their order.
fn expect_all(items: &[Item], counts: &[u32]) {
    assert_eq!(items.len(), counts.iter().sum::<u32>() as usize);
    for (number, n) in (0..).zip(counts) {
        let of_one: Vec<u32> = items.iter().filter(|item| item.0 == number).map(|item| item.1).collect();
        assert_eq!(of_one, (0..*n).collect::<Vec<_>>(), "of source {number}");
    }
}

#[test]
fn merged_streams_lose_nothing() {
    under_seeds("merged_streams_lose_nothing", async |dice| {
        let counts: Vec<u32> = (0..1 + dice.below(4)).map(|_| dice.below(4)).collect();
        let mut sources: Vec<_> = (0..).zip(&counts).map(|(number, n)| source(dice.fork(), number, *n)).collect();
        let items = if dice.one_in(2) {
            let last = sources.pop().expect("there is one");
            collect(&dice, merge_all(sources).merge(last)).await
        } else {
            collect(&dice, merge_all(sources)).await
        };
        expect_all(&items, &counts);
    });
}

#[test]
fn streams_with_a_sense_of_time_lose_nothing() {
    under_seeds("streams_with_a_sense_of_time_lose_nothing", async |dice| {
        let n = dice.below(7);
        let source = source(dice.fork(), 0, n);
        let duration = (1 + dice.below(9)) * MS;
        let items = match dice.below(4) {
            0 => {
                let size = 1 + dice.below(3) as usize;
                let portions = collect(&dice, source.chunks_timeout(size, duration)).await;
                assert!(portions.iter().all(|portion| (1..=size).contains(&portion.len())));
                portions.concat()
            }
            1 => collect(&dice, source.throttle(duration)).await,
            2 => collect(&dice, source.timeout(duration)).await.into_iter().filter_map(Result::ok).collect(),
            _ => {
                // Of those that come fast some are left out, but not the last.
                let items = collect(&dice, source.debounce(duration)).await;
                assert!(items.is_sorted_by(|one, other| one.1 < other.1));
                assert_eq!(items.last().map(|item| item.1 + 1).unwrap_or_default(), n);
                return;
            }
        };
        expect_all(&items, &[n]);
    });
}

/// How many futures there are whose outputs were not taken, and how many run.
#[derive(Default)]
struct World {
    there: Cell<usize>,
    running: Cell<usize>,
    ended: Cell<u32>,
}

struct Running<'a>(&'a World);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}

/// A future that is there once it is polled.
async fn job(world: &World, dice: Dice, limit: usize, number: u32) -> u32 {
    world.there.set(world.there.get() + 1);
    world.running.set(world.running.get() + 1);
    assert!(world.there.get() <= limit && world.running.get() <= limit);
    let _running = Running(world);
    let _guard = local::defer(dice.fork(), async |dice| dice.pause().await);
    dice.pause().await;
    dice.pause().await;
    world.ended.set(world.ended.get() + 1);
    number
}

#[test]
fn futures_in_a_group_all_run_and_give_their_outputs() {
    under_seeds("futures_in_a_group_all_run_and_give_their_outputs", async |dice| {
        let (world, n, limit) = (World::default(), dice.below(7), 1 + dice.below(3) as usize);
        let group = TaskGroup::new();
        let collected = group.join(async {
            let jobs = iter(0..n).map(|number| job(&world, dice.fork(), limit, number));
            let taken = |_: &u32| world.there.set(world.there.get() - 1);
            match dice.one_in(2) {
                true => collect(&dice, jobs.buffered_in(&group, limit).inspect(taken)).await,
                false => {
                    let mut outputs = collect(&dice, jobs.buffer_unordered_in(&group, limit).inspect(taken)).await;
                    outputs.sort_unstable();
                    outputs
                }
            }
        });
        assert_eq!(collected.await, (0..n).collect::<Vec<_>>());
        assert_eq!((world.there.get(), world.running.get(), world.ended.get()), (0, 0, n));
    });
}

#[test]
fn a_group_of_its_own_maps_all_items_or_ends_with_none() {
    under_seeds("a_group_of_its_own_maps_all_items_or_ends_with_none", async |dice| {
        let (world, n, limit) = (Rc::new(World::default()), dice.below(7), 1 + dice.below(3) as usize);
        let task = local::spawn({
            let (dice, world) = (dice.fork(), world.clone());
            async move {
                let items = source(dice.fork(), 0, n);
                let run = async |number| {
                    let output = job(&world, dice.fork(), limit, number).await;
                    world.there.set(world.there.get() - 1);
                    output
                };
                if dice.one_in(2) {
                    let Some(outputs) = dice.attempt(items.map_concurrent(limit, |item| run(item.1))).await else {
                        return;
                    };
                    assert_eq!(outputs, (0..n).collect::<Vec<_>>());
                } else {
                    let each = items.for_each_concurrent(limit, async |item| _ = run(item.1).await);
                    let Some(()) = dice.attempt(each).await else { return };
                }
                assert_eq!((world.running.get(), world.ended.get()), (0, n));
            }
        });
        dice.join(vec![task]).await;
        assert_eq!(world.running.get(), 0);
    });
}
