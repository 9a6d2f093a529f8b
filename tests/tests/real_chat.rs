//! The example `chat`: a server as a process, and clients which know nothing of `aio`.
#![cfg(all(unix, not(aio_loom)))]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Long enough for any machine: who waits that long waits for ever.
const FOR_EVER: Duration = Duration::from_secs(60);

struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut process = aio_tests::built_example("chat").arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening at ").unwrap().to_owned();
        Self { process, output, address }
    }

    fn says(&mut self, line: &str) {
        let mut said = String::new();
        self.output.read_line(&mut said).unwrap();
        assert_eq!(said.trim_end(), line);
    }

    /// As somebody who says who he is.
    fn enter(&self, who: &str) -> Client {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(FOR_EVER)).unwrap();
        let mut client = Client { input: BufReader::new(stream.try_clone().unwrap()), stream };
        client.hears("* who are you, and which room? (NAME ROOM)");
        client.says(who);
        client
    }
}

/// Killed when the test is over, however that ends.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Client {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Client {
    fn says(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn hears(&mut self, line: &str) {
        let mut heard = String::new();
        self.input.read_line(&mut heard).unwrap();
        assert_eq!(heard.trim_end(), line);
    }

    fn hears_the_end(&mut self) {
        let mut rest = String::new();
        self.input.read_line(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn what_is_said_is_heard_in_the_room_and_nowhere_else() {
    let mut server = Server::start();
    let mut anna = server.enter("anna kitchen");
    anna.hears("* anna is here");
    server.says("`kitchen` is open");
    let mut bert = server.enter("bert kitchen");
    bert.hears("* bert is here");
    anna.hears("* bert is here");
    let mut carl = server.enter("carl garden");
    carl.hears("* carl is here");
    server.says("`garden` is open");

    anna.says("hello");
    for client in [&mut anna, &mut bert] {
        client.hears("anna: hello");
    }
    carl.says("/who");
    carl.hears("* here are carl");
    server.enter("anna kitchen").hears("* anna is taken");
    server.enter("dora").hears("* that is not a name and a room");

    bert.says("/leave");
    bert.hears("* goodbye");
    bert.hears_the_end();
    anna.hears("* bert has left");
    // The last one goes without a word.
    drop(anna);
    server.says("`kitchen` is empty");
}

#[test]
fn a_room_that_is_closed_says_goodbye_to_all_and_may_be_opened_anew() {
    let mut server = Server::start();
    let mut members: Vec<_> = ["anna room", "bert room", "carl room"].map(|who| server.enter(who)).into();
    server.says("`room` is open");
    members[1].says("/close");
    for member in &mut members {
        let mut lines = String::new();
        while !lines.ends_with("* goodbye\n") {
            assert_ne!(member.input.read_line(&mut lines).unwrap(), 0, "after {lines}");
        }
        member.hears_the_end();
    }
    server.says("`room` is empty");
    server.enter("dora room").hears("* dora is here");
    server.says("`room` is open");
}

#[test]
fn nobody_waits_for_one_who_does_not_listen() {
    let mut server = Server::start();
    let deaf = server.enter("deaf room");
    server.says("`room` is open");
    let mut anna = server.enter("anna room");
    anna.hears("* anna is here");
    let line = "x".repeat(900);
    // Until more is on its way to him than the system and the server keep.
    let mut heard = String::new();
    while !heard.contains("has left") {
        anna.says(&line);
        heard.clear();
        anna.input.read_line(&mut heard).unwrap();
    }
    assert_eq!(heard, "* deaf has left\n");
    server.says("deaf in `room`: too slow");
    drop(deaf);
}

#[test]
fn a_line_that_is_too_long_is_told() {
    let mut server = Server::start();
    let mut anna = server.enter("anna room");
    anna.hears("* anna is here");
    server.says("`room` is open");
    anna.says(&"x".repeat(2000));
    anna.hears("* goodbye");
    let mut said = String::new();
    server.output.read_line(&mut said).unwrap();
    assert!(said.starts_with("anna in `room`: ") && said.contains("1000"), "{said}");
}

#[test]
fn ctrl_c_says_goodbye_to_everybody() {
    let mut server = Server::start();
    let mut clients = ["anna kitchen", "carl garden"].map(|who| {
        let mut client = server.enter(who);
        client.hears(&format!("* {} is here", &who[..4]));
        client
    });
    let pid = server.process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    for client in &mut clients {
        client.hears("* goodbye");
        client.hears_the_end();
    }
    assert_eq!(server.process.wait().unwrap().code(), Some(130));
}
