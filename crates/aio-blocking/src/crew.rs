//! Who comes when there is work: the pool's bookkeeping of its threads, without any thread in it.
//!
//! ```text
//!               ┌──1 call: Start──▶ COMING ──2 arrive──▶ AWAKE ──3 sleep──▶ ASLEEP
//!   (no thread) ┤                     ▲                                     │  │
//!               │                     └────────────4 call: Wake─────────────┘  │
//!               └──◀──────────────────5 leave──────────────────────────────────┘
//! ```
//! 1. [`Crew::call`] wants a new thread. If there is none to be had, [`Crew::start_failed`] takes the edge back.
//! 2. [`Crew::arrive`]: the thread stands before the queue, awake.
//! 3. [`Crew::sleep`]: it found the queue empty.
//! 4. [`Crew::call`] names a sleeper, who from then on is on its way, whatever ends its sleep.
//! 5. [`Crew::leave`]: it slept too long.
//!
//! Only one thread is called at a time. When it arrives and finds more than one job, it calls the next before it
//! begins. Many short jobs are so done by few threads, while jobs that block bring in all of them one after the other;
//! and no call is wasted on a job for which somebody is coming already. What must hold for no job to be forgotten:
//! *while jobs wait, somebody is coming, or nobody sleeps and no more threads may (or could) be started.*
//!
//! The last to fall asleep is the first to be woken: its caches are warm, and threads that a burst of jobs brought
//! in end, even if a trickle of jobs never ceases.

/// A thread of the pool, by the index of its room.
pub(crate) type ThreadIndex = usize;

/// The threads of a pool: which of them sleep, and how many are on their way.
#[derive(Debug)]
pub(crate) struct Crew {
    max_threads: usize,
    n_threads: usize,
    /// In the order in which they fell asleep.
    asleep: Vec<ThreadIndex>,
    /// Whether a thread was called and has not arrived.
    is_one_coming: bool,
}

/// What a [call](Crew::call) demands of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a thread that is not woken never arrives, and nobody else is called"]
pub(crate) enum Call {
    /// Nothing: somebody is coming, or all are at work.
    Nobody,
    /// This one must be woken.
    Wake(ThreadIndex),
    /// A new thread must be started.
    Start,
}

impl Crew {
    pub(crate) const fn new(max_threads: usize) -> Self {
        Self { max_threads, n_threads: 0, asleep: Vec::new(), is_one_coming: false }
    }

    /// Jobs wait: sees to it that somebody comes.
    pub(crate) fn call(&mut self) -> Call {
        if self.is_one_coming {
            return Call::Nobody;
        }
        let call = match self.asleep.pop() {
            Some(thread) => Call::Wake(thread),
            None if self.n_threads < self.max_threads => {
                self.n_threads += 1;
                Call::Start
            }
            None => return Call::Nobody,
        };
        self.is_one_coming = true;
        call
    }

    /// There was no thread to be had. Whether another one lives, which will see to the job.
    pub(crate) fn start_failed(&mut self) -> bool {
        self.is_one_coming = false;
        self.n_threads -= 1;
        self.n_threads > 0
    }

    /// The thread that was called is there.
    pub(crate) fn arrive(&mut self) {
        debug_assert!(self.is_one_coming, "a thread arrived that was not called");
        self.is_one_coming = false;
    }

    /// `thread` falls asleep.
    pub(crate) fn sleep(&mut self, thread: ThreadIndex) {
        debug_assert!(!self.is_asleep(thread), "thread {thread} sleeps already");
        self.asleep.push(thread);
    }

    /// Whether `thread` has not been called since it fell asleep.
    pub(crate) fn is_asleep(&self, thread: ThreadIndex) -> bool {
        self.asleep.contains(&thread)
    }

    /// `thread`, which is asleep, ends.
    pub(crate) fn leave(&mut self, thread: ThreadIndex) {
        debug_assert!(self.is_asleep(thread), "thread {thread} leaves its work");
        self.asleep.retain(|&sleeper| sleeper != thread);
        self.n_threads -= 1;
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a thread of the model is about to do.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Thread {
        Coming,
        /// Stands before the queue.
        Awake,
        /// Has taken a job.
        Working,
        Asleep,
        Gone,
    }

    #[derive(Debug, Clone)]
    enum Op {
        Submit,
        /// The system has no threads from now on, or has them again.
        Exhaust(bool),
        /// This thread, modulo their number, makes its next step; a sleeper dreams on.
        Step(usize),
        /// This thread ends, if it sleeps.
        Expire(usize),
        /// A job that waits is taken back.
        Cancel,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => Just(Op::Submit),
            1 => any::<bool>().prop_map(Op::Exhaust),
            8 => any::<usize>().prop_map(Op::Step),
            2 => any::<usize>().prop_map(Op::Expire),
            1 => Just(Op::Cancel),
        ]
    }

    /// Does what the pool does around the crew, with threads that take one step at a time.
    struct Model {
        crew: Crew,
        threads: Vec<Thread>,
        waiting: usize,
        exhausted: bool,
        /// In the order in which they fell asleep.
        sleepers: Vec<usize>,
    }

    impl Model {
        fn call(&mut self) {
            match self.crew.call() {
                Call::Nobody => {}
                Call::Wake(thread) => {
                    assert_eq!(self.sleepers.pop(), Some(thread), "the last asleep is the first awake");
                    assert_eq!(self.threads[thread], Thread::Asleep);
                    self.threads[thread] = Thread::Coming;
                }
                Call::Start if self.exhausted => {
                    let others = self.threads.iter().any(|&thread| thread != Thread::Gone);
                    assert_eq!(self.crew.start_failed(), others);
                    if !others {
                        // The pool refuses the job to its owner.
                        self.waiting -= 1;
                    }
                }
                Call::Start => self.threads.push(Thread::Coming),
            }
        }

        fn step(&mut self, thread: usize) {
            let was = self.threads[thread];
            self.threads[thread] = match was {
                Thread::Coming | Thread::Awake => {
                    if was == Thread::Coming {
                        self.crew.arrive();
                    }
                    if self.waiting == 0 {
                        self.crew.sleep(thread);
                        self.sleepers.push(thread);
                        Thread::Asleep
                    } else {
                        self.waiting -= 1;
                        if self.waiting > 0 && was == Thread::Coming {
                            self.call();
                        }
                        Thread::Working
                    }
                }
                Thread::Working => Thread::Awake,
                Thread::Asleep | Thread::Gone => was,
            };
        }

        fn count(&self, what: Thread) -> usize {
            self.threads.iter().filter(|&&thread| thread == what).count()
        }

        fn check(&self, max_threads: usize, was_exhausted: bool) {
            let alive = self.threads.len() - self.count(Thread::Gone);
            assert!(alive <= max_threads);
            assert!(self.count(Thread::Coming) <= 1);
            if self.waiting > 0 {
                let all_at_work =
                    self.count(Thread::Asleep) == 0 && (alive == max_threads || was_exhausted && alive > 0);
                assert!(self.count(Thread::Coming) == 1 || all_at_work, "{} jobs forgotten", self.waiting);
            }
        }
    }

    proptest! {
        #[test]
        fn no_job_is_forgotten_and_nobody_is_called_twice(
            max_threads in 1..5usize,
            ops in prop::collection::vec(op(), 0..200),
        ) {
            let mut model = Model {
                crew: Crew::new(max_threads),
                threads: Vec::new(),
                waiting: 0,
                exhausted: false,
                sleepers: Vec::new(),
            };
            let mut was_exhausted = false;
            for op in ops {
                match op {
                    Op::Submit => {
                        model.waiting += 1;
                        model.call();
                    }
                    Op::Exhaust(yes) => {
                        model.exhausted = yes;
                        was_exhausted |= yes;
                    }
                    Op::Step(n) if !model.threads.is_empty() => model.step(n % model.threads.len()),
                    Op::Expire(n) if !model.threads.is_empty() => {
                        let thread = n % model.threads.len();
                        if model.crew.is_asleep(thread) {
                            model.crew.leave(thread);
                            model.sleepers.retain(|&sleeper| sleeper != thread);
                            model.threads[thread] = Thread::Gone;
                        }
                    }
                    Op::Cancel => model.waiting = model.waiting.saturating_sub(1),
                    Op::Step(_) | Op::Expire(_) => {}
                }
                model.check(max_threads, was_exhausted);
            }
            // All steps taken, all jobs are done.
            for _ in 0..2 * (model.waiting + model.threads.len() + 1) {
                for thread in 0..model.threads.len() {
                    model.step(thread);
                }
            }
            prop_assert_eq!(model.waiting, 0);
        }
    }

    #[test]
    fn nobody_else_is_called_while_one_is_coming() {
        let mut crew = Crew::new(8);
        assert_eq!(crew.call(), Call::Start);
        assert_eq!(crew.call(), Call::Nobody);
        crew.arrive();
        assert_eq!(crew.call(), Call::Start);
    }

    #[test]
    fn the_last_asleep_is_the_first_awake() {
        let mut crew = Crew::new(2);
        for _ in 0..2 {
            assert_eq!(crew.call(), Call::Start);
            crew.arrive();
        }
        crew.sleep(0);
        crew.sleep(1);
        assert_eq!(crew.call(), Call::Wake(1));
        crew.arrive();
        assert_eq!(crew.call(), Call::Wake(0));
        crew.arrive();
        assert_eq!(crew.call(), Call::Nobody, "all are at work");
    }
}
