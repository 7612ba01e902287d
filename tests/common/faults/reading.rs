//! Clients that send and never read.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::{Target, Wrong, connect_all};

/// How long it may take until all of them are cut off: longer than the server lets replies lie, and
/// than two processors need to fill the buffers of all.
const CUT_OFF: Duration = Duration::from_secs(30);

/// Each client sends empty lines, which ask for six bytes each, and reads nothing: until the
/// server waits for it, and it for the server, and the server has waited long enough.
pub(super) fn never(target: &Target, clients: usize) -> Result<(), Wrong> {
    let streams = connect_all(target.address, clients)?;
    for stream in &streams {
        stream.set_write_timeout(Some(CUT_OFF))?;
    }
    let start = Instant::now();
    let send = |mut stream: &TcpStream| {
        while start.elapsed() <= CUT_OFF && stream.write_all(&[b'\n'; 16_384]).is_ok() {}
    };
    thread::scope(|scope| {
        for stream in &streams {
            scope.spawn(move || send(stream));
        }
    });
    if start.elapsed() > CUT_OFF {
        return Err("clients that never read are not cut off".into());
    }
    Ok(())
}
