//! What adds children to a group, and where those in place wait until the group takes them over.

use std::fmt;

use aio_base::Panics;
use aio_base::home::Exclusive;
use aio_core::Reason;

use super::child_builder::ChildBuilder;
use super::delivery::Delivery;
use super::home::InPlacePin;
use super::in_place::Scoped;
use super::progress::Turn;
use super::results::Results;
use super::slot::Slot;
use super::tally::Tally;
use super::vacancy::{Reservation, Vacancy};
use super::{Child, GroupHome};

/// Adds children to a [`TaskGroup`](super::TaskGroup) from anywhere, above all from its children; cheap to clone.
pub struct GroupHandle<'env, E, H: GroupHome> {
    pub(super) tally: H::Ref<Tally<E, H>>,
    incoming: H::Ref<H::Exclusive<Incoming<'env, H>>>,
}

/// Children in place that the group has not taken over yet.
struct Incoming<'env, H: GroupHome> {
    children: Vec<H::InPlace<'env>>,
    /// Whether the group is being polled: then it looks here before it rests, and need not be woken.
    attended: bool,
    /// Whether nobody will come and take them over.
    closed: bool,
}

impl<'env, H: GroupHome> Incoming<'env, H> {
    /// Whether the group has to be woken; or the child, if it cannot come in any more.
    fn push(&mut self, child: H::InPlace<'env>) -> Result<bool, H::InPlace<'env>> {
        if self.closed {
            return Err(child);
        }
        self.children.push(child);
        Ok(!self.attended)
    }

    /// The poller rests, unless somebody has come in.
    fn leave(&mut self) -> bool {
        self.attended = !self.children.is_empty();
        self.attended
    }
}

impl<'env, E, H: GroupHome> GroupHandle<'env, E, H> {
    pub(super) fn new() -> Self {
        let incoming = Incoming { children: Vec::new(), attended: false, closed: false };
        Self { tally: H::new_ref(Tally::new()), incoming: H::new_ref(<H::Exclusive<_> as Exclusive<_>>::new(incoming)) }
    }

    /// A child to be started, with what is special about it.
    #[inline]
    pub fn child(&self) -> ChildBuilder<'_, 'env, E, H> {
        ChildBuilder::new(self)
    }

    /// See [`TaskGroup::vacancy`](super::TaskGroup::vacancy).
    ///
    /// # Cancel safety
    /// As there.
    ///
    /// # Panics
    /// As there.
    pub fn vacancy(&self) -> Vacancy<'_, 'env, E, H> {
        Vacancy::new(self)
    }

    /// See [`TaskGroup::try_vacancy`](super::TaskGroup::try_vacancy).
    pub fn try_vacancy(&self) -> Option<ChildBuilder<'_, 'env, E, H>> {
        let room = Reservation::try_new(&self.tally.progress)?;
        Some(self.child().in_room(room))
    }

    /// See [`TaskGroup::results`](super::TaskGroup::results).
    pub fn results<T>(&self) -> Results<'_, 'env, T, E, H> {
        Results::new(self)
    }

    /// See [`TaskGroup::cancel`](super::TaskGroup::cancel).
    pub fn cancel(&self) {
        self.tally.progress.abort();
    }

    /// Adds a child in place that has been admitted.
    pub(super) fn add_in_place<F, T, C, D>(
        &self,
        child: F,
        turn: Turn,
        convert: C,
        delivery: D,
        pin: impl FnOnce(Scoped<F, T, C, D, E, H>) -> H::InPlace<'env>,
    ) -> Child<D::Left, H>
    where
        F: Future,
        D: Delivery<T>,
    {
        let progress = &self.tally.progress;
        let slot = D::HAS_HANDLE.then(|| H::new_ref(Slot::new()));
        let child = pin(Scoped::new(child, self.tally.clone(), turn, convert, delivery, slot.clone()));
        match self.incoming.with(|incoming| incoming.push(child)) {
            Ok(true) => progress.wake_run(),
            Ok(false) => {}
            Err(child) => drop(child),
        }
        match slot {
            Some(slot) => Child::in_place(progress.clone(), slot),
            None => Child::unwatched(progress.clone()),
        }
    }

    /// The group is being polled from now on, and looks here before it rests.
    pub(super) fn attend(&self) {
        self.incoming.with(|incoming| incoming.attended = true);
    }

    /// Puts the children in place that have come in into a list that is empty, and that goes on in place of theirs.
    pub(super) fn take_incoming(&self, children: &mut Vec<H::InPlace<'env>>) {
        self.incoming.with(|incoming| std::mem::swap(&mut incoming.children, children));
    }

    /// The group rests, unless somebody has come in.
    pub(super) fn rest(&self) -> bool {
        !self.incoming.with(Incoming::leave)
    }

    /// Drops the children that nobody will poll, and those that come later. They may hold handles of this very group.
    pub(super) fn close(&self, reason: &Reason, panics: &mut Panics) {
        let mut unborn = self.incoming.with(|incoming| {
            incoming.closed = true;
            std::mem::take(&mut incoming.children)
        });
        for child in &mut unborn {
            panics.catch(|| child.release(reason.clone()));
        }
    }
}

impl<E, H: GroupHome> Clone for GroupHandle<'_, E, H> {
    fn clone(&self) -> Self {
        Self { tally: self.tally.clone(), incoming: self.incoming.clone() }
    }
}

impl<E, H: GroupHome> fmt::Debug for GroupHandle<'_, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupHandle").field("progress", &*self.tally.progress).finish()
    }
}
