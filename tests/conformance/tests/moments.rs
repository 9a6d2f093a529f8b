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

/// Somebody holds something, which `hold` makes of a block, and two are in line for it.
fn holder_and_line_are_cancelled(hold: impl Fn(Block) -> Stmt) {
    at_all_moments(|held, first, second| {
        let holder = |n| block([hold(block(yields(n).chain([Stmt::Log("had it".to_owned())])))]);
        let mut main = vec![Stmt::Spawn("a".into(), holder(held)), Stmt::Spawn("b".into(), holder(1))];
        main.push(Stmt::Spawn("c".into(), holder(0)));
        main.extend(yields(first));
        main.push(Stmt::Cancel("b".into()));
        main.extend(yields(second));
        main.extend([Stmt::Cancel("a".into()), Stmt::Join("c".into())]);
        main
    });
}

#[test]
fn a_holder_of_a_lock_and_those_in_line_are_cancelled_at_every_turn() {
    holder_and_line_are_cancelled(|body| Stmt::Lock("l".into(), body));
}

#[test]
fn a_holder_of_a_permit_and_those_in_line_are_cancelled_at_every_turn() {
    holder_and_line_are_cancelled(|body| Stmt::Permit("s".into(), body));
}

#[test]
fn one_who_waits_for_a_notification_is_cancelled_at_every_turn() {
    at_all_moments(|before, held, cancel| {
        let waiter = || block([Stmt::Condition("c".into(), block([Stmt::Notified, Stmt::Log("notified".to_owned())]))]);
        let notify = std::iter::once(Stmt::Notify(Some(1))).chain(yields(held));
        let notifier = yields(before).chain([Stmt::Condition("c".into(), notify.collect())]);
        let mut main = vec![Stmt::Spawn("a".into(), waiter()), Stmt::Spawn("b".into(), waiter())];
        main.push(Stmt::Spawn("n".into(), notifier.collect()));
        main.extend(yields(cancel));
        main.extend([Stmt::Cancel("a".into()), Stmt::Join("a".into()), Stmt::Join("n".into())]);
        main.extend([Stmt::Cancel("b".into()), Stmt::Join("b".into())]);
        main
    });
}

#[test]
fn a_barrier_is_reset_and_one_at_it_is_cancelled_at_every_turn() {
    at_all_moments(|arrival, reset, cancel| {
        let arrive = || Stmt::Try { body: block([Stmt::Arrive("b2".into())]), except: Some(block([])), finally: None };
        let mut main = vec![
            Stmt::Spawn("a".into(), block([arrive(), arrive()])),
            Stmt::Spawn("b".into(), yields(arrival).chain([arrive(), arrive()]).collect()),
            Stmt::Spawn("r".into(), yields(reset).chain([Stmt::Reset("b2".into())]).collect()),
        ];
        main.extend(yields(cancel));
        main.extend([Stmt::Cancel("a".into()), Stmt::Join("a".into()), Stmt::Join("r".into())]);
        main.extend([Stmt::Abort("b2".into()), Stmt::Join("b".into())]);
        main
    });
}

#[test]
fn a_putter_and_a_getter_are_cancelled_at_every_turn() {
    for queue in ["q1", "lifo1", "heap1"] {
        at_all_moments(|get, putter, getter| {
            let put = |value: &str| Stmt::Put(queue.into(), value.to_owned());
            let get = yields(get).chain([Stmt::Get(queue.into()), Stmt::Get(queue.into()), Stmt::Get(queue.into())]);
            let mut main = vec![
                put("0"),
                Stmt::Spawn("a".into(), block([put("2")])),
                Stmt::Spawn("b".into(), block([put("1")])),
                Stmt::Spawn("g".into(), get.collect()),
            ];
            main.extend(yields(putter));
            main.push(Stmt::Cancel("a".into()));
            main.extend(yields(getter));
            main.extend([Stmt::Cancel("g".into()), Stmt::Join("g".into()), Stmt::Take(queue.into())]);
            main
        });
    }
}
