//! Small programs in which one thing happens at every possible turn.

use aio_base::live::leak_check;
use aio_conformance::{Aio, Asyncio, Block, Event, Home, Program, Stmt};

const TURNS: usize = 6;

fn show(events: &[Event]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn block(stmts: impl IntoIterator<Item = Stmt>) -> Block {
    stmts.into_iter().collect()
}

fn yields(n: usize) -> impl Iterator<Item = Stmt> {
    std::iter::repeat_n(Stmt::Yield, n)
}

/// Runs `make` for all triples of small numbers. A task that logs each turn shows when everything happens.
fn at_all_moments(make: impl Fn(usize, usize, usize) -> Vec<Stmt>) {
    let Some(mut asyncio) = Asyncio::start() else {
        println!("no CPython of version 3.11.3 or later");
        return;
    };
    let mut failures = Vec::new();
    for (a, b, c) in (0..TURNS.pow(3)).map(|n| (n % TURNS, n / TURNS % TURNS, n / TURNS / TURNS)) {
        let turns = (0..4 * TURNS).flat_map(|turn| [Stmt::Log(turn.to_string()), Stmt::Yield]);
        let mut main = vec![Stmt::Spawn("turns".into(), block(turns))];
        main.extend(make(a, b, c));
        main.push(Stmt::Join("turns".into()));
        let program = Program { main: block(main), shielded: true, traced: false };
        for home in Home::ALL {
            let expected = asyncio.run(home, &program);
            let got = leak_check(|| Aio::new(home).run(&program));
            if expected != got {
                failures.push(format!("{program}--- asyncio\n{}--- aio, {home:?}\n{}", show(&expected), show(&got)));
            }
        }
    }
    let first = failures.first().cloned().unwrap_or_default();
    assert!(failures.is_empty(), "{first}\n{} programs differ", failures.len());
}

fn finally(stmts: impl IntoIterator<Item = Stmt>) -> Stmt {
    let cleanup = block([Stmt::Log("cleanup".to_owned())]);
    Stmt::Try { body: block(stmts), except: None, finally: Some(cleanup) }
}

#[test]
fn a_task_is_cancelled_at_every_turn_of_it_and_of_who_joins_it() {
    at_all_moments(|work, wait, cancel| {
        let joiner = yields(wait).chain([Stmt::Join("a".into())]);
        let mut main = vec![Stmt::Spawn("a".into(), block([finally(yields(work))]))];
        main.push(Stmt::Spawn("b".into(), block([finally(joiner)])));
        main.extend(yields(cancel));
        main.extend([Stmt::Cancel("a".into()), Stmt::Yield, Stmt::Cancel("b".into()), Stmt::Join("b".into())]);
        main
    });
}

#[test]
fn a_group_is_cancelled_at_every_turn_of_its_body_and_its_child() {
    at_all_moments(|body, child, cancel| {
        let child = Stmt::Child("c".into(), block([finally(yields(child))]));
        let group = Stmt::Group(std::iter::once(child).chain(yields(body)).collect());
        let mut main = vec![Stmt::Spawn("p".into(), block([group, Stmt::Log("after".to_owned())]))];
        main.extend(yields(cancel));
        main.extend([Stmt::Cancel("p".into()), Stmt::Join("p".into())]);
        main
    });
}

#[test]
fn a_child_fails_at_every_turn_of_its_sibling_while_the_body_waits() {
    at_all_moments(|failing, sibling, _| {
        let failing = yields(failing).chain([Stmt::Raise("x".to_owned())]);
        let sibling = yields(sibling);
        let body = [
            Stmt::Child("a".into(), block([finally(failing)])),
            Stmt::Child("b".into(), block([finally(sibling)])),
            finally([Stmt::Wait("never".into())]),
        ];
        let group = Stmt::Group(block(body));
        vec![Stmt::Spawn("p".into(), block([group])), Stmt::Join("p".into())]
    });
}

#[test]
fn a_holder_of_a_lock_and_those_in_line_are_cancelled_at_every_turn() {
    at_all_moments(|held, first, second| {
        let holder = |n| block([Stmt::Lock("l".into(), block(yields(n).chain([Stmt::Log("had it".to_owned())])))]);
        let mut main = vec![Stmt::Spawn("a".into(), holder(held)), Stmt::Spawn("b".into(), holder(1))];
        main.push(Stmt::Spawn("c".into(), holder(0)));
        main.extend(yields(first));
        main.push(Stmt::Cancel("b".into()));
        main.extend(yields(second));
        main.extend([Stmt::Cancel("a".into()), Stmt::Join("c".into())]);
        main
    });
}
