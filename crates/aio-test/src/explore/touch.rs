//! What tasks share without `aio`.

use aio_base::footprint;

/// Says that the running step reads or writes `thing`, which other tasks use as well: for what is not a primitive of
/// `aio`, in [reduced](super::Explore::reduced) explorations. Elsewhere nothing happens.
///
/// It is known by its address, so it should stay there until the test has ended, as what is in an `Rc` does that the
/// main task has. And it is not told from other things that are touched for the first time: have the main task touch
/// it before it spawns the others, and more is left out.
///
/// ```
/// use aio_core::local;
/// use aio_test::{Explore, touch};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let explored = Explore::new("example").reduced().run(async || {
///     let counters = [1, 2, 3].map(|_| Rc::new(Cell::new(0)));
///     for counter in counters.clone() {
///         touch(&*counter);
///         local::spawn(async move {
///             touch(&*counter);
///             counter.set(1);
///         })
///         .detach();
///     }
/// });
/// // Three tasks of one step in 3! orders; but they have nothing to do with each other.
/// let all = if cfg!(debug_assertions) { 1 } else { 6 };
/// assert_eq!(explored.schedules(), all);
/// ```
pub fn touch<T: ?Sized>(thing: &T) {
    footprint::touch(thing);
}

/// While it exists, it is recorded what steps touch.
pub(super) struct Recording(bool);

impl Recording {
    pub(super) fn begin() -> Self {
        Self(footprint::record(true))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        footprint::record(self.0);
    }
}
