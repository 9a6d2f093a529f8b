//! `--memory`: how many bytes each task takes that waits, by what the system says the process has.
//!
//! Each number comes from a fresh process: this program again, with arguments that its usage does not mention. All
//! tasks have been polled once; what they wait for is never going to happen, and the process exits without ending them.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::harness::Role;
use crate::python;
use crate::runtimes::{Aio, Local, Shared, Smol, Timers, Tokio};

/// What the tasks wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing, with their handles in a `Vec`.
    Pending,
    /// Nothing, without handles.
    Detached,
    /// A timer of their own.
    Sleeping,
    /// An event, or what the peer calls it, which is the same for all.
    Event,
}

pub(crate) const KINDS: [(&str, Kind); 4] =
    [("pending", Kind::Pending), ("detached", Kind::Detached), ("sleeping", Kind::Sleeping), ("event", Kind::Event)];

/// The bytes of a runtime for each of [`KINDS`]; none where it has no such thing.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) runtime: &'static str,
    pub(crate) role: Role,
    pub(crate) bytes: [Option<f64>; KINDS.len()],
}

const FULL: u64 = 1_000_000;
const QUICK: u64 = 100_000;
/// Of CPython's, which are some ten times as large.
const PYTHON: u64 = 100_000;
/// Tasks that are spawned before they are polled: the run queue, which stays as large as it was, is not to count.
const BATCH: u64 = 1_000;

/// Prints the bytes and ends the process.
type Run = fn(Kind, u64);

fn runtimes() -> Vec<(&'static str, Role, Run)> {
    let mut all: Vec<(&str, Role, Run)> = Vec::new();
    all.extend([
        ("aio::local", Role::Aio, aio_local as Run),
        ("aio", Role::Aio, aio_shared),
        ("tokio", Role::Peer, tokio),
        ("smol", Role::Peer, on_event_listener::<Smol>),
    ]);
    #[cfg(unix)]
    all.push(("monoio", Role::Peer, on_event_listener::<crate::runtimes::Monoio>));
    #[cfg(all(feature = "rings", target_os = "linux"))]
    {
        if crate::runtimes::glommio_can_start() {
            all.push(("glommio", Role::Peer, on_event_listener::<crate::runtimes::Glommio>));
        }
        if crate::runtimes::compio_can_start() {
            all.push(("compio", Role::Peer, on_event_listener::<crate::runtimes::Compio>));
        }
    }
    all
}

/// Measures all of them whose names contain `only`.
pub(crate) fn measure(only: &str, quick: bool) -> Vec<Row> {
    let n = if quick { QUICK } else { FULL };
    let mut rows: Vec<Row> = runtimes()
        .iter()
        .filter(|(runtime, ..)| runtime.contains(only))
        .map(|&(runtime, role, _)| {
            let bytes = KINDS.map(|(kind, _)| Some(in_fresh_process(runtime, kind, n)));
            Row { runtime, role, bytes }
        })
        .collect();
    if "asyncio".contains(only) && python::event_loops().next().is_some() {
        let of = |kind: &str| (kind != "detached").then(|| python::bytes_per_task(kind, PYTHON));
        rows.push(Row { runtime: "asyncio", role: Role::Peer, bytes: KINDS.map(|(kind, _)| of(kind)) });
    }
    rows
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    runtimes().into_iter().map(|(name, ..)| name).chain(["asyncio"])
}

/// What the argument is called that no usage mentions.
pub(crate) const ARGUMENT: &str = "--memory-of";

fn in_fresh_process(runtime: &str, kind: &str, n: u64) -> f64 {
    let program = std::env::current_exe().expect("this program has a place");
    let output = Command::new(program).args([ARGUMENT, runtime, kind, &n.to_string()]).output();
    let output = output.expect("it runs already");
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().unwrap_or_else(|_| {
        panic!("{runtime}, {kind}: {}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr))
    })
}

/// What the fresh process does. It returns if the arguments make no sense.
pub(crate) fn in_this_process(args: &[String]) {
    let [runtime, kind, n] = args else { return };
    let runtime = runtimes().into_iter().find(|(name, ..)| name == runtime);
    let kind = KINDS.into_iter().find(|(name, _)| name == kind);
    if let (Some((_, _, run)), Some((_, kind)), Ok(n)) = (runtime, kind, n.parse()) {
        run(kind, n);
    }
}

fn leaked<T: Default>() -> &'static T {
    Box::leak(Box::default())
}

const HOUR: Duration = Duration::from_secs(3_600);

fn aio_local(kind: Kind, n: u64) {
    let event = leaked::<aio::local::Event>();
    match kind {
        Kind::Pending => kept::<Aio, _>(n, forever),
        Kind::Detached => detached::<Aio, _>(n, forever),
        Kind::Sleeping => kept::<Aio, _>(n, || aio::sleep(HOUR)),
        Kind::Event => kept::<Aio, _>(n, || event.wait()),
    }
}

fn aio_shared(kind: Kind, n: u64) {
    let event = leaked::<aio::Event>();
    match kind {
        Kind::Pending => shared_kept(n, forever),
        Kind::Detached => shared_detached(n, forever),
        Kind::Sleeping => shared_kept(n, || aio::sleep(HOUR)),
        Kind::Event => shared_kept(n, || event.wait()),
    }
}

fn tokio(kind: Kind, n: u64) {
    let event = leaked::<tokio::sync::Notify>();
    match kind {
        Kind::Pending => kept::<Tokio, _>(n, forever),
        Kind::Detached => detached::<Tokio, _>(n, forever),
        Kind::Sleeping => kept::<Tokio, _>(n, || tokio::time::sleep(HOUR)),
        Kind::Event => kept::<Tokio, _>(n, || event.notified()),
    }
}

/// For those that have no event of their own.
fn on_event_listener<R: Timers>(kind: Kind, n: u64) {
    let event = leaked::<event_listener::Event>();
    match kind {
        Kind::Pending => kept::<R, _>(n, forever),
        Kind::Detached => detached::<R, _>(n, forever),
        Kind::Sleeping => kept::<R, _>(n, || R::sleep(HOUR)),
        Kind::Event => kept::<R, _>(n, || event.listen()),
    }
}

/// `n` tasks, with their handles.
fn kept<R: Local, F: Future + 'static>(n: u64, wait: impl Fn() -> F + 'static) {
    R::run(async move {
        let mut tasks = Vec::with_capacity(usize::try_from(n).expect("it fits"));
        let before = Resident::now();
        for i in 1..=n {
            tasks.push(R::spawn(Polled(wait())));
            if i.is_multiple_of(BATCH) {
                // It ends after the first polls of those before it.
                R::spawn(async {}).await;
            }
        }
        before.exit_with_growth(n)
    })
}

/// `n` tasks without handles.
fn detached<R: Local, F: Future + 'static>(n: u64, wait: impl Fn() -> F + 'static) {
    R::run(async move {
        let before = Resident::now();
        for i in 1..=n {
            R::spawn_detached(Polled(wait()));
            if i.is_multiple_of(BATCH) {
                R::spawn(async {}).await;
            }
        }
        before.exit_with_growth(n)
    })
}

/// [`kept`] for those of ours that may cross threads.
fn shared_kept<F: Future + Send + 'static>(n: u64, wait: impl Fn() -> F + Send + 'static) {
    <Aio as Shared>::run(async move {
        let mut tasks = Vec::with_capacity(usize::try_from(n).expect("it fits"));
        let before = Resident::now();
        for i in 1..=n {
            tasks.push(aio::spawn(Polled(wait())));
            if i.is_multiple_of(BATCH) {
                aio::spawn(async {}).await;
            }
        }
        before.exit_with_growth(n)
    })
}

/// [`detached`] for those of ours that may cross threads.
fn shared_detached<F: Future + Send + 'static>(n: u64, wait: impl Fn() -> F + Send + 'static) {
    <Aio as Shared>::run(async move {
        let before = Resident::now();
        for i in 1..=n {
            aio::spawn(Polled(wait())).detach();
            if i.is_multiple_of(BATCH) {
                aio::spawn(async {}).await;
            }
        }
        before.exit_with_growth(n)
    })
}

thread_local! {
    /// Polls of all [`Polled`].
    static POLLS: Cell<u64> = const { Cell::new(0) };
}

/// Never ready. Somebody has its waker: a task that nobody could wake is freed by those that count who could.
#[derive(Debug)]
struct Forever;

fn forever() -> Forever {
    Forever
}

impl Future for Forever {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Kept in no memory of ours.
        std::mem::forget(cx.waker().clone());
        Poll::Pending
    }
}

/// A future that is counted when it is polled, and no larger for it.
#[derive(Debug)]
struct Polled<F>(F);

impl<F: Future> Future for Polled<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        POLLS.set(POLLS.get() + 1);
        // SAFETY: the field is pinned as the whole is: it is reached through this only, and nothing moves out of it;
        // there is no destructor that would.
        unsafe { self.map_unchecked_mut(|polled| &mut polled.0) }.poll(cx).map(drop)
    }
}

/// How many bytes of the process were in memory at some time.
struct Resident(u64);

impl Resident {
    fn now() -> Self {
        // In kilobytes, whatever the size of a page is.
        let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("it is a number");
        Self(kilobytes * 1_024)
    }

    /// Prints by how much it has grown for each of `n` tasks, and ends the process: ending the tasks would take longer.
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 bytes")]
    fn exit_with_growth(self, n: u64) -> ! {
        let Self(after) = Self::now();
        assert_eq!(POLLS.get(), n, "each task was polled once");
        println!("{:.1}", (after - self.0) as f64 / n as f64);
        std::process::exit(0);
    }
}
