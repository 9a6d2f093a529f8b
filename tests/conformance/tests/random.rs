//! Random programs on asyncio and on `aio`.

use std::cell::{Cell, RefCell};

use aio_base::live::leak_check;
use aio_conformance::{Aio, Asyncio, Event, File, Order, Program, Scenario, Sort, programs};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// How many are run, of each sort.
fn count() -> u32 {
    std::env::var("AIO_CONFORMANCE_PROGRAMS").ok().map_or(1000, |count| count.parse().expect("a number"))
}

fn show(events: &[Event]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// What a machine without Python has instead: programs that are neither trivial nor long.
const RECORDED: usize = 60;

fn record(sort: Sort, order: Order, asyncio: &mut Asyncio) {
    let mut runner = TestRunner::deterministic();
    let mut file = File::new(&format!("recorded/{sort:?}.txt").to_lowercase(), order);
    while file.scenarios.len() < RECORDED {
        let program = programs(sort).new_tree(&mut runner).expect("the strategy rejects nothing").current();
        let events = asyncio.run(&program);
        if (10..30).contains(&events.len()) && program.to_string().lines().count() < 40 {
            let mut scenario = Scenario::new(format!("random {sort:?} {}", file.scenarios.len() + 1), program);
            scenario.asyncio = events;
            file.scenarios.push(scenario);
        }
    }
    file.save();
}

fn compare(sort: Sort, order: Order) {
    let Some(mut asyncio) = Asyncio::start() else {
        println!("no CPython of version 3.11.3 or later: no new random programs");
        return;
    };
    println!("{} runs the programs", asyncio.version());
    if sort == Sort::Groups && !asyncio.is_as_recorded() {
        println!("it prefers the error of a group to a cancellation: no new random programs with groups");
        return;
    }
    if std::env::var_os("AIO_CONFORMANCE_RECORD").is_some() {
        return record(sort, order, &mut asyncio);
    }
    let asyncio = RefCell::new(asyncio);
    let (ran, in_order, deadlocks, events) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config { cases: count(), failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&programs(sort), |program| {
        // What is printed of a program that fails is that program.
        assert_eq!(Program::parse(program.to_string().lines()).as_ref(), Ok(&program));
        let expected = asyncio.borrow_mut().run(&program);
        let got = leak_check(|| Aio::new().run(&program));
        ran.set(ran.get() + 1);
        in_order.set(in_order.get() + u32::from(expected == got));
        events.set(events.get() + expected.len());
        deadlocks.set(deadlocks.get() + u32::from(expected.last().is_some_and(|event| event.text == "deadlock")));
        if order.same(&expected, &got) { Ok(()) } else { Err(TestCaseError::fail(differ(&program, &expected, &got))) }
    });
    if let Err(error) = result {
        let why = match error {
            TestError::Fail(why, _) => why,
            TestError::Abort(why) => why,
        };
        panic!("{why}");
    }
    let (ran, in_order, deadlocks, events) = (ran.get(), in_order.get(), deadlocks.get(), events.get());
    println!("{sort:?}: {ran} programs with {events} events, {in_order} in exact order, {deadlocks} deadlocks");
    assert!(ran >= count());
}

fn differ(program: &Program, asyncio: &[Event], aio: &[Event]) -> String {
    format!("asyncio and aio differ\n{program}--- asyncio\n{}--- aio\n{}", show(asyncio), show(aio))
}

#[test]
fn random_tasks_do_the_same() {
    compare(Sort::Tasks, Order::Exact);
}

#[test]
fn random_timeouts_do_the_same() {
    compare(Sort::Timeouts, Order::Exact);
}

#[test]
fn random_groups_do_the_same() {
    compare(Sort::Groups, Order::ByInstant);
}
