//! Answers to requests.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::time::UNIX_EPOCH;

use aio::try_generate;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH,
    IF_RANGE, LOCATION, RANGE,
};
use hyper::http::response;
use hyper::{Method, Request, Response, StatusCode};

use crate::range::{self, Asked};
use crate::site::{Found, Site};

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// How much of a file is in memory at a time, for each connection.
const PIECE: u64 = 128 * 1024;

pub(crate) async fn answer(site: &Site, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let is_head = match *request.method() {
        Method::GET => false,
        Method::HEAD => true,
        _ => return Ok(text(Response::builder().status(405).header(ALLOW, "GET, HEAD"), "text/plain", "use GET\n")),
    };
    Ok(match site.find(request.uri().path()).await {
        Ok(Found::File { file, metadata, path }) => send(file, &metadata, &path, request.headers(), is_head),
        Ok(Found::List(html)) => text(Response::builder(), "text/html; charset=utf-8", html),
        Ok(Found::Elsewhere(path)) => {
            text(Response::builder().status(301).header(LOCATION, path), "text/plain", "it is a directory\n")
        }
        Err(status) => refuse(status),
    })
}

fn refuse(status: StatusCode) -> Answer {
    text(Response::builder().status(status), "text/plain", format!("{status}\n"))
}

fn text(head: response::Builder, content_type: &str, text: impl Into<Bytes>) -> Answer {
    let body = Full::new(text.into()).map_err(|never| match never {}).boxed_unsync();
    head.header(CONTENT_TYPE, content_type).body(body).expect("our own headers are right")
}

fn send(file: fs::File, metadata: &Metadata, path: &Path, headers: &HeaderMap, is_head: bool) -> Answer {
    let len = metadata.len();
    let tag = entity_tag(metadata);
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let head = Response::builder().header(ETAG, &tag).header(ACCEPT_RANGES, "bytes");

    if header(IF_NONE_MATCH).is_some_and(|tags| names(tags, &tag)) {
        return text(head.status(StatusCode::NOT_MODIFIED), content_type(path), "");
    }
    // Of another version than the client has, a part is of no use.
    let is_same = header(IF_RANGE).is_none_or(|known| known == tag);
    let asked = header(RANGE).filter(|_| is_same && !is_head).map_or(Asked::Everything, |it| range::parse(it, len));
    let (head, part) = match asked {
        Asked::Everything => (head, 0..len),
        Asked::Part(part) => {
            let content_range = format!("bytes {}-{}/{len}", part.start, part.end - 1);
            (head.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, content_range), part)
        }
        Asked::Beyond => {
            let head = head.status(StatusCode::RANGE_NOT_SATISFIABLE).header(CONTENT_RANGE, format!("bytes */{len}"));
            return text(head, "text/plain", "");
        }
    };
    let head = head.header(CONTENT_TYPE, content_type(path)).header(CONTENT_LENGTH, part.end - part.start);
    // To `HEAD`, hyper sends no body, whatever there is.
    head.body(contents(file, part)).expect("our own headers are right")
}

/// A part of a file, piece by piece: the next one is read when the last one was taken.
fn contents(file: fs::File, part: Range<u64>) -> UnsyncBoxBody<Bytes, io::Error> {
    let frames = try_generate(async move |out| {
        let mut file = aio::fs::File::from_std(file);
        file.seek(SeekFrom::Start(part.start)).await?;
        let mut left = part.end - part.start;
        while left > 0 {
            let mut piece = vec![0; left.min(PIECE) as usize];
            let n = file.read(&mut piece).await?;
            if n == 0 {
                // The length has been told: the client learns of it when the connection is cut.
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "a file became shorter while it was sent"));
            }
            piece.truncate(n);
            left -= n as u64;
            out.emit(Frame::data(piece.into())).await;
        }
        Ok(())
    });
    StreamBody::new(frames).boxed_unsync()
}

/// What is different once the file is. In quotes, as it stands in the header.
fn entity_tag(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("\"{:x}-{:x}\"", metadata.len(), modified.as_nanos())
}

/// Whether `tag` is one of `tags`.
fn names(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}

fn content_type(path: &Path) -> &'static str {
    let suffix = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    match suffix.as_deref() {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("txt" | "md" | "rs" | "toml") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
