//! What an exploration has seen.

/// What an exploration has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explored {
    pub(super) schedules: u64,
    pub(super) cut_short: u64,
    pub(super) stopped_by: Option<Bound>,
}

/// What has kept an exploration from being complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// See [`Explore::max_schedules`](super::Explore::max_schedules).
    Schedules,
    /// See [`Explore::max_deviations`](super::Explore::max_deviations).
    Deviations,
    /// `AIO_SCHEDULE` has asked for one schedule alone.
    Replay,
}

impl Explored {
    /// How many schedules have been run to their ends.
    pub fn schedules(&self) -> u64 {
        self.schedules
    }

    /// How many runs the [reduction](super::Explore::reduced) has cut short: they would have been like one of the
    /// others.
    pub fn cut_short(&self) -> u64 {
        self.cut_short
    }

    /// Whether that were all that there are.
    pub fn is_complete(&self) -> bool {
        self.stopped_by.is_none()
    }

    /// What has kept it from being [complete](Self::is_complete).
    pub fn stopped_by(&self) -> Option<Bound> {
        self.stopped_by
    }
}
