//! Scenario files: programs with a name, and their logs.
//!
//! ```text
//! order: exact
//! python: 3.13, if it needs one as new
//!
//! # why it is subtle, if the name does not say so
//! === a sentence of behaviour
//!   log the program
//!   sleep 5
//! --- asyncio
//! 0 main: the program
//! 5 main: ended
//! --- aio: why it differs, if it does
//! 0 main: the log of aio then
//! --- aio::local: why it differs in the local home alone, if it does
//! 0 main: the log of the local home then
//! ```

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::on_aio::Home;
use crate::order::Order;
use crate::program::{Event, Program};
use crate::text::Unreadable;

/// A file of scenarios.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    /// How logs are compared.
    pub order: Order,
    /// The first minor version of Python 3 that can run the programs, if it is not the one that runs all others.
    pub python: Option<u64>,
    /// In the order of the file.
    pub scenarios: Vec<Scenario>,
}

/// A program and its logs.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// A sentence of behaviour.
    pub name: String,
    comments: Vec<String>,
    /// What is run.
    pub program: Program,
    /// The recorded log of asyncio.
    pub asyncio: Vec<Event>,
    /// Why the log of `aio` is another one, and which; by part 2 of the reference, or by `docs/decisions.md`.
    pub differs: Option<(String, Vec<Event>)>,
    /// Why the log of the local home is yet another one, and which.
    pub differs_locally: Option<(String, Vec<Event>)>,
}

impl Scenario {
    /// One that was not recorded yet.
    pub fn new(name: String, program: Program) -> Self {
        Self { name, comments: Vec::new(), program, asyncio: Vec::new(), differs: None, differs_locally: None }
    }

    /// What `aio` has to log in `home`.
    pub fn expected(&self, home: Home) -> &[Event] {
        let locally = self.differs_locally.as_ref().filter(|_| home == Home::Local);
        locally.or(self.differs.as_ref()).map_or(&self.asyncio, |(_, events)| events)
    }
}

impl File {
    /// All files of `folder` beside this package's manifest, by name.
    ///
    /// # Panics
    /// If one cannot be read.
    pub fn all(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().filter(|path| path.extension().is_some_and(|is| is == "txt")).map(Self::load).collect()
    }

    /// An empty one at `path` beside this package's manifest.
    #[must_use]
    pub fn new(path: &str, order: Order) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        Self { path, order, python: None, scenarios: Vec::new() }
    }

    fn load(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match parse(&text) {
            Ok((order, python, scenarios)) => Self { path, order, python, scenarios },
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// The name of the file, which is the topic.
    pub fn topic(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Writes it back.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn save(&self) {
        fs::write(&self.path, self.write()).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
    }

    /// Whether the file is as [`save`](Self::save) writes it.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn is_as_written(&self) -> bool {
        fs::read_to_string(&self.path).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
            == self.write()
    }

    fn write(&self) -> String {
        let mut text = format!("order: {}\n", self.order);
        if let Some(minor) = self.python {
            writeln!(text, "python: 3.{minor}").expect("a string takes all");
        }
        let events = |text: &mut String, events: &[Event]| {
            events.iter().for_each(|event| writeln!(text, "{event}").expect("a string takes all"));
        };
        for scenario in &self.scenarios {
            text.push('\n');
            for comment in &scenario.comments {
                text.push_str(comment);
                text.push('\n');
            }
            let Scenario { name, program, .. } = scenario;
            write!(text, "=== {name}\n{program}--- asyncio\n").expect("a string takes all");
            events(&mut text, &scenario.asyncio);
            for (whose, differs) in [("aio", &scenario.differs), ("aio::local", &scenario.differs_locally)] {
                if let Some((why, log)) = differs {
                    writeln!(text, "--- {whose}: {why}").expect("a string takes all");
                    events(&mut text, log);
                }
            }
        }
        text
    }
}

fn parse(text: &str) -> Result<(Order, Option<u64>, Vec<Scenario>), Unreadable> {
    let mut parts = text.split("=== ");
    let mut head: Vec<&str> = parts.next().unwrap_or_default().lines().collect();
    let order = head.first().and_then(|line| line.strip_prefix("order: ")?.parse().ok());
    let order = order.ok_or_else(|| Unreadable("the first line gives no order".to_owned()))?;
    head.remove(0);
    let python = head.first().and_then(|line| line.strip_prefix("python: 3.")?.parse().ok());
    let mut comments = comments_of(&head);
    let mut scenarios = Vec::new();
    for part in parts {
        let mut lines: Vec<&str> = part.lines().collect();
        let name = lines.remove(0).to_owned();
        let next = comments_of(&lines);
        lines.retain(|line| !line.starts_with('#') && !line.is_empty());
        let mut sections = lines.split(|line| line.starts_with("--- "));
        let mut headings = lines.iter().filter_map(|line| line.strip_prefix("--- "));
        let program = sections.next().unwrap_or_default().iter().copied();
        let program = Program::parse(program).map_err(|error| Unreadable(format!("{name}: {error}")))?;
        let mut scenario = Scenario { comments, ..Scenario::new(name, program) };
        for section in sections {
            let events = section.iter().map(|line| Event::parse(line)).collect::<Result<_, _>>()?;
            let heading = headings.next().unwrap_or_default();
            match heading.split_once(": ") {
                None if heading == "asyncio" => scenario.asyncio = events,
                Some(("aio", why)) => scenario.differs = Some((why.to_owned(), events)),
                Some(("aio::local", why)) => scenario.differs_locally = Some((why.to_owned(), events)),
                _ => return Err(Unreadable(format!("not a section: `{heading}`"))),
            }
        }
        scenarios.push(scenario);
        comments = next;
    }
    Ok((order, python, scenarios))
}

fn comments_of(lines: &[&str]) -> Vec<String> {
    lines.iter().filter(|line| line.starts_with('#')).map(|line| (*line).to_owned()).collect()
}
