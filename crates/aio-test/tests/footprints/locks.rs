//! What is done to the primitives that stand by themselves.

use aio_base::Home;
use aio_sync::generic::{
    Barrier, CapacityLimiter, Condition, Event, Latch, Lock, Notify, OnceCell, Queue, RwLock, Semaphore,
};
use aio_sync::{LockGuard, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};

use crate::actor::{Kind, kinds};

/// One of each.
pub(crate) struct Locks<H: Home> {
    pub(crate) lock: Lock<Vec<usize>, H>,
    pub(crate) rwlock: RwLock<Vec<usize>, H>,
    pub(crate) once: OnceCell<usize, H>,
    pub(crate) event: Event<H>,
    pub(crate) condition: Condition<H>,
    pub(crate) guarded: Lock<usize, H>,
    pub(crate) semaphore: Semaphore<H>,
    pub(crate) limiter: CapacityLimiter<H>,
    pub(crate) barrier: Barrier<H>,
    pub(crate) latch: Latch<H>,
    pub(crate) notify: Notify<H>,
    pub(crate) queue: Queue<usize, H>,
}

impl<H: Home> Locks<H> {
    pub(crate) fn new() -> Self {
        Self {
            lock: Lock::new(Vec::new()),
            rwlock: RwLock::new(Vec::new()),
            once: OnceCell::new(),
            event: Event::new(),
            condition: Condition::new(),
            guarded: Lock::new(0),
            semaphore: Semaphore::new(2),
            limiter: CapacityLimiter::new(2),
            barrier: Barrier::new(2),
            latch: Latch::new(3),
            notify: Notify::new(),
            queue: Queue::bounded(1),
        }
    }

    /// What can be seen of them.
    pub(crate) fn look(&self) -> String {
        let Self { lock, rwlock, once, event, condition, guarded, semaphore, limiter, barrier, latch, notify, queue } =
            self;
        format!(
            "{lock:?} {rwlock:?} {once:?} {event:?} {condition:?} {guarded:?} {semaphore:?} {limiter:?} {barrier:?} \
             {latch:?} {notify:?} {queue:?}"
        )
    }
}

pub(crate) fn lock<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "lock": |w, a| {
            let mut guard = w.locks.lock.lock().await;
            guard.push(a.name);
            a.holds(format_args!("{guard:?}")).await;
            guard.push(a.name);
            format!("{guard:?}")
        };
        "try_lock": |w, a| match w.locks.lock.try_lock() {
            Some(mut guard) => {
                guard.push(a.name);
                a.holds(format_args!("{guard:?} of {:?}", LockGuard::source(&guard))).await;
                "over".to_owned()
            }
            None => "locked".to_owned(),
        };
        "is_locked": |w, _| w.locks.lock.is_locked().to_string();
        "debug": |w, _| format!("{:?}", w.locks.lock);
    }
}

pub(crate) fn rwlock<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "read": |w, a| {
            let guard = w.locks.rwlock.read().await;
            a.holds(format_args!("{guard:?}")).await;
            format!("{guard:?}")
        };
        "write": |w, a| {
            let mut guard = w.locks.rwlock.write().await;
            guard.push(a.name);
            a.holds(format_args!("{guard:?}")).await;
            guard.push(a.name);
            let guard = RwLockWriteGuard::downgrade(guard);
            a.holds("it to read").await;
            format!("{guard:?}")
        };
        "upgradable_read": |w, a| {
            let guard = w.locks.rwlock.upgradable_read().await;
            a.holds(format_args!("{guard:?}")).await;
            let mut guard = RwLockUpgradableReadGuard::upgrade(guard).await;
            guard.push(a.name);
            a.holds(format_args!("{guard:?}")).await;
            let guard = RwLockWriteGuard::downgrade_to_upgradable(guard);
            a.holds("it to upgrade").await;
            let guard = RwLockUpgradableReadGuard::downgrade(guard);
            a.holds("it to read").await;
            format!("{guard:?}")
        };
        "try_read": |w, a| match w.locks.rwlock.try_read() {
            Some(guard) => {
                a.holds(format_args!("{guard:?} of {:?}", RwLockReadGuard::source(&guard))).await;
                "over".to_owned()
            }
            None => "locked".to_owned(),
        };
        "try_write": |w, a| match w.locks.rwlock.try_write() {
            Some(mut guard) => {
                guard.push(a.name);
                a.holds(format_args!("{guard:?}")).await;
                "over".to_owned()
            }
            None => "locked".to_owned(),
        };
        "try_upgradable_read": |w, a| match w.locks.rwlock.try_upgradable_read() {
            Some(guard) => {
                a.holds(format_args!("{guard:?}")).await;
                match RwLockUpgradableReadGuard::try_upgrade(guard) {
                    Ok(mut guard) => {
                        guard.push(a.name);
                        a.holds(format_args!("{guard:?}")).await;
                    }
                    Err(guard) => a.holds(format_args!("not more than {guard:?}")).await,
                }
                "over".to_owned()
            }
            None => "locked".to_owned(),
        };
        "debug": |w, _| format!("{:?}", w.locks.rwlock);
    }
}

pub(crate) fn once_cell<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "set": |w, a| format!("{:?}", w.locks.once.set(a.name));
        "get": |w, _| format!("{:?}", w.locks.once.get());
        "is_set": |w, _| w.locks.once.is_set().to_string();
        "get_or_init": |w, a| {
            let init = async || {
                a.holds("it to make").await;
                a.name
            };
            w.locks.once.get_or_init(init).await.to_string()
        };
        "get_or_try_init": |w, a| {
            let init = async || {
                a.holds("it to make").await;
                Err(a.name)
            };
            format!("{:?}", w.locks.once.get_or_try_init(init).await)
        };
        "wait": |w, _| w.locks.once.wait().await.to_string();
        "debug": |w, _| format!("{:?}", w.locks.once);
    }
}

pub(crate) fn event<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "set": |w, _| { w.locks.event.set(); "set".to_owned() };
        "clear": |w, _| { w.locks.event.clear(); "clear".to_owned() };
        "is_set": |w, _| w.locks.event.is_set().to_string();
        "wait": |w, _| { w.locks.event.wait().await; "over".to_owned() };
        "debug": |w, _| format!("{:?}", w.locks.event);
    }
}

pub(crate) fn condition<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "wait": |w, a| {
            let guard = w.locks.guarded.lock().await;
            let mut guard = w.locks.condition.wait(guard).await;
            *guard += 1;
            a.holds(format_args!("{guard:?}")).await;
            "over".to_owned()
        };
        "wait_for": |w, _| {
            let guard = w.locks.guarded.lock().await;
            let mut guard = w.locks.condition.wait_for(guard, |n| *n > 0).await;
            *guard -= 1;
            format!("{guard:?}")
        };
        "lock": |w, a| {
            let mut guard = w.locks.guarded.lock().await;
            *guard += 1;
            a.holds(format_args!("{guard:?}")).await;
            "over".to_owned()
        };
        "notify_one": |w, _| { w.locks.condition.notify_one(); "one".to_owned() };
        "notify": |w, _| { w.locks.condition.notify(2); "two".to_owned() };
        "notify_all": |w, _| { w.locks.condition.notify_all(); "all".to_owned() };
        "debug": |w, _| format!("{:?}", w.locks.condition);
    }
}

pub(crate) fn semaphore<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "acquire": |w, a| {
            let permit = w.locks.semaphore.acquire().await;
            a.holds(permit.n_permits()).await;
            permit.forget();
            "forgot it".to_owned()
        };
        "acquire_many": |w, a| {
            let mut permit = w.locks.semaphore.acquire_many(2).await;
            a.holds(permit.n_permits()).await;
            let one = permit.split(1);
            a.holds("halves").await;
            drop(one);
            a.holds("a half").await;
            "over".to_owned()
        };
        "try_acquire": |w, a| match w.locks.semaphore.try_acquire() {
            Some(mut permit) => {
                a.holds(permit.n_permits()).await;
                if let Some(other) = w.locks.semaphore.try_acquire() {
                    permit.merge(other);
                }
                a.holds(permit.n_permits()).await;
                "over".to_owned()
            }
            None => "none".to_owned(),
        };
        "try_acquire_many": |w, a| match w.locks.semaphore.try_acquire_many(2) {
            Some(permit) => {
                a.holds(permit.n_permits()).await;
                "over".to_owned()
            }
            None => "none".to_owned(),
        };
        "available_permits": |w, _| w.locks.semaphore.available_permits().to_string();
        "add_permits": |w, _| { w.locks.semaphore.add_permits(1); "one".to_owned() };
        "forget_permits": |w, _| w.locks.semaphore.forget_permits(1).to_string();
        "debug": |w, _| format!("{:?}", w.locks.semaphore);
    }
}

pub(crate) fn limiter<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "acquire": |w, a| match w.locks.limiter.acquire().await {
            Ok(permit) => {
                a.holds(permit.n_tokens()).await;
                "over".to_owned()
            }
            Err(error) => error.to_string(),
        };
        "acquire_many": |w, a| match w.locks.limiter.acquire_many(2).await {
            Ok(mut permit) => {
                a.holds(permit.n_tokens()).await;
                let one = permit.split(1);
                a.holds("halves").await;
                drop(one);
                a.holds("a half").await;
                "over".to_owned()
            }
            Err(error) => error.to_string(),
        };
        "try_acquire": |w, a| match w.locks.limiter.try_acquire() {
            Ok(mut permit) => {
                a.holds(permit.n_tokens()).await;
                if let Ok(other) = w.locks.limiter.try_acquire_many(1) {
                    permit.merge(other);
                }
                a.holds(permit.n_tokens()).await;
                "over".to_owned()
            }
            Err(error) => error.to_string(),
        };
        "set_total_1": |w, _| { w.locks.limiter.set_total(1); "1".to_owned() };
        "set_total_3": |w, _| { w.locks.limiter.set_total(3); "3".to_owned() };
        "total": |w, _| w.locks.limiter.total().to_string();
        "borrowed": |w, _| w.locks.limiter.borrowed().to_string();
        "available": |w, _| w.locks.limiter.available().to_string();
        "statistics": |w, _| format!("{:?}", w.locks.limiter.statistics());
        "close": |w, _| { w.locks.limiter.close(); "closed".to_owned() };
        "is_closed": |w, _| w.locks.limiter.is_closed().to_string();
        "debug": |w, _| format!("{:?}", w.locks.limiter);
    }
}

pub(crate) fn barrier<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "wait": |w, _| format!("{:?}", w.locks.barrier.wait().await.map(|turn| (turn.index(), turn.is_leader())));
        "reset": |w, _| { w.locks.barrier.reset(); "reset".to_owned() };
        "abort": |w, _| { w.locks.barrier.abort(); "aborted".to_owned() };
        "n_waiting": |w, _| w.locks.barrier.n_waiting().to_string();
        "is_broken": |w, _| w.locks.barrier.is_broken().to_string();
        "debug": |w, _| format!("{:?}", w.locks.barrier);
    }
}

pub(crate) fn latch<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "arrive": |w, _| {
            if w.locks.latch.count() > 0 {
                w.locks.latch.arrive();
            }
            "one".to_owned()
        };
        "count_down": |w, _| {
            if w.locks.latch.count() > 1 {
                w.locks.latch.count_down(2);
            }
            "two".to_owned()
        };
        "count": |w, _| w.locks.latch.count().to_string();
        "is_open": |w, _| w.locks.latch.is_open().to_string();
        "wait": |w, _| { w.locks.latch.wait().await; "over".to_owned() };
        "debug": |w, _| format!("{:?}", w.locks.latch);
    }
}

pub(crate) fn notify<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "notify_one": |w, _| { w.locks.notify.notify_one(); "one".to_owned() };
        "notify_all": |w, _| { w.locks.notify.notify_all(); "all".to_owned() };
        "notified": |w, _| { w.locks.notify.notified().await; "over".to_owned() };
        "enable": |w, a| {
            let mut notified = std::pin::pin!(w.locks.notify.notified());
            let is_there = notified.as_mut().enable();
            a.holds(is_there).await;
            if !is_there {
                notified.await;
            }
            "over".to_owned()
        };
        "debug": |w, _| format!("{:?}", w.locks.notify);
    }
}

pub(crate) fn queue<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "put": |w, a| format!("{:?}", w.locks.queue.put(a.name).await);
        "get": |w, a| {
            let got = w.locks.queue.get().await;
            a.holds(format_args!("{got:?}")).await;
            if got.is_ok() {
                w.locks.queue.task_done();
            }
            "over".to_owned()
        };
        "try_put": |w, a| format!("{:?}", w.locks.queue.try_put(a.name));
        "try_get": |w, _| format!("{:?}", w.locks.queue.try_get());
        "len": |w, _| w.locks.queue.len().to_string();
        "is_empty": |w, _| w.locks.queue.is_empty().to_string();
        "is_full": |w, _| w.locks.queue.is_full().to_string();
        "join": |w, _| { w.locks.queue.join().await; "over".to_owned() };
        "close": |w, _| { w.locks.queue.close(); "closed".to_owned() };
        "close_now": |w, _| format!("{:?}", w.locks.queue.close_now());
        "is_closed": |w, _| w.locks.queue.is_closed().to_string();
        "debug": |w, _| format!("{:?}", w.locks.queue);
    }
}
