//! How the gateway reads answers. The nodes are stand-ins, each with a list of answers.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::*;

/// A node that answers one request after the other from a list, and then ends.
struct Fake {
    address: SocketAddr,
    asked: JoinHandle<Vec<String>>,
}

type Canned = (u16, String);

impl Fake {
    fn new(answers: Vec<Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                match exchange(&listener, &answer) {
                    Some(path) => asked.push(path),
                    None => return asked,
                }
            }
            asked
        });
        Self { address, asked }
    }

    /// The requests that it got.
    fn asked(self) -> Vec<String> {
        // It may wait for a request that does not come.
        let _ended = TcpStream::connect(self.address).map(drop);
        self.asked.join().unwrap()
    }
}

/// Answers one request and returns it. `None` if nothing came.
fn exchange(node: &TcpListener, (status, body): &Canned) -> Option<String> {
    let mut reader = BufReader::new(node.accept().unwrap().0);
    let (mut path, mut line, mut length) = (None, String::new(), 0);
    while reader.read_line(&mut line).unwrap() > 0 && line != "\r\n" {
        let field = line.to_ascii_lowercase();
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        path = path.or_else(|| Some(field.split(' ').nth(1)?.strip_prefix("/v3/")?.to_owned()));
        line.clear();
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let path = path?;
    let head = format!(
        "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    reader.get_mut().write_all((head + body).as_bytes()).unwrap();
    Some(path)
}

/// An error with a code. Its words and its status belong to another error.
fn code(code: u8) -> Canned {
    let words = "etcdserver: mvcc: database space exceeded, permission denied";
    (418, format!(r#"{{"error": "{words}", "message": "{words}", "code": {code}}}"#))
}

/// Success, from a node of this cluster.
fn done_by(cluster: u8) -> Canned {
    let header = format!(r#"{{"cluster_id": "{cluster}", "revision": "7"}}"#);
    (200, format!(r#"{{"header": {header}, "token": "some"}}"#))
}

fn done() -> Canned {
    done_by(1)
}

fn alarms(kinds: &[&str]) -> Canned {
    let alarms: Vec<_> =
        kinds.iter().map(|kind| json!({ "memberID": "1", "alarm": kind })).collect();
    (200, if alarms.is_empty() { "{}".into() } else { json!({ "alarms": alarms }).to_string() })
}

/// The result of a call, without its words.
fn outcome<T: std::fmt::Debug>(called: &Result<T, LogError>) -> String {
    match called {
        Ok(value) => format!("{value:?}"),
        Err(LogError::Refused { refusal, .. }) => format!("{refusal:?}"),
        Err(LogError::Unreachable { .. }) => "away".into(),
        Err(LogError::Rejected { .. }) => "rejected".into(),
        Err(error) => format!("{error:?}"),
    }
}

/// A gateway to nodes that give these answers, and the nodes.
fn gateway<const N: usize>(
    answers: [Vec<Canned>; N],
    credentials: Option<Credentials>,
) -> (Gateway, [Fake; N]) {
    let fakes = answers.map(Fake::new);
    let nodes = fakes.iter().map(|fake| fake.address.to_string()).collect();
    let address = EtcdAddress { tls: false, nodes, prefix: "p".into() };
    (Gateway::new(&address, credentials, &Identity::default()).unwrap(), fakes)
}

fn somebody() -> Credentials {
    Credentials { user: "u".into(), password: "p".into() }
}

fn revision(reply: &Reply<'_>) -> Result<u64, LogError> {
    reply.revision()
}

/// Puts a value of this many bytes through one node with these answers. Returns the result, and the node's
/// requests.
fn put(size: usize, user: Option<Credentials>, answers: Vec<Canned>) -> (String, Vec<String>) {
    let (gateway, [node]) = gateway([answers], user);
    let called = gateway.call("kv/put", &json!({ "value": "A".repeat(size) }), revision);
    (outcome(&called), node.asked())
}

/// A value that any etcd takes, one that some do not take, and one that no etcd takes by default.
const SIZES: [usize; 3] = [1, 100_000, 2_000_000];

#[test]
fn an_error_is_known_by_its_code_alone() {
    for (number, expected) in [
        (2, "away"),
        (4, "away"),
        (5, "rejected"),
        (7, "Denied"),
        (9, "away"),
        (11, "away"),
        (12, "rejected"),
        (13, "away"),
        (14, "away"),
        (15, "Corrupt"),
        (16, "Denied"),
    ] {
        for size in SIZES {
            let expected = (expected.to_owned(), vec!["kv/put".to_owned()]);
            assert_eq!(put(size, None, vec![code(number)]), expected, "{number}");
        }
    }
    for (answer, expected) in [
        ((404, "Not Found"), "rejected"),
        ((403, "no"), "Denied"),
        ((413, "no"), "TooLarge"),
        ((502, "<p>code 7</p>"), "away"),
        ((200, "<p>Welcome</p>"), "rejected"),
        ((200, "{}"), "away"),
    ] {
        let (status, text) = answer;
        assert_eq!(put(1, None, vec![(status, text.into())]).0, expected, "{answer:?}");
    }
}

#[test]
fn what_is_exhausted_is_told_by_alarms_or_else_by_size() {
    for (alarms, expected) in [
        (alarms(&["NOSPACE"]), ["Full"; 3]),
        (alarms(&["CORRUPT", "NOSPACE"]), ["Full"; 3]),
        (alarms(&["CORRUPT"]), ["Corrupt"; 3]),
        (alarms(&["NONE"]), ["away", "away", "TooLarge"]),
        (alarms(&[]), ["away", "away", "TooLarge"]),
        (code(8), ["away"; 3]),
        (code(7), ["away"; 3]),
        ((200, "Welcome".into()), ["away"; 3]),
    ] {
        for (size, expected) in SIZES.into_iter().zip(expected) {
            let said = put(size, None, vec![code(8), alarms.clone()]);
            let asked = ["kv/put", "maintenance/alarm"].map(str::to_owned).to_vec();
            assert_eq!(said, (expected.to_owned(), asked), "{alarms:?}");
        }
    }
}

#[test]
fn a_bad_argument_blames_the_request_or_its_user() {
    let bad = || code(3);
    for (answers, expected) in [
        // A user that etcd does not know may not read either.
        (vec![bad(), bad()], ["Denied"; 3]),
        (vec![bad(), code(7)], ["Denied"; 3]),
        (vec![bad(), code(16)], ["Denied"; 3]),
        (vec![bad(), code(14)], ["away"; 3]),
        (vec![bad(), (404, String::new())], ["rejected"; 3]),
        // A user who may read has sent a bad request.
        (vec![bad(), done(), bad()], ["rejected", "TooLarge", "TooLarge"]),
        (vec![bad(), done(), code(14)], ["away"; 3]),
        (vec![bad(), done(), done()], ["7"; 3]),
    ] {
        for (size, expected) in SIZES.into_iter().zip(expected) {
            let asked = ["kv/put", "kv/range", "kv/put"][..answers.len()].iter();
            let asked = asked.map(ToString::to_string).collect();
            assert_eq!(put(size, None, answers.clone()), (expected.to_owned(), asked));
        }
    }
}

#[test]
fn a_token_is_renewed_once_where_it_may_be_what_is_wrong() {
    let [token, put_] = ["auth/authenticate", "kv/put"];
    for number in [3, 16] {
        let (said, asked) = put(1, Some(somebody()), vec![done(), code(number), done(), done()]);
        assert_eq!((&*said, asked), ("7", [token, put_, token, put_].map(str::to_owned).to_vec()));
    }
    let (said, asked) = put(1, Some(somebody()), vec![done(), code(16), done(), code(16)]);
    assert_eq!((&*said, asked.len()), ("Denied", 4));
    let (said, asked) = put(1, Some(somebody()), vec![done(), code(3), done(), code(3), code(3)]);
    assert_eq!((&*said, asked.len(), &*asked[4]), ("Denied", 5, "kv/range"));
    // The token is right, and its user has no right to do it.
    let (said, asked) = put(1, Some(somebody()), vec![done(), code(7)]);
    assert_eq!((&*said, asked.len()), ("Denied", 2));
}

#[test]
fn a_user_without_a_token_is_told_why() {
    for (answer, expected) in [
        (code(3), "Denied"),
        (code(7), "Denied"),
        (code(9), "Denied"),
        (code(16), "Denied"),
        (code(14), "away"),
        (code(8), "away"),
        (code(15), "Corrupt"),
        (code(12), "rejected"),
        ((404, "Not Found".into()), "rejected"),
        ((200, "{}".into()), "rejected"),
    ] {
        let expected = (expected.to_owned(), vec!["auth/authenticate".to_owned()]);
        assert_eq!(put(1, Some(somebody()), vec![answer.clone()]), expected, "{answer:?}");
    }
}

#[test]
fn a_revision_that_is_gone_is_no_error_if_it_was_asked_for() {
    for (answer, expected) in [(done(), "Some(7)"), (code(11), "None"), (code(14), "away")] {
        let (gateway, [node]) = gateway([vec![answer]], None);
        assert_eq!(outcome(&gateway.call_at("kv/range", &json!({}), revision)), expected);
        node.asked();
    }
    let (gateway, [first, second]) = gateway([vec![code(11)], vec![done()]], None);
    assert_eq!(gateway.call_at("kv/range", &json!({}), revision), Ok(None));
    assert_eq!((first.asked().len(), second.asked().len()), (1, 0));
}

#[test]
fn another_node_is_asked_unless_it_would_say_the_same() {
    for (first, second, expected) in [
        (vec![code(8), alarms(&["NOSPACE"])], None, "Full"),
        (vec![code(15)], None, "Corrupt"),
        (vec![code(7)], Some(done()), "7"),
        (vec![code(8), alarms(&[])], Some(done()), "7"),
        (vec![code(14)], Some(done()), "7"),
        (vec![code(12)], Some(done()), "7"),
        (vec![(404, "Not Found".into())], Some(done()), "7"),
        (vec![(200, "Welcome".into())], Some(done()), "7"),
        // A refusal says more than silence. A stranger counts only if all nodes are strangers.
        (vec![code(7)], Some(code(14)), "Denied"),
        (vec![code(14)], Some(code(7)), "Denied"),
        (vec![code(12)], Some(code(7)), "Denied"),
        (vec![code(12)], Some(code(14)), "away"),
        (vec![code(14)], Some(code(12)), "away"),
        (vec![code(12)], Some((404, String::new())), "rejected"),
    ] {
        let is_asked = second.is_some();
        let nodes = [first.clone(), vec![second.unwrap_or_else(done)]];
        let (gateway, [one, other]) = gateway(nodes, None);
        let called = gateway.call("kv/put", &json!({}), revision);
        assert_eq!(outcome(&called), expected, "{first:?}");
        assert_eq!((one.asked().len(), other.asked().len()), (first.len(), is_asked.into()));
    }
}

/// Whether nodes were found to be of the clusters 1 and 2.
fn are_told_apart<T>(called: &Result<T, LogError>, nodes: [SocketAddr; 2]) -> bool {
    let names = nodes.map(|node| format!("http://{node}"));
    let [one, other] = [0, 1].map(|turn| format!("{} (cluster {})", names[turn], turn + 1));
    matches!(called, Err(LogError::Mixed { one: a, other: b }) if [a, b] == [&one, &other])
}

#[test]
fn nodes_of_two_clusters_are_not_taken_for_one() {
    let (gateway, [one, other]) = gateway([vec![done(), code(14)], vec![done_by(2)]], None);
    let nodes = [one.address, other.address];
    let call = || gateway.call("kv/put", &json!({}), revision);
    assert_eq!(call(), Ok(7));
    let called = call();
    assert!(are_told_apart(&called, nodes), "{called:?}");
    assert!(called.unwrap_err().ends_a_start());
    assert_eq!((one.asked().len(), other.asked().len()), (2, 1));
}

#[test]
fn a_node_that_moves_to_another_cluster_is_noticed() {
    let (gateway, [node]) = gateway([vec![done(), done_by(2)]], None);
    assert_eq!(gateway.call("kv/put", &json!({}), revision), Ok(7));
    let called = gateway.call("kv/put", &json!({}), revision);
    assert!(are_told_apart(&called, [node.address; 2]), "{called:?}");
    node.asked();
}

#[test]
fn all_nodes_are_compared_before_one_is_needed() {
    for (first, second, expected) in [
        (done(), done(), "()"),
        (done(), code(14), "()"),
        (done(), (404, String::new()), "()"),
        (done(), (200, "Welcome".into()), "()"),
        (done(), (200, "{}".into()), "()"),
        (done(), done_by(2), "mixed"),
    ] {
        let (gateway, [one, other]) =
            gateway([vec![first], vec![second.clone()]], Some(somebody()));
        let compared = gateway.compare_nodes();
        let said = if matches!(compared, Err(LogError::Mixed { .. })) {
            "mixed".into()
        } else {
            outcome(&compared)
        };
        assert_eq!(said, expected, "{second:?}");
        // That needs no user.
        assert_eq!([one.asked(), other.asked()], [(); 2].map(|()| vec!["maintenance/status"]));
    }
}

/// Watches through one node with these answers. Returns the result, and the node's requests.
fn watch(answers: Vec<Canned>) -> (Result<&'static str, LogError>, Vec<String>) {
    let (gateway, [node]) = gateway([answers], None);
    let watched = gateway.watch("a", "b", 1, &mut |_| Ok(false));
    let watched = watched.map(|end| match end {
        WatchEnd::Enough => "enough",
        WatchEnd::Silent => "silent",
        WatchEnd::Compacted => "compacted",
    });
    (watched, node.asked())
}

fn line(cluster: u8, rest: &str) -> String {
    format!(r#"{{"result": {{"header": {{"cluster_id": "{cluster}"}}, {rest}}}}}"#) + "\n"
}

#[test]
fn a_refused_watch_is_final_if_a_read_is_refused_too() {
    let created = line(1, r#""created": true"#);
    let event = line(1, r#""events": [{"kv": {"key": "YQ=="}}]"#);
    let compacted = line(1, r#""canceled": true, "compact_revision": "9""#);
    let canceled = line(1, r#""canceled": true, "cancel_reason": "permission denied""#);
    let failed = |code: u8| format!(r#"{{"error": {{"grpc_code": {code}, "message": "no"}}}}"#);
    for (answers, expected, asked) in [
        (vec![(200, format!("{created}{event}"))], "\"enough\"", 1),
        (vec![(200, format!("{created}{compacted}"))], "\"compacted\"", 1),
        (vec![(200, created.clone())], "away", 1),
        (vec![(200, canceled.clone()), code(7)], "Denied", 2),
        (vec![(200, canceled.clone()), code(3), code(3)], "Denied", 3),
        (vec![(200, canceled), done()], "away", 2),
        (vec![(200, format!("{created}{}", failed(14)))], "away", 1),
        (vec![(200, format!("{created}{}", failed(16))), code(16)], "Denied", 2),
        (vec![(503, failed(14))], "away", 1),
        (vec![(503, failed(7)), code(7)], "Denied", 2),
        (vec![(404, "Not Found".into()), (404, "Not Found".into())], "rejected", 2),
        (vec![(502, "<p>no</p>".into())], "away", 1),
    ] {
        let said = watch(answers.clone());
        assert_eq!((&*outcome(&said.0), said.1.len()), (expected, asked), "{answers:?}");
    }
}

#[test]
fn what_a_node_of_another_cluster_shows_is_not_taken() {
    let shown = line(1, r#""created": true"#) + &line(2, r#""events": [{"kv": {"key": "YQ=="}}]"#);
    let (watched, _) = watch(vec![(200, shown)]);
    assert!(matches!(watched, Err(LogError::Mixed { .. })), "{watched:?}");
}
