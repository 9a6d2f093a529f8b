//! Sockets of the Unix domain with peers that are other programs.
#![cfg(unix)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark};
use aio_io::{ReadExt, WriteExt};
use aio_net::UnixListener;
use aio_reactor::Reactor;
use aio_timer::Timers;

/// A program that sends its input, `hello`, to the socket, and prints what comes back; nothing, if it is missing.
fn client(name: &str, arguments: &[&str]) -> Option<Child> {
    let Ok(mut child) = Command::new(name).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        eprintln!("skipped: there is no {name}");
        return None;
    };
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    Some(child)
}

fn is_answered(name: &str, arguments: impl FnOnce(&str) -> Vec<String>) {
    let path: PathBuf = std::env::temp_dir().join(format!("aio-net-{name}-{}", process::id()));
    leak_check(|| {
        EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(async {
            let listener = UnixListener::bind(&path).unwrap();
            let arguments = arguments(path.to_str().unwrap());
            let Some(client) = client(name, &arguments.iter().map(String::as_str).collect::<Vec<_>>()) else { return };
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(&request.to_ascii_uppercase()).await.unwrap();
            drop(stream);
            let output = client.wait_with_output().unwrap();
            assert_eq!(output.stdout, b"HELLO");
        });
    });
    assert!(!path.exists());
}

#[test]
fn socat_is_answered() {
    is_answered("socat", |path| vec!["-t5".into(), "-".into(), format!("UNIX-CONNECT:{path}")]);
}

#[test]
fn python_is_answered() {
    const CLIENT: &str = "
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(sys.stdin.buffer.read())
while data := s.recv(100): sys.stdout.buffer.write(data)
";
    is_answered("python3", |path| vec!["-c".into(), CLIENT.into(), path.into()]);
}
