//! Acceptors, connections and a thread that stops the server share a registry, on schedules that a checker
//! chooses. A lost wake-up is a deadlock there, which the checker reports.

use std::net::TcpListener;
use std::sync::atomic::AtomicUsize;

use shuttle::thread::{self, yield_now};

use super::*;
use crate::sync::checker::{on_every_schedule, on_many_schedules, sees};

/// An open connection that nobody uses.
fn connection() -> Arc<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap())
}

/// The same connection as another stream: opening one takes longer than running a schedule.
fn one_more(connection: &TcpStream) -> Arc<TcpStream> {
    Arc::new(connection.try_clone().unwrap())
}

const LIMIT: usize = 2;

/// So many connections come and go, in a registry with two places.
fn come_and_go(connection: &TcpStream, connections: usize) {
    let registry = Arc::new(Registry::new(LIMIT).unwrap());
    // Of std, so that the count is no point where the schedule could change.
    let inside = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let stream = one_more(connection);
                match registry.enter(&stream) {
                    Ok(place) => {
                        let before = inside.fetch_add(1, Ordering::SeqCst);
                        assert!(before < LIMIT, "more than the limit");
                        yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(place);
                    }
                    Err(reason) => {
                        assert_eq!(reason, NotTaken::Full { limit: LIMIT });
                        assert!(connections > LIMIT, "refused although there is a place");
                    }
                }
            });
        }
    });
    assert_eq!(registry.len(), 0);
    let stream = one_more(connection);
    let places = [(); LIMIT + 1].map(|()| registry.enter(&stream));
    let taken = places.iter().filter(|place| place.is_ok()).count();
    assert_eq!(taken, LIMIT, "a place was lost, or given back twice");
}

/// So many threads wait until the server begins to stop, and so many stop it.
fn close(waiting: usize, closing: usize) {
    let registry = Arc::new(Registry::new(LIMIT).unwrap());
    thread::scope(|scope| {
        let closed_at = || registry.closed_at();
        let waiting: Vec<_> = (0..waiting).map(|_| scope.spawn(closed_at)).collect();
        let limited = scope.spawn(|| registry.wait_until_closed(Duration::MAX));
        let close = || registry.close();
        let closing: Vec<_> = (0..closing).map(|_| scope.spawn(close)).collect();
        let first = closing.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(first.filter(|first| *first).count(), 1, "of several calls, one is the first");
        assert!(registry.is_closed());
        assert!(limited.join().unwrap());
        for thread in waiting {
            assert_eq!(thread.join().unwrap(), registry.closed_at());
        }
    });
}

/// So many connections leave while a thread waits until the last has left.
fn leave(connection: &TcpStream, connections: usize) {
    let registry = Arc::new(Registry::new(connections).unwrap());
    for _ in 0..connections {
        let stream = one_more(connection);
        let place = registry.enter(&stream).unwrap();
        thread::spawn(move || drop((stream, place)));
    }
    assert!(registry.wait_until_empty(Duration::MAX));
    assert_eq!(registry.len(), 0);
}

/// An acceptor gives each of so many connections a thread of its own, while another thread stops the server.
/// When nobody is registered any more, nobody holds anything.
fn stop(connection: &Arc<TcpStream>, connections: usize) {
    let registry = Arc::new(Registry::new(LIMIT).unwrap());
    let (server, accepting) = (Arc::new(()), registry.accepting());
    thread::spawn({
        let (registry, server) = (Arc::clone(&registry), Arc::clone(&server));
        let connection = Arc::clone(connection);
        move || {
            // The order of these drops is the same as in `acceptor`.
            let _accepting = accepting;
            let server = server;
            for _ in 0..connections {
                let closed = registry.is_closed();
                let stream = one_more(&connection);
                let Ok(place) = registry.enter(&stream) else { continue };
                assert!(!closed, "a connection is taken although the server is stopping");
                let server = Arc::clone(&server);
                thread::spawn(move || {
                    let _place = place;
                    let _stream = (stream, server);
                    yield_now();
                });
            }
        }
    });
    let closing = Arc::clone(&registry);
    thread::spawn(move || closing.close());
    registry.closed_at();
    let streams: Vec<_> =
        registry.lock().streams.values().map(|it| Weak::clone(&it.stream)).collect();
    let taken = registry.lock().taken;
    assert!(registry.cut_off() <= LIMIT);
    assert!(registry.wait_until_empty(Duration::MAX));
    assert_eq!((registry.len(), registry.acceptors()), (0, 0));
    assert_eq!(registry.lock().taken, taken, "a connection is taken after the end has begun");
    assert_eq!(Arc::strong_count(&server), 1, "somebody still holds the server");
    assert!(streams.iter().all(|stream| stream.strong_count() == 0), "a stream is still open");
}

#[test]
fn connections_never_exceed_places_and_give_theirs_back() {
    let connection = connection();
    let few = Arc::clone(&connection);
    on_every_schedule(move || come_and_go(&few, 2));
    on_many_schedules(move || come_and_go(&connection, 4));
}

#[test]
fn closing_wakes_everybody_and_has_one_first_call() {
    on_every_schedule(|| close(0, 1));
    on_many_schedules(|| close(2, 2));
}

#[test]
fn the_last_to_leave_wakes_those_who_wait_for_that() {
    let connection = connection();
    let two = Arc::clone(&connection);
    on_every_schedule(move || leave(&two, 2));
    on_many_schedules(move || leave(&connection, 4));
}

#[test]
fn waiting_for_the_end_is_over_when_nothing_is_held() {
    let connection = connection();
    let none = Arc::clone(&connection);
    on_every_schedule(move || stop(&none, 0));
    on_many_schedules(move || stop(&connection, 3));
}

#[test]
fn a_limit_that_is_looked_at_too_early_is_noticed() {
    let connection = connection();
    sees(Bug::PlacesAreCountedTooEarly, "more than the limit", || {
        on_many_schedules(move || come_and_go(&connection, 3));
    });
}

#[test]
fn wake_ups_that_are_lost_are_noticed() {
    sees(Bug::ClosingWakesNobody, "deadlock", || on_many_schedules(|| close(1, 1)));
    let connection = connection();
    sees(Bug::LeavingWakesNobody, "deadlock", || on_many_schedules(move || leave(&connection, 1)));
}
