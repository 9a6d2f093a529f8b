//! The example `http_files`: the server as a process, and clients that know nothing of it.
#![cfg(all(not(aio_loom), unix))]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(60);

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("aio-http-files-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Killed when the test is over, however that ends.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(directory: &Directory, args: &[&str]) -> Self {
        let example = aio_tests::built_example("http_files");
        // Ctrl-C is ignored in what a shell starts in the background.
        let mut command = if cfg!(target_os = "linux") {
            let mut command = Command::new("env");
            command.arg("--default-signal=INT").arg(example.get_program());
            command
        } else {
            example
        };
        let command = command.args(args).arg(&directory.0).arg("127.0.0.1:0");
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening at http://").unwrap().parse().unwrap();
        Self { process, address }
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    /// One request on a connection of its own.
    fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        self.connect().ask(method, path, headers)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Client(BufReader<TcpStream>);

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Client {
    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str) -> Answer {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
        let mut answer = self.head();
        let has_body = method != "HEAD" && answer.status != 304;
        let len = if has_body { answer.header("content-length").unwrap().parse().unwrap() } else { 0 };
        answer.body.resize(len, 0);
        self.0.read_exact(&mut answer.body).unwrap();
        answer
    }

    fn head(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "no end of the head: {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: Vec::new() }
    }

    /// What comes until the server closes the connection.
    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Bytes that differ from place to place.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32).flat_map(u32::to_ne_bytes).take(len).collect()
}

/// Whether a tool is here; says so if it is not.
fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: there is no `{tool}` here");
    }
    found
}

#[test]
fn files_come_whole_with_their_length_and_type_over_one_connection() {
    let directory = Directory::new("whole");
    let large = pattern(5_000_001);
    directory.write("large.bin", &large);
    directory.write("a name&more.TXT", "text\n");
    directory.write("empty.json", "");
    let server = Server::start(&directory, &[]);
    let mut client = server.connect();
    for (path, contents, content_type) in [
        ("/large.bin", &large[..], "application/octet-stream"),
        ("/a%20name%26more.TXT", b"text\n", "text/plain; charset=utf-8"),
        ("//a%20name&more.TXT?query", b"text\n", "text/plain; charset=utf-8"),
        ("/empty.json", b"", "application/json"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = client.ask(method, path, "");
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("content-length"), Some(&*contents.len().to_string()), "{method} {path}");
            assert_eq!(answer.header("content-type"), Some(content_type));
            assert_eq!(answer.header("accept-ranges"), Some("bytes"));
            let body = if method == "GET" { contents } else { b"" };
            assert!(answer.body == body, "{method} {path}: {} bytes", answer.body.len());
        }
    }
}

#[test]
fn a_part_is_sent_if_it_is_there() {
    let directory = Directory::new("part");
    directory.write("digits", "0123456789");
    directory.write("empty", "");
    let server = Server::start(&directory, &[]);
    for (range, status, content_range, body) in [
        ("bytes=0-0", 206, Some("bytes 0-0/10"), "0"),
        ("bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("bytes=7-", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=7-99999", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=7-18446744073709551615", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=-3", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=-99", 206, Some("bytes 0-9/10"), "0123456789"),
        ("bytes=10-", 416, Some("bytes */10"), ""),
        ("bytes=10-11", 416, Some("bytes */10"), ""),
        ("bytes=-0", 416, Some("bytes */10"), ""),
        // What is wrong or not known is as if it were not there.
        ("bytes=4-2", 200, None, "0123456789"),
        ("bytes=+1-2", 200, None, "0123456789"),
        ("bytes=-", 200, None, "0123456789"),
        ("bytes=99999999999999999999-", 200, None, "0123456789"),
        ("bytes=0-1,4-5", 200, None, "0123456789"),
        ("lines=0-1", 200, None, "0123456789"),
    ] {
        let answer = server.ask("GET", "/digits", &format!("Range: {range}\r\n"));
        assert_eq!((answer.status, answer.header("content-range")), (status, content_range), "{range}");
        assert_eq!(answer.text(), body, "{range}");
    }
    assert_eq!(server.ask("GET", "/empty", "Range: bytes=0-\r\n").status, 416);
    let head = server.ask("HEAD", "/digits", "Range: bytes=2-4\r\n");
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
}

#[test]
fn what_the_client_has_already_is_not_sent_again() {
    let directory = Directory::new("tag");
    directory.write("file.css", "first");
    let server = Server::start(&directory, &[]);
    let tag = server.get("/file.css").header("etag").unwrap().to_owned();
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let answer = server.ask("GET", "/file.css", &format!("If-None-Match: {known}\r\n"));
        assert_eq!((answer.status, answer.header("etag")), (304, Some(&*tag)), "{known}");
        assert_eq!(answer.header("content-length").unwrap_or("5"), "5", "that of the file, or none");
    }
    let part = |known: &str| server.ask("GET", "/file.css", &format!("Range: bytes=1-2\r\nIf-Range: {known}\r\n"));
    assert_eq!(part(&tag).text(), "ir");

    directory.write("file.css", "second");
    let answer = server.ask("GET", "/file.css", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((answer.status, answer.text()), (200, "second"));
    assert_ne!(answer.header("etag"), Some(&*tag));
    assert_eq!((part(&tag).status, part(&tag).text()), (200, "second"), "no part of another version");
}

#[test]
fn what_is_missing_or_wrong_is_said_and_the_connection_goes_on() {
    let directory = Directory::new("missing");
    directory.write("file", "text");
    let server = Server::start(&directory, &[]);
    let mut client = server.connect();
    for (method, path, status) in [
        ("GET", "/missing", 404),
        ("GET", "/file/", 404),
        ("GET", "/file/below", 404),
        ("GET", "/%zz", 400),
        ("GET", "/%4", 400),
        ("GET", "/%ff", 400),
        ("GET", "/file%00", 400),
        // Browsers take the dot away before they ask.
        ("GET", "/./file", 403),
        ("POST", "/file", 405),
        ("HEAD", "/missing", 404),
        ("GET", "/file", 200),
    ] {
        let answer = client.ask(method, path, "");
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("GET, HEAD"));
    }
}

#[test]
fn nothing_leads_out_of_the_directory() {
    let outside = Directory::new("outside");
    outside.write("secret", "secret");
    outside.write("site/inside/page", "page");
    let directory = Directory(outside.0.join("site"));
    let server = Server::start(&directory, &[]);
    let outside_path = outside.0.display().to_string();
    for path in [
        "/../secret",
        "/inside/../../secret",
        "/%2e%2e/secret",
        "/inside/%2E%2E/%2e./secret",
        "/..%2fsecret",
        "/inside%2f..%2f..%2fsecret",
        &format!("/{}/secret", outside_path.replace('/', "%2f")),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
    }
    // That is another path below the directory.
    assert_eq!(server.get(&format!("/{outside_path}/secret")).status, 404);

    symlink(outside.0.join("secret"), directory.0.join("link")).unwrap();
    symlink("../..", directory.0.join("inside/up")).unwrap();
    symlink("inside/page", directory.0.join("good")).unwrap();
    fs::create_dir(directory.0.join("indexed")).unwrap();
    symlink(outside.0.join("secret"), directory.0.join("indexed/index.html")).unwrap();
    assert_eq!(server.get("/link").status, 403);
    assert_eq!(server.get("/inside/up/secret").status, 403);
    assert_eq!(server.get("/inside/up/").status, 403);
    assert_eq!(server.get("/indexed/").status, 403);
    assert_eq!(server.get("/good").text(), "page", "a link inside is followed");
    // A pipe would keep a thread waiting.
    assert!(Command::new("mkfifo").arg(directory.0.join("pipe")).status().unwrap().success());
    assert_eq!(server.get("/pipe").status, 403);
}

#[test]
fn a_directory_is_its_index_or_the_list_of_what_is_in_it() {
    let directory = Directory::new("list");
    directory.write("with index/index.html", "<p>index");
    directory.write("without/<b>&\"100%\".txt", "strange");
    directory.write("without/more/x", "");
    let server = Server::start(&directory, &[]);
    assert_eq!(server.get("/with%20index/").text(), "<p>index");
    let moved = server.get("/with%20index");
    assert_eq!((moved.status, moved.header("location")), (301, Some("/with%20index/")));
    // Not to another host.
    assert_eq!(server.get("//without").header("location"), Some("/without/"));

    let list = server.get("/without/");
    assert_eq!(list.header("content-type"), Some("text/html; charset=utf-8"));
    let links: Vec<&str> = list.text().lines().filter(|line| line.starts_with("<li>")).collect();
    assert_eq!(
        links,
        [
            "<li><a href=\"../\">../</a></li>",
            "<li><a href=\"./%3Cb%3E%26%22100%25%22.txt\">&lt;b&gt;&amp;&quot;100%&quot;.txt</a></li>",
            "<li><a href=\"./more/\">more/</a></li>",
        ]
    );
    assert_eq!(server.get("/without/%3Cb%3E%26%22100%25%22.txt").text(), "strange");
    assert!(server.get("/").text().contains("\"./with%20index/\""));
}

#[test]
fn a_file_that_becomes_shorter_cuts_the_connection() {
    let directory = Directory::new("shorter");
    directory.write("file", pattern(50_000_000));
    let server = Server::start(&directory, &[]);
    let mut client = server.connect();
    client.send("GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.head().header("content-length"), Some("50000000"));
    // Most of it is not even read so far: the sockets do not take so much.
    fs::OpenOptions::new().write(true).open(directory.0.join("file")).unwrap().set_len(1000).unwrap();
    let mut body = Vec::new();
    let end = client.0.read_to_end(&mut body);
    assert!(body.len() < 50_000_000, "{end:?}");
    assert!(body == pattern(body.len()));
    assert_eq!(server.get("/file").body.len(), 1000);
}

#[test]
fn a_client_that_is_slow_with_its_header_is_let_go_and_the_others_are_served() {
    let directory = Directory::new("slow");
    directory.write("file", "text");
    let server = Server::start(&directory, &["--header-timeout", "1"]);
    let begin = Instant::now();
    let mut slow: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for client in &mut slow {
        // If this test is slow itself, it is let go already.
        let _ = client.0.get_mut().write_all(b"GET /file HTTP/1.1\r\nHost: ");
    }
    assert_eq!(server.get("/file").text(), "text");
    for client in &mut slow {
        assert!(client.rest().is_empty(), "no answer to half a question");
        assert!(begin.elapsed() >= Duration::from_secs(1));
    }
    assert_eq!(server.get("/file").text(), "text");
}

/// What the terminal does for Ctrl-C.
#[cfg(target_os = "linux")]
fn interrupt(server: &Server) {
    let pid = server.process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

/// One that does not end is killed after a while, and has no exit code.
#[cfg(target_os = "linux")]
fn exit_code(server: &mut Server) -> Option<i32> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(status) = server.process.try_wait().unwrap() {
            return status.code();
        }
        thread::yield_now();
    }
    None
}

#[cfg(target_os = "linux")]
#[test]
fn with_ctrl_c_what_is_on_its_way_arrives_and_nobody_new_is_let_in() {
    let directory = Directory::new("drain");
    // More than the sockets take.
    let large = pattern(25_000_000);
    directory.write("large", &large);
    let mut server = Server::start(&directory, &[]);
    let mut idle = server.connect();
    assert_eq!(idle.ask("HEAD", "/large", "").status, 200);
    let mut loading = server.connect();
    loading.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(loading.head().status, 200);

    interrupt(&server);
    // Who has no request under way is let go: this is how we know that it has heard. The socket that listens is closed
    // at the same time, or a moment later.
    assert!(idle.rest().is_empty());
    let is_refused = |_| {
        thread::sleep(Duration::from_millis(10)); // clock: lets that moment pass
        TcpStream::connect(server.address).is_err()
    };
    assert!((0..1000).any(is_refused));
    assert!(loading.rest() == large, "all of it");
    assert_eq!(exit_code(&mut server), Some(130), "as interrupted");
}

#[test]
fn curl_gets_the_same_bytes() {
    if !has("curl") {
        return;
    }
    let directory = Directory::new("curl");
    let large = pattern(20_000_000);
    directory.write("large", &large);
    let server = Server::start(&directory, &[]);
    let curl = |args: &[&str], path: &str| {
        let output = Command::new("curl").args(["-sS", "--max-time", "60"]).args(args).arg(server.url(path)).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    assert!(curl(&[], "/large") == large);
    assert!(curl(&["-r", "12345-9999999"], "/large") == large[12_345..10_000_000]);
    // It has the first half, and fetches the rest.
    let half = directory.0.join("half");
    fs::write(&half, &large[..10_000_000]).unwrap();
    curl(&["-C", "-", "-o", half.to_str().unwrap()], "/large");
    assert!(fs::read(half).unwrap() == large);
    let status = ["-o", "/dev/null", "-w", "%{http_code}"];
    assert_eq!(curl(&status, "/missing"), b"404");
    assert_eq!(curl(&[&status[..], &["--path-as-is"]].concat(), "/../../etc/passwd"), b"403");
    assert_eq!(curl(&[&status[..], &["-d", "x"]].concat(), "/large"), b"405");
    assert!(curl(&["-I"], "/large").starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[test]
fn wrk_meets_no_error() {
    if !has("wrk") {
        return;
    }
    let directory = Directory::new("wrk");
    directory.write("page.html", "x".repeat(10_000));
    let server = Server::start(&directory, &[]);
    let output = Command::new("wrk")
        .args(["-c50", "-t2", "-d2s", "--timeout", "60s", &server.url("/page.html")])
        .output()
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && report.contains("Requests/sec"), "{report}");
    assert!(!report.contains("Non-2xx") && !report.contains("Socket errors"), "{report}");
    println!("{report}");
    assert_eq!(server.get("/page.html").body.len(), 10_000);
}

#[test]
fn what_is_wrong_on_the_command_line_is_named() {
    let directory = Directory::new("wrong");
    directory.write("file", "");
    let root = directory.0.to_str().unwrap();
    let file = format!("{root}/file");
    let missing = format!("{root}/missing");
    for (args, named) in [
        (&[root, "127.0.0.1:99999"][..], "127.0.0.1:99999"),
        (&[&missing, "127.0.0.1:0"], &missing),
        (&[&file, "127.0.0.1:0"], &file),
        (&["--header-timeout", "x", root, "127.0.0.1:0"], "`x`"),
        // Further than a clock goes.
        (&["--header-timeout", "18446744073709551615", &missing, "127.0.0.1:0"], "`18446744073709551615`"),
        (&[root], "usage"),
    ] {
        let output = aio_tests::built_example("http_files").args(args).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(named), "{message}");
    }
}
