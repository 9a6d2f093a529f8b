//! The networks that a thread has entered.

use std::cell::RefCell;
use std::sync::Arc; // facade: a counted pointer to a trait object

use aio_net::simulation::{Network, enter};

type Entered = Option<Arc<dyn Network>>;

aio_base::thread_local! {
    /// At the bottom, what was there before the first.
    static STACK: RefCell<Vec<Entered>> = RefCell::new(Vec::new());
}

/// As long as it exists, and no other one that was made later, this is the network of the thread.
pub(super) struct Installed(Arc<dyn Network>);

impl Installed {
    pub(super) fn new(network: Arc<dyn Network>) -> Self {
        let former = enter(Some(network.clone()));
        STACK.with(|stack| {
            let mut stack = stack.borrow_mut();
            if stack.is_empty() {
                stack.push(former);
            }
            stack.push(Some(network.clone()));
        });
        Self(network)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let is_this = |entered: &Entered| entered.as_ref().is_some_and(|network| Arc::ptr_eq(network, &self.0));
        // On another thread, there is nothing to leave.
        let left = STACK.try_with(|stack| {
            let mut stack = stack.borrow_mut();
            let place = stack.iter().rposition(is_this)?;
            let left = stack.remove(place);
            if place == stack.len() {
                let next = if stack.len() == 1 { stack.pop().flatten() } else { stack.last().cloned().flatten() };
                return Some((left, enter(next)));
            }
            Some((left, None))
        });
        // Dropped without the borrow.
        drop(left);
    }
}
