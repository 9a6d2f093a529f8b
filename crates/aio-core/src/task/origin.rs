//! The line that spawned a task, and what few tasks have: in one word.

use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering}; // facade: written once, by the task itself

use crate::context::{Context, ContextSlot};

/// Either the line, or, with the lowest bit set, a box of [`Details`].
///
/// It changes once at most, from the first to the second, and only the running task changes it; others may read it at
/// the same time, and what they have read stays valid as long as the task is there.
pub(super) struct Origin(AtomicPtr<u8>);

pub(super) struct Details {
    pub(super) name: Option<String>,
    spawned_at: &'static Location<'static>,
    /// Only the running task touches it.
    pub(super) context: ContextSlot,
}

// SAFETY: what other threads read never changes; the context is the running task's, which is on one thread at a time,
// and `Context` is `Send`.
unsafe impl Send for Origin {}
// SAFETY: as above.
unsafe impl Sync for Origin {}

const _: () = assert!(align_of::<Location<'static>>() > 1 && align_of::<Details>() > 1);

impl Origin {
    #[inline]
    pub(super) fn new(name: Option<String>, spawned_at: &'static Location<'static>, context: Context) -> Self {
        if name.is_none() && context.is_empty() {
            Self(AtomicPtr::new(std::ptr::from_ref(spawned_at).cast_mut().cast()))
        } else {
            Self(AtomicPtr::new(tagged(Details { name, spawned_at, context: ContextSlot::new(context) })))
        }
    }

    #[inline]
    pub(super) fn details(&self) -> Option<&Details> {
        // Acquire pairs with the Release of `make_details`.
        let details = untagged(self.0.load(Ordering::Acquire))?;
        // SAFETY: a tagged pointer is a box of ours, which lives as long as `self`.
        Some(unsafe { details.as_ref() })
    }

    pub(super) fn spawned_at(&self) -> &'static Location<'static> {
        // Acquire: as in `details`.
        let pointer = self.0.load(Ordering::Acquire);
        match untagged(pointer) {
            // SAFETY: as in `details`.
            Some(details) => unsafe { details.as_ref() }.spawned_at,
            // SAFETY: without the tag it is the reference that `new` was given.
            None => unsafe { &*pointer.cast_const().cast() },
        }
    }

    /// The details; made if there are none. Only for the running task.
    pub(super) fn make_details(&self) -> &Details {
        if self.details().is_none() {
            let details =
                Details { name: None, spawned_at: self.spawned_at(), context: ContextSlot::new(Context::default()) };
            // Release pairs with the Acquire of `details`.
            self.0.store(tagged(details), Ordering::Release);
        }
        self.details().expect("they have just been made")
    }
}

fn tagged(details: Details) -> *mut u8 {
    Box::into_raw(Box::new(details)).cast::<u8>().wrapping_add(1)
}

#[inline]
fn untagged(pointer: *mut u8) -> Option<NonNull<Details>> {
    if pointer.addr() & 1 == 0 {
        return None;
    }
    NonNull::new(pointer.wrapping_sub(1).cast())
}

impl Drop for Origin {
    #[inline]
    fn drop(&mut self) {
        #[cold]
        fn drop_details(details: NonNull<Details>) {
            // SAFETY: the box is ours, and this is the end of it.
            drop(unsafe { Box::from_raw(details.as_ptr()) });
        }
        if let Some(details) = untagged(*self.0.get_mut()) {
            drop_details(details);
        }
    }
}
