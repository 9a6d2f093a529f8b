//! UDP with a peer that is another program.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark};
use aio_net::UdpSocket;
use aio_reactor::Reactor;
use aio_timer::Timers;

/// Answers each datagram by the same in capitals; ends at an empty one.
const ECHO: &str = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
while True:
    data, peer = s.recvfrom(65536)
    s.sendto(data.upper(), peer)
    if not data: break
";

#[test]
fn a_python_program_answers() {
    let Ok(mut python) = Command::new("python3").args(["-c", ECHO]).stdout(Stdio::piped()).spawn() else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let mut port = String::new();
    BufReader::new(python.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let peer = format!("127.0.0.1:{}", port.trim()).parse().unwrap();
    leak_check(|| {
        EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(async {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let mut buffer = vec![0; 65536];
            let large = "x".repeat(60_000);
            for text in ["hello", &large, "bye"] {
                socket.send_to(text.as_bytes(), peer).await.unwrap();
                let (n, from) = socket.recv_from(&mut buffer).await.unwrap();
                assert_eq!(from, peer);
                assert!(buffer[..n] == *text.to_uppercase().as_bytes(), "{n} bytes");
            }
            socket.send_to(b"", peer).await.unwrap();
            assert_eq!(socket.recv_from(&mut buffer).await.unwrap(), (0, peer));
        });
    });
    assert!(python.wait().unwrap().success());
}
