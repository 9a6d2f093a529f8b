//! Who waits for what, and who has it: what a report of a deadlock is made of.
//!
//! Off by default, when it costs one look at a switch for each wait. While it is [on](track), each primitive says here
//! who takes it ([`took`]), who gives it back ([`gave`]), and who waits for it ([`begin`], [`end`]), in one table for
//! the whole process. [`waits`] is what the table says now.
//!
//! What is known is who *took* a thing: a guard that was sent to another task still counts for the one that took it.
//! Permits that hold on to their semaphore are made to be sent ([`took_to_go`]): nobody is taken to be stuck for them.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering}; // facade: a switch that orders nothing
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError}; // facade: a table for people, locked by itself
use std::thread::ThreadId; // facade: a name

use crate::host::{self, TaskLabel};

static IS_ON: AtomicBool = AtomicBool::new(false);
static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Table {
    /// By the address of what is waited for, or held.
    holders: HashMap<usize, Vec<Holder>>,
    /// By the address of the place in the line.
    waiting: HashMap<usize, Waiting>,
    /// How many began to wait: the order of the report.
    n_waits: u64,
}

struct Holder {
    who: Who,
    /// It is made to be sent to others, and may have been.
    is_to_go: bool,
}

struct Waiting {
    number: u64,
    who: Who,
    what: &'static str,
    thing: usize,
}

/// A task, or a thread that runs none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Who {
    /// A task of a loop of ours.
    Task(TaskLabel),
    /// Anybody else on that thread, the tasks of other runtimes included.
    Thread(ThreadLabel),
}

/// Which thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ThreadLabel {
    /// Unique in the process, other than the name.
    pub id: ThreadId,
    /// Its name, if it was given one.
    pub name: Option<String>,
}

impl fmt::Display for ThreadLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "thread `{name}` ({:?})", self.id),
            None => write!(f, "thread {:?}", self.id),
        }
    }
}

impl Who {
    fn current() -> Self {
        host::current_task().map_or_else(
            || {
                let thread = std::thread::current(); // facade: it has a name
                Self::Thread(ThreadLabel { id: thread.id(), name: thread.name().map(str::to_owned) })
            },
            Self::Task,
        )
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(label) => label.fmt(f),
            Self::Thread(label) => label.fmt(f),
        }
    }
}

/// Switches the table on or off. What was taken or waited for before is not known; what is off forgets all.
pub fn track(is_on: bool) {
    let mut table = table();
    // Relaxed: the table is behind a lock, and who looks too early or too late misses one entry.
    IS_ON.store(is_on, Ordering::Relaxed);
    if !is_on {
        *table = Table::default();
    }
}

/// Whether this build tells who has a thing: one with debug assertions does. Without them, who waits is known, and no
/// more: to take a free lock is a few instructions, and a look at the switch would add half as many.
pub const HOLDERS: bool = cfg!(debug_assertions);

/// Whether the table is kept.
#[inline]
pub fn is_tracked() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same while it is on.
fn with_table(f: impl FnOnce(&mut Table)) {
    let mut table = table();
    if is_tracked() {
        f(&mut table);
    }
}

/// Who runs here has taken `thing`, or some permits of it.
#[inline]
pub fn took<T>(thing: &T) {
    note_taken(thing, false);
}

/// [`took`] in a form that is made to be sent to others: who it is that cannot go on without is not known.
#[inline]
pub fn took_to_go<T>(thing: &T) {
    note_taken(thing, true);
}

#[inline]
fn note_taken<T>(thing: &T, is_to_go: bool) {
    #[cold]
    fn note(thing: usize, is_to_go: bool) {
        let who = Who::current();
        with_table(|table| table.holders.entry(thing).or_default().push(Holder { who, is_to_go }));
    }
    if HOLDERS && is_tracked() {
        note(address(thing), is_to_go);
    }
}

/// Who runs here gives back what it, or another, has [taken](took).
#[inline]
pub fn gave<T>(thing: &T) {
    #[cold]
    fn gave(thing: usize) {
        let who = Who::current();
        with_table(|table| {
            let Some(holders) = table.holders.get_mut(&thing) else { return };
            // Its own; or one that was sent to it.
            let own = holders.iter().position(|holder| holder.who == who);
            let given = own.or_else(|| holders.iter().position(|holder| holder.is_to_go)).unwrap_or(0);
            if !holders.is_empty() {
                holders.remove(given);
            }
            if holders.is_empty() {
                table.holders.remove(&thing);
            }
        });
    }
    if HOLDERS && is_tracked() {
        gave(address(thing));
    }
}

/// Who runs here waits at `place` for `thing`, which is a `what`.
#[inline]
pub fn begin<P, T>(place: &P, thing: &T, what: &'static str) {
    #[cold]
    fn begin(place: usize, thing: usize, what: &'static str) {
        let who = Who::current();
        with_table(|table| {
            table.n_waits += 1;
            table.waiting.insert(place, Waiting { number: table.n_waits, who, what, thing });
        });
    }
    if is_tracked() {
        begin(address(place), address(thing), what);
    }
}

/// The waiting at `place` is over.
#[inline]
pub fn end<P>(place: &P) {
    #[cold]
    fn end(place: usize) {
        with_table(|table| drop(table.waiting.remove(&place)));
    }
    if is_tracked() {
        end(address(place));
    }
}

/// Those who have `thing`, as far as that is [tracked](track).
pub fn holders<T>(thing: &T) -> Vec<Who> {
    table().holders.get(&address(thing)).into_iter().flatten().map(|holder| holder.who.clone()).collect()
}

fn address<T>(thing: &T) -> usize {
    std::ptr::from_ref(thing).addr()
}

/// One who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// Who it is.
    pub who: Who,
    /// What kind of thing it waits for, such as `Lock`.
    pub what: &'static str,
    /// Which of that kind: the same number is the same one.
    pub thing: usize,
    /// Those who have taken it, as far as that is a thing to have, and known.
    pub holders: Arc<[Who]>,
    /// Some of these may have sent what they had to others.
    is_to_go: bool,
}

/// So many holders of a thing are named in a report.
const NAMED: usize = 8;

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits for {} {:#x}", self.who, self.what, self.thing)?;
        for (i, holder) in self.holders.iter().take(NAMED).enumerate() {
            write!(f, "{} {holder}", if i == 0 { ", which is held by" } else { " and" })?;
        }
        match self.holders.len().checked_sub(NAMED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

/// All who wait, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Waits(Vec<Wait>);

/// Who waits for what now. Nobody, unless it is [tracked](track).
pub fn waits() -> Waits {
    let table = table();
    let mut waiting: Vec<_> = table.waiting.values().collect();
    waiting.sort_unstable_by_key(|waiting| waiting.number);
    // One list for all who wait for the same.
    let mut held: HashMap<usize, (Arc<[Who]>, bool)> = HashMap::new();
    let mut wait = |waiting: &&Waiting| {
        let (holders, is_to_go) = held.entry(waiting.thing).or_insert_with(|| {
            let holders = table.holders.get(&waiting.thing).map_or(&[][..], Vec::as_slice);
            (holders.iter().map(|holder| holder.who.clone()).collect(), holders.iter().any(|holder| holder.is_to_go))
        });
        Wait {
            who: waiting.who.clone(),
            what: waiting.what,
            thing: waiting.thing,
            holders: holders.clone(),
            is_to_go: *is_to_go,
        }
    };
    Waits(waiting.iter().map(&mut wait).collect())
}

impl Waits {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Wait> {
        self.0.iter()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those who wait for each other in a ring: each for something that the next one has, and the last one for what the
    /// first has. One that waits for itself is a ring of one.
    ///
    /// All that such a one waits for is in a ring, or leads to one. It is not stuck if it waits for other things, too,
    /// of which nothing is known here, such as a timer; and parts of a task that run side by side (`gather`, children
    /// in place) are all the one task here, as are all tasks of another runtime on one thread. What was taken before
    /// this was tracked is not known. One that was just served, and has yet to run, is still among those who wait. So
    /// this is where to look, and no proof.
    ///
    /// Nobody is in a ring who waits for permits of which some were taken in an owned form: these are made to be sent,
    /// and who has them is not known.
    pub fn deadlocks(&self) -> Vec<Vec<&Wait>> {
        let waits_of = self.by_who();
        let stuck = self.stuck(&waits_of);
        let mut rings: Vec<Vec<&Wait>> = Vec::new();
        let mut seen = vec![false; self.0.len()];
        for (start, _) in stuck.iter().enumerate().filter(|(_, is_stuck)| **is_stuck) {
            let mut path = Vec::new();
            let mut next = Some(start);
            while let Some(i) = next.filter(|i| !seen[*i]) {
                seen[i] = true;
                path.push(i);
                // Each holder of what a stuck one waits for is stuck, and so is each of its waits: any will do, but
                // another one tells more. (A reader that waits to write has the lock, and waits for the others.)
                let Wait { who, holders, .. } = &self.0[i];
                let holder = holders.iter().find(|holder| *holder != who).or(holders.first());
                next = holder.map(|holder| waits_of[holder][0]);
            }
            if let Some(begin) = next.and_then(|next| path.iter().position(|i| *i == next)) {
                rings.push(path[begin..].iter().map(|i| &self.0[*i]).collect());
            }
        }
        rings
    }

    fn by_who(&self) -> HashMap<&Who, Vec<usize>> {
        let mut waits_of: HashMap<_, Vec<_>> = HashMap::new();
        for (i, wait) in self.0.iter().enumerate() {
            waits_of.entry(&wait.who).or_default().push(i);
        }
        waits_of
    }

    /// Which of them cannot go on unless another one of these does: the largest set in which everything that is waited
    /// for has holders, and all are in the set.
    fn stuck(&self, waits_of: &HashMap<&Who, Vec<usize>>) -> Vec<bool> {
        let mut stuck: Vec<bool> = self.0.iter().map(|wait| !wait.holders.is_empty() && !wait.is_to_go).collect();
        loop {
            let is_stuck = |who| waits_of.get(who).is_some_and(|waits| waits.iter().all(|i| stuck[*i]));
            let stays = |i: usize| stuck[i] && is_stuck(&self.0[i].who) && self.0[i].holders.iter().all(is_stuck);
            let now: Vec<bool> = (0..stuck.len()).map(stays).collect();
            if now == stuck {
                return now;
            }
            stuck = now;
        }
    }
}

/// A line for each who waits, and one for each [deadlock](Waits::deadlocks).
impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wait in &self.0 {
            writeln!(f, "{wait}")?;
        }
        for ring in self.deadlocks() {
            f.write_str("possible deadlock: ")?;
            for wait in &ring {
                write!(f, "{} -> {} {:#x} -> ", wait.who, wait.what, wait.thing)?;
            }
            writeln!(f, "{}", ring[0].who)?;
        }
        Ok(())
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use std::panic::Location;

    use super::*;

    fn task(id: u64) -> Who {
        Who::Task(TaskLabel { id, name: None, spawned_at: Location::caller() })
    }

    /// Each waits for a thing, which others have.
    fn waits(edges: &[(u64, usize, &[u64])]) -> Waits {
        let wait = |&(who, thing, holders): &(u64, usize, &[u64])| Wait {
            who: task(who),
            what: "Lock",
            thing,
            holders: holders.iter().map(|id| task(*id)).collect(),
            is_to_go: false,
        };
        Waits(edges.iter().map(wait).collect())
    }

    /// The rings, as the positions of those who wait.
    fn rings(edges: &[(u64, usize, &[u64])]) -> Vec<Vec<usize>> {
        let waits = waits(edges);
        let position = |wait: &&Wait| waits.0.iter().position(|other| std::ptr::eq(other, *wait)).unwrap();
        waits.deadlocks().iter().map(|ring| ring.iter().map(position).collect()).collect()
    }

    #[test]
    fn a_ring_is_found_and_what_leads_to_it_is_not_in_it() {
        let none: [Vec<usize>; 0] = [];
        assert_eq!(rings(&[(1, 10, &[2])]), none);
        assert_eq!(rings(&[(1, 10, &[2]), (2, 20, &[])]), none);
        assert_eq!(rings(&[(1, 10, &[1])]), [[0]]);
        assert_eq!(rings(&[(1, 10, &[2]), (2, 20, &[1])]), [[0, 1]]);
        assert_eq!(rings(&[(5, 10, &[2]), (2, 20, &[1]), (1, 10, &[2])]), [[1, 2]]);
        assert_eq!(rings(&[(1, 10, &[1]), (2, 20, &[3]), (3, 30, &[2])]), [vec![0], vec![1, 2]]);
    }

    #[test]
    fn who_has_its_part_of_what_it_waits_for_is_in_a_ring_with_the_others() {
        assert_eq!(rings(&[(1, 10, &[1, 2]), (2, 20, &[1])]), [[0, 1]]);
        assert_eq!(rings(&[(1, 10, &[1, 1])]), [[0]]);
    }

    #[test]
    fn who_can_still_be_served_is_in_no_ring() {
        // One of the two permits may come back.
        assert!(rings(&[(1, 10, &[2, 3]), (2, 20, &[1])]).is_empty());
        assert_eq!(rings(&[(1, 10, &[2, 3]), (2, 20, &[1]), (3, 20, &[1])]), [[0, 1]]);
        // It waits for two things at once, and one of them may come.
        assert!(rings(&[(1, 10, &[2]), (2, 20, &[1]), (1, 30, &[])]).is_empty());
    }

    #[test]
    fn the_report_names_who_waits_and_the_ring() {
        let line = |id| task(id).to_string();
        let report = waits(&[(1, 10, &[2]), (2, 20, &[1])]).to_string();
        let lines: Vec<_> = report.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[0].starts_with("Task-1 (") && lines[0].contains(") waits for Lock 0xa, which is held by Task-2 (")
        );
        assert!(
            lines[2].starts_with("possible deadlock: Task-1 (") && lines[2].contains("-> Lock 0x14 -> Task-1 ("),
            "{report}"
        );
        assert!(line(1).starts_with("Task-1 ("));
    }

    #[test]
    fn a_report_names_some_holders_of_many() {
        let ids: Vec<u64> = (0..20).collect();
        let report = |n| waits(&[(99, 10, &ids[..n])]).to_string();
        assert_eq!(report(NAMED).matches("Task-").count(), NAMED + 1);
        assert!(!report(NAMED).contains("more"));
        assert_eq!(report(20).matches("Task-").count(), NAMED + 1);
        assert!(report(20).ends_with(" and 12 more\n"), "{}", report(20));
    }
}
