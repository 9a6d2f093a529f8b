//! What is at a path, below a directory that nothing leads out of.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use aio::to_thread;
use hyper::StatusCode;

use crate::url::{decode, encode};

/// A directory and all that is in it.
pub(crate) struct Site {
    /// Without links.
    root: Arc<Path>,
}

pub(crate) enum Found {
    File {
        file: fs::File,
        metadata: Metadata,
        path: PathBuf,
    },
    /// What is in a directory, in HTML.
    List(String),
    /// It has another path.
    Elsewhere(String),
}

impl Site {
    pub(crate) async fn new(root: &Path) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", root.display()));
        let canonical = aio::fs::canonicalize(root).await?;
        if !aio::fs::metadata(&canonical).await?.is_dir() {
            return Err(named(ErrorKind::NotADirectory.into()));
        }
        Ok(Self { root: canonical.into() })
    }

    /// What is at `path`, which is that of a URL.
    pub(crate) async fn find(&self, path: &str) -> Result<Found, StatusCode> {
        let parts = parts(path)?;
        // A series of calls, so one trip to a thread.
        let (root, is_directory) = (self.root.clone(), path.ends_with('/'));
        to_thread(move || {
            look(&root, &parts, is_directory).map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => StatusCode::NOT_FOUND,
                ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
                _ => {
                    eprintln!("http_files: {}: {error}", parts.join("/"));
                    StatusCode::INTERNAL_SERVER_ERROR
                }
            })
        })
        .await
    }
}

/// The names in a path, none of which leads anywhere else than down.
fn parts(path: &str) -> Result<Vec<String>, StatusCode> {
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = decode(part).filter(|part| !part.contains('\0')).ok_or(StatusCode::BAD_REQUEST)?;
        // What separates names, and what stands for a drive, depends on the system.
        let mut components = Path::new(&part).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(name)), None) if name == part.as_str() => parts.push(part),
            _ => return Err(StatusCode::FORBIDDEN),
        }
    }
    Ok(parts)
}

/// Blocks. `PermissionDenied` if a link leads out of `root`. (Who may change the directory while this looks can lead it
/// anywhere: he could as well put a copy there.)
fn look(root: &Path, parts: &[String], is_directory: bool) -> io::Result<Found> {
    let inside = |path: PathBuf| {
        let path = path.canonicalize()?;
        if path.starts_with(root) { Ok(path) } else { Err(io::Error::from(ErrorKind::PermissionDenied)) }
    };
    let path = inside(parts.iter().fold(root.to_owned(), |path, part| path.join(part)))?;
    if !path.is_dir() {
        return if is_directory { Err(ErrorKind::NotFound.into()) } else { open(path) };
    }
    // Relative links go wrong without the slash.
    if !is_directory {
        let encoded: String = parts.iter().map(|part| format!("/{}", encode(part))).collect();
        return Ok(Found::Elsewhere(format!("{encoded}/")));
    }
    match inside(path.join("index.html")).and_then(open) {
        Err(error) if error.kind() == ErrorKind::NotFound => list(&path, parts),
        found => found,
    }
}

fn open(path: PathBuf) -> io::Result<Found> {
    // Before it is opened: a pipe would wait for somebody to write.
    if !fs::metadata(&path)?.is_file() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    let file = fs::File::open(&path)?;
    let metadata = file.metadata()?;
    Ok(Found::File { file, metadata, path })
}

fn list(path: &Path, parts: &[String]) -> io::Result<Found> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        names.push(if entry.file_type()?.is_dir() { name + "/" } else { name });
    }
    names.sort();
    let title = escape(&format!("/{}", parts.join("/")));
    let mut html =
        format!("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n<ul>\n");
    if !parts.is_empty() {
        html += "<li><a href=\"../\">../</a></li>\n";
    }
    for name in names {
        let (file, slash) = name.strip_suffix('/').map_or((name.as_str(), ""), |directory| (directory, "/"));
        html += &format!("<li><a href=\"./{}{slash}\">{}</a></li>\n", encode(file), escape(&name));
    }
    Ok(Found::List(html + "</ul>\n"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
