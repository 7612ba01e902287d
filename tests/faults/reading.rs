//! Clients that send and never read.

use std::io::{ErrorKind, Write};
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
    let mut streams = connect_all(target.address, clients)?;
    for stream in &streams {
        stream.set_nonblocking(true)?;
    }
    let start = Instant::now();
    while !streams.is_empty() {
        if start.elapsed() > CUT_OFF {
            return Err(format!("{} clients that never read are not cut off", streams.len()).into());
        }
        streams.retain_mut(is_open_to_more);
        // A client that never reads tries again now and then.
        thread::sleep(target.pace.min(Duration::from_millis(100)));
    }
    Ok(())
}

/// Sends as much as the system takes on; says whether it may take more later. Where in a message
/// that ends does not matter: each is one byte.
fn is_open_to_more(stream: &mut TcpStream) -> bool {
    loop {
        if let Err(error) = stream.write_all(&[b'\n'; 16_384]) {
            return error.kind() == ErrorKind::WouldBlock;
        }
    }
}
