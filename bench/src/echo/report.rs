//! Tables of servers: rows under subjects, and columns of numbers. What a server cannot tell is `-`.

use serde_json::{Value, json};

use crate::harness::Role;
use crate::options::{Options, Output};
use crate::report::{json, markdown, text};

#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// In JSON.
    key: &'static str,
    title: &'static str,
    /// After the decimal point.
    places: usize,
}

impl Column {
    pub(super) const fn new(key: &'static str, title: &'static str, places: usize) -> Self {
        Self { key, title, places }
    }

    fn shown(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.*}", self.places))
    }
}

/// A row.
#[derive(Debug)]
pub(super) struct Cells<const N: usize> {
    /// What comes together; shown once.
    pub(super) subject: String,
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) values: [Option<f64>; N],
}

pub(super) fn print<const N: usize>(options: &Options, what: &str, columns: &[Column; N], rows: &[Cells<N>]) {
    match options.output {
        Output::Text => print_text(columns, rows),
        Output::Json => {
            let rows: Vec<Value> = rows.iter().map(|row| as_json(columns, row)).collect();
            crate::print_json(options, what, &rows.into());
        }
        Output::Markdown => {
            markdown::head();
            print_markdown(columns, rows);
        }
    }
}

/// The subject of a row, if it is not that of the row before.
fn subjects<const N: usize>(rows: &[Cells<N>]) -> impl Iterator<Item = (&str, &Cells<N>)> {
    let before = std::iter::once("").chain(rows.iter().map(|row| row.subject.as_str()));
    rows.iter().zip(before).map(|(row, before)| (if row.subject == before { "" } else { row.subject.as_str() }, row))
}

fn print_text<const N: usize>(columns: &[Column; N], rows: &[Cells<N>]) {
    print!("{:<16} {:<20}", "echo", "");
    columns.iter().for_each(|column| print!(" {:>10}", column.title));
    println!();
    for (subject, row) in subjects(rows) {
        print!("{subject:<16} {:<20}", text::marked(row.name, row.role));
        columns.iter().zip(row.values).for_each(|(column, value)| print!(" {:>10}", column.shown(value)));
        println!();
    }
}

fn print_markdown<const N: usize>(columns: &[Column; N], rows: &[Cells<N>]) {
    let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
    println!("| echo | | {} |", titles.join(" | "));
    println!("|---|---{}|", "|--:".repeat(N));
    for (subject, row) in subjects(rows) {
        let values: Vec<String> = columns.iter().zip(row.values).map(|(column, value)| column.shown(value)).collect();
        println!("| {subject} | {} | {} |", markdown::marked(row.name, row.role), values.join(" | "));
    }
}

fn as_json<const N: usize>(columns: &[Column; N], row: &Cells<N>) -> Value {
    let mut value = json!({ "subject": row.subject, "server": row.name, "role": json::role(row.role) });
    for (column, number) in columns.iter().zip(row.values) {
        value[column.key] = json!(number);
    }
    value
}
