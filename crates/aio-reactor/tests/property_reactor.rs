//! Any sequence of registrations, news, cancellations and ends of loops, beside what the descriptors are known to hold:
//! nobody who could go on is left asleep, and nobody is woken for what does not concern him.

#![cfg(unix)]

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, yield_now};
use aio_reactor::{Async, Reactor};
use proptest::collection::vec;
use proptest::prelude::*;

/// How many descriptors there are at most.
const SLOTS: usize = 3;

#[derive(Debug, Clone)]
enum Op {
    Open,
    /// With all that waits for it. The next one that is opened has its number.
    Close,
    /// Takes it apart, and registers it anew under its number.
    Rewrap,
    PeerWrites(usize),
    PeerDrains,
    /// It closes its half.
    PeerEnds,
    PeerCloses,
    /// Past `Async`: until there is no more room.
    Fill,
    Start(Kind),
    Poll(usize),
    Cancel(usize),
    LookOutside,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read(usize),
    /// As the traits do it: the last that polled is woken.
    Stream(usize),
    Readable,
    Write,
    Writable,
}

/// Where operations are polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Loop(usize),
    /// On a thread without a loop: the thread of the process tells.
    Outside,
}

#[derive(Debug, Clone)]
enum Step {
    Do(Place, Vec<(usize, Op)>),
    /// All loops have their turns, and the thread of the process, too.
    Settle,
    /// The loop ends, and another one takes its place.
    End(usize),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => (1..8_usize).prop_map(Kind::Read),
        3 => (1..8_usize).prop_map(Kind::Stream),
        1 => Just(Kind::Readable),
        2 => Just(Kind::Write),
        1 => Just(Kind::Writable),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Open),
        1 => Just(Op::Close),
        1 => Just(Op::Rewrap),
        4 => (1..10_usize).prop_map(Op::PeerWrites),
        2 => Just(Op::PeerDrains),
        1 => Just(Op::PeerEnds),
        1 => Just(Op::PeerCloses),
        2 => Just(Op::Fill),
        8 => kind().prop_map(Op::Start),
        5 => any::<usize>().prop_map(Op::Poll),
        2 => any::<usize>().prop_map(Op::Cancel),
        3 => Just(Op::LookOutside),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let place = prop_oneof![3 => Just(Place::Loop(0)), 2 => Just(Place::Loop(1)), 1 => Just(Place::Outside)];
    prop_oneof![
        6 => (place, vec((0..SLOTS, op()), 1..12)).prop_map(|(place, ops)| Step::Do(place, ops)),
        2 => Just(Step::Settle),
        1 => (0..2_usize).prop_map(Step::End),
    ]
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

enum Got {
    Bytes(Vec<u8>),
    Wrote,
    Ready,
}

/// One who waits.
struct Waiter {
    kind: Kind,
    future: Pin<Box<dyn Future<Output = io::Result<Got>>>>,
    count: Arc<Count>,
    /// How often it had been woken when it began to wait.
    n_woken: usize,
    /// There was news of its descriptor since it began to wait, or some was on its way.
    may_be_woken: bool,
    /// Another one polled after it.
    is_replaced: bool,
}

struct Slot {
    io: Rc<Async<UnixStream>>,
    peer: Option<UnixStream>,
    /// How many bytes the peer has written, and how many of them were read.
    n_sent: usize,
    n_read: usize,
    /// How many bytes the peer has not read.
    n_unread: usize,
    has_ended: bool,
    is_full: bool,
    /// Something happened that not all loops have heard of.
    is_news: bool,
    waiters: Vec<Waiter>,
    /// Who was cancelled, and how often they had been woken by then.
    gone: Vec<(Arc<Count>, usize)>,
    last_place: Option<Place>,
    was_outside: bool,
}

fn byte(at: usize) -> u8 {
    (at % 251) as u8
}

impl Slot {
    fn open() -> Self {
        let (here, peer) = UnixStream::pair().unwrap();
        peer.set_nonblocking(true).unwrap();
        Self {
            io: Rc::new(Async::new(here).unwrap()),
            peer: Some(peer),
            n_sent: 0,
            n_read: 0,
            n_unread: 0,
            has_ended: false,
            is_full: false,
            is_news: false,
            waiters: Vec::new(),
            gone: Vec::new(),
            last_place: None,
            was_outside: false,
        }
    }

    fn news(&mut self) {
        self.is_news = true;
        self.may_wake_all();
    }

    fn may_wake_all(&mut self) {
        for waiter in &mut self.waiters {
            waiter.may_be_woken = true;
        }
    }

    /// Whether `kind` could go on.
    fn can(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read(_) | Kind::Stream(_) | Kind::Readable => self.n_sent > self.n_read || self.has_ended,
            Kind::Write | Kind::Writable => !self.is_full || self.peer.is_none(),
        }
    }

    fn start(&mut self, kind: Kind) {
        let io = self.io.clone();
        let future: Pin<Box<dyn Future<Output = io::Result<Got>>>> = match kind {
            Kind::Read(len) => Box::pin(async move {
                let mut buffer = vec![0; len];
                let n = io.read_with(|mut io| io.read(&mut buffer)).await?;
                Ok(Got::Bytes(buffer[..n].to_vec()))
            }),
            Kind::Stream(len) => Box::pin(async move {
                let mut buffer = vec![0; len];
                let n = poll_fn(|cx| io.poll_read_stream(cx, len, |mut io| io.read(&mut buffer))).await?;
                Ok(Got::Bytes(buffer[..n].to_vec()))
            }),
            Kind::Readable => Box::pin(async move { io.readable().await.map(|()| Got::Ready) }),
            Kind::Writable => Box::pin(async move { io.writable().await.map(|()| Got::Ready) }),
            Kind::Write => Box::pin(async move {
                assert_eq!(io.write_with(|mut io| io.write(b"x")).await?, 1);
                Ok(Got::Wrote)
            }),
        };
        let count = Arc::default();
        self.waiters.push(Waiter { kind, future, count, n_woken: 0, may_be_woken: false, is_replaced: false });
    }

    /// Whether it was ready.
    fn poll(&mut self, index: usize, place: Place) -> bool {
        if self.last_place.replace(place) != Some(place) {
            // It may be registered anew, and the others are told so.
            self.may_wake_all();
        }
        self.was_outside |= place == Place::Outside;
        let kind = self.waiters[index].kind;
        if matches!(kind, Kind::Stream(_)) {
            for waiter in &mut self.waiters {
                waiter.is_replaced |= matches!(waiter.kind, Kind::Stream(_));
            }
        }
        // If it could go on already, there is some to come.
        let is_news = self.is_news || self.can(kind);
        let waiter = &mut self.waiters[index];
        let n_woken = waiter.count.0.load(Ordering::SeqCst);
        let waker = Waker::from(waiter.count.clone());
        let Poll::Ready(result) = waiter.future.as_mut().poll(&mut Context::from_waker(&waker)) else {
            waiter.n_woken = n_woken;
            waiter.is_replaced = false;
            // By itself, too: it has found its descriptor ready many times in a row.
            waiter.may_be_woken = is_news || waiter.count.0.load(Ordering::SeqCst) != n_woken;
            return false;
        };
        self.waiters.remove(index);
        match result {
            Ok(got) => {
                assert!(self.can(kind), "{kind:?} is done, and there is nothing");
                match got {
                    Got::Bytes(bytes) => {
                        let expected: Vec<u8> = (self.n_read..self.n_sent).map(byte).take(bytes.len()).collect();
                        assert_eq!(bytes, expected);
                        assert!(!bytes.is_empty() || self.has_ended && self.n_read == self.n_sent, "an end");
                        self.n_read += bytes.len();
                    }
                    Got::Wrote => self.n_unread += 1,
                    Got::Ready => {}
                }
            }
            Err(error) => {
                assert!(self.peer.is_none(), "{error}");
                match (kind, error.kind()) {
                    (Kind::Write, ErrorKind::BrokenPipe) => {}
                    // The peer has not read everything, and it is told once.
                    (_, ErrorKind::ConnectionReset) if self.n_unread > 0 => {}
                    _ => panic!("{kind:?}: {error}"),
                }
            }
        }
        true
    }

    fn apply(&mut self, op: &Op, place: Place) {
        match *op {
            Op::PeerWrites(len) => {
                let bytes: Vec<u8> = (self.n_sent..self.n_sent + len).map(byte).collect();
                if let Some(peer) = &mut self.peer
                    && !self.has_ended
                {
                    peer.write_all(&bytes).unwrap();
                    self.n_sent += len;
                    self.news();
                }
            }
            Op::PeerDrains => {
                if let Some(peer) = &mut self.peer {
                    while peer.read(&mut [0; 1 << 16]).is_ok_and(|n| n > 0) {}
                    self.n_unread = 0;
                    self.is_full = false;
                    self.news();
                }
            }
            Op::PeerEnds => {
                if let Some(peer) = &self.peer {
                    peer.shutdown(Shutdown::Write).unwrap();
                    self.has_ended = true;
                    self.news();
                }
            }
            Op::PeerCloses => {
                self.peer = None;
                self.has_ended = true;
                self.news();
            }
            Op::Fill => {
                if self.peer.is_some() {
                    for len in [4096, 1] {
                        while let Ok(n) = self.io.get_ref().write(&vec![0; len]) {
                            self.n_unread += n;
                        }
                    }
                    self.is_full = true;
                }
            }
            Op::Start(kind) => {
                self.start(kind);
                self.poll(self.waiters.len() - 1, place);
            }
            Op::Poll(index) if !self.waiters.is_empty() => drop(self.poll(index % self.waiters.len(), place)),
            Op::Cancel(index) if !self.waiters.is_empty() => {
                let cancelled = self.waiters.swap_remove(index % self.waiters.len());
                drop(cancelled.future);
                // The others leave their wakers, and the thread of the process may be about to wake.
                if !matches!(cancelled.kind, Kind::Stream(_)) && !self.was_outside {
                    let n_woken = cancelled.count.0.load(Ordering::SeqCst);
                    self.gone.push((cancelled.count, n_woken));
                }
            }
            Op::Poll(_) | Op::Cancel(_) | Op::Open | Op::Close | Op::Rewrap | Op::LookOutside => {}
        }
    }

    /// The first who could go on and was not woken.
    fn asleep(&self) -> Option<Kind> {
        let is_asleep = |waiter: &&Waiter| {
            !waiter.is_replaced && self.can(waiter.kind) && waiter.count.0.load(Ordering::SeqCst) == waiter.n_woken
        };
        self.waiters.iter().find(is_asleep).map(|waiter| waiter.kind)
    }
}

type Loop = EventLoop<Reactor<ThreadPark>>;

fn new_loop() -> Loop {
    EventLoop::new(Reactor::new(ThreadPark::new()))
}

/// A loop asks the system for news after 64 polls, if it has always something to do.
async fn look_outside() {
    for _ in 0..65 {
        yield_now().await;
    }
}

struct World {
    slots: [Option<Slot>; SLOTS],
    loops: [Loop; 2],
}

impl World {
    async fn apply(slots: &mut [Option<Slot>; SLOTS], ops: &[(usize, Op)], place: Place) {
        for (index, op) in ops {
            let slot = &mut slots[*index];
            match op {
                Op::Open if slot.is_none() => *slot = Some(Slot::open()),
                Op::Close => *slot = None,
                Op::Rewrap => {
                    if let Some(slot) = slot {
                        slot.waiters.clear();
                        let Slot { io, .. } = slot;
                        let apart = std::mem::replace(io, Rc::new(Async::new(UnixStream::pair().unwrap().0).unwrap()));
                        let stream = Rc::into_inner(apart).expect("nobody waits").into_inner();
                        slot.io = Rc::new(Async::new(stream).unwrap());
                    }
                }
                Op::LookOutside if place != Place::Outside => look_outside().await,
                op => {
                    if let Some(slot) = slot {
                        slot.apply(op, place);
                    }
                }
            }
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Do(place @ Place::Loop(index), ops) => {
                self.loops[*index].run_until_complete(Self::apply(&mut self.slots, ops, *place)).unwrap();
            }
            Step::Do(Place::Outside, ops) => {
                futures_lite::future::block_on(Self::apply(&mut self.slots, ops, Place::Outside));
            }
            Step::Settle => self.settle(),
            Step::End(index) => {
                self.slots.iter_mut().flatten().for_each(Slot::may_wake_all);
                std::mem::replace(&mut self.loops[*index], new_loop()).close();
            }
        }
        for (count, n_woken) in self.slots.iter().flatten().flat_map(|slot| &slot.gone) {
            assert_eq!(count.0.load(Ordering::SeqCst), *n_woken, "who has gone is woken");
        }
        for waiter in self.slots.iter().flatten().flat_map(|slot| &slot.waiters) {
            let n_woken = waiter.count.0.load(Ordering::SeqCst);
            assert!(waiter.may_be_woken || n_woken == waiter.n_woken, "{:?} is woken for nothing", waiter.kind);
        }
    }

    /// Until everybody is woken who could go on.
    fn settle(&mut self) {
        for round in 0.. {
            for event_loop in &mut self.loops {
                event_loop.run_until_complete(look_outside()).unwrap();
            }
            let asleep = self.slots.iter().flatten().find_map(Slot::asleep);
            if asleep.is_none() && round > 0 {
                break;
            }
            assert!(round < 5_000, "nobody wakes {asleep:?}");
            if round > 10 {
                // clock: the thread of the process takes its time, and has five seconds.
                thread::sleep(Duration::from_millis(1));
            }
        }
        for slot in self.slots.iter_mut().flatten() {
            // What the thread of the process is about to tell is not known.
            slot.is_news &= slot.was_outside;
        }
    }

    /// In the end, whoever can go on does.
    fn finish(&mut self) {
        for round in 0.. {
            self.settle();
            let mut could_any = false;
            let slots = &mut self.slots;
            let poll_all = async {
                for slot in slots.iter_mut().flatten() {
                    let mut index = 0;
                    while index < slot.waiters.len() {
                        let could = slot.can(slot.waiters[index].kind);
                        let is_ready = slot.poll(index, Place::Loop(0));
                        assert!(could || !is_ready);
                        could_any |= could;
                        index += usize::from(!is_ready);
                    }
                }
            };
            self.loops[0].run_until_complete(poll_all).unwrap();
            if !could_any {
                break;
            }
            // Not all at once: after a short read, it is the system that tells of the end.
            assert!(round < 10, "who can go on does not");
        }
    }
}

#[test]
fn whoever_can_go_on_is_woken_and_nobody_else() {
    leak_check(|| {
        let defaults = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        let config = ProptestConfig { cases: 2_000, max_shrink_time: 60_000, ..defaults };
        proptest!(config, |(steps in vec(step(), 1..20))| {
            let mut world = World { slots: [None, None, None], loops: [new_loop(), new_loop()] };
            for step in &steps {
                world.run(step);
            }
            world.finish();
            drop(world.slots);
            world.loops.into_iter().for_each(Loop::close);
        });
    });
}
