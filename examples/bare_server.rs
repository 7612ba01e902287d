//! A server that only counts line ends and answers each with OK: what the system allows, for loads to
//! be tried on: `cargo run --release --example bare_server`, and beside it
//! `indexer load --addr` with the address that it prints.

#[path = "../benches/common/bare.rs"]
mod bare;

use std::thread;

/// Serves until it is interrupted.
fn main() -> std::io::Result<()> {
    println!("listening on {}", bare::start()?);
    loop {
        thread::park();
    }
}
