//! Runs a program from stdin on asyncio and in both homes of `aio`.
use std::io::Read;

use aio_conformance::{Aio, Asyncio, Home, Program};

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("stdin can be read");
    let program = Program::parse(text.lines()).unwrap_or_else(|error| panic!("{error}"));
    let mut asyncio = Asyncio::start();
    for home in Home::ALL {
        if let Some(asyncio) = &mut asyncio {
            println!("--- asyncio, for {home:?}");
            asyncio.run(home, &program).iter().for_each(|event| println!("{event}"));
        }
        println!("--- aio, {home:?}");
        Aio::new(home).run(&program).iter().for_each(|event| println!("{event}"));
    }
}
