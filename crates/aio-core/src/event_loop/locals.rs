//! Values that belong to a loop: what crates above this one keep for it.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::sync::Arc; // facade: shared data without a protocol

use aio_base::Panics;
use aio_base::footprint::touch;
use aio_base::sync::Mutex;

use crate::current;

/// The value of type `T` that belongs to this thread's loop; `init` makes it when it is asked for the first time.
/// `None` where no loop runs. Of two workers that ask at the same time, one makes a value in vain, which is dropped.
///
/// It is dropped when the loop ends, after all tasks have; the one made last first.
pub fn loop_local<T: Send + Sync + 'static>(init: impl FnOnce() -> T) -> Option<Arc<T>> {
    current::with_loop(|core| core.known_locals.get_or_insert_with(|| core.scheduler().locals.get_or_insert_with(init)))
}

type Value = (TypeId, Arc<dyn Any + Send + Sync>);

/// The values of a loop, the last one made at the end.
#[derive(Default)]
pub(super) struct Locals(Mutex<Vec<Value>>);

/// Those that a worker has seen, so that it need not take the lock again.
#[derive(Default)]
pub(super) struct KnownLocals(RefCell<Vec<Value>>);

impl KnownLocals {
    fn get_or_insert_with<T: Send + Sync + 'static>(&self, find: impl FnOnce() -> Arc<T>) -> Arc<T> {
        touch(self);
        if let Some(known) = get(&self.0.borrow()) {
            return known;
        }
        let value = find();
        self.0.borrow_mut().push((TypeId::of::<T>(), value.clone()));
        value
    }

    pub(super) fn forget(&self) {
        // None is dropped here: the loop has them all.
        self.0.borrow_mut().clear();
    }
}

fn get<T: Send + Sync + 'static>(values: &[Value]) -> Option<Arc<T>> {
    let (_, value) = values.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
    value.clone().downcast().ok()
}

impl Locals {
    /// `init` is called without the lock. Of two workers that call it at the same time, one has made its value in vain.
    fn get_or_insert_with<T: Send + Sync + 'static>(&self, init: impl FnOnce() -> T) -> Arc<T> {
        let value = get(&self.0.lock());
        value.unwrap_or_else(|| {
            let mine = Arc::new(init());
            let mut values = self.0.lock();
            if let Some(value) = get(&values) {
                // Its destructor is a stranger's.
                drop(values);
                drop(mine);
                return value;
            }
            values.push((TypeId::of::<T>(), mine.clone()));
            mine
        })
    }

    /// Before the loop runs.
    pub(super) fn insert<T: Send + Sync + 'static>(&self, value: T) {
        let id = TypeId::of::<T>();
        let value = Arc::new(value);
        let mut values = self.0.lock();
        let former = match values.iter_mut().find(|(other, _)| *other == id) {
            Some((_, place)) => Some(std::mem::replace(place, value)),
            None => {
                values.push((id, value));
                None
            }
        };
        // Without the lock: its destructor may ask for another value.
        drop(values);
        drop(former);
    }

    /// Drops all values, the last one first.
    pub(super) fn clear(&self, panics: &mut Panics) {
        loop {
            let last = self.0.lock().pop();
            if last.is_none() {
                return;
            }
            panics.catch(|| drop(last));
        }
    }
}
