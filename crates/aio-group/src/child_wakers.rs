//! The wakers of many children that are polled in place by one parent.
//!
//! They share one block of memory, which lives as long as the last of them, wherever that is. A waker is a pointer to
//! its child's cell in there: cloning one costs no allocation, and lending one for a poll costs nothing. The children
//! themselves are not in the block, so that a forgotten waker keeps none of them alive.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::task::{RawWaker, RawWakerVTable, Waker};

use aio_base::WakerSlot;
use aio_base::footprint::touch;
use aio_base::live::{Kind, Live};
use aio_base::sync::Arc;
use aio_base::waits::{Entered, OwnPart};

use crate::ready_queue::{Node, Push, ReadyQueue};

/// Wakers for children `0..n`, and who of them has been woken. Dropped by the parent: later wakes do nothing.
pub(crate) struct ChildWakers(Arc<Block>);

/// A child's waker for the time of one poll; whoever wants to keep it clones it.
pub(crate) struct Lent<'a> {
    waker: ManuallyDrop<Waker>,
    _polled: Entered,
    lender: PhantomData<&'a ChildWakers>,
}

struct Block {
    woken: ReadyQueue,
    parent: WakerSlot,
    cells: Box<[Cell]>,
    _live: Live,
}

/// What a child's waker points to.
#[repr(C)] // A pointer to the node is a pointer to the cell.
struct Cell {
    node: Node,
    part: OwnPart,
    /// The block in which this cell is, as [`Arc::as_ptr`] gives it. Written once, before the first waker is made.
    block: *const Block,
}

impl ChildWakers {
    /// For `n` children.
    pub(crate) fn new(n: usize) -> Self {
        let cells = (0..n).map(|_| Cell { node: Node::new(), part: OwnPart::new(), block: ptr::null() }).collect();
        let (woken, parent) = (ReadyQueue::new(), WakerSlot::new());
        let mut this = Arc::new(Block { woken, parent, cells, _live: Live::new(Kind::Registration) });
        let block = Arc::as_ptr(&this);
        for cell in Arc::get_mut(&mut this).expect("nobody else knows it yet").cells.iter_mut() {
            cell.block = block;
        }
        Self(this)
    }

    /// The parent's waker; it is woken once for each batch of woken children. To be called before
    /// [`take_woken`](Self::take_woken), at each poll.
    pub(crate) fn register(&self, parent: &Waker) {
        self.0.parent.register(parent);
    }

    /// Who has been woken since the last call, in the order of the wakes. Who is woken from now on is in the next
    /// batch.
    pub(crate) fn take_woken(&self) -> impl Iterator<Item = usize> + use<'_> {
        touch(&raw const *self.0);
        let first = self.0.cells.as_ptr().addr();
        self.0.woken.take().map(move |node| (node.as_ptr().addr() - first) / size_of::<Cell>())
    }

    /// The waker of child `index`.
    pub(crate) fn lend(&self, index: usize) -> Lent<'_> {
        let cell = ptr::from_ref(&self.0.cells[index]);
        // SAFETY: `VTABLE` keeps the contract of `RawWakerVTable` for a pointer to a cell of a block that is alive and
        // counts this waker. It does not count this one, but it lives as long: `Lent` borrows from `self`, which is
        // counted, gives out `&Waker` only, and does not drop the waker. A clone is counted.
        let waker = ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(cell.cast(), &VTABLE)) });
        Lent { waker, _polled: self.0.cells[index].part.enter(), lender: PhantomData }
    }
}

impl Drop for ChildWakers {
    fn drop(&mut self) {
        self.0.cells.iter().for_each(|cell| cell.part.ended());
        // The children that are dropped next may wake each other; the parent need not hear of it.
        let _left = self.0.woken.close();
        // What the parent's waker refers to must not live as long as a forgotten waker of a child.
        drop(self.0.parent.take());
    }
}

impl Deref for Lent<'_> {
    type Target = Waker;

    fn deref(&self) -> &Waker {
        &self.waker
    }
}

// SAFETY: the pointer to the block, which alone keeps the compiler from concluding this, is not changed once there is
// more than one reference; what it points to, node included, is `Send` and `Sync`.
unsafe impl Send for Cell {}
// SAFETY: as above.
unsafe impl Sync for Cell {}

/// For pointers to a [`Cell`] whose block is alive. A waker counts as one reference to the block, unless it is
/// [`Lent`].
static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

unsafe fn clone(cell: *const ()) -> RawWaker {
    // SAFETY: the waker that is being cloned keeps the block alive; `block` came from `Arc::as_ptr`.
    unsafe { Arc::increment_strong_count(block_of(cell)) };
    RawWaker::new(cell, &VTABLE)
}

unsafe fn wake(cell: *const ()) {
    // SAFETY: the waker that is being consumed keeps the block alive, and is not used again.
    unsafe {
        let _block = Arc::from_raw(block_of(cell));
        wake_by_ref(cell);
    }
}

unsafe fn wake_by_ref(cell: *const ()) {
    // SAFETY: the waker keeps the block alive, and the cell with it, until this returns.
    let (block, node) = unsafe { (&*block_of(cell), &(*cell.cast::<Cell>()).node) };
    touch(block);
    if !node.claim() {
        return;
    }
    // SAFETY: (1) claimed above; (2) a cell knows one block only; (3) the block owns both the queue and the cell, and
    // whoever uses the queue holds a reference to the block.
    match unsafe { block.woken.push(NonNull::from(node)) } {
        Push::First => block.parent.wake(),
        Push::Behind | Push::Closed => {}
    }
}

unsafe fn drop_waker(cell: *const ()) {
    // SAFETY: the waker that is being dropped is a reference to the block, and is not used again.
    unsafe { Arc::decrement_strong_count(block_of(cell)) };
}

/// # Safety
/// `cell` is a [`Cell`] whose block is alive.
unsafe fn block_of(cell: *const ()) -> *const Block {
    // SAFETY: the caller's obligation.
    unsafe { (*cell.cast::<Cell>()).block }
}

impl fmt::Debug for ChildWakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildWakers").field("n", &self.0.cells.len()).field("woken", &self.0.woken).finish()
    }
}

#[cfg(test)]
mod tests;
