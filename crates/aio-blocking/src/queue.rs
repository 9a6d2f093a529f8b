//! Jobs in the order in which they came, any of which may be taken back.

use std::collections::VecDeque;

/// First in, first out. A job that was taken back leaves a hole, so that taking back costs the same wherever the job
/// stands; holes at the two ends are closed at once.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    /// Neither the first nor the last is a hole.
    places: VecDeque<Option<J>>,
    /// The ticket of the first place; each further place has the next one.
    first: u64,
}

/// Where a job stands. A ticket may be given out anew once its job was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl<J> Queue<J> {
    pub(crate) const fn new() -> Self {
        Self { places: VecDeque::new(), first: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many jobs there are; or more, by the holes between them.
    pub(crate) fn n_places(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn push(&mut self, job: J) -> Ticket {
        let ticket = Ticket(self.first + self.places.len() as u64);
        self.places.push_back(Some(job));
        ticket
    }

    /// Takes the oldest job.
    pub(crate) fn pop(&mut self) -> Option<J> {
        let job = self.places.pop_front()??;
        self.first += 1;
        self.close_holes();
        Some(job)
    }

    /// Takes back the job with this ticket, unless it was popped.
    pub(crate) fn take_back(&mut self, ticket: Ticket) -> Option<J> {
        let index = usize::try_from(ticket.0.checked_sub(self.first)?).ok()?;
        let job = self.places.get_mut(index)?.take();
        self.close_holes();
        job
    }

    fn close_holes(&mut self) {
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
        while let Some(None) = self.places.back() {
            self.places.pop_back();
        }
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Op {
        Push,
        Pop,
        /// Of all jobs that were ever pushed and not taken back: this one, modulo their number.
        TakeBack(usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![3 => Just(Op::Push), 2 => Just(Op::Pop), 3 => any::<usize>().prop_map(Op::TakeBack)]
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_list_from_which_jobs_are_removed(ops in prop::collection::vec(op(), 0..100)) {
            let mut queue = Queue::new();
            let mut model = Vec::new();
            let mut tickets = Vec::new();
            for (job, op) in ops.into_iter().enumerate() {
                match op {
                    Op::Push => {
                        tickets.push((job, queue.push(job)));
                        model.push(job);
                    }
                    Op::Pop => {
                        let expected = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(queue.pop(), expected);
                    }
                    // Each job is taken back at most once, as its owner does; it may have been popped before.
                    Op::TakeBack(n) if !tickets.is_empty() => {
                        let (job, ticket) = tickets.swap_remove(n % tickets.len());
                        let expected = model.iter().position(|&waiting| waiting == job).map(|at| model.remove(at));
                        prop_assert_eq!(queue.take_back(ticket), expected);
                    }
                    Op::TakeBack(_) => {}
                }
                prop_assert_eq!(queue.is_empty(), model.is_empty());
            }
        }
    }

    #[test]
    fn jobs_taken_back_behind_a_waiting_one_leave_no_holes() {
        let mut queue = Queue::new();
        queue.push(0);
        for job in 1..1000 {
            let ticket = queue.push(job);
            assert_eq!(queue.take_back(ticket), Some(job));
        }
        assert_eq!(queue.places.len(), 1);
    }
}
