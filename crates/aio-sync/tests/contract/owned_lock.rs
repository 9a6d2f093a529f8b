//! The forms of the lock that keep a reference to it.

use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use aio_base::{Home, Local, Shared};
use aio_sync::{OwnedLockFuture, OwnedLockGuard};

use crate::common::{WakeLog, in_both_homes, now, panic_of, poll, poll_idle};

type Lock<H> = aio_sync::generic::Lock<u32, H>;

/// The methods of both homes under one name.
trait Owned: Home {
    fn lock(lock: &Self::Ref<Lock<Self>>) -> OwnedLockFuture<u32, Self>;
    fn try_lock(lock: &Self::Ref<Lock<Self>>) -> Option<OwnedLockGuard<u32, Self>>;
    fn n_refs(lock: &Self::Ref<Lock<Self>>) -> usize;
}

macro_rules! owned {
    ($home:ident, $ref:ident) => {
        impl Owned for $home {
            fn lock(lock: &$ref<Lock<Self>>) -> OwnedLockFuture<u32, Self> {
                lock.lock_owned()
            }
            fn try_lock(lock: &$ref<Lock<Self>>) -> Option<OwnedLockGuard<u32, Self>> {
                lock.try_lock_owned()
            }
            fn n_refs(lock: &$ref<Lock<Self>>) -> usize {
                $ref::strong_count(lock)
            }
        }
    };
}
owned!(Shared, Arc);
owned!(Local, Rc);

in_both_homes! {
    an_owned_guard_is_all_that_is_left_of_its_lock,
    owned_and_borrowed_waiters_stand_in_one_line,
    an_owned_waiter_that_is_dropped_passes_the_lock_on,
    an_owned_waiter_that_is_dropped_last_takes_the_lock_along,
    an_owned_future_and_its_guard_are_shown_as_the_others_are,
    a_panic_releases_an_owned_guard,
}

fn waiting<H: Owned>(lock: &H::Ref<Lock<H>>, log: &WakeLog, name: usize) -> Pin<Box<OwnedLockFuture<u32, H>>> {
    let mut future = Box::pin(H::lock(lock));
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn an_owned_guard_is_all_that_is_left_of_its_lock<H: Owned>() {
    let lock = H::new_ref(Lock::<H>::new(1));
    let mut guard = now(H::lock(&lock));
    assert!(H::try_lock(&lock).is_none());
    drop(lock);
    *guard += 1;
    assert_eq!((*guard, H::n_refs(OwnedLockGuard::source(&guard))), (2, 1));
    let lock = OwnedLockGuard::source(&guard).clone();
    drop(guard);
    assert_eq!(*H::try_lock(&lock).unwrap(), 2);
}

#[test]
fn an_owned_guard_may_be_of_any_type_that_does_something() {
    let shared: Arc<aio_sync::Lock<dyn Display + Send>> = Arc::new(aio_sync::Lock::new(1));
    let local: Rc<aio_sync::local::Lock<dyn Display>> = Rc::new(aio_sync::local::Lock::new(2));
    assert_eq!(format!("{} {}", now(shared.lock_owned()), now(local.lock_owned())), "1 2");
}

fn owned_and_borrowed_waiters_stand_in_one_line<H: Owned>() {
    let (lock, log) = (H::new_ref(Lock::<H>::new(1)), WakeLog::default());
    let held = H::try_lock(&lock).unwrap();
    let mut first = waiting::<H>(&lock, &log, 1);
    let mut second = Box::pin(lock.lock());
    assert!(poll(&mut second, &log.waker(2)).is_pending());
    drop(held);
    assert_eq!(log.take(), [1]);
    let Poll::Ready(held) = poll_idle(&mut first) else { panic!("it has the lock") };
    drop(held);
    assert_eq!(log.take(), [2]);
    assert!(poll_idle(&mut second).is_ready());
    assert!(!lock.is_locked());
}

fn an_owned_waiter_that_is_dropped_passes_the_lock_on<H: Owned>() {
    let (lock, log) = (H::new_ref(Lock::<H>::new(1)), WakeLog::default());
    let held = H::try_lock(&lock).unwrap();
    let [first, second, third] = [1, 2, 3].map(|name| waiting::<H>(&lock, &log, name));
    drop(second);
    drop(held);
    drop(first);
    assert_eq!(log.take(), [1, 3]);
    assert!(lock.is_locked());
    drop(third);
    assert!(!lock.is_locked());
    assert_eq!(H::n_refs(&lock), 1);
}

fn an_owned_waiter_that_is_dropped_last_takes_the_lock_along<H: Owned>() {
    // Queued, then woken.
    for is_released in [false, true] {
        let (lock, log) = (H::new_ref(Lock::<H>::new(1)), WakeLog::default());
        let held = H::try_lock(&lock).unwrap();
        let waiter = waiting::<H>(&lock, &log, 1);
        drop(lock);
        if is_released {
            drop(held);
            drop(waiter);
        } else {
            drop(waiter);
            drop(held);
        }
    }
}

fn an_owned_future_and_its_guard_are_shown_as_the_others_are<H: Owned>() {
    let lock = H::new_ref(Lock::<H>::new(1));
    let held = H::try_lock(&lock).unwrap();
    assert_eq!(format!("{held:?} {held} {:?}", H::lock(&lock)), "1 1 OwnedLockFuture(New)");
}

fn a_panic_releases_an_owned_guard<H: Owned>() {
    let lock = H::new_ref(Lock::<H>::new(0));
    let in_lock = panic_of(|| {
        let _guard = now(H::lock(&lock));
        std::panic::panic_any(5_usize);
    });
    assert_eq!((in_lock, lock.is_locked()), (5, false));
}
