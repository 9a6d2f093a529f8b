//! Greets everybody it is told of, some later than others.
//!
//! `cargo run --release -p aio-rt --example hello -- NAME...`
//!
//! Names are greeted in the order of their lengths, a tenth of a second for each letter. Without a name, or with an
//! empty one, it fails.

use std::fmt;
use std::time::Duration;

use aio::{sleep, spawn};

#[aio::main(workers = 2, grace = "5s")]
async fn main() -> Result<(), NobodyHere> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(NobodyHere);
    }
    let greetings: Vec<_> = names.into_iter().map(|name| spawn(greet(name))).collect();
    for greeting in greetings {
        greeting.await;
    }
    Ok(())
}

async fn greet(name: String) {
    sleep(Duration::from_millis(100) * name.chars().count() as u32).await;
    println!("hello, {name}");
}

struct NobodyHere;

/// What `main` prints of an error.
impl fmt::Debug for NobodyHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nobody to greet")
    }
}
