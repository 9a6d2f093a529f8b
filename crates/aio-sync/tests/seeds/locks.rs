//! One at a time, or none that writes beside those that read.

use std::cell::Cell;
use std::rc::Rc;

use aio_base::Home;
use aio_core::local;
use aio_sync::generic::{Lock, OnceCell, RwLock};
use aio_sync::{RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};

use crate::dice::Dice;
use crate::under_seeds;

under_seeds! {
    a_lock_is_held_by_one_at_a_time: lock;
    who_writes_is_alone: rwlock;
    a_value_is_made_once: once_cell;
}

/// How many are in there: less by one when what came of entering is dropped.
#[derive(Default)]
struct Count(Cell<u32>);

impl Count {
    fn enter(&self) -> Inside<'_> {
        self.0.set(self.0.get() + 1);
        Inside(self)
    }

    fn get(&self) -> u32 {
        self.0.get()
    }
}

struct Inside<'a>(&'a Count);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() - 1);
    }
}

/// What locks guard, seen from the outside.
#[derive(Default)]
struct Room {
    readers: Count,
    upgradable: Count,
    writers: Count,
    n_written: Cell<u32>,
}

impl Room {
    async fn read(&self, dice: &Dice, value: &u32) {
        let _inside = self.readers.enter();
        assert_eq!(self.writers.get(), 0);
        let seen = *value;
        dice.pause().await;
        assert_eq!((*value, self.writers.get()), (seen, 0));
    }

    async fn read_upgradable(&self, dice: &Dice, value: &u32) {
        let _inside = self.upgradable.enter();
        assert_eq!(self.upgradable.get(), 1);
        self.read(dice, value).await;
    }

    async fn write(&self, dice: &Dice, value: &mut u32) {
        let _inside = self.writers.enter();
        assert_eq!((self.readers.get(), self.upgradable.get(), self.writers.get()), (0, 0, 1));
        let seen = *value;
        dice.pause().await;
        *value = seen + 1;
        self.n_written.set(self.n_written.get() + 1);
    }
}

async fn lock<H: Home>(dice: Dice) {
    let (lock, room) = (Rc::new(Lock::<u32, H>::new(0)), Rc::new(Room::default()));
    let task = |n_rounds| {
        let (dice, lock, room) = (dice.fork(), lock.clone(), room.clone());
        local::spawn(async move {
            for _ in 0..n_rounds {
                let guard = if dice.one_in(4) { lock.try_lock() } else { dice.attempt(lock.lock()).await };
                if let Some(mut guard) = guard {
                    room.write(&dice, &mut guard).await;
                }
                dice.pause().await;
            }
        })
    };
    let tasks = (0..2 + dice.below(3)).map(|_| task(1 + dice.below(4))).collect();
    dice.join(tasks).await;
    assert_eq!(*lock.try_lock().expect("nobody has it"), room.n_written.get());
}

async fn rwlock<H: Home>(dice: Dice) {
    let (lock, room) = (Rc::new(RwLock::<u32, H>::new(0)), Rc::new(Room::default()));
    let task = |n_rounds| {
        let (dice, lock, room) = (dice.fork(), lock.clone(), room.clone());
        local::spawn(async move {
            for _ in 0..n_rounds {
                enter(&dice, &lock, &room).await;
                dice.pause().await;
            }
        })
    };
    let tasks = (0..2 + dice.below(3)).map(|_| task(1 + dice.below(4))).collect();
    dice.join(tasks).await;
    assert_eq!(*lock.try_write().expect("nobody has it"), room.n_written.get());
}

/// Enters in one of three ways, and may go from one to another.
async fn enter<H: Home>(dice: &Dice, lock: &RwLock<u32, H>, room: &Room) {
    match dice.below(4) {
        0 | 1 => {
            let Some(guard) = dice.attempt(lock.read()).await else { return };
            room.read(dice, &guard).await;
        }
        2 => {
            let Some(mut guard) = dice.attempt(lock.write()).await else { return };
            room.write(dice, &mut guard).await;
            if dice.one_in(2) {
                let guard = RwLockWriteGuard::downgrade(guard);
                room.read(dice, &guard).await;
            }
        }
        _ => {
            let Some(guard) = dice.attempt(lock.upgradable_read()).await else { return };
            room.read_upgradable(dice, &guard).await;
            if dice.one_in(3) {
                let guard: RwLockReadGuard<'_, _, _> = RwLockUpgradableReadGuard::downgrade(guard);
                return room.read(dice, &guard).await;
            }
            let Some(mut guard) = dice.attempt(RwLockUpgradableReadGuard::upgrade(guard)).await else { return };
            room.write(dice, &mut guard).await;
            if dice.one_in(2) {
                let guard = RwLockWriteGuard::downgrade_to_upgradable(guard);
                room.read_upgradable(dice, &guard).await;
            }
        }
    }
}

async fn once_cell<H: Home>(dice: Dice) {
    let (cell, room, value) = (Rc::new(OnceCell::<u32, H>::new()), Rc::new(Room::default()), Rc::new(Cell::new(0)));
    let task = |number| {
        let (dice, cell, room, value) = (dice.fork(), cell.clone(), room.clone(), value.clone());
        local::spawn(async move {
            let make = async || {
                assert_eq!(value.get(), 0, "it was made already");
                let _inside = room.writers.enter();
                assert_eq!(room.writers.get(), 1);
                dice.pause().await;
                if dice.one_in(4) {
                    return Err(());
                }
                value.set(number);
                Ok(number)
            };
            if let Some(Ok(seen)) = dice.attempt(cell.get_or_try_init(make)).await {
                assert_eq!(*seen, value.get());
            }
        })
    };
    let tasks = (1..=1 + dice.below(5)).map(task).collect();
    // Whoever waits only waits as long as nobody has made it.
    let waiter = local::spawn({
        let (cell, value) = (cell.clone(), value.clone());
        async move { assert_eq!(*cell.wait().await, value.get()) }
    });
    dice.join(tasks).await;
    assert_eq!(cell.get().copied().unwrap_or(0), value.get());
    let made = *cell.get_or_init(async || 100).await;
    if value.get() == 0 {
        value.set(made);
    }
    assert_eq!(made, value.get());
    waiter.await;
}
