//! Other people's TLS: `openssl` and `curl`, and the example as a program.
#![cfg(not(aio_loom))]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener as StdListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use aio_core::{EventLoop, ThreadPark};
use aio_io::{ReadExt, StreamReader, WriteExt};
use aio_net::{TcpListener, TcpStream};
use aio_reactor::Reactor;
use aio_timer::{Timers, timeout};
use aio_tls::TlsStream;

use support::{Certificates, noise};

/// The certificates as files, until it is dropped.
struct Files {
    certificates: Certificates,
    folder: PathBuf,
}

impl Files {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("aio-tls-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let certificates = Certificates::new();
        let files = Self { certificates, folder };
        for (name, text) in [
            ("authority.pem", &files.certificates.authority),
            ("certificate.pem", &files.certificates.certificate),
            ("key.pem", &files.certificates.key),
        ] {
            std::fs::write(files.path(name), text).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether there is such a program; without it the test says so, and has nothing to do.
fn has(program: &str, argument: &str) -> bool {
    let found = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: there is no `{program}`");
    }
    found
}

/// A process that does not outlive the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run<T>(main: impl Future<Output = T>) -> T {
    let in_time = timeout(Duration::from_secs(60), main);
    EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(in_time).expect("it does not hang")
}

/// Serves one connection on a loop in a thread of its own, while `client` runs with the port.
fn while_serving<Fut>(
    certificates: &Certificates,
    serve: impl FnOnce(TlsStream<TcpStream>) -> Fut + Send,
    client: impl FnOnce(u16) -> Output,
) -> Output
where
    Fut: Future<Output = std::io::Result<()>>,
{
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            run(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = certificates.acceptor().alpn(["http/1.1"]);
                serve(acceptor.accept(stream).await.unwrap()).await.unwrap();
            });
        });
        let output = client(port);
        server.join().unwrap();
        output
    })
}

/// Answers one request with a page of 300 000 bytes.
async fn serve_page(stream: TlsStream<TcpStream>) -> std::io::Result<()> {
    assert_eq!(stream.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut reader = StreamReader::new(stream);
    let mut request = Vec::new();
    while let Some(line) = reader.read_line().await.unwrap() {
        if line == "\r\n" {
            break;
        }
        request.push(line);
    }
    assert_eq!(request[0], "GET /page HTTP/1.1\r\n");
    let stream = reader.get_mut();
    let page = noise(300_000, 11);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&page).await?;
    stream.close().await
}

#[track_caller]
fn is_the_page(output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(output.stdout == noise(300_000, 11), "{} bytes; {errors}", output.stdout.len());
}

#[test]
fn curl_gets_a_page() {
    if !has("curl", "--version") {
        return;
    }
    let files = Files::new("curl");
    let output = while_serving(&files.certificates, serve_page, |port| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "60", "--http1.1", "--cacert"]);
        curl.arg(files.path("authority.pem")).arg(format!("https://127.0.0.1:{port}/page")).output().unwrap()
    });
    is_the_page(&output);
}

#[test]
fn the_example_gets_a_page() {
    let files = Files::new("example");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(&cargo);
    let built = build.args(["build", "--quiet", "--package", "aio-tls", "--example", "https_get"]).status().unwrap();
    assert!(built.success());
    let output = while_serving(&files.certificates, serve_page, |port| {
        let mut example = Command::new(&cargo);
        example.args(["run", "--quiet", "--package", "aio-tls", "--example", "https_get", "--", "localhost"]);
        example.arg(port.to_string()).arg("/page").env("SSL_CERT_FILE", files.path("authority.pem"));
        example.env_remove("SSL_CERT_DIR").output().unwrap()
    });
    is_the_page(&output);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.starts_with("connected by TLSv1.3\nHTTP/1.1 200 OK\r\n"), "{told}");
}

#[test]
fn openssl_talks_to_our_server() {
    if !has("openssl", "version") {
        return;
    }
    for version in ["-tls1_2", "-tls1_3"] {
        let files = Files::new(&format!("s_client{version}"));
        let echo = |stream: TlsStream<TcpStream>| async move {
            let (mut reader, mut writer) = stream.into_split();
            aio_io::copy(&mut reader, &mut writer).await?;
            writer.close().await
        };
        let output = while_serving(&files.certificates, echo, |port| {
            let mut openssl = Command::new("openssl");
            openssl.args([
                "s_client",
                "-quiet",
                "-no_ign_eof",
                "-verify_return_error",
                "-verify_hostname",
                "localhost",
            ]);
            openssl.args([version, "-alpn", "http/1.1", "-connect", &format!("127.0.0.1:{port}")]);
            openssl.arg("-CAfile").arg(files.path("authority.pem"));
            openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = openssl.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let mut stdout = BufReader::new(child.stdout.take().unwrap());
            for line in ["first\n", "second\n"] {
                stdin.write_all(line.as_bytes()).unwrap();
                let mut answer = String::new();
                stdout.read_line(&mut answer).unwrap();
                assert_eq!(answer, line);
            }
            drop(stdin);
            child.wait_with_output().unwrap()
        });
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Its server, which turns each line around, and a port on which it listens.
fn openssl_server(files: &Files, arguments: &[&str]) -> (Process, u16) {
    // It binds the port itself; this one is free now.
    let port = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut openssl = Command::new("openssl");
    openssl.args(["s_server", "-rev", "-accept", &format!("127.0.0.1:{port}")]).args(arguments);
    openssl.arg("-cert").arg(files.path("certificate.pem")).arg("-key").arg(files.path("key.pem"));
    openssl.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Process(openssl.spawn().unwrap());
    let mut stdout = BufReader::new(server.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("ACCEPT") {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "`openssl s_server` has ended");
    }
    // So that it can go on to write; until it ends.
    std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    (server, port)
}

#[test]
fn we_talk_to_the_server_of_openssl() {
    if !has("openssl", "version") {
        return;
    }
    for (option, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let files = Files::new(&format!("s_server{option}"));
        let (_server, port) = openssl_server(&files, &[option]);
        run(async {
            let stream = files.certificates.connector().connect_to("127.0.0.1", port).await.unwrap();
            assert_eq!(stream.version(), version);
            let mut reader = StreamReader::new(stream);
            for (line, reversed) in [("drawer\n", "reward\n"), ("stressed\n", "desserts\n")] {
                reader.get_mut().write_all(line.as_bytes()).await.unwrap();
                reader.get_mut().flush().await.unwrap();
                assert_eq!(reader.read_line().await.unwrap().as_deref(), Some(reversed));
            }
            reader.get_mut().close().await.unwrap();
            assert_eq!(reader.get_mut().read(&mut [0; 8]).await.unwrap(), 0);
        });
    }
}

#[test]
fn a_server_of_openssl_that_is_not_trusted_is_refused() {
    if !has("openssl", "version") {
        return;
    }
    let files = Files::new("s_server-stranger");
    let (_server, port) = openssl_server(&files, &[]);
    let error = run(async {
        let error = Certificates::new().connector().connect_to("127.0.0.1", port).await;
        error.unwrap_err()
    });
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}
