//! Groups with their home as a parameter, for code that serves both; otherwise use the names in the
//! [crate root](crate) and in [`local`](crate::local).

pub use crate::task_group::{
    Child, ChildBuilder, GroupHandle, GroupHome, Results, Run, Started, Starting, TaskGroup, Vacancy,
};
