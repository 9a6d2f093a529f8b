//! The task language: how a program is written.
//!
//! A statement is a line; what belongs to it stands below it, two spaces further in. See the scenario files.

use std::fmt::{self, Write};

use crate::program::{Block, Event, Name, Program, Stmt, Until};

/// What cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

fn fail<T>(why: &str, line: &str) -> Result<T, Unreadable> {
    Err(Unreadable(format!("{why}: `{line}`")))
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.shielded {
            f.write_str("shielded\n")?;
        }
        if self.traced {
            f.write_str("traced\n")?;
        }
        write_block(f, &self.main, 1)
    }
}

fn write_block(f: &mut impl Write, block: &Block, depth: usize) -> fmt::Result {
    block.iter().try_for_each(|stmt| write_stmt(f, stmt, depth))
}

fn write_stmt(f: &mut impl Write, stmt: &Stmt, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    let head = stmt.head();
    writeln!(f, "{indent}{head}")?;
    match stmt {
        Stmt::Spawn(_, body)
        | Stmt::Lock(_, body)
        | Stmt::Permit(_, body)
        | Stmt::Condition(_, body)
        | Stmt::Group(body)
        | Stmt::Child(_, body)
        | Stmt::Timeout(_, body)
        | Stmt::Shield(_, body) => write_block(f, body, depth + 1),
        Stmt::Try { body, except, finally } => {
            write_block(f, body, depth + 1)?;
            for (head, block) in [("except", except), ("finally", finally)] {
                if let Some(block) = block {
                    writeln!(f, "{indent}{head}")?;
                    write_block(f, block, depth + 1)?;
                }
            }
            Ok(())
        }
        Stmt::Gather { parts, .. } | Stmt::Race(parts) | Stmt::AsCompleted(parts) => {
            parts.iter().try_for_each(|(name, body)| {
                writeln!(f, "{indent}  part {name}")?;
                write_block(f, body, depth + 2)
            })
        }
        _ => Ok(()),
    }
}

impl Stmt {
    /// Its first line.
    pub(crate) fn head(&self) -> String {
        match self {
            Self::Log(text) => format!("log {text}"),
            Self::Sleep(ms) => format!("sleep {ms}"),
            Self::Yield => "yield".to_owned(),
            Self::Spawn(name, _) => format!("spawn {name}"),
            Self::Cancel(name) => format!("cancel {name}"),
            Self::Join(name) => format!("join {name}"),
            Self::Own(name) => format!("own {name}"),
            Self::Raise(error) => format!("raise {error}"),
            Self::Return(value) => format!("return {value}"),
            Self::Try { .. } => "try".to_owned(),
            Self::Set(name) => format!("set {name}"),
            Self::Clear(name) => format!("clear {name}"),
            Self::Wait(name) => format!("wait {name}"),
            Self::Lock(name, _) => format!("lock {name}"),
            Self::Permit(name, _) => format!("permit {name}"),
            Self::Release(name) => format!("release {name}"),
            Self::Condition(name, _) => format!("condition {name}"),
            Self::Notified => "notified".to_owned(),
            Self::AtLeast(number) => format!("at least {number}"),
            Self::Add(number) => format!("add {number}"),
            Self::Notify(Some(count)) => format!("notify {count}"),
            Self::Notify(None) => "notify all".to_owned(),
            Self::Arrive(name) => format!("arrive {name}"),
            Self::Reset(name) => format!("reset {name}"),
            Self::Abort(name) => format!("abort {name}"),
            Self::Group(_) => "group".to_owned(),
            Self::Child(name, _) => format!("child {name}"),
            Self::Timeout(ms, _) => format!("timeout {ms}"),
            Self::Reschedule(ms) => format!("reschedule {ms}"),
            Self::Gather { keep: true, .. } => "gather everything".to_owned(),
            Self::Gather { keep: false, .. } => "gather".to_owned(),
            Self::Race(_) => "race".to_owned(),
            Self::AsCompleted(_) => "as completed".to_owned(),
            Self::Await(until, names) => format!("await {} {}", until.word(), names.join(" ")),
            Self::Put(name, value) => format!("put {name} {value}"),
            Self::Get(name) => format!("get {name}"),
            Self::Offer(name, value) => format!("offer {name} {value}"),
            Self::Take(name) => format!("take {name}"),
            Self::Done(name) => format!("done {name}"),
            Self::AllDone(name) => format!("all done {name}"),
            Self::Shutdown { queue, now: false } => format!("shutdown {queue}"),
            Self::Shutdown { queue, now: true } => format!("shutdown {queue} now"),
            Self::Shield(name, _) => format!("shield {name}"),
        }
    }
}

impl Program {
    /// Reads a program from its lines.
    ///
    /// # Errors
    /// [`Unreadable`], with the line.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, Unreadable> {
        let mut lines: Vec<&str> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
        let mut flag = |name: &str| {
            let at = lines.iter().position(|line| *line == name);
            at.map(|at| lines.remove(at)).is_some()
        };
        let (shielded, traced) = (flag("shielded"), flag("traced"));
        let mut rest = &lines[..];
        let main = parse_block(&mut rest, 1)?;
        match rest.first() {
            None => Ok(Self { main, shielded, traced }),
            Some(line) => fail("not at its place", line),
        }
    }
}

/// Takes the lines that stand at `depth` or deeper.
fn parse_block(rest: &mut &[&str], depth: usize) -> Result<Block, Unreadable> {
    let mut stmts = Vec::new();
    while let Some(line) = take(rest, depth) {
        stmts.push(parse_stmt(line, rest, depth)?);
    }
    Ok(stmts.into())
}

/// Takes a line that stands exactly at `depth`.
fn take<'a>(rest: &mut &[&'a str], depth: usize) -> Option<&'a str> {
    let (line, more) = rest.split_first()?;
    let text = line.trim_start_matches(' ');
    if line.len() - text.len() != depth * 2 || matches!(text, "except" | "finally") {
        return None;
    }
    *rest = more;
    Some(text)
}

fn parse_stmt(line: &str, rest: &mut &[&str], depth: usize) -> Result<Stmt, Unreadable> {
    let (word, argument) = line.split_once(' ').unwrap_or((line, ""));
    let name_in = |text: &str| -> Result<Name, Unreadable> {
        if text.is_empty() || text.contains(' ') { fail("a name is missing", line) } else { Ok(text.into()) }
    };
    let name = || name_in(argument);
    let number_in = |text: &str| text.parse().or_else(|_| fail("a number is missing", line));
    let number = || number_in(argument);
    let name_and_value = || match argument.split_once(' ') {
        Some((name, value)) => Ok((name.into(), value.to_owned())),
        None => fail("a value is missing", line),
    };
    let mut body = || parse_block(rest, depth + 1);
    Ok(match word {
        "log" => Stmt::Log(argument.to_owned()),
        "sleep" => Stmt::Sleep(number()?),
        "yield" => Stmt::Yield,
        "spawn" => Stmt::Spawn(name()?, body()?),
        "cancel" => Stmt::Cancel(name()?),
        "join" => Stmt::Join(name()?),
        "own" => Stmt::Own(name()?),
        "raise" => Stmt::Raise(argument.to_owned()),
        "return" => Stmt::Return(argument.to_owned()),
        "set" => Stmt::Set(name()?),
        "clear" => Stmt::Clear(name()?),
        "wait" => Stmt::Wait(name()?),
        "lock" => Stmt::Lock(name()?, body()?),
        "permit" => Stmt::Permit(name()?, body()?),
        "release" => Stmt::Release(name()?),
        "condition" => Stmt::Condition(name()?, body()?),
        "notified" => Stmt::Notified,
        "at" => match argument.strip_prefix("least ") {
            Some(number) => Stmt::AtLeast(number_in(number)?),
            None => return fail("not a statement", line),
        },
        "add" => Stmt::Add(number()?),
        "notify" => Stmt::Notify(if argument == "all" { None } else { Some(number()?) }),
        "arrive" => Stmt::Arrive(name()?),
        "reset" => Stmt::Reset(name()?),
        "abort" => Stmt::Abort(name()?),
        "group" => Stmt::Group(body()?),
        "child" => Stmt::Child(name()?, body()?),
        "timeout" => Stmt::Timeout(number()?, body()?),
        "reschedule" => Stmt::Reschedule(number()?),
        "shield" => Stmt::Shield(name()?, body()?),
        "try" => {
            let body = body()?;
            let mut part = |head: &str| -> Result<Option<Block>, Unreadable> {
                match rest.split_first() {
                    Some((line, more)) if *line == format!("{}{head}", "  ".repeat(depth)) => {
                        *rest = more;
                        parse_block(rest, depth + 1).map(Some)
                    }
                    _ => Ok(None),
                }
            };
            Stmt::Try { body, except: part("except")?, finally: part("finally")? }
        }
        "gather" => Stmt::Gather { keep: argument == "everything", parts: parse_parts(rest, depth)? },
        "race" => Stmt::Race(parse_parts(rest, depth)?),
        "as" if argument == "completed" => Stmt::AsCompleted(parse_parts(rest, depth)?),
        "await" => {
            let mut words = argument.split(' ');
            let first = words.next();
            let until = [Until::First, Until::Failed, Until::All].into_iter().find(|until| Some(until.word()) == first);
            let Some(until) = until else { return fail("not an end to await", line) };
            Stmt::Await(until, words.map(Name::from).collect())
        }
        "put" => {
            let (name, value) = name_and_value()?;
            Stmt::Put(name, value)
        }
        "get" => Stmt::Get(name()?),
        "offer" => {
            let (name, value) = name_and_value()?;
            Stmt::Offer(name, value)
        }
        "take" => Stmt::Take(name()?),
        "done" => Stmt::Done(name()?),
        "all" => match argument.strip_prefix("done ") {
            Some(name) => Stmt::AllDone(name_in(name)?),
            None => return fail("not a statement", line),
        },
        "shutdown" => match argument.strip_suffix(" now") {
            Some(queue) => Stmt::Shutdown { queue: name_in(queue)?, now: true },
            None => Stmt::Shutdown { queue: name()?, now: false },
        },
        _ => return fail("not a statement", line),
    })
}

fn parse_parts(rest: &mut &[&str], depth: usize) -> Result<Vec<(Name, Block)>, Unreadable> {
    let mut parts = Vec::new();
    while let Some(line) = take(rest, depth + 1) {
        let Some(name) = line.strip_prefix("part ") else { return fail("not a part", line) };
        parts.push((name.into(), parse_block(rest, depth + 2)?));
    }
    Ok(parts)
}

impl Event {
    /// Reads what its `Display` writes.
    ///
    /// # Errors
    /// [`Unreadable`], with the line.
    pub fn parse(line: &str) -> Result<Self, Unreadable> {
        let parts = line.split_once(' ').and_then(|(at, rest)| Some((at.parse().ok()?, rest.split_once(": ")?)));
        match parts {
            Some((at, (task, text))) => Ok(Self { at, task: task.to_owned(), text: text.to_owned() }),
            None => fail("not an event", line),
        }
    }
}
