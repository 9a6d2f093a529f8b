//! Random programs: an exploration sees what a plain interpreter of the same programs says, reduced or not.
//!
//! The interpreter knows nothing of `aio`: it interleaves lists of operations. Of each schedule it also works out which
//! others follow from it by exchanging neighbours that have nothing in common (the normal form of D. Foata), so that it
//! is known how many a reduction has to leave.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use aio_core::{local, yield_now};
use aio_test::{Explore, Leaks, touch};
use aio_timer::sleep;
use proptest::collection::vec;
use proptest::prelude::*;

const CELLS: usize = 2;

/// Something that a task does to one of the cells, or to its own number.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// Takes what is in the cell.
    Read(usize),
    /// Adds its own number, and one.
    Add(usize),
    Double(usize),
    /// Lets the others have a turn.
    Yield,
    /// Waits until what is in the cell is odd.
    WaitOdd(usize),
    /// Spawns a task, see [`child`].
    Spawn(usize),
}

type Program = Vec<Vec<Op>>;

fn child(cell: usize) -> Vec<Op> {
    vec![Op::Double(cell), Op::Yield, Op::Read(1 - cell), Op::Add(cell)]
}

/// The cells, the numbers of the tasks that have ended, and how many wait for ever.
type Outcome = (Vec<u64>, Vec<u64>, usize);

fn double(n: u64) -> u64 {
    2 * n % 1021
}

/// The interpreter.
#[derive(Clone)]
struct Machine {
    cells: Vec<u64>,
    tasks: Vec<Task>,
    /// The steps until now.
    steps: Vec<Step>,
}

#[derive(Clone)]
struct Task {
    /// The same in all schedules: whose child, and which one.
    name: Vec<usize>,
    ops: VecDeque<Op>,
    number: u64,
    state: State,
    children: usize,
    /// The level of the step that has spawned it.
    born: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Waits(usize),
    Ended,
}

/// In the order of the normal form: after how many others, in a row, that it depends on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    level: usize,
    task: Vec<usize>,
    cells: BTreeSet<usize>,
}

#[derive(Default)]
struct Seen {
    ends: u64,
    outcomes: BTreeSet<Outcome>,
    classes: BTreeSet<Vec<Step>>,
}

/// Programs of more schedules are not tried.
const MOST: u64 = 2000;

impl Task {
    fn new(name: Vec<usize>, ops: Vec<Op>) -> Self {
        Self { name, ops: ops.into(), number: 0, state: State::Ready, children: 0, born: 0 }
    }
}

impl Machine {
    fn new(program: &Program) -> Self {
        let tasks = program.iter().enumerate().map(|(i, ops)| Task::new(vec![i], ops.clone())).collect();
        Self { cells: vec![1; CELLS], tasks, steps: Vec::new() }
    }

    fn step(&mut self, at: usize) {
        let mut touched = BTreeSet::new();
        let mut born = Vec::new();
        loop {
            let task = &mut self.tasks[at];
            let Some(op) = task.ops.pop_front() else {
                task.state = State::Ended;
                break;
            };
            match op {
                Op::Yield => break,
                Op::Spawn(cell) => {
                    let name = [&task.name[..], &[task.children]].concat();
                    task.children += 1;
                    born.push(Task::new(name, child(cell)));
                    // Who is spawned first has the lower id.
                    touched.insert(CELLS);
                    continue;
                }
                Op::Read(cell) | Op::Add(cell) | Op::Double(cell) | Op::WaitOdd(cell) => touched.insert(cell),
            };
            match op {
                Op::Read(cell) => task.number = self.cells[cell],
                Op::WaitOdd(cell) if self.cells[cell].is_multiple_of(2) => {
                    task.ops.push_front(op);
                    task.state = State::Waits(cell);
                    break;
                }
                Op::Add(cell) => self.change(cell, self.cells[cell] + self.tasks[at].number + 1),
                Op::Double(cell) => self.change(cell, double(self.cells[cell])),
                _ => {}
            }
        }
        let name = self.tasks[at].name.clone();
        let depends = |step: &&Step| step.task == name || !step.cells.is_disjoint(&touched);
        let levels = self.steps.iter().filter(depends).map(|step| step.level);
        let level = 1 + levels.max().unwrap_or(0).max(self.tasks[at].born);
        self.steps.push(Step { level, task: name, cells: touched });
        self.tasks.extend(born.into_iter().map(|task| Task { born: level, ..task }));
    }

    fn change(&mut self, cell: usize, to: u64) {
        self.cells[cell] = to;
        for task in &mut self.tasks {
            if task.state == State::Waits(cell) {
                task.state = State::Ready;
            }
        }
    }

    fn explore(self, seen: &mut Seen) {
        let ready: Vec<usize> = (0..self.tasks.len()).filter(|at| self.tasks[*at].state == State::Ready).collect();
        if seen.ends > MOST {
            return;
        }
        if ready.is_empty() {
            let ended = self.tasks.iter().filter(|task| task.state == State::Ended);
            let mut numbers: Vec<u64> = ended.map(|task| task.number).collect();
            numbers.sort_unstable();
            let waiting = self.tasks.len() - numbers.len();
            // They are cancelled at the end, in any order.
            seen.ends += (1..=waiting as u64).product::<u64>();
            seen.outcomes.insert((self.cells, numbers, waiting));
            let mut steps = self.steps;
            steps.sort();
            seen.classes.insert(steps);
            return;
        }
        for at in ready {
            let mut next = self.clone();
            next.step(at);
            next.explore(seen);
        }
    }
}

/// The same program as tasks.
#[derive(Default)]
struct Shared {
    cells: [Cell; CELLS],
    /// Nobody looks at them before the end.
    ended: RefCell<Vec<u64>>,
    spawned: std::cell::Cell<usize>,
}

struct Cell {
    value: std::cell::Cell<u64>,
    waiters: RefCell<Vec<Waker>>,
}

impl Default for Cell {
    fn default() -> Self {
        Self { value: std::cell::Cell::new(1), waiters: RefCell::default() }
    }
}

impl Cell {
    fn get(&self) -> u64 {
        touch(self);
        self.value.get()
    }

    fn set(&self, value: u64) {
        touch(self);
        self.value.set(value);
        self.waiters.take().into_iter().for_each(Waker::wake);
    }

    async fn wait_odd(&self) {
        poll_fn(|cx| {
            if self.get() % 2 == 1 {
                return Poll::Ready(());
            }
            self.waiters.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn spawn(shared: &Rc<Shared>, ops: Vec<Op>) {
    shared.spawned.set(shared.spawned.get() + 1);
    let shared = shared.clone();
    let task = async move {
        let mut number = 0;
        for op in ops {
            match op {
                Op::Read(cell) => number = shared.cells[cell].get(),
                Op::Add(cell) => shared.cells[cell].set(shared.cells[cell].get() + number + 1),
                Op::Double(cell) => shared.cells[cell].set(double(shared.cells[cell].get())),
                Op::Yield => yield_now().await,
                Op::WaitOdd(cell) => shared.cells[cell].wait_odd().await,
                Op::Spawn(cell) => spawn(&shared, child(cell)),
            }
        }
        shared.ended.borrow_mut().push(number);
    };
    local::spawn(task).detach();
}

async fn run(program: &Program, is_known: bool) -> Outcome {
    let shared = Rc::new(Shared::default());
    if is_known {
        shared.cells.iter().for_each(touch);
    }
    for ops in program {
        spawn(&shared, ops.clone());
    }
    // When nobody can run any more.
    sleep(Duration::from_millis(1)).await;
    let mut numbers = shared.ended.take();
    numbers.sort_unstable();
    let waiting = shared.spawned.get() - numbers.len();
    (shared.cells.iter().map(|cell| cell.value.get()).collect(), numbers, waiting)
}

fn programs() -> impl Strategy<Value = Program> {
    let cell = || 0..CELLS;
    let op = prop_oneof![
        2 => cell().prop_map(Op::Read),
        3 => cell().prop_map(Op::Add),
        2 => cell().prop_map(Op::Double),
        4 => Just(Op::Yield),
        2 => cell().prop_map(Op::WaitOdd),
        1 => cell().prop_map(Op::Spawn),
    ];
    vec(vec(op, 1..5), 2..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_reduction_loses_no_outcome_and_leaves_one_schedule_of_each_class(program in programs()) {
        let mut seen = Seen::default();
        Machine::new(&program).explore(&mut seen);
        prop_assume!(seen.ends <= MOST);
        let all = Explore::new("random").leaks(Leaks::Allow);
        let (outcomes, _) = all.outcomes(async || run(&program, true).await).unwrap();
        prop_assert_eq!(outcomes.values().sum::<u64>(), seen.ends);
        prop_assert_eq!(&outcomes.into_keys().collect::<BTreeSet<_>>(), &seen.outcomes);
        for is_known in [true, false] {
            let (outcomes, _) = all.clone().reduced().outcomes(async || run(&program, is_known).await).unwrap();
            let left = outcomes.values().sum::<u64>();
            prop_assert_eq!(&outcomes.into_keys().collect::<BTreeSet<_>>(), &seen.outcomes);
            prop_assert!(left <= seen.ends, "{} of {}", left, seen.ends);
            if is_known && cfg!(debug_assertions) {
                prop_assert_eq!(left, seen.classes.len() as u64);
            }
        }
    }

    /// The end of the main task, and of the program, may come after any step then.
    #[test]
    fn a_reduction_loses_no_outcome_where_time_passes_early(program in programs()) {
        let mut seen = Seen::default();
        Machine::new(&program).explore(&mut seen);
        prop_assume!(seen.ends <= 50);
        let all = Explore::new("random").leaks(Leaks::Allow).late_steps(1);
        let (outcomes, _) = all.outcomes(async || run(&program, true).await).unwrap();
        let (left, _) = all.reduced().outcomes(async || run(&program, true).await).unwrap();
        prop_assert!(seen.outcomes.iter().all(|outcome| outcomes.contains_key(outcome)));
        prop_assert_eq!(left.into_keys().collect::<BTreeSet<_>>(), outcomes.into_keys().collect::<BTreeSet<_>>());
    }
}
