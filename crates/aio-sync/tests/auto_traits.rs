//! What may be sent to another thread, and what may be shared with one.
//!
//! A guard that is `Sync` without its value being so is the classic hole of lock crates.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

use aio_base::Shared;
use aio_sync::generic::{Lifo, Smallest};
use aio_sync::{
    AcquireError, AcquireFuture, Barrier, BarrierFuture, BarrierTurn, BrokenBarrier, CapacityLimiter, Condition,
    ConditionFuture, Event, EventFuture, GetError, GetFuture, Latch, LatchFuture, LifoQueue, LimiterFuture,
    LimiterPermit, Lock, LockFuture, LockGuard, NotifiedFuture, Notify, OnceCell, OnceCellFuture, OwnedAcquireFuture,
    OwnedLimiterFuture, OwnedLimiterPermit, OwnedLockFuture, OwnedLockGuard, OwnedPermit, OwnedRwLockReadFuture,
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadFuture, OwnedRwLockUpgradableReadGuard, OwnedRwLockUpgradeFuture,
    OwnedRwLockWriteFuture, OwnedRwLockWriteGuard, Permit, PriorityQueue, PutError, PutFuture, Queue, QueueJoinFuture,
    RwLock, RwLockReadFuture, RwLockReadGuard, RwLockUpgradableReadFuture, RwLockUpgradableReadGuard,
    RwLockUpgradeFuture, RwLockWriteFuture, RwLockWriteGuard, Semaphore, SetError, broadcast, channel, local, oneshot,
    watch,
};

/// The answer of the probes below for a type that does not implement their trait: an inherent constant hides this one.
trait Not {
    const IS: bool = false;
}
impl<T> Not for T {}

macro_rules! probe {
    ($probe:ident: $trait:ident) => {
        struct $probe<T>(PhantomData<T>);
        impl<T: $trait> $probe<T> {
            const IS: bool = true;
        }
    };
}
probe!(IsSend: Send);
probe!(IsSync: Sync);
probe!(IsUnpin: Unpin);

macro_rules! send_sync {
    ($type:ty) => {
        (<IsSend<$type>>::IS, <IsSync<$type>>::IS)
    };
}

type Both = u8;
type SendOnly = Cell<u8>;
type SyncOnly = MutexGuard<'static, u8>;
type Neither = Rc<u8>;

const NEITHER: (bool, bool) = (false, false);
const SEND: (bool, bool) = (true, false);
const SYNC: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);

#[test]
fn the_probe_sees_each_kind() {
    assert_eq!(send_sync!(Both), BOTH);
    assert_eq!(send_sync!(SendOnly), SEND);
    assert_eq!(send_sync!(SyncOnly), SYNC);
    assert_eq!(send_sync!(Neither), NEITHER);
}

#[test]
fn a_lock_may_be_shared_if_its_value_may_be_sent() {
    assert_eq!(send_sync!(Lock<Both>), BOTH);
    assert_eq!(send_sync!(Lock<SendOnly>), BOTH);
    assert_eq!(send_sync!(Lock<SyncOnly>), NEITHER);
    assert_eq!(send_sync!(Lock<Neither>), NEITHER);
    assert_eq!(send_sync!(LockFuture<'static, Both>), BOTH);
    assert_eq!(send_sync!(LockFuture<'static, SendOnly>), BOTH);
    assert_eq!(send_sync!(LockFuture<'static, SyncOnly>), NEITHER);
    assert_eq!(send_sync!(LockFuture<'static, Neither>), NEITHER);
}

#[test]
fn a_guard_may_be_shared_only_if_its_value_may() {
    assert_eq!(send_sync!(LockGuard<'static, Both>), BOTH);
    assert_eq!(send_sync!(LockGuard<'static, SendOnly>), SEND);
    assert_eq!(send_sync!(LockGuard<'static, SyncOnly>), NEITHER);
    assert_eq!(send_sync!(LockGuard<'static, Neither>), NEITHER);
}

/// The last owner drops the value wherever it is.
#[test]
fn owned_forms_of_a_lock_may_do_what_the_others_may() {
    assert_eq!(send_sync!(OwnedLockFuture<Both>), BOTH);
    assert_eq!(send_sync!(OwnedLockFuture<SendOnly>), BOTH);
    assert_eq!(send_sync!(OwnedLockFuture<SyncOnly>), NEITHER);
    assert_eq!(send_sync!(OwnedLockFuture<Neither>), NEITHER);
    assert_eq!(send_sync!(OwnedLockGuard<Both>), BOTH);
    assert_eq!(send_sync!(OwnedLockGuard<SendOnly>), SEND);
    assert_eq!(send_sync!(OwnedLockGuard<SyncOnly>), NEITHER);
    assert_eq!(send_sync!(OwnedLockGuard<Neither>), NEITHER);
}

/// Several threads may have a reference to its value, and the last one may drop it.
#[test]
fn a_read_write_lock_may_be_shared_if_its_value_may_be_sent_and_shared() {
    assert_eq!(send_sync!(RwLock<Both>), BOTH);
    assert_eq!(send_sync!(RwLock<SendOnly>), SEND);
    assert_eq!(send_sync!(RwLock<SyncOnly>), NEITHER);
    assert_eq!(send_sync!(RwLock<Neither>), NEITHER);
    macro_rules! each {
        ($($type:ident [$($life:lifetime)?])+) => {
            $(
                assert_eq!(send_sync!($type<$($life,)? Both>), BOTH);
                assert_eq!(send_sync!($type<$($life,)? SendOnly>), NEITHER);
                assert_eq!(send_sync!($type<$($life,)? SyncOnly>), NEITHER);
                assert_eq!(send_sync!($type<$($life,)? Neither>), NEITHER);
                assert_eq!(send_sync!(local::$type<$($life,)? Both>), NEITHER);
                assert_eq!(<IsUnpin<$type<$($life,)? Both>>>::IS, !stringify!($type).ends_with("Future"));
            )+
        };
    }
    each! {
        RwLockReadGuard['static] RwLockUpgradableReadGuard['static] RwLockWriteGuard['static]
        RwLockReadFuture['static] RwLockUpgradableReadFuture['static] RwLockWriteFuture['static]
        RwLockUpgradeFuture['static]
        OwnedRwLockReadGuard[] OwnedRwLockUpgradableReadGuard[] OwnedRwLockWriteGuard[]
        OwnedRwLockReadFuture[] OwnedRwLockUpgradableReadFuture[] OwnedRwLockWriteFuture[]
        OwnedRwLockUpgradeFuture[]
    }
    assert_eq!(send_sync!(local::RwLock<Both>), NEITHER);
}

/// As a read-write lock: it is set by one thread, looked at by many, and dropped by any.
#[test]
fn a_cell_may_be_shared_if_its_value_may_be_sent_and_shared() {
    assert_eq!(send_sync!(OnceCell<Both>), BOTH);
    assert_eq!(send_sync!(OnceCell<SendOnly>), SEND);
    assert_eq!(send_sync!(OnceCell<SyncOnly>), NEITHER);
    assert_eq!(send_sync!(OnceCell<Neither>), NEITHER);
    assert_eq!(send_sync!(OnceCellFuture<'static, Both>), BOTH);
    assert_eq!(send_sync!(OnceCellFuture<'static, SendOnly>), NEITHER);
    assert_eq!(send_sync!(OnceCellFuture<'static, SyncOnly>), NEITHER);
    assert_eq!(send_sync!(SetError<SendOnly>), SEND);
    assert_eq!(send_sync!(local::OnceCell<Both>), NEITHER);
    assert_eq!(send_sync!(local::OnceCellFuture<'static, Both>), NEITHER);
}

#[test]
fn an_event_may_be_sent_and_shared() {
    assert_eq!(send_sync!(Event), BOTH);
    assert_eq!(send_sync!(EventFuture<'static>), BOTH);
}

#[test]
fn a_queue_may_be_shared_if_its_items_may_be_sent() {
    macro_rules! each {
        ($($type:ident)+) => {
            $(
                assert_eq!(send_sync!($type<'static, Both>), BOTH);
                assert_eq!(send_sync!($type<'static, SyncOnly>), NEITHER);
                assert_eq!(send_sync!($type<'static, Neither>), NEITHER);
            )+
        };
    }
    assert_eq!(send_sync!(Queue<Both>), BOTH);
    assert_eq!(send_sync!(Queue<SendOnly>), BOTH);
    assert_eq!(send_sync!(Queue<SyncOnly>), NEITHER);
    assert_eq!(send_sync!(Queue<Neither>), NEITHER);
    each!(PutFuture GetFuture QueueJoinFuture);
    assert_eq!(send_sync!(GetFuture<'static, SendOnly>), BOTH);
    assert_eq!(send_sync!(QueueJoinFuture<'static, SendOnly>), BOTH);
    // It has the item, to which a shared reference to the future gives no access; but it need not be shared.
    assert_eq!(send_sync!(PutFuture<'static, SendOnly>), SEND);
    assert_eq!(send_sync!(PutError<SendOnly>), SEND);
    assert_eq!(send_sync!(GetError), BOTH);
    // In each order.
    assert_eq!(send_sync!(LifoQueue<SendOnly>), BOTH);
    assert_eq!(send_sync!(LifoQueue<SyncOnly>), NEITHER);
    assert_eq!(send_sync!(PriorityQueue<SendOnly>), BOTH);
    assert_eq!(send_sync!(PriorityQueue<Neither>), NEITHER);
    assert_eq!(send_sync!(GetFuture<'static, SendOnly, Shared, Smallest>), BOTH);
    assert_eq!(send_sync!(PutFuture<'static, Neither, Shared, Lifo>), NEITHER);
}

#[test]
fn the_ends_of_a_channel_may_be_sent_and_shared_if_its_items_may_be_sent() {
    macro_rules! each {
        ($($type:ident<$($lifetime:lifetime)?>)+) => {
            $(
                assert_eq!(send_sync!(channel::$type<$($lifetime,)? Both>), BOTH, stringify!($type));
                assert_eq!(send_sync!(channel::$type<$($lifetime,)? SendOnly>), BOTH, stringify!($type));
                assert_eq!(send_sync!(channel::$type<$($lifetime,)? SyncOnly>), NEITHER, stringify!($type));
                assert_eq!(send_sync!(channel::$type<$($lifetime,)? Neither>), NEITHER, stringify!($type));
            )+
        };
    }
    each! {
        Sender<> WeakSender<> Receiver<> WeakReceiver<> RecvFuture<'static> ReserveFuture<'static> ReserveOwnedFuture<>
        SendPermit<'static> OwnedSendPermit<> ClosedFuture<'static> RecvStream<'static> IntoRecvStream<>
        IterBlocking<'static> IntoIterBlocking<> TryIter<'static>
    }
    assert_eq!(send_sync!(channel::SendFuture<'static, Both>), BOTH);
    assert_eq!(send_sync!(channel::SendFuture<'static, SendOnly>), SEND);
    assert_eq!(send_sync!(channel::SendFuture<'static, SyncOnly>), NEITHER);
    assert_eq!(send_sync!(channel::RecvManyFuture<'static, SendOnly>), SEND);
    assert_eq!(send_sync!(channel::RecvManyFuture<'static, Neither>), NEITHER);
    assert_eq!(send_sync!(channel::SendError<SendOnly>), SEND);
    assert_eq!(send_sync!(channel::RecvError), BOTH);
}

#[test]
fn a_semaphore_and_its_permits_may_be_sent_and_shared() {
    assert_eq!(send_sync!(Semaphore), BOTH);
    assert_eq!(send_sync!(AcquireFuture<'static>), BOTH);
    assert_eq!(send_sync!(Permit<'static>), BOTH);
    assert_eq!(send_sync!(OwnedAcquireFuture), BOTH);
    assert_eq!(send_sync!(OwnedPermit), BOTH);
}

#[test]
fn a_limiter_and_its_permits_may_be_sent_and_shared() {
    assert_eq!(send_sync!(CapacityLimiter), BOTH);
    assert_eq!(send_sync!(LimiterFuture<'static>), BOTH);
    assert_eq!(send_sync!(LimiterPermit<'static>), BOTH);
    assert_eq!(send_sync!(OwnedLimiterFuture), BOTH);
    assert_eq!(send_sync!(OwnedLimiterPermit), BOTH);
    assert_eq!(send_sync!(AcquireError), BOTH);
}

#[test]
fn barriers_latches_and_notifications_may_be_sent_and_shared() {
    assert_eq!(send_sync!(Barrier), BOTH);
    assert_eq!(send_sync!(BarrierFuture<'static>), BOTH);
    assert_eq!(send_sync!(BarrierTurn), BOTH);
    assert_eq!(send_sync!(BrokenBarrier), BOTH);
    assert_eq!(send_sync!(Latch), BOTH);
    assert_eq!(send_sync!(LatchFuture<'static>), BOTH);
    assert_eq!(send_sync!(Notify), BOTH);
    assert_eq!(send_sync!(NotifiedFuture<'static>), BOTH);
}

#[test]
fn what_waits_for_a_condition_may_do_what_its_guard_may() {
    assert_eq!(send_sync!(Condition), BOTH);
    assert_eq!(send_sync!(ConditionFuture<'static, Both>), BOTH);
    assert_eq!(send_sync!(ConditionFuture<'static, SendOnly>), SEND);
    assert_eq!(send_sync!(ConditionFuture<'static, SyncOnly>), NEITHER);
    assert_eq!(send_sync!(ConditionFuture<'static, Neither>), NEITHER);
}

#[test]
fn nothing_local_leaves_its_thread() {
    macro_rules! all_neither {
        ($($type:ty,)+) => { $(assert_eq!(send_sync!($type), NEITHER, stringify!($type));)+ };
    }
    all_neither! {
        local::Lock<Both>, local::Lock<SendOnly>, local::Lock<SyncOnly>, local::Lock<Neither>,
        local::LockFuture<'static, Both>, local::LockFuture<'static, SendOnly>,
        local::LockFuture<'static, SyncOnly>, local::LockFuture<'static, Neither>,
        local::LockGuard<'static, Both>, local::LockGuard<'static, SendOnly>,
        local::LockGuard<'static, SyncOnly>, local::LockGuard<'static, Neither>,
        local::OwnedLockFuture<Both>, local::OwnedLockFuture<SendOnly>,
        local::OwnedLockGuard<Both>, local::OwnedLockGuard<SyncOnly>,
        local::Event, local::EventFuture<'static>,
        local::Queue<Both>, local::PutFuture<'static, Both>, local::GetFuture<'static, Both>,
        local::QueueJoinFuture<'static, Both>, local::LifoQueue<Both>, local::PriorityQueue<Both>,
        local::channel::Sender<Both>, local::channel::WeakSender<Both>, local::channel::Receiver<Both>,
        local::channel::WeakReceiver<Both>, local::channel::SendFuture<'static, Both>,
        local::channel::RecvFuture<'static, Both>, local::channel::RecvManyFuture<'static, Both>,
        local::channel::ReserveFuture<'static, Both>, local::channel::ReserveOwnedFuture<Both>,
        local::channel::SendPermit<'static, Both>, local::channel::OwnedSendPermit<Both>,
        local::channel::ClosedFuture<'static, Both>, local::channel::RecvStream<'static, Both>,
        local::channel::IntoRecvStream<Both>, local::channel::TryIter<'static, Both>,
        local::Semaphore, local::AcquireFuture<'static>, local::Permit<'static>,
        local::OwnedAcquireFuture, local::OwnedPermit,
        local::CapacityLimiter, local::LimiterFuture<'static>, local::LimiterPermit<'static>,
        local::OwnedLimiterFuture, local::OwnedLimiterPermit,
        local::Condition, local::ConditionFuture<'static, Both>,
        local::Barrier, local::BarrierFuture<'static>,
        local::Latch, local::LatchFuture<'static>,
        local::Notify, local::NotifiedFuture<'static>,
    }
}

/// The line holds pointers to the futures that wait in it.
#[test]
fn what_waits_stays_where_it_is() {
    macro_rules! all {
        ($is:literal: $($type:ty,)+) => { $(assert_eq!(<IsUnpin<$type>>::IS, $is, stringify!($type));)+ };
    }
    all! { false:
        LockFuture<'static, Both>, local::LockFuture<'static, Both>,
        OwnedLockFuture<Both>, local::OwnedLockFuture<Both>,
        OnceCellFuture<'static, Both>, local::OnceCellFuture<'static, Both>,
        EventFuture<'static>, local::EventFuture<'static>,
        PutFuture<'static, Both>, local::PutFuture<'static, Both>,
        GetFuture<'static, Both>, local::GetFuture<'static, Both>,
        QueueJoinFuture<'static, Both>, local::QueueJoinFuture<'static, Both>,
        AcquireFuture<'static>, local::AcquireFuture<'static>, OwnedAcquireFuture, local::OwnedAcquireFuture,
        LimiterFuture<'static>, local::LimiterFuture<'static>, OwnedLimiterFuture, local::OwnedLimiterFuture,
        channel::SendFuture<'static, Both>, channel::RecvFuture<'static, Both>,
        channel::RecvManyFuture<'static, Both>, channel::ReserveFuture<'static, Both>,
        channel::ReserveOwnedFuture<Both>, channel::ClosedFuture<'static, Both>, channel::RecvStream<'static, Both>,
        channel::IntoRecvStream<Both>,
        ConditionFuture<'static, Both>, local::ConditionFuture<'static, Both>,
        BarrierFuture<'static>, local::BarrierFuture<'static>,
        LatchFuture<'static>, local::LatchFuture<'static>,
        NotifiedFuture<'static>, local::NotifiedFuture<'static>,
    }
    all! { true:
        Lock<Both>, LockGuard<'static, Both>, OwnedLockGuard<Both>, Event, Queue<Both>, Semaphore, Permit<'static>,
        Condition, OwnedPermit, CapacityLimiter, LimiterPermit<'static>, OwnedLimiterPermit, Barrier, Latch, Notify,
        channel::Sender<Both>, channel::Receiver<Both>, channel::SendPermit<'static, Both>,
    }
}

#[test]
fn a_oneshot_channel_goes_where_its_message_may() {
    macro_rules! each {
        ($($type:ident<$($lifetime:lifetime,)? _>)+) => {
            $(
                assert_eq!(send_sync!(oneshot::$type<$($lifetime,)? Both>), BOTH);
                assert_eq!(send_sync!(oneshot::$type<$($lifetime,)? SendOnly>), BOTH);
                assert_eq!(send_sync!(oneshot::$type<$($lifetime,)? SyncOnly>), NEITHER);
                assert_eq!(send_sync!(oneshot::$type<$($lifetime,)? Neither>), NEITHER);
                assert_eq!(send_sync!(local::oneshot::$type<$($lifetime,)? Both>), NEITHER);
            )+
        };
    }
    each!(Sender<_> Receiver<_> ClosedFuture<'static, _>);
    assert_eq!(send_sync!(oneshot::SendError<SendOnly>), SEND);
    assert_eq!(send_sync!(oneshot::RecvError), BOTH);
    assert_eq!(send_sync!(oneshot::TryRecvError), BOTH);
    let are_unpin =
        [<IsUnpin<oneshot::Receiver<PhantomPinned>>>::IS, <IsUnpin<oneshot::ClosedFuture<'static, u8>>>::IS];
    fn may_be_caught<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    may_be_caught::<(oneshot::Sender<Both>, oneshot::Receiver<Both>)>();
    may_be_caught::<(local::oneshot::Sender<Neither>, local::oneshot::Receiver<Neither>)>();
    assert_eq!(are_unpin, [true; 2]);
}

/// Any number of threads have references to the value.
#[test]
fn a_watch_channel_is_shared_if_its_value_may_be_sent_and_shared() {
    macro_rules! each {
        ($($type:ident<$($lifetime:lifetime,)? _>)+) => {
            $(
                assert_eq!(send_sync!(watch::$type<$($lifetime,)? Both>), BOTH);
                assert_eq!(send_sync!(watch::$type<$($lifetime,)? SendOnly>), NEITHER);
                assert_eq!(send_sync!(watch::$type<$($lifetime,)? SyncOnly>), NEITHER);
                assert_eq!(send_sync!(watch::$type<$($lifetime,)? Neither>), NEITHER);
                assert_eq!(send_sync!(local::watch::$type<$($lifetime,)? Both>), NEITHER);
            )+
        };
    }
    each!(Sender<_> Receiver<_> Ref<_> ChangedFuture<'static, _> ClosedFuture<'static, _> WatchStream<_>);
    assert_eq!(send_sync!(watch::SendError<SendOnly>), SEND);
    assert_eq!(send_sync!(watch::RecvError), BOTH);
    let are_unpin = [
        <IsUnpin<watch::ChangedFuture<'static, u8>>>::IS,
        <IsUnpin<watch::ClosedFuture<'static, u8>>>::IS,
        <IsUnpin<watch::WatchStream<u8>>>::IS,
    ];
    assert_eq!(are_unpin, [false; 3]);
}

/// Any number of threads clone a message at a time.
#[test]
fn a_broadcast_channel_is_shared_if_its_messages_may_be_sent_and_shared() {
    macro_rules! each {
        ($($type:ident<$($lifetime:lifetime,)? _>)+) => {
            $(
                assert_eq!(send_sync!(broadcast::$type<$($lifetime,)? Both>), BOTH);
                assert_eq!(send_sync!(broadcast::$type<$($lifetime,)? SendOnly>), NEITHER);
                assert_eq!(send_sync!(broadcast::$type<$($lifetime,)? SyncOnly>), NEITHER);
                assert_eq!(send_sync!(broadcast::$type<$($lifetime,)? Neither>), NEITHER);
                assert_eq!(send_sync!(local::broadcast::$type<$($lifetime,)? Both>), NEITHER);
            )+
        };
    }
    each!(Sender<_> Receiver<_> RecvFuture<'static, _> BroadcastStream<_>);
    assert_eq!(send_sync!(broadcast::SendError<SendOnly>), SEND);
    assert_eq!(send_sync!(broadcast::RecvError), BOTH);
    assert_eq!(send_sync!(broadcast::TryRecvError), BOTH);
    let are_unpin = [<IsUnpin<broadcast::RecvFuture<'static, u8>>>::IS, <IsUnpin<broadcast::BroadcastStream<u8>>>::IS];
    assert_eq!(are_unpin, [false; 2]);
}

/// None of them is poisoned, and what a panic leaves is whole: they may be used on both sides of a `catch_unwind`.
#[test]
fn primitives_may_be_used_on_both_sides_of_a_caught_panic() {
    fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
    unwind_safe::<Semaphore>();
    unwind_safe::<CapacityLimiter>();
    unwind_safe::<Barrier>();
    unwind_safe::<Latch>();
    unwind_safe::<Notify>();
    unwind_safe::<Condition>();
    unwind_safe::<Event>();
    unwind_safe::<Permit<'static>>();
    unwind_safe::<OwnedPermit>();
    unwind_safe::<LimiterPermit<'static>>();
    unwind_safe::<OwnedLimiterPermit>();
}
