//! Who comes when there is work: the pool's bookkeeping of its threads, without any thread in it.
//!
//! ```text
//!               ┌──1 call: Start──▶ COMING ──2 arrive──▶ AWAKE ──3 sleep──▶ ASLEEP
//!   (no thread) ┤                     ▲ ▲                 │ ▲                │ │ ▲
//!               │                     │ └────4 call: Wake─│─│────────────────┘ │ │
//!               │                     │           6 sleep │ │ 7 look: Work     │ │
//!               │                     │                   ▼ │                  │ │
//!               │                     └─4 call: Wake──── NAPPING ──8 look: Sleep─┘
//!               └──◀──────────────────5 leave──────────────────────────────────┘
//! ```
//! 1. [`Crew::call`] wants a new thread. If there is none to be had, [`Crew::start_failed`] takes the edge back.
//! 2. [`Crew::arrive`]: the thread stands before the queue, awake.
//! 3. [`Crew::sleep`]: it found the queue empty.
//! 4. [`Crew::call`] names a sleeper, who from then on is on its way, whatever ends its sleep.
//! 5. [`Crew::leave`]: it slept too long.
//! 6. [`Crew::sleep`], where calls are in vain: it looks again soon.
//! 7. [`Crew::look`]: those who are awake do not get on.
//! 8. [`Crew::look`]: there is nothing to do.
//!
//! Only one thread is called at a time. When it arrives and finds more than one job, it calls the next before it
//! begins. So jobs that block bring in all threads one after the other, and no call is wasted on a job for which
//! somebody is coming already.
//!
//! Where jobs are short, even that is too much: whoever is called arrives only when others have done the jobs, and has
//! kept them from their work meanwhile. Once that has happened, the next to fall asleep takes a *nap*: it looks every
//! half millisecond whether those who are awake do the jobs faster than these come, and as long as they do, nobody is
//! called to their help. If they do not, it helps, and from then on all are called again as above. When nothing has
//! happened during a nap, it turns into sleep: who has nothing to do does not tick.
//!
//! What must hold for no job to be forgotten: *while jobs wait, somebody is coming, or somebody naps, or nobody sleeps
//! and no more threads may (or could) be started.*
//!
//! The last to fall asleep is the first to be woken: its caches are warm, and threads that a burst of jobs brought
//! in end, even if a trickle of jobs never ceases. Who naps is woken last.

/// A thread of the pool, by the index of its room.
pub(crate) type ThreadIndex = usize;

/// The threads of a pool: which of them sleep, and how many are on their way.
#[derive(Debug)]
pub(crate) struct Crew {
    max_threads: usize,
    n_threads: usize,
    /// How many are neither asleep, napping nor on their way.
    n_awake: usize,
    /// In the order in which they fell asleep.
    asleep: Vec<ThreadIndex>,
    /// Who sleeps, but not for long.
    napping: Option<ThreadIndex>,
    /// Whether a thread was called and has not arrived.
    is_one_coming: bool,
    /// Whether somebody was called in vain, and nobody has been needed since.
    jobs_are_short: bool,
}

/// How a thread falls asleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Sleep {
    /// Until it is called, or has been idle for too long.
    Long,
    /// Until it is called, or for half a millisecond; then it must [look](Crew::look).
    Nap,
}

/// What somebody who has napped does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Look {
    /// It is awake, and takes a job.
    Work,
    Sleep(Sleep),
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
        Self {
            max_threads,
            n_threads: 0,
            n_awake: 0,
            asleep: Vec::new(),
            napping: None,
            is_one_coming: false,
            jobs_are_short: false,
        }
    }

    /// Jobs wait: sees to it that somebody comes.
    pub(crate) fn call(&mut self) -> Call {
        // Who naps looks after those who are awake; if nobody is, there is no reason to wait for that.
        let are_others_on_it = self.jobs_are_short && self.napping.is_some() && self.n_awake > 0;
        if self.is_one_coming || are_others_on_it {
            return Call::Nobody;
        }
        let call = match self.asleep.pop().or_else(|| self.napping.take()) {
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

    /// The thread that was called is there, and finds jobs or none.
    pub(crate) fn arrive(&mut self, finds_jobs: bool) {
        debug_assert!(self.is_one_coming, "a thread arrived that was not called");
        self.is_one_coming = false;
        self.n_awake += 1;
        self.jobs_are_short |= !finds_jobs;
    }

    /// `thread` falls asleep.
    pub(crate) fn sleep(&mut self, thread: ThreadIndex) -> Sleep {
        debug_assert!(!self.is_asleep(thread), "thread {thread} sleeps already");
        self.n_awake -= 1;
        if self.jobs_are_short && self.napping.is_none() {
            self.napping = Some(thread);
            return Sleep::Nap;
        }
        self.asleep.push(thread);
        Sleep::Long
    }

    /// Whether `thread` has not been called since it fell asleep.
    pub(crate) fn is_asleep(&self, thread: ThreadIndex) -> bool {
        self.napping == Some(thread) || self.asleep.contains(&thread)
    }

    /// The nap is over, and so many jobs wait; so many were begun meanwhile.
    pub(crate) fn look(&mut self, n_waiting: usize, n_begun: usize) -> Look {
        if n_waiting <= n_begun && n_begun > 0 {
            return Look::Sleep(Sleep::Nap);
        }
        let napper = self.napping.take();
        debug_assert!(napper.is_some(), "nobody naps");
        if n_waiting > n_begun {
            // Another nap would not see the end of them.
            self.jobs_are_short = false;
            self.n_awake += 1;
            return Look::Work;
        }
        self.asleep.extend(napper);
        Look::Sleep(Sleep::Long)
    }

    /// `thread`, which is asleep, ends.
    pub(crate) fn leave(&mut self, thread: ThreadIndex) {
        debug_assert!(self.asleep.contains(&thread), "thread {thread} leaves its work");
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
        /// Has taken one that never ends.
        Stuck,
        Asleep,
        Napping,
        Gone,
    }

    #[derive(Debug, Clone)]
    enum Op {
        Submit,
        /// The system has no threads from now on, or has them again.
        Exhaust(bool),
        /// This thread, modulo their number, makes its next step; a sleeper dreams on.
        Step(usize),
        /// The job of this thread, if it has one, never ends.
        Stick(usize),
        /// This thread ends, if it sleeps.
        Expire(usize),
        /// The nap is over.
        Look,
        /// A job that waits is taken back.
        Cancel,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => Just(Op::Submit),
            1 => any::<bool>().prop_map(Op::Exhaust),
            8 => any::<usize>().prop_map(Op::Step),
            1 => any::<usize>().prop_map(Op::Stick),
            2 => any::<usize>().prop_map(Op::Expire),
            2 => Just(Op::Look),
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
        /// How many jobs were begun since the nap began.
        n_begun: usize,
    }

    impl Model {
        fn call(&mut self) {
            match self.crew.call() {
                Call::Nobody => {}
                Call::Wake(thread) => {
                    match self.sleepers.pop() {
                        Some(last) => assert_eq!(thread, last, "the last asleep is the first awake"),
                        None => assert_eq!(self.threads[thread], Thread::Napping),
                    }
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
                        self.crew.arrive(self.waiting > 0);
                    }
                    if self.waiting == 0 { self.fall_asleep(thread) } else { self.begin(was == Thread::Coming) }
                }
                Thread::Working => Thread::Awake,
                Thread::Stuck | Thread::Asleep | Thread::Napping | Thread::Gone => was,
            };
        }

        fn fall_asleep(&mut self, thread: usize) -> Thread {
            match self.crew.sleep(thread) {
                Sleep::Long => {
                    self.sleepers.push(thread);
                    Thread::Asleep
                }
                Sleep::Nap => {
                    self.n_begun = 0;
                    Thread::Napping
                }
            }
        }

        fn begin(&mut self, has_just_arrived: bool) -> Thread {
            self.waiting -= 1;
            self.n_begun += 1;
            if self.waiting > 0 && has_just_arrived {
                self.call();
            }
            Thread::Working
        }

        fn look(&mut self) {
            let Some(thread) = self.threads.iter().position(|&thread| thread == Thread::Napping) else { return };
            self.threads[thread] = match self.crew.look(self.waiting, std::mem::take(&mut self.n_begun)) {
                Look::Work => self.begin(true),
                Look::Sleep(Sleep::Nap) => Thread::Napping,
                Look::Sleep(Sleep::Long) => {
                    self.sleepers.push(thread);
                    Thread::Asleep
                }
            };
        }

        fn count(&self, what: Thread) -> usize {
            self.threads.iter().filter(|&&thread| thread == what).count()
        }

        fn check(&self, max_threads: usize, was_exhausted: bool) {
            let alive = self.threads.len() - self.count(Thread::Gone);
            assert!(alive <= max_threads);
            assert!(self.count(Thread::Coming) <= 1 && self.count(Thread::Napping) <= 1);
            if self.waiting > 0 {
                let all_at_work =
                    self.count(Thread::Asleep) == 0 && (alive == max_threads || was_exhausted && alive > 0);
                let somebody_looks = self.count(Thread::Coming) + self.count(Thread::Napping) > 0;
                assert!(somebody_looks || all_at_work, "{} jobs forgotten", self.waiting);
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
                n_begun: 0,
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
                        if model.threads[thread] == Thread::Asleep {
                            model.crew.leave(thread);
                            model.sleepers.retain(|&sleeper| sleeper != thread);
                            model.threads[thread] = Thread::Gone;
                        }
                    }
                    Op::Stick(n) if !model.threads.is_empty() => {
                        let thread = n % model.threads.len();
                        if model.threads[thread] == Thread::Working {
                            model.threads[thread] = Thread::Stuck;
                        }
                    }
                    Op::Look => model.look(),
                    Op::Cancel => model.waiting = model.waiting.saturating_sub(1),
                    Op::Step(_) | Op::Stick(_) | Op::Expire(_) => {}
                }
                model.check(max_threads, was_exhausted);
            }
            // All steps taken, all jobs are done, unless all threads are stuck that could be had.
            for _ in 0..2 * (model.waiting + model.threads.len() + 1) {
                for thread in 0..model.threads.len() {
                    model.step(thread);
                }
                model.look();
            }
            let are_all_stuck = model.count(Thread::Stuck) == max_threads || was_exhausted;
            prop_assert!(model.waiting == 0 || are_all_stuck && model.count(Thread::Stuck) > 0);
            // And then nobody looks any more.
            model.look();
            model.look();
            prop_assert_eq!(model.count(Thread::Napping), 0);
        }
    }

    #[test]
    fn nobody_else_is_called_while_one_is_coming() {
        let mut crew = Crew::new(8);
        assert_eq!(crew.call(), Call::Start);
        assert_eq!(crew.call(), Call::Nobody);
        crew.arrive(true);
        assert_eq!(crew.call(), Call::Start);
    }

    #[test]
    fn the_last_asleep_is_the_first_awake() {
        let mut crew = crew_of_two();
        assert_eq!((crew.sleep(0), crew.sleep(1)), (Sleep::Long, Sleep::Long));
        assert_eq!(crew.call(), Call::Wake(1));
        crew.arrive(true);
        assert_eq!(crew.call(), Call::Wake(0));
        crew.arrive(true);
        assert_eq!(crew.call(), Call::Nobody, "all are at work");
    }

    fn crew_of_two() -> Crew {
        let mut crew = Crew::new(2);
        for _ in 0..2 {
            assert_eq!(crew.call(), Call::Start);
            crew.arrive(true);
        }
        crew
    }

    /// Both threads were there, and one of them in vain.
    fn crew_with_one_napping() -> Crew {
        let mut crew = crew_of_two();
        assert_eq!(crew.sleep(1), Sleep::Long);
        assert_eq!(crew.call(), Call::Wake(1));
        crew.arrive(false);
        assert_eq!(crew.sleep(1), Sleep::Nap);
        crew
    }

    #[test]
    fn nobody_is_called_to_the_help_of_those_who_get_on() {
        let mut crew = crew_with_one_napping();
        assert_eq!(crew.call(), Call::Nobody);
        assert_eq!(crew.look(5, 5), Look::Sleep(Sleep::Nap));
        assert_eq!(crew.call(), Call::Nobody);
        // If nobody is awake, somebody must come at once, and that is not who naps.
        assert_eq!(crew.sleep(0), Sleep::Long);
        assert_eq!(crew.call(), Call::Wake(0));
        crew.arrive(true);
        assert_eq!(crew.sleep(0), Sleep::Long);
        assert_eq!(crew.look(0, 0), Look::Sleep(Sleep::Long));
        assert_eq!(crew.call(), Call::Wake(1));
    }

    #[test]
    fn who_naps_is_called_if_nobody_else_is_there() {
        let mut crew = Crew::new(1);
        assert_eq!(crew.call(), Call::Start);
        crew.arrive(false);
        assert_eq!(crew.sleep(0), Sleep::Nap);
        assert_eq!(crew.call(), Call::Wake(0));
    }

    #[test]
    fn who_naps_helps_those_who_do_not_get_on() {
        for (n_waiting, n_begun) in [(1, 0), (6, 5)] {
            let mut crew = crew_with_one_napping();
            assert_eq!(crew.look(n_waiting, n_begun), Look::Work);
            // From then on, all are called again.
            assert_eq!(crew.sleep(1), Sleep::Long);
            assert_eq!(crew.call(), Call::Wake(1));
        }
    }
}
