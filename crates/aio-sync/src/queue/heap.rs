//! A binary heap, the smallest first, which keeps equal items in order and stays whole when a comparison panics.
//!
//! Each operation first compares, and moves nothing; then it moves, and compares nothing. So a panic finds everything
//! as it was. (That of the standard library has taken the item by then, and cannot give it back.)

use std::cmp::Ordering;

#[derive(Debug)]
pub(super) struct Heap<T> {
    /// None is before the one at half its place.
    entries: Vec<Entry<T>>,
    /// Of the next item.
    ticket: u64,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    /// Grows: decides between equal items.
    ticket: u64,
}

impl<T> Default for Heap<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), ticket: 0 }
    }
}

impl<T: Ord> Entry<T> {
    fn order(&self, other: &Self) -> Ordering {
        self.item.cmp(&other.item).then(self.ticket.cmp(&other.ticket))
    }

    fn is_before(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Less
    }
}

impl<T: Ord> Heap<T> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes `item`, if it is there; if a comparison panics, it still is.
    pub(super) fn push(&mut self, item: &mut Option<T>) {
        let Some(new) = item.as_ref() else { return };
        let end = self.entries.len();
        let mut place = end;
        // (Equal ones are older.)
        while place > 0 && *new < self.entries[parent(place)].item {
            place = parent(place);
        }
        // From here on nothing is compared.
        let ticket = self.ticket;
        self.ticket += 1;
        self.entries.extend(item.take().map(|item| Entry { item, ticket }));
        let mut from = end;
        while from > place {
            self.entries.swap(from, parent(from));
            from = parent(from);
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        // The last one takes the place of the first, and goes down to where it belongs.
        let last = self.entries.last()?;
        let n_left = self.entries.len() - 1;
        let mut place = 0;
        while let Some(child) = self.first_child(place, n_left)
            && self.entries[child].is_before(last)
        {
            place = child;
        }
        // From here on nothing is compared.
        let first = self.entries.swap_remove(0);
        for step in (0..(place + 1).ilog2()).rev() {
            let child = ((place + 1) >> step) - 1;
            self.entries.swap(child, parent(child));
        }
        Some(first.item)
    }

    /// Of the two below `place`, among the first `n` entries.
    fn first_child(&self, place: usize, n: usize) -> Option<usize> {
        let (left, right) = (2 * place + 1, 2 * place + 2);
        let is_right = right < n && self.entries[right].is_before(&self.entries[left]);
        (left < n).then_some(if is_right { right } else { left })
    }

    /// Keeps the `n` smallest and returns the others.
    pub(super) fn split_off(&mut self, n: usize) -> Self {
        if n > 0 {
            // (Sorted, it is a heap. And nothing is lost if a comparison panics, but order.)
            self.entries.sort_unstable_by(Entry::order);
        }
        Self { entries: self.entries.split_off(n), ticket: self.ticket }
    }

    pub(super) fn into_sorted_vec(mut self) -> Vec<T> {
        self.entries.sort_unstable_by(Entry::order);
        self.entries.into_iter().map(|entry| entry.item).collect()
    }
}

fn parent(place: usize) -> usize {
    (place - 1) / 2
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// How many comparisons go well; all, if there is no number.
        static BUDGET: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Compared by the first number.
    #[derive(Debug, Clone, Copy)]
    struct Keyed(u8, usize);

    impl Ord for Keyed {
        fn cmp(&self, other: &Self) -> Ordering {
            if let Some(left) = BUDGET.get() {
                BUDGET.set(Some(left.checked_sub(1).expect("a comparison that panics")));
            }
            self.0.cmp(&other.0)
        }
    }
    impl PartialOrd for Keyed {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Eq for Keyed {}
    impl PartialEq for Keyed {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }

    /// `f` with comparisons that panic after so many; all is as before if one has.
    fn with_budget<R>(budget: Option<usize>, f: impl FnOnce() -> R) -> Option<R> {
        BUDGET.set(budget);
        let result = catch_unwind(AssertUnwindSafe(f));
        BUDGET.set(None);
        result.ok()
    }

    #[test]
    fn it_behaves_like_a_sorted_vec_even_when_comparisons_panic() {
        let op = (prop::option::weighted(0.6, 0..6_u8), prop::option::weighted(0.3, 0..4_usize));
        proptest!(|(ops in prop::collection::vec(op, 0..80))| {
            let (mut heap, mut model) = (Heap::default(), Vec::<Keyed>::new());
            for (ticket, (key, budget)) in ops.into_iter().enumerate() {
                match key {
                    Some(key) => {
                        let mut item = Some(Keyed(key, ticket));
                        let is_in = with_budget(budget, || heap.push(&mut item)).is_some();
                        prop_assert_eq!(item.is_none(), is_in);
                        if is_in {
                            model.push(Keyed(key, ticket));
                            model.sort_by_key(|item| item.0);
                        }
                    }
                    None => {
                        if let Some(popped) = with_budget(budget, || heap.pop()) {
                            let expected = (!model.is_empty()).then(|| model.remove(0));
                            prop_assert_eq!(popped.map(|item| item.1), expected.map(|item| item.1));
                        }
                    }
                }
                prop_assert_eq!(heap.len(), model.len());
            }
            let rest = heap.split_off(model.len() / 2);
            prop_assert_eq!(heap.len(), model.len() / 2);
            let all = heap.into_sorted_vec().into_iter().chain(rest.into_sorted_vec());
            prop_assert!(all.map(|item| item.1).eq(model.iter().map(|item| item.1)));
        });
    }
}
