//! A network that can be cut: proxies in this process, each in front of an address, which pass bytes
//! on until they are told not to.
//!
//! What is cut silently is held, and comes late: so do the packets of a network that was down for a
//! while. What is cut by a reset is lost, and both ends learn of it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// How connections are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing passes any more, and nobody is told; new connections are taken, and nothing passes on
    /// them either.
    Silent,
    /// Connections are reset, and so is every new one.
    Reset,
}

/// The header by which a node of etcd that dials another says which one it is.
const ORIGIN: &[u8] = b"x-peerurls: http://";

/// Where something listens at the moment: after a new start that may be elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Place(Arc<Mutex<SocketAddr>>);

impl Place {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self(Arc::new(Mutex::new(address)))
    }

    pub(crate) fn get(&self) -> SocketAddr {
        *held(&self.0)
    }

    pub(crate) fn set(&self, address: SocketAddr) {
        *held(&self.0) = address;
    }
}

/// Passes on what comes to an address of its own, for as long as it is kept.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    target: Place,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is cut; for all who come if there is no origin, or for those of an origin.
    cuts: BTreeMap<Option<SocketAddr>, Cut>,
    links: BTreeMap<u64, Link>,
    next: u64,
    ended: bool,
}

/// The two connections that are joined.
struct Link {
    near: Arc<TcpStream>,
    /// None before the target is connected to.
    far: Option<Arc<TcpStream>>,
    /// Who has come, if that was said.
    origin: Option<SocketAddr>,
}

impl Link {
    /// Has both ends see a reset, once the threads that pass bytes on have let go of them too.
    fn reset(self) {
        for stream in [Some(self.near), self.far].into_iter().flatten() {
            // It may have ended by itself.
            let _ended = set_socket_linger(&*stream, Some(Duration::ZERO));
            let _ended = stream.shutdown(Shutdown::Read);
        }
    }
}

impl State {
    fn cut(&self, link: u64) -> Option<Cut> {
        let of_all = self.cuts.get(&None);
        let origin = self.links.get(&link).and_then(|link| link.origin);
        of_all.or_else(|| self.cuts.get(&Some(origin?))).copied()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Takes connections on a port of its own and passes on what they send.
    pub(crate) fn to(target: Place) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { target, state: Mutex::default(), changed: Condvar::new() });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming() {
                    if held(&shared.state).ended {
                        return;
                    }
                    // Anyone who has gone before it was met needs nothing.
                    let Ok(stream) = stream else { continue };
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || shared.join(stream));
                }
            }
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// What to connect to instead of the target.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections, those that are there and new ones.
    pub(crate) fn cut(&self, cut: Cut) {
        self.cut_those(None, cut);
    }

    /// Cuts the connections that come from the node of etcd whose peers know it by this address.
    pub(crate) fn cut_from(&self, origin: SocketAddr, cut: Cut) {
        self.cut_those(Some(origin), cut);
    }

    fn cut_those(&self, origin: Option<SocketAddr>, cut: Cut) {
        let mut state = held(&self.shared.state);
        state.cuts.insert(origin, cut);
        if cut == Cut::Reset {
            let is_cut = |link: &Link| origin.is_none() || link.origin == origin;
            let (those, others) =
                std::mem::take(&mut state.links).into_iter().partition(|(_, link)| is_cut(link));
            state.links = others;
            let those: BTreeMap<u64, Link> = those;
            those.into_values().for_each(Link::reset);
        }
        self.shared.changed.notify_all();
    }

    /// Lets everything pass again, what was held first.
    pub(crate) fn mend(&self) {
        held(&self.shared.state).cuts.clear();
        self.shared.changed.notify_all();
    }

    /// How many connections it passes bytes on for, or holds.
    pub(crate) fn links(&self) -> usize {
        held(&self.shared.state).links.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let links = {
            let mut state = held(&self.shared.state);
            state.ended = true;
            std::mem::take(&mut state.links)
        };
        self.shared.changed.notify_all();
        for link in links.into_values() {
            for stream in [Some(link.near), link.far].into_iter().flatten() {
                let _ended = stream.shutdown(Shutdown::Both);
            }
        }
        // Wakes the acceptor, which then sees that this is the end.
        let _refused = TcpStream::connect(self.address);
        let _panicked = self.acceptor.take().map(JoinHandle::join);
    }
}

impl Shared {
    /// Passes bytes on for one who came, until either side ends or the proxy does.
    fn join(&self, near: TcpStream) {
        let near = Arc::new(near);
        let number = {
            let mut state = held(&self.state);
            let number = state.next;
            state.next += 1;
            let link = Link { near: Arc::clone(&near), far: None, origin: None };
            state.links.insert(number, link);
            number
        };
        let far = self.may_pass(number).then(|| TcpStream::connect(self.target.get()));
        let Some(Ok(far)) = far else {
            // Nobody is there: as if anyone who came had been refused.
            if let Some(link) = held(&self.state).links.remove(&number) {
                link.reset();
            }
            return;
        };
        let far = Arc::new(far);
        for stream in [&near, &far] {
            // A small message is not to wait for the next one here either.
            let _gone = stream.set_nodelay(true);
        }
        let is_there = held(&self.state)
            .links
            .get_mut(&number)
            .map(|link| link.far = Some(Arc::clone(&far)))
            .is_some();
        if is_there {
            thread::scope(|scope| {
                scope.spawn(|| self.pass(number, &near, &far, true));
                self.pass(number, &far, &near, false);
            });
        } else {
            // Cut while the target was connected to, which is to see a reset as well.
            let _gone = set_socket_linger(&*far, Some(Duration::ZERO));
        }
        held(&self.state).links.remove(&number);
    }

    /// Passes bytes on in one direction, until they end.
    fn pass(&self, number: u64, mut from: &TcpStream, mut to: &TcpStream, is_asking: bool) {
        let mut bytes = vec![0; 16_384];
        loop {
            let read = from.read(&mut bytes).unwrap_or(0);
            if is_asking {
                self.note_origin(number, &bytes[..read]);
            }
            // An end is held as anything else is.
            if !self.may_pass(number) {
                return;
            }
            if read == 0 {
                let _ended = to.shutdown(Shutdown::Write);
                return;
            }
            if to.write_all(&bytes[..read]).is_err() {
                // Anyone who sends is not to believe that anybody still reads.
                let _ended = from.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    /// Notes who has come, if these bytes say so.
    fn note_origin(&self, number: u64, bytes: &[u8]) {
        let mut state = held(&self.state);
        let Some(link) = state.links.get_mut(&number) else { return };
        if link.origin.is_none() {
            link.origin = origin(bytes);
        }
    }

    /// Waits while bytes of this link are held; says whether they may pass then, or are lost.
    fn may_pass(&self, number: u64) -> bool {
        let mut state = held(&self.state);
        loop {
            if state.ended || !state.links.contains_key(&number) {
                return false;
            }
            match state.cut(number) {
                None => return true,
                Some(Cut::Silent) => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Cut::Reset) => {
                    if let Some(link) = state.links.remove(&number) {
                        link.reset();
                    }
                    return false;
                }
            }
        }
    }
}

/// Which node of etcd has sent this request, if that is what it is. A head that comes in two pieces is
/// missed, and its connection known by a later one.
fn origin(bytes: &[u8]) -> Option<SocketAddr> {
    let found = bytes.windows(ORIGIN.len()).position(|here| here.eq_ignore_ascii_case(ORIGIN))?;
    let address = bytes[found + ORIGIN.len()..].split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(address).ok()?.parse().ok()
}
