//! Drives a combinator through "dropped after n polls", for every n until it completes, and looks after each whether
//! something was left, lost, or done twice.
//!
//! A further combinator is a [`Case`]: how many children it has, and how they are combined. Its children come from
//! [`Ledger::child`]; outputs that it gives are to be [delivered](Deliver).

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::Poll;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{Scope, defer, run, spawn, yield_now};

/// More polls than any case here takes.
const POLLS: usize = 1000;

/// What is combined, of so many children.
pub(crate) type Combined = Pin<Box<dyn Future<Output = ()>>>;

/// A combinator to be driven.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) children: usize,
    /// Whether children that have begun go on when the combinator is dropped, to their end.
    pub(crate) go_on: bool,
    pub(crate) combine: Box<dyn Fn(&Ledger) -> Combined>,
}

impl Case {
    pub(crate) fn new<F>(name: &str, children: usize, combine: impl Fn(Ledger) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let name = format!("{name} of {children}");
        Self { name, children, go_on: false, combine: Box::new(move |ledger| Box::pin(combine(ledger.clone()))) }
    }

    /// The same, of children that go on.
    pub(crate) fn of_children_that_go_on(self) -> Self {
        Self { go_on: true, ..self }
    }

    /// Drives it, in every way. One that hangs ends the process, so that it is not waited for.
    pub(crate) fn drive(&self) {
        let (_running, over) = mpsc::channel::<()>();
        let name = self.name.clone();
        std::thread::spawn(move || {
            if over.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{name}: it hangs");
                std::process::abort();
            }
        });
        for way in [Way::Drop, Way::DropLater, Way::Cancel] {
            let completed = (0..POLLS).any(|polls| leak_check(|| self.drive_once(way, polls)));
            assert!(completed, "{}: it does not end", self.name);
        }
    }

    /// Whether it completed before it was dropped.
    fn drive_once(&self, way: Way, polls: usize) -> bool {
        let ledger = Ledger::new(self.children, self.go_on);
        let completed = run(async {
            let mut combined = Some((self.combine)(&ledger));
            let around = Scope::new(async {
                let mut combined = combined.take().expect("run once");
                match way {
                    Way::Cancel => {
                        let mut scope = pin!(Scope::new(combined));
                        if poll_times(polls, scope.as_mut()).await.is_none() {
                            scope.as_mut().cancel();
                            ledger.leave();
                            return scope.await.is_some();
                        }
                    }
                    Way::Drop | Way::DropLater => {
                        let output = poll_times(polls, combined.as_mut()).await;
                        if let Way::DropLater = way {
                            yield_now().await;
                        }
                        drop(combined);
                        ledger.leave();
                        return output.is_some();
                    }
                }
                ledger.leave();
                true
            });
            let completed = around.await.expect("nobody cuts it off");
            ledger.end();
            // Whoever has been forgotten shows now.
            for _ in 0..5 {
                yield_now().await;
            }
            completed
        });
        let faults = ledger.faults();
        assert!(faults.is_empty(), "{}, {way:?} after {polls} polls: {faults:#?}", self.name);
        completed
    }
}

/// How it is ended.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// At once after the last poll.
    Drop,
    /// In the next turn, when the children have been woken.
    DropLater,
    /// By its own scope.
    Cancel,
}

/// Polls `future` so many times; it is only borrowed.
async fn poll_times<F: Future + ?Sized>(polls: usize, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut left = polls;
    poll_fn(|cx| {
        if left > 0 {
            left -= 1;
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
        if left == 0 { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

/// Polls `future` so many times and drops it.
pub(crate) async fn cut_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let future = pin!(future);
    poll_times(polls, future).await
}

/// What the children and their outputs have done.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

struct Book {
    go_on: bool,
    phase: Phase,
    /// Futures that exist.
    futures: usize,
    children: Vec<Entry>,
    /// What happened too late.
    late: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// The combinator is there.
    There,
    /// It is gone; what it has left is cleaned up.
    Gone,
    /// The scope around has ended.
    Ended,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    begun: usize,
    cleanups_begun: usize,
    cleanups_ended: usize,
    outputs: usize,
    outputs_dropped: usize,
    outputs_delivered: usize,
}

impl Entry {
    fn is_clean(&self) -> bool {
        (self.cleanups_begun, self.cleanups_ended) == (self.begun, self.begun)
    }
}

impl Ledger {
    fn new(children: usize, go_on: bool) -> Self {
        let children = vec![Entry::default(); children];
        Self(Arc::new(Mutex::new(Book { go_on, phase: Phase::There, futures: 0, children, late: vec![] })))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many children there are.
    pub(crate) fn len(&self) -> usize {
        self.book().children.len()
    }

    /// Child `index`. It waits for wakes of its own and for those of a task, and has something to clean up that awaits.
    pub(crate) fn child(&self, index: usize) -> impl Future<Output = Output> + Send + use<> {
        self.child_that_waits(index, index % 4)
    }

    /// The same child, but never ready at once.
    pub(crate) fn slow(&self, index: usize) -> impl Future<Output = Output> + Send + use<> {
        self.child_that_waits(index, 5 - index % 4)
    }

    /// A child that never ends by itself.
    pub(crate) fn endless(&self, index: usize) -> impl Future<Output = Output> + Send + use<> {
        self.child_that_waits(index, usize::MAX)
    }

    fn child_that_waits(&self, index: usize, turns: usize) -> impl Future<Output = Output> + Send + use<> {
        self.book().futures += 1;
        let alive = Alive(self.clone());
        async move {
            let ledger = &alive.0;
            ledger.note(index, |entry| entry.begun += 1);
            let _cleanup = defer(ledger.clone(), async move |ledger| {
                ledger.note_cleanup(index, |entry| entry.cleanups_begun += 1);
                for _ in 0..=index % 3 {
                    yield_now().await;
                    ledger.note_cleanup(index, |_| {});
                }
                ledger.note_cleanup(index, |entry| entry.cleanups_ended += 1);
            });
            for turn in 0..turns {
                if (index + turn).is_multiple_of(2) {
                    yield_now().await;
                } else {
                    spawn(yield_now()).await;
                }
                ledger.note(index, |_| {});
            }
            ledger.note(index, |entry| entry.outputs += 1);
            Output { index, ledger: ledger.clone() }
        }
    }

    /// The same child, whose output is an error if it is one of each third.
    pub(crate) fn fallible(&self, index: usize) -> impl Future<Output = Result<Output, Output>> + Send + use<> {
        let child = self.child(index);
        async move {
            let output = child.await;
            if index % 3 == 2 { Err(output) } else { Ok(output) }
        }
    }

    /// The same child, whose output is an error.
    pub(crate) fn failing(&self, index: usize) -> impl Future<Output = Result<Output, Output>> + Send + use<> {
        let child = self.child(index);
        async move { Err(child.await) }
    }

    /// Asserts that every child that has begun is gone and has cleaned up: for a combinator that waits for that.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let book = self.book();
        let dirty: Vec<_> = book.children.iter().filter(|entry| !entry.is_clean()).collect();
        assert!(book.futures == 0 && dirty.is_empty(), "{} futures, {dirty:?}", book.futures);
    }

    /// How many outputs there have been.
    pub(crate) fn made(&self) -> usize {
        self.book().children.iter().map(|entry| entry.outputs).sum()
    }

    /// How many outputs have been delivered.
    pub(crate) fn delivered(&self) -> usize {
        self.book().children.iter().map(|entry| entry.outputs_delivered).sum()
    }

    fn note(&self, index: usize, change: impl FnOnce(&mut Entry)) {
        let mut book = self.book();
        let may = match book.phase {
            Phase::There => true,
            Phase::Gone => book.go_on,
            Phase::Ended => false,
        };
        if !may {
            book.late.push(format!("child {index} runs"));
        }
        change(&mut book.children[index]);
    }

    fn note_cleanup(&self, index: usize, change: impl FnOnce(&mut Entry)) {
        let mut book = self.book();
        if book.phase == Phase::Ended {
            book.late.push(format!("child {index} cleans up"));
        }
        change(&mut book.children[index]);
    }

    fn leave(&self) {
        self.book().phase = Phase::Gone;
    }

    /// What must hold when the scope around ends.
    fn end(&self) {
        let book = &mut *self.book();
        book.phase = Phase::Ended;
        for (index, entry) in book.children.iter().enumerate().filter(|(_, entry)| !entry.is_clean()) {
            book.late.push(format!("the scope around has not waited for the cleanup of child {index}: {entry:?}"));
        }
        if book.futures > 0 {
            book.late.push(format!("the scope around has not waited for {} futures to be dropped", book.futures));
        }
    }

    /// What is wrong in the end.
    fn faults(&self) -> Vec<String> {
        let book = self.book();
        let mut faults = book.late.clone();
        for (index, entry) in book.children.iter().enumerate() {
            let once = entry.begun <= 1
                && entry.cleanups_begun == entry.begun
                && entry.cleanups_ended == entry.begun
                && entry.outputs <= entry.begun
                && entry.outputs_dropped == entry.outputs
                && entry.outputs_delivered <= entry.outputs
                && (!book.go_on || entry.outputs == entry.begun);
            if !once {
                faults.push(format!("child {index}: {entry:?}"));
            }
        }
        if book.futures > 0 {
            faults.push(format!("{} futures are left", book.futures));
        }
        faults
    }
}

/// A child's output: it is dropped once.
pub(crate) struct Output {
    index: usize,
    ledger: Ledger,
}

/// What a combinator gives: outputs, in some shape. To be called in the same poll in which it came.
pub(crate) trait Deliver {
    fn deliver(self);
}

impl Deliver for Output {
    fn deliver(self) {
        self.ledger.book().children[self.index].outputs_delivered += 1;
    }
}

impl<A: Deliver, B: Deliver> Deliver for Result<A, B> {
    fn deliver(self) {
        match self {
            Ok(output) => output.deliver(),
            Err(output) => output.deliver(),
        }
    }
}

impl<A: Deliver> Deliver for Vec<A> {
    fn deliver(self) {
        self.into_iter().for_each(A::deliver);
    }
}

impl<A: Deliver, const N: usize> Deliver for [A; N] {
    fn deliver(self) {
        self.into_iter().for_each(A::deliver);
    }
}

impl<A: Deliver, B: Deliver> Deliver for (A, B) {
    fn deliver(self) {
        self.0.deliver();
        self.1.deliver();
    }
}

impl<A: Deliver, B: Deliver, C: Deliver> Deliver for (A, B, C) {
    fn deliver(self) {
        (self.0, self.1).deliver();
        self.2.deliver();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.ledger.book().children[self.index].outputs_dropped += 1;
    }
}

struct Alive(Ledger);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.book().futures -= 1;
    }
}
