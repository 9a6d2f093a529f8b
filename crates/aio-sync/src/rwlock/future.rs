//! Waiting for a read-write lock.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::choice;
use aio_base::{Home, Shared};

use super::gate::{Access, Gate, Waiting};
use super::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use crate::wait_queue::{Line, Wait, Waiter};

/// What one waits for, as a type: the futures are as many.
pub(super) trait Kind {
    const ACCESS: Access;
    const DETAIL: &'static str;
    fn release<H: Home>(gate: &Gate<H>);
}

pub(super) struct Read;

impl Kind for Read {
    const ACCESS: Access = Access::Read;
    const DETAIL: &'static str = "to read";
    fn release<H: Home>(gate: &Gate<H>) {
        gate.release_read();
    }
}

pub(super) struct UpgradableRead;

impl Kind for UpgradableRead {
    const ACCESS: Access = Access::UpgradableRead;
    const DETAIL: &'static str = "to read";
    fn release<H: Home>(gate: &Gate<H>) {
        gate.release_upgradable();
    }
}

pub(super) struct Write;

impl Kind for Write {
    const ACCESS: Access = Access::Write;
    const DETAIL: &'static str = "to write";
    fn release<H: Home>(gate: &Gate<H>) {
        gate.release_write();
    }
}

/// Of a borrowed or a counted reference.
pub(super) struct Entrant<K, T: ?Sized, H: Home, R> {
    lock: R,
    _kind: PhantomData<K>,
    _lock: PhantomData<fn(&RwLock<T, H>)>,
}

impl<K: Kind, T: ?Sized, H: Home, R: Deref<Target = RwLock<T, H>>> Entrant<K, T, H, R> {
    #[inline]
    pub(super) fn wait(lock: R) -> Wait<H, Self> {
        Wait::new(Self { lock, _kind: PhantomData, _lock: PhantomData })
    }
}

type Borrowed<'a, K, T, H> = Entrant<K, T, H, &'a RwLock<T, H>>;
type Counted<K, T, H> = Entrant<K, T, H, <H as Home>::Ref<RwLock<T, H>>>;

// SAFETY: the reference is one of the two above: it leads to the same lock as long as it exists, and that has one lock
// for its lines, of which this waits in one.
unsafe impl<K: Kind, T: ?Sized, H: Home, R: Deref<Target = RwLock<T, H>>> Waiter<H> for Entrant<K, T, H, R> {
    type Guarded = Waiting<H>;
    type Note = Access;
    const WHAT: &'static str = "RwLock";
    const DETAIL: &'static str = K::DETAIL;

    #[inline]
    fn guarded(&self) -> &H::Exclusive<Waiting<H>> {
        self.lock.gate.waiting()
    }

    #[inline]
    fn line(waiting: &mut Waiting<H>) -> &mut Line<H, Access> {
        &mut waiting.line
    }

    fn pass_on(&self) {
        K::release(&self.lock.gate);
    }

    /// Those behind it may not have to wait for the others.
    fn left(&self) {
        self.lock.gate.let_in();
    }
}

/// Waits for one of the kinds by a reference of this type.
macro_rules! future {
    ($(#[$doc:meta])* $Future:ident [$($life:lifetime)?] ($Entrant:ty) $Kind:ident $Guard:ident) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless awaited"]
        pub struct $Future<$($life,)? T: ?Sized, H: Home = Shared> {
            pub(super) wait: Wait<H, $Entrant>,
        }

        impl<$($life,)? T: ?Sized, H: Home> Future for $Future<$($life,)? T, H> {
            type Output = $Guard<$($life,)? T, H>;

            #[inline]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                if choice::gives_way::<H>(cx) {
                    return Poll::Pending;
                }
                // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin`
                // since `Wait` is.
                let wait = unsafe { self.as_mut().map_unchecked_mut(|this| &mut this.wait) };
                ready!(wait.poll(
                    cx,
                    |entrant| entrant.lock.gate.try_pass($Kind::ACCESS),
                    |entrant, _| (!entrant.lock.gate.enter($Kind::ACCESS)).then_some($Kind::ACCESS),
                ));
                Poll::Ready($Guard::new(self.wait.waiter.lock.clone()))
            }
        }

        impl<$($life,)? T: ?Sized, H: Home> fmt::Debug for $Future<$($life,)? T, H> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($Future)).field(&self.wait).finish()
            }
        }
    };
}

future! {
    /// Waits for a [`RwLock`] to read: made by [`RwLock::read`].
    RwLockReadFuture['a](Borrowed<'a, Read, T, H>) Read RwLockReadGuard
}
future! {
    /// Waits for a [`RwLock`] that it keeps a reference to, to read: made by [`RwLock::read_owned`].
    OwnedRwLockReadFuture[](Counted<Read, T, H>) Read OwnedRwLockReadGuard
}
future! {
    /// Waits for a [`RwLock`] to write: made by [`RwLock::write`].
    RwLockWriteFuture['a](Borrowed<'a, Write, T, H>) Write RwLockWriteGuard
}
future! {
    /// Waits for a [`RwLock`] that it keeps a reference to, to write: made by [`RwLock::write_owned`].
    OwnedRwLockWriteFuture[](Counted<Write, T, H>) Write OwnedRwLockWriteGuard
}
future! {
    /// Waits for a [`RwLock`] to read, and perhaps to write later: made by [`RwLock::upgradable_read`].
    RwLockUpgradableReadFuture['a](Borrowed<'a, UpgradableRead, T, H>)
    UpgradableRead RwLockUpgradableReadGuard
}
future! {
    /// Waits for a [`RwLock`] that it keeps a reference to, to read, and perhaps to write later: made by
    /// [`RwLock::upgradable_read_owned`].
    OwnedRwLockUpgradableReadFuture[](Counted<UpgradableRead, T, H>)
    UpgradableRead OwnedRwLockUpgradableReadGuard
}

/// Waits for the other readers to go. The upgradable access is the guard's beside it.
struct Upgrader<T: ?Sized, H: Home, R> {
    lock: R,
    _lock: PhantomData<fn(&RwLock<T, H>)>,
}

type CountedUpgrader<T, H> = Upgrader<T, H, <H as Home>::Ref<RwLock<T, H>>>;

// SAFETY: as in `Entrant`.
unsafe impl<T: ?Sized, H: Home, R: Deref<Target = RwLock<T, H>>> Waiter<H> for Upgrader<T, H, R> {
    type Guarded = Waiting<H>;
    type Note = ();
    const WHAT: &'static str = "RwLock";
    const DETAIL: &'static str = "to upgrade";

    #[inline]
    fn guarded(&self) -> &H::Exclusive<Waiting<H>> {
        self.lock.gate.waiting()
    }

    #[inline]
    fn line(waiting: &mut Waiting<H>) -> &mut Line<H, ()> {
        &mut waiting.upgrader
    }

    fn pass_on(&self) {
        self.lock.gate.release_write();
    }

    /// What else those behind it wait for is the guard, which goes after this.
    fn left(&self) {
        self.lock.gate.let_in();
    }
}

macro_rules! upgrade {
    ($(#[$doc:meta])* $Future:ident [$($life:lifetime)?] ($Upgrader:ty, $Ref:ty) $Guard:ident $WriteGuard:ident) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless awaited"]
        pub struct $Future<$($life,)? T: ?Sized, H: Home = Shared> {
            /// Dropped before the guard.
            wait: Wait<H, $Upgrader>,
            guard: Option<$Guard<$($life,)? T, H>>,
        }

        impl<$($life,)? T: ?Sized, H: Home> $Future<$($life,)? T, H> {
            pub(super) fn new(lock: $Ref, guard: $Guard<$($life,)? T, H>) -> Self {
                Self { wait: Wait::new(Upgrader { lock, _lock: PhantomData }), guard: Some(guard) }
            }
        }

        impl<$($life,)? T: ?Sized, H: Home> Future for $Future<$($life,)? T, H> {
            type Output = $WriteGuard<$($life,)? T, H>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                if choice::gives_way::<H>(cx) {
                    return Poll::Pending;
                }
                // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin`
                // since `Wait` is. The guard never is.
                let (wait, guard) = unsafe {
                    let this = self.get_unchecked_mut();
                    (Pin::new_unchecked(&mut this.wait), &mut this.guard)
                };
                ready!(wait.poll(
                    cx,
                    |upgrader| upgrader.lock.gate.try_pass(Access::Upgrade),
                    |upgrader, _| (!upgrader.lock.gate.enter(Access::Upgrade)).then_some(()),
                ));
                Poll::Ready($Guard::finish(guard.take().expect("it is ready once")))
            }
        }

        impl<$($life,)? T: ?Sized, H: Home> fmt::Debug for $Future<$($life,)? T, H> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($Future)).field(&self.wait).finish()
            }
        }
    };
}

upgrade! {
    /// Waits until the other readers of a [`RwLock`] have gone: made by [`RwLockUpgradableReadGuard::upgrade`].
    RwLockUpgradeFuture['a](Upgrader<T, H, &'a RwLock<T, H>>, &'a RwLock<T, H>)
    RwLockUpgradableReadGuard RwLockWriteGuard
}
upgrade! {
    /// Waits until the other readers of a [`RwLock`] that it keeps a reference to have gone: made by
    /// [`OwnedRwLockUpgradableReadGuard::upgrade`].
    OwnedRwLockUpgradeFuture[](CountedUpgrader<T, H>, H::Ref<RwLock<T, H>>)
    OwnedRwLockUpgradableReadGuard OwnedRwLockWriteGuard
}
