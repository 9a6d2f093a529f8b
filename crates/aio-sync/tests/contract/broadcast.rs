//! The contract of the broadcast channel, in both homes.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::broadcast::{Lagged, RecvError, TryRecvError};
use aio_sync::generic::broadcast::{self, BroadcastStream, Receiver, RecvFuture, Sender};
use futures_core::Stream;
use proptest::prelude::*;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    each_receiver_gets_each_message,
    a_receiver_gets_what_is_sent_from_then_on,
    a_message_for_nobody_comes_back,
    who_is_too_slow_is_told_what_was_missed,
    sending_never_waits_and_drops_the_oldest,
    who_waits_is_woken_in_order,
    a_closed_channel_gives_what_is_kept_and_then_an_error,
    the_last_sender_closes_the_channel,
    the_last_who_gets_a_message_gets_itself,
    a_message_is_dropped_when_nobody_has_yet_to_get_it,
    a_dropped_receiver_drops_what_only_it_had_yet_to_get,
    counts_are_of_those_who_are_there,
    a_stream_gives_all_and_says_what_was_missed,
    a_stream_that_waits_may_be_dropped,
    a_dropped_waiter_is_not_woken_and_receives_nothing,
    the_waker_of_the_last_poll_is_the_one_called,
    more_than_one_batch_is_woken_in_order,
    a_panicking_waker_does_not_keep_the_others_asleep,
    who_comes_while_others_are_woken_is_not_woken_by_the_same_message,
    a_message_may_be_overwritten_while_it_is_cloned,
    a_panicking_clone_loses_one_message_of_one_receiver,
    a_panicking_destructor_does_not_keep_the_other_messages,
    a_panicking_destructor_after_a_panicking_waker_or_clone_is_left_out,
    a_panicking_destructor_of_what_was_overwritten_leaks_no_clone,
    a_destructor_may_send_and_receive_while_its_receiver_goes,
    wakers_and_destructors_may_use_the_channel_again,
    debug_shows_every_state,
    a_million_polls_and_drops_leave_nothing,
    polling_again_after_it_was_ready_panics,
    a_channel_that_keeps_nothing_is_refused,
    the_broadcast_channel_behaves_like_its_model,
}

fn channel<T, H: Home>(capacity: usize) -> (Sender<T, H>, Receiver<T, H>) {
    broadcast::channel(capacity)
}

fn waiting<'a, T: Clone, H: Home>(
    receiver: &'a mut Receiver<T, H>,
    log: &WakeLog,
    name: usize,
) -> Pin<Box<RecvFuture<'a, T, H>>> {
    let mut future = Box::pin(receiver.recv());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

type BoxedStream<T, H> = Pin<Box<BroadcastStream<T, H>>>;

fn poll_next<T: Clone, H: Home>(stream: &mut BoxedStream<T, H>, waker: &Waker) -> Poll<Option<Result<T, Lagged>>> {
    stream.as_mut().poll_next(&mut Context::from_waker(waker))
}

/// Counts how many of it there are, and how often it was cloned.
#[derive(Default)]
struct Counts {
    live: Cell<usize>,
    clones: Cell<usize>,
}

struct Counted(Rc<Counts>);

impl Counted {
    fn new(counts: &Rc<Counts>) -> Self {
        counts.live.set(counts.live.get() + 1);
        Self(counts.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.clones.set(self.0.clones.get() + 1);
        Self::new(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.live.set(self.0.live.get() - 1);
    }
}

/// Whose `Clone` and destructor call something.
struct Calls {
    in_clone: Rc<dyn Fn()>,
    in_drop: Rc<dyn Fn()>,
}

impl Clone for Calls {
    fn clone(&self) -> Self {
        (self.in_clone)();
        Self { in_clone: Rc::new(|| ()), in_drop: Rc::new(|| ()) }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        (self.in_drop)();
    }
}

#[test]
fn both_homes_are_inferred() {
    let (sender, mut receiver) = aio_sync::broadcast::channel(1);
    sender.send(1).unwrap();
    assert_eq!(now(receiver.recv()), Ok(1));
    let (sender, mut receiver) = aio_sync::local::broadcast::channel(1);
    sender.send(Rc::new(1)).unwrap();
    assert_eq!(now(receiver.recv()), Ok(Rc::new(1)));
}

#[test]
fn threads_may_block() {
    live::leak_check(|| {
        let (sender, receiver) = aio_sync::broadcast::channel(1000);
        let threads = [(); 3].map(|()| {
            let mut receiver = receiver.resubscribe();
            std::thread::spawn(move || {
                let mut sum = 0;
                while let Ok(message) = receiver.recv_blocking() {
                    sum += message;
                }
                sum
            })
        });
        for i in 1..=1000 {
            sender.send(i).unwrap();
        }
        drop((sender, receiver));
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 500_500);
        }
    });
}

fn each_receiver_gets_each_message<H: Home>() {
    let (sender, mut first) = channel::<_, H>(4);
    let mut second = sender.subscribe();
    for i in 0..3 {
        assert_eq!(sender.send(i), Ok(2));
    }
    for i in 0..3 {
        assert_eq!((now(first.recv()), second.try_recv()), (Ok(i), Ok(i)));
    }
    assert_eq!((first.try_recv(), second.try_recv()), (Err(TryRecvError::Empty), Err(TryRecvError::Empty)));
}

fn a_receiver_gets_what_is_sent_from_then_on<H: Home>() {
    let (sender, mut first) = channel::<_, H>(4);
    sender.send(1).unwrap();
    let mut second = sender.subscribe();
    let mut third = first.resubscribe();
    sender.send(2).unwrap();
    assert_eq!((first.try_recv(), second.try_recv(), third.try_recv()), (Ok(1), Ok(2), Ok(2)));
    assert_eq!(first.try_recv(), Ok(2));
}

fn a_message_for_nobody_comes_back<H: Home>() {
    let (sender, receiver) = channel::<_, H>(4);
    drop(receiver);
    let error = sender.send(1).unwrap_err();
    assert_eq!(error.to_string(), "failed to send the message: nobody will receive it");
    assert_eq!(error.into_inner(), 1);
    let mut receiver = sender.subscribe();
    assert_eq!(sender.send(2), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(2));
    sender.close();
    assert_eq!(sender.send(3).unwrap_err().into_inner(), 3);
}

fn who_is_too_slow_is_told_what_was_missed<H: Home>() {
    let (sender, mut slow) = channel::<_, H>(2);
    let mut fast = sender.subscribe();
    for i in 1..=5 {
        sender.send(i).unwrap();
        assert_eq!(fast.try_recv(), Ok(i));
    }
    assert_eq!(slow.len(), 2);
    assert_eq!(now(slow.recv()), Err(RecvError::Lagged(3)));
    assert_eq!(slow.len(), 2);
    assert_eq!((slow.try_recv(), slow.try_recv()), (Ok(4), Ok(5)));
    for i in 6..=8 {
        sender.send(i).unwrap();
    }
    let error = slow.try_recv().unwrap_err();
    assert_eq!(error, TryRecvError::Lagged(1));
    assert_eq!(error.to_string(), "failed to keep up: 1 messages were missed");
}

fn sending_never_waits_and_drops_the_oldest<H: Home>() {
    let counts = Rc::default();
    let (sender, _receiver) = channel::<_, H>(3);
    for i in 1..=10 {
        assert!(sender.send(Counted::new(&counts)).is_ok());
        assert_eq!((counts.live.get(), sender.len()), (i.min(3), i.min(3)));
    }
}

fn who_waits_is_woken_in_order<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(4));
    let mut receivers = [(); 3].map(|()| receiver.resubscribe());
    let mut name = 0;
    let mut futures = receivers.each_mut().map(|receiver| {
        name += 1;
        waiting(receiver, &log, name)
    });
    sender.send(7).unwrap();
    assert_eq!(log.take(), [1, 2, 3]);
    sender.send(8).unwrap();
    assert_eq!(log.take(), []);
    assert!(futures.iter_mut().all(|future| poll_idle(future) == Poll::Ready(Ok(7))));
}

fn a_closed_channel_gives_what_is_kept_and_then_an_error<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(4));
    let mut other = receiver.resubscribe();
    sender.send(1).unwrap();
    assert_eq!(other.try_recv(), Ok(1));
    let mut waits = waiting(&mut other, &log, 1);
    sender.close();
    sender.close();
    assert_eq!(log.take(), [1]);
    assert_eq!(poll_idle(&mut waits), Poll::Ready(Err(RecvError::Closed)));
    assert!(sender.is_closed() && receiver.is_closed());
    assert_eq!(now(receiver.recv()), Ok(1));
    assert_eq!(now(receiver.recv()), Err(RecvError::Closed));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(RecvError::Closed.to_string(), "failed to receive a message: the channel is closed");
    assert_eq!(sender.subscribe().try_recv(), Err(TryRecvError::Closed));
}

fn the_last_sender_closes_the_channel<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<u32, H>(4));
    let other = sender.clone();
    let mut waits = waiting(&mut receiver, &log, 1);
    drop(sender);
    assert_eq!(log.take(), []);
    drop(other);
    assert_eq!(log.take(), [1]);
    assert_eq!(poll_idle(&mut waits), Poll::Ready(Err(RecvError::Closed)));
}

fn the_last_who_gets_a_message_gets_itself<H: Home>() {
    let counts = Rc::default();
    let (sender, mut receiver) = channel::<_, H>(4);
    let mut others = [(); 3].map(|()| receiver.resubscribe());
    assert!(sender.send(Counted::new(&counts)).is_ok());
    assert!(receiver.try_recv().is_ok());
    assert!(others.iter_mut().all(|other| now(other.recv()).is_ok()));
    assert_eq!((counts.clones.get(), counts.live.get()), (3, 0));
}

fn a_message_is_dropped_when_nobody_has_yet_to_get_it<H: Home>() {
    let counts = Rc::default();
    let (sender, mut first) = channel::<_, H>(4);
    let mut second = sender.subscribe();
    for _ in 0..4 {
        assert!(sender.send(Counted::new(&counts)).is_ok());
    }
    for left in (0..4).rev() {
        drop(first.try_recv());
        assert_eq!(counts.live.get(), left + 1);
        drop(second.try_recv());
        assert_eq!((counts.live.get(), sender.len()), (left, left));
    }
}

fn a_dropped_receiver_drops_what_only_it_had_yet_to_get<H: Home>() {
    let counts = Rc::default();
    let (sender, mut first) = channel::<_, H>(4);
    let second = sender.subscribe();
    for _ in 0..6 {
        assert!(sender.send(Counted::new(&counts)).is_ok());
    }
    assert_eq!(first.try_recv().err(), Some(TryRecvError::Lagged(2)));
    drop(first.try_recv());
    // It has not heard yet that it missed some.
    drop(second);
    assert_eq!((counts.live.get(), sender.len(), first.len()), (3, 3, 3));
    assert!(sender.send(Counted::new(&counts)).is_ok());
    drop(first);
    assert_eq!((counts.live.get(), sender.len()), (0, 0));
}

fn counts_are_of_those_who_are_there<H: Home>() {
    let (sender, receiver) = channel::<u32, H>(4);
    let counts = || (sender.sender_count(), sender.receiver_count(), sender.capacity());
    assert_eq!(counts(), (1, 1, 4));
    let more = (sender.clone(), receiver.resubscribe(), sender.subscribe(), receiver.stream());
    assert!(more.0.same_channel(&sender) && more.1.same_channel(&more.2));
    assert_eq!(counts(), (2, 3, 4));
    drop(more);
    assert_eq!(counts(), (1, 0, 4));
    let (other, receiver) = channel::<u32, H>(4);
    assert!(!other.same_channel(&sender) && !receiver.same_channel(&sender.subscribe()));
    assert!(sender.is_empty() && receiver.is_empty());
}

fn a_stream_gives_all_and_says_what_was_missed<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(2));
    let mut stream = Box::pin(receiver.stream());
    let waker = log.waker(1);
    assert_eq!(poll_next(&mut stream, &waker), Poll::Pending);
    assert_eq!(poll_next(&mut stream, &waker), Poll::Pending);
    for i in 1..=3 {
        sender.send(i).unwrap();
    }
    assert_eq!(log.take(), [1]);
    assert_eq!(poll_next(&mut stream, &waker), Poll::Ready(Some(Err(Lagged(1)))));
    assert_eq!(poll_next(&mut stream, &waker), Poll::Ready(Some(Ok(2))));
    assert_eq!(poll_next(&mut stream, &waker), Poll::Ready(Some(Ok(3))));
    assert_eq!(poll_next(&mut stream, &waker), Poll::Pending);
    drop(sender);
    assert_eq!(log.take(), [1]);
    assert_eq!(poll_next(&mut stream, &waker), Poll::Ready(None));
    assert_eq!(poll_next(&mut stream, &waker), Poll::Ready(None));
}

fn a_stream_that_waits_may_be_dropped<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<u32, H>(2));
    let mut stream = Box::pin(receiver.stream());
    assert!(poll_next(&mut stream, &log.waker(1)).is_pending());
    drop(stream);
    assert!(sender.send(1).is_err());
    assert_eq!(log.take(), []);
}

fn a_dropped_waiter_is_not_woken_and_receives_nothing<H: Home>() {
    for dropped in 0..3 {
        let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(4));
        let mut receivers = [(); 3].map(|()| receiver.resubscribe());
        let mut waiters: Vec<_> =
            receivers.iter_mut().enumerate().map(|(name, receiver)| waiting(receiver, &log, name)).collect();
        drop(waiters.remove(dropped));
        sender.send(1).unwrap();
        let others: Vec<_> = (0..3).filter(|&name| name != dropped).collect();
        assert_eq!(log.take(), others);
        // Nor do those who were woken and are dropped.
        drop(waiters);
        assert!(receivers.iter_mut().all(|receiver| receiver.try_recv() == Ok(1)));
    }
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let mut waiter = waiting(&mut receiver, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    sender.send(1).unwrap();
    assert_eq!(log.take(), [2]);
}

fn more_than_one_batch_is_woken_in_order<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let mut receivers: Vec<_> = (0..10_000).map(|_| receiver.resubscribe()).collect();
    let waiters: Vec<_> =
        receivers.iter_mut().enumerate().map(|(name, receiver)| waiting(receiver, &log, name)).collect();
    assert_eq!(sender.send(1), Ok(10_001));
    assert!(log.take().into_iter().eq(0..10_000));
    for mut waiter in waiters {
        assert!(poll_idle(&mut waiter).is_ready());
    }
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    // Enough for several batches, with panics in two of them.
    const N: usize = 50;
    for closes in [false, true] {
        let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(1));
        let mut receivers = [(); N].map(|()| receiver.resubscribe());
        let mut waiters: Vec<_> = receivers.iter_mut().map(|receiver| Box::pin(receiver.recv())).collect();
        for (name, waiter) in waiters.iter_mut().enumerate() {
            let waker = if name % 20 == 5 { log.panicking_waker(name) } else { log.waker(name) };
            assert!(poll(waiter, &waker).is_pending());
        }
        let panic = panic_of(|| match closes {
            false => assert_eq!(sender.send(1), Ok(N)),
            true => drop(sender),
        });
        assert_eq!(panic, 5);
        assert!(log.take().into_iter().eq(0..N));
        let expected = if closes { Err(RecvError::Closed) } else { Ok(1) };
        assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter) == Poll::Ready(expected)));
    }
}

/// Each waiter that is woken waits again, at once: `send` must come to an end all the same.
fn who_comes_while_others_are_woken_is_not_woken_by_the_same_message<H: Home>() {
    const N: usize = 40;
    let (sender, receiver) = channel::<_, H>(4);
    let again = Rc::new(RefCell::new(Vec::new()));
    let is_waking = Rc::new(Cell::new(false));
    let hook = {
        let (again, is_waking, receiver) = (again.clone(), is_waking.clone(), receiver.resubscribe());
        move || {
            if is_waking.get() {
                let mut stream = Box::pin(receiver.resubscribe().stream());
                assert!(poll_next(&mut stream, Waker::noop()).is_pending());
                again.borrow_mut().push(stream);
            }
        }
    };
    with_hook(hook, || {
        let mut receivers = [(); N].map(|()| receiver.resubscribe());
        let mut waiters: Vec<_> = receivers.iter_mut().map(|receiver| Box::pin(receiver.recv())).collect();
        for waiter in &mut waiters {
            assert!(poll(waiter, &hooked_waker(1)).is_pending());
        }
        is_waking.set(true);
        sender.send(1).unwrap();
        is_waking.set(false);
        assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter) == Poll::Ready(Ok(1))));
        let mut again = again.take();
        assert_eq!(again.len(), N);
        assert!(again.iter_mut().all(|stream| poll_next(stream, Waker::noop()).is_pending()));
        sender.send(2).unwrap();
        assert!(again.iter_mut().all(|stream| poll_next(stream, Waker::noop()) == Poll::Ready(Some(Ok(2)))));
    });
}

/// What is being cloned stays where it is, though the ring goes round and its place is wanted, and is dropped once.
fn a_message_may_be_overwritten_while_it_is_cloned<H: Home>() {
    let (sender, mut receiver) = channel::<Calls, H>(1);
    let mut other = receiver.resubscribe();
    let n_drops = Rc::new(Cell::new(0));
    let drops = || -> Rc<dyn Fn()> {
        let n_drops = n_drops.clone();
        Rc::new(move || n_drops.set(n_drops.get() + 1))
    };
    let in_clone = {
        let (sender, n_drops, drops) = (sender.clone(), n_drops.clone(), drops());
        Rc::new(move || {
            for i in 0..10 {
                let message = Calls { in_clone: Rc::new(|| ()), in_drop: drops.clone() };
                assert!(sender.send(message).is_ok());
                // All but the last one, and not the one that is being cloned.
                assert_eq!(n_drops.get(), i);
            }
        })
    };
    assert!(sender.send(Calls { in_clone, in_drop: drops() }).is_ok());
    assert!(receiver.try_recv().is_ok());
    assert_eq!(n_drops.get(), 10);
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Lagged(9)));
    assert_eq!(other.try_recv().err(), Some(TryRecvError::Lagged(10)));
    drop((receiver.try_recv(), other.try_recv()));
    assert_eq!((n_drops.get(), sender.len()), (11, 0));
    // And if meanwhile the others have got it, or are gone.
    let slot = Rc::new(RefCell::new(Some(other)));
    let in_clone = {
        let slot = slot.clone();
        Rc::new(move || drop(slot.take()))
    };
    assert!(sender.send(Calls { in_clone, in_drop: drops() }).is_ok());
    assert!(receiver.try_recv().is_ok());
    assert_eq!((n_drops.get(), sender.len()), (12, 0));
}

fn a_panicking_clone_loses_one_message_of_one_receiver<H: Home>() {
    let (sender, mut receiver) = channel::<Calls, H>(4);
    let mut other = receiver.resubscribe();
    let n_drops = Rc::new(Cell::new(0));
    let in_drop = {
        let n_drops = n_drops.clone();
        Rc::new(move || n_drops.set(n_drops.get() + 1))
    };
    assert!(sender.send(Calls { in_clone: Rc::new(|| std::panic::panic_any(3_usize)), in_drop }).is_ok());
    assert_eq!(panic_of(|| drop(now(receiver.recv()))), 3);
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty));
    assert_eq!((n_drops.get(), other.len()), (0, 1));
    // It gets the message itself.
    assert!(other.try_recv().is_ok());
    assert_eq!((n_drops.get(), sender.len()), (1, 0));
}

fn a_panicking_destructor_does_not_keep_the_other_messages<H: Home>() {
    let (sender, receiver) = channel::<Calls, H>(4);
    let n_drops = Rc::new(Cell::new(0));
    for i in 0..5_usize {
        let n_drops = n_drops.clone();
        let in_drop = Rc::new(move || {
            n_drops.set(n_drops.get() + 1);
            if i < 3 {
                std::panic::panic_any(i);
            }
        });
        let sent = catch_unwind(AssertUnwindSafe(|| sender.send(Calls { in_clone: Rc::new(|| ()), in_drop }).is_ok()));
        // The last one overwrites the first.
        assert_eq!(sent.is_err(), i == 4);
    }
    assert_eq!(receiver.len(), 4);
    assert_eq!(panic_of(|| drop(receiver)), 1);
    assert_eq!((n_drops.get(), sender.len(), sender.receiver_count()), (5, 0, 0));
}

/// The first panic goes on; a second one in the middle of it would abort the process.
fn a_panicking_destructor_after_a_panicking_waker_or_clone_is_left_out<H: Home>() {
    fn bomb(in_clone: Rc<dyn Fn()>) -> Calls {
        Calls { in_clone, in_drop: Rc::new(|| std::panic::panic_any(9_usize)) }
    }
    fn dud() -> Calls {
        Calls { in_clone: Rc::new(|| ()), in_drop: Rc::new(|| ()) }
    }
    let (log, (sender, _slow)) = (WakeLog::default(), channel::<Calls, H>(1));
    assert!(sender.send(bomb(Rc::new(|| ()))).is_ok());
    let mut waits = sender.subscribe();
    let mut future = Box::pin(waits.recv());
    assert!(poll(&mut future, &log.panicking_waker(3)).is_pending());
    assert_eq!(panic_of(|| drop(sender.send(dud()))), 3);
    assert!(poll_idle(&mut future).is_ready());

    let (sender, mut receiver) = channel::<Calls, H>(1);
    let other = Rc::new(RefCell::new(Some(sender.subscribe())));
    let in_clone = move || {
        // Then it is the reader's to drop.
        drop(other.take());
        std::panic::panic_any(4_usize);
    };
    assert!(sender.send(bomb(Rc::new(in_clone))).is_ok());
    assert_eq!(panic_of(|| drop(receiver.try_recv())), 4);
    assert!(sender.is_empty());
}

/// The clone was not given to anybody.
fn a_panicking_destructor_of_what_was_overwritten_leaks_no_clone<H: Home>() {
    /// Overwritten while it is cloned, so that it is dropped afterwards; only the first one panics.
    struct Overwritten<H: Home> {
        counted: Counted,
        sender: Option<Sender<Self, H>>,
    }
    impl<H: Home> Clone for Overwritten<H> {
        fn clone(&self) -> Self {
            let next = Self { counted: self.counted.clone(), sender: None };
            assert!(self.sender.as_ref().unwrap().send(next).is_ok());
            Self { counted: self.counted.clone(), sender: None }
        }
    }
    impl<H: Home> Drop for Overwritten<H> {
        fn drop(&mut self) {
            if self.sender.is_some() {
                std::panic::panic_any(5_usize);
            }
        }
    }
    let counts = Rc::default();
    let (sender, mut receiver) = channel::<Overwritten<H>, H>(1);
    let other = receiver.resubscribe();
    assert!(sender.send(Overwritten { counted: Counted::new(&counts), sender: Some(sender.clone()) }).is_ok());
    assert_eq!(panic_of(|| drop(receiver.try_recv())), 5);
    // What has overwritten it.
    assert_eq!(counts.live.get(), 1);
    drop((receiver, other));
    assert_eq!(counts.live.get(), 0);
}

/// A receiver that is dropped gives up one message after the other: meanwhile those behind may have come and gone.
fn a_destructor_may_send_and_receive_while_its_receiver_goes<H: Home>() {
    for n_sent in 1..6 {
        let (sender, receiver) = channel::<Calls, H>(4);
        let stays = Rc::new(RefCell::new(sender.subscribe()));
        let n_drops = Rc::new(Cell::new(0));
        let counts = || -> Rc<dyn Fn()> {
            let n_drops = n_drops.clone();
            Rc::new(move || n_drops.set(n_drops.get() + 1))
        };
        let in_drop = {
            let (sender, stays, counts) = (sender.clone(), stays.clone(), counts());
            Rc::new(move || {
                for _ in 0..n_sent {
                    assert_eq!(sender.send(Calls { in_clone: Rc::new(|| ()), in_drop: counts.clone() }).ok(), Some(1));
                    assert!(stays.borrow_mut().try_recv().is_ok());
                }
                assert!(stays.borrow().is_empty());
            })
        };
        assert!(sender.send(Calls { in_clone: Rc::new(|| ()), in_drop }).is_ok());
        for _ in 0..2 {
            assert!(sender.send(Calls { in_clone: Rc::new(|| ()), in_drop: counts() }).is_ok());
        }
        for _ in 0..3 {
            assert!(stays.borrow_mut().try_recv().is_ok());
        }
        drop(receiver);
        assert_eq!((n_drops.get(), sender.len()), (n_sent + 2, 0));
        assert!(sender.send(Calls { in_clone: Rc::new(|| ()), in_drop: counts() }).is_ok());
        assert_eq!(sender.len(), 1);
        assert!(stays.borrow_mut().try_recv().is_ok());
        assert_eq!((n_drops.get(), sender.len()), (n_sent + 3, 0));
    }
}

fn wakers_and_destructors_may_use_the_channel_again<H: Home>() {
    let (sender, receiver) = channel::<Calls, H>(2);
    let n_calls = Rc::new(Cell::new(0));
    let calls: Rc<dyn Fn()> = {
        let n_calls = n_calls.clone();
        let both = RefCell::new(Some((sender.clone(), receiver.resubscribe())));
        Rc::new(move || {
            n_calls.set(n_calls.get() + 1);
            // Not again from within this; and the last call drops them.
            let Some((sender, mut receiver)) = both.take() else { return };
            let message = Calls { in_clone: Rc::new(|| ()), in_drop: Rc::new(|| ()) };
            let _ = (sender.send(message), sender.len(), receiver.try_recv(), receiver.resubscribe());
            let _ = (format!("{sender:?} {receiver:?}"), poll_idle(&mut Box::pin(receiver.resubscribe().recv())));
            if n_calls.get() < 8 {
                *both.borrow_mut() = Some((sender, receiver));
            }
        })
    };
    let theirs = calls.clone();
    with_hook(
        move || theirs(),
        || {
            let mut waits = receiver.resubscribe();
            let mut future = Box::pin(waits.recv());
            // Cloning the waker sends something: then it is ready.
            assert!(poll(&mut future, &hooked_waker(1)).is_ready());
            for _ in 0..6 {
                let message = Calls { in_clone: calls.clone(), in_drop: calls.clone() };
                let _ = sender.send(message);
                let mut other = receiver.resubscribe();
                let mut waits = Box::pin(other.recv());
                let _ = (
                    poll(&mut waits, &hooked_waker(1)),
                    poll(&mut Box::pin(receiver.resubscribe().recv()), &hooked_waker(2)),
                );
            }
            let mut receiver = receiver.resubscribe();
            for _ in 0..4 {
                let _ = receiver.try_recv();
            }
        },
    );
    assert!(n_calls.get() > 8);
    drop(calls);
}

fn debug_shows_every_state<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(2);
    sender.send(1).unwrap();
    assert_eq!(
        format!("{sender:?} {receiver:?} {:?}", receiver.resubscribe().recv()),
        "Sender { len: 1, capacity: 2, receiver_count: 2, is_closed: false } Receiver { len: 1, is_closed: false } \
         RecvFuture(New)"
    );
    assert_eq!(receiver.try_recv(), Ok(1));
    sender.close();
    assert_eq!(format!("{:?}", receiver.stream()), "BroadcastStream(Receiver { len: 0, is_closed: true })");
    assert_eq!(format!("{:?}", sender.send(3)), "Err(SendError { .. })");
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let mut other = receiver.resubscribe();
    let mut first = waiting(&mut other, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(receiver.recv()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    sender.send(1).unwrap();
    assert_eq!(log.take(), [1]);
    assert!(poll_idle(&mut first).is_ready());
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(2);
    sender.send(1).unwrap();
    let mut future = Box::pin(receiver.recv());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
}

fn a_channel_that_keeps_nothing_is_refused<H: Home>() {
    assert!(catch_unwind(|| channel::<u32, H>(0)).is_err());
}

const RECEIVERS: usize = 4;

#[derive(Debug, Clone)]
enum Op {
    Send,
    CloneSender,
    DropSender,
    Close,
    /// In place of the one there.
    Subscribe(usize),
    DropReceiver(usize),
    TryRecv(usize),
    /// Polls once and gives up.
    Cancel(usize),
    /// Polls as a stream, which goes on.
    Poll(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let receiver = 0..RECEIVERS;
    prop_oneof![
        6 => Just(Op::Send),
        1 => Just(Op::CloneSender),
        1 => Just(Op::DropSender),
        1 => proptest::bool::weighted(0.2).prop_map(|closes| if closes { Op::Close } else { Op::Send }),
        2 => receiver.clone().prop_map(Op::Subscribe),
        1 => receiver.clone().prop_map(Op::DropReceiver),
        4 => receiver.clone().prop_map(Op::TryRecv),
        2 => receiver.clone().prop_map(Op::Cancel),
        5 => receiver.prop_map(Op::Poll),
    ]
}

/// The channel as one would draw it: all messages are there, and each receiver has a number.
struct Model {
    capacity: usize,
    n_sent: usize,
    is_closed: bool,
    next: [Option<usize>; RECEIVERS],
    line: Vec<usize>,
    woken: Vec<usize>,
}

impl Model {
    fn oldest(&self) -> usize {
        self.n_sent.saturating_sub(self.capacity)
    }

    fn recv(&mut self, i: usize) -> Result<usize, TryRecvError> {
        let oldest = self.oldest();
        let next = self.next[i].as_mut().expect("it is there");
        if *next < oldest {
            let missed = oldest - std::mem::replace(next, oldest);
            return Err(TryRecvError::Lagged(missed as u64));
        }
        if *next == self.n_sent {
            return Err(if self.is_closed { TryRecvError::Closed } else { TryRecvError::Empty });
        }
        *next += 1;
        Ok(*next - 1)
    }

    /// Those that somebody has yet to get.
    fn kept(&self) -> usize {
        self.next.iter().flatten().min().map_or(0, |slowest| self.n_sent - self.oldest().max(*slowest))
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.woken.append(&mut self.line);
    }

    fn leave(&mut self, i: usize) {
        self.line.retain(|&other| other != i);
    }
}

type Message = (usize, Counted);
type Streams<H> = [Option<BoxedStream<Message, H>>; RECEIVERS];

fn the_broadcast_channel_behaves_like_its_model<H: Home>() {
    proptest!(|(capacity in 1_usize..5, ops in prop::collection::vec(op(), 0..80))| {
        let (log, counts) = (WakeLog::default(), Rc::default());
        let mut model =
            Model { capacity, n_sent: 0, is_closed: false, next: [None; RECEIVERS], line: vec![], woken: vec![] };
        let mut senders = vec![Sender::<Message, H>::new(capacity)];
        let mut receivers: [Option<Receiver<Message, H>>; RECEIVERS] = Default::default();
        let mut streams: Streams<H> = Default::default();
        for op in ops {
            let n_receivers = model.next.iter().flatten().count();
            match op {
                Op::Send => {
                    let Some(sender) = senders.last() else { continue };
                    let sent = sender.send((model.n_sent, Counted::new(&counts)));
                    prop_assert_eq!(sent.ok(), (n_receivers > 0 && !model.is_closed).then_some(n_receivers));
                    if n_receivers > 0 && !model.is_closed {
                        model.n_sent += 1;
                        model.woken.append(&mut model.line);
                    }
                }
                Op::CloneSender => senders.extend(senders.last().cloned()),
                Op::DropSender => {
                    if senders.pop().is_some() && senders.is_empty() {
                        model.close();
                    }
                }
                Op::Close => {
                    let Some(sender) = senders.last() else { continue };
                    sender.close();
                    model.close();
                }
                Op::Subscribe(i) => {
                    let Some(sender) = senders.last() else { continue };
                    model.leave(i);
                    (receivers[i], streams[i]) = (Some(sender.subscribe()), None);
                    model.next[i] = Some(model.n_sent);
                }
                Op::DropReceiver(i) => {
                    model.leave(i);
                    (receivers[i], streams[i]) = (None, None);
                    model.next[i] = None;
                }
                Op::TryRecv(i) => {
                    let Some(receiver) = receivers[i].as_mut() else { continue };
                    prop_assert_eq!(receiver.try_recv().map(|message| message.0), model.recv(i));
                }
                Op::Cancel(i) => {
                    let Some(receiver) = receivers[i].as_mut() else { continue };
                    let polled = poll(&mut Box::pin(receiver.recv()), &log.waker(i));
                    let expected = match model.recv(i) {
                        Ok(number) => Poll::Ready(Ok(number)),
                        Err(TryRecvError::Empty) => Poll::Pending,
                        Err(TryRecvError::Lagged(missed)) => Poll::Ready(Err(RecvError::Lagged(missed))),
                        Err(TryRecvError::Closed) => Poll::Ready(Err(RecvError::Closed)),
                    };
                    prop_assert_eq!(polled.map(|received| received.map(|message| message.0)), expected);
                }
                Op::Poll(i) => {
                    if let Some(receiver) = receivers[i].take() {
                        streams[i] = Some(Box::pin(receiver.stream()));
                    }
                    let Some(stream) = streams[i].as_mut() else { continue };
                    let polled = poll_next(stream, &log.waker(i));
                    let expected = match model.recv(i) {
                        Ok(number) => Poll::Ready(Some(Ok(number))),
                        Err(TryRecvError::Empty) => Poll::Pending,
                        Err(TryRecvError::Lagged(missed)) => Poll::Ready(Some(Err(Lagged(missed)))),
                        Err(TryRecvError::Closed) => Poll::Ready(None),
                    };
                    let polled = polled.map(|item| item.map(|received| received.map(|message| message.0)));
                    prop_assert_eq!(polled, expected);
                    if expected.is_pending() && !model.line.contains(&i) {
                        model.line.push(i);
                    }
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(counts.live.get(), model.kept());
            for (receiver, next) in receivers.iter().zip(model.next) {
                let (Some(receiver), Some(next)) = (receiver, next) else { continue };
                prop_assert_eq!(receiver.len(), model.n_sent - next.max(model.oldest()));
            }
            if let Some(sender) = senders.last() {
                prop_assert_eq!(sender.len(), model.kept());
                prop_assert_eq!(sender.receiver_count(), model.next.iter().flatten().count());
            }
        }
        drop((senders, receivers, streams));
        prop_assert_eq!(counts.live.get(), 0);
    });
}
