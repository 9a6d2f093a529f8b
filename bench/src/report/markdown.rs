//! The tables of `docs/performance.md`.

use super::{ratios, shown, shown_note};
use crate::environment;
use crate::growth::Curves;
use crate::harness::{Measurement, Role, Scenario, best};
use crate::memory::{KINDS, Row};

/// Prints what all of it was measured on and with.
pub(crate) fn head() {
    println!("{}.\n\n{}.\n", wrapped(&environment::line()), wrapped(&environment::peers()));
}

/// Lines as narrow as those of the page.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() < 120 {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}

/// Prints the table of ours beside the best of the peers and of the floors, and then one of all rows.
pub(crate) fn scenarios(all: &[(Scenario, Vec<Measurement>)]) {
    println!("| scenario | aio, ns | CPU | allocations | best peer, ns | ratio | floor, ns | ratio | |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|---|");
    for (scenario, measurements) in all {
        for row in measurements.iter().filter(|row| row.role == Role::Aio) {
            let [to_peer, to_floor] = ratios(row, measurements);
            let name = if row.row == "aio" { String::new() } else { format!(": {}", row.row) };
            println!(
                "| {}{name} | {} | {} | {} | {} | {} | {} | {} | {} |",
                scenario.name,
                shown(row.ns_min, 1),
                shown(row.cpu_min, 1),
                shown(row.allocs, 2),
                named(best(measurements, Role::Peer)),
                shown(to_peer, 2),
                named(best(measurements, Role::Floor)),
                shown(to_floor, 2),
                shown_note(row.note),
            );
        }
    }
    println!("\n| scenario | | ns, min | median | CPU | allocations | |");
    println!("|---|---|--:|--:|--:|--:|---|");
    for (scenario, measurements) in all {
        for (index, row) in measurements.iter().enumerate() {
            println!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                if index == 0 { scenario.name } else { "" },
                marked(row.row, row.role),
                shown(row.ns_min, 1),
                shown(row.ns_median, 1),
                shown(row.cpu_min, 1),
                shown(row.allocs, 2),
                shown_note(row.note),
            );
        }
    }
}

fn named(row: Option<&Measurement>) -> String {
    row.map_or_else(String::new, |row| format!("{} {:.1}", row.row, row.ns_min))
}

pub(crate) fn marked(row: &str, role: Role) -> String {
    match role {
        Role::Aio => format!("**{row}**"),
        Role::Peer => row.to_owned(),
        Role::Floor => format!("*{row}*"),
    }
}

/// Prints the bytes for each task.
pub(crate) fn memory(rows: &[Row]) {
    let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    println!("| bytes for each task | {} |", kinds.join(" | "));
    println!("|---{}|", "|--:".repeat(KINDS.len()));
    for row in rows {
        let bytes = row.bytes.map(|bytes| shown(bytes, 0));
        println!("| {} | {} |", marked(row.runtime, row.role), bytes.join(" | "));
    }
}

/// Prints the ns for each operation by size, and how often the cost at 1k is that at the largest.
pub(crate) fn growth(all: &[Curves]) {
    let Some(first) = all.first() else { return };
    let sizes: Vec<String> = first.sizes.iter().map(u64::to_string).collect();
    println!("| ns for each | | {} | growth |", sizes.join(" | "));
    println!("|---|---{}|", "|--:".repeat(sizes.len() + 1));
    for curves in all {
        for (index, (row, ns)) in curves.rows.iter().enumerate() {
            let subject = if index == 0 { curves.subject } else { "" };
            let role = if row.starts_with("aio") { Role::Aio } else { Role::Peer };
            let costs: Vec<String> = ns.iter().map(|&ns| shown(ns, 1)).collect();
            println!("| {subject} | {} | {} | {:.2} |", marked(row, role), costs.join(" | "), curves.growth(ns));
        }
    }
}
