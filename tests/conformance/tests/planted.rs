//! What the suite is for: deliberate mistakes, and that it finds them.

use std::collections::BTreeSet;

use aio_base::live::leak_check;
use aio_conformance::{Aio, Deviation, Event, File, Home, Order, Program, Sort, programs};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// The programs of `folder` that do something else on `aio`.
fn failing(folder: &str, home: Home, aio: Aio) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in File::all(folder) {
        for scenario in &file.scenarios {
            let got: Vec<Event> = leak_check(|| aio.run(&scenario.program));
            if !file.order.same(scenario.expected(home), &got) {
                names.insert(scenario.name.clone());
            }
        }
    }
    names
}

/// Asserts that `deviation` makes scenarios fail that do not fail without it, `known` among them.
fn caught(deviation: Deviation, known: &str) {
    for home in Home::ALL {
        let aio = Aio::new(home);
        let caught_in = |folder| -> Vec<String> {
            let right = failing(folder, home, aio);
            failing(folder, home, aio.with(deviation)).difference(&right).cloned().collect()
        };
        let (scenarios, random) = (caught_in("scenarios"), caught_in("recorded"));
        println!("{deviation:?}, {home:?}: {} scenarios and {} random programs fail", scenarios.len(), random.len());
        println!("  {}", scenarios.join("\n  "));
        assert!(scenarios.iter().any(|name| name == known), "`{known}` does not fail");
    }
}

#[test]
fn waking_in_the_reverse_order_is_caught() {
    caught(Deviation::LifoWake, "an event wakes all who wait in their order");
}

#[test]
fn a_lost_cancel_is_caught() {
    caught(Deviation::LostCancel, "a task that is cancelled before its first turn never begins");
}

#[test]
fn a_swallowed_second_error_is_caught() {
    caught(Deviation::SwallowedSecondError, "two children fail in one turn and both are heard");
}

/// The program that a random test reports for `deviation`, always the same.
fn smallest(home: Home, deviation: Deviation) -> Program {
    let aio = Aio::new(home);
    let config = Config { cases: 2000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, rng).run(&programs(Sort::Tasks), |program| {
        let (right, wrong) = leak_check(|| (aio.run(&program), aio.with(deviation).run(&program)));
        if Order::Exact.same(&right, &wrong) { Ok(()) } else { Err(TestCaseError::fail("they differ")) }
    });
    match result {
        Err(TestError::Fail(_, program)) => program,
        other => panic!("{deviation:?} was not found: {other:?}"),
    }
}

#[test]
fn a_mistake_shrinks_to_a_program_that_can_be_read() {
    for home in Home::ALL {
        for deviation in [Deviation::LifoWake, Deviation::LostCancel] {
            let program = smallest(home, deviation);
            println!("{deviation:?}, {home:?}{program:?}");
            assert!(program.to_string().lines().count() <= 25, "{program:?}");
        }
    }
}
