//! What somebody says who begins to wait.

use std::sync::Arc; // facade: shared data without a protocol
use std::time::Instant;

use super::Who;
use crate::host::TaskLabel;

/// Where somebody waits: by this the wait is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    side: u8,
    number: usize,
}

impl Place {
    /// By the address of what stays where it is as long as somebody waits there.
    #[inline]
    pub fn of<T: ?Sized>(place: &T) -> Self {
        Self { side: 0, number: std::ptr::from_ref(place).cast::<()>().addr() }
    }

    /// [`of`](Self::of) where there is no reference.
    #[inline]
    pub fn of_pointer<T>(place: *const T) -> Self {
        Self { side: 0, number: place.addr() }
    }

    /// By a number of which there is no other.
    #[inline]
    pub fn number(number: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a name; nobody counts so far")]
        Self { side: u8::MAX, number: number as usize }
    }

    /// One of several at the same address.
    #[inline]
    #[must_use]
    pub fn side(self, side: u8) -> Self {
        Self { side, ..self }
    }
}

/// What is waited for.
#[derive(Debug, Clone)]
#[must_use = "it is to be given to `begin_at` or `poll_at`"]
pub struct Note {
    pub(super) what: &'static str,
    pub(super) detail: &'static str,
    pub(super) thing: usize,
    pub(super) until: Option<Instant>,
    pub(super) tasks: Option<Tasks>,
}

/// Those whose end, or whose doing, is waited for.
#[derive(Debug, Clone)]
pub(super) struct Tasks {
    pub(super) tasks: Arc<[Who]>,
    pub(super) role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It goes on when all of them have ended.
    End,
    /// It goes on when one of them has; there may be others who help.
    Help,
}

impl Note {
    /// A thing of that kind, such as `Lock`, or a phrase, such as `a child process`.
    pub fn new(what: &'static str) -> Self {
        Self { what, detail: "", thing: 0, until: None, tasks: None }
    }

    /// A thing of type `T`.
    pub fn of_type<T: ?Sized>() -> Self {
        let name = std::any::type_name::<T>();
        let path = name.split('<').next().unwrap_or(name);
        Self::new(path.rsplit("::").next().unwrap_or(path))
    }

    /// The time.
    pub fn until(moment: Instant) -> Self {
        Self { until: Some(moment), ..Self::new("time") }
    }

    /// The end of all these tasks.
    pub fn end_of(tasks: impl IntoIterator<Item = TaskLabel>) -> Self {
        Self { tasks: Some(Tasks::new(tasks, Role::End)), ..Self::new("task") }
    }

    /// Which of that kind: the one at this address.
    pub fn which<T: ?Sized>(mut self, thing: &T) -> Self {
        self.thing = Place::of(thing).number;
        self
    }

    /// [`which`](Self::which) where there is no reference.
    pub fn which_at<T>(self, thing: *const T) -> Self {
        Self { thing: thing.addr(), ..self }
    }

    /// What of it, such as `to read`.
    pub fn to(mut self, detail: &'static str) -> Self {
        self.detail = detail;
        self
    }

    /// These tasks are among those who may give it.
    pub fn from_among(mut self, tasks: impl IntoIterator<Item = TaskLabel>) -> Self {
        self.tasks = Some(Tasks::new(tasks, Role::Help));
        self
    }
}

impl Tasks {
    fn new(tasks: impl IntoIterator<Item = TaskLabel>, role: Role) -> Self {
        Self { tasks: tasks.into_iter().map(Who::Task).collect(), role }
    }
}
