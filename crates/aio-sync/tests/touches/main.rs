//! Whatever is done to a primitive is in the [footprint](aio_base::footprint) of who does it: for every public method,
//! in both homes. (That it is enough, `aio-test` checks: `tests/footprints`.)
#![cfg(not(aio_loom))]

mod channels;
mod locks;

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use aio_base::{Local, Shared, footprint};

/// What a method is called, by its file; and one or two calls of it.
pub(crate) type Row = (&'static str, fn());

/// Methods without a footprint of their own, and why.
const WITHOUT: &[(&str, &[&str])] = &[
    (
        "nobody else can have it",
        &[
            "lock::get_mut",
            "lock::into_inner",
            "once_cell::get_mut",
            "once_cell::into_inner",
            "once_cell::take",
            "rwlock::get_mut",
            "rwlock::into_inner",
        ],
    ),
    (
        "it never changes, or belongs to who has it",
        &[
            "barrier/turn::index",
            "barrier/turn::is_leader",
            "barrier::parties",
            "broadcast/receiver::same_channel",
            "broadcast/sender::capacity",
            "broadcast/sender::same_channel",
            "channel/receiver::capacity",
            "channel/receiver::same_channel",
            "channel/sender::capacity",
            "channel/sender::same_channel",
            "limiter/permit::n_tokens",
            "limiter/permit::split",
            "limiter/permit::merge",
            "lock/guard::source",
            "queue::capacity",
            "rwlock/guard::source",
            "semaphore/permit::forget",
            "semaphore/permit::merge",
            "semaphore/permit::n_permits",
            "semaphore/permit::split",
            "watch/receiver::same_channel",
            "watch/sender::same_channel",
        ],
    ),
    (
        "what is made by it has the footprint",
        &[
            "broadcast/receiver::stream",
            "channel/receiver::into_stream",
            "channel/receiver::stream",
            "channel/stream::receiver",
            "watch/receiver::stream",
        ],
    ),
    ("only the receiver knows what it has seen", &["watch/receiver::mark_unchanged"]),
];

/// The output of a future that is ready at its first poll.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// A future that has begun to wait.
pub(crate) fn waiting<'a, F: Future + 'a>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it does not wait");
    future
}

/// What `f` touches, and what it gives.
pub(crate) fn footprint_of<R>(f: impl FnOnce() -> R) -> (Vec<usize>, R) {
    footprint::record(true);
    let result = f();
    footprint::record(false);
    (footprint::take(), result)
}

/// Sees that `f` touches `thing`, or a part of it.
#[track_caller]
pub(crate) fn touches<T, R>(thing: &T, f: impl FnOnce() -> R) -> R {
    let begin = std::ptr::from_ref(thing).addr();
    let place: Range<usize> = begin..begin + size_of::<T>();
    let (footprint, result) = footprint_of(f);
    assert!(footprint.iter().any(|address| place.contains(address)), "it is not touched");
    result
}

/// Sees that `f` touches some of the `common`.
#[track_caller]
pub(crate) fn touches_one_of<R>(common: &[usize], f: impl FnOnce() -> R) -> R {
    let (footprint, result) = footprint_of(f);
    assert!(footprint.iter().any(|address| common.contains(address)), "it is not touched");
    result
}

const CONSTRUCTORS: &[&str] = &["bounded", "channel", "const_new", "new", "new_with", "unbounded"];

/// The public methods of this crate, but those of errors and those that block a thread (which do what others do).
fn public_methods() -> BTreeSet<String> {
    fn visit(dir: &Path, src: &Path, methods: &mut BTreeSet<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, src, methods);
                continue;
            }
            let file = path.strip_prefix(src).unwrap().with_extension("");
            let file = file.to_str().unwrap().replace('\\', "/");
            if ["tests", "error"].iter().any(|other| file.ends_with(other)) {
                continue;
            }
            for line in fs::read_to_string(&path).unwrap().lines() {
                let line = line.trim_start().strip_prefix("pub ").unwrap_or_default();
                let line = ["const ", "async "].iter().fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
                let name = line.strip_prefix("fn ").and_then(|line| line.split(['(', '<']).next());
                let name = name.filter(|name| !name.ends_with("_blocking") && !CONSTRUCTORS.contains(name));
                methods.extend(name.map(|name| format!("{file}::{name}")));
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut methods = BTreeSet::new();
    visit(&src, &src, &mut methods);
    methods
}

fn rows() -> Vec<Row> {
    let mut rows = locks::rows::<Shared>();
    rows.extend(locks::rows::<Local>());
    rows.extend(locks::owned::shared());
    rows.extend(locks::owned::local());
    rows.extend(channels::rows::<Shared>());
    rows.extend(channels::rows::<Local>());
    rows
}

#[test]
fn every_public_method_is_in_the_table() {
    let without = WITHOUT.iter().flat_map(|(_, names)| *names).copied();
    let in_table = rows().into_iter().map(|(name, _)| name).filter(|name| !name.contains(' '));
    let known: BTreeSet<String> = in_table.chain(without).map(str::to_owned).collect();
    let methods = public_methods();
    let (new, gone): (Vec<_>, Vec<_>) = (methods.difference(&known).collect(), known.difference(&methods).collect());
    assert!(new.is_empty() && gone.is_empty(), "without a row: {new:#?}, without a method: {gone:#?}");
}

#[test]
fn every_method_touches_what_it_uses() {
    if footprint::ENABLED {
        for (name, call) in rows() {
            println!("{name}");
            call();
        }
    }
}
