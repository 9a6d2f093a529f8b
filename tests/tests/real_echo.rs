//! The example `echo`: its server and its client, as processes.
#![cfg(not(aio_loom))]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

/// Killed when the test is over, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_sent_comes_back() {
    let mut server = aio_tests::example("echo");
    let mut server = Killed(server.args(["serve", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening at ").unwrap();

    let text = (0..100_000).map(|i| format!("line {i}\n")).collect::<String>();
    let mut client = aio_tests::example("echo");
    let mut client = client.args(["send", address]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (client.stdin.take().unwrap(), text.clone());
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = client.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    assert!(output.stdout == text.as_bytes(), "{} bytes of {}", output.stdout.len(), text.len());
}

#[test]
fn what_is_wrong_is_named() {
    for (args, named) in [
        (["send", "nonsense"], "`nonsense`"),
        (["serve", "127.0.0.1:99999"], "127.0.0.1:99999"),
        (["listen", "127.0.0.1:0"], "usage"),
    ] {
        let output = aio_tests::example("echo").args(args).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(named), "{message}");
    }
}
