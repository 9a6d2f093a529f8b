//! Values that belong to a loop: what crates above this one keep for it.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc; // facade: shared data without a protocol

use aio_base::Panics;

use crate::current;

/// The value of type `T` that belongs to this thread's loop; `init` makes it when it is asked for the first time.
/// `None` where no loop runs.
///
/// It is dropped when the loop ends, after all tasks have; the one made last first.
pub fn loop_local<T: Send + Sync + 'static>(init: impl FnOnce() -> T) -> Option<Arc<T>> {
    current::with_loop(|core| core.locals.get().unwrap_or_else(|| core.locals.insert(init())))
}

#[derive(Default)]
pub(super) struct Locals(RefCell<Vec<(TypeId, Arc<dyn Any + Send + Sync>)>>);

impl Locals {
    fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let values = self.0.borrow();
        let (_, value) = values.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
        value.clone().downcast().ok()
    }

    pub(super) fn insert<T: Send + Sync + 'static>(&self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        let id = TypeId::of::<T>();
        let former = {
            let mut values = self.0.borrow_mut();
            match values.iter_mut().find(|(other, _)| *other == id) {
                Some((_, place)) => Some(std::mem::replace(place, value.clone())),
                None => {
                    values.push((id, value.clone()));
                    None
                }
            }
        };
        // After the borrow: its destructor may ask for another value.
        drop(former);
        value
    }

    /// Drops all values, the last one first.
    pub(super) fn clear(&self, panics: &mut Panics) {
        loop {
            let last = self.0.borrow_mut().pop();
            if last.is_none() {
                return;
            }
            panics.catch(|| drop(last));
        }
    }
}

impl fmt::Debug for Locals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locals").field("len", &self.0.borrow().len()).finish()
    }
}
