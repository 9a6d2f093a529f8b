//! The results, for people and for machines.

use serde_json::{Value, json};

use crate::harness::{Measurement, Role, Scenario, best_peer};

/// Prints the head of the table.
pub(crate) fn head() {
    println!(
        "{:<26} {:<22} {:>12} {:>12} {:>9} {:>7} {:>9}",
        "scenario", "", "ns/op min", "median", "allocs/op", "ratio", "late ms"
    );
}

/// Prints one scenario of the table. The ratio is to the best of the peers: below 1.00 is ahead of them all.
pub(crate) fn table(scenario: &Scenario, measurements: &[Measurement]) {
    let best = best_peer(measurements);
    for (index, row) in measurements.iter().enumerate() {
        let name = if index == 0 { scenario.name } else { "" };
        let peer = match row.role {
            Role::Aio => format!("* {}", row.peer),
            Role::Peer => format!("  {}", row.peer),
            Role::Floor => format!("  ({})", row.peer),
        };
        let ratio = best.map_or_else(String::new, |best| format!("{:.2}", row.ns_min / best));
        let late = row.lateness.map_or_else(String::new, |late| format!("{:.2}", late.as_secs_f64() * 1e3));
        let line = format!(
            "{name:<26} {peer:<22} {:>12.1} {:>12.1} {:>9.2} {ratio:>7} {late:>9}",
            row.ns_min, row.ns_median, row.allocs
        );
        println!("{}", line.trim_end());
    }
}

/// One scenario as JSON.
pub(crate) fn json(scenario: &Scenario, measurements: &[Measurement]) -> Value {
    let best = best_peer(measurements);
    let rows = measurements.iter().map(|row| {
        json!({
            "name": row.peer,
            "role": match row.role { Role::Aio => "aio", Role::Peer => "peer", Role::Floor => "floor" },
            "ns_min": row.ns_min,
            "ns_median": row.ns_median,
            "allocs": row.allocs,
            "ratio": best.map(|best| row.ns_min / best),
            "lateness_ms": row.lateness.map(|late| late.as_secs_f64() * 1e3),
        })
    });
    json!({ "scenario": scenario.name, "rows": rows.collect::<Vec<_>>() })
}
