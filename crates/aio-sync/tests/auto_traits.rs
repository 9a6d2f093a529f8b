//! What may be sent to another thread, and what may be shared with one.
//!
//! A guard that is `Sync` without its value being so is the classic hole of lock crates.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::MutexGuard;

use aio_sync::{Event, EventFuture, Lock, LockFuture, LockGuard, local};

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

#[test]
fn an_event_may_be_sent_and_shared() {
    assert_eq!(send_sync!(Event), BOTH);
    assert_eq!(send_sync!(EventFuture<'static>), BOTH);
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
        local::Event, local::EventFuture<'static>,
    }
}

/// The line holds pointers to the futures that wait in it.
#[test]
fn what_waits_stays_where_it_is() {
    let pinned = [
        <IsUnpin<LockFuture<'static, Both>>>::IS,
        <IsUnpin<local::LockFuture<'static, Both>>>::IS,
        <IsUnpin<EventFuture<'static>>>::IS,
        <IsUnpin<local::EventFuture<'static>>>::IS,
    ];
    assert_eq!(pinned, [false; 4]);
    let movable = [<IsUnpin<Lock<Both>>>::IS, <IsUnpin<LockGuard<'static, Both>>>::IS, <IsUnpin<Event>>::IS];
    assert_eq!(movable, [true; 3]);
}
