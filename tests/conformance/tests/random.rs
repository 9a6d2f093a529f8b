//! Random programs on asyncio and on `aio`.

use std::cell::{Cell, RefCell};

use aio_base::live::leak_check;
use aio_conformance::{Aio, Asyncio, Event, File, Home, Order, Program, Scenario, Sort, programs};
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
        let events = asyncio.run(Home::Shared, &program);
        // The recorded logs serve both homes.
        if events != asyncio.run(Home::Local, &program) {
            continue;
        }
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
    let (ran, deadlocks, events) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let in_order = Home::ALL.map(|_| Cell::new(0));
    let config = Config { cases: count(), failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&programs(sort), |program| {
        // What is printed of a program that fails is that program.
        assert_eq!(Program::parse(program.to_string().lines()).as_ref(), Ok(&program));
        ran.set(ran.get() + 1);
        for (home, in_order) in Home::ALL.into_iter().zip(&in_order) {
            let mut expected = asyncio.borrow_mut().run(home, &program);
            let got = leak_check(|| Aio::new(home).run(&program));
            if !order.same(&expected, &got) {
                // Once in many thousand programs a task of asyncio's is gone that was there when asked again.
                expected = asyncio.borrow_mut().run(home, &program);
            }
            events.set(events.get() + expected.len());
            deadlocks.set(deadlocks.get() + u32::from(expected.last().is_some_and(|event| event.text == "deadlock")));
            in_order.set(in_order.get() + u32::from(expected == got));
            if !order.same(&expected, &got) {
                return Err(TestCaseError::fail(differ(home, &program, &expected, &got)));
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        let why = match error {
            TestError::Fail(why, _) => why,
            TestError::Abort(why) => why,
        };
        panic!("{why}");
    }
    let (ran, deadlocks, events) = (ran.get(), deadlocks.get(), events.get());
    println!("{sort:?}: {ran} programs; in both homes {events} events, {deadlocks} deadlocks");
    for (home, in_order) in Home::ALL.iter().zip(&in_order) {
        println!("  {home:?}: {} in exact order", in_order.get());
    }
    assert!(ran >= count());
}

fn differ(home: Home, program: &Program, asyncio: &[Event], aio: &[Event]) -> String {
    format!("asyncio and aio differ\n{program}--- asyncio\n{}--- aio, {home:?}\n{}", show(asyncio), show(aio))
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
