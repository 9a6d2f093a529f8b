//! Blocking functions as steps of a schedule.

mod cancelled;
mod random;
mod repeatable;
mod seeded;
mod semantics;
mod slow;
mod waiting;
