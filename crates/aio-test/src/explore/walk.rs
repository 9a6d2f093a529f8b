//! The tree of all schedules, walked depth first: the program is run again and again, each time along the path of the
//! run before up to where that has something left to try.

use std::mem;
use std::rc::Rc;

use aio_base::choice::Choice;
use aio_base::footprint;

use super::footprints::{Footprint, Known, Names};
use super::picks::{Pick, Picks};
use crate::conduct::{Conduct, Next};
use crate::numbers::Number;

/// What is walked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) is_reduced: bool,
    /// Whether timers of one deadline fire in every order.
    pub(super) timer_orders: bool,
    /// How often a run may differ from production.
    pub(super) deviations: Option<usize>,
    /// How often in a run time may pass while tasks are ready.
    pub(super) late: usize,
}

/// Walks the tree; conducts one run after the other.
#[derive(Default)]
pub(super) struct Walk {
    bounds: Bounds,
    path: Vec<Node>,
    /// How much of the path the run has come.
    place: usize,
    names: Names,
    /// The last node of the run at which a task, or time, was picked.
    last_turn: Option<usize>,
    /// Whether there was something that a bound did not let it try.
    is_bounded: bool,
    /// Why the run was ended before its end.
    pub(super) stop: Option<Stop>,
}

/// Why a run was ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// All that could come next has been seen, in another order.
    Asleep,
    /// Time was to pass, but there is no timer.
    NoTimer,
    /// It was not the same program: how that shows.
    Differs(String),
}

enum Node {
    Turn(Box<Turn>),
    /// A choice of the library.
    Timers {
        n: usize,
        picked: usize,
    },
}

/// Where something was picked to come next.
struct Turn {
    /// In the order of the run queue.
    ready: Vec<Number>,
    /// What of them was tried; the last one stands for time.
    tried: Vec<bool>,
    /// A place in `ready`; or behind it, where time was picked.
    picked: usize,
    deviations: usize,
    late: usize,
    known: Known,
    /// What need not be tried here.
    asleep: Vec<Sleeper>,
    /// What was.
    done: Vec<Sleeper>,
    /// What the step that was picked touches, whatever came of it.
    print: Footprint,
    /// What the step has touched that led here.
    before: Footprint,
}

/// A task whose next step was tried in a state that differs from this one by independent steps only.
#[derive(Clone)]
struct Sleeper {
    task: Number,
    print: Rc<Footprint>,
    /// How much was known where it was tried.
    known: Known,
}

impl Walk {
    pub(super) fn new(bounds: Bounds) -> Self {
        let is_reduced = bounds.is_reduced && footprint::ENABLED;
        Self { bounds: Bounds { is_reduced, ..bounds }, ..Self::default() }
    }

    pub(super) fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// Before each run.
    pub(super) fn begin(&mut self) {
        self.place = 0;
        self.last_turn = None;
        self.stop = None;
        if self.bounds.is_reduced {
            self.names.begin();
        }
    }

    /// What was picked in the last run.
    pub(super) fn picks(&self) -> Picks {
        let mut picks = Vec::new();
        let mut len = 0;
        for node in &self.path[..self.place] {
            let (pick, is_default) = match node {
                Node::Turn(turn) => match turn.ready.get(turn.picked) {
                    None => (Pick::Time, false),
                    Some(_) if !is_choice(turn.ready.len(), turn.late, &self.bounds) => continue,
                    Some(task) => (Pick::Task(*task), turn.picked == 0),
                },
                Node::Timers { picked, .. } => (Pick::Timer(*picked), *picked == 0),
            };
            picks.push(pick);
            if !is_default {
                len = picks.len();
            }
        }
        picks.truncate(len);
        Picks(picks)
    }

    /// After each run: picks what comes next where that is still open; whether there is anything.
    pub(super) fn advance(&mut self) -> bool {
        // A run that ended by itself: nobody has asked since its last step.
        if self.stop.is_none() {
            self.end_step();
        }
        let Self { bounds, path, is_bounded, .. } = self;
        path.truncate(self.place);
        while let Some(node) = path.last_mut() {
            match node {
                Node::Timers { n, picked } => {
                    *picked += 1;
                    if picked < n {
                        return true;
                    }
                }
                Node::Turn(turn) => {
                    turn.finish(bounds);
                    if let Some(next) = turn.untried(bounds, is_bounded) {
                        turn.pick(next);
                        return true;
                    }
                }
            }
            path.pop();
        }
        false
    }

    /// What the step has touched that was just made. It is asked for before the next one: what the timers have woken
    /// meanwhile counts as well.
    fn end_step(&mut self) -> Footprint {
        if !self.bounds.is_reduced {
            return Footprint::default();
        }
        let turn = match self.last_turn.map(|place| &mut self.path[place]) {
            Some(Node::Turn(turn)) => turn,
            _ => return self.names.take(),
        };
        let print = match turn.ready.get(turn.picked) {
            Some(task) => self.names.take_of(*task),
            None => {
                self.names.take();
                Footprint::EVERYTHING
            }
        };
        turn.print.add(&print);
        print
    }

    /// Comes to a node where it has been before.
    fn follow(&mut self, before: &Footprint, len: usize, number: &mut dyn FnMut(usize) -> Number) -> Next {
        let (place, known) = (self.place, self.names.known());
        let Node::Turn(turn) = &mut self.path[place] else {
            return self.differ("a task runs, where timers fired before".to_owned());
        };
        if turn.ready.len() != len || (0..len).any(|place| turn.ready[place] != number(place)) {
            let now: Vec<Number> = (0..len).map(number).collect();
            let text = format!("{} were ready, and now {} are", list(&turn.ready), list(&now));
            return self.differ(text);
        }
        turn.known = known;
        if turn.before != *before {
            turn.before = before.clone();
            self.forget(place);
        }
        self.go()
    }

    /// The names are others than in the run before: what is known by them, from there on, is of no use.
    fn forget(&mut self, from: usize) {
        for node in &mut self.path[from..] {
            if let Node::Turn(turn) = node {
                turn.asleep.clear();
                turn.done.clear();
                turn.print = Footprint::EVERYTHING;
            }
        }
    }

    /// Comes to a new one.
    fn discover(&mut self, before: Footprint, len: usize, number: &mut dyn FnMut(usize) -> Number) -> Next {
        let former = match self.last_turn.map(|place| &self.path[place]) {
            Some(Node::Turn(turn)) => Some(turn),
            _ => None,
        };
        let ready: Vec<Number> = (0..len).map(number).collect();
        let asleep = former.map_or_else(Vec::new, |former| former.still_asleep(&before, &ready));
        let turn = Turn {
            ready,
            tried: vec![false; len + 1],
            picked: 0,
            deviations: former.map_or(0, |former| former.deviations + usize::from(former.picked > 0)),
            late: former.map_or(0, |former| former.late + usize::from(former.is_late())),
            known: self.names.known(),
            asleep,
            done: Vec::new(),
            print: Footprint::default(),
            before,
        };
        self.path.push(Node::Turn(Box::new(turn)));
        let Self { bounds, path, is_bounded, .. } = self;
        let Some(Node::Turn(turn)) = path.last_mut() else { return Next::End };
        match turn.untried(bounds, is_bounded) {
            Some(next) => {
                turn.pick(next);
                self.go()
            }
            None => {
                path.pop();
                self.stop = Some(Stop::Asleep);
                Next::End
            }
        }
    }

    /// Goes on from the node of this place as was picked there.
    fn go(&mut self) -> Next {
        self.last_turn = Some(self.place);
        let Node::Turn(turn) = &self.path[self.place] else { return Next::End };
        self.place += 1;
        if turn.is_late() { Next::Wait } else { Next::Run(turn.picked) }
    }

    fn differ(&mut self, how: String) -> Next {
        self.stop = Some(Stop::Differs(how));
        Next::End
    }
}

impl Conduct for Walk {
    fn next(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> Next {
        if self.stop.is_some() {
            return Next::End;
        }
        let before = self.end_step();
        if self.place < self.path.len() {
            self.follow(&before, len, number)
        } else {
            self.discover(before, len, number)
        }
    }

    fn ran(&mut self, _: Number) {}

    fn choose(&mut self, choice: Choice, n: usize) -> usize {
        if choice == Choice::GiveWay {
            // It may go on at once: that is one of the tasks to be picked.
            return 1;
        }
        if !self.bounds.timer_orders || self.stop.is_some() {
            return 0;
        }
        if self.place == self.path.len() {
            self.path.push(Node::Timers { n, picked: 0 });
        }
        match self.path[self.place] {
            Node::Timers { n: former, picked } if former == n => {
                self.place += 1;
                picked
            }
            _ => {
                self.differ(format!("{n} timers fire, which they did not before"));
                0
            }
        }
    }

    fn waited(&mut self, has_timer: bool) {
        if !has_timer {
            self.stop = Some(Stop::NoTimer);
        }
    }

    fn seen(&mut self, task: Number, address: usize) {
        if self.bounds.is_reduced {
            self.names.meet(task, address);
        }
    }
}

impl Turn {
    fn is_late(&self) -> bool {
        self.picked == self.ready.len()
    }

    fn pick(&mut self, place: usize) {
        self.picked = place;
        self.tried[place] = true;
        self.print = Footprint::default();
    }

    /// All that may follow what was picked has been tried.
    fn finish(&mut self, bounds: &Bounds) {
        if bounds.is_reduced && !self.is_late() {
            let print = Rc::new(mem::take(&mut self.print));
            self.done.push(Sleeper { task: self.ready[self.picked], print, known: self.known });
        }
    }

    /// What to try next; time last.
    fn untried(&self, bounds: &Bounds, is_bounded: &mut bool) -> Option<usize> {
        let time = self.ready.len();
        let is_open = |place: &usize| {
            !self.tried[*place]
                && match self.ready.get(*place) {
                    Some(task) => self.asleep.iter().all(|sleeper| sleeper.task != *task),
                    None => self.late < bounds.late,
                }
        };
        let next = (0..=time).find(is_open)?;
        if next > 0 && bounds.deviations.is_some_and(|most| self.deviations >= most) {
            *is_bounded = true;
            return None;
        }
        Some(next)
    }

    /// Who sleeps after the step that was picked, which has touched that.
    fn still_asleep(&self, print: &Footprint, ready: &[Number]) -> Vec<Sleeper> {
        let sleeps = |sleeper: &&Sleeper| !sleeper.print.meets(print, sleeper.known) && ready.contains(&sleeper.task);
        self.asleep.iter().chain(&self.done).filter(sleeps).cloned().collect()
    }
}

/// Whether there is anything to pick, and to write down.
pub(super) fn is_choice(n_ready: usize, late: usize, bounds: &Bounds) -> bool {
    n_ready > 1 || late < bounds.late
}

fn list(tasks: &[Number]) -> String {
    let numbers: Vec<String> = tasks.iter().map(|task| task.0.to_string()).collect();
    format!("the tasks {}", numbers.join(", "))
}
