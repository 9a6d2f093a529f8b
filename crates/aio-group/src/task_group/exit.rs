//! Children with tasks of their own.

use aio_base::Panics;
use aio_core::{JoinError, OnExit};

use super::GroupHome;
use super::progress::Place;
use super::tally::Tally;

/// Tells the group how a child's task has ended; dropped, that it has.
pub(crate) struct Exit<O, T, E, H: GroupHome> {
    tally: H::Ref<Tally<E, H>>,
    place: Place,
    /// Under which the child waited to begin.
    number: Option<u64>,
    convert: fn(O) -> Result<T, E>,
}

impl<O, T, E, H: GroupHome> Exit<O, T, E, H> {
    pub(crate) fn new(
        tally: H::Ref<Tally<E, H>>,
        place: Place,
        number: Option<u64>,
        convert: fn(O) -> Result<T, E>,
    ) -> Self {
        Self { tally, place, number, convert }
    }
}

impl<O, T, E, H: GroupHome> Drop for Exit<O, T, E, H> {
    fn drop(&mut self) {
        // Both, also if a waker panics.
        let mut panics = Panics::new();
        panics.catch(|| self.tally.progress.leave(self.number));
        panics.catch(|| self.tally.progress.task_ended(self.place));
        panics.resume();
    }
}

impl<O, T, E, H: GroupHome> OnExit<O> for Exit<O, T, E, H> {
    type Output = T;

    fn on_exit(self, outcome: Result<O, JoinError>) -> Result<T, JoinError> {
        settle(&self.tally, outcome, self.convert)
    }
}

/// Gives a child's failure to the group, and the rest to its handle.
pub(crate) fn settle<O, T, E, H: GroupHome>(
    tally: &Tally<E, H>,
    outcome: Result<O, JoinError>,
    convert: fn(O) -> Result<T, E>,
) -> Result<T, JoinError> {
    match outcome.map(convert) {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => {
            tally.fail(error);
            Err(JoinError::handled())
        }
        // Nobody asks the group any more; the task reports the panic, as it does when its handle was dropped.
        Err(error) if tally.progress.is_abandoned() => Err(error),
        Err(error) => match error.try_into_panic() {
            Ok(payload) => {
                tally.panicked(payload);
                Err(JoinError::handled())
            }
            Err(cancelled) => Err(cancelled),
        },
    }
}
