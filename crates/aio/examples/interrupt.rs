//! What Ctrl-C does: the work is cancelled, and its cleanup, which waits, is done before the program exits with code
//! 130.
//!
//! ```sh
//! cargo run --example interrupt -- FILE
//! ```
//!
//! Writes the progress of some work into FILE when it is interrupted. With `--stubborn`, the cleanup never ends: press
//! Ctrl-C again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use aio::{cancel_reason, defer, sleep, to_thread};

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let stubborn = args.iter().position(|arg| arg == "--stubborn").map(|at| args.remove(at)).is_some();
    let [file] = args.as_slice() else {
        eprintln!("usage: interrupt [--stubborn] FILE");
        return ExitCode::from(2);
    };
    aio::run(work(PathBuf::from(file), stubborn));
    ExitCode::SUCCESS
}

/// Counts until it is told to stop.
async fn work(file: PathBuf, stubborn: bool) {
    let mut progress = defer(0_u64, async move |progress| {
        let reason = cancel_reason().map_or_else(|| "done".to_owned(), |reason| reason.to_string());
        // Whatever takes its time: here a pause, and a file that is written in another thread.
        sleep(Duration::from_millis(20)).await;
        let text = format!("stopped after {progress} steps: {reason}\n");
        if let Err(error) = to_thread(move || std::fs::write(file, text)).await {
            eprintln!("failed to save the progress: {error}");
        }
        if stubborn {
            std::future::pending::<()>().await;
        }
    });
    println!("working; press Ctrl-C");
    loop {
        sleep(Duration::from_millis(1)).await;
        *progress += 1;
    }
}
