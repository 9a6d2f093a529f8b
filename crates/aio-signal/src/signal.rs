//! What a signal is called.

use std::fmt;

/// A signal of Unix. Its `Debug` and `Display` are the name: `SIGTERM`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// `SIGALRM`: a timer of the system is over.
    pub const ALARM: Self = Self(libc::SIGALRM);
    /// `SIGCHLD`: a child process has ended or stopped. By default nothing happens.
    pub const CHILD: Self = Self(libc::SIGCHLD);
    /// `SIGCONT`: the process goes on after it was stopped.
    pub const CONTINUE: Self = Self(libc::SIGCONT);
    /// `SIGHUP`: the terminal is gone; to a service: read the configuration again.
    pub const HANGUP: Self = Self(libc::SIGHUP);
    /// `SIGINT`: Ctrl-C. See [`ctrl_c`](crate::ctrl_c()) for what is the same on every system.
    pub const INTERRUPT: Self = Self(libc::SIGINT);
    /// `SIGPIPE`: a write to what nobody reads. Rust has it ignored, and the write fails.
    pub const PIPE: Self = Self(libc::SIGPIPE);
    /// `SIGQUIT`: Ctrl-\\; by default the process ends and leaves a core dump.
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// `SIGTERM`: the polite request to end.
    pub const TERMINATE: Self = Self(libc::SIGTERM);
    /// `SIGTSTP`: Ctrl-Z; by default the process stops.
    pub const TERMINAL_STOP: Self = Self(libc::SIGTSTP);
    /// `SIGUSR1`: for the program's own purposes.
    pub const USER_1: Self = Self(libc::SIGUSR1);
    /// `SIGUSR2`: for the program's own purposes.
    pub const USER_2: Self = Self(libc::SIGUSR2);
    /// `SIGWINCH`: the terminal has another size. By default nothing happens.
    pub const WINDOW_CHANGE: Self = Self(libc::SIGWINCH);

    /// The signal of this number; whether there is one is for [`signals`](crate::signals()) to say.
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// Its number on this system.
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// Sends it to this process.
    ///
    /// # Errors
    /// `InvalidInput`, if there is no such signal.
    pub fn raise(self) -> std::io::Result<()> {
        signal_hook::low_level::raise(self.0)
    }
}

/// For what takes the number of a signal.
impl From<Signal> for i32 {
    fn from(signal: Signal) -> Self {
        signal.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_hook::low_level::signal_name(self.0) {
            Some(name) => f.pad(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
