//! Clients that take their time to send.

use std::io::Write;
use std::thread;

use super::{Target, Wrong, connect_all, expect};

/// Each client sends one message, a byte at a time, all clients at the same pace; the reply comes
/// when the message is complete, to each.
pub(super) fn one_byte_at_a_time(target: &Target, clients: usize) -> Result<(), Wrong> {
    let mut streams = connect_all(target.address, clients)?;
    let messages: Vec<_> =
        (0..clients).map(|client| format!("INDEX|slow-{client:04}|\n")).collect();
    for at in 0..messages[0].len() {
        for (stream, message) in streams.iter_mut().zip(&messages) {
            stream.write_all(&message.as_bytes()[at..=at])?;
        }
        // The pace is the fault itself: nothing is waited for here.
        thread::sleep(target.pace);
    }
    streams.iter().try_for_each(|stream| expect(stream, "OK\n"))
}
