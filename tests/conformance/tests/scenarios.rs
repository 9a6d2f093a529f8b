//! The written scenarios, and the random programs that were recorded, on asyncio and on `aio`.

use std::fmt::Write;

use aio_base::live::leak_check;
use aio_conformance::{Aio, Asyncio, Event, File, Home, Scenario};

/// Where programs with logs are.
const FOLDERS: [&str; 2] = ["scenarios", "recorded"];

fn show(events: &[Event]) -> String {
    events.iter().fold(String::new(), |mut text, event| {
        writeln!(text, "{event}").unwrap();
        text
    })
}

fn report(file: &File, scenario: &Scenario, wanted: (&str, &[Event]), got: (&str, &[Event])) -> String {
    let Scenario { name, program, .. } = scenario;
    let (topic, order) = (file.topic(), file.order);
    let wanted = format!("--- {} ({order})\n{}", wanted.0, show(wanted.1));
    format!("{topic}: === {name}\n{program}{wanted}--- {}\n{}", got.0, show(got.1))
}

#[track_caller]
fn assert_none(reports: &[String], what: &str) {
    assert!(reports.is_empty(), "{}\n{} {what}", reports.join("\n"), reports.len());
}

#[test]
fn aio_does_what_asyncio_does_in_both_homes() {
    let mut reports = Vec::new();
    let files: Vec<File> = FOLDERS.iter().flat_map(|folder| File::all(folder)).collect();
    for home in Home::ALL {
        let mut in_order = 0;
        let mut count = 0;
        for (file, scenario) in files.iter().flat_map(|file| file.scenarios.iter().map(move |is| (file, is))) {
            let expected = scenario.expected(home);
            let got = leak_check(|| Aio::new(home).run(&scenario.program));
            if !file.order.same(expected, &got) {
                reports.push(report(file, scenario, ("expected", expected), (&format!("aio, {home:?}"), &got)));
            }
            in_order += usize::from(expected == got);
            count += 1;
        }
        println!("{home:?}: {count} programs, {in_order} of them in exact order");
    }
    assert_none(&reports, "programs do something else on aio");
}

#[test]
fn there_are_at_least_a_hundred_scenarios_each_with_a_name_of_its_own() {
    let files = File::all("scenarios");
    let mut names: Vec<&str> = files.iter().flat_map(|file| &file.scenarios).map(|s| s.name.as_str()).collect();
    for file in &files {
        let differ = file.scenarios.iter().filter(|scenario| scenario.differs.is_some()).count();
        let locally = file.scenarios.iter().filter(|scenario| scenario.differs_locally.is_some()).count();
        let (topic, count, order) = (file.topic(), file.scenarios.len(), file.order);
        println!("{topic}: {count} scenarios, {differ} of them differ, {locally} in the local home alone ({order})");
    }
    let count = names.len();
    println!("{count} scenarios");
    assert!(count >= 100, "{count} scenarios");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two scenarios have one name");
}

#[test]
fn a_file_is_written_as_it_was_read() {
    for file in FOLDERS.iter().flat_map(|folder| File::all(folder)) {
        assert!(file.is_as_written(), "{} is laid out otherwise", file.topic());
    }
}

#[test]
fn a_difference_is_one_and_has_a_reason() {
    for file in FOLDERS.iter().flat_map(|folder| File::all(folder)) {
        for scenario in &file.scenarios {
            let name = &scenario.name;
            assert!(!scenario.asyncio.is_empty(), "`{name}` has no recorded log");
            let elsewhere = scenario.expected(Home::Shared);
            for (differs, other) in [(&scenario.differs, &scenario.asyncio[..]), (&scenario.differs_locally, elsewhere)]
            {
                if let Some((why, log)) = differs {
                    assert!(why.len() > 20, "`{name}` gives no reason");
                    assert!(!file.order.same(log, other), "`{name}` does not differ");
                }
            }
        }
    }
}

/// Which of the two stands for asyncio here: a CPython of this machine, or its recorded logs.
#[test]
fn the_recorded_logs_are_what_asyncio_gives() {
    let Some(mut asyncio) = Asyncio::start() else {
        println!("no CPython of version 3.11.3 or later: the recorded logs stand for asyncio");
        return;
    };
    println!("{} runs the programs", asyncio.version());
    let record = std::env::var_os("AIO_CONFORMANCE_RECORD").is_some();
    let mut reports = Vec::new();
    for mut file in FOLDERS.iter().flat_map(|folder| File::all(folder)) {
        if !asyncio.is_new_enough_for(&file) || (record && !asyncio.records(&file)) {
            println!("{}: its recorded logs stand for asyncio", file.topic());
            continue;
        }
        for index in 0..file.scenarios.len() {
            let got = asyncio.run(Home::Shared, &file.scenarios[index].program);
            if record {
                file.scenarios[index].asyncio = got;
            } else if file.scenarios[index].asyncio != got {
                let scenario = &file.scenarios[index];
                if scenario.differs.is_some() && !asyncio.records(&file) {
                    println!("`{}` has another log on {}", scenario.name, asyncio.version());
                    continue;
                }
                let wanted = ("recorded", &scenario.asyncio[..]);
                reports.push(report(&file, scenario, wanted, (&asyncio.version(), &got)));
            }
        }
        if record {
            file.save();
        }
    }
    assert_none(&reports, "recorded logs are not what asyncio gives");
}

#[test]
fn a_machine_without_python_has_the_recorded_logs() {
    assert!(Asyncio::start_as("a-python-that-is-not-there").is_none());
    for folder in FOLDERS {
        assert!(File::all(folder).iter().any(|file| !file.scenarios.is_empty()), "nothing in `{folder}`");
    }
}
