//! A server that only counts line ends and answers each with OK. It shows what the system allows. Run `cargo
//! run --release --example bare_server`, and beside it `indexer load --addr` with the address that it prints.

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
