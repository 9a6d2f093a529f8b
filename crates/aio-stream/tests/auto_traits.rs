//! What may be sent to another thread, what may be moved, and how large it is.
#![cfg(not(aio_loom))]

use std::future::Ready;
use std::marker::PhantomData;
use std::rc::Rc;

use aio_base::{Local, Shared};
use aio_stream::*;

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

macro_rules! send_sync_unpin {
    ($type:ty) => {
        (<IsSend<$type>>::IS, <IsSync<$type>>::IS, <IsUnpin<$type>>::IS)
    };
}

/// Over a stream and closures that may be sent, shared and moved.
type Plain = Iter<std::vec::IntoIter<u8>>;
/// Over one that stays on its thread.
type Here = Iter<std::vec::IntoIter<Rc<u8>>>;
type F = fn();

#[test]
fn adapters_are_what_they_are_made_of() {
    macro_rules! check {
        ($($type:ident<$stream:ident $(, $other:ty)*>),* $(,)?) => {$(
            type $type<$stream> = aio_stream::$type<$stream $(, $other)*>;
            assert_eq!(send_sync_unpin!($type<Plain>), (true, true, true), stringify!($type));
            assert_eq!(send_sync_unpin!($type<Here>), (false, false, true), stringify!($type));
        )*};
    }
    check!(
        Map<S, F>, Filter<S, F>, FilterMap<S, F>, Take<S>, TakeWhile<S, F>, MapWhile<S, F>, Skip<S>, SkipWhile<S, F>,
        Scan<S, u8, F>, Enumerate<S>, Inspect<S, F>, Fuse<S>, Peekable<S>, Zip<S, Plain>, Chain<S, Plain>,
        Merge<S, Plain>, Flatten<S, Plain>, Chunks<S>, ReadyChunks<S>, Windows<S>, Then<S, F, Ready<u8>>,
        Collect<S, Vec<u8>>, Fold<S, u8, F>, All<S, F>, Any<S, F>, Count<S>, Last<S>, ForEach<S, F, Ready<()>>,
        TryCollect<S, u8>, TryForEach<S, F, Ready<()>>,
    );
}

#[test]
fn what_waits_for_time_is_pinned() {
    assert_eq!(send_sync_unpin!(Timeout<Plain>), (true, true, false));
    assert_eq!(send_sync_unpin!(Throttle<Plain>), (true, true, false));
    assert_eq!(send_sync_unpin!(Debounce<Plain>), (true, true, false));
    assert_eq!(send_sync_unpin!(ChunksTimeout<Plain>), (true, true, false));
    assert_eq!(send_sync_unpin!(Timeout<Here>), (false, false, false));
}

#[test]
fn many_streams_and_many_calls_are_what_they_are_made_of() {
    assert_eq!(send_sync_unpin!(MergeAll<Plain>), (true, true, true));
    assert_eq!(send_sync_unpin!(MergeAll<Here>), (false, false, true));
    assert!(send_sync_unpin!(MergeAll<Generate<u8, F, std::future::Pending<()>>>).2);
    type Calls<S, Item, Fut> = ForEachConcurrent<S, fn(Item) -> Fut, Fut>;
    assert!(send_sync_unpin!(Calls<Plain, u8, Ready<()>>).0);
    assert!(!send_sync_unpin!(Calls<Here, Rc<u8>, Ready<()>>).0);
}

#[test]
fn in_a_group_it_depends_on_the_home() {
    type Futures = Iter<std::vec::IntoIter<Ready<u8>>>;
    assert!(send_sync_unpin!(BufferedIn<'_, '_, Futures, (), Shared>).0);
    assert!(!send_sync_unpin!(BufferedIn<'_, '_, Futures, (), Local>).0);
    assert!(send_sync_unpin!(BufferUnorderedIn<'_, '_, Futures, (), Shared>).0);
    assert!(!send_sync_unpin!(BufferUnorderedIn<'_, '_, Futures, (), Local>).0);
}

#[test]
fn sources_without_items_are_of_no_thread() {
    assert_eq!(send_sync_unpin!(Empty<Rc<u8>>), (true, true, true));
    assert_eq!(send_sync_unpin!(Pending<Rc<u8>>), (true, true, true));
    assert_eq!(send_sync_unpin!(BoxStream<'_, u8>), (true, false, true));
    assert_eq!(send_sync_unpin!(LocalBoxStream<'_, u8>), (false, false, true));
}

/// What an adapter adds to a stream of one word.
#[test]
fn adapters_are_small() {
    const WORD: usize = size_of::<usize>();
    type Word = Iter<std::slice::Iter<'static, u64>>;
    const BASE: usize = size_of::<Word>();
    assert_eq!(size_of::<Map<Word, fn(u8)>>(), BASE + WORD);
    assert_eq!(size_of::<Filter<Word, ()>>(), BASE);
    assert_eq!(size_of::<Fuse<Word>>(), BASE + WORD);
    assert_eq!(size_of::<TakeWhile<Word, ()>>(), BASE + WORD);
    assert_eq!(size_of::<Peekable<Word>>(), BASE + 2 * WORD);
    assert_eq!(size_of::<Chunks<Word>>(), BASE + 5 * WORD);
    assert_eq!(size_of::<Next<'_, Word>>(), WORD);
    assert!(size_of::<Merge<Word, Word>>() <= 2 * BASE + 3 * WORD);
    assert!(size_of::<MergeAll<Word>>() <= 12 * WORD);
}
