//! One schedule, as it was written down.

use aio_base::choice::Choice;

use super::picks::{Pick, Picks};
use super::walk::{Bounds, is_choice};
use crate::conduct::{Conduct, Next};
use crate::numbers::Number;

/// Conducts a run as the picks say; after the last of them, as production does.
pub(super) struct Replay {
    bounds: Bounds,
    picks: std::vec::IntoIter<Pick>,
    n_picked: usize,
    late: usize,
    /// Where the program is not the one that the picks are of.
    pub(super) misfit: Option<String>,
}

impl Replay {
    pub(super) fn new(bounds: Bounds, picks: Picks) -> Self {
        Self { bounds, picks: picks.0.into_iter(), n_picked: 0, late: 0, misfit: None }
    }

    fn pick(&mut self) -> Option<Pick> {
        self.n_picked += 1;
        self.picks.next()
    }

    fn refuse(&mut self, why: String) {
        let n = self.n_picked;
        self.misfit.get_or_insert_with(|| format!("its choice number {n} does not fit the program: {why}"));
    }
}

impl Conduct for Replay {
    fn next(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> Next {
        if self.misfit.is_some() {
            return Next::End;
        }
        if !is_choice(len, self.late, &self.bounds) {
            return Next::Run(0);
        }
        match self.pick() {
            None => Next::Run(0),
            Some(Pick::Time) => {
                self.late += 1;
                Next::Wait
            }
            Some(Pick::Task(task)) => match (0..len).find(|place| number(*place) == task) {
                Some(place) => Next::Run(place),
                None => {
                    let ready: Vec<String> = (0..len).map(|place| number(place).to_string()).collect();
                    self.refuse(format!("{task} is to run, and ready are {}", ready.join(", ")));
                    Next::End
                }
            },
            Some(Pick::Timer(_)) => {
                self.refuse("timers are to fire where a task has to run".to_owned());
                Next::End
            }
        }
    }

    fn ran(&mut self, _: Number) {}

    fn choose(&mut self, choice: Choice, n: usize) -> usize {
        if choice == Choice::GiveWay {
            // It may go on at once: that is one of the tasks to be picked.
            return 1;
        }
        if !self.bounds.timer_orders || self.misfit.is_some() {
            return 0;
        }
        match self.pick() {
            None => 0,
            Some(Pick::Timer(nth)) if nth < n => nth,
            Some(_) => {
                self.refuse(format!("one of {n} timers is to fire"));
                0
            }
        }
    }

    fn waited(&mut self, has_timer: bool) {
        if !has_timer {
            self.refuse("time is to pass, and there is no timer".to_owned());
        }
    }
}
