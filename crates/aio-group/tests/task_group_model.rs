//! Random programs of groups, in both homes. What they do is logged, and the log is held to the rules of groups.
#![cfg(not(aio_loom))]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use aio_base::live::leak_check;
use aio_core::{JoinError, TaskRef, yield_now};
use aio_group::GroupError;
use futures_lite::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

// Programs.

#[derive(Debug, Clone)]
struct Program {
    limit: Option<usize>,
    policy: Policy,
    /// Children added before the group runs.
    before: Vec<Script>,
    body: Script,
    /// After how many turns the task that runs the group is cancelled.
    cut: Option<usize>,
}

/// What the failure of a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Abort,
    Supervise,
    Discard,
}

/// What a child does, or the body.
#[derive(Debug, Clone)]
struct Script {
    own_task: bool,
    /// Whether it is started with `try_`. The others cannot fail, and end well instead.
    fallible: bool,
    steps: Vec<Step>,
    cleanup: Option<Cleanup>,
    end: End,
}

#[derive(Debug, Clone)]
enum Step {
    Yield(usize),
    Spawn(Script),
    /// Awaits a child that was added before this one, or joins it.
    Await(Index),
    Join(Index),
    /// Drops the handle of a child.
    Drop(Index),
    /// Cancels a child with a task, perhaps this one, and nothing but that child.
    Cancel(Index),
    CancelGroup,
    /// Starts a child if there is room for it.
    TrySpawn(Script),
    /// Waits for room, and starts a child. Only the body does this, as it does what follows: if there is a limit, a
    /// child would keep room from the one that it waits for.
    SpawnInRoom(Script),
    /// Starts a child with a task, and waits until it is ready. Whether it says so.
    Start(Script, bool),
    /// Starts several, and takes their outputs as they come.
    Collect(Vec<Script>),
}

#[derive(Debug, Clone)]
struct Cleanup {
    turns: usize,
    /// A child that the cleanup adds.
    spawns: Option<Box<Script>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    Error,
    Panic,
    Never,
}

fn script(depth: u32) -> impl Strategy<Value = Script> {
    let leaf = prop_oneof![
        6 => (0..4_usize).prop_map(Step::Yield),
        3 => any::<Index>().prop_map(Step::Await),
        2 => any::<Index>().prop_map(Step::Join),
        1 => any::<Index>().prop_map(Step::Drop),
        1 => any::<Index>().prop_map(Step::Cancel),
    ];
    // Not too often: nothing else happens afterwards.
    let leaf = prop_oneof![40 => leaf, 1 => Just(Step::CancelGroup)].boxed();
    let (step, spawns) = if depth == 0 {
        (leaf.boxed(), Just(None).boxed())
    } else {
        let child = || script(depth - 1);
        let start = |(child, ready)| Step::Start(Script { own_task: true, ..child }, ready);
        let spawn = prop_oneof![6 => child().prop_map(Step::Spawn), 1 => child().prop_map(Step::TrySpawn)].boxed();
        let spawn = if depth < 2 {
            spawn
        } else {
            prop_oneof![
                6 => spawn,
                1 => child().prop_map(Step::SpawnInRoom),
                1 => (child(), any::<bool>()).prop_map(start),
                1 => vec(child(), 0..3_usize).prop_map(Step::Collect),
            ]
            .boxed()
        };
        let spawns = proptest::option::weighted(0.2, script(0).prop_map(Box::new));
        (prop_oneof![2 => leaf, 3 => spawn].boxed(), spawns.boxed())
    };
    let cleanup = (0..4_usize, spawns).prop_map(|(turns, spawns)| Cleanup { turns, spawns });
    let end = prop_oneof![8 => Just(End::Well), 2 => Just(End::Error), 1 => Just(End::Panic), 1 => Just(End::Never)];
    let steps = if depth == 2 { 0..8_usize } else { 0..4_usize };
    (any::<bool>(), any::<bool>(), vec(step, steps), proptest::option::weighted(0.4, cleanup), end).prop_map(
        |(own_task, fallible, steps, cleanup, end)| {
            let end = if end == End::Error && !fallible { End::Well } else { end };
            Script { own_task, fallible, steps, cleanup, end }
        },
    )
}

fn program() -> impl Strategy<Value = Program> {
    let limit = proptest::option::of(1..5_usize);
    let policy = prop_oneof![2 => Just(Policy::Abort), 1 => Just(Policy::Supervise), 1 => Just(Policy::Discard)];
    let cut = proptest::option::weighted(0.4, 0..25_usize);
    (limit, policy, vec(script(1), 0..3), script(2), cut).prop_map(|(limit, policy, before, mut body, cut)| {
        body.fallible = true;
        Program { limit, policy, before, body, cut }
    })
}

// Running them.

/// The body goes by this number, the children by those that follow, in the order in which they were added.
const BODY: usize = 0;

/// What is left of a program then is cancelled. None needs so long.
const LONG: usize = 3000;

const AWAITED_A_CANCELLED_ONE: &str = "a child was awaited that was cancelled";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Added(usize),
    Began(usize),
    /// The future is gone; the cleanup is about to begin.
    Ended(usize, Ended),
    Cleaned(usize),
    /// One child is told to stop.
    Cancelled(usize),
    /// Who waited for room for this child was cut.
    Withdrawn(usize),
    /// The group is told to stop.
    GroupCancelled,
    /// The group has given this child's error away.
    Discarded(usize),
    /// The task that runs the group is told to stop.
    Cut,
    Returned,
    TaskEnded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    Error,
    Panic,
    /// The future was dropped before its end.
    Cut,
}

#[derive(Default)]
struct Log {
    events: Mutex<Vec<Event>>,
    /// What was wrong where it happened.
    faults: Mutex<Vec<String>>,
    /// By number, that of the body first.
    scripts: Mutex<BTreeMap<usize, Script>>,
    tasks: Mutex<BTreeMap<usize, TaskRef>>,
}

impl Log {
    fn add(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    fn has(&self, event: Event) -> bool {
        self.events.lock().unwrap().contains(&event)
    }

    fn add_child(&self, script: &Script) -> usize {
        let mut scripts = self.scripts.lock().unwrap();
        let id = scripts.len();
        scripts.insert(id, script.clone());
        self.add(Event::Added(id));
        id
    }

    fn expect(&self, what: bool, otherwise: impl FnOnce() -> String) {
        if !what {
            self.faults.lock().unwrap().push(otherwise());
        }
    }

    /// `id` has given its output to somebody.
    fn expect_output(&self, id: usize, output: usize) {
        self.expect(output == id && self.has(Event::Ended(id, Ended::Well)), || format!("{id} gave {output}"));
    }

    fn expect_join(&self, id: usize, outcome: Result<usize, JoinError>) {
        match outcome {
            Ok(output) => self.expect_output(id, output),
            Err(error) if error.is_cancelled() => {
                let fair = self.has(Event::Ended(id, Ended::Cut)) || !self.has(Event::Began(id));
                self.expect(fair, || format!("{id} was joined as cancelled"));
            }
            Err(_) => {
                let fair = self.has(Event::Ended(id, Ended::Error)) || self.has(Event::Ended(id, Ended::Panic));
                self.expect(fair, || format!("{id} was joined as failed"));
            }
        }
    }
}

/// Logs the end of a child's future.
struct Mark {
    log: Arc<Log>,
    id: usize,
    ended: Ended,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let ended = if std::thread::panicking() { Ended::Panic } else { self.ended };
        self.log.add(Event::Ended(self.id, ended));
    }
}

/// Logs that something was given up, unless it is disarmed.
struct OnDrop<'a>(&'a Log, Option<Event>);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        if let Some(event) = self.1.take() {
            self.0.add(event);
        }
    }
}

type Outcome = Result<Result<usize, GroupError<usize>>, JoinError>;

macro_rules! home {
    (
        $home:ident, $groups:path, $child:ident, $counted:path, $spawn:path, [$($send:tt)*], $defer:path
    ) => {
        mod $home {
            use super::*;
            use $groups::{ChildBuilder, GroupHandle, Started, TaskGroup, $child as Child};
            use $counted as Counted;
            use std::pin::Pin;

            type BoxFuture<T> = Pin<Box<dyn Future<Output = T> $($send)*>>;

            #[derive(Clone)]
            struct World {
                log: Arc<Log>,
                group: GroupHandle<'static, usize>,
                policy: Policy,
                /// The handles of the children.
                board: Counted<Mutex<BTreeMap<usize, Child<usize>>>>,
            }

            impl World {
                fn add(&self, script: &Script) {
                    self.add_in_room(self.log.add_child(script), script, self.group.child());
                }

                fn add_in_room(&self, id: usize, script: &Script, builder: ChildBuilder<'_, 'static, usize>) {
                    let future = self.clone().act(id, script.clone());
                    let sure = async |future: BoxFuture<Result<usize, usize>>| future.await.unwrap();
                    let child = match (script.own_task, script.fallible) {
                        (true, true) => builder.try_spawn(future),
                        (true, false) => builder.spawn(sure(future)),
                        (false, true) => builder.try_spawn_scoped(future),
                        (false, false) => builder.spawn_scoped(sure(future)),
                    };
                    if script.own_task && !child.is_finished() {
                        let task = aio_core::all_tasks().pop().expect("it was just spawned");
                        self.log.tasks.lock().unwrap().insert(id, task);
                    }
                    self.board.lock().unwrap().insert(id, child);
                }

                fn take(&self, id: usize, index: Index) -> Option<(usize, Child<usize>)> {
                    let mut board = self.board.lock().unwrap();
                    // A child that awaits a later one may keep it from beginning, if there is a limit.
                    let ids: Vec<_> = board.keys().copied().filter(|&other| id == BODY || other < id).collect();
                    let chosen = *ids.get(index.index(ids.len().max(1)))?;
                    board.remove_entry(&chosen)
                }

                fn act(self, id: usize, script: Script) -> BoxFuture<Result<usize, usize>> {
                    Box::pin(async move {
                        let log = &self.log;
                        log.add(Event::Began(id));
                        let (mut plain, mut adding) = (None, None);
                        match script.cleanup {
                            Some(Cleanup { turns, spawns: None }) => {
                                plain = Some(aio_core::defer(log.clone(), async move |log: Arc<Log>| {
                                    for _ in 0..turns {
                                        yield_now().await;
                                    }
                                    log.add(Event::Cleaned(id));
                                }));
                            }
                            Some(Cleanup { turns, spawns: Some(script) }) => {
                                adding = Some($defer(self.clone(), async move |world: World| {
                                    for _ in 0..turns {
                                        yield_now().await;
                                    }
                                    world.add(&script);
                                    world.log.add(Event::Cleaned(id));
                                }));
                            }
                            None => {}
                        }
                        let _cleanups = (&mut plain, &mut adding);
                        let mut mark = Mark { log: log.clone(), id, ended: Ended::Cut };
                        for step in script.steps {
                            self.perform(id, step).await;
                        }
                        match script.end {
                            End::Well => mark.ended = Ended::Well,
                            End::Error => mark.ended = Ended::Error,
                            End::Panic => panic!("{id}"),
                            End::Never => std::future::pending().await,
                        }
                        if script.end == End::Error { Err(id) } else { Ok(id) }
                    })
                }

                async fn perform(&self, id: usize, step: Step) {
                    let log = &self.log;
                    match step {
                        Step::Yield(turns) => {
                            for _ in 0..turns {
                                yield_now().await;
                            }
                        }
                        Step::Spawn(script) => self.add(&script),
                        Step::Await(index) => {
                            if let Some((other, child)) = self.take(id, index) {
                                if self.policy == Policy::Abort {
                                    log.expect_output(other, child.await);
                                } else {
                                    log.expect_join(other, child.join().await);
                                }
                            }
                        }
                        Step::Join(index) => {
                            if let Some((other, child)) = self.take(id, index) {
                                log.expect_join(other, child.join().await);
                            }
                        }
                        Step::Drop(index) => drop(self.take(id, index)),
                        Step::Cancel(index) => {
                            let task = {
                                let tasks = log.tasks.lock().unwrap();
                                tasks.iter().nth(index.index(tasks.len().max(1))).map(|(id, task)| (*id, task.clone()))
                            };
                            if let Some((other, task)) = task {
                                log.add(Event::Cancelled(other));
                                task.cancel();
                            }
                        }
                        Step::CancelGroup => {
                            log.add(Event::GroupCancelled);
                            self.group.cancel();
                        }
                        Step::TrySpawn(script) => {
                            if let Some(room) = self.group.try_vacancy() {
                                self.add_in_room(log.add_child(&script), &script, room);
                            }
                        }
                        Step::SpawnInRoom(script) => {
                            let id = log.add_child(&script);
                            let mut waits = OnDrop(log, Some(Event::Withdrawn(id)));
                            let room = self.group.vacancy().await;
                            waits.1 = None;
                            self.add_in_room(id, &script, room);
                        }
                        Step::Start(script, ready) => {
                            let id = log.add_child(&script);
                            let (world, fallible) = (self.clone(), script.fallible);
                            let child = move |started: Started<usize>| -> BoxFuture<Result<(), usize>> {
                                Box::pin(async move {
                                    let started = if ready { Ok(started.set(id)) } else { Err(started) };
                                    let output = world.act(id, script).await;
                                    drop(started);
                                    output.map(|_| ())
                                })
                            };
                            let mut waits = OnDrop(log, Some(Event::Cancelled(id)));
                            let starting = if fallible {
                                self.group.try_start(child)
                            } else {
                                self.group.start(move |started| {
                                    let child = child(started);
                                    async move { child.await.unwrap() }
                                })
                            };
                            let outcome = starting.await;
                            waits.1 = None;
                            log.expect(outcome.is_err() || ready && outcome == Ok(id), || format!("{outcome:?}"));
                            let began = log.has(Event::Began(id));
                            log.expect(began || outcome.is_err(), || format!("{id} has started before it began"));
                        }
                        Step::Collect(scripts) => {
                            let mut results = self.group.results();
                            let mut expected = Vec::new();
                            for script in scripts {
                                let id = log.add_child(&script);
                                expected.push(id);
                                let future = self.clone().act(id, script.clone());
                                let sure = async |future: BoxFuture<Result<usize, usize>>| future.await.unwrap();
                                match (script.own_task, script.fallible) {
                                    (true, true) => results.try_spawn(future),
                                    (true, false) => results.spawn(sure(future)),
                                    (false, true) => results.try_spawn_scoped(future),
                                    (false, false) => results.spawn_scoped(sure(future)),
                                }
                            }
                            while let Some(output) = results.next().await {
                                log.expect(expected.contains(&output), || format!("{output} came, perhaps twice"));
                                log.expect_output(output, output);
                                expected.retain(|id| *id != output);
                            }
                            for id in expected {
                                let well = log.has(Event::Ended(id, Ended::Well));
                                log.expect(!well, || format!("the output of {id} did not come"));
                            }
                        }
                    }
                }
            }

            pub(super) fn run(program: Program, log: Arc<Log>) -> Outcome {
                aio_core::run(async move {
                    let inner = log.clone();
                    let Program { limit, policy, before, body, cut } = program;
                    assert_eq!(log.add_child(&body), BODY);
                    let task = $spawn(async move {
                        let group = TaskGroup::new().limit(limit.unwrap_or(usize::MAX));
                        let seen = inner.clone();
                        let group = match policy {
                            Policy::Abort => group,
                            Policy::Supervise => group.supervised(),
                            Policy::Discard => group.discarding(move |id| seen.add(Event::Discarded(id))),
                        };
                        let (log, board) = (inner.clone(), Counted::default());
                        let world = World { log, group: group.handle(), policy, board };
                        for script in &before {
                            world.add(script);
                        }
                        let run = group.run(world.clone().act(BODY, body));
                        let outcome = std::panic::AssertUnwindSafe(run).catch_unwind().await;
                        inner.add(Event::Returned);
                        match outcome {
                            Ok(outcome) => outcome,
                            Err(panic) => resume_unwind(panic),
                        }
                    });
                    for _ in 0..cut.unwrap_or(LONG) {
                        if task.is_finished() {
                            break;
                        }
                        yield_now().await;
                    }
                    if !task.is_finished() {
                        log.add(Event::Cut);
                        task.cancel();
                    }
                    let outcome = task.join().await;
                    log.add(Event::TaskEnded);
                    for _ in 0..10 {
                        yield_now().await;
                    }
                    outcome
                })
            }
        }
    };
}

home!(shared, aio_group, Child, std::sync::Arc, aio_core::spawn, [+ Send], aio_core::defer);
home!(local, aio_group::local, Child, std::rc::Rc, aio_core::local::spawn, [], aio_core::local::defer);

// The rules.

/// A child as the log has it. Places in the log.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    began: Option<usize>,
    ended: Option<(usize, Ended)>,
    cleaned: Option<usize>,
}

impl Life {
    fn how(&self) -> Option<Ended> {
        self.ended.map(|(_, ended)| ended)
    }

    /// When all of it was over.
    fn over(&self) -> Option<usize> {
        self.cleaned.or(self.ended.map(|(at, _)| at))
    }
}

fn check(program: &Program, log: &Log, outcome: Outcome, cleanups_are_tasks: bool) {
    let events = log.events.lock().unwrap().clone();
    assert_eq!(*log.faults.lock().unwrap(), [""; 0]);
    let find = |wanted: Event| events.iter().position(|event| *event == wanted);
    let scripts = log.scripts.lock().unwrap();
    let task_ended = find(Event::TaskEnded).expect("the task ends");
    assert_eq!(task_ended, events.len() - 1, "something happened after the end of the task");
    let returned = find(Event::Returned);
    let cut = find(Event::Cut);
    let cancelled = find(Event::GroupCancelled);

    // Everything begins, ends and is cleaned up once, and before the run returns.
    let mut lives: BTreeMap<usize, Life> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        match *event {
            Event::Added(id) => assert!(lives.insert(id, Life::default()).is_none()),
            Event::Began(id) => assert_eq!(lives.get_mut(&id).unwrap().began.replace(at), None, "{id} began twice"),
            Event::Ended(id, how) => {
                let former = lives.get_mut(&id).unwrap().ended.replace((at, how));
                assert_eq!(former, None, "{id} ended twice");
            }
            Event::Cleaned(id) => {
                assert_eq!(lives.get_mut(&id).unwrap().cleaned.replace(at), None, "{id} was cleaned up twice");
            }
            _ => {}
        }
        if let Event::Began(_) | Event::Ended(..) | Event::Cleaned(_) = event {
            assert!(returned.is_none_or(|returned| at < returned), "{event:?} after the run had returned");
        }
    }
    for (id, life) in &lives {
        assert_eq!(life.began.is_some(), life.ended.is_some(), "{id} began and did not end: {life:?}");
        assert_eq!(
            life.began.is_some() && scripts[id].cleanup.is_some(),
            life.cleaned.is_some(),
            "cleanup of {id}: {life:?}"
        );
        assert!(life.cleaned.is_none() || life.cleaned > life.ended.map(|(at, _)| at));
    }

    // A group that is cut is cut for a reason, and as a whole.
    let alone: BTreeMap<usize, usize> = events
        .iter()
        .enumerate()
        .rev()
        .filter_map(|(at, event)| if let Event::Cancelled(id) = event { Some((*id, at)) } else { None })
        .collect();
    let failures: Vec<(usize, usize, Ended)> = {
        let failed = |life: &Life| life.how().filter(|how| matches!(how, Ended::Error | Ended::Panic));
        let mut failures: Vec<_> =
            lives.iter().filter_map(|(&id, life)| Some((life.over()?, id, failed(life)?))).collect();
        failures.sort_unstable_by_key(|(at, ..)| *at);
        failures
    };
    let aborted = lives
        .iter()
        .filter(|(id, life)| life.how() == Some(Ended::Cut) && !alone.contains_key(id))
        .filter_map(|(_, life)| life.ended.map(|(at, _)| at))
        .min();
    // Of those that abort the group.
    let mut fatal = failures.iter().filter(|(_, id, _)| program.policy == Policy::Abort || *id == BODY);
    if let Some(aborted) = aborted {
        let reason = fatal.clone().next().map(|(at, ..)| *at).into_iter().chain(cut).chain(cancelled).min();
        assert!(reason.is_some_and(|reason| reason < aborted), "the group was cut without a reason");
        for event in &events[aborted..] {
            let fair =
                !matches!(event, Event::Began(_)) && !matches!(event, Event::Ended(_, how) if *how != Ended::Cut);
            assert!(fair, "{event:?} after the group was cut");
        }
    }
    for (id, at) in &alone {
        if let Some((ended, how)) = lives[id].ended
            && ended > *at
            && how != Ended::Cut
        {
            let quick = |e: &Event| matches!(e, Event::Added(_) | Event::Cancelled(_) | Event::GroupCancelled);
            let same_turn = events[*at..ended].iter().all(quick);
            assert!(same_turn, "{id} went on to {how:?} after it was cancelled");
        }
    }
    for (id, life) in lives.iter().filter(|(_, life)| life.began.is_none()) {
        let withdrawn = find(Event::Withdrawn(*id)).is_some();
        let fair = alone.contains_key(id) || withdrawn || aborted.is_some() || cut.is_some() || cancelled.is_some();
        assert!(fair || fatal.clone().next().is_some(), "{id} never began: {life:?}");
    }

    // Limit and order: who begins has been let in, and so have all who were added before, and all who run.
    if let Some(limit) = program.limit {
        let (mut before, mut inside) = (BTreeSet::<usize>::new(), BTreeSet::<usize>::new());
        let over: BTreeMap<usize, usize> = lives.iter().filter_map(|(id, life)| Some((life.over()?, *id))).collect();
        for (at, event) in events.iter().enumerate() {
            match *event {
                Event::Added(id) if id != BODY => drop(before.insert(id)),
                // If it has not begun, it goes at its next turn, without a trace here.
                Event::Cancelled(id) | Event::Withdrawn(id) if lives[&id].began.is_none() => {
                    before.remove(&id);
                    inside.remove(&id);
                }
                Event::Began(id) if id != BODY => {
                    inside.extend(before.range(..=id));
                    assert!(inside.len() <= limit, "{inside:?} were let in");
                    before = before.split_off(&(id + 1));
                }
                _ => {}
            }
            if let Some(id) = over.get(&at) {
                inside.remove(id);
            }
        }
    } else {
        for own in [true, false] {
            let began = events.iter().filter_map(|event| match event {
                Event::Began(id) if *id != BODY && scripts[id].own_task == own => Some(*id),
                _ => None,
            });
            assert!(began.is_sorted(), "children began out of order");
        }
    }

    // It ends by itself, unless somebody waits for ever.
    if cut.is_some() && program.cut.is_none() {
        assert!(fatal.next().is_none(), "a failure did not end the group");
        assert!(cancelled.is_none(), "`cancel` did not end the group");
        let endless = |id| scripts[id].end == End::Never && lives[id].ended.map(|(at, _)| at) > cut;
        assert!(lives.keys().any(endless), "the group did not end");
    }

    // The outcome. Where a cleanup is a task, it is not known when exactly the child was over.
    let vague = |id| cleanups_are_tasks && scripts[id].cleanup.as_ref().is_some_and(|cleanup| cleanup.spawns.is_some());
    let exact = failures.iter().all(|(_, id, _)| !vague(id));
    // A group that discards reports the panics of its children elsewhere.
    let discards = |id| program.policy == Policy::Discard && id != BODY;
    let panics: Vec<_> = failures.iter().filter(|(_, id, how)| *how == Ended::Panic && !discards(*id)).collect();
    if program.policy == Policy::Discard && returned.is_some() {
        let errors = failures.iter().filter(|(_, id, how)| *how == Ended::Error && *id != BODY);
        let mut errors: Vec<_> = errors.map(|(_, id, _)| *id).collect();
        let discarded = events.iter().filter_map(|e| if let Event::Discarded(id) = e { Some(*id) } else { None });
        let mut discarded: Vec<_> = discarded.collect();
        if !exact {
            errors.sort_unstable();
            discarded.sort_unstable();
        }
        assert_eq!(discarded, errors);
    }
    match outcome {
        Ok(Ok(output)) => {
            assert_eq!(output, BODY);
            assert_eq!(lives[&BODY].how(), Some(Ended::Well));
            assert!(fatal.next().is_none() && panics.is_empty(), "the group succeeded");
            assert!(program.policy != Policy::Supervise || failures.is_empty(), "an error was lost");
        }
        Ok(Err(error)) if error.is_cancelled() => {
            assert!(cancelled.is_some() && find(Event::Returned) > cancelled, "nobody cancelled the group");
            assert!(lives[&BODY].how().is_none_or(|how| how == Ended::Cut), "the value of the body was lost");
            assert!(fatal.next().is_none() && panics.is_empty(), "a failure was lost");
            assert!(program.policy != Policy::Supervise || failures.is_empty(), "an error was lost");
        }
        Ok(Err(error)) => {
            assert_eq!(panics.len(), 0, "a panic was lost");
            let mut errors = error.into_errors();
            let children = failures.iter().map(|(_, id, _)| *id).filter(|id| *id != BODY);
            let mut expected: Vec<_> = children.filter(|_| program.policy != Policy::Discard).collect();
            expected.extend(failures.iter().map(|(_, id, _)| *id).filter(|id| *id == BODY));
            if !exact {
                errors.sort_unstable();
                expected.sort_unstable();
            }
            assert_eq!(errors, expected);
        }
        Err(error) if error.is_cancelled() => {
            let cut = cut.expect("nobody cancelled the task");
            assert!(returned.is_none());
            let settled = panics.iter().find(|(at, ..)| exact && *at < cut);
            assert!(settled.is_none(), "a panic was lost: {settled:?}");
        }
        Err(error) => {
            let panic = error.into_panic();
            let message = panic.downcast_ref::<String>().cloned().unwrap();
            // A child in place whose group is dropped while it cleans up after its panic ends in the scope around.
            let all: Vec<_> = failures.iter().filter(|(.., how)| *how == Ended::Panic).collect();
            let panics = if cut.is_some() { all } else { panics };
            let first = panics.iter().find(|(_, id, _)| *id != BODY).or(panics.first());
            let (_, first, _) = first.expect("there was a panic");
            let fair = |id: usize| message == id.to_string() || message.starts_with(AWAITED_A_CANCELLED_ONE);
            assert!(if exact && returned.is_some() { fair(*first) } else { panics.iter().any(|(_, id, _)| fair(*id)) });
        }
    }
}

fn hold(program: Program, run: fn(Program, Arc<Log>) -> Outcome, cleanups_are_tasks: bool) {
    leak_check(|| {
        let log = Arc::new(Log::default());
        let outcome = run(program.clone(), log.clone());
        check(&program, &log, outcome, cleanups_are_tasks);
        assert_eq!(Arc::strong_count(&log), 1, "somebody was not dropped");
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 2000 } else { 20_000 },
        ..ProptestConfig::default()
    })]

    #[test]
    fn groups_keep_their_rules(program in program()) {
        hold(program, shared::run, false);
    }

    #[test]
    fn local_groups_keep_their_rules(program in program()) {
        // A cleanup that must stay on its loop is a task.
        hold(program, local::run, true);
    }
}
