//! Tables for a terminal, printed as they come.

use super::{ratios, shown, shown_note};
use crate::growth::Curves;
use crate::harness::{Measurement, Role, Scenario};
use crate::memory::{KINDS, Row};

/// Prints the head of the table of scenarios.
pub(crate) fn head() {
    println!(
        "{:<30} {:<26} {:>11} {:>11} {:>11} {:>7} {:>6} {:>6}",
        "scenario", "", "ns/op min", "median", "CPU min", "allocs", "peer", "floor"
    );
}

/// Prints one scenario. The last two columns are ratios to the best of the peers, and to the best of the floors.
pub(crate) fn scenario(scenario: &Scenario, measurements: &[Measurement]) {
    for (index, row) in measurements.iter().enumerate() {
        let name = if index == 0 { scenario.name } else { "" };
        let [to_peer, to_floor] = ratios(row, measurements);
        let line = format!(
            "{name:<30} {:<26} {:>11} {:>11} {:>11} {:>7} {:>6} {:>6} {}",
            marked(row.row, row.role),
            shown(row.ns_min, 1),
            shown(row.ns_median, 1),
            shown(row.cpu_min, 1),
            shown(row.allocs, 2),
            shown(to_peer, 2),
            shown(to_floor, 2),
            shown_note(row.note),
        );
        println!("{}", line.trim_end());
    }
}

pub(crate) fn marked(row: &str, role: Role) -> String {
    match role {
        Role::Aio => format!("* {row}"),
        Role::Peer => format!("  {row}"),
        Role::Floor => format!("  ({row})"),
    }
}

/// Prints the bytes for each task.
pub(crate) fn memory(rows: &[Row]) {
    print!("{:<20}", "bytes for each task");
    KINDS.iter().for_each(|(kind, _)| print!(" {kind:>10}"));
    println!();
    for row in rows {
        print!("{:<20}", marked(row.runtime, row.role));
        row.bytes.iter().for_each(|&bytes| print!(" {:>10}", shown(bytes, 0)));
        println!();
    }
}

/// Prints the ns for each operation by size, and how often the cost at 1k is that at the largest.
pub(crate) fn growth(all: &[Curves]) {
    for curves in all {
        print!("{:<26}", curves.subject);
        curves.sizes.iter().for_each(|size| print!(" {size:>9}"));
        println!(" {:>8}", "growth");
        for (row, ns) in &curves.rows {
            print!("{:<26}", if row.starts_with("aio") { format!("* {row}") } else { format!("  {row}") });
            ns.iter().for_each(|&ns| print!(" {:>9}", shown(ns, 1)));
            println!(" {:>8.2}", curves.growth(ns));
        }
    }
}
