//! Replicas of one index over a cluster of etcd: processes that serve, each of which reaches each node
//! of etcd by a proxy of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use package_indexer::Reply;
use package_indexer::client::{Client, ClientError};

use super::etcd::Cluster;
use super::proxy::{Cut, Place, Proxy};
use super::{Serving, indexer};

/// How long replicas may take until they answer, or are where the others are, once nothing is in their
/// way any more: far longer than an election and a new connection take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Replicas; all are killed when it is dropped.
pub(crate) struct Replicas {
    processes: Vec<Replica>,
    addresses: Addresses,
    scheme: &'static str,
    nodes: Vec<Place>,
    prefix: String,
    flags: Vec<String>,
}

struct Replica {
    serving: Option<Serving>,
    /// One for each node.
    proxies: Vec<Proxy>,
}

/// What a replica says of its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// How far in the log it is.
    pub(crate) place: u64,
    pub(crate) packages: usize,
    pub(crate) digest: String,
}

/// Where the replicas are that run, by their numbers; known to clients while replicas come and go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses(Arc<Mutex<Vec<Option<SocketAddr>>>>);

impl Addresses {
    fn held(&self) -> MutexGuard<'_, Vec<Option<SocketAddr>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of those that run.
    pub(crate) fn all(&self) -> Vec<SocketAddr> {
        self.held().iter().copied().flatten().collect()
    }
}

impl Replicas {
    /// Starts so many replicas of an index whose keys begin with `prefix`, each with these flags too.
    pub(crate) fn start(cluster: &Cluster, prefix: &str, count: usize, flags: &[&str]) -> Self {
        let (scheme, nodes) = cluster.clients();
        let mut replicas = Self {
            processes: Vec::new(),
            addresses: Addresses::default(),
            scheme,
            nodes,
            prefix: prefix.to_owned(),
            flags: flags.iter().map(ToString::to_string).collect(),
        };
        for _ in 0..count {
            replicas.join();
        }
        replicas
    }

    /// Starts one more, and waits until it serves; returns its number.
    pub(crate) fn join(&mut self) -> usize {
        let proxies = self.nodes.iter().map(|node| Proxy::to(node.clone())).collect();
        self.processes.push(Replica { serving: None, proxies });
        self.addresses.held().push(None);
        let number = self.processes.len() - 1;
        self.start_again(number);
        number
    }

    /// Starts one that was killed, on ports of its own, and waits until it serves: for that etcd needs a
    /// majority which it can reach.
    pub(crate) fn start_again(&mut self, number: usize) {
        let proxies = &self.processes[number].proxies;
        // Each has another node first in its list, so that the one that fails is the first of some replica.
        let count = proxies.len();
        let nodes = (0..count).map(|node| proxies[(number + node) % count].address().to_string());
        let nodes: Vec<_> = nodes.collect();
        let log = format!("{}://{}/{}", self.scheme, nodes.join(","), self.prefix);
        let mut command = indexer(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--metrics", "127.0.0.1:0", "--replicate", &log]).args(&self.flags);
        let serving = Serving::spawn(&mut command, 2);
        self.addresses.held()[number] = Some(serving.addresses[0]);
        self.processes[number].serving = Some(serving);
    }

    fn serving(&self, number: usize) -> &Serving {
        self.processes[number].serving.as_ref().expect("it runs")
    }

    /// How many there are, those that were killed included.
    pub(crate) fn count(&self) -> usize {
        self.processes.len()
    }

    /// Where one listens.
    pub(crate) fn address(&self, number: usize) -> SocketAddr {
        self.serving(number).addresses[0]
    }

    /// Where those are that run; it changes as they are killed and started.
    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Kills one as `kill -9` does, and returns what it had logged until then, which must be no panic.
    pub(crate) fn kill(&mut self, number: usize) -> String {
        self.addresses.held()[number] = None;
        let serving = self.processes[number].serving.take().expect("it runs");
        serving.signal("KILL");
        let (_, log) = serving.wait();
        assert!(!log.contains("panicked"), "replica {number}: {log}");
        log
    }

    /// Has one stand still.
    pub(crate) fn stop(&self, number: usize) {
        self.serving(number).signal("STOP");
    }

    /// Has one that stands still go on.
    pub(crate) fn resume(&self, number: usize) {
        self.serving(number).signal("CONT");
    }

    /// Cuts one off from a node of etcd.
    pub(crate) fn cut(&self, number: usize, node: usize, cut: Cut) {
        self.processes[number].proxies[node].cut(cut);
    }

    /// Cuts one off from all nodes of etcd.
    pub(crate) fn cut_off(&self, number: usize, cut: Cut) {
        (0..self.nodes.len()).for_each(|node| self.cut(number, node, cut));
    }

    /// Lets one reach all nodes of etcd again.
    pub(crate) fn mend(&self, number: usize) {
        self.processes[number].proxies.iter().for_each(Proxy::mend);
    }

    /// A client of one, which waits as long as anything may take.
    pub(crate) fn client(&self, number: usize) -> Client {
        Client::connect_timeout(self.address(number), PATIENCE).unwrap()
    }

    /// What one answers to one message.
    pub(crate) fn ask(&self, number: usize, message: &str) -> Result<Reply, ClientError> {
        self.client(number).exchange(message.as_bytes())
    }

    /// Has one answer a QUERY about a package: it has then caught up with all that came before, if it
    /// was not told to answer from what it has. While it cannot know, which it says by ERROR, it is
    /// asked again.
    pub(crate) fn query(&self, number: usize, package: &str) -> Reply {
        let begun = Instant::now();
        loop {
            let reply = self.ask(number, &format!("QUERY|{package}|")).unwrap();
            if reply != Reply::Error {
                return reply;
            }
            assert!(begun.elapsed() < PATIENCE, "replica {number} only answers ERROR");
        }
    }

    /// Has some answer OK to QUERYs about a package for a while: nothing is appended meanwhile, so that
    /// anyone who follows the log hears nothing.
    pub(crate) fn query_for(&self, length: Duration, numbers: &[usize], package: &str) {
        let begun = Instant::now();
        while begun.elapsed() < length {
            for number in numbers {
                let reply = self.ask(*number, &format!("QUERY|{package}|")).unwrap();
                assert_eq!(reply, Reply::Ok, "replica {number}");
            }
        }
    }

    /// What a page of one's endpoint says, head and all.
    pub(crate) fn page(&self, number: usize, page: &str) -> String {
        self.serving(number).get(page)
    }

    /// What one says of its state.
    pub(crate) fn digest(&self, number: usize) -> State {
        let page = self.serving(number).get("/digest");
        let field = |name: &str| {
            let lines = page.lines().map(|line| line.split_once(' '));
            let mut found = lines.flatten().filter(|(word, _)| *word == name);
            found.next().unwrap_or_else(|| panic!("no {name} in {page}")).1
        };
        State {
            place: field("place").parse().unwrap(),
            packages: field("packages").parse().unwrap(),
            digest: field("digest").to_owned(),
        }
    }

    /// Has all that run catch up with each other, and sees that they have the same state, which it
    /// returns. Nobody may change anything meanwhile.
    pub(crate) fn agree(&self) -> State {
        let running = |number: &usize| self.processes[*number].serving.is_some();
        let running: Vec<usize> = (0..self.count()).filter(running).collect();
        for number in &running {
            self.query(*number, "nothing");
        }
        // Those that were asked first may not have heard yet of what the others were asked.
        let begun = Instant::now();
        loop {
            let digests: Vec<_> = running.iter().map(|number| self.digest(*number)).collect();
            let greatest = digests.iter().map(|digest| digest.place).max().unwrap();
            if digests.iter().all(|digest| digest.place == greatest) {
                let first = digests[0].clone();
                assert!(digests.iter().all(|digest| *digest == first), "{digests:?}");
                return first;
            }
            assert!(begun.elapsed() < PATIENCE, "they do not come to one place: {digests:?}");
        }
    }

    /// Ends all that run in good order, side by side, because each waits for what etcd has to say; returns
    /// what they logged.
    pub(crate) fn end(mut self) -> Vec<String> {
        let running = self.processes.iter_mut().filter_map(|replica| replica.serving.take());
        let ending: Vec<_> = running.map(|serving| thread::spawn(|| serving.stop())).collect();
        ending
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .inspect(|log| assert!(!log.contains("panicked"), "{log}"))
            .collect()
    }
}
