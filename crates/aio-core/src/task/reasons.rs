//! What was said by those who cancelled tasks. Most say nothing, and a code in the state tells the rest, so this is not
//! in the cells.

use std::collections::HashMap;

use aio_base::sync::{Mutex, MutexGuard};

use super::TaskId;
use crate::reason::Text;

#[derive(Default)]
pub(crate) struct Reasons(Mutex<HashMap<TaskId, Text>>);

impl Reasons {
    /// Who has the lock may cancel a task and keep what was said in one step.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Text>> {
        self.0.lock_unseen()
    }

    pub(super) fn take(&self, task: TaskId) -> Option<Text> {
        self.0.lock_unseen().remove(&task)
    }

    #[cfg(all(test, aio_loom))]
    pub(crate) fn len(&self) -> usize {
        self.0.lock_unseen().len()
    }
}
