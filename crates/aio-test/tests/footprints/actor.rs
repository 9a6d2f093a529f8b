//! Who makes the steps: a task, played by hand.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::Home;
use aio_base::footprint::touch;

use crate::channels::Ends;
use crate::tasks::Owned;
use crate::world::World;

/// What it does, to the end: then what came of it is in the text.
pub(crate) type Deed = Pin<Box<dyn Future<Output = String>>>;

/// A kind of what an actor may do.
pub(crate) struct Kind<H: Home> {
    pub(crate) name: &'static str,
    pub(crate) begin: fn(Rc<World<H>>, Rc<Actor<H>>) -> Deed,
}

/// See the [module](self).
pub(crate) struct Actor<H: Home> {
    pub(crate) name: usize,
    waker: Arc<Flag>,
    log: RefCell<Vec<String>>,
    /// What it has begun and waits for, or holds.
    deeds: RefCell<Vec<(&'static str, Option<Deed>)>>,
    pub(crate) ends: Ends<H>,
    pub(crate) owned: Owned,
}

/// Is woken as a task is.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        touch(&raw const *self);
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<H: Home> Actor<H> {
    pub(crate) fn new(name: usize, ends: Ends<H>, owned: Owned) -> Rc<Self> {
        let (log, deeds) = (RefCell::default(), RefCell::default());
        Rc::new(Self { name, waker: Arc::default(), log, deeds, ends, owned })
    }

    pub(crate) fn log(&self, text: impl Display) {
        self.log.borrow_mut().push(text.to_string());
    }

    /// Begins its turn.
    pub(crate) fn enter(&self) {
        touch(&raw const *self.waker);
        self.waker.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn begin(self: &Rc<Self>, kind: &Kind<H>, world: &Rc<World<H>>) {
        let deed = (kind.begin)(world.clone(), self.clone());
        self.deeds.borrow_mut().push((kind.name, Some(deed)));
        let last = self.deeds.borrow().len() - 1;
        self.go_on(last);
    }

    /// Polls one of those that it has begun.
    pub(crate) fn go_on(&self, index: usize) {
        let len = self.deeds.borrow().len();
        let Some((name, deed)) = index.checked_rem(len).map(|at| self.take(at)) else { return };
        let Some(mut deed) = deed else { return };
        match deed.as_mut().poll(&mut Context::from_waker(&Waker::from(self.waker.clone()))) {
            Poll::Ready(text) => self.log(format_args!("{name}: {text}")),
            Poll::Pending => self.deeds.borrow_mut()[index % len].1 = Some(deed),
        }
    }

    /// Drops one of those that it has begun.
    pub(crate) fn let_go(&self, index: usize) {
        let len = self.deeds.borrow().len();
        if let Some((name, Some(deed))) = index.checked_rem(len).map(|at| self.take(at)) {
            self.log(format_args!("{name}: dropped"));
            drop(deed);
        }
    }

    fn take(&self, at: usize) -> (&'static str, Option<Deed>) {
        let (name, deed) = &mut self.deeds.borrow_mut()[at];
        (name, deed.take())
    }

    pub(crate) fn n_deeds(&self) -> usize {
        self.deeds.borrow().len()
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.waker.0.load(Ordering::Relaxed)
    }

    pub(crate) fn story(&self) -> String {
        self.log.borrow().join("\n    ")
    }

    /// Keeps what the caller has until it is polled once more.
    pub(crate) async fn holds(&self, what: impl Display) {
        self.log(format_args!("has {what}"));
        let mut was_here = false;
        poll_fn(|_| if std::mem::replace(&mut was_here, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// Has `f` use what is in `place`, if anything is, and puts it back if it is not dropped meanwhile.
pub(crate) async fn with<T>(place: &Cell<Option<T>>, f: impl AsyncFnOnce(&mut T) -> String) -> String {
    let Some(mut value) = place.take() else { return "has none".to_owned() };
    let text = f(&mut value).await;
    place.set(Some(value));
    text
}

/// One of each, by name.
macro_rules! kinds {
    ($($name:literal: |$world:pat_param, $actor:pat_param| $body:expr;)+) => {
        vec![$(crate::actor::Kind { name: $name, begin: |$world, $actor| Box::pin(async move { $body }) }),+]
    };
}
pub(crate) use kinds;
