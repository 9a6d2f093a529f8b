//! The forms of the read-write lock that keep a reference to it.

use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use aio_base::{Home, Local, Shared};
use aio_sync::{
    OwnedRwLockReadFuture, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadFuture, OwnedRwLockUpgradableReadGuard,
    OwnedRwLockWriteFuture, OwnedRwLockWriteGuard,
};

use crate::common::{WakeLog, in_both_homes, now, poll, poll_idle};

type RwLock<H> = aio_sync::generic::RwLock<u32, H>;

/// The methods of both homes under one name.
macro_rules! owned {
    ($($name:ident -> $output:ident$(<$option:ident>)?;)+) => {
        trait Owned: Home {
            $(fn $name(lock: &Self::Ref<RwLock<Self>>) -> owned!(@ $output $($option)? Self);)+
            fn n_refs(lock: &Self::Ref<RwLock<Self>>) -> usize;
        }
        owned!(@impl Shared Arc: $($name -> $output$(<$option>)?;)+);
        owned!(@impl Local Rc: $($name -> $output$(<$option>)?;)+);
    };
    (@impl $home:ident $ref:ident: $($name:ident -> $output:ident$(<$option:ident>)?;)+) => {
        impl Owned for $home {
            $(fn $name(lock: &$ref<RwLock<Self>>) -> owned!(@ $output $($option)? Self) {
                lock.$name()
            })+
            fn n_refs(lock: &$ref<RwLock<Self>>) -> usize {
                $ref::strong_count(lock)
            }
        }
    };
    (@ Option $guard:ident $home:ident) => { Option<$guard<u32, $home>> };
    (@ $future:ident $home:ident) => { $future<u32, $home> };
}
owned! {
    read_owned -> OwnedRwLockReadFuture;
    write_owned -> OwnedRwLockWriteFuture;
    upgradable_read_owned -> OwnedRwLockUpgradableReadFuture;
    try_read_owned -> Option<OwnedRwLockReadGuard>;
    try_write_owned -> Option<OwnedRwLockWriteGuard>;
    try_upgradable_read_owned -> Option<OwnedRwLockUpgradableReadGuard>;
}

in_both_homes! {
    an_owned_guard_is_all_that_is_left_of_its_lock,
    owned_and_borrowed_waiters_stand_in_one_line,
    an_owned_waiter_that_is_dropped_last_takes_the_lock_along,
    owned_guards_become_others,
    an_owned_guard_knows_its_lock,
    an_owned_upgrade_that_is_dropped_lets_the_others_in,
}

fn guard<F: Future>(mut future: Pin<Box<F>>) -> F::Output {
    match poll_idle(&mut future) {
        Poll::Ready(guard) => guard,
        Poll::Pending => panic!("it was not let in"),
    }
}

fn an_owned_guard_is_all_that_is_left_of_its_lock<H: Owned>() {
    let lock = H::new_ref(RwLock::<H>::new(1));
    let mut guard = now(H::write_owned(&lock));
    drop(lock);
    *guard += 1;
    assert_eq!(format!("{guard:?} {guard}"), "2 2");
    drop(guard);

    let lock = H::new_ref(RwLock::<H>::new(1));
    let guards = (H::try_read_owned(&lock).unwrap(), H::try_upgradable_read_owned(&lock).unwrap());
    assert!(H::try_write_owned(&lock).is_none());
    assert_eq!(H::n_refs(&lock), 3);
    drop(lock);
    assert_eq!(*guards.0 + *guards.1, 2);
}

fn owned_and_borrowed_waiters_stand_in_one_line<H: Owned>() {
    let (lock, log) = (H::new_ref(RwLock::<H>::new(1)), WakeLog::default());
    let held = H::try_write_owned(&lock).unwrap();
    let mut one = Box::pin(H::read_owned(&lock));
    let mut two = Box::pin(lock.read());
    let mut three = Box::pin(H::upgradable_read_owned(&lock));
    let mut four = Box::pin(H::write_owned(&lock));
    assert!(poll(&mut one, &log.waker(1)).is_pending());
    assert!(poll(&mut two, &log.waker(2)).is_pending());
    assert!(poll(&mut three, &log.waker(3)).is_pending());
    assert!(poll(&mut four, &log.waker(4)).is_pending());
    drop(held);
    assert_eq!(log.take(), [1, 2, 3]);
    drop((guard(one), guard(two), guard(three)));
    assert_eq!(log.take(), [4]);
    drop(four);
    assert!(lock.try_write().is_some());
    assert_eq!(H::n_refs(&lock), 1);
}

fn an_owned_waiter_that_is_dropped_last_takes_the_lock_along<H: Owned>() {
    for is_released in [false, true] {
        let lock = H::new_ref(RwLock::<H>::new(1));
        let held = H::try_read_owned(&lock).unwrap();
        let mut writer = Box::pin(H::write_owned(&lock));
        assert!(poll_idle(&mut writer).is_pending());
        drop(lock);
        if is_released {
            drop(held);
            drop(writer);
        } else {
            drop(writer);
            drop(held);
        }
    }
}

#[test]
fn an_owned_guard_may_be_of_any_type_that_does_something() {
    let shared: Arc<aio_sync::RwLock<dyn Display + Send + Sync>> = Arc::new(aio_sync::RwLock::new(1));
    let local: Rc<aio_sync::local::RwLock<dyn Display>> = Rc::new(aio_sync::local::RwLock::new(2));
    assert_eq!(format!("{} {}", now(shared.read_owned()), now(local.write_owned())), "1 2");
}

fn owned_guards_become_others<H: Owned>() {
    let lock = H::new_ref(RwLock::<H>::new(1));
    let held = now(H::upgradable_read_owned(&lock));
    let mut held = now(OwnedRwLockUpgradableReadGuard::upgrade(held));
    *held += 1;
    let held = OwnedRwLockWriteGuard::downgrade_to_upgradable(held);
    let read = H::try_read_owned(&lock).unwrap();
    let held = OwnedRwLockUpgradableReadGuard::try_upgrade(held).unwrap_err();
    drop(read);
    let held = OwnedRwLockUpgradableReadGuard::try_upgrade(held).unwrap();
    let held = OwnedRwLockWriteGuard::downgrade(held);
    assert_eq!(*held + *H::try_read_owned(&lock).unwrap(), 4);
    let other = OwnedRwLockUpgradableReadGuard::downgrade(H::try_upgradable_read_owned(&lock).unwrap());
    assert!(H::try_upgradable_read_owned(&lock).is_some());
    drop((held, other));
    assert!(H::try_write_owned(&lock).is_some());
    assert_eq!(H::n_refs(&lock), 1);
}

fn an_owned_guard_knows_its_lock<H: Owned>() {
    let lock = H::new_ref(RwLock::<H>::new(0));
    let reads = H::try_read_owned(&lock).unwrap();
    assert!(std::ptr::eq(&**OwnedRwLockReadGuard::source(&reads), &*lock));
    drop(reads);
    let reads = H::try_upgradable_read_owned(&lock).unwrap();
    assert!(std::ptr::eq(&**OwnedRwLockUpgradableReadGuard::source(&reads), &*lock));
    drop(reads);
    let writes = H::try_write_owned(&lock).unwrap();
    let source = OwnedRwLockWriteGuard::source(&writes).clone();
    drop(writes);
    assert!(source.try_write().is_some());
    assert_eq!(H::n_refs(&lock), 2);
}

fn an_owned_upgrade_that_is_dropped_lets_the_others_in<H: Owned>() {
    let (lock, log) = (H::new_ref(RwLock::<H>::new(1)), WakeLog::default());
    // Before it succeeds, and after.
    for is_released in [false, true] {
        let held = H::try_read_owned(&lock).unwrap();
        let upgradable = H::try_upgradable_read_owned(&lock).unwrap();
        let mut upgrade = Box::pin(OwnedRwLockUpgradableReadGuard::upgrade(upgradable));
        assert!(poll(&mut upgrade, &log.waker(1)).is_pending());
        let mut next = Box::pin(H::read_owned(&lock));
        assert!(poll(&mut next, &log.waker(2)).is_pending());
        if is_released {
            drop(held);
            assert_eq!(log.take(), [1]);
            drop(upgrade);
        } else {
            drop(upgrade);
            drop(held);
        }
        assert_eq!(log.take(), [2]);
        drop(guard(next));
        assert!(lock.try_write().is_some());
        assert_eq!(H::n_refs(&lock), 1);
    }
}
