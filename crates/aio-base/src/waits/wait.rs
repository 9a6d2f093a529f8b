//! Those who wait, and the rings among them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Instant;

use super::{Report, Who};

/// One who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// Who it is.
    pub who: Who,
    /// What kind of thing it waits for, such as `Lock`: `time`, if that is [what for](Self::until), and `task`, if it
    /// is the end of tasks, who are the [holders](Self::holders) then.
    pub what: &'static str,
    /// What of it, such as `to read`; mostly empty.
    pub detail: &'static str,
    /// Which of that kind: the same number is the same one. Zero, if that is not known, or makes no difference.
    pub thing: usize,
    /// The moment that it waits for.
    pub until: Option<Instant>,
    /// Those who have taken it, as far as that is a thing to have, and known.
    pub holders: Arc<[Who]>,
    pub(super) holding: Holding,
}

/// What the holders have to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// One of them has to give it back.
    Has,
    /// All of them have to end.
    Ends,
    /// Some of them may have sent what they had to others, or others may help.
    Perhaps,
}

/// So many holders of a thing are named in a report.
pub(super) const NAMED: usize = 8;

impl Wait {
    /// Whether it waits for the end of tasks, who are its [holders](Self::holders).
    pub fn is_join(&self) -> bool {
        self.holding == Holding::Ends
    }

    /// What it waits for, after "waits": `number` is put behind the name of the thing.
    pub(super) fn describe(
        &self,
        f: &mut fmt::Formatter<'_>,
        number: &dyn fmt::Display,
        name: &dyn Fn(&Who) -> String,
    ) -> fmt::Result {
        if let Some(until) = self.until {
            let left = until.saturating_duration_since(now());
            return if left.is_zero() { write!(f, "until now") } else { write!(f, "until {left:?} from now") };
        }
        let holders = match self.holding {
            Holding::Ends => "for the end of",
            Holding::Has => ", which is held by",
            Holding::Perhaps => ", which may come from",
        };
        if !self.is_join() {
            write!(f, "for {}{number}", self.what)?;
            if !self.detail.is_empty() {
                write!(f, " {}", self.detail)?;
            }
        }
        for (i, holder) in self.holders.iter().take(NAMED).enumerate() {
            write!(f, "{} {}", if i == 0 { holders } else { " and" }, name(holder))?;
        }
        match self.holders.len().checked_sub(NAMED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

fn now() -> Instant {
    crate::host::now()
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits ", self.who)?;
        self.describe(f, &Address(self.thing), &ToString::to_string)
    }
}

/// Nothing, if it is not known.
struct Address(usize);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { Ok(()) } else { write!(f, " {:#x}", self.0) }
    }
}

/// All who wait, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Waits(pub(super) Vec<Wait>);

impl Waits {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Wait> {
        self.0.iter()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the task with this number waits for. It may be several things at once: parts of it run side by side, or it
    /// waits for whatever comes first.
    pub fn of_task(&self, id: u64) -> impl Iterator<Item = &Wait> {
        self.0.iter().filter(move |wait| wait.who.task_id() == Some(id))
    }

    /// Those that are of one of these tasks, such as the tasks of one loop: the table is for the whole process.
    #[must_use]
    pub fn among(&self, tasks: impl IntoIterator<Item = u64>) -> Self {
        let tasks: HashSet<u64> = tasks.into_iter().collect();
        let is_one = |wait: &&Wait| wait.who.task_id().is_some_and(|id| tasks.contains(&id));
        Self(self.0.iter().filter(is_one).cloned().collect())
    }

    /// The report with other names: `name` says who somebody is, and things are numbered in the order in which they are
    /// first named. So it has no address in it, and no number of the process.
    pub fn report<'a>(&'a self, name: &'a dyn Fn(&Who) -> String) -> Report<'a> {
        Report::new(self, name)
    }

    /// Those who wait for each other in a ring: each for something that the next one has, and the last one for what the
    /// first has. One that waits for itself is a ring of one. To wait for the end of a task is to wait for what the
    /// task has.
    ///
    /// All that such a one waits for is in a ring, or leads to one. It is not stuck if it waits for other things, too,
    /// of which nothing is known here; and parts of a task that run side by side (`gather`, children in place) are all
    /// the one task here, as are all tasks of another runtime on one thread. What was taken before this was tracked is
    /// not known. So this is where to look, and no proof.
    ///
    /// Nobody is in a ring who waits for permits of which some were taken in an owned form: these are made to be sent,
    /// and who has them is not known.
    pub fn deadlocks(&self) -> Vec<Vec<&Wait>> {
        self.rings(|waits, stuck| waits.iter().all(|i| stuck[*i]))
    }

    /// [`deadlocks`](Self::deadlocks) where it is known that nobody can go on, so that whatever else they wait for does
    /// not come: also rings of those who wait for other things, too.
    pub fn rings_of_the_stuck(&self) -> Vec<Vec<&Wait>> {
        let certain = self.deadlocks();
        if certain.is_empty() { self.rings(|waits, stuck| waits.iter().any(|i| stuck[*i])) } else { certain }
    }

    fn rings(&self, is_stuck: impl Fn(&[usize], &[bool]) -> bool) -> Vec<Vec<&Wait>> {
        let waits_of = self.by_who();
        let stuck = self.stuck(&waits_of, is_stuck);
        // A wait of this one that is stuck.
        let stuck_wait = |who: &Who| waits_of.get(who)?.iter().copied().find(|i| stuck[*i]);
        let mut rings: Vec<Vec<&Wait>> = Vec::new();
        let mut seen = vec![false; self.0.len()];
        for (start, _) in stuck.iter().enumerate().filter(|(_, is_stuck)| **is_stuck) {
            let mut path = Vec::new();
            let mut next = Some(start);
            while let Some(i) = next.filter(|i| !seen[*i]) {
                seen[i] = true;
                path.push(i);
                // Of the holders of what a stuck one waits for, any that is stuck will do, but another one tells more.
                // (A reader that waits to write has the lock, and waits for the others.)
                let Wait { who, holders, .. } = &self.0[i];
                let (own, others): (Vec<&Who>, Vec<&Who>) = holders.iter().partition(|holder| *holder == who);
                next = others.into_iter().chain(own).find_map(&stuck_wait);
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
    /// for has holders, and all are in the set; or one, if all have to end. `are_stuck` says it of somebody by his
    /// waits, and by which waits are stuck.
    fn stuck(&self, waits_of: &HashMap<&Who, Vec<usize>>, are_stuck: impl Fn(&[usize], &[bool]) -> bool) -> Vec<bool> {
        let mut stuck: Vec<bool> =
            self.0.iter().map(|wait| !wait.holders.is_empty() && wait.holding != Holding::Perhaps).collect();
        loop {
            let is_stuck = |who| waits_of.get(who).is_some_and(|waits| are_stuck(waits, &stuck));
            let stays = |i: usize| {
                let Wait { who, holders, holding, .. } = &self.0[i];
                let mut holders = holders.iter();
                let never_comes = if *holding == Holding::Ends { holders.any(is_stuck) } else { holders.all(is_stuck) };
                stuck[i] && is_stuck(who) && never_comes
            };
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
                write!(f, "{} -> ", wait.who)?;
                if !wait.is_join() {
                    write!(f, "{}{} -> ", wait.what, Address(wait.thing))?;
                }
            }
            writeln!(f, "{}", ring[0].who)?;
        }
        Ok(())
    }
}
