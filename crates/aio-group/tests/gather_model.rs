//! `gather` against an obvious model: scripted children, woken, polled and dropped at any point.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_group::gather;
use proptest::collection::vec;
use proptest::prelude::*;

/// Up to so many children are all polled at each wake-up.
const FEW: usize = 32;

/// What a child does at a poll; when its script is at its end, it is ready.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Keeps its waker for later.
    Wait,
    /// Wakes itself at once.
    Yield,
    /// Wakes another child, if that one has left its waker, and waits.
    WakeOther(prop::sample::Index),
}

#[derive(Debug, Clone)]
enum Op {
    /// Polls the gather, whether or not somebody asked for it.
    Poll,
    /// Wakes a child by the waker it has left, on this thread or another.
    Wake(prop::sample::Index),
    WakeFromAfar(prop::sample::Index),
    /// Wakes all children that have left a waker.
    WakeAll,
    /// Forgets the waker that a child has left.
    Forget(prop::sample::Index),
    /// Drops the gather. Later wakes must be harmless.
    Drop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(
        prop_oneof![
            3 => Just(Step::Wait),
            2 => Just(Step::Yield),
            1 => any::<prop::sample::Index>().prop_map(Step::WakeOther),
        ],
        0..4,
    )
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    vec(
        prop_oneof![
            20 => Just(Op::Poll),
            40 => any::<prop::sample::Index>().prop_map(Op::Wake),
            1 => any::<prop::sample::Index>().prop_map(Op::WakeFromAfar),
            3 => Just(Op::WakeAll),
            5 => any::<prop::sample::Index>().prop_map(Op::Forget),
            1 => Just(Op::Drop),
        ],
        0..300,
    )
}

#[derive(Default)]
struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the children and the test share.
struct World {
    polls: RefCell<Vec<usize>>,
    wakers: RefCell<Vec<Option<Waker>>>,
    futures_dropped: Vec<Cell<usize>>,
    outputs_dropped: Vec<Cell<usize>>,
}

struct Child {
    index: usize,
    script: VecDeque<Step>,
    world: Rc<World>,
}

struct Output {
    index: usize,
    world: Rc<World>,
}

impl Future for Child {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let (index, step) = (self.index, self.script.pop_front());
        let world = &self.world;
        world.polls.borrow_mut().push(index);
        world.wakers.borrow_mut()[index] = Some(cx.waker().clone());
        match step {
            None => return Poll::Ready(Output { index, world: world.clone() }),
            Some(Step::Wait) => {}
            Some(Step::Yield) => cx.waker().wake_by_ref(),
            Some(Step::WakeOther(other)) => {
                let wakers = world.wakers.borrow();
                if let Some(waker) = other.get(&wakers) {
                    waker.wake_by_ref();
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let count = &self.world.futures_dropped[self.index];
        count.set(count.get() + 1);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let count = &self.world.outputs_dropped[self.index];
        count.set(count.get() + 1);
    }
}

/// What ought to happen.
struct Model {
    scripts: Vec<VecDeque<Step>>,
    ended: Vec<bool>,
    has_waker: Vec<bool>,
    /// Many: who is to be polled next, in this order.
    woken: VecDeque<usize>,
    begun: bool,
    dropped: bool,
    parent_wakes: usize,
}

impl Model {
    fn n(&self) -> usize {
        self.scripts.len()
    }

    fn wake(&mut self, child: usize) {
        if !self.has_waker[child] {
            return;
        }
        if self.n() <= FEW {
            // The caller's own waker.
            self.parent_wakes += 1;
        } else if !self.dropped && !self.woken.contains(&child) {
            self.parent_wakes += usize::from(self.woken.is_empty());
            self.woken.push_back(child);
        }
    }

    /// Whom a poll polls.
    fn poll(&mut self) -> Vec<usize> {
        let all = !std::mem::replace(&mut self.begun, true) || self.n() <= FEW;
        let mut batch = if all { (0..self.n()).collect() } else { std::mem::take(&mut self.woken) };
        let mut polled = vec![];
        while let Some(child) = batch.pop_front() {
            // One that has been taken out to be polled may be woken into the next batch, one that has not may not.
            if !self.ended[child] {
                polled.push(child);
                self.has_waker[child] = true;
                match self.scripts[child].pop_front() {
                    None => self.ended[child] = true,
                    Some(Step::Wait) => {}
                    Some(Step::Yield) => self.wake(child),
                    Some(Step::WakeOther(other)) => {
                        let other = other.index(self.n());
                        if all || !batch.contains(&other) {
                            self.wake(other);
                        }
                    }
                }
            }
        }
        polled
    }

    fn all_ended(&self) -> bool {
        self.ended.iter().all(|&ended| ended)
    }
}

fn check(scripts: Vec<Vec<Step>>, ops: Vec<Op>) {
    let n = scripts.len();
    let zeros = || (0..n).map(|_| Cell::new(0)).collect::<Vec<_>>();
    let world = Rc::new(World {
        polls: RefCell::default(),
        wakers: RefCell::new(vec![None; n]),
        futures_dropped: zeros(),
        outputs_dropped: zeros(),
    });
    let scripts: Vec<VecDeque<Step>> = scripts.into_iter().map(VecDeque::from).collect();
    let child = |(index, script)| Child { index, script, world: world.clone() };
    let mut gathering = Some(Box::pin(gather(scripts.iter().cloned().enumerate().map(child).collect::<Vec<_>>())));
    let mut model = Model {
        scripts,
        ended: vec![false; n],
        has_waker: vec![false; n],
        woken: VecDeque::new(),
        begun: false,
        dropped: false,
        parent_wakes: 0,
    };
    let parent = Arc::new(Parent::default());
    let waker = Waker::from(parent.clone());
    let mut outputs = None;
    for op in ops {
        match op {
            Op::Poll => {
                let Some(future) = &mut gathering else { continue };
                let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
                assert_eq!(world.polls.take(), model.poll());
                assert_eq!(poll.is_ready(), model.all_ended());
                if let Poll::Ready(ready) = poll {
                    outputs = Some(ready);
                    gathering = None;
                    model.dropped = true;
                }
            }
            Op::Wake(child) if n > 0 => {
                let child = child.index(n);
                let waker = world.wakers.borrow()[child].clone();
                waker.inspect(Waker::wake_by_ref);
                model.wake(child);
            }
            Op::WakeFromAfar(child) if n > 0 => {
                let child = child.index(n);
                if let Some(waker) = world.wakers.borrow()[child].clone() {
                    std::thread::spawn(move || waker.wake()).join().unwrap();
                }
                model.wake(child);
            }
            Op::WakeAll => {
                world.wakers.borrow().iter().flatten().for_each(Waker::wake_by_ref);
                (0..n).for_each(|child| model.wake(child));
            }
            Op::Forget(child) if n > 0 => {
                let child = child.index(n);
                world.wakers.borrow_mut()[child] = None;
                model.has_waker[child] = false;
            }
            Op::Drop => {
                gathering = None;
                model.dropped = true;
            }
            Op::Wake(_) | Op::WakeFromAfar(_) | Op::Forget(_) => {}
        }
        assert_eq!(parent.0.load(Ordering::Relaxed), model.parent_wakes);
        for child in 0..n {
            let future_gone = model.ended[child] || model.dropped;
            assert_eq!(world.futures_dropped[child].get(), usize::from(future_gone), "future {child}");
            let output_gone = model.ended[child] && model.dropped && outputs.is_none();
            assert_eq!(world.outputs_dropped[child].get(), usize::from(output_gone), "output {child}");
        }
    }
    if let Some(outputs) = outputs {
        assert!(outputs.iter().map(|output| output.index).eq(0..n));
    }
    drop(gathering);
    assert!(world.futures_dropped.iter().all(|count| count.get() == 1));
    for child in 0..n {
        assert_eq!(world.outputs_dropped[child].get(), usize::from(model.ended[child]));
    }
    // Wakers are all that is left.
    world.wakers.borrow_mut().clear();
    assert_eq!((Rc::strong_count(&world), Arc::strong_count(&parent)), (1, 2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_few_children_do_as_the_model_says(scripts in vec(steps(), 0..6), ops in ops()) {
        leak_check(|| check(scripts, ops));
    }

    #[test]
    fn many_children_do_as_the_model_says(scripts in vec(steps(), 30..45), ops in ops()) {
        leak_check(|| check(scripts, ops));
    }
}
