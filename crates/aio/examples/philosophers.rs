//! A deadlock, and what tells it: five philosophers take the fork to their left, and wait for the one to their right.
//!
//! ```sh
//! AIO_DEBUG=1 cargo run --example philosophers
//! ```
//!
//! Nothing happens any more until Ctrl-C is pressed, which lists who waits for which fork, who has it, and the ring.
//! With `--polite`, the last philosopher takes the forks in the other order, and all of them eat.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aio::{Lock, TaskGroup, sleep};

const NAMES: [&str; 5] = ["Aristotle", "Kant", "Spinoza", "Marx", "Russell"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let polite = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--polite"] => true,
        _ => {
            eprintln!("usage: philosophers [--polite]");
            return ExitCode::from(2);
        }
    };
    aio::run(dinner(polite));
    ExitCode::SUCCESS
}

async fn dinner(polite: bool) {
    let forks = NAMES.map(|_| Arc::new(Lock::new(())));
    let table = TaskGroup::new();
    table
        .join(async {
            for (i, name) in NAMES.into_iter().enumerate() {
                let (mut first, mut second) = (forks[i].clone(), forks[(i + 1) % NAMES.len()].clone());
                if polite && i == NAMES.len() - 1 {
                    std::mem::swap(&mut first, &mut second);
                }
                drop(table.child().name(name).spawn(eat(name, first, second)));
            }
            if !polite {
                sleep(Duration::from_millis(10)).await;
                println!("nobody eats; press Ctrl-C");
            }
        })
        .await;
}

async fn eat(name: &str, first: Arc<Lock<()>>, second: Arc<Lock<()>>) {
    let _first = first.lock().await;
    // So that everybody has one.
    sleep(Duration::from_millis(1)).await;
    let _second = second.lock().await;
    println!("{name} eats");
}
