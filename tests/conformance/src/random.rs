//! Random programs.
//!
//! What is drawn is a program without names; [`finish`] gives each task its own, in the order of the text, and turns
//! the numbers that stand for tasks into names of tasks that exist. So a program stays one when it shrinks.
//!
//! Left out is what `aio` decides differently (the written scenarios have it), and nothing else:
//!
//! - a task that cancels itself yields then, since `aio` keeps the value of one that ends without waiting, and it does
//!   not do so in a `finally`;
//! - a `finally` neither fails nor returns, since a cleanup has no result; it starts no task, since asyncio abandons
//!   what is started while a program ends;
//! - a queue hands an item to the first who waits for it, on the Python side too (`fair.py`), and so do semaphores and
//!   conditions; the rounds of a barrier are apart;
//! - a lock, a permit and a condition are held over single statements, since `aio` drops its guard before the cleanups
//!   within it are over;
//! - a timeout never passes in a moment in which anything else happens: durations of timeouts add up to residues that
//!   no sleep has ([`SLOT`]), since in `aio` the result wins;
//! - a child fails in a moment in which nothing else happens, since in `aio` a body that is ready at that time is cut,
//!   and in asyncio goes on to its next wait; so nothing breaks a barrier in a program with groups;
//! - what is said to be done was got right before, since `aio` panics if it is said too often;
//! - a program with groups ends long after everything that happens in it, so that no turn is cut off that asyncio takes
//!   later than `aio` ([`Order::ByInstant`](crate::Order::ByInstant));
//! - the body of a group has no `finally` that waits, and no group directly in it, since `aio` cancels everything
//!   within a scope at once, and asyncio from the inside to the outside.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use crate::program::{Block, Name, Program, Stmt};

/// What programs are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Tasks, cancellation, cleanups, queues, and all that tasks wait for.
    Tasks,
    /// All that and timeouts.
    Timeouts,
    /// All that and groups.
    Groups,
}

/// Sleeps take a multiple of this many milliseconds; timeouts, and what leads to a failure of a child, take more than
/// such a multiple, each by a power of two of its own. So two of these never meet in one moment, nor with anything
/// else.
const SLOT: u64 = 1 << MAX_RESIDUES;
const MAX_RESIDUES: u32 = 12;

const QUEUES: &[&str] = &["q", "q1", "lifo", "heap"];

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Task,
    Cleanup,
    /// Directly in the body of a group.
    Body,
    /// In a `finally` there.
    BodyCleanup,
}

/// Random programs of this sort.
pub fn programs(sort: Sort) -> impl Strategy<Value = Program> {
    // Most end when the time is up, whatever still goes on; some when they are done, or never.
    let end = prop::option::weighted(0.7, 0..12_u64);
    (block(sort, Place::Task, 3, 4..14), end).prop_map(move |(main, end)| finish(sort, &main, end))
}

fn number() -> impl Strategy<Value = Name> {
    (0..8_u8).prop_map(|number| number.to_string().into())
}

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = Name> {
    prop::sample::select(names).prop_map(Name::from)
}

fn put(name: &str) -> Stmt {
    Stmt::Put(name.into(), "".to_owned())
}

/// What may stand in a lock: single statements.
fn single(sort: Sort, place: Place) -> BoxedStrategy<Stmt> {
    let never_waits = prop_oneof![
        4 => number().prop_map(Stmt::Cancel),
        4 => one_of(&["e", "f"]).prop_map(Stmt::Set),
        2 => one_of(&["e", "f"]).prop_map(Stmt::Clear),
        4 => Just(put("q")),
        2 => one_of(&["lifo", "heap"]).prop_map(|name| put(&name)),
        1 => Just(Stmt::Offer("q1".into(), "".to_owned())),
        1 => one_of(QUEUES).prop_map(Stmt::Take),
        1 => Just(Stmt::Release("s".into())),
    ];
    if place == Place::BodyCleanup {
        return never_waits.boxed();
    }
    let arrive = one_of(&["b2", "b2", "b2", "b3"]).prop_map(Stmt::Arrive);
    let breaks =
        prop::sample::select(vec![Stmt::Abort("b2".into()), Stmt::Reset("b2".into()), Stmt::Reset("b3".into())]);
    let may_fail = match (sort, place) {
        // A `finally` does not fail.
        (_, Place::Cleanup) => Just(Stmt::Yield).boxed(),
        (Sort::Groups, _) => arrive.boxed(),
        _ => prop_oneof![4 => arrive, 1 => breaks].boxed(),
    };
    prop_oneof![
        16 => (0..4_u64).prop_map(Stmt::Sleep),
        10 => Just(Stmt::Yield),
        10 => never_waits,
        2 => one_of(&["e", "f"]).prop_map(Stmt::Wait),
        4 => number().prop_map(Stmt::Join),
        2 => Just(put("q1")),
        2 => one_of(QUEUES).prop_map(Stmt::Get),
        2 => one_of(QUEUES).prop_map(Stmt::Done),
        1 => one_of(QUEUES).prop_map(Stmt::AllDone),
        4 => may_fail,
    ]
    .boxed()
}

/// A lock, a permit or a condition, and what is done with it.
fn held(sort: Sort, place: Place) -> BoxedStrategy<Stmt> {
    let body = move || prop::collection::vec(single(sort, place), 0..3).prop_map(Block::from);
    let of_condition = prop_oneof![
        3 => Just(Stmt::Notified),
        1 => (1..3_u64).prop_map(Stmt::AtLeast),
        1 => Just(Stmt::Add(1)),
        4 => (1..3_u64).prop_map(|count| Stmt::Notify(Some(count))),
        1 => Just(Stmt::Notify(None)),
        1 => single(sort, place),
    ];
    let condition = prop::collection::vec(of_condition, 1..4).prop_map(|body| Stmt::Condition("c".into(), body.into()));
    prop_oneof![
        2 => (one_of(&["l", "m"]), body()).prop_map(|(name, body)| Stmt::Lock(name, body)),
        1 => (one_of(&["s", "s2"]), body()).prop_map(|(name, body)| Stmt::Permit(name, body)),
        3 => condition,
    ]
    .boxed()
}

fn block(sort: Sort, place: Place, depth: u32, len: std::ops::Range<usize>) -> BoxedStrategy<Block> {
    prop::collection::vec(stmt(sort, place, depth), len).prop_map(Block::from).boxed()
}

fn stmt(sort: Sort, place: Place, depth: u32) -> BoxedStrategy<Stmt> {
    match place {
        Place::BodyCleanup => return single(sort, place),
        Place::Cleanup => return prop_oneof![6 => single(sort, place), 1 => held(sort, place)].boxed(),
        Place::Task | Place::Body => {}
    }
    let ends = prop_oneof![
        1 => Just(Stmt::Raise("x".to_owned())),
        1 => Just(Stmt::Raise("y".to_owned())),
        1 => Just(Stmt::Return("1".to_owned())),
    ];
    let simple = prop_oneof![16 => single(sort, place), 4 => held(sort, place), 1 => ends].boxed();
    if depth == 0 {
        return simple;
    }
    let inner = move |place| block(sort, place, depth - 1, 0..4);
    let spawn = block(sort, Place::Task, depth - 1, 0..7).prop_map(|body| Stmt::Spawn("".into(), body));
    let cleanup = if place == Place::Body { Place::BodyCleanup } else { Place::Cleanup };
    let finally = (inner(place), block(sort, cleanup, 0, 0..3)).prop_map(|(body, finally)| Stmt::Try {
        body,
        except: None,
        finally: Some(finally),
    });
    let except =
        (inner(place), inner(place)).prop_map(|(body, except)| Stmt::Try { body, except: Some(except), finally: None });
    let tasks = prop_oneof![8 => simple, 6 => spawn, 3 => finally, 1 => except].boxed();
    let timeout = move || (0..4_u64, inner(place)).prop_map(|(slots, body)| Stmt::Timeout(slots, body));
    match (sort, place) {
        (Sort::Tasks, _) => tasks,
        (Sort::Timeouts, _) => prop_oneof![12 => tasks, 2 => timeout()].boxed(),
        (Sort::Groups, Place::Task) => {
            let group = inner(Place::Body).prop_map(Stmt::Group);
            prop_oneof![12 => tasks, 1 => timeout(), 3 => group].boxed()
        }
        (Sort::Groups, _) => {
            let child = block(sort, Place::Task, depth - 1, 0..5).prop_map(|body| Stmt::Child("".into(), body));
            prop_oneof![8 => tasks, 1 => timeout(), 8 => child].boxed()
        }
    }
}

fn finish(sort: Sort, main: &Block, end: Option<u64>) -> Program {
    let mut names = VecDeque::new();
    count(main, &mut names);
    let mut finisher = Finisher {
        sort,
        all: names.iter().cloned().collect(),
        next: names,
        residues: 0,
        puts: 0,
        in_child: false,
        in_finally: false,
    };
    let end = match sort {
        Sort::Tasks => end,
        Sort::Timeouts => end.map(|slots| slots * SLOT),
        Sort::Groups => Some(1000 * SLOT),
    };
    let main = match end {
        Some(end) => Arc::new([Stmt::Spawn("m".into(), finisher.block(main, &"m".into())), Stmt::Sleep(end)]),
        None => finisher.block(main, &"main".into()),
    };
    Program { main, shielded: true, traced: true }
}

/// A name for each task, in the order of the text.
fn count(block: &Block, names: &mut VecDeque<Name>) {
    for stmt in block.iter() {
        if matches!(stmt, Stmt::Spawn(..) | Stmt::Child(..)) {
            names.push_back(format!("t{}", names.len() + 1).into());
        }
        stmt.blocks().for_each(|block| count(block, names));
    }
}

struct Finisher {
    sort: Sort,
    all: Vec<Name>,
    next: VecDeque<Name>,
    residues: u32,
    puts: u32,
    in_child: bool,
    in_finally: bool,
}

impl Finisher {
    fn block(&mut self, block: &Block, me: &Name) -> Block {
        let mut stmts = Vec::new();
        for stmt in block.iter() {
            self.stmt(stmt, me, &mut stmts);
        }
        stmts.into()
    }

    fn target(&self, number: &Name) -> Option<Name> {
        let number: usize = number.parse().ok()?;
        self.all.get(number % self.all.len().max(1)).cloned()
    }

    fn value(&mut self) -> String {
        self.puts += 1;
        self.puts.to_string()
    }

    fn residue(&mut self) -> Option<u64> {
        let residue = (self.residues < MAX_RESIDUES).then(|| 1 << self.residues);
        self.residues += 1;
        residue
    }

    fn stmt(&mut self, stmt: &Stmt, me: &Name, stmts: &mut Vec<Stmt>) {
        let slot = if self.sort == Sort::Tasks { 1 } else { SLOT };
        let finished = match stmt {
            Stmt::Cancel(number) => {
                let Some(name) = self.target(number) else { return };
                if name == *me {
                    if self.in_finally {
                        return;
                    }
                    stmts.push(Stmt::Cancel(name));
                    Stmt::Yield
                } else {
                    Stmt::Cancel(name)
                }
            }
            Stmt::Join(number) => match self.target(number) {
                Some(name) => Stmt::Join(name),
                None => return,
            },
            Stmt::Put(name, _) => Stmt::Put(name.clone(), self.value()),
            Stmt::Offer(name, _) => Stmt::Offer(name.clone(), self.value()),
            Stmt::Done(name) => {
                stmts.push(Stmt::Get(name.clone()));
                stmt.clone()
            }
            Stmt::Sleep(slots) => Stmt::Sleep(slots * slot),
            Stmt::Spawn(_, body) | Stmt::Child(_, body) => {
                let name = self.next.pop_front().expect("all were counted");
                let in_child = std::mem::replace(&mut self.in_child, matches!(stmt, Stmt::Child(..)));
                let body = self.block(body, &name);
                self.in_child = in_child;
                if matches!(stmt, Stmt::Spawn(..)) { Stmt::Spawn(name, body) } else { Stmt::Child(name, body) }
            }
            Stmt::Try { body, except, finally } => {
                let body = self.block(body, me);
                let except = except.as_ref().map(|block| self.block(block, me));
                let in_finally = std::mem::replace(&mut self.in_finally, true);
                let finally = finally.as_ref().map(|block| self.block(block, me));
                self.in_finally = in_finally;
                Stmt::Try { body, except, finally }
            }
            Stmt::Lock(name, body) => Stmt::Lock(name.clone(), self.block(body, me)),
            Stmt::Permit(name, body) => Stmt::Permit(name.clone(), self.block(body, me)),
            Stmt::Condition(name, body) => Stmt::Condition(name.clone(), self.block(body, me)),
            Stmt::Group(body) => Stmt::Group(self.block(body, me)),
            Stmt::Timeout(slots, body) => {
                let Some(residue) = self.residue() else {
                    // One more than there are residues: only its body.
                    let body = self.block(body, me);
                    stmts.extend(body.iter().cloned());
                    return;
                };
                Stmt::Timeout(slots * slot + residue, self.block(body, me))
            }
            Stmt::Raise(_) if self.in_child => {
                let Some(residue) = self.residue() else { return };
                stmts.push(Stmt::Sleep(residue));
                stmt.clone()
            }
            other => other.clone(),
        };
        stmts.push(finished);
    }
}

impl Stmt {
    fn blocks(&self) -> impl Iterator<Item = &Arc<[Stmt]>> {
        let blocks: Vec<&Block> = match self {
            Self::Spawn(_, body)
            | Self::Lock(_, body)
            | Self::Permit(_, body)
            | Self::Condition(_, body)
            | Self::Group(body)
            | Self::Child(_, body)
            | Self::Timeout(_, body)
            | Self::Shield(_, body) => vec![body],
            Self::Try { body, except, finally } => {
                [Some(body), except.as_ref(), finally.as_ref()].into_iter().flatten().collect()
            }
            Self::Gather { parts, .. } | Self::Race(parts) | Self::AsCompleted(parts) => {
                parts.iter().map(|(_, body)| body).collect()
            }
            _ => Vec::new(),
        };
        blocks.into_iter()
    }
}
