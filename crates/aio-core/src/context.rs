//! Task-locals: asyncio's context variables.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc; // facade: shared data without a protocol

use crate::current;

type Value = Arc<dyn Any + Send + Sync>;

/// A variable with a value of its own in each task.
///
/// A task starts with the values of the task that spawned it; what it sets afterwards is seen by itself, by the
/// cleanups it leaves behind, and by the tasks it spawns from then on. Unused, it costs nothing; a change copies the
/// (small) map only if it is still shared.
///
/// ```
/// use aio_core::ContextVar;
///
/// static USER: ContextVar<&str> = ContextVar::new();
///
/// aio_core::run(async {
///     USER.set("ada");
///     let child = aio_core::spawn(async {
///         let inherited = USER.get();
///         USER.set("grace");
///         inherited
///     });
///     assert_eq!(child.await, Some("ada"));
///     assert_eq!(USER.get(), Some("ada"));
/// });
/// ```
pub struct ContextVar<T: 'static> {
    /// A variable is known by its address; this gives it one of its own.
    _address: u8,
    _type: std::marker::PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> ContextVar<T> {
    /// A variable without a value anywhere. It belongs in a `static`.
    pub const fn new() -> Self {
        Self { _address: 0, _type: std::marker::PhantomData }
    }

    /// The value here, if one was set.
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }

    /// Lends the value here to `look`.
    pub fn with<R>(&'static self, look: impl FnOnce(Option<&T>) -> R) -> R {
        let value = Context::current().get(self.key());
        look(value.as_ref().and_then(|value| value.downcast_ref()))
    }

    /// Sets the value for the running task and those that it will spawn.
    ///
    /// # Panics
    /// Outside of a task (and of [`Context::enter`]): there is nothing that the value could belong to.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        let set = current::with_context_slot(|slot| {
            let slot = slot?;
            let mut context = slot.take();
            let former = context.set(self.key(), Arc::new(value));
            slot.put(context);
            Some(former)
        });
        match set {
            // Last, for its destructor may use context variables.
            Some(former) => drop(former),
            None => panic!("a context variable was set outside of a task"),
        }
    }

    fn key(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<T: Send + Sync + 'static> Default for ContextVar<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("ContextVar { .. }")
    }
}

/// The values of all context variables at one place; cheap to clone.
#[derive(Clone, Default)]
pub struct Context(Option<Arc<Vec<(usize, Value)>>>);

impl Context {
    /// The values of the running task; without a task, those of the context that this thread has entered; without
    /// either, none.
    #[inline]
    pub fn current() -> Self {
        current::with_context(|slot| slot.map_or_else(Self::default, ContextSlot::get))
    }

    /// Runs `run` with these values, on a thread that runs no task: what it sets does not leave the call.
    pub fn enter<R>(self, run: impl FnOnce() -> R) -> R {
        let slot = ContextSlot::new(self);
        current::enter_context(&slot, run)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn get(&self, key: usize) -> Option<Value> {
        self.0.as_ref()?.iter().find(|(k, _)| *k == key).map(|(_, value)| value.clone())
    }

    fn set(&mut self, key: usize, value: Value) -> Option<Value> {
        let map = Arc::make_mut(self.0.get_or_insert_default());
        match map.iter_mut().find(|(k, _)| *k == key) {
            Some((_, place)) => Some(std::mem::replace(place, value)),
            None => {
                map.push((key, value));
                None
            }
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("len", &self.0.as_ref().map_or(0, |map| map.len())).finish()
    }
}

/// Where a task keeps its context.
pub(crate) struct ContextSlot(Cell<Context>);

impl ContextSlot {
    pub(crate) fn new(context: Context) -> Self {
        Self(Cell::new(context))
    }

    fn get(&self) -> Context {
        let context = self.0.take();
        let copy = context.clone();
        self.0.set(context);
        copy
    }

    pub(crate) fn take(&self) -> Context {
        self.0.take()
    }

    fn put(&self, context: Context) {
        self.0.set(context);
    }

    pub(crate) fn is_empty(&self) -> bool {
        let context = self.0.take();
        let is_empty = context.is_empty();
        self.0.set(context);
        is_empty
    }
}
