//! The table.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError}; // facade: a table for people, locked by itself

use super::note::{Note, Place, Role, Tasks};
use super::part::{self, Part};
use super::switch::{HOLDERS, Wanted, is_tracked};
use super::wait::{Holding, Wait, Waits};
use super::who::Who;

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

crate::thread_local! {
    static IS_UNSEEN: Cell<bool> = Cell::new(false);
}

#[derive(Default)]
pub(super) struct Table {
    pub(super) wanted: Wanted,
    /// By the address of what is waited for, or held.
    holders: HashMap<usize, Vec<Holder>>,
    waiting: HashMap<Place, Waiting>,
    /// What is forgotten when the part is polled again. There may be places in it where nobody waits any more.
    parts: HashMap<Part, Vec<Place>>,
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
    note: Note,
    /// Until when it counts, if nobody ends it.
    part: Option<Part>,
}

impl Table {
    fn insert(&mut self, place: Place, who: Who, note: Note, part: Option<Part>) {
        self.n_waits += 1;
        let number = self.n_waits;
        let former = self.waiting.insert(place, Waiting { number, who, note, part });
        if let Some(part) = part
            && former.is_none_or(|former| former.part != Some(part))
        {
            self.parts.entry(part).or_default().push(place);
        }
    }
}

pub(super) fn lock() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same while it is on.
fn with_table(f: impl FnOnce(&mut Table)) {
    let mut table = lock();
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

/// Who runs here waits at `place` for `thing`, which is a `what`, or for a part of it, such as `to read`.
#[inline]
pub fn begin<P, T>(place: &P, thing: &T, what: &'static str, detail: &'static str) {
    #[cold]
    fn begin(place: Place, note: Note) {
        let who = Who::current();
        with_table(|table| table.insert(place, who, note, None));
    }
    if is_tracked() {
        begin(Place::of(place), Note::new(what).which(thing).to(detail));
    }
}

/// The waiting at `place` is over.
#[inline]
pub fn end<P>(place: &P) {
    if is_tracked() {
        forget(Place::of(place));
    }
}

#[cold]
fn forget(place: Place) {
    with_table(|table| drop(table.waiting.remove(&place)));
}

/// Who runs here waits at `place`, until that [ends](end_at). In builds with debug assertions.
#[inline]
pub fn begin_at(place: Place, note: impl FnOnce() -> Note) {
    if HOLDERS && is_tracked() {
        note_waiting(place, note(), None);
    }
}

/// Who runs here waits at `place`, until it is polled again or that [ends](end_at). In builds with debug assertions,
/// and where it is known what is being polled.
#[inline]
pub fn poll_at(place: Place, note: impl FnOnce() -> Note) {
    if HOLDERS
        && is_tracked()
        && let Some(part) = part::current()
    {
        note_waiting(place, note(), Some(part));
    }
}

#[cold]
fn note_waiting(place: Place, note: Note, part: Option<Part>) {
    // (In the destructor of a thread-local there is nothing to hide.)
    if IS_UNSEEN.try_with(Cell::get).unwrap_or(false) {
        return;
    }
    let who = Who::current();
    with_table(|table| table.insert(place, who, note, part));
}

/// Who runs here waits for none of what `f` says that it waits for ([`begin_at`], [`poll_at`]): somebody else does, who
/// is nobody's concern.
pub fn unseen<R>(f: impl FnOnce() -> R) -> R {
    let set = |is_unseen| IS_UNSEEN.try_with(|it| it.replace(is_unseen)).unwrap_or(false);
    let was_unseen = set(true);
    let result = f();
    set(was_unseen);
    result
}

/// If somebody waits at `place`, it is now who runs here.
#[inline]
pub fn again_at(place: Place) {
    #[cold]
    fn again(place: Place) {
        let who = Who::current();
        with_table(|table| {
            if let Some(waiting) = table.waiting.get_mut(&place) {
                waiting.who = who;
            }
        });
    }
    if HOLDERS && is_tracked() {
        again(place);
    }
}

/// Nobody waits at `place` any more. In builds with debug assertions.
#[inline]
pub fn end_at(place: Place) {
    if HOLDERS && is_tracked() {
        forget(place);
    }
}

/// What is polled here has just said what it waits for. It is, in other words, `what`.
#[inline]
pub fn called(what: &'static str) {
    #[cold]
    fn called(part: Part, what: &'static str) {
        with_table(|table| {
            let Some(place) = table.parts.get(&part).and_then(|places| places.last()) else { return };
            if let Some(waiting) = table.waiting.get_mut(place).filter(|waiting| waiting.part == Some(part)) {
                waiting.note = Note::new(what);
            }
        });
    }
    if HOLDERS
        && is_tracked()
        && let Some(part) = part::current()
    {
        called(part, what);
    }
}

/// The part is polled again, or never.
#[cold]
pub(super) fn forget_part(part: Part) {
    with_table(|table| {
        for place in table.parts.remove(&part).unwrap_or_default() {
            // Somebody else may wait there now.
            if table.waiting.get(&place).is_some_and(|waiting| waiting.part == Some(part)) {
                table.waiting.remove(&place);
            }
        }
    });
}

/// Those who have `thing`, as far as that is [tracked](super::track).
pub fn holders<T>(thing: &T) -> Vec<Who> {
    lock().holders.get(&address(thing)).into_iter().flatten().map(|holder| holder.who.clone()).collect()
}

/// Who waits for what now. Nobody, unless it is [tracked](super::track).
pub fn waits() -> Waits {
    let table = lock();
    let mut waiting: Vec<_> = table.waiting.values().collect();
    waiting.sort_unstable_by_key(|waiting| waiting.number);
    // One list for all who wait for the same.
    let mut held: HashMap<usize, (Arc<[Who]>, Holding)> = HashMap::new();
    let mut wait = |waiting: &&Waiting| {
        let Note { what, detail, thing, until, tasks } = waiting.note.clone();
        let (holders, holding) = match tasks {
            Some(Tasks { tasks, role: Role::End }) => (tasks, Holding::Ends),
            Some(Tasks { tasks, role: Role::Help }) => (tasks, Holding::Perhaps),
            None => held.entry(thing).or_insert_with(|| table.held(thing)).clone(),
        };
        Wait { who: waiting.who.clone(), what, detail, thing, until, holders, holding }
    };
    Waits(waiting.iter().map(&mut wait).collect())
}

impl Table {
    fn held(&self, thing: usize) -> (Arc<[Who]>, Holding) {
        let holders = self.holders.get(&thing).map_or(&[][..], Vec::as_slice);
        let is_to_go = holders.iter().any(|holder| holder.is_to_go);
        let who = holders.iter().map(|holder| holder.who.clone()).collect();
        (who, if is_to_go { Holding::Perhaps } else { Holding::Has })
    }
}

fn address<T>(thing: &T) -> usize {
    std::ptr::from_ref(thing).addr()
}
