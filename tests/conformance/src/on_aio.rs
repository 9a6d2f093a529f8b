//! The task language on `aio`.
//!
//! Each statement is what a user of `aio` would write for it; `finally` is [`aio::defer`]. What is added, and only here:
//!
//! - The main task yields once at its end, since asyncio lets all tasks that are ready take one more turn then (its end
//!   is told to the loop by a callback).
//! - A group yields once at its end, if it waited for its children or was cut: asyncio is told of the end of a child by a
//!   callback, which takes a turn.
//! - At a deadlock, which the virtual clock reports, all waits end and the program stops.
//! - [`Deviation`]s, for the tests of the suite itself.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use aio::{Builder, Elapsed, GroupHandle, Task, TaskGroup, TaskRef};
use aio_core::{EventLoop, ThreadPark, VirtualTime};
use aio_timer::Timers;

use crate::program::{Block, Event, Name, Program, Stmt};

/// A deliberate mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviation {
    /// Who waits for an event is woken in the reverse order.
    LifoWake,
    /// A cancellation of a task that has not begun is lost.
    LostCancel,
    /// A group reports its first error only.
    SwallowedSecondError,
}

/// `aio`, right or deliberately wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aio {
    deviation: Option<Deviation>,
}

impl Aio {
    /// As it is.
    pub const fn new() -> Self {
        Self { deviation: None }
    }

    /// With a mistake.
    pub const fn with(deviation: Deviation) -> Self {
        Self { deviation: Some(deviation) }
    }

    /// Runs `program`.
    ///
    /// # Panics
    /// If `aio` does.
    pub fn run(self, program: &Program) -> Vec<Event> {
        let world = Arc::new(World {
            traced: program.traced,
            deviation: self.deviation,
            begin: Mutex::new(None),
            over: AtomicBool::new(false),
            waits: Mutex::default(),
            events: Mutex::default(),
            tasks: Mutex::default(),
            flags: Mutex::default(),
            locks: Mutex::default(),
        });
        let end = world.clone();
        let driver = VirtualTime::new(ThreadPark::new()).on_deadlock(move || end.stop());
        let main = run_main(world.clone(), program.main.clone());
        let ended = catch_unwind(AssertUnwindSafe(|| EventLoop::new(Timers::new(driver)).run(main)));
        match ended {
            Ok(()) => {}
            Err(payload) => match payload.downcast::<Failure>() {
                Ok(failure) => world.end(&"main".into(), Ending::Failed(*failure)),
                Err(payload) if !world.was_cancelled("main") => resume_unwind(payload),
                Err(_) => {}
            },
        }
        let ending = show(lock(&world.tasks).get("main").and_then(|entry| entry.ending.as_ref()));
        world.log_end("main", ending);
        std::mem::take(&mut *lock(&world.events))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program that runs.
struct World {
    traced: bool,
    deviation: Option<Deviation>,
    begin: Mutex<Option<Instant>>,
    /// It was at a deadlock: nothing more is logged, and nothing waits.
    over: AtomicBool,
    waits: Mutex<Vec<Waker>>,
    events: Mutex<Vec<Event>>,
    tasks: Mutex<HashMap<Name, Entry>>,
    flags: Mutex<HashMap<Name, Arc<Flag>>>,
    locks: Mutex<HashMap<Name, Arc<aio::Lock<()>>>>,
}

/// A task that was started.
#[derive(Default)]
struct Entry {
    /// None if it was refused.
    task: Option<TaskRef>,
    owner: Option<Task<()>>,
    begun: bool,
    /// Whether the program cancelled it.
    cancelled: bool,
    /// How its program ended; nothing if it was cut off.
    ending: Option<Ending>,
}

#[derive(Debug, Clone)]
enum Ending {
    Done(Option<String>),
    Failed(Failure),
}

/// An error of a program.
#[derive(Debug, Clone)]
enum Failure {
    Raised(String),
    Timeout,
    Group(Vec<Failure>),
}

/// Why a block ends before its end.
enum Stop {
    Return(String),
    Failed(Failure),
    Deadlock,
}

type Flow = Result<(), Stop>;
type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Raised(error) => f.write_str(error),
            Self::Timeout => f.write_str("timeout"),
            Self::Group(errors) => {
                let errors: Vec<String> = errors.iter().map(Self::to_string).collect();
                write!(f, "group({})", errors.join(", "))
            }
        }
    }
}

fn show(ending: Option<&Ending>) -> String {
    match ending {
        None => "was cancelled".to_owned(),
        Some(Ending::Done(None)) => "ended".to_owned(),
        Some(Ending::Done(Some(value))) => format!("gave {value}"),
        Some(Ending::Failed(failure)) => format!("failed: {failure}"),
    }
}

impl World {
    fn log(&self, task: &str, text: impl Into<String>) {
        if !self.is_over() {
            let begin = lock(&self.begin).expect("the main task has begun");
            let at = (aio::now() - begin).as_millis().try_into().expect("a program is short");
            lock(&self.events).push(Event { at, task: task.to_owned(), text: text.into() });
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Ends all waits.
    fn stop(&self) {
        self.log_end("-", "deadlock");
        self.over.store(true, Ordering::Relaxed);
        let waits = std::mem::take(&mut *lock(&self.waits));
        waits.into_iter().for_each(Waker::wake);
    }

    /// Waits for something; or for the end of a program that is at a deadlock.
    async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Stop> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if self.is_over() {
                return Poll::Ready(Err(Stop::Deadlock));
            }
            let poll = future.as_mut().poll(cx);
            if poll.is_pending() {
                let mut waits = lock(&self.waits);
                if !waits.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waits.push(cx.waker().clone());
                }
            }
            poll.map(Ok)
        })
        .await
    }

    fn flag(&self, name: &Name) -> Arc<Flag> {
        lock(&self.flags).entry(name.clone()).or_default().clone()
    }

    fn lock_named(&self, name: &Name) -> Arc<aio::Lock<()>> {
        lock(&self.locks).entry(name.clone()).or_default().clone()
    }

    fn with_task<R>(&self, name: &Name, change: impl FnOnce(&mut Entry) -> R) -> R {
        change(lock(&self.tasks).entry(name.clone()).or_default())
    }

    fn end(&self, name: &Name, ending: Ending) {
        self.with_task(name, |entry| entry.ending = Some(ending));
    }

    fn was_cancelled(&self, name: &str) -> bool {
        lock(&self.tasks).get(name).is_some_and(|entry| entry.cancelled)
    }

    fn task_ref(&self, name: &Name) -> Option<TaskRef> {
        lock(&self.tasks).get(name)?.task.clone()
    }

    fn log_ending(&self, env: &Env, name: &Name) {
        let ending = show(lock(&self.tasks).get(name).and_then(|entry| entry.ending.as_ref()));
        self.log(&env.name, format!("{name} {ending}"));
    }

    /// The last event. It is at the time of the one before, since how long nothing happened after that cannot be told.
    fn log_end(&self, task: &str, text: impl Into<String>) {
        if !self.is_over() {
            let mut events = lock(&self.events);
            let at = events.last().map_or(0, |event| event.at);
            events.push(Event { at, task: task.to_owned(), text: text.into() });
        }
    }
}

/// An event.
#[derive(Default)]
struct Flag {
    event: aio::Event,
    /// Who waits, in a program that wakes in the wrong order.
    line: Mutex<Vec<Arc<aio::Event>>>,
}

/// The innermost group.
#[derive(Clone)]
struct Group {
    handle: GroupHandle<'static, Failure>,
    settling: Arc<Settling>,
}

/// Children that have ended, of whose end asyncio would not have told their group yet: it does so by a callback, at the
/// next turn. The callback is a task here.
#[derive(Default)]
struct Settling {
    alive: Mutex<usize>,
    ends: Mutex<usize>,
    settled: aio::Event,
    /// A child has failed, and the body, if it is cut, has a turn to wait before it would be in asyncio.
    is_early: AtomicBool,
}

impl Settling {
    fn begin(self: Arc<Self>) {
        *lock(&self.alive) -= 1;
        *lock(&self.ends) += 1;
        self.settled.clear();
        let callback = Callback(self);
        // Also if it is cancelled, at the end of the program.
        aio::spawn(async { drop(callback) }).detach();
    }

    /// Waits the turn by which the body was cut too early, once.
    async fn catch_up(&self) {
        if self.is_early.swap(false, Ordering::Relaxed) {
            aio::yield_now().await;
        }
    }

    /// Waits as long as asyncio does after the last child has ended, if `waited` for it.
    async fn settle(&self, world: &World, waited: bool) -> Flow {
        if *lock(&self.ends) > 0 {
            world.wait(self.settled.wait()).await
        } else if waited {
            world.wait(aio::yield_now()).await
        } else {
            Ok(())
        }
    }
}

/// A future that is polled only when it was woken. The end of a child wakes the task of its group, and the body would
/// see what has happened otherwise a turn early.
struct Undisturbed {
    future: Running<Flow>,
    alarm: Arc<Alarm>,
}

struct Alarm {
    rang: AtomicBool,
    waker: Mutex<Waker>,
}

impl Undisturbed {
    fn new(future: Running<Flow>) -> Self {
        let alarm = Alarm { rang: AtomicBool::new(true), waker: Mutex::new(Waker::noop().clone()) };
        Self { future, alarm: Arc::new(alarm) }
    }
}

impl Future for Undisturbed {
    type Output = Flow;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Flow> {
        lock(&self.alarm.waker).clone_from(cx.waker());
        if !self.alarm.rang.swap(false, Ordering::Relaxed) {
            return Poll::Pending;
        }
        let waker = Waker::from(self.alarm.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rang.store(true, Ordering::Relaxed);
        let waker = lock(&self.waker).clone();
        waker.wake();
    }
}

struct Callback(Arc<Settling>);

impl Drop for Callback {
    fn drop(&mut self) {
        let mut ends = lock(&self.0.ends);
        *ends -= 1;
        if *ends == 0 {
            drop(ends);
            self.0.settled.set();
        }
    }
}

/// Where a statement stands.
#[derive(Clone)]
struct Env {
    world: Arc<World>,
    name: Name,
    group: Option<Group>,
    /// The group in whose body this is, if it is in this task.
    body_of: Option<Group>,
    timeout: Option<Arc<Mutex<Option<Duration>>>>,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn run_main(world: Arc<World>, main: Block) {
    *lock(&world.begin) = Some(aio::now());
    let name: Name = "main".into();
    world.with_task(&name, |entry| entry.task = aio::current_task());
    let env = Env { world, name, group: None, body_of: None, timeout: None };
    drop(run_task(env, main).await);
    aio::yield_now().await;
}

/// What a task does; its error is for the group, if it has one.
async fn run_task(env: Env, body: Block) -> Result<(), Failure> {
    let (world, name) = (env.world.clone(), env.name.clone());
    world.with_task(&name, |entry| entry.begun = true);
    let (ending, result) = match run_block(env, body).await {
        Ok(()) => (Ending::Done(None), Ok(())),
        Err(Stop::Return(value)) => (Ending::Done(Some(value)), Ok(())),
        Err(Stop::Failed(failure)) => (Ending::Failed(failure.clone()), Err(failure)),
        Err(Stop::Deadlock) => return Ok(()),
    };
    world.end(&name, ending);
    result
}

fn run_block(env: Env, block: Block) -> Running<Flow> {
    Box::pin(async move {
        for stmt in block.iter() {
            run_stmt(&env, stmt).await?;
        }
        Ok(())
    })
}

async fn run_stmt(env: &Env, stmt: &Stmt) -> Flow {
    let Env { world, name: me, .. } = env;
    match stmt {
        Stmt::Log(text) => world.log(me, text),
        Stmt::Sleep(duration) => world.wait(aio::sleep(ms(*duration))).await?,
        Stmt::Yield => world.wait(aio::yield_now()).await?,
        Stmt::Spawn(name, body) => {
            let env = Env { name: name.clone(), body_of: None, timeout: None, ..env.clone() };
            let body = run_task(env, body.clone());
            let task = Builder::new().name(&**name).spawn(async { drop(body.await) });
            world.with_task(name, |entry| {
                entry.task = Some(task.task_ref());
                entry.owner = Some(task);
            });
        }
        Stmt::Cancel(name) => cancel(world, name),
        Stmt::Join(name) => {
            let task = world.task_ref(name);
            let was_started = lock(&world.tasks).contains_key(name);
            if was_started && name != me {
                if let Some(task) = task {
                    world.wait(task.ended()).await?;
                }
                world.log_ending(env, name);
            }
        }
        Stmt::Own(name) => {
            let owner = lock(&world.tasks).get_mut(name).and_then(|entry| entry.owner.take());
            if let Some(owner) = owner {
                drop(world.wait(owner.join()).await?);
                world.log_ending(env, name);
            }
        }
        Stmt::Raise(error) => return Err(Stop::Failed(Failure::Raised(error.clone()))),
        Stmt::Return(value) => return Err(Stop::Return(value.clone())),
        Stmt::Try { body, except, finally } => return run_try(env, body, except.as_ref(), finally.as_ref()).await,
        Stmt::Set(name) => {
            let flag = world.flag(name);
            flag.event.set();
            let line = std::mem::take(&mut *lock(&flag.line));
            line.iter().rev().for_each(|event| event.set());
        }
        Stmt::Clear(name) => world.flag(name).event.clear(),
        Stmt::Wait(name) => {
            let flag = world.flag(name);
            if world.deviation == Some(Deviation::LifoWake) && !flag.event.is_set() {
                let place = Arc::new(aio::Event::new());
                lock(&flag.line).push(place.clone());
                world.wait(place.wait()).await?;
            } else {
                world.wait(flag.event.wait()).await?;
            }
        }
        Stmt::Lock(name, body) => {
            let lock = world.lock_named(name);
            let _guard = world.wait(lock.lock()).await?;
            trace(env, stmt);
            return run_block(env.clone(), body.clone()).await;
        }
        Stmt::Group(body) => run_group(env, body).await?,
        Stmt::Child(name, body) => add_child(env, name, body),
        Stmt::Timeout(duration, body) => run_timeout(env, *duration, body).await?,
        Stmt::Reschedule(duration) => {
            if let Some(timeout) = &env.timeout {
                *lock(timeout) = Some(ms(*duration));
            }
        }
        Stmt::Gather { keep, parts } => run_gather(env, *keep, parts).await?,
        Stmt::Shield(name, body) => {
            let env = Env { name: name.clone(), body_of: None, timeout: None, ..env.clone() };
            let shielded = aio::shield(run_block(env, body.clone()));
            return shielded.await;
        }
    }
    if matches!(stmt, Stmt::Sleep(_) | Stmt::Yield | Stmt::Wait(_) | Stmt::Group(_) | Stmt::Timeout(..)) {
        trace(env, stmt);
    }
    Ok(())
}

fn trace(env: &Env, stmt: &Stmt) {
    if env.world.traced {
        env.world.log(&env.name, stmt.head());
    }
}

fn cancel(world: &World, name: &Name) {
    let task = lock(&world.tasks).get_mut(name).and_then(|entry| {
        if world.deviation == Some(Deviation::LostCancel) && !entry.begun {
            return None;
        }
        entry.cancelled = true;
        entry.task.clone()
    });
    if let Some(task) = task {
        task.cancel();
    }
}

async fn run_try(env: &Env, body: &Block, except: Option<&Block>, finally: Option<&Block>) -> Flow {
    let attempt = async {
        match (run_block(env.clone(), body.clone()).await, except) {
            (Err(Stop::Failed(failure)), Some(except)) => {
                env.world.log(&env.name, format!("caught {failure}"));
                run_block(env.clone(), except.clone()).await
            }
            (flow, _) => flow,
        }
    };
    let Some(finally) = finally else { return attempt.await };
    // A cleanup has no result. One that runs in its place gives its error to the block around it; one that runs after a
    // cut has only a panic to tell of it.
    let in_place = Arc::new(AtomicBool::new(false));
    let failed = Arc::new(Mutex::new(None));
    let guard = aio::defer((env.clone(), finally.clone()), {
        let (in_place, failed) = (in_place.clone(), failed.clone());
        move |(env, finally): (Env, Block)| -> Running<()> {
            Box::pin(async move {
                let (world, name) = (env.world.clone(), env.name.clone());
                if let Some(group) = &env.body_of
                    && !in_place.load(Ordering::Relaxed)
                {
                    group.settling.catch_up().await;
                }
                match run_block(env, finally).await {
                    Ok(()) | Err(Stop::Deadlock) => {}
                    Err(stop) if in_place.load(Ordering::Relaxed) => *lock(&failed) = Some(stop),
                    Err(Stop::Return(_)) => {}
                    Err(Stop::Failed(failure)) => {
                        world.end(&name, Ending::Failed(failure.clone()));
                        resume_unwind(Box::new(failure));
                    }
                }
            })
        }
    });
    let flow = attempt.await;
    let _until_cut = Reset(&in_place);
    in_place.store(true, Ordering::Relaxed);
    guard.run().await;
    match lock(&failed).take() {
        Some(stop) => Err(stop),
        None => flow,
    }
}

struct Reset<'a>(&'a AtomicBool);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn run_group(env: &Env, body: &Block) -> Flow {
    let group = TaskGroup::new();
    let settling = Arc::new(Settling::default());
    let this = Group { handle: group.handle(), settling: settling.clone() };
    let env = Env { group: Some(this.clone()), body_of: Some(this), ..env.clone() };
    let world = env.world.clone();
    let has_ended = AtomicBool::new(false);
    let body = Undisturbed::new(run_block(env, body.clone()));
    let body = async {
        let flow = body.await;
        has_ended.store(true, Ordering::Relaxed);
        match flow {
            Err(Stop::Failed(failure)) => Err(failure),
            flow => Ok(flow),
        }
    };
    let cut = aio::defer((world.clone(), settling.clone()), |(world, settling)| {
        let waited = *lock(&settling.alive) > 0;
        async move { drop(settling.settle(&world, waited).await) }
    });
    let mut waited = false;
    let mut run = pin!(group.run(body));
    let result = poll_fn(|cx| {
        let poll = run.as_mut().poll(cx);
        waited |= poll.is_pending() && has_ended.load(Ordering::Relaxed);
        poll
    });
    let result = result.await;
    settling.settle(&world, waited).await?;
    cut.disarm();
    if !has_ended.load(Ordering::Relaxed) {
        settling.catch_up().await;
    }
    match result {
        Ok(flow) => flow,
        Err(errors) => {
            let mut errors = errors.into_errors();
            if world.deviation == Some(Deviation::SwallowedSecondError) {
                errors.truncate(1);
            }
            Err(Stop::Failed(Failure::Group(errors)))
        }
    }
}

fn add_child(env: &Env, name: &Name, body: &Block) {
    let Some(Group { handle: group, settling }) = &env.group else { return };
    let newest = || aio::all_tasks().pop().filter(|task| Some(task.id()) != aio::current_task().map(|own| own.id()));
    let before = newest().map(|task| task.id());
    let child = Env { name: name.clone(), body_of: None, timeout: None, ..env.clone() };
    *lock(&settling.alive) += 1;
    // Also the last cleanup of a child that is cut, even before it has begun.
    let end = aio::defer(settling.clone(), async |settling| Settling::begin(settling));
    let child = run_task(child, body.clone());
    let child = group.try_spawn(async {
        let result = child.await;
        if result.is_err() {
            end.is_early.store(true, Ordering::Relaxed);
        }
        end.run().await;
        result
    });
    // A group that aborts does not start it. One that it starts is the newest of all tasks.
    let task = newest().filter(|task| Some(task.id()) != before);
    env.world.with_task(name, |entry| entry.task = task);
    drop(child);
}

async fn run_timeout(env: &Env, duration: u64, body: &Block) -> Flow {
    let moved = Arc::new(Mutex::new(None));
    let env = Env { timeout: Some(moved.clone()), ..env.clone() };
    let mut timeout = pin!(aio::timeout(ms(duration), run_block(env, body.clone())));
    let result = poll_fn(|cx| {
        let poll = timeout.as_mut().poll(cx);
        if poll.is_pending()
            && let Some(duration) = lock(&moved).take()
        {
            timeout.as_mut().reset(aio::now() + duration);
            // To be polled again, for the new deadline.
            cx.waker().wake_by_ref();
        }
        poll
    });
    match result.await {
        Ok(flow) => flow,
        Err(Elapsed) => Err(Stop::Failed(Failure::Timeout)),
    }
}

async fn run_gather(env: &Env, keep: bool, parts: &[(Name, Block)]) -> Flow {
    let parts = parts.iter().map(|(name, body)| {
        let env = Env { name: name.clone(), body_of: None, timeout: None, ..env.clone() };
        run_block(env, body.clone())
    });
    let parts = parts.collect::<Vec<_>>();
    let ending = |flow: Flow| match flow {
        Ok(()) => Ok(Ending::Done(None)),
        Err(Stop::Return(value)) => Ok(Ending::Done(Some(value))),
        Err(stop) => Err(stop),
    };
    let endings = if keep {
        let kept = aio::gather(parts).await.into_iter().map(|flow| match ending(flow) {
            Err(Stop::Failed(failure)) => Ok(Ending::Failed(failure)),
            other => other,
        });
        kept.collect::<Result<Vec<_>, _>>()?
    } else {
        let parts = parts.into_iter().map(|part| async move { ending(part.await) });
        aio::try_gather(parts.collect::<Vec<_>>()).await?
    };
    let endings: Vec<String> = endings.iter().map(|ending| show(Some(ending))).collect();
    env.world.log(&env.name, format!("gathered: {}", endings.join(", ")));
    Ok(())
}
