use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering}; // facade: what happened in one run of a model

use aio_base::sync::Condvar;
use loom::future::block_on;

use super::*;

/// A process as the system knows it.
#[derive(Default)]
struct Fake {
    has_ended: Mutex<bool>,
    ended: Condvar,
    is_reaped: AtomicBool,
    /// How many runs there were, and how many processes have been reaped in all of them.
    counts: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Fake {
    fn end(&self) {
        *self.has_ended.lock() = true;
        self.ended.notify_all();
    }

    /// To send a signal is an error of ours if the number may be another's.
    fn signal(&self) {
        assert!(!self.is_reaped.load(Ordering::Relaxed), "a signal has reached another process");
        self.end();
    }
}

impl Reap for Arc<Fake> {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        if !*self.has_ended.lock() {
            return Ok(None);
        }
        assert!(!self.is_reaped.swap(true, Ordering::Relaxed), "reaped twice");
        self.counts.1.fetch_add(1, Ordering::Relaxed);
        Ok(Some(ExitStatus::default()))
    }

    fn blocker(&self) -> Blocker {
        let fake = self.clone();
        Box::new(move || {
            let mut has_ended = fake.has_ended.lock();
            while !*has_ended {
                has_ended = fake.ended.wait(has_ended);
            }
            Ok(())
        })
    }
}

/// Runs the model; when its threads are gone, the process must have been reaped, once.
fn reaped_once(model: impl Fn(&Arc<Watch<Arc<Fake>>>, &Arc<Fake>) + Send + Sync + 'static) {
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let theirs = counts.clone();
    loom::model(move || {
        theirs.0.fetch_add(1, Ordering::Relaxed);
        let fake = Arc::new(Fake { counts: theirs.clone(), ..Fake::default() });
        model(&Watch::new(fake.clone()), &fake);
    });
    let (runs, reaped) = (counts.0.load(Ordering::Relaxed), counts.1.load(Ordering::Relaxed));
    assert!(runs > 1);
    assert_eq!(reaped, runs);
}

/// The process ends while a task begins to wait: it must hear of it, from the thread or by its own look.
#[test]
fn an_end_is_not_lost_on_who_waits() {
    reaped_once(|watch, fake| {
        let theirs = fake.clone();
        let system = thread::spawn("", move || theirs.end()).unwrap();
        block_on(watch.wait()).unwrap();
        system.join().unwrap();
    });
}

/// Two tasks wait; the end that one of them finds by a look is told to the other, who may have begun anywhere.
#[test]
fn an_end_is_told_to_all_who_wait() {
    reaped_once(|watch, fake| {
        let theirs = watch.clone();
        let other = thread::spawn("", move || block_on(theirs.wait()).unwrap()).unwrap();
        fake.end();
        block_on(watch.wait()).unwrap();
        other.join().unwrap();
    });
}

/// A task gives up while the process ends, and the next one waits.
#[test]
fn a_wait_that_is_dropped_takes_nothing_from_the_next() {
    reaped_once(|watch, fake| {
        let theirs = fake.clone();
        let system = thread::spawn("", move || theirs.end()).unwrap();
        let mut wait = watch.wait();
        let _ = Pin::new(&mut wait).poll(&mut Context::from_waker(std::task::Waker::noop()));
        drop(wait);
        block_on(watch.wait()).unwrap();
        system.join().unwrap();
    });
}

/// The thread reaps while somebody signals: the signal comes before, or not at all.
#[test]
fn nothing_is_signalled_after_it_was_reaped() {
    reaped_once(|watch, fake| {
        let theirs = watch.clone();
        let other = thread::spawn("", move || {
            theirs.with_running(|fake| fake.signal());
        })
        .unwrap();
        let mut wait = watch.wait();
        let _ = Pin::new(&mut wait).poll(&mut Context::from_waker(std::task::Waker::noop()));
        fake.end();
        watch.with_running(|fake| fake.signal());
        block_on(&mut wait).unwrap();
        other.join().unwrap();
    });
}

/// The owner goes away while the thread sees the end. Either the thread reaps it, or the owner knows that somebody has
/// to.
#[test]
fn what_is_dropped_is_reaped_by_the_thread_or_given_to_the_reaper() {
    reaped_once(|watch, fake| {
        let theirs = fake.clone();
        let system = thread::spawn("", move || theirs.end()).unwrap();
        let mut wait = watch.wait();
        let _ = Pin::new(&mut wait).poll(&mut Context::from_waker(std::task::Waker::noop()));
        drop(wait);
        let is_ours = watch.abandon();
        system.join().unwrap();
        if is_ours {
            // As the reaper does.
            block_on(watch.wait()).unwrap();
        }
    });
}
