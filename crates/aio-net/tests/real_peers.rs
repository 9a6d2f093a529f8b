//! Clients and servers that nobody here wrote. One that is not installed is passed over, and said so.

use std::future::Future;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use aio_base::live::leak_check;
use aio_blocking::to_thread;
use aio_core::{EventLoop, ThreadPark, local};
use aio_io::{ReadExt, StreamReader, WriteExt, copy};
use aio_net::{Server, TcpStream};
use aio_reactor::Reactor;
use aio_timer::Timers;

/// Runs it on a loop, which leaves nothing behind. (Descriptors are not counted: the tests start processes, all at
/// once.)
fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(main))
}

/// What asyncio's streams say to an echo server.
const ASYNCIO_CLIENT: &str = r#"
import asyncio, sys
async def client(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for i in range(20):
        line = f"client {number} line {i}\n".encode()
        writer.write(line)
        await writer.drain()
        assert await reader.readline() == line
    block = bytes(range(256)) * 4096
    writer.write(block)
    writer.write_eof()
    assert await reader.readexactly(len(block)) == block
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
async def main(port):
    await asyncio.gather(*(client(port, number) for number in range(20)))
    print("done")
asyncio.run(main(int(sys.argv[1])))
"#;

/// An echo server that says its port.
const ASYNCIO_SERVER: &str = r#"
import asyncio, sys
async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"#;

fn is_missing(program: &str, arg: &str) -> bool {
    let is_missing = Command::new(program).arg(arg).stdout(Stdio::null()).stderr(Stdio::null()).status().is_err();
    if is_missing {
        eprintln!("passed over: there is no `{program}`");
    }
    is_missing
}

/// Runs `client` beside an echo server, and returns what it printed.
fn beside_an_echo_server(client: impl FnOnce(SocketAddr) -> io::Result<Vec<u8>> + Send + 'static) -> Vec<u8> {
    run(async {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let serving = local::spawn(server.serve(async |mut stream, _| {
            let (mut read, mut write) = stream.split();
            copy(&mut read, &mut write).await?;
            write.close().await
        }));
        let output = to_thread(move || client(address)).await.unwrap();
        handle.close();
        serving.await.unwrap();
        output
    })
}

/// Gives it `input`, and returns what it printed.
fn output_of(command: &mut Command, input: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    writer.join().expect("it does not panic")?;
    assert!(output.status.success(), "{command:?}: {}", output.status);
    Ok(output.stdout)
}

fn lines() -> Vec<u8> {
    (0..20_000).map(|i| format!("line {i}\n")).collect::<String>().into_bytes()
}

#[test]
fn clients_of_asyncio_are_served() {
    if is_missing("python3", "--version") {
        return;
    }
    let output = beside_an_echo_server(|address| {
        output_of(Command::new("python3").args(["-c", ASYNCIO_CLIENT, &address.port().to_string()]), Vec::new())
    });
    assert_eq!(output, b"done\n");
}

#[test]
fn a_server_of_asyncio_serves_ours() {
    if is_missing("python3", "--version") {
        return;
    }
    let mut server = Command::new("python3")
        .args(["-c", ASYNCIO_SERVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    io::BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let address: SocketAddr = format!("127.0.0.1:{}", port.trim()).parse().unwrap();
    run(async {
        let clients: Vec<_> = (0..20)
            .map(|number| {
                local::spawn(async move {
                    let (read, mut write) = TcpStream::connect(address).await?.into_split();
                    let mut reader = StreamReader::new(read);
                    for i in 0..20 {
                        let line = format!("client {number} line {i}\n");
                        write.write_all(line.as_bytes()).await?;
                        assert_eq!(reader.read_line().await?, Some(line));
                    }
                    write.close().await?;
                    let mut rest = Vec::new();
                    ReadExt::read_to_end(&mut reader, &mut rest).await?;
                    assert_eq!(rest, b"");
                    Ok::<(), io::Error>(())
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn netcat_gets_back_what_it_sends() {
    if is_missing("nc", "-h") {
        return;
    }
    let output = beside_an_echo_server(|address| {
        let mut nc = Command::new("nc");
        output_of(nc.args(["-N", &address.ip().to_string(), &address.port().to_string()]), lines())
    });
    assert_eq!(output, lines());
}

#[test]
fn socat_gets_back_what_it_sends() {
    if is_missing("socat", "-V") {
        return;
    }
    let output = beside_an_echo_server(|address| {
        output_of(Command::new("socat").args(["-t", "30", "-", &format!("TCP:{address}")]), lines())
    });
    assert_eq!(output, lines());
}
