//! What the tests of replicas stand on is what they take it for: a cluster of etcd that can be killed
//! and stopped, and a network that can be cut.

use crate::common;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::common::etcd::{Cluster, NODES, post, post_on};
use crate::common::optional;
use crate::common::proxy::{Cut, Place, Proxy};

/// How long nothing has to come before that is taken for silence: long enough for what would come at
/// once, and no reply is ever late by it.
const SILENCE: Duration = Duration::from_millis(200);

/// How often somebody insists.
const ATTEMPTS: usize = 1_000;

/// The names and values of these tests, as etcd has them: in base 64.
const PUT: &str = r#"{"key": "YQ==", "value": "Yg=="}"#;
const GET: &str = r#"{"key": "YQ=="}"#;

fn put(node: SocketAddr) -> std::io::Result<String> {
    post(node, "/v3/kv/put", PUT)
}

/// Puts until it is done: what a leader was asked that is gone is lost, and so are those who ask while
/// the next one is elected. Etcd itself would take seconds to say so.
fn insist(node: SocketAddr) {
    let done = (0..ATTEMPTS).any(|_| asks(node, "/v3/kv/put", PUT, 5 * SILENCE));
    assert!(done, "nothing can be put by {node}");
}

/// What a node answers when it is asked for what was put.
fn get(node: SocketAddr) -> String {
    post(node, "/v3/kv/range", GET).unwrap()
}

/// Whether a node answers at all to somebody who waits no longer than this.
fn asks(node: SocketAddr, path: &str, request: &str, patience: Duration) -> bool {
    let Ok(mut stream) = TcpStream::connect(node) else { return false };
    stream.set_read_timeout(Some(patience)).unwrap();
    post_on(&mut stream, path, request).is_ok()
}

/// Whether a node says at once what was put, as it may only while it has a majority.
fn answers(node: SocketAddr) -> bool {
    asks(node, "/v3/kv/range", GET, SILENCE)
}

/// One who is connected to a listener by a proxy, and that proxy.
fn connected() -> (Proxy, TcpListener, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::to(Place::new(listener.local_addr().unwrap()));
    let near = TcpStream::connect(proxy.address()).unwrap();
    let (far, _) = listener.accept().unwrap();
    (proxy, listener, near, far)
}

fn passes(mut from: &TcpStream, mut to: &TcpStream) {
    from.write_all(b"word").unwrap();
    to.set_read_timeout(None).unwrap();
    let mut word = [0; 4];
    to.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"word");
}

fn is_silent(mut to: &TcpStream) {
    to.set_read_timeout(Some(SILENCE)).unwrap();
    let error = to.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
}

fn is_reset(mut stream: &TcpStream) {
    stream.set_read_timeout(None).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_proxy_passes_on_both_directions_and_their_ends() {
    let (_proxy, _listener, near, far) = connected();
    passes(&near, &far);
    passes(&far, &near);
    near.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!((&far).read(&mut [0]).unwrap(), 0);
    passes(&far, &near);
    drop(far);
    assert_eq!((&near).read(&mut [0]).unwrap(), 0);
}

#[test]
fn what_is_cut_silently_is_held_and_comes_when_it_is_mended() {
    let (proxy, listener, mut near, mut far) = connected();
    proxy.cut(Cut::Silent);
    near.write_all(b"asked").unwrap();
    far.write_all(b"told").unwrap();
    is_silent(&far);
    is_silent(&near);
    let mut new = TcpStream::connect(proxy.address()).unwrap();
    new.write_all(b"new").unwrap();
    is_silent(&new);
    proxy.mend();
    let mut asked = [0; 5];
    far.set_read_timeout(None).unwrap();
    far.read_exact(&mut asked).unwrap();
    let mut told = [0; 4];
    near.set_read_timeout(None).unwrap();
    near.read_exact(&mut told).unwrap();
    assert_eq!((&asked, &told), (b"asked", b"told"));
    let (mut far, _) = listener.accept().unwrap();
    let mut said = [0; 3];
    far.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"new");
}

/// New connections are reset, too.
#[test]
fn a_cut_by_reset_is_told_to_both_ends_until_it_is_mended() {
    let (proxy, listener, near, far) = connected();
    proxy.cut(Cut::Reset);
    is_reset(&near);
    is_reset(&far);
    is_reset(&TcpStream::connect(proxy.address()).unwrap());
    proxy.mend();
    let near = TcpStream::connect(proxy.address()).unwrap();
    let (far, _) = listener.accept().unwrap();
    passes(&near, &far);
}

#[test]
fn a_proxy_without_a_server_resets_and_finds_one_later() {
    let place = Place::new(common::NOBODY.parse().unwrap());
    let proxy = Proxy::to(place.clone());
    is_reset(&TcpStream::connect(proxy.address()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    place.set(listener.local_addr().unwrap());
    let near = TcpStream::connect(proxy.address()).unwrap();
    passes(&near, &listener.accept().unwrap().0);
}

#[test]
fn only_those_of_an_origin_are_cut_if_that_is_asked_for() {
    let (proxy, listener, mut near, far) = connected();
    let origin = "127.0.0.1:7";
    near.write_all(format!("GET / HTTP/1.1\r\nX-Peerurls: http://{origin}\r\n\r\n").as_bytes())
        .unwrap();
    (&far).read_exact(&mut [0; 48]).unwrap();
    let other = TcpStream::connect(proxy.address()).unwrap();
    let (far_of_other, _) = listener.accept().unwrap();
    proxy.cut_from(origin.parse().unwrap(), Cut::Reset);
    is_reset(&near);
    passes(&other, &far_of_other);
}

/// This holds through proxies, too.
#[test]
fn what_one_node_put_all_nodes_get_after_all_were_killed() {
    let Some(mut cluster) = Cluster::start("put-and-get") else { return };
    let proxies: Vec<_> = (0..NODES).map(|node| Proxy::to(cluster.client(node))).collect();
    insist(proxies[0].address());
    for proxy in &proxies {
        assert!(get(proxy.address()).contains("Yg=="));
    }
    for (node, proxy) in proxies.iter().enumerate() {
        cluster.kill(node);
        assert!(put(proxy.address()).is_err());
    }
    cluster.start_again(&[0, 1, 2]);
    for proxy in &proxies {
        assert!(get(proxy.address()).contains("Yg=="));
    }
}

/// The third may be stopped, too. It does not answer.
#[test]
fn two_nodes_answer_while_the_third_is_killed_or_cut_off() {
    let Some(mut cluster) = Cluster::start("two-of-three") else { return };
    let places: Vec<_> = (0..NODES).map(|node| cluster.client(node)).collect();
    // The one that leads is missed the most.
    let leader = loop {
        if let Some(leader) = cluster.leader() {
            break leader;
        }
    };
    let others_answer = || {
        for place in places.iter().enumerate().filter(|(node, _)| *node != leader) {
            insist(place.1.get());
        }
    };
    let node = || places[leader].get();
    cluster.stop(leader);
    others_answer();
    assert!(!answers(node()));
    cluster.resume(leader);
    insist(node());
    for cut in [Cut::Silent, Cut::Reset] {
        cluster.isolate(leader, cut);
        others_answer();
        assert!(!answers(node()), "{cut:?}");
        cluster.mend();
        insist(node());
    }
    cluster.kill(leader);
    others_answer();
    cluster.start_again(&[leader]);
    insist(node());
}

#[test]
fn nobody_answers_while_the_nodes_are_scattered() {
    let Some(cluster) = Cluster::start("scattered") else { return };
    for cut in [Cut::Silent, Cut::Reset] {
        cluster.scatter(cut);
        for node in 0..NODES {
            assert!(!answers(cluster.client(node).get()), "{cut:?}");
        }
        cluster.mend();
        insist(cluster.client(0).get());
    }
}

#[test]
fn a_person_sees_that_there_was_no_etcd() {
    let needing = "harness::nobody_answers_while_the_nodes_are_scattered";
    let said = optional::said_without_programs(needing);
    assert!(
        said.contains("\nleft out: tests over a cluster of etcd: etcd is not installed\n"),
        "{said}"
    );
}
