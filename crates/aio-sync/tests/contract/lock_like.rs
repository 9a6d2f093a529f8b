//! What one has for oneself for a while, whatever it is called.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use aio_base::{Home, Local, Shared};
use aio_sync::generic::{CapacityLimiter, Lock, Notify, RwLock, Semaphore};

use crate::common::{WakeLog, now, poll, poll_idle};

/// Something that one at a time can have.
trait LockLike {
    fn free() -> Self;
    fn acquire(&self) -> impl Future<Output = Held<'_>>;
    fn try_acquire(&self) -> Option<Held<'_>>;
}

/// A guard or permit.
type Held<'a> = Box<dyn Anything + 'a>;

trait Anything {}
impl<T> Anything for T {}

macro_rules! lock_like {
    ($($type:ty: $new:expr, $this:ident => $acquire:expr, $try_acquire:expr;)+) => {$(
        impl LockLike for $type {
            fn free() -> Self {
                $new
            }
            async fn acquire(&self) -> Held<'_> {
                let $this = self;
                Box::new($acquire.await)
            }
            fn try_acquire(&self) -> Option<Held<'_>> {
                let $this = self;
                $try_acquire.map(|held| Box::new(held) as Held<'_>)
            }
        }
    )+};
}

/// The types of both homes, and the suite for each of them.
macro_rules! suite {
    ($($name:ident: $type:ty;)+) => {$(
        mod $name {
            use super::*;

            type It = $type;

            suite! { @
                a_free_one_is_had_without_yielding,
                first_come_first_served,
                nobody_overtakes_one_that_was_woken,
                trying_never_waits_and_takes_no_place,
                one_that_gives_up_in_the_line_is_not_missed,
                one_that_gives_up_when_it_is_woken_passes_it_on,
                one_that_is_dropped_while_it_has_it_gives_it_back,
                the_waker_of_the_last_poll_is_called,
                a_future_that_was_never_polled_is_nobody,
                when_all_are_gone_it_is_free,
            }
        }
    )+};
    (@ $($test:ident,)+) => {
        $(
            #[test]
            fn $test() {
                aio_base::live::leak_check(super::$test::<It>);
            }
        )+
    };
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Held<'a>> + 'a>>;

fn waiting<L: LockLike>(lock: &L) -> Waiting<'_> {
    Box::pin(lock.acquire())
}

/// In the line, in this order, with wakers of these names.
fn line<'a, L: LockLike>(lock: &'a L, log: &WakeLog, names: std::ops::Range<usize>) -> Vec<Waiting<'a>> {
    let mut line: Vec<_> = names.clone().map(|_| waiting(lock)).collect();
    for (waiter, name) in line.iter_mut().zip(names) {
        assert!(poll(waiter, &log.waker(name)).is_pending());
    }
    line
}

fn have<'a>(waiting: &mut Waiting<'a>) -> Held<'a> {
    match poll_idle(waiting) {
        Poll::Ready(held) => held,
        Poll::Pending => panic!("it was not given to the one that was woken"),
    }
}

fn a_free_one_is_had_without_yielding<L: LockLike>() {
    let lock = L::free();
    for _ in 0..3 {
        drop(now(lock.acquire()));
        drop(lock.try_acquire().unwrap());
    }
}

fn first_come_first_served<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let mut held = now(lock.acquire());
    let mut line = line(&lock, &log, 0..5);
    for name in 0..5 {
        drop(held);
        assert_eq!(log.take(), [name]);
        // Whoever is polled for another reason waits on.
        for (later, name) in line.iter_mut().zip(name..).skip(1) {
            assert!(poll(later, &log.waker(name)).is_pending());
        }
        held = have(&mut line.remove(0));
    }
    drop(held);
    assert_eq!(log.take(), [0; 0]);
}

fn nobody_overtakes_one_that_was_woken<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let held = now(lock.acquire());
    let mut first = line(&lock, &log, 0..1);
    drop(held);
    // It has not run yet.
    assert!(lock.try_acquire().is_none());
    let mut second = line(&lock, &log, 1..2);
    let held = have(&mut first[0]);
    assert!(poll(&mut second[0], &log.waker(1)).is_pending());
    assert_eq!(log.take(), [0]);
    drop(held);
    assert_eq!(log.take(), [1]);
    drop(have(&mut second[0]));
}

fn trying_never_waits_and_takes_no_place<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let held = lock.try_acquire().unwrap();
    assert!(lock.try_acquire().is_none());
    let mut line = line(&lock, &log, 0..1);
    assert!(lock.try_acquire().is_none());
    drop(held);
    assert_eq!(log.take(), [0]);
    let held = have(&mut line[0]);
    assert!(lock.try_acquire().is_none());
    drop(held);
    drop(lock.try_acquire().unwrap());
}

fn one_that_gives_up_in_the_line_is_not_missed<L: LockLike>() {
    // The first, one in the middle, the last; and all.
    for gone in [vec![0], vec![1], vec![2], vec![0, 1], vec![1, 2], vec![2, 0], vec![1, 0, 2]] {
        let (lock, log) = (L::free(), WakeLog::default());
        let held = now(lock.acquire());
        let mut waiters: Vec<_> = line(&lock, &log, 0..3).into_iter().map(Some).collect();
        gone.iter().for_each(|i| waiters[*i] = None);
        assert_eq!(log.take(), [0; 0]);
        drop(held);
        for (name, waiter) in waiters.iter_mut().enumerate().filter(|(_, waiter)| waiter.is_some()) {
            assert_eq!(log.take(), [name], "without {gone:?}");
            drop(have(waiter.as_mut().unwrap()));
        }
        assert_eq!(log.take(), [0; 0]);
        assert!(lock.try_acquire().is_some(), "without {gone:?}");
    }
}

fn one_that_gives_up_when_it_is_woken_passes_it_on<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let held = now(lock.acquire());
    let mut line = line(&lock, &log, 0..4);
    drop(held);
    for name in 0..3 {
        assert_eq!(log.take(), [name]);
        drop(line.remove(0));
    }
    assert_eq!(log.take(), [3]);
    assert!(lock.try_acquire().is_none());
    drop(line);
    assert!(lock.try_acquire().is_some());
}

fn one_that_is_dropped_while_it_has_it_gives_it_back<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let mut running = Box::pin(async {
        let _held = lock.acquire().await;
        std::future::pending::<()>().await;
    });
    assert!(poll_idle(&mut running).is_pending());
    let mut line = line(&lock, &log, 0..1);
    drop(running);
    assert_eq!(log.take(), [0]);
    drop(have(&mut line[0]));
}

fn the_waker_of_the_last_poll_is_called<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let held = now(lock.acquire());
    let mut line = line(&lock, &log, 0..2);
    assert!(poll(&mut line[0], &log.waker(7)).is_pending());
    drop(held);
    assert_eq!(log.take(), [7]);
    // Polled for another reason before it is polled for this one.
    drop(have(&mut line[0]));
    assert_eq!(log.take(), [1]);
}

fn a_future_that_was_never_polled_is_nobody<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let unpolled = waiting(&lock);
    let held = now(lock.acquire());
    let unpolled_later = waiting(&lock);
    let mut line = line(&lock, &log, 0..1);
    drop((unpolled, held, unpolled_later));
    assert_eq!(log.take(), [0]);
    drop(have(&mut line[0]));
}

fn when_all_are_gone_it_is_free<L: LockLike>() {
    let (lock, log) = (L::free(), WakeLog::default());
    let held = now(lock.acquire());
    drop(line(&lock, &log, 0..3));
    drop(held);
    assert_eq!(log.take(), [0; 0]);
    drop(now(lock.acquire()));
}

/// The access of a reader who may go on as the writer.
struct Upgradable<H: Home>(RwLock<(), H>);

/// A notification that is kept, or passed on.
struct Baton<H: Home>(Notify<H>);

struct BatonHeld<'a, H: Home>(&'a Notify<H>);

impl<H: Home> Drop for BatonHeld<'_, H> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn baton<H: Home>() -> Baton<H> {
    let notify = Notify::new();
    notify.notify_one();
    Baton(notify)
}

impl<H: Home> Baton<H> {
    /// A future that is polled once.
    fn at_once(&self) -> Option<BatonHeld<'_, H>> {
        poll_idle(&mut Box::pin(self.0.notified())).is_ready().then(|| BatonHeld(&self.0))
    }
}

lock_like! {
    RwLock<(), Shared>: RwLock::new(()), it => it.write(), it.try_write();
    RwLock<(), Local>: RwLock::new(()), it => it.write(), it.try_write();
    Arc<RwLock<(), Shared>>: Arc::new(RwLock::new(())), it => it.write_owned(), it.try_write_owned();
    Upgradable<Shared>: Upgradable(RwLock::new(())), it => it.0.upgradable_read(), it.0.try_upgradable_read();
    Upgradable<Local>: Upgradable(RwLock::new(())), it => it.0.upgradable_read(), it.0.try_upgradable_read();
    Baton<Shared>: baton(), it => async { it.0.notified().await; BatonHeld(&it.0) },
        it.at_once();
    Baton<Local>: baton(), it => async { it.0.notified().await; BatonHeld(&it.0) },
        it.at_once();
    Lock<(), Shared>:
        Lock::new(()), it => it.lock(), it.try_lock();
    Lock<(), Local>:
        Lock::new(()), it => it.lock(), it.try_lock();
    Arc<Lock<(), Shared>>:
        Arc::new(Lock::new(())), it => it.lock_owned(), it.try_lock_owned();
    Rc<Lock<(), Local>>:
        Rc::new(Lock::new(())), it => it.lock_owned(), it.try_lock_owned();
    Semaphore<Shared>:
        Semaphore::new(1), it => it.acquire(), it.try_acquire();
    Semaphore<Local>:
        Semaphore::new(1), it => it.acquire(), it.try_acquire();
    Arc<Semaphore<Shared>>:
        Arc::new(Semaphore::new(1)), it => it.acquire_owned(), it.try_acquire_owned();
    Rc<Semaphore<Local>>:
        Rc::new(Semaphore::new(1)), it => it.acquire_owned(), it.try_acquire_owned();
    CapacityLimiter<Shared>:
        CapacityLimiter::new(1), it => async { it.acquire().await.unwrap() }, it.try_acquire().ok();
    CapacityLimiter<Local>:
        CapacityLimiter::new(1), it => async { it.acquire().await.unwrap() }, it.try_acquire().ok();
}

suite! {
    lock: Lock<(), Shared>;
    local_lock: Lock<(), Local>;
    owned_lock: Arc<Lock<(), Shared>>;
    local_owned_lock: Rc<Lock<(), Local>>;
    semaphore: Semaphore<Shared>;
    local_semaphore: Semaphore<Local>;
    owned_semaphore: Arc<Semaphore<Shared>>;
    local_owned_semaphore: Rc<Semaphore<Local>>;
    limiter: CapacityLimiter<Shared>;
    local_limiter: CapacityLimiter<Local>;
    rwlock_for_writing: RwLock<(), Shared>;
    local_rwlock_for_writing: RwLock<(), Local>;
    owned_rwlock_for_writing: Arc<RwLock<(), Shared>>;
    rwlock_that_may_be_upgraded: Upgradable<Shared>;
    local_rwlock_that_may_be_upgraded: Upgradable<Local>;
    notify: Baton<Shared>;
    local_notify: Baton<Local>;
}
