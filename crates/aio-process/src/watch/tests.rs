use std::sync::atomic::{AtomicUsize, Ordering}; // facade: what happened in one run of a model

use aio_base::sync::Condvar;
use loom::future::block_on;

use super::*;

/// A process as the system knows it.
#[derive(Default)]
struct Fake {
    has_ended: Mutex<bool>,
    ended: Condvar,
    n_reaped: Arc<AtomicUsize>,
}

impl Fake {
    fn end(&self) {
        *self.has_ended.lock() = true;
        self.ended.notify_all();
    }

    /// To send a signal is an error of ours if the number may be another's.
    fn signal(&self) {
        assert_eq!(self.n_reaped.load(Ordering::Relaxed), 0, "a signal has reached another process");
        self.end();
    }
}

impl Reap for Arc<Fake> {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        if !*self.has_ended.lock() {
            return Ok(None);
        }
        assert_eq!(self.n_reaped.fetch_add(1, Ordering::Relaxed), 0, "reaped twice");
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
    let runs = Arc::new(AtomicUsize::new(0));
    let reaped = Arc::new(AtomicUsize::new(0));
    let (theirs, also_theirs) = (runs.clone(), reaped.clone());
    loom::model(move || {
        theirs.fetch_add(1, Ordering::Relaxed);
        let fake = Arc::new(Fake { n_reaped: Default::default(), ..Default::default() });
        let watch = Watch::new(fake.clone());
        model(&watch, &fake);
        also_theirs.fetch_add(fake.n_reaped.load(Ordering::Relaxed), Ordering::Relaxed);
    });
    assert!(runs.load(Ordering::Relaxed) > 1);
    assert_eq!(reaped.load(Ordering::Relaxed), runs.load(Ordering::Relaxed));
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

/// The owner goes away after a look. Either the thread reaps it, or the owner knows that somebody has to.
#[test]
fn what_is_dropped_is_reaped_by_the_thread_or_given_to_the_reaper() {
    reaped_once(|watch, fake| {
        let theirs = fake.clone();
        let system = thread::spawn("", move || theirs.end()).unwrap();
        let mut wait = watch.wait();
        let poll = Pin::new(&mut wait).poll(&mut Context::from_waker(std::task::Waker::noop()));
        drop(wait);
        // What `Process::drop` does.
        let is_left = matches!(watch.try_wait(), Ok(None));
        if is_left {
            assert!(poll.is_pending());
            assert!(watch.needs_nobody(), "there is a thread");
        }
        system.join().unwrap();
        // Until the thread has done it, which nobody can wait for but by looking.
        while watch.with_running(|_| ()).is_some() {
            thread::yield_now();
        }
    });
}
