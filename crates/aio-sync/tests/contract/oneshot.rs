//! The contract of the oneshot channel, in both homes.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::generic::oneshot::{self, ClosedFuture, Receiver, Sender};
use proptest::prelude::*;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    a_message_that_was_sent_is_received_without_waiting,
    who_waits_is_woken_by_the_message,
    who_waits_is_woken_when_the_sender_is_dropped,
    the_waker_of_the_last_poll_is_the_one_called,
    a_message_for_nobody_comes_back,
    a_closed_receiver_still_has_what_was_sent_before,
    a_closed_receiver_takes_nothing_new,
    dropping_the_receiver_drops_the_message,
    trying_tells_empty_from_closed,
    a_receiver_by_reference_may_be_given_up_and_awaited_again,
    who_waits_for_the_receiver_to_go_is_woken,
    waiting_for_a_receiver_that_is_gone_does_not_yield,
    who_gives_up_waiting_for_the_receiver_is_not_woken,
    a_leaked_wait_for_the_receiver_is_harmless,
    polling_again_after_it_was_ready_panics,
    a_panicking_waker_does_not_undo_the_message,
    a_panicking_destructor_of_a_message_leaves_nothing,
    wakers_may_use_the_other_end,
    debug_shows_every_state,
    a_million_polls_and_drops_leave_nothing,
    the_oneshot_channel_behaves_like_its_model,
}

/// Counts how many of it there are.
struct Counted(Rc<Cell<isize>>);

impl Counted {
    fn new(count: &Rc<Cell<isize>>) -> Self {
        count.set(count.get() + 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

type Boxed<T, H> = Pin<Box<Receiver<T, H>>>;

fn channel<T, H: Home>() -> (Sender<T, H>, Boxed<T, H>) {
    let (sender, receiver) = oneshot::channel();
    (sender, Box::pin(receiver))
}

#[test]
fn both_homes_are_inferred() {
    let (sender, receiver) = aio_sync::oneshot::channel();
    sender.send(1).unwrap();
    assert_eq!(now(receiver), Ok(1));
    let (sender, receiver) = aio_sync::local::oneshot::channel();
    sender.send(Rc::new(1)).unwrap();
    assert_eq!(now(receiver), Ok(Rc::new(1)));
}

#[test]
fn a_thread_may_block_for_the_message() {
    live::leak_check(|| {
        let (sender, receiver) = aio_sync::oneshot::channel();
        let other = std::thread::spawn(move || receiver.recv_blocking());
        sender.send(1).unwrap();
        assert_eq!(other.join().unwrap(), Ok(1));

        let (sender, receiver) = aio_sync::oneshot::channel::<u32>();
        let other = std::thread::spawn(move || receiver.recv_blocking());
        drop(sender);
        assert!(other.join().unwrap().is_err());

        let (sender, receiver) = aio_sync::oneshot::channel();
        sender.send(2).unwrap();
        assert_eq!(receiver.recv_blocking(), Ok(2));
    });
}

fn a_message_that_was_sent_is_received_without_waiting<H: Home>() {
    let (sender, receiver) = channel::<_, H>();
    sender.send(String::from("hello")).unwrap();
    assert_eq!(now(receiver).unwrap(), "hello");
}

fn who_waits_is_woken_by_the_message<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>());
    assert!(poll(&mut receiver, &log.waker(1)).is_pending());
    sender.send(7).unwrap();
    assert_eq!(log.take(), [1]);
    assert_eq!(poll_idle(&mut receiver), Poll::Ready(Ok(7)));
}

fn who_waits_is_woken_when_the_sender_is_dropped<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<u32, H>());
    assert!(poll(&mut receiver, &log.waker(1)).is_pending());
    drop(sender);
    assert_eq!(log.take(), [1]);
    let Poll::Ready(Err(error)) = poll_idle(&mut receiver) else { panic!("nobody is there") };
    assert_eq!(error.to_string(), "failed to receive the message: nobody will send it");
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (log, (mut sender, mut receiver)) = (WakeLog::default(), channel::<_, H>());
    assert!(poll(&mut receiver, &log.waker(1)).is_pending());
    assert!(poll(&mut receiver, &log.waker(2)).is_pending());
    {
        let mut closed = Box::pin(sender.closed());
        assert!(poll(&mut closed, &log.waker(3)).is_pending());
        assert!(poll(&mut closed, &log.waker(4)).is_pending());
        assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 2 } else { 0 });
    }
    sender.send(7).unwrap();
    assert_eq!(log.take(), [2]);
    let (mut sender, receiver) = channel::<u32, H>();
    let mut closed = Box::pin(sender.closed());
    assert!(poll(&mut closed, &log.waker(3)).is_pending());
    assert!(poll(&mut closed, &log.waker(4)).is_pending());
    drop(receiver);
    assert_eq!(log.take(), [4]);
}

fn a_message_for_nobody_comes_back<H: Home>() {
    for waits in [false, true] {
        let (sender, mut receiver) = channel::<_, H>();
        if waits {
            assert!(poll_idle(&mut receiver).is_pending());
        }
        assert!(!sender.is_closed());
        drop(receiver);
        assert!(sender.is_closed());
        let error = sender.send(String::from("hello")).unwrap_err();
        assert_eq!(error.to_string(), "failed to send the message: nobody will receive it");
        assert_eq!(error.into_inner(), "hello");
    }
}

fn a_closed_receiver_still_has_what_was_sent_before<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>();
    sender.send(7).unwrap();
    receiver.close();
    assert_eq!(poll_idle(&mut receiver), Poll::Ready(Ok(7)));
}

fn a_closed_receiver_takes_nothing_new<H: Home>() {
    for waits in [false, true] {
        let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>());
        if waits {
            assert!(poll(&mut receiver, &log.waker(1)).is_pending());
        }
        receiver.close();
        receiver.close();
        assert!(sender.is_closed());
        assert_eq!(sender.send(7).unwrap_err().into_inner(), 7);
        // That it is over for good, it hears all the same.
        assert_eq!(log.take().len(), usize::from(waits));
        assert!(receiver.try_recv().unwrap_err().is_closed());
        assert!(matches!(poll_idle(&mut receiver), Poll::Ready(Err(_))));
    }
    // And before the sender has gone.
    let (sender, mut receiver) = channel::<u32, H>();
    assert!(poll_idle(&mut receiver).is_pending());
    receiver.close();
    assert!(matches!(poll_idle(&mut receiver), Poll::Ready(Err(_))));
    assert!(sender.is_closed());
    assert!(sender.send(1).is_err());
}

fn dropping_the_receiver_drops_the_message<H: Home>() {
    let count = Rc::default();
    for waits in [false, true] {
        let (sender, mut receiver) = channel::<_, H>();
        if waits {
            assert!(poll_idle(&mut receiver).is_pending());
        }
        assert!(sender.send(Counted::new(&count)).is_ok());
        assert_eq!(count.get(), 1);
        drop(receiver);
        assert_eq!(count.get(), 0);
    }
}

fn trying_tells_empty_from_closed<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>();
    let error = receiver.try_recv().unwrap_err();
    assert!(error.is_empty() && !error.is_closed());
    assert_eq!(error.to_string(), "failed to receive the message: it was not sent yet");
    sender.send(7).unwrap();
    assert_eq!(receiver.try_recv(), Ok(7));
    let error = receiver.try_recv().unwrap_err();
    assert!(error.is_closed() && !error.is_empty());
    assert_eq!(error.to_string(), "failed to receive the message: nobody will send it");

    let (sender, mut receiver) = channel::<u32, H>();
    drop(sender);
    assert!(receiver.try_recv().unwrap_err().is_closed());
    assert!(matches!(poll_idle(&mut receiver), Poll::Ready(Err(_))));
    assert!(receiver.try_recv().unwrap_err().is_closed());
    receiver.close();
}

fn a_receiver_by_reference_may_be_given_up_and_awaited_again<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>());
    assert!(poll(&mut Box::pin(&mut receiver), &log.waker(1)).is_pending());
    sender.send(7).unwrap();
    assert_eq!(now(&mut receiver), Ok(7));
}

fn who_waits_for_the_receiver_to_go_is_woken<H: Home>() {
    for closes in [false, true] {
        let (log, (mut sender, mut receiver)) = (WakeLog::default(), channel::<u32, H>());
        let mut closed = Box::pin(sender.closed());
        assert!(poll(&mut closed, &log.waker(1)).is_pending());
        if closes {
            receiver.close();
        } else {
            drop(receiver);
        }
        assert_eq!(log.take(), [1]);
        assert!(poll_idle(&mut closed).is_ready());
        drop(closed);
        assert!(sender.send(1).is_err());
    }
}

fn waiting_for_a_receiver_that_is_gone_does_not_yield<H: Home>() {
    let (mut sender, receiver) = channel::<u32, H>();
    drop(receiver);
    now(sender.closed());
    now(sender.closed());
}

fn who_gives_up_waiting_for_the_receiver_is_not_woken<H: Home>() {
    let (log, (mut sender, receiver)) = (WakeLog::default(), channel::<u32, H>());
    assert!(poll(&mut Box::pin(sender.closed()), &log.waker(1)).is_pending());
    assert_eq!(live::count(Kind::Waiter), 0);
    drop(receiver);
    assert_eq!(log.take(), []);
}

fn a_leaked_wait_for_the_receiver_is_harmless<H: Home>() {
    for (sends, receiver_goes_first) in [(false, false), (true, false), (false, true), (true, true)] {
        let (log, (mut sender, receiver)) = (WakeLog::default(), channel::<u32, H>());
        let mut receiver = Some(receiver);
        let mut closed = sender.closed();
        assert!(poll(&mut Box::pin(&mut closed), &log.waker(1)).is_pending());
        std::mem::forget(closed);
        if receiver_goes_first {
            receiver = None;
            assert_eq!(log.take(), [1]);
        }
        if sends {
            assert_eq!(sender.send(1).is_err(), receiver_goes_first);
        } else {
            drop(sender);
        }
        drop(receiver);
        assert_eq!(log.take(), []);
    }
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>();
    sender.send(7).unwrap();
    assert!(poll_idle(&mut receiver).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut receiver).is_ready())).is_err());
}

fn a_panicking_waker_does_not_undo_the_message<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>());
    assert!(poll(&mut receiver, &log.panicking_waker(3)).is_pending());
    assert_eq!(panic_of(|| sender.send(7).unwrap()), 3);
    assert_eq!(now(receiver), Ok(7));

    let (mut sender, receiver) = channel::<u32, H>();
    let mut closed = Box::pin(sender.closed());
    assert!(poll(&mut closed, &log.panicking_waker(4)).is_pending());
    assert_eq!(panic_of(|| drop(receiver)), 4);
    now(closed);
}

fn a_panicking_destructor_of_a_message_leaves_nothing<H: Home>() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(5_usize);
        }
    }
    let (sender, mut receiver) = channel::<_, H>();
    assert!(poll_idle(&mut receiver).is_pending());
    assert!(sender.send(Bomb).is_ok());
    assert_eq!(panic_of(|| drop(receiver)), 5);
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the channel is not in the middle of
/// something.
fn wakers_may_use_the_other_end<H: Home>() {
    // Each round: the `step`th call of the receiver's waker sends, or drops the sender.
    for sends in [false, true] {
        for step in 0..6 {
            let (sender, mut receiver) = channel::<_, H>();
            let (slot, calls) = (Rc::new(RefCell::new(Some(sender))), Rc::new(Cell::new(0)));
            let sent = Rc::new(Cell::new(false));
            let hook = {
                let (slot, calls, sent) = (slot.clone(), calls.clone(), sent.clone());
                move || {
                    if calls.replace(calls.get() + 1) == step
                        && let Some(sender) = slot.take()
                        && sends
                    {
                        sender.send(7).unwrap();
                        sent.set(true);
                    }
                }
            };
            with_hook(hook, || {
                let [one, two] = [1, 2].map(hooked_waker);
                let mut output = Poll::Pending;
                for waker in [&one, &two, &one] {
                    if output.is_pending() {
                        output = poll(&mut receiver, waker);
                    }
                }
                if output.is_pending() {
                    drop(slot.take());
                    output = poll(&mut receiver, &one);
                }
                match output {
                    Poll::Ready(Ok(message)) => assert!(sent.get() && message == 7),
                    Poll::Ready(Err(_)) => assert!(!sent.get()),
                    Poll::Pending => panic!("the sender is gone"),
                }
            });
        }
    }
    // The receiver is dropped by its own waker, which the sender calls when it is dropped.
    let (sender, mut receiver) = channel::<u32, H>();
    let slot = Rc::new(RefCell::new(None));
    let theirs = slot.clone();
    with_hook(
        move || drop(theirs.take()),
        || {
            assert!(poll(&mut receiver, &hooked_waker(1)).is_pending());
            *slot.borrow_mut() = Some(receiver);
            // Wakes the receiver, which is dropped in there.
            drop(sender);
            assert!(slot.borrow().is_none());
        },
    );
}

fn debug_shows_every_state<H: Home>() {
    let (mut sender, receiver) = channel::<u32, H>();
    assert_eq!(format!("{sender:?} {receiver:?}"), "Sender { is_closed: false } Receiver(Empty)");
    assert_eq!(format!("{:?}", sender.closed()), "ClosedFuture { is_closed: false }");
    sender.send(7).unwrap();
    assert_eq!(format!("{receiver:?}"), "Receiver(Sent)");
    let mut receiver = receiver;
    assert!(poll_idle(&mut receiver).is_ready());
    assert_eq!(format!("{receiver:?}"), "Receiver(Done)");
    let (sender, mut receiver) = channel::<u32, H>();
    receiver.close();
    assert_eq!(format!("{sender:?} {receiver:?}"), "Sender { is_closed: true } Receiver(Closed)");
    let errors = (receiver.try_recv().unwrap_err(), sender.send(1).unwrap_err());
    assert_eq!(format!("{errors:?}"), "(TryRecvError(Closed), SendError { .. })");
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (log, (mut sender, mut receiver)) = (WakeLog::default(), channel::<u32, H>());
    let wakers = [1, 2].map(|name| log.waker(name));
    for i in 0..1_000_000 {
        assert!(poll(&mut receiver, &wakers[i % 2]).is_pending());
        assert!(poll(&mut Box::pin(sender.closed()), &wakers[i % 2]).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
}

#[derive(Debug, Clone)]
enum Op {
    Send,
    DropSender,
    PollClosed(usize),
    DropClosed,
    PollReceiver(usize),
    TryRecv,
    Close,
    DropReceiver,
}

fn op() -> impl Strategy<Value = Op> {
    let waker = 0..3_usize;
    prop_oneof![
        1 => Just(Op::Send),
        1 => Just(Op::DropSender),
        3 => waker.clone().prop_map(Op::PollClosed),
        2 => Just(Op::DropClosed),
        4 => waker.prop_map(Op::PollReceiver),
        2 => Just(Op::TryRecv),
        1 => Just(Op::Close),
        1 => Just(Op::DropReceiver),
    ]
}

/// The channel as one would draw it.
#[derive(Default)]
struct Model {
    has_message: bool,
    sender_gone: bool,
    closed: bool,
    received: bool,
    receiver_waker: Option<usize>,
    closed_waker: Option<usize>,
    woken: Vec<usize>,
}

impl Model {
    fn end(&mut self, sends: bool) -> bool {
        let sent = sends && !self.closed;
        self.has_message = sent;
        self.sender_gone = true;
        self.woken.extend(self.receiver_waker.take());
        sent
    }

    fn close(&mut self) {
        if !self.sender_gone && !self.closed {
            self.woken.extend(self.closed_waker.take());
        }
        self.closed = true;
    }

    /// `None`: nothing yet.
    fn recv(&mut self) -> Option<bool> {
        if self.received {
            return Some(false);
        }
        let over = self.sender_gone || self.closed;
        over.then(|| std::mem::take(&mut self.has_message))
    }
}

/// The future has the sender borrowed, so both are leaked, and freed by hand.
struct Closed<H: Home> {
    sender: Option<Sender<Counted, H>>,
}

impl<H: Home> Closed<H> {
    /// Polls, and takes the waker back (`keeps`: does not).
    fn poll(&mut self, waker: &Waker, keeps: bool) -> Option<bool> {
        let mut future: ClosedFuture<'_, Counted, H> = self.sender.as_mut()?.closed();
        let is_ready = poll(&mut Box::pin(&mut future), waker).is_ready();
        if keeps {
            std::mem::forget(future);
        }
        Some(is_ready)
    }
}

fn the_oneshot_channel_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(op(), 0..20))| {
        let (log, count) = (WakeLog::default(), Rc::default());
        let (sender, receiver) = channel::<Counted, H>();
        let (mut closed, mut receiver) = (Closed { sender: Some(sender) }, Some(receiver));
        let mut model = Model::default();
        for op in ops {
            match op {
                Op::Send => {
                    let Some(sender) = closed.sender.take() else { continue };
                    model.closed_waker = None;
                    prop_assert_eq!(sender.send(Counted::new(&count)).is_ok(), model.end(true));
                }
                Op::DropSender => {
                    if closed.sender.take().is_some() {
                        model.closed_waker = None;
                        model.end(false);
                    }
                }
                Op::PollClosed(name) => {
                    let Some(is_ready) = closed.poll(&log.waker(10 + name), true) else { continue };
                    prop_assert_eq!(is_ready, model.closed);
                    model.closed_waker = (!is_ready).then_some(10 + name);
                }
                Op::DropClosed => {
                    if let Some(is_ready) = closed.poll(&log.waker(20), false) {
                        prop_assert_eq!(is_ready, model.closed);
                        model.closed_waker = None;
                    }
                }
                Op::PollReceiver(name) => {
                    let Some(receiver) = receiver.as_mut().filter(|_| !model.received) else { continue };
                    let polled = poll(receiver, &log.waker(name));
                    let expected = model.recv();
                    let found = match polled {
                        Poll::Pending => None,
                        Poll::Ready(received) => Some(received.is_ok()),
                    };
                    prop_assert_eq!(found, expected);
                    match expected {
                        None => model.receiver_waker = Some(name),
                        Some(_) => {
                            // The receiver has left: that closes the channel.
                            model.receiver_waker = None;
                            model.close();
                            model.received = true;
                        }
                    }
                }
                Op::TryRecv => {
                    let Some(receiver) = receiver.as_mut() else { continue };
                    let found = match receiver.try_recv() {
                        Err(error) if error.is_empty() => None,
                        received => Some(received.is_ok()),
                    };
                    let expected = model.recv();
                    prop_assert_eq!(found, expected);
                    model.received |= expected == Some(true);
                }
                Op::Close => {
                    let Some(receiver) = receiver.as_mut() else { continue };
                    receiver.close();
                    if !model.sender_gone {
                        model.close();
                    }
                }
                Op::DropReceiver => {
                    if receiver.take().is_some() {
                        model.receiver_waker = None;
                        model.has_message = false;
                        model.close();
                    }
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(count.get(), isize::from(model.has_message));
            if let Some(sender) = &closed.sender {
                prop_assert_eq!(sender.is_closed(), model.closed);
            }
        }
        drop((closed, receiver));
        prop_assert_eq!(count.get(), 0);
    });
}
