//! What a user might choose instead: Redis. It is asked whether a package exists, or has these semantics in a
//! script over its sets.
//!
//! It runs as Debian's `redis-server`, in memory alone, on a free port of the loopback. Messages have the
//! form in which its own clients write them. Each reply is one line, so that the same clients can count them.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use package_indexer::{CommandRef, NameRef};

use super::options::Unread;

/// INDEX, REMOVE and QUERY. Each list of dependencies, and of dependents, is a set of its own. `ARGV` holds
/// the first letter of the command, the package and the list.
const SCRIPT: &str = r"
local verb, package = ARGV[1], ARGV[2]
local indexed = redis.call('SISMEMBER', 'packages', package) == 1
if verb == 'Q' then
  return indexed and 1 or 0
end
local needs, needed = 'needs:' .. package, 'needed:' .. package
local function clear()
  for _, old in ipairs(redis.call('SMEMBERS', needs)) do
    redis.call('SREM', 'needed:' .. old, package)
  end
  redis.call('DEL', needs)
end
if verb == 'I' then
  for i = 3, #ARGV do
    if redis.call('SISMEMBER', 'packages', ARGV[i]) == 0 then return 0 end
  end
  clear()
  redis.call('SADD', 'packages', package)
  for i = 3, #ARGV do
    redis.call('SADD', needs, ARGV[i])
    redis.call('SADD', 'needed:' .. ARGV[i], package)
  end
  return 1
end
if not indexed then return 1 end
local others = redis.call('SCARD', needed) - redis.call('SISMEMBER', needed, package)
if others > 0 then return 0 end
clear()
redis.call('SREM', 'packages', package)
return 1
";

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A Redis server for this bench. It ends when this is dropped.
pub(crate) struct Redis {
    server: Child,
    pub(crate) address: SocketAddr,
    /// The server's name for the script.
    script: String,
}

impl Redis {
    /// Starts a server, or returns `None` if Redis is not installed.
    pub(crate) fn start() -> Result<Option<Self>, Unread> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let port = address.port().to_string();
        let options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port];
        let started = Command::new("redis-server").args(options).stdout(Stdio::null()).spawn();
        let server = match started {
            Ok(server) => server,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut redis = Self { server, address, script: String::new() };
        let begun = Instant::now();
        let stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) if begun.elapsed() > PATIENCE => return Err(error.into()),
                Err(_not_yet) => thread::sleep(Duration::from_millis(10)),
            }
        };
        let mut message = Vec::new();
        write_message(&mut message, &["SCRIPT", "LOAD", SCRIPT])?;
        (&stream).write_all(&message)?;
        let mut replies = BufReader::new(stream);
        let (mut length, mut hash) = (String::new(), String::new());
        replies.read_line(&mut length)?;
        if length.trim_end() != "$40" {
            return Err(format!("redis-server does not take the script: {length:?}").into());
        }
        replies.read_line(&mut hash)?;
        hash.trim_end().clone_into(&mut redis.script);
        Ok(Some(redis))
    }

    /// Stores names in it, for `EXISTS` and for the script.
    pub(crate) fn fill(&self, names: impl Iterator<Item = String>) -> Result<(), Unread> {
        let stream = TcpStream::connect(self.address)?;
        let (mut replies, mut reply) = (BufReader::new(&stream), String::new());
        for name in names {
            let mut messages = Vec::new();
            write_message(&mut messages, &["SET", &name, ""])?;
            write_message(&mut messages, &["SADD", "packages", &name])?;
            (&stream).write_all(&messages)?;
            replies.read_line(&mut reply)?;
            replies.read_line(&mut reply)?;
        }
        Ok(())
    }

    /// The command in the form that the script reads.
    pub(crate) fn semantics(
        &self,
        command: CommandRef<'_>,
        output: &mut Vec<u8>,
    ) -> io::Result<()> {
        let verb = &command.verb().as_str()[..1];
        let mut words = vec!["EVALSHA", &self.script, "0", verb];
        words.extend(command.names().map(NameRef::as_str));
        write_message(output, &words)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _gone_already = self.server.kill();
        let _gone_already = self.server.wait();
    }
}

/// A question whether the package exists, for any command.
pub(crate) fn exists(command: CommandRef<'_>, output: &mut Vec<u8>) -> io::Result<()> {
    write_message(output, &["EXISTS", command.package().as_str()])
}

fn write_message(output: &mut Vec<u8>, words: &[&str]) -> io::Result<()> {
    write!(output, "*{}\r\n", words.len())?;
    words.iter().try_for_each(|word| write!(output, "${}\r\n{word}\r\n", word.len()))
}
