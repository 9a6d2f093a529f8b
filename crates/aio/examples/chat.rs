//! A chat server with a group of tasks for each room.
//!
//! ```sh
//! cargo run --release -p aio-rt --example chat -- 127.0.0.1:7000 &
//! nc 127.0.0.1 7000
//! ```
//!
//! Whoever comes says `NAME ROOM`. From then on each line goes to everybody in the room; `/who` tells who is there,
//! `/leave` leaves, and `/close` closes the room for all. A room ends with the last who leaves. Ctrl-C ends the server,
//! and everybody is told goodbye.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use aio::local::{Event, GroupHandle, Queue, Server, TaskGroup, defer};
use aio::net::{OwnedReadHalf, OwnedWriteHalf};
use aio::{StreamReader, TcpStream, WriteExt, race, run, timeout};

/// How long somebody may take to say who he is.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the last words may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// In bytes.
const LONGEST_LINE: usize = 1000;
/// How many lines may be on their way to somebody. Who is slower than that is put out, so that nobody waits for him.
const BACKLOG: usize = 100;
const LARGEST_ROOM: usize = 1000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &args[..] {
        [address] => run(serve(address)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "usage: chat ADDRESS:PORT")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str) -> io::Result<()> {
    // Here connections are few or short: after its first line, a connection belongs to its room.
    let server = Server::bind(address)?.limit(1000).on_error(|error| say(format_args!("somebody: {error}")));
    say(format_args!("listening at {}", server.local_addr()?));
    let group = TaskGroup::new();
    let house = Rc::new(House { rooms: RefCell::default(), group: group.handle() });
    let serving = server.serve(async move |stream, _| house.receive(stream).await);
    // When the server ends, the rooms go on until they are empty; when it is cancelled, they are cancelled with it.
    group.join(serving).await
}

/// All rooms.
struct House {
    rooms: RefCell<HashMap<String, Rc<Room>>>,
    group: GroupHandle<'static, std::convert::Infallible>,
}

struct Room {
    name: String,
    members: RefCell<BTreeMap<String, Rc<Outbox>>>,
    /// Its members' tasks.
    group: GroupHandle<'static, std::convert::Infallible>,
    is_over: Event,
}

impl House {
    /// Takes somebody in who has just come.
    async fn receive(self: Rc<Self>, stream: TcpStream) -> io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = StreamReader::with_limit(read, LONGEST_LINE);
        write.write_all(b"* who are you, and which room? (NAME ROOM)\n").await?;
        let Some(line) = timeout(PATIENCE, lines.read_line()).await.map_err(io::Error::from)?? else { return Ok(()) };
        let (Some(name), Some(room), None) = ({
            let mut words = line.split_whitespace();
            (words.next(), words.next(), words.next())
        }) else {
            return write.write_all(b"* that is not a name and a room\n").await;
        };
        let room = self.room(room);
        let Some(child) = room.group.try_vacancy() else {
            return write.write_all(b"* the room is full\n").await;
        };
        if room.members.borrow().contains_key(name) {
            return write.write_all(format!("* {name} is taken\n").as_bytes()).await;
        }
        let outbox = Outbox::new();
        room.members.borrow_mut().insert(name.to_owned(), outbox.clone());
        let member = Member { name: name.to_owned(), room: room.clone(), house: self };
        child.name(name).spawn(member.stay(lines, write, outbox)).detach();
        Ok(())
    }

    /// The room of that name, opened if need be.
    fn room(&self, name: &str) -> Rc<Room> {
        if let Some(room) = self.rooms.borrow().get(name) {
            return room.clone();
        }
        let group = TaskGroup::new().limit(LARGEST_ROOM);
        let room = Rc::new(Room {
            name: name.to_owned(),
            members: RefCell::default(),
            group: group.handle(),
            is_over: Event::new(),
        });
        self.rooms.borrow_mut().insert(name.to_owned(), room.clone());
        let life = {
            let room = room.clone();
            async move {
                say(format_args!("`{}` is open", room.name));
                let over = async {
                    room.is_over.wait().await;
                    Ok(())
                };
                // To be closed is an end like another.
                let _ = group.run(over).await;
                say(format_args!("`{}` is empty", room.name));
            }
        };
        self.group.child().name(name).spawn(life).detach();
        room
    }

    /// Whoever asks for its name from now on opens another one.
    fn forget(&self, room: &Rc<Room>) {
        self.rooms.borrow_mut().retain(|_, it| !Rc::ptr_eq(it, room));
        room.is_over.set();
    }
}

impl Room {
    fn tell_all(&self, line: &str) {
        let line: Rc<str> = line.into();
        for outbox in self.members.borrow().values() {
            outbox.push(line.clone());
        }
    }
}

/// What is on its way to somebody.
struct Outbox {
    lines: Queue<Rc<str>>,
    /// Set when he does not keep up.
    is_late: Event,
}

impl Outbox {
    fn new() -> Rc<Self> {
        Rc::new(Self { lines: Queue::bounded(BACKLOG), is_late: Event::new() })
    }

    fn push(&self, line: Rc<str>) {
        if self.lines.try_put(line).is_err() {
            self.is_late.set();
        }
    }
}

/// Somebody in a room. When he is dropped, he has left.
struct Member {
    name: String,
    room: Rc<Room>,
    house: Rc<House>,
}

impl Member {
    async fn stay(self, mut lines: StreamReader<OwnedReadHalf>, write: OwnedWriteHalf, outbox: Rc<Outbox>) {
        let mut write = defer(write, async |mut write: OwnedWriteHalf| {
            let goodbye = async {
                write.write_all(b"* goodbye\n").await?;
                write.close().await
            };
            // Whether he hears it is his affair.
            let _ = timeout(GOODBYE, goodbye).await;
        });
        self.room.tell_all(&format!("* {} is here", self.name));
        let listening = async {
            while let Some(line) = lines.read_line().await? {
                match line.trim() {
                    "" => {}
                    "/leave" => break,
                    "/who" => {
                        let names =
                            self.room.members.borrow().keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                        outbox.push(format!("* here are {names}").into());
                    }
                    "/close" => {
                        self.house.forget(&self.room);
                        self.room.group.cancel();
                    }
                    text => self.room.tell_all(&format!("{}: {text}", self.name)),
                }
            }
            Ok::<_, io::Error>(())
        };
        let telling = async {
            while let Ok(line) = outbox.lines.get().await {
                write.write_all(format!("{line}\n").as_bytes()).await?;
            }
            Ok(())
        };
        let late = async {
            outbox.is_late.wait().await;
            Err(io::Error::other("too slow"))
        };
        if let Err(error) = race((listening, telling, late)).await {
            say(format_args!("{} in `{}`: {error}", self.name, self.room.name));
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.room.members.borrow_mut().remove(&self.name);
        self.room.tell_all(&format!("* {} has left", self.name));
        if self.room.members.borrow().is_empty() {
            self.house.forget(&self.room);
        }
    }
}

/// A line on the standard output, also if that is a pipe; nobody minds if nobody reads it.
fn say(line: std::fmt::Arguments<'_>) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
