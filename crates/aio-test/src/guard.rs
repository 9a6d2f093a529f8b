//! The guard: a thread of the process that ends tests which hang for real.
//!
//! A run that is over its time is told so by a flag, and its loop is woken: it reports its tasks, and cancels them. If
//! the loop does not come to look, a task keeps its thread, and nobody can take it away: then the process ends.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering}; // facade: a flag; tests of a model do not come here
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError}; // facade: as above
use std::task::Waker;
use std::time::{Duration, Instant};

/// How long a loop may take to look.
const GRACE: Duration = Duration::from_secs(5);

/// What one run and the guard know of each other.
pub(crate) struct Watched {
    is_over: AtomicBool,
    /// Which task runs.
    running: Mutex<Option<(usize, &'static Location<'static>)>>,
}

/// A run under guard, until it is dropped.
pub(crate) struct Watch {
    key: u64,
    watched: Arc<Watched>,
}

/// Stands for no limit: about a century.
const LONGEST: Duration = Duration::from_secs(3_000_000_000);

struct Entry {
    key: u64,
    /// When its time is over: first for the run, then for the process.
    at: Instant,
    watched: Arc<Watched>,
    unparker: Waker,
    what: String,
}

#[derive(Default)]
struct Entries {
    entries: Vec<Entry>,
    next_key: u64,
    has_thread: bool,
    /// When the thread looks next, by itself.
    next_look: Option<Instant>,
}

static GUARD: LazyLock<(Mutex<Entries>, Condvar)> = LazyLock::new(Default::default);

fn entries() -> MutexGuard<'static, Entries> {
    GUARD.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time of the system: a guard is no part of the program under test.
fn system_time() -> Instant {
    Instant::now() // clock: real, see above
}

impl Watch {
    /// Puts a run, which `unparker` wakes, under guard for as long as `time`. `what` names it.
    pub(crate) fn new(time: Duration, unparker: Waker, what: String) -> Self {
        let watched = Arc::new(Watched { is_over: AtomicBool::new(false), running: Mutex::new(None) });
        let mut all = entries();
        let key = all.next_key;
        all.next_key += 1;
        let at = system_time() + time.min(LONGEST);
        all.entries.push(Entry { key, at, watched: watched.clone(), unparker, what });
        if !all.has_thread {
            // Without a thread nobody is guarded, which is no reason to fail.
            let thread = std::thread::Builder::new().name("aio-test-guard".to_owned()); // facade: of the process
            all.has_thread = thread.spawn(look_after).is_ok();
        }
        // Seldom: most runs have the same time, and may be many in a second.
        if all.next_look.is_some_and(|next| at < next) {
            GUARD.1.notify_one();
        }
        drop(all);
        Self { key, watched }
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self) -> bool {
        // Relaxed: it is looked at again and again.
        self.watched.is_over.load(Ordering::Relaxed)
    }

    /// That task has a turn now.
    pub(crate) fn runs(&self, number: usize, spawned_at: &'static Location<'static>) {
        *self.watched.running.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, spawned_at));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        entries().entries.retain(|entry| entry.key != self.key);
    }
}

fn look_after() {
    let mut all = entries();
    loop {
        let now = system_time();
        for entry in all.entries.iter_mut().filter(|entry| entry.at <= now) {
            if entry.watched.is_over.swap(true, Ordering::Relaxed) {
                end_process(entry);
            }
            entry.at = now + GRACE;
            entry.unparker.wake_by_ref();
        }
        let next = all.entries.iter().map(|entry| entry.at).min();
        let wait = next.map_or(GRACE, |at| at.saturating_duration_since(now));
        all.next_look = Some(now + wait);
        all = GUARD.1.wait_timeout(all, wait).unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn end_process(entry: &Entry) -> ! {
    let running = *entry.watched.running.lock().unwrap_or_else(PoisonError::into_inner);
    let who = running.map_or_else(String::new, |(number, at)| format!(": task {number} (spawned at {at}) has it"));
    eprintln!("aio: {} is over its time, and its thread does not come to look{who}. The process ends.", entry.what);
    std::process::abort();
}
