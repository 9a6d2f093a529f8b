//! The place where a [`File`](crate::File) leaves an errand, and a thread of the pool leaves what came of it.
//!
//! There is one errand at a time. It is run by whoever comes first: its own job, the job of another operation that must
//! come after it (so that [`metadata`](crate::File::metadata) sees what was written), or the destructor of its job, if
//! the pool is shut down before the job has begun. So what a write took is written even if the loop ends.
//!
//! ```text
//!   EMPTY ──1──▶ TODO ──2──▶ DONE
//!     ▲           │           │
//!     └─────4─────┴─────3─────┘
//! ```
//! 1. [`Desk::put`]: the file has something to do.
//! 2. [`Desk::run`], with the lock held: the errand is run.
//! 3. [`Desk::take`], [`Desk::try_take`]: the file takes the outcome.
//! 4. [`Desk::withdraw`]: the file is dropped, and nobody cares for what it wanted to read.
//!
//! The lock is held while a thread of the pool reads or writes. The thread of the loop never waits for that: it takes
//! the lock if it is free, or knows that nobody runs an errand.

use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::mem;
use std::path::PathBuf;

use aio_base::sync::{Arc, Mutex};
use aio_blocking::{ToThread, to_thread};

use super::buffer::Buffer;
use crate::attempt::failed;

pub(super) struct Desk {
    pub(super) file: fs::File,
    /// For the errors.
    pub(super) path: Option<PathBuf>,
    /// Held while the errand is run.
    paper: Mutex<Paper>,
    /// Why a write failed after its caller was told that it had been taken.
    write_error: Mutex<Option<io::Error>>,
    /// The job of a file that was dropped. Kept from being cancelled until it is done: then it lets go of this desk.
    orphan: Mutex<Option<ToThread<()>>>,
}

enum Paper {
    Empty,
    Todo(Errand),
    Done(Outcome),
}

/// What is to be done.
pub(super) struct Errand {
    pub(super) kind: Kind,
    /// To be done before it: brings the cursor to where the user believes it is.
    pub(super) debt: Option<SeekFrom>,
    pub(super) buffer: Buffer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Up to so many bytes.
    Read(usize),
    /// The buffer.
    Write,
    Seek(SeekFrom),
}

/// What came of an errand.
pub(super) struct Outcome {
    pub(super) result: io::Result<Answer>,
    pub(super) debt: Option<SeekFrom>,
    pub(super) buffer: Buffer,
}

#[derive(Clone, Copy)]
pub(super) enum Answer {
    Read(usize),
    Written,
    Sought { before: u64, after: u64 },
}

impl Desk {
    pub(super) fn new(file: fs::File, path: Option<PathBuf>) -> Self {
        let paper = Mutex::new(Paper::Empty);
        Self { file, path, paper, write_error: Mutex::new(None), orphan: Mutex::new(None) }
    }

    /// Leaves an errand, and makes the job that runs it. There must be no other.
    pub(super) fn put(self: &Arc<Self>, errand: Errand) -> ToThread<()> {
        let runner = Runner(self.clone());
        let before = mem::replace(&mut *self.paper.lock(), Paper::Todo(errand));
        debug_assert!(matches!(before, Paper::Empty), "two errands at once");
        to_thread(move || drop(runner))
    }

    /// Runs the errand, if one is there; waits for it, if another thread runs it. Blocks.
    pub(super) fn run(&self) {
        let mut paper = self.paper.lock();
        match mem::replace(&mut *paper, Paper::Empty) {
            Paper::Todo(errand) => {
                let (outcome, write_error) = errand.run(&self.file);
                if let Some(error) = write_error {
                    let error = failed("write to", self.path.as_deref(), error);
                    // The first one tells more than those after it.
                    self.write_error.lock().get_or_insert(error);
                }
                *paper = Paper::Done(outcome);
            }
            other => *paper = other,
        }
    }

    /// The outcome, if the errand was run. Does not wait: none, if another thread just looks at the desk.
    pub(super) fn try_take(&self) -> Option<Outcome> {
        self.paper.try_lock()?.take()
    }

    /// The outcome of an errand that was run.
    pub(super) fn take(&self) -> Option<Outcome> {
        self.paper.lock().take()
    }

    /// The error of a write that nobody was told of.
    pub(super) fn take_write_error(&self) -> Option<io::Error> {
        self.write_error.lock().take()
    }

    /// Takes an errand back that nobody will miss; `false` if it has begun, or is a write. Does not wait.
    pub(super) fn withdraw(&self) -> bool {
        let Some(mut paper) = self.paper.try_lock() else { return false };
        if matches!(&*paper, Paper::Todo(errand) if errand.kind == Kind::Write) {
            return false;
        }
        *paper = Paper::Empty;
        true
    }

    /// Lets `job`, which was made by [`put`](Self::put), go on without its file.
    pub(super) fn adopt(&self, job: ToThread<()>) {
        *self.orphan.lock() = Some(job);
    }

    /// Does `f`, which may move the cursor, without an effect on those who rely on the cursor.
    #[cfg(windows)]
    pub(super) fn apart<T>(&self, f: impl FnOnce(&fs::File) -> io::Result<T>) -> io::Result<T> {
        let _errands_wait = self.paper.lock();
        let mut file = &self.file;
        let cursor = file.stream_position()?;
        let result = f(file);
        file.seek(SeekFrom::Start(cursor))?;
        result
    }
}

impl Paper {
    fn take(&mut self) -> Option<Outcome> {
        match mem::replace(self, Paper::Empty) {
            Paper::Done(outcome) => Some(outcome),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// Runs the errand on the desk when it is dropped: in the job, or because the pool drops the job without running it.
struct Runner(Arc<Desk>);

impl Drop for Runner {
    fn drop(&mut self) {
        self.0.run();
    }
}

impl Errand {
    /// Returns the error of a write apart, since it is not for whom the outcome is for.
    fn run(mut self, file: &fs::File) -> (Outcome, Option<io::Error>) {
        let result = self.try_run(file);
        let Self { kind, debt, mut buffer } = self;
        match (kind, result) {
            (Kind::Write, Err(error)) => {
                buffer.clear();
                (Outcome { result: Ok(Answer::Written), debt, buffer }, Some(error))
            }
            (_, result) => (Outcome { result, debt, buffer }, None),
        }
    }

    fn try_run(&mut self, mut file: &fs::File) -> io::Result<Answer> {
        if let Some(debt) = self.debt {
            file.seek(debt)?;
            self.debt = None;
        }
        match self.kind {
            Kind::Read(max) => self.buffer.read_from(file, max).map(Answer::Read),
            Kind::Write => self.buffer.write_to(file).map(|()| Answer::Written),
            Kind::Seek(to) => {
                let before = file.stream_position()?;
                let after = file.seek(to)?;
                Ok(Answer::Sought { before, after })
            }
        }
    }
}
