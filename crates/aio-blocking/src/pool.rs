//! The threads that do the jobs.

use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use aio_base::live::{Kind, Live};
use aio_base::sync::{Arc, Condvar, Mutex, MutexGuard};
use aio_base::thread::{self, JoinHandle};
use aio_base::{Deadline, Panics};

use crate::crew::{Call, Crew, Look, Sleep, ThreadIndex};
use crate::entry::{Done, End, Entry, Job};
use crate::gate::GateRef;
use crate::held::Held;
use crate::queue::{Queue, Ticket};
use crate::{PoolConfig, ToThread};

/// How long a nap is: what a job may have to wait in vain for those who are awake. (Twice that, if they stop when it
/// has just begun.)
const NAP: Duration = Duration::from_micros(500);

/// A few threads for blocking functions, with one queue.
///
/// [`to_thread`](crate::to_thread()) has a pool of its own in each loop. Make another one for work that must not wait
/// behind it, or not take its threads: `asyncio` has `run_in_executor` for that.
///
/// No thread is started before a job needs it, and a thread that has been idle for
/// [some time](PoolConfig::idle_timeout) ends.
///
/// Dropping the pool cancels what is queued and **blocks** until the jobs that run have ended, or until the grace
/// period of the loop that ends with it is over. To await a cancelled job panics. (Should a job of its own drop the
/// pool, that one thread is not waited for.)
///
/// # Fairness
/// First come, first served.
///
/// # Examples
/// ```
/// use aio_blocking::{Pool, PoolConfig};
///
/// futures_lite::future::block_on(async {
///     let pool = Pool::new(PoolConfig::new().max_threads(1));
///     assert_eq!(pool.run(|| 6 * 7).await, 42);
/// });
/// ```
pub struct Pool {
    shared: Shared,
}

impl Pool {
    /// An empty pool, without threads so far.
    pub fn new(config: PoolConfig) -> Self {
        Self::with(config, Threads::OfTheLoop)
    }

    /// The pool of the process, which is never dropped.
    pub(crate) fn of_the_process() -> Self {
        Self::with(PoolConfig::new(), Threads::OfTheProcess)
    }

    fn with(config: PoolConfig, threads: Threads) -> Self {
        let inner = Inner {
            queue: Queue::new(),
            held: Held::new(config.max_threads),
            crew: Crew::new(config.max_threads),
            rooms: Vec::new(),
            last_ended: None,
            idle_timeout: config.idle_timeout,
            threads,
            is_closed: false,
            n_at_work: 0,
            n_begun: 0,
            n_gone: 0,
            gone: None,
        };
        Self { shared: Shared(Arc::new(Mutex::new(inner))) }
    }

    /// Runs `f` in a thread of this pool; in everything else like [`to_thread`](crate::to_thread()).
    #[track_caller]
    pub fn run<F, T>(&self, f: F) -> ToThread<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        ToThread::new(f, Some(self.shared.clone()))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut inner = self.shared.0.lock();
        inner.is_closed = true;
        let mut queue = mem::replace(&mut inner.queue, Queue::new());
        let held = inner.held.close();
        let rooms = mem::take(&mut inner.rooms);
        let last_ended = inner.last_ended.take();
        drop(inner);

        let mut panics = Panics::new();
        for room in rooms.iter().flatten() {
            room.bell.notify_one();
        }
        while let Some(Entry { job, end }) = queue.pop() {
            let awaiter = job.refuse(Refused::Closed, &mut panics);
            panics.catch(|| awaiter.map(Waker::wake));
            drop(end);
        }
        held.refuse(&mut panics);
        let others = |room: &Room| room.token != thread::token();
        let rooms: Vec<Room> = rooms.into_iter().flatten().filter(others).collect();
        let stuck = self.shared.await_threads(rooms.len(), aio_core::closing_by());
        if stuck == 0 {
            rooms.into_iter().chain(last_ended.filter(others)).for_each(Room::join);
        } else {
            // They cannot be ended. What they hold goes when they do, or with the process.
            let what = format!("{stuck} jobs in threads of the blocking pool");
            aio_core::report_failure(aio_core::FailureKind::Overran(&[what]));
        }
        panics.resume();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.shared.0.lock();
        f.debug_struct("Pool").field("queue_is_empty", &inner.queue.is_empty()).field("crew", &inner.crew).finish()
    }
}

/// What the pool, its threads and its awaiters share. Under the lock, jobs are moved and threads are started; nothing
/// is woken, run or dropped.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Inner>>);

/// Whose threads they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// They are joined when the pool is dropped, and counted until then.
    OfTheLoop,
    /// They may outlive everything.
    OfTheProcess,
}

struct Inner {
    queue: Queue<Entry>,
    /// Jobs that a test has yet to begin.
    held: Held,
    crew: Crew,
    /// One for each thread that lives, by its index.
    rooms: Vec<Option<Room>>,
    /// The thread that ended last of its own accord: it cannot join itself, the next to end does it.
    last_ended: Option<Room>,
    idle_timeout: Duration,
    threads: Threads,
    /// The pool was dropped: the queue is empty and stays so, and nobody is started any more.
    is_closed: bool,
    /// How many threads have a job.
    n_at_work: usize,
    /// How many jobs were taken out of the queue, ever.
    n_begun: usize,
    /// How many threads have ended since it was closed.
    n_gone: usize,
    /// Whether somebody waits for that, and with what.
    gone: Option<Arc<Condvar>>,
}

struct Room {
    handle: JoinHandle<()>,
    bell: Arc<Condvar>,
    /// Of the thread, once it runs.
    token: usize,
    _live: Option<Live>,
}

impl Room {
    fn join(self) {
        // An error would be a panic of the thread; `contain` lets none through.
        let _ = self.handle.join();
    }
}

/// Why a job is not accepted.
#[derive(Debug)]
pub(crate) enum Refused {
    Closed,
    NoThread(io::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the pool was shut down before the job could begin"),
            Self::NoThread(error) => write!(f, "failed to start a thread for the job: {error}"),
        }
    }
}

impl Shared {
    /// Puts a job into the queue and sees to it that somebody comes for it.
    pub(crate) fn submit(&self, entry: Entry) -> Result<Ticket, Refused> {
        let mut inner = self.0.lock();
        if inner.is_closed {
            return Err(Refused::Closed);
        }
        let ticket = inner.queue.push(entry);
        match self.call(&mut inner) {
            Ok(bell) => {
                drop(inner);
                ring(bell);
                Ok(ticket)
            }
            Err(error) => {
                let entry = inner.queue.take_back(ticket);
                drop(inner);
                drop(entry);
                Err(Refused::NoThread(error))
            }
        }
    }

    /// Removes a job that was cancelled from the queue.
    pub(crate) fn take_back(&self, ticket: Ticket) {
        let entry = self.0.lock().queue.take_back(ticket);
        drop(entry);
    }

    /// Puts a job that was held into the queue, `end` and all. False if it is not held any more.
    pub(crate) fn release(&self, job: &Job, gate: GateRef, end: End) -> bool {
        if !self.with_held(|held| held.begin(job, gate)) {
            return false;
        }
        if let Err(why) = self.submit(Entry { job: job.clone(), end }) {
            let mut panics = Panics::new();
            let awaiter = job.clone().refuse(why, &mut panics);
            // It is too late for the awaiter to have the panic of a destructor, as it would in `ToThread::poll`.
            contain(|| awaiter.map(Waker::wake));
            contain(|| panics.resume());
        }
        true
    }

    /// Holds `job` until it is [released](Self::release).
    pub(crate) fn hold(&self, job: Job) -> Result<(), Refused> {
        let mut inner = self.0.lock();
        if inner.is_closed {
            return Err(Refused::Closed);
        }
        inner.held.push(job);
        Ok(())
    }

    /// Does `f`, which wakes and drops nothing, with the jobs that are held.
    pub(crate) fn with_held<R>(&self, f: impl FnOnce(&mut Held) -> R) -> R {
        f(&mut self.0.lock().held)
    }

    /// Jobs wait: somebody must come. Returns the bell to ring when the lock has been released; an error only if there
    /// is no thread at all.
    fn call(&self, inner: &mut Inner) -> io::Result<Option<Arc<Condvar>>> {
        match inner.crew.call() {
            Call::Nobody => Ok(None),
            Call::Wake(thread) => Ok(inner.rooms[thread].as_ref().map(|room| room.bell.clone())),
            Call::Start => match self.start(inner) {
                Err(error) if !inner.crew.start_failed() => Err(error),
                _ => Ok(None),
            },
        }
    }

    /// Starts a thread. Under the lock: rarely done, and so nobody sees a thread that has no room yet.
    fn start(&self, inner: &mut Inner) -> io::Result<()> {
        let vacant = inner.rooms.iter().position(Option::is_none);
        let index = vacant.unwrap_or(inner.rooms.len());
        let bell = Arc::new(Condvar::new());
        #[cfg(all(test, not(aio_loom)))]
        tests::allow_thread()?;
        let handle = {
            let (pool, bell) = (self.clone(), bell.clone());
            thread::spawn("aio-blocking", move || pool.work(index, &bell))?
        };
        let _live = (inner.threads == Threads::OfTheLoop).then(|| Live::new(Kind::Thread));
        let room = Some(Room { handle, bell, token: 0, _live });
        match vacant {
            Some(index) => inner.rooms[index] = room,
            None => inner.rooms.push(room),
        }
        Ok(())
    }

    /// What a thread does.
    fn work(&self, me: ThreadIndex, bell: &Condvar) {
        // Whom to wake for the last job, and what ends with it. That is done when this thread has its next job or is
        // counted as asleep: the awaiter may come with another job at once, and no other thread shall be called for it.
        let mut done = None;
        let mut inner = self.0.lock();
        // Unless the pool is closed.
        if let Some(Some(room)) = inner.rooms.get_mut(me) {
            room.token = thread::token();
        }
        let mut has_just_arrived = inner.arrive();
        loop {
            if let Some(Entry { job, end }) = inner.queue.pop() {
                // If no thread can be started, the one here will do all jobs in the end.
                let next = if has_just_arrived && !inner.queue.is_empty() { self.call(&mut inner) } else { Ok(None) };
                has_just_arrived = false;
                inner.n_at_work += 1;
                inner.n_begun = inner.n_begun.wrapping_add(1);
                drop(inner);
                ring(next.ok().flatten());
                Done::finish(done);
                done = Some(Done { awaiter: contain(|| end.during(|| job.run())).flatten(), end });
                inner = self.0.lock();
                inner.n_at_work -= 1;
                continue;
            }
            if inner.is_closed {
                break;
            }
            let mut sleep = inner.crew.sleep(me);
            let mut n_begun = inner.n_begun;
            if done.is_some() {
                drop(inner);
                Done::finish(done.take());
                inner = self.0.lock();
            }
            has_just_arrived = loop {
                if inner.is_closed {
                    break false;
                }
                if !inner.crew.is_asleep(me) {
                    break inner.arrive();
                }
                let is_time_up;
                (inner, is_time_up) = self.doze(inner, bell, sleep);
                // A call or the end that came together with the end of the time goes first.
                if !is_time_up || !inner.crew.is_asleep(me) || inner.is_closed {
                    continue;
                }
                if sleep == Sleep::Long {
                    inner.crew.leave(me);
                    let room = inner.rooms[me].take();
                    let previous = mem::replace(&mut inner.last_ended, room);
                    drop(inner);
                    if let Some(previous) = previous {
                        previous.join();
                    }
                    return;
                }
                let (n_waiting, now_begun) = (inner.queue.n_places(), inner.n_begun);
                match inner.crew.look(n_waiting, now_begun.wrapping_sub(n_begun)) {
                    Look::Work => break true,
                    Look::Sleep(next) => (sleep, n_begun) = (next, now_begun),
                }
            };
            if inner.is_closed {
                break;
            }
        }
        drop(inner);
        Done::finish(done);
        let mut inner = self.0.lock();
        inner.n_gone += 1;
        let gone = inner.gone.clone();
        drop(inner);
        ring(gone);
    }

    /// Waits until `n` threads have ended, but for those that have a job not longer than until `deadline`; how many
    /// have not. Without a deadline it need not wait: joining them does.
    fn await_threads(&self, n: usize, deadline: Deadline) -> usize {
        if deadline.instant().is_none() {
            return 0;
        }
        let gone = Arc::new(Condvar::new());
        let mut inner = self.0.lock();
        inner.gone = Some(gone.clone());
        while inner.n_gone < n {
            match deadline.remaining(aio_core::now()) {
                Some(left) if !left.is_zero() => (inner, _) = gone.wait_timeout(inner, left),
                // Who has no job ends at once.
                _ if inner.n_gone + inner.n_at_work < n => inner = gone.wait(inner),
                _ => break,
            }
        }
        n.saturating_sub(inner.n_gone)
    }

    /// Waits for the bell, or until the nap is over or the thread has been idle for too long; the second value says
    /// whether it is. (To wake for nothing begins the time anew, which is rare and harms nobody.)
    fn doze<'a>(&'a self, inner: MutexGuard<'a, Inner>, bell: &Condvar, sleep: Sleep) -> (MutexGuard<'a, Inner>, bool) {
        // Loom knows no time. There, zero, and any nap, stands for a time that may be up at any moment from now.
        #[cfg(aio_loom)]
        if sleep == Sleep::Nap || inner.idle_timeout.is_zero() {
            drop(inner);
            thread::yield_now();
            return (self.0.lock(), true);
        }
        let timeout = match sleep {
            Sleep::Nap => NAP,
            Sleep::Long => inner.idle_timeout,
        };
        bell.wait_timeout(inner, timeout)
    }
}

impl Inner {
    /// A thread that was called is there; `true`.
    fn arrive(&mut self) -> bool {
        self.crew.arrive(!self.queue.is_empty());
        true
    }
}

fn ring(bell: Option<Arc<Condvar>>) {
    if let Some(bell) = bell {
        bell.notify_one();
    }
}

/// Calls what may panic: a waker, or the destructor of a result nobody waits for. The panic hook has reported it; the
/// thread has other jobs to do. (The payload is forgotten, since its destructor may panic too.)
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(f)).map_err(mem::forget).ok()
}

#[cfg(test)]
mod tests;
