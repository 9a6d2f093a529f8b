//! Which item comes out next: where the items of a queue lie.

use std::collections::VecDeque;
use std::fmt;

use super::heap::Heap;

/// The order of a queue: [`Fifo`], [`Lifo`] or [`Smallest`]. Sealed.
pub trait Order<T>: sealed::Sealed + fmt::Debug + 'static {
    /// Where the items lie.
    #[doc(hidden)]
    type Store: Store<T>;
}

/// First in, first out.
#[derive(Debug, Clone, Copy)]
pub struct Fifo;

/// Last in, first out.
#[derive(Debug, Clone, Copy)]
pub struct Lifo;

/// The smallest first; of equal ones, that which was put in first.
#[derive(Debug, Clone, Copy)]
pub struct Smallest;

impl<T> Order<T> for Fifo {
    type Store = Row<T>;
}

impl<T> Order<T> for Lifo {
    type Store = Stack<T>;
}

impl<T: Ord> Order<T> for Smallest {
    type Store = Sorted<T>;
}

/// The items of a queue. Some are *claimed*: there is one for each getter that was woken and has not come for it.
///
/// A comparison of items may panic. Then nothing has changed, and an item to be put in is still where it was.
pub trait Store<T>: Default {
    /// Whether what is called a leaf does anything.
    const HAS_LEAVES: bool = true;
    /// How many there are, claimed or not.
    fn len(&self) -> usize;
    /// How many are not claimed.
    fn n_free(&self) -> usize;
    /// [`push`](Self::push), if that calls no foreign code and no allocator. Otherwise does nothing.
    fn push_leaf(&mut self, item: &mut Option<T>) -> bool;
    /// [`push_claimed`](Self::push_claimed), in the same way.
    fn push_claimed_leaf(&mut self, item: &mut Option<T>) -> bool;
    /// [`pop`](Self::pop), if that calls no foreign code. Otherwise does nothing.
    fn pop_leaf(&mut self) -> Option<T>;
    /// Takes `item`, which is there and nobody's.
    fn push(&mut self, item: &mut Option<T>);
    /// Takes `item`, which is there, for somebody who waits: none but claimed ones are here.
    fn push_claimed(&mut self, item: &mut Option<T>);
    /// The next one that is not claimed.
    fn pop(&mut self) -> Option<T>;
    /// [`pop_claimed`](Self::pop_claimed), if that takes a few steps and calls no foreign code. Otherwise does nothing.
    fn pop_claimed_leaf(&mut self) -> Option<T>;
    /// The next one, by one of those who have a claim.
    fn pop_claimed(&mut self) -> Option<T>;
    /// Gives up a claim.
    fn unclaim(&mut self);
    /// All that are not claimed.
    fn remove_free(&mut self) -> Self;
    /// In the order in which they would have come out.
    fn into_vec(self) -> Vec<T>;
}

/// Of a [`Fifo`].
#[derive(Debug)]
pub struct Row<T> {
    free: VecDeque<T>,
    /// Older than the free ones. Whoever comes first gets the first, so that items keep their order when a claim is
    /// given up; and since they lie apart, those without a claim need not look for the first free one.
    ///
    /// Mostly there is none, or one: this is the first of them, and the rest is empty if it is not there.
    claimed: Option<T>,
    claimed_rest: VecDeque<T>,
}

impl<T> Default for Row<T> {
    fn default() -> Self {
        Self { free: VecDeque::new(), claimed: None, claimed_rest: VecDeque::new() }
    }
}

impl<T> Store<T> for Row<T> {
    fn len(&self) -> usize {
        self.free.len() + usize::from(self.claimed.is_some()) + self.claimed_rest.len()
    }

    #[inline]
    fn n_free(&self) -> usize {
        self.free.len()
    }

    #[inline]
    fn push_leaf(&mut self, item: &mut Option<T>) -> bool {
        if self.free.len() < self.free.capacity()
            && let Some(item) = item.take()
        {
            self.free.push_back(item);
            return true;
        }
        false
    }

    #[inline]
    fn push_claimed_leaf(&mut self, item: &mut Option<T>) -> bool {
        let has_room = self.claimed.is_none();
        if has_room {
            self.claimed = item.take();
        }
        has_room
    }

    #[inline]
    fn pop_leaf(&mut self) -> Option<T> {
        self.free.pop_front()
    }

    fn push(&mut self, item: &mut Option<T>) {
        if let Some(item) = item.take() {
            self.free.push_back(item);
        }
    }

    fn push_claimed(&mut self, item: &mut Option<T>) {
        if !self.push_claimed_leaf(item)
            && let Some(item) = item.take()
        {
            self.claimed_rest.push_back(item);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.free.pop_front()
    }

    #[inline]
    fn pop_claimed_leaf(&mut self) -> Option<T> {
        if self.claimed_rest.is_empty() { self.claimed.take() } else { None }
    }

    fn pop_claimed(&mut self) -> Option<T> {
        std::mem::replace(&mut self.claimed, self.claimed_rest.pop_front())
    }

    fn unclaim(&mut self) {
        if let Some(last) = self.claimed_rest.pop_back().or_else(|| self.claimed.take()) {
            self.free.push_front(last);
        }
    }

    fn remove_free(&mut self) -> Self {
        Self { free: std::mem::take(&mut self.free), ..Self::default() }
    }

    fn into_vec(self) -> Vec<T> {
        self.free.into()
    }
}

/// Of a [`Lifo`]. Who has a claim gets the last one that is there when it comes.
#[derive(Debug)]
pub struct Stack<T> {
    items: Vec<T>,
    n_claimed: usize,
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self { items: Vec::new(), n_claimed: 0 }
    }
}

impl<T> Store<T> for Stack<T> {
    fn len(&self) -> usize {
        self.items.len()
    }

    #[inline]
    fn n_free(&self) -> usize {
        self.items.len() - self.n_claimed
    }

    #[inline]
    fn push_leaf(&mut self, item: &mut Option<T>) -> bool {
        if self.items.len() < self.items.capacity()
            && let Some(item) = item.take()
        {
            self.items.push(item);
            return true;
        }
        false
    }

    #[inline]
    fn push_claimed_leaf(&mut self, item: &mut Option<T>) -> bool {
        let has_room = self.push_leaf(item);
        self.n_claimed += usize::from(has_room);
        has_room
    }

    #[inline]
    fn pop_leaf(&mut self) -> Option<T> {
        self.pop()
    }

    fn push(&mut self, item: &mut Option<T>) {
        if let Some(item) = item.take() {
            self.items.push(item);
        }
    }

    fn push_claimed(&mut self, item: &mut Option<T>) {
        self.push(item);
        self.n_claimed += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        if self.items.len() > self.n_claimed { self.items.pop() } else { None }
    }

    fn pop_claimed_leaf(&mut self) -> Option<T> {
        self.pop_claimed()
    }

    fn pop_claimed(&mut self) -> Option<T> {
        self.n_claimed -= 1;
        self.items.pop()
    }

    fn unclaim(&mut self) {
        self.n_claimed -= 1;
    }

    fn remove_free(&mut self) -> Self {
        // The last ones are for those who have a claim.
        let claimed = self.items.split_off(self.n_free());
        Self { items: std::mem::replace(&mut self.items, claimed), n_claimed: 0 }
    }

    fn into_vec(mut self) -> Vec<T> {
        self.items.reverse();
        self.items
    }
}

/// Of [`Smallest`]. Who has a claim gets the smallest one that is there when it comes.
#[derive(Debug)]
pub struct Sorted<T> {
    items: Heap<T>,
    n_claimed: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { items: Heap::default(), n_claimed: 0 }
    }
}

impl<T: Ord> Store<T> for Sorted<T> {
    const HAS_LEAVES: bool = false;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn n_free(&self) -> usize {
        self.items.len() - self.n_claimed
    }

    fn push_leaf(&mut self, _: &mut Option<T>) -> bool {
        false
    }

    fn push_claimed_leaf(&mut self, _: &mut Option<T>) -> bool {
        false
    }

    fn pop_leaf(&mut self) -> Option<T> {
        None
    }

    fn push(&mut self, item: &mut Option<T>) {
        self.items.push(item);
    }

    fn push_claimed(&mut self, item: &mut Option<T>) {
        self.items.push(item);
        self.n_claimed += 1;
    }

    fn pop(&mut self) -> Option<T> {
        if self.n_free() > 0 { self.items.pop() } else { None }
    }

    fn pop_claimed_leaf(&mut self) -> Option<T> {
        None
    }

    fn pop_claimed(&mut self) -> Option<T> {
        let item = self.items.pop();
        self.n_claimed -= 1;
        item
    }

    fn unclaim(&mut self) {
        self.n_claimed -= 1;
    }

    fn remove_free(&mut self) -> Self {
        // The smallest ones are for those who have a claim.
        Self { items: self.items.split_off(self.n_claimed), n_claimed: 0 }
    }

    fn into_vec(self) -> Vec<T> {
        self.items.into_sorted_vec()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Fifo {}
    impl Sealed for super::Lifo {}
    impl Sealed for super::Smallest {}
}
