//! How the end of a child with a task of its own reaches the group.

use aio_core::{JoinError, OnExit};

use super::GroupHome;
use super::delivery::Delivery;
use super::progress::Place;
use super::tally::Tally;

/// Tells the group how a child's task has ended; dropped, that it has.
pub(crate) struct Exit<C, D, E, H: GroupHome> {
    membership: Membership<E, H>,
    /// Makes a `Result` of the child's output.
    convert: C,
    delivery: D,
}

/// That a task belongs to a group.
struct Membership<E, H: GroupHome> {
    tally: H::Ref<Tally<E, H>>,
    place: Place,
}

impl<C, D, E, H: GroupHome> Exit<C, D, E, H> {
    pub(crate) fn new(tally: H::Ref<Tally<E, H>>, place: Place, convert: C, delivery: D) -> Self {
        Self { membership: Membership { tally, place }, convert, delivery }
    }
}

impl<E, H: GroupHome> Drop for Membership<E, H> {
    fn drop(&mut self) {
        self.tally.progress.task_ended(self.place);
    }
}

impl<O, T, C, D, E, H: GroupHome> OnExit<O> for Exit<C, D, E, H>
where
    C: FnOnce(O) -> Result<T, E>,
    D: Delivery<T>,
{
    type Output = D::Left;

    fn on_exit(self, outcome: Result<O, JoinError>) -> Result<D::Left, JoinError> {
        let outcome = self.membership.tally.settle(outcome, self.convert);
        self.delivery.deliver(outcome)
    }
}
