//! The results as JSON.

use serde_json::{Value, json};

use super::ratios;
use crate::growth::Curves;
use crate::harness::{Measurement, Note, Role, Scenario};
use crate::memory::{KINDS, Row};

pub(crate) fn scenario(scenario: &Scenario, measurements: &[Measurement]) -> Value {
    let rows = measurements.iter().map(|row| {
        let [to_peer, to_floor] = ratios(row, measurements);
        let mut value = json!({
            "name": row.row,
            "role": role(row.role),
            "ns_min": row.ns_min,
            "ns_median": row.ns_median,
            "cpu_ns_min": row.cpu_min,
            "allocs": row.allocs,
            "ratio": to_peer,
            "ratio_to_floor": to_floor,
        });
        match row.note {
            None => {}
            Some(Note::Late { median, p99 }) => {
                value["lateness_ms"] = json!(median.as_secs_f64() * 1e3);
                value["lateness_p99_ms"] = json!(p99.as_secs_f64() * 1e3);
            }
            Some(Note::Waited { polls }) => value["waited_polls"] = json!(polls),
        }
        value
    });
    json!({ "scenario": scenario.name, "rows": rows.collect::<Vec<_>>() })
}

pub(crate) fn memory(rows: &[Row]) -> Value {
    let rows = rows.iter().map(|row| {
        let mut value = json!({ "runtime": row.runtime, "role": role(row.role) });
        for ((kind, _), bytes) in KINDS.iter().zip(row.bytes) {
            value[kind] = json!(bytes);
        }
        value
    });
    rows.collect()
}

pub(crate) fn growth(all: &[Curves]) -> Value {
    let subjects = all.iter().map(|curves| {
        let rows = curves.rows.iter().map(|(name, ns)| json!({ "name": name, "ns": ns, "growth": curves.growth(ns) }));
        json!({ "subject": curves.subject, "sizes": curves.sizes, "rows": rows.collect::<Vec<_>>() })
    });
    subjects.collect()
}

pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Aio => "aio",
        Role::Peer => "peer",
        Role::Floor => "floor",
    }
}
