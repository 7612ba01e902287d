//! A cluster of real nodes of etcd on loopback addresses, three or a single one, which can be killed,
//! stopped and cut off from each other.
//!
//! Nodes reach each other by a proxy in front of each. Which of them has come, a node says in its
//! requests, so that one can be cut off in both directions while the other two still have each other.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::Folder;
use super::optional;
use super::proxy::{Cut, Place, Proxy};
use super::serving::signal;

/// How many nodes a cluster has, unless it is to have a single one.
pub(crate) const NODES: usize = 3;

/// How long nodes may take until they are ready, or an answer may, before that counts as a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a node may find its ports taken by others.
const ATTEMPTS: usize = 20;

/// How many of the last lines of a log are kept.
const LINES: usize = 20;

/// Nodes; all are killed, and what they kept is removed, when it is dropped.
pub(crate) struct Cluster {
    // Before the folder: what writes to that must have ended first.
    nodes: Vec<Node>,
    how: How,
    _folder: Folder,
}

/// How nodes are started.
struct How {
    /// Of the addresses for clients.
    scheme: &'static str,
    flags: Vec<String>,
}

struct Node {
    name: String,
    directory: PathBuf,
    running: Option<Running>,
    /// Where clients reach it.
    client: Place,
    /// Where the proxy reaches it for the other nodes.
    peer: Place,
    proxy: Proxy,
}

/// A process; killed when it is dropped.
struct Running {
    child: Child,
    said: Receiver<Said>,
}

/// What a node says in its log that matters here.
enum Said {
    Ready,
    /// It has ended, with these last lines.
    Ended(String),
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Cluster {
    /// Starts three nodes that have nothing yet, and waits until all are ready; `None`, and a line
    /// that says so, where etcd is not installed. The name is the test's own.
    pub(crate) fn start(name: &str) -> Option<Self> {
        Self::start_nodes(name, NODES, &[])
    }

    /// The same with a single node, which is given these flags too.
    pub(crate) fn start_one(name: &str, flags: &[&str]) -> Option<Self> {
        Self::start_nodes(name, 1, flags)
    }

    fn start_nodes(name: &str, count: usize, flags: &[&str]) -> Option<Self> {
        optional::ETCD.needed_by("tests over a cluster of etcd")?;
        let folder = Folder::new(&format!("etcd-{name}"));
        let nodes = (0..count).map(|number| Node::new(number, &folder.0)).collect();
        let flags = flags.iter().map(ToString::to_string).collect();
        let mut cluster = Self { nodes, how: How { scheme: "http", flags }, _folder: folder };
        cluster.start_again(&(0..count).collect::<Vec<_>>());
        Some(cluster)
    }

    /// Kills all nodes and starts them again, from now on with these flags too, and with TLS for clients.
    pub(crate) fn speak_tls(&mut self, flags: &[&str]) {
        self.how.scheme = "https";
        self.how.flags.extend(flags.iter().map(ToString::to_string));
        let all: Vec<_> = (0..self.nodes.len()).collect();
        for node in &all {
            self.kill(*node);
        }
        self.start_again(&all);
    }

    /// Starts nodes on what they have kept, and waits until they are ready. They need a majority for
    /// that, of themselves and those that run.
    pub(crate) fn start_again(&mut self, nodes: &[usize]) {
        let peers = |node: &Node| format!("{}=http://{}", node.name, node.proxy.address());
        let all: Vec<String> = self.nodes.iter().map(peers).collect();
        let all = all.join(",");
        for node in nodes {
            self.nodes[*node].start(&all, &self.how);
        }
        for node in nodes {
            self.nodes[*node].get_ready(&all, &self.how);
        }
    }

    /// Kills a node as `kill -9` does.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].running = None;
    }

    /// Keeps a copy of what a node has, which does not run, in place of any before.
    pub(crate) fn back_up(&self, node: usize) {
        let directory = &self.nodes[node].directory;
        replace(directory, &directory.with_extension("copy"));
    }

    /// Brings a node, which does not run, back to the copy that was kept.
    pub(crate) fn restore(&self, node: usize) {
        let directory = &self.nodes[node].directory;
        replace(&directory.with_extension("copy"), directory);
    }

    /// Has a node stand still.
    pub(crate) fn stop(&self, node: usize) {
        self.nodes[node].signal("STOP");
    }

    /// Has a node that stands still go on.
    pub(crate) fn resume(&self, node: usize) {
        self.nodes[node].signal("CONT");
    }

    /// Where clients reach a node; it follows the node to the ports of its next start.
    pub(crate) fn client(&self, node: usize) -> Place {
        self.nodes[node].client.clone()
    }

    /// Where clients reach all nodes, and the scheme of a `--replicate` for them.
    pub(crate) fn clients(&self) -> (&'static str, Vec<Place>) {
        let scheme = if self.how.scheme == "https" { "etcds" } else { "etcd" };
        (scheme, self.nodes.iter().map(|node| node.client.clone()).collect())
    }

    /// Cuts a node off from the other two, which still have each other.
    pub(crate) fn isolate(&self, node: usize, cut: Cut) {
        let isolated = self.nodes[node].proxy.address();
        for (number, other) in self.nodes.iter().enumerate() {
            if number == node {
                other.proxy.cut(cut);
            } else {
                other.proxy.cut_from(isolated, cut);
            }
        }
    }

    /// Cuts two nodes off from each other, while both still have the third.
    pub(crate) fn part(&self, one: usize, other: usize, cut: Cut) {
        for (here, there) in [(one, other), (other, one)] {
            self.nodes[here].proxy.cut_from(self.nodes[there].proxy.address(), cut);
        }
    }

    /// Cuts every node off from every other: there is no majority then.
    pub(crate) fn scatter(&self, cut: Cut) {
        for node in &self.nodes {
            node.proxy.cut(cut);
        }
    }

    /// Lets all nodes reach each other again.
    pub(crate) fn mend(&self) {
        for node in &self.nodes {
            node.proxy.mend();
        }
    }

    /// Compacts all that has happened up to now, and something after it, as somebody may who looks
    /// after an etcd that several use.
    pub(crate) fn compact(&self) {
        let node = self.nodes[0].client.get();
        let put = || {
            let said = post(node, "/v3/kv/put", r#"{"key": "YQ==", "value": "Yg=="}"#).unwrap();
            let said: serde_json::Value = serde_json::from_str(&said).unwrap();
            said["header"]["revision"].as_str().unwrap().to_owned()
        };
        // Twice, so that who goes on after anything of before asks for what is compacted.
        let [_, revision] = [put(), put()];
        let request = format!(r#"{{"revision": "{revision}"}}"#);
        post(node, "/v3/kv/compaction", &request).unwrap();
    }

    /// Which node leads, as a node says that has a leader and answers at once.
    pub(crate) fn leader(&self) -> Option<usize> {
        let status = |node: &Node| {
            let said = post(node.client.get(), "/v3/maintenance/status", "{}").ok()?;
            let said: serde_json::Value = serde_json::from_str(&said).ok()?;
            Some((said["header"]["member_id"].clone(), said["leader"].clone()))
        };
        let running =
            self.nodes.iter().map(|node| node.running.as_ref().and_then(|_| status(node)));
        let running: Vec<_> = running.collect();
        running.iter().position(|said| said.as_ref().is_some_and(|(id, leader)| id == leader))
    }
}

impl Node {
    fn new(number: usize, folder: &Path) -> Self {
        let name = format!("node-{number}");
        let [client, peer] = free_addresses().map(Place::new);
        let proxy = Proxy::to(peer.clone());
        Self { directory: folder.join(&name), name, running: None, client, peer, proxy }
    }

    /// Starts it on ports that were free a moment ago; proxies find it there.
    fn start(&mut self, all: &str, How { scheme, flags }: &How) {
        let [client, peer] = free_addresses();
        self.client.set(client);
        self.peer.set(peer);
        let mut command = Command::new("etcd");
        // What the environment says to other nodes is not for these.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"ETCD_") {
                command.env_remove(name);
            }
        }
        command.args(["--name", &self.name, "--initial-cluster", all]);
        command.arg("--data-dir").arg(&self.directory);
        command.arg(format!("--listen-client-urls={scheme}://{client}"));
        command.arg(format!("--advertise-client-urls={scheme}://{client}"));
        command.arg(format!("--listen-peer-urls=http://{peer}"));
        command.arg(format!("--initial-advertise-peer-urls=http://{}", self.proxy.address()));
        command.args(["--logger=zap", "--log-outputs=stderr"]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let (say, said) = mpsc::channel();
        self.running = Some(Running { child, said });
        // For as long as it runs: a pipe that nobody reads would stop it.
        thread::spawn(move || follow(log, &say));
    }

    /// Waits until it is ready, on other ports if others were faster to take these.
    fn get_ready(&mut self, all: &str, how: &How) {
        for _ in 0..ATTEMPTS {
            let said = self.running.as_ref().unwrap().said.recv_timeout(PATIENCE);
            match said.unwrap_or_else(|_| panic!("{} is not ready in time", self.name)) {
                Said::Ready => return,
                Said::Ended(log) => {
                    let is_taken = log.contains("address already in use");
                    assert!(is_taken, "{} has ended:\n{log}", self.name);
                    self.start(all, how);
                }
            }
        }
        panic!("{} found no free ports", self.name);
    }

    fn signal(&self, name: &str) {
        let running = self.running.as_ref().expect("it runs");
        signal(running.child.id(), name);
    }
}

/// Makes a folder a copy of another.
fn replace(from: &Path, to: &Path) {
    let _none_before = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            replace(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Reads a log to its end, and says what matters.
fn follow(log: ChildStderr, say: &Sender<Said>) {
    let mut last = VecDeque::new();
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if line.contains("serving client traffic") {
            // The cluster may be gone, and nobody listen.
            let _unheard = say.send(Said::Ready);
        }
        last.truncate(LINES - 1);
        last.push_front(line);
    }
    let last: Vec<String> = last.into_iter().rev().collect();
    let _unheard = say.send(Said::Ended(last.join("\n")));
}

/// Two addresses that nobody listens on, which may change at any time.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

/// What etcd's JSON gateway at an address answers to a request.
pub(crate) fn post(address: SocketAddr, path: &str, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    post_on(&mut stream, path, request)
}

/// The same on a connection that ends with it.
pub(crate) fn post_on(stream: &mut TcpStream, path: &str, request: &str) -> io::Result<String> {
    post_as("", stream, path, request)
}

/// The same for anyone who has this token.
pub(crate) fn post_as(
    token: &str,
    stream: &mut TcpStream,
    path: &str,
    request: &str,
) -> io::Result<String> {
    let length = request.len();
    let token = if token.is_empty() { "" } else { &format!("Authorization: {token}\r\n") };
    // Of HTTP/1.0, so that the body ends with the connection.
    let head = format!("POST {path} HTTP/1.0\r\n{token}Content-Length: {length}\r\n\r\n");
    stream.write_all((head + request).as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let whole = response.split_once("\r\n\r\n");
    let (head, body) = whole.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    if head.split(' ').nth(1) == Some("200") {
        return Ok(body.to_owned());
    }
    Err(io::Error::other(response))
}
