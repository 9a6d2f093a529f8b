//! What was said by those who cancelled local tasks. Most say nothing, and a code in the state tells the rest, so this
//! is not in the cells.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc; // facade: shared text without a protocol

use crate::reason::Reason;
use crate::task::TaskId;

#[derive(Default)]
pub(crate) struct Reasons(RefCell<HashMap<TaskId, Arc<str>>>);

impl Reasons {
    /// Keeps what `reason` says beyond its code.
    pub(super) fn insert(&self, task: TaskId, reason: Reason) {
        if let Reason::Other(text) = reason {
            self.0.borrow_mut().insert(task, text);
        }
    }

    /// The reason with this code.
    pub(super) fn take(&self, task: TaskId, code: u32) -> Reason {
        Reason::from_code(code, || self.0.borrow_mut().remove(&task))
    }
}
