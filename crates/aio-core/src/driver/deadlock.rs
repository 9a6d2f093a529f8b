//! What there is to say of tasks that can never go on.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use aio_base::host::TaskLabel;
use aio_base::waits::{self, Report, Who};

use crate::TaskRef;

/// The text of a deadlock: these tasks are stuck, and nothing will happen that could change it. For drivers, and for
/// what runs tests.
///
/// The first line is the headline; then there is a line for each task, with its name, its number, the line that spawned
/// it, what it waits for and who has that; those who wait for each other are named in the end, in a line for each ring.
/// A task stands below its `parent`, if it has one among them. Names are made of what `number` gives, and the things
/// that are waited for are numbered as they come, so that the text has neither addresses nor numbers of the process in
/// it, and the same run gives the same text.
///
/// What they wait for is known while that is [tracked](aio_base::waits::track), and who has it in builds with debug
/// assertions. Tasks that have ended are left out.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark, VirtualTime, all_tasks, deadlock_report, spawn};
/// use std::future::pending;
///
/// let _tracking = aio_base::waits::Tracking::begin();
/// let driver = VirtualTime::new(ThreadPark::new()).on_deadlock(|| {
///     let tasks = all_tasks();
///     let number = |task: &_| tasks.iter().position(|other| other.id() == aio_core::TaskRef::id(task)).unwrap() + 1;
///     let report = deadlock_report(&tasks, &number, &|_| None);
///     assert!(report.contains("task 2 ("), "{report}");
///     assert!(report.contains("waits for something that this library does not know"), "{report}");
///     tasks[1].cancel();
/// });
/// EventLoop::new(driver).run(async {
///     assert!(spawn(pending::<()>()).join().await.unwrap_err().is_cancelled());
/// });
/// ```
pub fn deadlock_report(
    tasks: &[TaskRef],
    number: &dyn Fn(&TaskRef) -> usize,
    parent: &dyn Fn(&TaskRef) -> Option<usize>,
) -> String {
    let mut stuck: Vec<Stuck> = tasks
        .iter()
        .filter(|task| !task.is_finished())
        .map(|task| Stuck { number: number(task), parent: parent(task), label: task.label() })
        .collect();
    stuck.sort_by_key(|task| task.number);
    let names: HashMap<u64, &Stuck> = stuck.iter().map(|task| (task.label.id, task)).collect();
    let known = |who: &Who| who.task_id().and_then(|id| names.get(&id));
    let name = |who: &Who| known(who).map_or_else(|| stranger(who), |task| task.name());
    let again = |who: &Who| known(who).map_or_else(|| stranger(who), |task| format!("task {}", task.number));
    let waits = waits::waits().among(stuck.iter().map(|task| task.label.id));
    let report = waits.report(&name);

    let mut text = "deadlock: no task can run, no timer is set, and nothing goes on outside\n".to_owned();
    let mut hints = Hints::default();
    for (depth, task) in tree(&stuck) {
        let what = what(&report, &waits, task, &mut hints);
        let (file, line) = (task.label.spawned_at.file(), task.label.spawned_at.line());
        // (Writing to a string does not fail.)
        let _ = writeln!(text, "{:width$}{} ({file}:{line}) {what}", "", task.name(), width = 2 + 2 * depth);
    }
    for cycle in report.cycles(true, &again) {
        let _ = writeln!(text, "cycle: {cycle}");
    }
    text + &hints.to_string()
}

/// One of those who are stuck.
struct Stuck {
    number: usize,
    parent: Option<usize>,
    label: TaskLabel,
}

impl Stuck {
    fn name(&self) -> String {
        match &self.label.name {
            Some(name) => format!("task {} `{name}`", self.number),
            None => format!("task {}", self.number),
        }
    }
}

/// Somebody who is not among them.
fn stranger(who: &Who) -> String {
    match who {
        Who::Task(label) => {
            let (file, line) = (label.spawned_at.file(), label.spawned_at.line());
            match &label.name {
                Some(name) => format!("the task `{name}` ({file}:{line}), which has ended or is of another loop"),
                None => format!("a task ({file}:{line}) that has ended or is of another loop"),
            }
        }
        Who::Thread(label) => match &label.name {
            Some(name) => format!("the thread `{name}`"),
            None => "a thread".to_owned(),
        },
        _ => "somebody".to_owned(),
    }
}

/// The tasks with their depths, each behind its parent.
fn tree(tasks: &[Stuck]) -> Vec<(usize, &Stuck)> {
    let numbers: HashSet<usize> = tasks.iter().map(|task| task.number).collect();
    let mut children: HashMap<Option<usize>, Vec<&Stuck>> = HashMap::new();
    for task in tasks {
        // Who comes before its parent would not be reached.
        let parent = task.parent.filter(|parent| *parent < task.number && numbers.contains(parent));
        children.entry(parent).or_default().push(task);
    }
    let mut order = Vec::with_capacity(tasks.len());
    let mut next: Vec<_> = children.get(&None).into_iter().flatten().rev().map(|task| (0, *task)).collect();
    while let Some((depth, task)) = next.pop() {
        order.push((depth, task));
        next.extend(children.get(&Some(task.number)).into_iter().flatten().rev().map(|child| (depth + 1, *child)));
    }
    order
}

/// What it waits for.
fn what(report: &Report<'_>, waits: &waits::Waits, task: &Stuck, hints: &mut Hints) -> String {
    let mut parts: Vec<String> = Vec::new();
    for wait in waits.of_task(task.label.id) {
        hints.holders |= !waits::HOLDERS;
        let part = report.describe(wait);
        // Many parts of a task may wait for the same.
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        hints.unknown |= waits::is_tracked();
        hints.untracked |= !waits::is_tracked();
        return "waits for something that this library does not know".to_owned();
    }
    parts.join(", and ")
}

/// What would help to know more.
#[derive(Default)]
struct Hints {
    /// Somebody waits for something unknown.
    unknown: bool,
    untracked: bool,
    holders: bool,
}

impl std::fmt::Display for Hints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.unknown {
            f.write_str(
                "hint: if a thread of your own is to wake a task, hold `aio_core::outside()` until it has done so\n",
            )?;
        }
        if self.untracked {
            f.write_str("hint: what tasks wait for is known if that is tracked: `aio_base::waits::track(true)`\n")?;
        }
        if self.holders {
            f.write_str("hint: who has a thing is known in builds with debug assertions\n")?;
        }
        Ok(())
    }
}
