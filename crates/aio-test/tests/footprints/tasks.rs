//! What is done to tasks, groups and scopes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use aio_base::footprint::touch;
use aio_base::{Home, Local};
use aio_core::{Task, TaskRef, all_tasks, current_task, local, loop_local};
use aio_group::local::{GroupHandle, TaskGroup};
use aio_group::{as_completed, gather, race};
use aio_sync::Event;
use aio_timer::{CancelScope, sleep, timeout};

use crate::actor::{Kind, kinds, with};

/// What all know of.
pub(crate) struct Tasks {
    /// One that stays, and one that may cross threads; each waits for its event and writes its own log.
    pub(crate) refs: [TaskRef; 2],
    gates: [Arc<Event>; 2],
    logs: [Arc<Mutex<String>>; 2],
    scope: CancelScope,
    group: RefCell<Option<TaskGroup<'static, ()>>>,
    handle: GroupHandle<'static, ()>,
    group_gate: Rc<Event>,
    /// Of those who have nothing but a waker in common with whoever wakes them.
    bare: RefCell<Vec<Waker>>,
    main: u64,
}

/// What one of them owns.
#[derive(Default)]
pub(crate) struct Owned {
    local: Cell<Option<Task<usize, Local>>>,
    shared: Cell<Option<Task<usize>>>,
}

async fn work(gate: Arc<Event>, log: Arc<Mutex<String>>) -> usize {
    log.lock().unwrap().push_str("began ");
    gate.wait().await;
    log.lock().unwrap().push_str("passed ");
    7
}

impl Tasks {
    /// With what the first two own.
    pub(crate) fn new() -> (Self, [Owned; 3]) {
        let gates = [(); 2].map(|()| Arc::new(Event::new()));
        let logs: [Arc<Mutex<String>>; 2] = [(); 2].map(|()| Arc::default());
        let local = local::spawn(work(gates[0].clone(), logs[0].clone()));
        let shared = aio_core::spawn(work(gates[1].clone(), logs[1].clone()));
        let group = TaskGroup::new().limit(2);
        let this = Self {
            refs: [local.task_ref(), shared.task_ref()],
            gates,
            logs,
            scope: CancelScope::new(),
            handle: group.handle(),
            group: RefCell::new(Some(group)),
            group_gate: Rc::new(Event::new()),
            bare: RefCell::default(),
            main: current_task().unwrap().id().get(),
        };
        let owned = [Owned::default(), Owned::default(), Owned::default()];
        owned[0].local.set(Some(local));
        owned[1].shared.set(Some(shared));
        (this, owned)
    }

    pub(crate) fn look(&self) -> String {
        let tasks = [0, 1].map(|at| {
            let task = &self.refs[at];
            format!("{} {} {}", task.is_finished(), task.is_cancelled(), self.logs[at].lock().unwrap())
        });
        let (reason, has_deadline) = (self.scope.reason(), self.scope.deadline().is_some());
        format!("{tasks:?} {reason:?} {has_deadline} {}", self.group_gate.is_set())
    }

    /// Leaves its waker there, once, and is never ready; `log` is told of each poll.
    fn bare(&self, log: impl Fn()) -> impl Future<Output = ()> {
        let mut is_there = false;
        poll_fn(move |cx| {
            log();
            if !std::mem::replace(&mut is_there, true) {
                touch(&raw const self.bare);
                self.bare.borrow_mut().push(cx.waker().clone());
            }
            Poll::Pending
        })
    }

    /// Wakes the first of those, by its waker alone.
    fn wake_bare(&self) {
        let first = self.bare.borrow().first().cloned();
        match first {
            Some(waker) => waker.wake(),
            None => touch(&raw const self.bare),
        }
    }

    /// Opens everything, so that all come to their ends.
    pub(crate) fn finish(&self) {
        self.gates.iter().for_each(|gate| gate.set());
        self.group_gate.set();
        self.handle.cancel();
        drop(self.group.take());
    }
}

macro_rules! task_kinds {
    ($at:literal, $own:ident) => {
        kinds! {
            "cancel": |w, a| {
                w.tasks.refs[$at].cancel_with(aio_core::Reason::from(format!("of {}", a.name)));
                "cancelled".to_owned()
            };
            "wake": |w, _| { w.tasks.refs[$at].wake(); "woken".to_owned() };
            "give_up": |w, _| { w.tasks.refs[$at].give_up(); "given up".to_owned() };
            "is_finished": |w, _| w.tasks.refs[$at].is_finished().to_string();
            "is_cancelled": |w, _| w.tasks.refs[$at].is_cancelled().to_string();
            "ended": |w, _| { w.tasks.refs[$at].ended().await; "ended".to_owned() };
            "set its event": |w, _| { w.tasks.gates[$at].set(); "set".to_owned() };
            "join": |_, a| match a.owned.$own.take() {
                Some(task) => format!("{:?}", task.join().await),
                None => "has none".to_owned(),
            };
            "finished": |_, a| with(&a.owned.$own, async |task| {
                poll_fn(|cx| task.poll_finished(cx)).await;
                "finished".to_owned()
            }).await;
            "detach": |_, a| {
                if let Some(task) = a.owned.$own.take() {
                    task.detach();
                }
                "detached".to_owned()
            };
            "drop": |_, a| { drop(a.owned.$own.take()); "dropped".to_owned() };
            "handle": |_, a| with(&a.owned.$own, async |task| task.is_finished().to_string()).await;
        }
    };
}

pub(crate) fn local_task<H: Home>() -> Vec<Kind<H>> {
    task_kinds!(0, local)
}

pub(crate) fn shared_task<H: Home>() -> Vec<Kind<H>> {
    task_kinds!(1, shared)
}

pub(crate) fn the_loop<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "local::spawn": |w, _| {
            let task = local::spawn(async {});
            let number = task.id().get() - w.tasks.main;
            task.detach();
            number.to_string()
        };
        "spawn": |w, _| {
            let task = aio_core::spawn(async {});
            let number = task.id().get() - w.tasks.main;
            task.detach();
            number.to_string()
        };
        "all_tasks": |_, _| all_tasks().len().to_string();
        "loop_local": |_, a| {
            let value = loop_local(|| AtomicUsize::new(a.name));
            value.unwrap().load(Ordering::Relaxed).to_string()
        };
    }
}

pub(crate) fn scope<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "run": |w, _| format!("{:?}", w.tasks.scope.run(w.locks.event.wait()).await);
        "cancelled": |w, _| format!("{:?}", w.tasks.scope.cancelled().await);
        "cancel": |w, _| { w.tasks.scope.cancel(); "cancelled".to_owned() };
        "cancel_with": |w, a| { w.tasks.scope.cancel_with(format!("of {}", a.name)); "cancelled".to_owned() };
        "set_deadline": |w, _| { w.tasks.scope.set_deadline(aio_core::now()); "set".to_owned() };
        "set_timeout": |w, _| { w.tasks.scope.set_timeout(Duration::from_secs(9)); "set".to_owned() };
        "deadline": |w, _| w.tasks.scope.deadline().is_some().to_string();
        "is_cancelled": |w, _| w.tasks.scope.is_cancelled().to_string();
        "reason": |w, _| format!("{:?}", w.tasks.scope.reason());
        "grace": |w, _| { drop(w.tasks.scope.clone().grace(Duration::from_secs(1))); "set".to_owned() };
        "set the event": |w, _| { w.locks.event.set(); "set".to_owned() };
        "sleep": |_, _| { sleep(Duration::from_secs(1)).await; "slept".to_owned() };
        "timeout": |w, _| timeout(Duration::from_secs(1), w.locks.event.wait()).await.is_ok().to_string();
    }
}

pub(crate) fn group<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "run": |w, _| {
            // Who is first has it.
            touch(&raw const w.tasks.group);
            let Some(group) = w.tasks.group.take() else { return "has run".to_owned() };
            let gate = w.tasks.group_gate.clone();
            let body = async move {
                gate.wait().await;
                Ok::<_, ()>(())
            };
            format!("{:?}", group.run(body).await)
        };
        "spawn": |w, _| {
            let gate = w.tasks.gates[0].clone();
            let child = w.tasks.handle.try_vacancy().map(|room| room.spawn(async move { gate.wait().await }));
            let text = child.is_some().to_string();
            if let Some(child) = child {
                child.detach();
            }
            text
        };
        "spawn_scoped": |w, _| {
            let gate = w.tasks.gates[1].clone();
            let child = w.tasks.handle.try_vacancy().map(|room| room.spawn_scoped(async move { gate.wait().await }));
            match child {
                Some(child) => format!("{:?}", child.join().await),
                None => "none".to_owned(),
            }
        };
        "try_spawn": |w, a| {
            let child = w.tasks.handle.try_vacancy().map(|room| room.try_spawn_scoped(async { Err::<(), ()>(()) }));
            let text = child.is_some().to_string();
            if let Some(child) = child {
                a.holds("a child").await;
                child.detach();
            }
            text
        };
        "cancel": |w, _| { w.tasks.handle.cancel(); "cancelled".to_owned() };
        "set its event": |w, _| { w.tasks.group_gate.set(); "set".to_owned() };
        "set a child's event": |w, _| { w.tasks.gates[1].set(); "set".to_owned() };
        "debug": |w, _| format!("{:?}", w.tasks.handle);
    }
}

pub(crate) fn in_place<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "gather": |w, _| { gather((w.locks.event.wait(), w.locks.latch.wait())).await; "both".to_owned() };
        "race": |w, _| {
            let event = async { w.locks.event.wait().await; "event" };
            let latch = async { w.locks.latch.wait().await; "latch" };
            race((event, latch)).await.to_string()
        };
        "as_completed": |w, _| {
            let waits = [false, true].map(async |is_latch| {
                if is_latch { w.locks.latch.wait().await } else { w.locks.event.wait().await }
                is_latch
            });
            let mut done = as_completed(waits.map(Box::pin));
            format!("{:?} {:?}", done.next().await, done.next().await)
        };
        "gather bare": |w, a| {
            gather((w.tasks.bare(|| a.log("polled")), w.locks.latch.wait())).await;
            "never".to_owned()
        };
        "group of bare": |w, a| {
            let group = TaskGroup::<()>::new();
            let (tasks, log) = (w.clone(), a.clone());
            group.spawn_scoped(async move { tasks.tasks.bare(|| log.log("polled")).await }).detach();
            let body = async {
                w.locks.latch.wait().await;
                Ok(())
            };
            format!("{:?}", group.run(body).await)
        };
        "wake bare": |w, _| { w.tasks.wake_bare(); "woken".to_owned() };
        "set": |w, _| { w.locks.event.set(); "set".to_owned() };
        "count_down": |w, _| {
            let n = w.locks.latch.count();
            w.locks.latch.count_down(n);
            "open".to_owned()
        };
    }
}
