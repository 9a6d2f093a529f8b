//! The task language: what a program is.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::on_aio::Home;

/// The name of a task or of what tasks use.
///
/// The number at its end, if there is one, says how many: a queue has that capacity (others have none), a semaphore so
/// many permits, a barrier so many parties (others one). A queue whose name begins with `lifo` gives the newest item,
/// one whose name begins with `heap` the smallest, as text.
pub type Name = Arc<str>;

/// Statements, one after the other.
pub type Block = Arc<[Stmt]>;

/// A program. Its `Debug` is its text, which is what can be read of one that a test has found.
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    /// What the main task does; when it has ended, the tasks that are left are cancelled and awaited.
    pub main: Block,
    /// Whether a cancellation waits until a `finally` is over. It always does in `aio`; a program of asyncio has to be
    /// written so. See the Python interpreter.
    pub shielded: bool,
    /// Whether each statement that may wait is logged when it is over.
    pub traced: bool,
}

/// A statement. What it logs is said where it logs anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stmt {
    /// Logs the text.
    Log(String),
    /// Sleeps so many milliseconds.
    Sleep(u64),
    /// Gives the other tasks a turn.
    Yield,
    /// Starts a task.
    Spawn(Name, Block),
    /// Cancels a task.
    Cancel(Name),
    /// Waits for the end of a task without owning it, and logs how it ended.
    Join(Name),
    /// Waits for the end of a task as its owner (who is cancelled cancels it), and logs how it ended.
    Own(Name),
    /// Ends the block with an error.
    Raise(String),
    /// Ends the task with a value.
    Return(String),
    /// Runs the body; if that fails, logs the error and runs `except`; in any case runs `finally` at the end.
    Try {
        /// What may fail.
        body: Block,
        /// What is done after an error.
        except: Option<Block>,
        /// What is done in any case.
        finally: Option<Block>,
    },
    /// Sets an event.
    Set(Name),
    /// Clears an event.
    Clear(Name),
    /// Waits for an event.
    Wait(Name),
    /// Runs the block with a lock.
    Lock(Name, Block),
    /// Runs the block with a permit of a semaphore.
    Permit(Name, Block),
    /// Gives a semaphore a permit more than it has.
    Release(Name),
    /// Runs the block with the lock of a condition, which protects a number, zero at first. Directly in such a block,
    /// and nowhere else, stand the next four.
    Condition(Name, Block),
    /// Waits for a notification.
    Notified,
    /// Waits for notifications until the number is at least this.
    AtLeast(u64),
    /// Adds to the number.
    Add(u64),
    /// Notifies so many of those who wait; if no number is given, all.
    Notify(Option<u64>),
    /// Waits at a barrier, and logs the index; fails with the error `broken`.
    Arrive(Name),
    /// Sends those away who wait at a barrier, and begins anew.
    Reset(Name),
    /// Breaks a barrier.
    Abort(Name),
    /// Runs the block as the body of a task group.
    Group(Block),
    /// Adds a child to the innermost group.
    Child(Name, Block),
    /// Runs the block with a timeout; what is cut off fails with the error `timeout`.
    Timeout(u64, Block),
    /// Moves the deadline of the innermost timeout to so many milliseconds from now.
    Reschedule(u64),
    /// Runs blocks side by side, and logs what they gave. If errors are not kept, the first one is raised.
    Gather {
        /// Whether an error is a result like others.
        keep: bool,
        /// The blocks, with names to log under.
        parts: Vec<(Name, Block)>,
    },
    /// Runs blocks side by side until one has ended, cancels the others and waits for them; logs what that one gave, or
    /// raises its error.
    Race(Vec<(Name, Block)>),
    /// Runs blocks side by side, and logs what each gave, in the order in which they end.
    AsCompleted(Vec<(Name, Block)>),
    /// Waits for tasks as their owner, and logs which of them have ended.
    Await(Until, Vec<Name>),
    /// Puts a value into a queue; fails with the error `shut down`, as the next three do.
    Put(Name, String),
    /// Gets a value from a queue, and logs it.
    Get(Name),
    /// Puts a value into a queue if there is room now, and logs if there is none.
    Offer(Name, String),
    /// Gets a value from a queue if there is one now, and logs it, or that there is none.
    Take(Name),
    /// Says that what was got from a queue is done.
    Done(Name),
    /// Waits until all that was put into a queue is done.
    AllDone(Name),
    /// Shuts a queue down: it takes nothing more. `now`: what is in it is dropped.
    Shutdown {
        /// The queue.
        queue: Name,
        /// Whether what is in it is dropped.
        now: bool,
    },
    /// Runs the block, under a name to log under, protected from cancellation.
    Shield(Name, Block),
}

/// How long tasks are awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until one has ended.
    First,
    /// Until one has failed, or all have ended.
    Failed,
    /// Until all have ended.
    All,
}

impl Until {
    /// Its word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Failed => "failed",
            Self::All => "all",
        }
    }
}

/// What happened: when, in which task, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Virtual milliseconds since the beginning.
    pub at: u64,
    /// The name of the task.
    pub task: String,
    /// What it logged.
    pub text: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.at, self.task, self.text)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl Program {
    /// The program as the Python interpreter reads it. Programs of asyncio do not know of homes; but one that is
    /// [`shielded`](Self::shielded) is written as what is cut goes on in that home.
    pub(crate) fn to_json(&self, home: Home) -> Value {
        json!({
            "main": block(&self.main),
            "shielded": self.shielded,
            "apart": home == Home::Local,
            "traced": self.traced,
        })
    }
}

fn block(block: &Block) -> Value {
    block.iter().map(Stmt::to_json).collect()
}

fn to_json(parts: &[(Name, Block)]) -> Value {
    parts.iter().map(|(name, body)| json!([&**name, block(body)])).collect()
}

impl Stmt {
    fn to_json(&self) -> Value {
        match self {
            Self::Log(text) => json!(["log", text]),
            Self::Sleep(ms) => json!(["sleep", ms]),
            Self::Yield => json!(["yield"]),
            Self::Spawn(name, body) => json!(["spawn", &**name, block(body)]),
            Self::Cancel(name) => json!(["cancel", &**name]),
            Self::Join(name) => json!(["join", &**name]),
            Self::Own(name) => json!(["own", &**name]),
            Self::Raise(error) => json!(["raise", error]),
            Self::Return(value) => json!(["return", value]),
            Self::Try { body, except, finally } => {
                json!(["try", block(body), except.as_ref().map(block), finally.as_ref().map(block)])
            }
            Self::Set(name) => json!(["set", &**name]),
            Self::Clear(name) => json!(["clear", &**name]),
            Self::Wait(name) => json!(["wait", &**name]),
            Self::Lock(name, body) => json!(["lock", &**name, block(body)]),
            Self::Permit(name, body) => json!(["permit", &**name, block(body)]),
            Self::Release(name) => json!(["release", &**name]),
            Self::Condition(name, body) => json!(["condition", &**name, block(body)]),
            Self::Notified => json!(["notified"]),
            Self::AtLeast(number) => json!(["at_least", number]),
            Self::Add(number) => json!(["add", number]),
            Self::Notify(count) => json!(["notify", count]),
            Self::Arrive(name) => json!(["arrive", &**name]),
            Self::Reset(name) => json!(["reset", &**name]),
            Self::Abort(name) => json!(["abort", &**name]),
            Self::Group(body) => json!(["group", block(body)]),
            Self::Child(name, body) => json!(["child", &**name, block(body)]),
            Self::Timeout(ms, body) => json!(["timeout", ms, block(body)]),
            Self::Reschedule(ms) => json!(["reschedule", ms]),
            Self::Gather { keep, parts } => {
                json!(["gather", keep, to_json(parts)])
            }
            Self::Race(parts) => json!(["race", to_json(parts)]),
            Self::AsCompleted(parts) => json!(["as_completed", to_json(parts)]),
            Self::Await(until, names) => {
                let names: Vec<&str> = names.iter().map(|name| &**name).collect();
                json!(["await", until.word(), names])
            }
            Self::Put(name, value) => json!(["put", &**name, value]),
            Self::Get(name) => json!(["get", &**name]),
            Self::Offer(name, value) => json!(["offer", &**name, value]),
            Self::Take(name) => json!(["take", &**name]),
            Self::Done(name) => json!(["done", &**name]),
            Self::AllDone(name) => json!(["all_done", &**name]),
            Self::Shutdown { queue, now } => json!(["shutdown", &**queue, now]),
            Self::Shield(name, body) => json!(["shield", &**name, block(body)]),
        }
    }
}
