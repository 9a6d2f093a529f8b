//! Whether the table is kept.

use std::sync::atomic::{AtomicBool, Ordering}; // facade: a switch that orders nothing

use super::table::{self, Table};

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Who wants the table to be kept. Under its lock.
#[derive(Default)]
pub(super) struct Wanted {
    /// By [`track`].
    by_switch: bool,
    /// How many [`Tracking`] there are.
    by_guards: usize,
}

/// Whether this build tells who has a thing: one with debug assertions does. Without them, who waits for a primitive is
/// known, and no more: to take a free lock is a few instructions, and a look at the switch would add half as many.
pub const HOLDERS: bool = cfg!(debug_assertions);

/// Whether the table is kept.
#[inline]
pub fn is_tracked() -> bool {
    // Relaxed: the table is behind a lock, and who looks too early or too late misses one entry.
    IS_ON.load(Ordering::Relaxed)
}

/// Switches the table on or off. What was taken or waited for before is not known; what is off forgets all, unless
/// somebody else is [`Tracking`].
pub fn track(is_on: bool) {
    change(&mut table::lock(), |wanted| wanted.by_switch = is_on);
}

/// The table is kept as long as this exists, whoever else wants that or does not: for tests, which run side by side.
#[derive(Debug)]
#[must_use = "waits are tracked as long as it exists"]
pub struct Tracking(());

impl Tracking {
    /// Begins.
    pub fn begin() -> Self {
        change(&mut table::lock(), |wanted| wanted.by_guards += 1);
        Self(())
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        change(&mut table::lock(), |wanted| wanted.by_guards -= 1);
    }
}

fn change(table: &mut Table, change: impl FnOnce(&mut Wanted)) {
    change(&mut table.wanted);
    let is_on = table.wanted.by_switch || table.wanted.by_guards > 0;
    IS_ON.store(is_on, Ordering::Relaxed);
    if !is_on {
        *table = Table::default();
    }
}
