//! What happened, when, in which order.

use std::fmt;
use std::time::{Duration, Instant};

use aio_base::sync::{Arc, Mutex};

/// What happened in a test, line by line, each with the time since the log was made. Clones are the same log.
///
/// ```
/// # use aio_core::{EventLoop, ThreadPark, VirtualTime};
/// # use aio_timer::Timers;
/// use aio_core::spawn;
/// use aio_test::{EventLog, log};
/// use aio_timer::sleep;
/// use std::time::Duration;
///
/// # EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
/// let log = EventLog::new();
/// let task = spawn({
///     let log = log.clone();
///     async move {
///         for n in 1..=2 {
///             sleep(Duration::from_millis(1500)).await;
///             log!(log, "beat {n}");
///         }
///     }
/// });
/// log.push("begun");
/// task.await;
/// assert_eq!(log, ["0s: begun", "1.5s: beat 1", "3s: beat 2"]);
/// # });
/// ```
///
/// The time is that of the loop of the thread that writes the line. Over virtual time the log is the same in each run;
/// elsewhere compare the [`texts`](Self::texts), which have none.
#[derive(Clone)]
pub struct EventLog {
    begun_at: Instant,
    entries: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl EventLog {
    /// An empty log, whose time begins now.
    pub fn new() -> Self {
        Self { begun_at: aio_core::now(), entries: Arc::new(Mutex::new(Vec::new())) }
    }

    /// Adds a line. [`log!`](crate::log) takes the arguments of `format!`.
    pub fn push(&self, text: impl Into<String>) {
        let entry = (aio_core::now().saturating_duration_since(self.begun_at), text.into());
        self.entries.lock().push(entry);
    }

    /// The lines, as `1.5s: text`.
    pub fn lines(&self) -> Vec<String> {
        self.entries.lock().iter().map(|(time, text)| format!("{}: {text}", Time(*time))).collect()
    }

    /// The lines without their times.
    pub fn texts(&self) -> Vec<String> {
        self.entries.lock().iter().map(|(_, text)| text.clone()).collect()
    }

    /// Takes the lines out, as `1.5s: text`; the time goes on.
    pub fn take(&self) -> Vec<String> {
        let entries = std::mem::take(&mut *self.entries.lock());
        entries.into_iter().map(|(time, text)| format!("{}: {text}", Time(time))).collect()
    }
}

/// A duration as it is read: nothing in nanoseconds is `0s`.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() { f.write_str("0s") } else { write!(f, "{:?}", self.0) }
    }
}

impl Default for EventLog {
    fn default() -> Self {
        Self::new()
    }
}

/// All lines, as `1.5s: text`.
impl fmt::Display for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The list of its lines, as `assert_eq!` shows it beside what was expected.
impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().fmt(f)
    }
}

impl<S: AsRef<str>> PartialEq<[S]> for EventLog {
    fn eq(&self, lines: &[S]) -> bool {
        self.lines().iter().map(String::as_str).eq(lines.iter().map(AsRef::as_ref))
    }
}

impl<S: AsRef<str>> PartialEq<&[S]> for EventLog {
    fn eq(&self, lines: &&[S]) -> bool {
        *self == **lines
    }
}

impl<S: AsRef<str>, const N: usize> PartialEq<[S; N]> for EventLog {
    fn eq(&self, lines: &[S; N]) -> bool {
        *self == lines[..]
    }
}

impl<S: AsRef<str>> PartialEq<Vec<S>> for EventLog {
    fn eq(&self, lines: &Vec<S>) -> bool {
        *self == lines[..]
    }
}

/// Adds a line to an [`EventLog`].
///
/// ```
/// use aio_test::{EventLog, log};
///
/// let log = EventLog::new();
/// log!(log, "{} and {}", 1, 2);
/// assert_eq!(log.texts(), ["1 and 2"]);
/// ```
#[macro_export]
macro_rules! log {
    ($log:expr, $($message:tt)+) => { $log.push(::std::format!($($message)+)) };
}
