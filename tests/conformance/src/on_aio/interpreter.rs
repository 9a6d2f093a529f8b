//! What each statement of the task language is on `aio`, in whichever home: the module above says in which.
//!
//! Each statement is what a user of `aio` would write for it; `finally` is [`defer`]. Where asyncio takes a turn of the
//! loop that `aio` does not, it is taken here as well: see [`hops`](crate::on_aio::hops), and only there.

mod queue;
mod sync;
mod world;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio::{Elapsed, TaskRef};
use aio_core::{EventLoop, ThreadPark, VirtualTime};
use aio_timer::Timers;

use self::world::World;
use super::{GroupHandle, Ref, Running, Task, TaskGroup, defer, shield, spawn_named};
use crate::on_aio::hops::{Body, Settling, last_turn, undisturbed};
use crate::on_aio::outcome::{Ending, Failure, Flow, Stop, show};
use crate::on_aio::record::Record;
use crate::on_aio::{Deviation, lock};
use crate::program::{Block, Event, Name, Program, Stmt, Until};

/// Runs `program`.
pub(in crate::on_aio) fn run(program: &Program, deviation: Option<Deviation>) -> Vec<Event> {
    let record = Arc::new(Record::default());
    let world = Ref::new(World::new(program.traced, deviation, record.clone()));
    let driver = VirtualTime::new(ThreadPark::new()).on_deadlock(move || record.stop());
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
    world.finish()
}

/// The innermost group.
#[derive(Clone)]
struct Group {
    handle: GroupHandle<'static, Failure>,
    settling: Arc<Settling>,
}

/// Where a statement stands.
#[derive(Clone)]
struct Env {
    world: Ref<World>,
    name: Name,
    group: Option<Group>,
    /// The group in whose body this is, if it is in this task.
    body_of: Option<Group>,
    timeout: Option<Ref<Mutex<Option<Duration>>>>,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn run_main(world: Ref<World>, main: Block) {
    world.begin();
    let name: Name = "main".into();
    world.with_task(&name, |entry| entry.task = aio::current_task());
    let env = Env { world, name, group: None, body_of: None, timeout: None };
    drop(run_task(env, main).await);
    last_turn().await;
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
            let task = spawn_named(name, async { body.await.map_err(drop) });
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
                world.log_ending(me, name);
            }
        }
        Stmt::Own(name) => {
            let owner = lock(&world.tasks).get_mut(name).and_then(|entry| entry.owner.take());
            if let Some(owner) = owner {
                drop(world.wait(owner.join()).await?);
                world.log_ending(me, name);
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
                let place = Ref::new(super::Event::new());
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
        Stmt::Permit(name, body) => return sync::run_permit(env, name, body).await,
        Stmt::Release(name) => world.semaphore(name).add_permits(1),
        Stmt::Condition(name, body) => return sync::run_condition(env, name, body).await,
        Stmt::Notified | Stmt::AtLeast(_) | Stmt::Add(_) | Stmt::Notify(_) => {
            panic!("`{}` does not stand directly in the block of a condition", stmt.head())
        }
        Stmt::Arrive(name) => sync::arrive(env, name).await?,
        Stmt::Reset(name) => world.barrier(name).reset(),
        Stmt::Abort(name) => world.barrier(name).abort(),
        Stmt::Group(body) => run_group(env, body).await?,
        Stmt::Child(name, body) => add_child(env, name, body),
        Stmt::Timeout(duration, body) => run_timeout(env, *duration, body).await?,
        Stmt::Reschedule(duration) => {
            if let Some(timeout) = &env.timeout {
                *lock(timeout) = Some(ms(*duration));
            }
        }
        Stmt::Gather { keep, parts } => run_gather(env, *keep, parts).await?,
        Stmt::Race(parts) => {
            let ending = ending(aio::race(futures(env, parts)).await)?;
            world.log(me, format!("first: {}", show(Some(&ending))));
        }
        Stmt::AsCompleted(parts) => {
            let mut flows = aio::as_completed(futures(env, parts));
            while let Some(flow) = flows.next().await {
                let ending = keep(flow)?;
                world.log(me, format!("completed: {}", show(Some(&ending))));
            }
        }
        Stmt::Await(until, names) => run_await(env, *until, names).await?,
        Stmt::Put(name, value) => world.wait(world.queue(name).put(value.clone())).await??,
        Stmt::Get(name) => {
            let value = world.wait(world.queue(name).get()).await??;
            world.log(me, format!("got {value}"));
        }
        Stmt::Offer(name, value) => {
            if !world.queue(name).offer(value.clone())? {
                world.log(me, format!("{name} is full"));
            }
        }
        Stmt::Take(name) => {
            let value = world.queue(name).take()?;
            world.log(me, value.map_or("got nothing".to_owned(), |value| format!("got {value}")));
        }
        Stmt::Done(name) => world.queue(name).task_done(),
        Stmt::AllDone(name) => world.wait(world.queue(name).join()).await?,
        Stmt::Shutdown { queue, now } => world.queue(queue).shut_down(*now),
        Stmt::Shield(name, body) => {
            let env = Env { name: name.clone(), body_of: None, timeout: None, ..env.clone() };
            let shielded = shield(run_block(env, body.clone()));
            return shielded.await;
        }
    }
    match stmt {
        Stmt::Sleep(_) | Stmt::Yield | Stmt::Wait(_) | Stmt::Group(_) | Stmt::Timeout(..) => trace(env, stmt),
        Stmt::Put(..) | Stmt::AllDone(_) => trace(env, stmt),
        _ => {}
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
    let in_place = Ref::new(AtomicBool::new(false));
    let failed = Ref::new(Mutex::new(None));
    let guard = defer((env.clone(), finally.clone()), {
        let (in_place, failed) = (in_place.clone(), failed.clone());
        move |(env, finally): (Env, Block)| -> Running<()> {
            Box::pin(async move {
                let (world, name, group) = (env.world.clone(), env.name.clone(), env.group.clone());
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
                        if let Some(group) = group {
                            group.settling.fail();
                        }
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
    let run = |body: Body<_>| {
        group.run(async {
            let flow = body.await;
            has_ended.store(true, Ordering::Relaxed);
            match flow {
                Err(Stop::Failed(failure)) => Err(failure),
                flow => Ok(flow),
            }
        })
    };
    let cut = aio::defer((world.record.clone(), settling.clone()), |(record, settling)| {
        let waited = *lock(&settling.alive) > 0;
        async move { drop(settling.settle(&record, waited).await) }
    });
    let (result, waited) = undisturbed(&settling, run, run_block(env, body.clone())).await;
    settling.settle(&world.record, waited).await?;
    cut.disarm();
    if !waited && !has_ended.load(Ordering::Relaxed) {
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
    let child = Env { name: name.clone(), body_of: None, timeout: None, ..env.clone() };
    *lock(&settling.alive) += 1;
    // Also the last cleanup of a child that is cut, even before it has begun.
    let end = aio::defer(settling.clone(), async |settling| Settling::begin(settling));
    let child = run_task(child, body.clone());
    let last = aio::all_tasks().last().map(TaskRef::id);
    let child = group.child().name(&**name).try_spawn(async {
        let result = child.await;
        if result.is_err() {
            end.fail();
        }
        end.run().await;
        result
    });
    // A group that aborts does not start it, but what the child leaves may be a task.
    let mut started = aio::all_tasks().into_iter().filter(|task| Some(task.id()) > last);
    let task = started.find(|task| task.name() == Some(name));
    env.world.with_task(name, |entry| entry.task = task);
    drop(child);
}

async fn run_timeout(env: &Env, duration: u64, body: &Block) -> Flow {
    let moved = Ref::new(Mutex::new(None));
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

/// The parts of a combinator.
fn futures(env: &Env, parts: &[(Name, Block)]) -> Vec<Running<Flow>> {
    let future = |(name, body): &(Name, Block)| {
        let env = Env { name: name.clone(), body_of: None, timeout: None, ..env.clone() };
        run_block(env, body.clone())
    };
    parts.iter().map(future).collect()
}

/// What a part gave.
fn ending(flow: Flow) -> Result<Ending, Stop> {
    match flow {
        Ok(()) => Ok(Ending::Done(None)),
        Err(Stop::Return(value)) => Ok(Ending::Done(Some(value))),
        Err(stop) => Err(stop),
    }
}

/// What a part gave, be it an error.
fn keep(flow: Flow) -> Result<Ending, Stop> {
    match ending(flow) {
        Err(Stop::Failed(failure)) => Ok(Ending::Failed(failure)),
        ending => ending,
    }
}

async fn run_gather(env: &Env, keeps: bool, parts: &[(Name, Block)]) -> Flow {
    let parts = futures(env, parts);
    let endings = if keeps {
        aio::gather(parts).await.into_iter().map(keep).collect::<Result<Vec<_>, _>>()?
    } else {
        let parts = parts.into_iter().map(|part| async move { ending(part.await) });
        aio::try_gather(parts.collect::<Vec<_>>()).await?
    };
    let endings: Vec<String> = endings.iter().map(|ending| show(Some(ending))).collect();
    env.world.log(&env.name, format!("gathered: {}", endings.join(", ")));
    Ok(())
}

async fn run_await(env: &Env, until: Until, names: &[Name]) -> Flow {
    let world = &env.world;
    let owned = |name: &Name| lock(&world.tasks).get_mut(name).and_then(|entry| entry.owner.take());
    let mut tasks = Borrowed { world, tasks: names.iter().filter_map(owned).collect() };
    let until = match until {
        Until::First => aio::Until::FirstCompleted,
        Until::Failed => aio::Until::FirstFailed,
        Until::All => aio::Until::AllCompleted,
    };
    let ended = world.wait(aio::try_wait(&mut tasks.tasks, until)).await?;
    let ended: Vec<&str> = ended.iter().filter_map(|task| task.name()).collect();
    world.log(&env.name, format!("have ended: {}", ended.join(", ")));
    Ok(())
}

/// Tasks that have not ended still belong to the program.
struct Borrowed<'a> {
    world: &'a World,
    tasks: Vec<Task<Result<(), ()>>>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        for task in self.tasks.drain(..) {
            if let Some(name) = task.name().map(Name::from) {
                self.world.with_task(&name, |entry| entry.owner = Some(task));
            }
        }
    }
}
