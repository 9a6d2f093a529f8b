//! A host of a network.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc; // facade: shared data without a protocol
use std::sync::Weak; // facade: what tells a network from another

use aio_core::{Context, ContextVar, current_task, local};

use super::engine::Engine;
use super::links::HostId;

/// Where a task runs; without a value, on `localhost`.
static PLACE: ContextVar<Option<Place>> = ContextVar::new();

#[derive(Clone)]
struct Place {
    network: Weak<Engine>,
    host: HostId,
}

/// On which host of that network this is called.
pub(super) fn current_host(engine: &Arc<Engine>) -> HostId {
    let is_this = |place: &Place| std::ptr::eq(place.network.as_ptr(), Arc::as_ptr(engine));
    PLACE.get().flatten().filter(is_this).map_or(0, |place| place.host)
}

/// A host of a [`Net`](super::Net): a name, an address, and programs that run there.
///
/// What binds and connects inside of [`run`](Self::run), [`spawn`](Self::spawn) or [`enter`](Self::enter), and in the
/// tasks that are spawned there, does so on this host. It has its own address, `127.0.0.1` and `::1`, which are no
/// other host's.
#[derive(Clone)]
pub struct Host {
    pub(super) engine: Arc<Engine>,
    pub(super) id: HostId,
    name: Arc<str>,
    ip: Ipv4Addr,
}

impl Host {
    pub(super) fn new(engine: &Arc<Engine>, name: &str) -> Self {
        let (id, ip) = engine.with(|state| {
            let id = state.host(name);
            (id, state.hosts[id].ip)
        });
        Self { engine: engine.clone(), id, name: name.into(), ip }
    }

    /// By which it is [looked up](aio_net::lookup).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By which the other hosts reach it.
    pub fn ip(&self) -> IpAddr {
        self.ip.into()
    }

    /// Runs a future on this host.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let this = self.clone();
        async move {
            let mut future = pin!(future);
            poll_fn(|cx| this.enter(|| future.as_mut().poll(cx))).await
        }
    }

    /// Spawns a task of this loop that runs on this host. It is cancelled when the host [crashes](Self::crash).
    ///
    /// # Panics
    /// Outside of a loop.
    #[track_caller]
    pub fn spawn<F: Future<Output: 'static> + 'static>(&self, future: F) -> local::Task<F::Output> {
        let task = local::spawn(self.run(future));
        // Without the lock: nothing of a task is dropped under it.
        let mut tasks = self.engine.with(|state| std::mem::take(&mut state.hosts[self.id].tasks));
        tasks.retain(|task| !task.is_finished());
        tasks.push(task.task_ref());
        self.engine.with(|state| state.hosts[self.id].tasks = tasks);
        task
    }

    /// Calls `f` on this host: for what binds without waiting.
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let place = Some(Place { network: Arc::downgrade(&self.engine), host: self.id });
        if current_task().is_none() {
            return Context::current().enter(|| {
                PLACE.set(place);
                f()
            });
        }
        let _former = Former(PLACE.get().flatten());
        PLACE.set(place);
        f()
    }

    /// The host is gone, as when its power fails: its sockets are closed, their peers are reset (as soon as they can
    /// hear of it), nothing reaches it any more, and what was [spawned](Self::spawn) there is cancelled. Tasks that it
    /// has spawned in turn, and detached, go on; all that they can do with the network is `NetworkDown`, which those
    /// that wait are told a millisecond later.
    ///
    /// Who connects to it meanwhile gets no answer: `TimedOut`, after the 127 seconds of Linux.
    pub fn crash(&self) {
        let tasks = self.engine.with(|state| {
            state.note(|_| format!("{} crashes", self.name));
            state.hosts[self.id].is_up = false;
            // Who is cancelled does not live to see that the network is down.
            state.wake_later(|state| {
                state.crash_tcp(self.id);
                state.crash_udp(self.id);
            });
            std::mem::take(&mut state.hosts[self.id].tasks)
        });
        for task in tasks {
            task.cancel();
        }
    }

    /// The host is there again, with its address and without any socket; what it is to run has to be spawned again.
    pub fn restart(&self) {
        self.engine.with(|state| {
            state.note(|_| format!("{} restarts", self.name));
            state.hosts[self.id].is_up = true;
            state.resume_held();
        });
    }
}

/// Where it was before.
struct Former(Option<Place>);

impl Drop for Former {
    fn drop(&mut self) {
        PLACE.set(self.0.take());
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("name", &self.name).field("ip", &self.ip).finish()
    }
}
