//! What is said of tasks that are stuck. (Who has a thing is known in builds with debug assertions.)
#![cfg(debug_assertions)]

use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex}; // facade: logs of tests
use std::task::Poll;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_base::waits::{self, Tracking};
use aio_core::{
    Builder, EventLoop, Task, TaskId, TaskRef, ThreadPark, VirtualTime, all_tasks, current_task, deadlock_report,
    local, yield_now,
};
use aio_group::{TaskGroup, Until, gather, race, wait};
use aio_sync::{Event, Lock, Queue, RwLock, RwLockUpgradableReadGuard, Semaphore, oneshot};
use aio_timer::{Timers, sleep, timeout};

type Parents = Arc<Mutex<HashMap<TaskId, TaskId>>>;

/// Runs `main` until it is stuck, and gives the report without its first line and with the lines of this file as `L`.
fn stuck<F: Future<Output = ()>>(main: impl Fn(Parents) -> F) -> String {
    let once = || leak_check(|| report_of(main(Parents::default()), &Parents::default()));
    let report = once();
    assert_eq!(once(), report, "it is the same each time");
    report
}

/// [`stuck`] with the tree that `main` tells.
fn stuck_tree<F: Future<Output = ()>>(main: impl FnOnce(Parents) -> F) -> String {
    let parents = Parents::default();
    leak_check(|| report_of(main(parents.clone()), &parents))
}

fn report_of(main: impl Future<Output = ()>, parents: &Parents) -> String {
    let _tracking = Tracking::begin();
    let report = Arc::new(Mutex::new(None));
    let ids = Arc::new(Mutex::new(Vec::new()));
    let (told, ids_told, parents) = (report.clone(), ids.clone(), parents.clone());
    let driver = VirtualTime::new(ThreadPark::new()).on_deadlock(move || {
        let tasks = all_tasks();
        let number = |id: TaskId| tasks.iter().position(|task| task.id() == id).map(|place| place + 1);
        let parent = |task: &TaskRef| parents.lock().unwrap().get(&task.id()).and_then(|parent| number(*parent));
        let text = deadlock_report(&tasks, &|task| number(task.id()).unwrap(), &parent);
        assert!(told.lock().unwrap().replace(text).is_none(), "the tasks do not end");
        ids_told.lock().unwrap().extend(tasks.iter().map(|task| task.id().get()));
        tasks.iter().for_each(TaskRef::cancel);
    });
    let run = || EventLoop::new(Timers::new(driver)).run(main);
    catch_unwind(AssertUnwindSafe(run)).expect_err("it was to be stuck");
    let report = report.lock().unwrap().take().expect("there was no deadlock");
    let left = waits::waits().among(ids.lock().unwrap().iter().copied());
    assert!(left.is_empty(), "they have ended: {left}");
    let (headline, rest) = report.split_once('\n').unwrap();
    assert_eq!(headline, "deadlock: no task can run, no timer is set, and nothing goes on outside");
    without_lines(rest)
}

fn without_lines(report: &str) -> String {
    let mut text = String::new();
    for (i, part) in report.split("(crates/aio-test/tests/deadlock.rs:").enumerate() {
        text += if i == 0 { part } else { part.split_once(')').map(|(_, rest)| rest).unwrap() };
        text += "(L)";
    }
    text.strip_suffix("(L)").unwrap().to_owned()
}

#[track_caller]
fn named(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Task<()> {
    Builder::new().name(name).spawn(work)
}

/// Takes one, lets others run, and takes the next.
async fn both(first: Arc<Lock<()>>, second: Arc<Lock<()>>) {
    let _first = first.lock().await;
    yield_now().await;
    let _second = second.lock().await;
}

fn locks<const N: usize>() -> [Arc<Lock<()>>; N] {
    std::array::from_fn(|_| Arc::new(Lock::new(())))
}

const HINT: &str = "hint: if a thread of your own is to wake a task, hold `aio_core::outside()` until it has done so\n";

#[test]
fn two_who_take_two_locks_in_opposite_order() {
    let report = stuck(async |_| {
        let [fork, knife] = locks();
        let plato = named("plato", both(fork.clone(), knife.clone()));
        let kant = named("kant", both(knife, fork));
        gather((plato, kant)).await;
    });
    assert_eq!(
        report,
        "  task 1 `main` (L) waits for the end of task 2 `plato`, and waits for the end of task 3 `kant`\n\
        \x20 task 2 `plato` (L) waits for Lock 1, which is held by task 3 `kant`\n\
        \x20 task 3 `kant` (L) waits for Lock 2, which is held by task 2 `plato`\n\
         cycle: task 2 `plato` waits for Lock 1, held by task 3 `kant`, which waits for Lock 2, held by task 2\n"
    );
}

#[test]
fn three_who_take_three_locks_in_a_ring() {
    let report = stuck(async |_| {
        let [a, b, c] = locks();
        let tasks =
            [(&a, &b), (&b, &c), (&c, &a)].map(|(first, second)| named("x", both(first.clone(), second.clone())));
        gather(tasks).await;
    });
    assert!(
        report.ends_with(
            "cycle: task 2 `x` waits for Lock 1, held by task 3 `x`, which waits for Lock 2, held by task 4 `x`, \
             which waits for Lock 3, held by task 2\n"
        ),
        "{report}"
    );
}

#[test]
fn one_who_takes_its_own_lock() {
    let report = stuck(async |_| {
        let lock = Lock::new(());
        let _held = lock.lock().await;
        let _again = lock.lock().await;
    });
    assert_eq!(
        report,
        "  task 1 `main` (L) waits for Lock 1, which is held by task 1 `main`\n\
         cycle: task 1 `main` waits for Lock 1, held by task 1\n"
    );
}

#[test]
fn one_who_awaits_another_who_waits_for_the_lock_of_the_first() {
    let expected = "  task 1 `main` (L) waits for the end of task 2 `b`\n\
        \x20 task 2 `b` (L) waits for Lock 1, which is held by task 1 `main`\n\
         cycle: task 1 `main` waits for the end of task 2 `b`, which waits for Lock 1, held by task 1\n";
    let b = |lock: Arc<Lock<()>>| async move { drop(lock.lock().await) };
    let by_handle = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        named("b", b(lock.clone())).await;
    });
    assert_eq!(by_handle, expected);
    let by_join = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        _ = named("b", b(lock.clone())).join().await;
    });
    assert_eq!(by_join, expected);
    let by_reference = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        let mut b = named("b", b(lock.clone()));
        (&mut b).await;
    });
    assert_eq!(by_reference, expected);
    let by_task_ref = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        let b = named("b", b(lock.clone()));
        b.task_ref().ended().await;
    });
    assert_eq!(by_task_ref, expected);
    let by_local = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        let lock = lock.clone();
        Builder::new().name("b").spawn_local(async move { drop(lock.lock().await) }).await;
    });
    assert_eq!(by_local, expected);
    let by_drop = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        let theirs = lock.clone();
        let cleanup = async move |()| drop(theirs.lock().await);
        let b = named("b", async move {
            let _cleanup = aio_core::defer((), cleanup);
            pending::<()>().await;
        });
        yield_now().await;
        // It is dropped here, and its scope is this task.
        drop(b);
        timeout(Duration::MAX, pending::<()>()).await.unwrap_err();
    });
    assert!(
        by_drop.contains("cycle: task 1 `main` waits for the end of task 2 `b`, which waits for Lock 1"),
        "{by_drop}"
    );
}

#[test]
fn those_who_await_each_other() {
    let report = stuck(async |_| {
        let (sender, receiver) = oneshot::channel::<TaskRef>();
        let a = named("a", async move { receiver.await.unwrap().ended().await });
        let other = a.task_ref();
        let b = named("b", async move { other.ended().await });
        sender.send(b.task_ref()).unwrap();
        gather((a, b)).await;
    });
    assert!(report.ends_with("cycle: task 2 `a` waits for the end of task 3 `b`, which waits for the end of task 2\n"));
}

#[test]
fn a_queue_into_which_nobody_puts() {
    let report = stuck(async |_| {
        let (queue, other) = (Arc::new(Queue::<u8>::unbounded()), Queue::bounded(1));
        let theirs = queue.clone();
        let task = named("getter", async move { _ = theirs.get().await });
        other.put(1).await.unwrap();
        gather((task, async { other.put(2).await.unwrap() }, async { queue.join().await })).await;
    });
    assert_eq!(
        report,
        "  task 1 `main` (L) waits for the end of task 2 `getter`, and waits for Queue 1 to put\n\
        \x20 task 2 `getter` (L) waits for Queue 2 to get\n"
    );
}

#[test]
fn a_child_of_a_group_that_does_not_end() {
    let report = stuck(async |_| {
        let [lock] = locks();
        let group = TaskGroup::new();
        let _held = lock.lock().await;
        group
            .join(async {
                let lock = lock.clone();
                _ = group.child().name("stuck").spawn(async move { drop(lock.lock().await) });
                _ = group.child().name("lost").spawn(pending::<()>());
            })
            .await;
    });
    assert_eq!(
        report,
        format!(
            "  task 1 `main` (L) waits for the end of task 2 `stuck` and task 3 `lost`\n\
            \x20 task 2 `stuck` (L) waits for Lock 1, which is held by task 1 `main`\n\
            \x20 task 3 `lost` (L) waits for something that this library does not know\n\
             cycle: task 1 `main` waits for the end of task 2 `stuck`, which waits for Lock 1, held by task 1\n\
             {HINT}"
        )
    );
}

#[test]
fn a_body_that_awaits_its_child_and_something_else() {
    let report = stuck(async |_| {
        let [lock] = locks();
        let (group, event) = (TaskGroup::new(), Event::new());
        let _held = lock.lock().await;
        group
            .join(async {
                let theirs = lock.clone();
                let child = group.child().name("c").spawn(async move { drop(theirs.lock().await) });
                race((child, async { event.wait().await })).await;
            })
            .await;
    });
    // That the event does not come is known, since nothing can happen any more.
    assert_eq!(
        report,
        "  task 1 `main` (L) waits for the end of task 2 `c`, and waits for Event 1\n\
        \x20 task 2 `c` (L) waits for Lock 1, which is held by task 1 `main`\n\
         cycle: task 1 `main` waits for the end of task 2 `c`, which waits for Lock 1, held by task 1\n"
    );
}

#[test]
fn two_readers_who_want_to_write() {
    let report = stuck(async |_| {
        let lock = Arc::new(RwLock::new(()));
        let theirs = lock.clone();
        let reader = named("reader", async move {
            let _read = theirs.read().await;
            yield_now().await;
            let _write = theirs.write().await;
        });
        let upgrader = named("upgrader", async move {
            let read = lock.upgradable_read().await;
            yield_now().await;
            let _write = RwLockUpgradableReadGuard::upgrade(read).await;
        });
        gather((reader, upgrader)).await;
    });
    let ring = "cycle: task 2 `reader` waits for RwLock 1, held by task 3 `upgrader`, \
                which waits for RwLock 1, held by task 2\n";
    assert!(report.ends_with(ring), "{report}");
    assert!(report.contains("task 2 `reader` (L) waits for RwLock 1 to write, which is held by task"), "{report}");
    assert!(report.contains("task 3 `upgrader` (L) waits for RwLock 1 to upgrade, which is held by task"), "{report}");
}

#[test]
fn a_semaphore_of_two_that_two_have() {
    let report = stuck(async |_| {
        let semaphore = Arc::new(Semaphore::new(2));
        let greedy = |name| {
            let semaphore = semaphore.clone();
            named(name, async move {
                let _one = semaphore.acquire().await;
                yield_now().await;
                let _another = semaphore.acquire().await;
            })
        };
        gather((greedy("a"), greedy("b"))).await;
    });
    assert!(
        report.contains("task 2 `a` (L) waits for Semaphore 1, which is held by task 2 `a` and task 3 `b`\n"),
        "{report}"
    );
    assert!(
        report.ends_with(
            "cycle: task 2 `a` waits for Semaphore 1, held by task 3 `b`, which waits for Semaphore 1, held by task 2\n"
        ),
        "{report}"
    );
}

/// The holder of one permit waits for what does not come, but for no permit.
#[test]
fn who_could_be_served_by_somebody_who_waits_for_something_else_is_in_no_ring() {
    let report = stuck(async |_| {
        let semaphore = Arc::new(Semaphore::new(2));
        let theirs = semaphore.clone();
        let idle = named("idle", async move {
            let _one = theirs.acquire().await;
            pending::<()>().await;
        });
        yield_now().await;
        let _other = semaphore.acquire().await;
        gather((idle, async { drop(semaphore.acquire().await) })).await;
    });
    assert!(report.contains("task 1 `main` (L) waits for the end of task 2 `idle`, and waits for Semaphore 1, which"));
}

#[test]
fn what_is_over_is_not_in_the_report() {
    let report = stuck(async |_| {
        let [lock] = locks();
        let event = Event::new();
        let quick = named("quick", sleep(Duration::from_secs(1)));
        let mut slow = named("slow", pending());
        // Given up at the deadline, and raced by what was faster.
        timeout(Duration::from_secs(2), &mut slow).await.unwrap_err();
        timeout(Duration::from_secs(2), event.wait()).await.unwrap_err();
        race((async { drop(lock.lock().await) }, async { event.wait().await }, sleep(Duration::from_secs(1)))).await;
        quick.await;
        wait(&mut vec![named("ended", async {})], Until::AllCompleted).await;
        pending::<()>().await;
    });
    let unknown = "waits for something that this library does not know";
    assert_eq!(report, format!("  task 1 `main` (L) {unknown}\n  task 2 `slow` (L) {unknown}\n{HINT}"));
}

/// There is no other turn in which it could be forgotten.
#[test]
fn what_was_polled_in_the_last_turn_and_is_gone_is_not_in_the_report() {
    let report = stuck(async |_| {
        let [lock] = locks();
        let mut left = named("left", pending());
        let ended = left.task_ref().ended();
        let (_sender, receiver) = oneshot::channel::<u8>();
        let held = lock.lock().await;
        yield_now().await;
        let mut futures = (
            Box::pin(sleep(Duration::from_secs(3600))),
            Box::pin(lock.lock()),
            Box::pin(receiver),
            Box::pin(ended),
            Box::pin(wait_for(&mut left)),
        );
        poll_fn(|cx| {
            assert!(futures.0.as_mut().poll(cx).is_pending());
            assert!(futures.1.as_mut().poll(cx).is_pending());
            assert!(futures.2.as_mut().poll(cx).is_pending());
            assert!(futures.3.as_mut().poll(cx).is_pending());
            assert!(futures.4.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(futures);
        left.detach();
        pending::<()>().await;
        drop(held);
    });
    let unknown = "waits for something that this library does not know";
    assert_eq!(report, format!("  task 1 `main` (L) {unknown}\n  task 2 `left` (L) {unknown}\n{HINT}"));
}

async fn wait_for(task: &mut Task<()>) {
    task.await;
}

/// It is polled by itself, in a set.
#[test]
fn a_child_in_place_that_is_not_polled_again_still_waits() {
    let report = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        let theirs = lock.clone();
        let mut other = named("other", async move { drop(theirs.lock().await) });
        let group = TaskGroup::new();
        group
            .join(async {
                _ = group.spawn_scoped(async { wait_for(&mut other).await });
                _ = group.spawn_scoped(async {
                    for _ in 0..3 {
                        sleep(Duration::from_secs(1)).await;
                    }
                });
            })
            .await;
    });
    assert_eq!(
        report,
        "  task 1 `main` (L) waits for the end of task 2 `other`\n\
        \x20 task 2 `other` (L) waits for Lock 1, which is held by task 1 `main`\n\
         cycle: task 1 `main` waits for the end of task 2 `other`, which waits for Lock 1, held by task 1\n"
    );
}

#[test]
fn a_sleep_without_end_and_a_message_that_does_not_come() {
    let report = stuck(async |_| {
        let (_sender, receiver) = oneshot::channel::<u8>();
        let never = named("never", sleep(Duration::MAX));
        let waits = named("waits", async move { _ = receiver.await });
        gather((never, waits)).await;
    });
    assert!(report.contains("task 2 `never` (L) waits for ever\n"), "{report}");
    assert!(report.contains("task 3 `waits` (L) waits for oneshot 1\n"), "{report}");
}

/// More than thirty-two are each polled when they are woken only.
#[test]
fn one_of_many_that_is_not_polled_again_still_waits() {
    let report = stuck(async |_| {
        let [lock] = locks();
        let _held = lock.lock().await;
        let work = |i| {
            let lock = lock.clone();
            named("w", async move {
                if i == 7 {
                    drop(lock.lock().await);
                }
                sleep(Duration::from_secs(i)).await;
            })
        };
        gather((0..40).map(work).collect::<Vec<_>>()).await;
    });
    assert_eq!(
        report,
        "  task 1 `main` (L) waits for the end of task 2 `w`\n\
        \x20 task 2 `w` (L) waits for Lock 1, which is held by task 1 `main`\n\
         cycle: task 1 `main` waits for the end of task 2 `w`, which waits for Lock 1, held by task 1\n"
    );
}

#[test]
fn a_task_stands_below_its_parent() {
    fn below(parents: &Parents, parent: &TaskRef, child: &TaskRef) {
        parents.lock().unwrap().insert(child.id(), parent.id());
    }
    let report = stuck_tree(async |parents: Parents| {
        let main = current_task().unwrap();
        let inner = parents.clone();
        let first = local::spawn(async move {
            let this = current_task().unwrap();
            let leaf = named("leaf", pending());
            below(&inner, &this, &leaf.task_ref());
            leaf.await;
        });
        let second = named("second", pending());
        below(&parents, &main, &first.task_ref());
        below(&parents, &main, &second.task_ref());
        gather((first, second)).await;
    });
    let unknown = "waits for something that this library does not know";
    assert_eq!(
        report,
        format!(
            "  task 1 `main` (L) waits for the end of task 2, and waits for the end of task 3 `second`\n\
            \x20   task 2 (L) waits for the end of task 4 `leaf`\n\
            \x20     task 4 `leaf` (L) {unknown}\n\
            \x20   task 3 `second` (L) {unknown}\n\
             {HINT}"
        )
    );
}

/// The table is that of the process.
#[test]
fn loops_that_are_stuck_at_the_same_time_are_told_apart() {
    let one = || -> String {
        report_of(
            async {
                let [a, b] = locks();
                gather((named("x", both(a.clone(), b.clone())), named("y", both(b, a)))).await;
            },
            &Parents::default(),
        )
    };
    leak_check(|| {
        let others = move || (0..20).map(|_| one()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(others)).collect();
        let alone = one();
        for thread in threads {
            assert!(thread.join().unwrap().iter().all(|report| *report == alone));
        }
    });
}

#[test]
fn who_was_served_waits_no_more_though_it_has_yet_to_run() {
    let tracking = Tracking::begin();
    leak_check(|| {
        aio_core::run(async {
            let queue = Arc::new(Queue::unbounded());
            let theirs = queue.clone();
            let getter = aio_core::spawn(async move { theirs.get().await.unwrap() });
            yield_now().await;
            let waits = || waits::waits().of_task(getter.id().get()).count();
            assert_eq!(waits(), 1);
            queue.try_put(1).unwrap();
            assert_eq!(waits(), 0);
            assert_eq!(getter.await, 1);
        });
    });
    drop(tracking);
}
