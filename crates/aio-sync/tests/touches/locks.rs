//! Primitives that stand by themselves.

use std::pin::pin;

use aio_base::Home;
use aio_sync::generic::{
    Barrier, CapacityLimiter, Condition, Event, Latch, Lock, Notify, OnceCell, Queue, RwLock, Semaphore,
};
use aio_sync::{RwLockUpgradableReadGuard, RwLockWriteGuard};

use crate::{Row, now, touches, waiting};

/// The name, and a call of that.
macro_rules! table {
    ($($name:literal => $body:expr;)+) => {
        vec![$(($name, (|| _ = $body) as fn())),+]
    };
}
pub(crate) use table;

pub(crate) fn rows<H: Home>() -> Vec<Row> {
    let mut rows = table! {
        "lock::lock" => {
            let it = Lock::<_, H>::new(1);
            let guard = touches(&it, || now(it.lock()));
            let wait = touches(&it, || waiting(it.lock()));
            touches(&it, || drop(wait));
            touches(&it, || drop(guard));
        };
        "lock::try_lock" => {
            let it = Lock::<_, H>::new(1);
            let guard = touches(&it, || it.try_lock());
            touches(&it, || assert!(it.try_lock().is_none()));
            touches(&it, || drop(guard));
        };
        "lock::is_locked" => { let it = Lock::<_, H>::new(1); touches(&it, || it.is_locked()) };
        "debug of a lock" => { let it = Lock::<_, H>::new(1); touches(&it, || format!("{it:?}")) };

        "rwlock::read" => {
            let it = RwLock::<_, H>::new(1);
            let guard = touches(&it, || now(it.read()));
            touches(&it, || drop(guard));
            let _writer = it.try_write();
            let wait = touches(&it, || waiting(it.read()));
            touches(&it, || drop(wait));
        };
        "rwlock::write" => {
            let it = RwLock::<_, H>::new(1);
            let guard = touches(&it, || now(it.write()));
            let wait = touches(&it, || waiting(it.write()));
            touches(&it, || drop(wait));
            touches(&it, || drop(guard));
        };
        "rwlock::upgradable_read" => {
            let it = RwLock::<_, H>::new(1);
            let guard = touches(&it, || now(it.upgradable_read()));
            let wait = touches(&it, || waiting(it.upgradable_read()));
            touches(&it, || drop(wait));
            touches(&it, || drop(guard));
        };
        "rwlock::try_read" => { let it = RwLock::<_, H>::new(1); drop(touches(&it, || it.try_read())); };
        "rwlock::try_write" => { let it = RwLock::<_, H>::new(1); drop(touches(&it, || it.try_write())); };
        "rwlock::try_upgradable_read" => {
            let it = RwLock::<_, H>::new(1);
            drop(touches(&it, || it.try_upgradable_read()));
        };
        "rwlock/guard::upgrade" => {
            let it = RwLock::<_, H>::new(1);
            let guard = it.try_upgradable_read().unwrap();
            drop(touches(&it, || now(RwLockUpgradableReadGuard::upgrade(guard))));
            let (guard, _reader) = (it.try_upgradable_read().unwrap(), it.try_read());
            let wait = touches(&it, || waiting(RwLockUpgradableReadGuard::upgrade(guard)));
            touches(&it, || drop(wait));
        };
        "rwlock/guard::try_upgrade" => {
            let it = RwLock::<_, H>::new(1);
            let guard = it.try_upgradable_read().unwrap();
            drop(touches(&it, || RwLockUpgradableReadGuard::try_upgrade(guard)));
        };
        "rwlock/guard::downgrade" => {
            let it = RwLock::<_, H>::new(1);
            let guard = it.try_upgradable_read().unwrap();
            drop(touches(&it, || RwLockUpgradableReadGuard::downgrade(guard)));
            let guard = it.try_write().unwrap();
            drop(touches(&it, || RwLockWriteGuard::downgrade(guard)));
        };
        "rwlock/guard::downgrade_to_upgradable" => {
            let it = RwLock::<_, H>::new(1);
            let guard = it.try_write().unwrap();
            drop(touches(&it, || RwLockWriteGuard::downgrade_to_upgradable(guard)));
        };
        "debug of a read-write lock" => { let it = RwLock::<_, H>::new(1); touches(&it, || format!("{it:?}")) };

        "once_cell::is_set" => { let it = OnceCell::<u8, H>::new(); touches(&it, || it.is_set()) };
        "once_cell::get" => {
            let it = OnceCell::<u8, H>::new();
            touches(&it, || assert!(it.get().is_none()));
            it.set(1).unwrap();
            touches(&it, || assert!(it.get().is_some()));
        };
        "once_cell::set" => {
            let it = OnceCell::<u8, H>::new();
            touches(&it, || it.set(1)).unwrap();
            touches(&it, || it.set(1)).unwrap_err();
        };
        "once_cell::get_or_init" => {
            let it = OnceCell::<u8, H>::new();
            let init = touches(&it, || waiting(it.get_or_init(async || std::future::pending().await)));
            let wait = touches(&it, || waiting(it.get_or_init(async || 2)));
            touches(&it, || drop(wait));
            touches(&it, || drop(init));
            touches(&it, || now(it.get_or_init(async || 2)));
            touches(&it, || now(it.get_or_init(async || 3)));
        };
        "once_cell::get_or_try_init" => {
            let it = OnceCell::<u8, H>::new();
            touches(&it, || now(it.get_or_try_init(async || Err(())))).unwrap_err();
            touches(&it, || now(it.get_or_try_init(async || Ok::<_, ()>(3)))).unwrap();
        };
        "once_cell::wait" => {
            let it = OnceCell::<u8, H>::new();
            let wait = touches(&it, || waiting(it.wait()));
            touches(&it, || drop(wait));
            it.set(1).unwrap();
            touches(&it, || now(it.wait()));
        };
        "debug of a once cell" => { let it = OnceCell::<u8, H>::new(); touches(&it, || format!("{it:?}")) };

        "event::set" => {
            let it = Event::<H>::new();
            touches(&it, || it.set());
            touches(&it, || it.set());
        };
        "event::clear" => { let it = Event::<H>::new(); touches(&it, || it.clear()) };
        "event::is_set" => { let it = Event::<H>::new(); touches(&it, || it.is_set()) };
        "event::wait" => {
            let it = Event::<H>::new();
            let wait = touches(&it, || waiting(it.wait()));
            touches(&it, || drop(wait));
            it.set();
            touches(&it, || now(it.wait()));
        };
        "debug of an event" => { let it = Event::<H>::new(); touches(&it, || format!("{it:?}")) };
    };
    rows.extend(counted::<H>());
    rows.extend(told::<H>());
    rows
}

/// Those that count.
fn counted<H: Home>() -> Vec<Row> {
    table! {
        "semaphore::acquire" => {
            let it = Semaphore::<H>::new(1);
            let permit = touches(&it, || now(it.acquire()));
            let wait = touches(&it, || waiting(it.acquire()));
            touches(&it, || drop(wait));
            touches(&it, || drop(permit));
        };
        "semaphore::acquire_many" => {
            let it = Semaphore::<H>::new(1);
            drop(touches(&it, || now(it.acquire_many(1))));
        };
        "semaphore::try_acquire" => {
            let it = Semaphore::<H>::new(1);
            let permit = touches(&it, || it.try_acquire());
            touches(&it, || assert!(it.try_acquire().is_none()));
            touches(&it, || drop(permit));
        };
        "semaphore::try_acquire_many" => {
            let it = Semaphore::<H>::new(1);
            touches(&it, || assert!(it.try_acquire_many(2).is_none()));
        };
        "semaphore::available_permits" => { let it = Semaphore::<H>::new(1); touches(&it, || it.available_permits()) };
        "semaphore::add_permits" => { let it = Semaphore::<H>::new(1); touches(&it, || it.add_permits(1)) };
        "semaphore::forget_permits" => { let it = Semaphore::<H>::new(1); touches(&it, || it.forget_permits(1)) };
        "debug of a semaphore" => { let it = Semaphore::<H>::new(1); touches(&it, || format!("{it:?}")) };

        "limiter::acquire" => {
            let it = CapacityLimiter::<H>::new(1);
            let permit = touches(&it, || now(it.acquire()));
            let wait = touches(&it, || waiting(it.acquire()));
            touches(&it, || drop(wait));
            touches(&it, || drop(permit));
        };
        "limiter::acquire_many" => {
            let it = CapacityLimiter::<H>::new(1);
            drop(touches(&it, || now(it.acquire_many(1))));
        };
        "limiter::try_acquire" => { let it = CapacityLimiter::<H>::new(1); drop(touches(&it, || it.try_acquire())); };
        "limiter::try_acquire_many" => {
            let it = CapacityLimiter::<H>::new(1);
            touches(&it, || assert!(it.try_acquire_many(2).is_err()));
        };
        "limiter::set_total" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || it.set_total(2)) };
        "limiter::total" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || it.total()) };
        "limiter::borrowed" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || it.borrowed()) };
        "limiter::available" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || it.available()) };
        "limiter::statistics" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || it.statistics()) };
        "limiter::close" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || it.close()) };
        "limiter::is_closed" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || it.is_closed()) };
        "debug of a limiter" => { let it = CapacityLimiter::<H>::new(1); touches(&it, || format!("{it:?}")) };

        "barrier::wait" => {
            let it = Barrier::<H>::new(2);
            let wait = touches(&it, || waiting(it.wait()));
            touches(&it, || drop(wait));
            let _wait = waiting(it.wait());
            touches(&it, || now(it.wait())).unwrap();
        };
        "barrier::reset" => { let it = Barrier::<H>::new(2); touches(&it, || it.reset()) };
        "barrier::abort" => { let it = Barrier::<H>::new(2); touches(&it, || it.abort()) };
        "barrier::n_waiting" => { let it = Barrier::<H>::new(2); touches(&it, || it.n_waiting()) };
        "barrier::is_broken" => { let it = Barrier::<H>::new(2); touches(&it, || it.is_broken()) };
        "debug of a barrier" => { let it = Barrier::<H>::new(2); touches(&it, || format!("{it:?}")) };

        "latch::arrive" => { let it = Latch::<H>::new(2); touches(&it, || it.arrive()) };
        "latch::count_down" => { let it = Latch::<H>::new(2); touches(&it, || it.count_down(2)) };
        "latch::count" => { let it = Latch::<H>::new(2); touches(&it, || it.count()) };
        "latch::is_open" => { let it = Latch::<H>::new(2); touches(&it, || it.is_open()) };
        "latch::wait" => {
            let it = Latch::<H>::new(1);
            let wait = touches(&it, || waiting(it.wait()));
            touches(&it, || drop(wait));
            it.arrive();
            touches(&it, || now(it.wait()));
        };
        "debug of a latch" => { let it = Latch::<H>::new(2); touches(&it, || format!("{it:?}")) };
    }
}

/// Those where somebody tells somebody something.
fn told<H: Home>() -> Vec<Row> {
    table! {
        "condition::wait" => {
            let (it, lock) = (Condition::<H>::new(), Lock::<_, H>::new(1));
            let guard = lock.try_lock().unwrap();
            let wait = touches(&it, || waiting(it.wait(guard)));
            touches(&it, || drop(wait));
            let guard = lock.try_lock().unwrap();
            let wait = touches(&lock, || waiting(it.wait(guard)));
            it.notify_one();
            drop(touches(&lock, || now(wait)));
        };
        "condition::wait_for" => {
            let (it, lock) = (Condition::<H>::new(), Lock::<_, H>::new(1));
            let guard = lock.try_lock().unwrap();
            drop(touches(&it, || waiting(it.wait_for(guard, |_| false))));
        };
        "condition::notify_one" => { let it = Condition::<H>::new(); touches(&it, || it.notify_one()) };
        "condition::notify" => { let it = Condition::<H>::new(); touches(&it, || it.notify(2)) };
        "condition::notify_all" => { let it = Condition::<H>::new(); touches(&it, || it.notify_all()) };
        "debug of a condition" => { let it = Condition::<H>::new(); touches(&it, || format!("{it:?}")) };

        "notify::notify_one" => { let it = Notify::<H>::new(); touches(&it, || it.notify_one()) };
        "notify::notify_all" => { let it = Notify::<H>::new(); touches(&it, || it.notify_all()) };
        "notify::notified" => {
            let it = Notify::<H>::new();
            let wait = touches(&it, || waiting(it.notified()));
            touches(&it, || drop(wait));
            it.notify_one();
            touches(&it, || now(it.notified()));
        };
        "notify::enable" => {
            let it = Notify::<H>::new();
            let mut notified = pin!(it.notified());
            touches(&it, || notified.as_mut().enable());
        };
        "debug of a notify" => { let it = Notify::<H>::new(); touches(&it, || format!("{it:?}")) };

        "queue::put" => {
            let it = Queue::<_, H>::bounded(1);
            touches(&it, || now(it.put(1))).unwrap();
            let wait = touches(&it, || waiting(it.put(1)));
            touches(&it, || drop(wait));
        };
        "queue::get" => {
            let it = Queue::<_, H>::bounded(1);
            let wait = touches(&it, || waiting(it.get()));
            touches(&it, || drop(wait));
            it.try_put(1).unwrap();
            touches(&it, || now(it.get())).unwrap();
        };
        "queue::try_put" => { let it = Queue::<_, H>::bounded(1); touches(&it, || it.try_put(1)) };
        "queue::try_get" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || it.try_get()) };
        "queue::len" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || it.len()) };
        "queue::is_empty" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || it.is_empty()) };
        "queue::is_full" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || it.is_full()) };
        "queue::task_done" => {
            let it = Queue::<_, H>::bounded(1);
            it.try_put(1).unwrap();
            it.try_get().unwrap();
            touches(&it, || it.task_done());
        };
        "queue::join" => {
            let it = Queue::<_, H>::bounded(1);
            touches(&it, || now(it.join()));
            it.try_put(1).unwrap();
            let wait = touches(&it, || waiting(it.join()));
            touches(&it, || drop(wait));
        };
        "queue::close" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || it.close()) };
        "queue::close_now" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || it.close_now()) };
        "queue::is_closed" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || it.is_closed()) };
        "debug of a queue" => { let it = Queue::<u8, H>::bounded(1); touches(&it, || format!("{it:?}")) };
    }
}

/// Methods that keep a reference, which are written for each home.
pub(crate) mod owned {
    use std::rc::Rc;
    use std::sync::Arc;

    use aio_base::{Local, Shared};

    use super::*;

    macro_rules! owned_rows {
        ($name:ident, $Ref:ident, $H:ident) => {
            pub(crate) fn $name() -> Vec<Row> {
                table! {
                    "lock::lock_owned" => {
                        let it = $Ref::new(Lock::<_, $H>::new(1));
                        let guard = touches(&*it, || now(it.lock_owned()));
                        let wait = touches(&*it, || waiting(it.lock_owned()));
                        touches(&*it, || drop(wait));
                        touches(&*it, || drop(guard));
                    };
                    "lock::try_lock_owned" => {
                        let it = $Ref::new(Lock::<_, $H>::new(1));
                        drop(touches(&*it, || it.try_lock_owned()));
                    };
                    "rwlock/owned::read_owned" => {
                        let it = $Ref::new(RwLock::<_, $H>::new(1));
                        let guard = touches(&*it, || now(it.read_owned()));
                        touches(&*it, || drop(guard));
                    };
                    "rwlock/owned::write_owned" => {
                        let it = $Ref::new(RwLock::<_, $H>::new(1));
                        let guard = touches(&*it, || now(it.write_owned()));
                        touches(&*it, || drop(guard));
                    };
                    "rwlock/owned::upgradable_read_owned" => {
                        let it = $Ref::new(RwLock::<_, $H>::new(1));
                        let guard = touches(&*it, || now(it.upgradable_read_owned()));
                        touches(&*it, || drop(guard));
                    };
                    "rwlock/owned::try_read_owned" => {
                        let it = $Ref::new(RwLock::<_, $H>::new(1));
                        drop(touches(&*it, || it.try_read_owned()));
                    };
                    "rwlock/owned::try_write_owned" => {
                        let it = $Ref::new(RwLock::<_, $H>::new(1));
                        drop(touches(&*it, || it.try_write_owned()));
                    };
                    "rwlock/owned::try_upgradable_read_owned" => {
                        let it = $Ref::new(RwLock::<_, $H>::new(1));
                        drop(touches(&*it, || it.try_upgradable_read_owned()));
                    };
                    "semaphore/owned::acquire_owned" => {
                        let it = $Ref::new(Semaphore::<$H>::new(1));
                        let permit = touches(&*it, || now(it.acquire_owned()));
                        touches(&*it, || drop(permit));
                    };
                    "semaphore/owned::acquire_many_owned" => {
                        let it = $Ref::new(Semaphore::<$H>::new(1));
                        drop(touches(&*it, || waiting(it.acquire_many_owned(2))));
                    };
                    "semaphore/owned::try_acquire_owned" => {
                        let it = $Ref::new(Semaphore::<$H>::new(1));
                        drop(touches(&*it, || it.try_acquire_owned()));
                    };
                    "semaphore/owned::try_acquire_many_owned" => {
                        let it = $Ref::new(Semaphore::<$H>::new(1));
                        drop(touches(&*it, || it.try_acquire_many_owned(1)));
                    };
                    "limiter/owned::acquire_owned" => {
                        let it = $Ref::new(CapacityLimiter::<$H>::new(1));
                        let permit = touches(&*it, || now(it.acquire_owned()));
                        touches(&*it, || drop(permit));
                    };
                    "limiter/owned::acquire_many_owned" => {
                        let it = $Ref::new(CapacityLimiter::<$H>::new(1));
                        drop(touches(&*it, || waiting(it.acquire_many_owned(2))));
                    };
                    "limiter/owned::try_acquire_owned" => {
                        let it = $Ref::new(CapacityLimiter::<$H>::new(1));
                        drop(touches(&*it, || it.try_acquire_owned()));
                    };
                    "limiter/owned::try_acquire_many_owned" => {
                        let it = $Ref::new(CapacityLimiter::<$H>::new(1));
                        drop(touches(&*it, || it.try_acquire_many_owned(1)));
                    };
                }
            }
        };
    }

    owned_rows!(shared, Arc, Shared);
    owned_rows!(local, Rc, Local);
}
