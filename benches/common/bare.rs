//! The bare server: as little as a server with a thread for each connection can do.
//!
//! It reads what has come, counts the line ends, and writes as many `OK`s at once. It neither reads the
//! messages nor knows any. So its rate is the limit that the kernel sets to all such servers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The most bytes that one read brings.
const READ_BYTES: usize = 65_536;

/// Starts the server on a free port of the loopback. It ends with the process.
pub(crate) fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("bare accept".into()).spawn(move || accept(&listener))?;
    Ok(address)
}

fn accept(listener: &TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::Builder::new().name("bare".into()).spawn(move || serve(&stream))?;
    }
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = vec![0; READ_BYTES];
    let replies = b"OK\n".repeat(READ_BYTES);
    loop {
        match stream.read(&mut input) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                let messages = memchr::memchr_iter(b'\n', &input[..count]).count();
                stream.write_all(&replies[..messages * b"OK\n".len()])?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
