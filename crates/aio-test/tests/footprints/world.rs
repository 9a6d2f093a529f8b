//! One run of a program: two steps, in one order or the other.

use std::rc::Rc;

use aio_base::{Home, footprint};
use aio_core::{EventLoop, ThreadPark, VirtualTime, yield_now};
use aio_timer::Timers;

use crate::actor::{Actor, Kind};
use crate::channels::{self, Ends};
use crate::locks::{self, Locks};
use crate::tasks::{self, Tasks};

/// What there is to use.
pub(crate) struct World<H: Home> {
    pub(crate) locks: Locks<H>,
    pub(crate) tasks: Tasks,
}

/// One thing to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// Begin with something, of one of the two topics.
    Begin(bool, usize),
    GoOn(usize),
    LetGo(usize),
}

/// Two steps, and how it came to where they are made.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) topics: [usize; 2],
    pub(crate) setup: Vec<(usize, Op)>,
    pub(crate) steps: [Vec<Op>; 2],
}

/// What came of a run.
pub(crate) struct Ran {
    /// Of the steps of the first two actors.
    pub(crate) footprints: [Vec<usize>; 2],
    /// All that can be seen of what they did.
    pub(crate) seen: String,
}

/// What there is to do, by topic.
pub(crate) fn topics<H: Home>() -> Vec<(&'static str, Vec<Kind<H>>)> {
    vec![
        ("lock", locks::lock()),
        ("rwlock", locks::rwlock()),
        ("once_cell", locks::once_cell()),
        ("event", locks::event()),
        ("condition", locks::condition()),
        ("semaphore", locks::semaphore()),
        ("limiter", locks::limiter()),
        ("barrier", locks::barrier()),
        ("latch", locks::latch()),
        ("notify", locks::notify()),
        ("queue", locks::queue()),
        ("sender", channels::sender()),
        ("receiver", channels::receiver()),
        ("oneshot", channels::oneshot_kinds()),
        ("watch", channels::watch_kinds()),
        ("broadcast", channels::broadcast_kinds()),
        ("pipe", channels::pipe()),
        ("local task", tasks::local_task()),
        ("shared task", tasks::shared_task()),
        ("loop", tasks::the_loop()),
        ("scope", tasks::scope()),
        ("group", tasks::group()),
        ("in place", tasks::in_place()),
    ]
}

impl Program {
    /// Runs it; `first` of the two makes its step before the other.
    pub(crate) fn run<H: Home>(&self, first: usize) -> Ran {
        let topics = topics::<H>();
        let event_loop = EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new())));
        event_loop.run(async move {
            let (tasks, owned) = Tasks::new();
            let world = Rc::new(World { locks: Locks::new(), tasks });
            let mut parts = Ends::of_three().into_iter().zip(owned);
            let actors = [0, 1, 2].map(|name| {
                let (ends, owned) = parts.next().unwrap();
                Actor::<H>::new(name, ends, owned)
            });
            drop(parts);
            // The tasks begin.
            yield_now().await;
            let act = |actor: &Rc<Actor<H>>, op: Op| match op {
                Op::Begin(is_second, kind) => {
                    let kinds = &topics[self.topics[usize::from(is_second)] % topics.len()].1;
                    actor.begin(&kinds[kind % kinds.len()], &world);
                }
                Op::GoOn(index) => actor.go_on(index),
                Op::LetGo(index) => actor.let_go(index),
            };
            for (name, op) in &self.setup {
                actors[*name].enter();
                act(&actors[*name], *op);
            }
            actors.iter().for_each(|actor| actor.log("---"));
            let mut footprints = [Vec::new(), Vec::new()];
            for name in [first, 1 - first] {
                footprint::record(true);
                actors[name].enter();
                self.steps[name].iter().for_each(|op| act(&actors[name], *op));
                footprint::record(false);
                footprints[name] = footprint::take();
            }
            let seen = observe(&world, &actors).await;
            Ran { footprints, seen }
        })
    }
}

/// What can be seen, and what comes of it in the end.
async fn observe<H: Home>(world: &World<H>, actors: &[Rc<Actor<H>>]) -> String {
    let woken: Vec<_> = actors.iter().map(|actor| actor.is_woken()).collect();
    let mut looks = vec![format!("woken: {woken:?}"), world.locks.look(), world.tasks.look()];
    let all_go_on = || {
        for actor in actors {
            (0..actor.n_deeds()).for_each(|index| actor.go_on(index));
        }
    };
    for _ in 0..3 {
        yield_now().await;
    }
    looks.push(world.tasks.look());
    // Whoever has something lets it go after a while.
    (0..2).for_each(|_| all_go_on());
    looks.push(world.locks.look());
    for actor in actors {
        for index in 0..actor.n_deeds() {
            actor.let_go(index);
            all_go_on();
        }
    }
    looks.push(world.locks.look());
    world.tasks.finish();
    for _ in 0..3 {
        yield_now().await;
    }
    looks.push(world.tasks.look());
    let stories = actors.iter().map(|actor| format!("actor {}\n    {}", actor.name, actor.story()));
    stories.chain(looks).collect::<Vec<_>>().join("\n")
}
