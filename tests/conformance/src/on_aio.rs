//! The task language on `aio`, in both homes.
//!
//! The interpreter is written once, in the words that the homes share (`Task`, `TaskGroup`, `Lock`, `spawn`, `defer`).
//! [`shared`] and [`local`] say what these words mean, and each compiles the same file below itself: a function
//! that is generic over the home could not say that its futures are `Send` in one of them.

#![expect(clippy::duplicate_mod, reason = "the interpreter is compiled once for each home")]

mod hops;
mod outcome;
mod record;

mod local;
mod shared;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::program::{Event, Program};

/// Where the tasks of a program live, and what they use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// `aio`: what may cross threads.
    Shared,
    /// `aio::local`: what stays on its loop.
    Local,
}

impl Home {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Shared, Self::Local];
}

/// A deliberate mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviation {
    /// Who waits for an event is woken in the reverse order.
    LifoWake,
    /// A cancellation of a task that has not begun is lost.
    LostCancel,
    /// A group reports its first error only.
    SwallowedSecondError,
}

/// One home of `aio`, right or deliberately wrong.
#[derive(Debug, Clone, Copy)]
pub struct Aio {
    home: Home,
    deviation: Option<Deviation>,
}

impl Aio {
    /// As it is.
    pub const fn new(home: Home) -> Self {
        Self { home, deviation: None }
    }

    /// With a mistake.
    #[must_use]
    pub const fn with(self, deviation: Deviation) -> Self {
        Self { deviation: Some(deviation), ..self }
    }

    /// Runs `program`.
    ///
    /// # Panics
    /// If `aio` does.
    pub fn run(self, program: &Program) -> Vec<Event> {
        let run = match self.home {
            Home::Shared => shared::interpreter::run,
            Home::Local => local::interpreter::run,
        };
        run(program, self.deviation)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
