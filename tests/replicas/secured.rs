//! A replica shows etcd who it is, by a certificate or as a user, and takes care whom it speaks to; where
//! it cannot log in, it says why and does not start.

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::certificates::{Authority, Signed};
use crate::common::etcd::{Cluster, post, post_as};
use crate::common::proxy::Cut;
use crate::common::replicas::Replicas;
use crate::common::serving::signal;
use crate::common::{Finished, Folder, NOBODY, indexer};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use package_indexer::Reply;
use serde_json::{Value, json};

/// How long a replica may take to end that cannot log in: where no answer of etcd says so, it asks for ten
/// seconds, lest a node that is not ready yet is the reason.
const PATIENCE: Duration = Duration::from_secs(60);

/// Passwords are hashed with the least work that etcd can: nobody steals these.
const CHEAP: &str = "--bcrypt-cost=4";

const PREFIX: &str = "packages";

/// The flags of a replica that trusts a file of certificates.
fn trusting(ca: &str) -> Vec<&str> {
    vec!["--etcd-ca", ca]
}

/// The flags of one that shows a certificate, with this key.
fn showing<'a>(certificate: &'a str, key: &'a str) -> Vec<&'a str> {
    vec!["--etcd-cert", certificate, "--etcd-key", key]
}

/// The flags of one that is a user.
fn being<'a>(user: &'a str, password_file: &'a str) -> Vec<&'a str> {
    vec!["--etcd-user", user, "--etcd-password-file", password_file]
}

/// Starts a node that speaks TLS with those alone who show a certificate of an authority, or with anybody.
fn speak_tls(cluster: &mut Cluster, ca: &Authority<'_>, only_known: bool) {
    let Signed { certificate, key } = ca.sign("node");
    let (certificate, key) = (format!("--cert-file={certificate}"), format!("--key-file={key}"));
    let trusted = format!("--trusted-ca-file={}", ca.certificate());
    let mut flags = vec![&*certificate, &*key];
    if only_known {
        flags.extend(["--client-cert-auth", &*trusted]);
    }
    cluster.speak_tls(&flags);
}

/// Has etcd know users, and speak to nobody else: `indexer`, who may read and write below the prefix, and
/// `stranger`, who may do so elsewhere. The passwords are their names twice.
fn know_users(cluster: &Cluster) {
    let node = cluster.client(0).get();
    let tell = |path: &str, request: Value| {
        post(node, &format!("/v3/auth/{path}"), &request.to_string()).unwrap();
    };
    for (user, prefix) in [("indexer", Some(PREFIX)), ("stranger", Some("strange")), ("root", None)]
    {
        tell("user/add", json!({ "name": user, "password": user.repeat(2) }));
        tell("role/add", json!({ "name": user }));
        tell("user/grant", json!({ "user": user, "role": user }));
        let Some(prefix) = prefix else { continue };
        let [from, to] = ["/", "0"].map(|end| BASE64_STANDARD.encode(format!("{prefix}{end}")));
        let all_below = json!({ "permType": "READWRITE", "key": from, "range_end": to });
        tell("role/grant", json!({ "name": user, "perm": all_below }));
    }
    tell("enable", json!({}));
}

/// Where the only node of a cluster has the log.
fn log_of(cluster: &Cluster) -> String {
    let (scheme, nodes) = cluster.clients();
    format!("{scheme}://{}/{PREFIX}", nodes[0].get())
}

/// Starts replicas with these flags, of which none may come to serve, all at once because most of them
/// ask for a while; returns what each said when it ended.
pub(crate) fn refusals<const N: usize>(log: &str, flags: [Vec<&str>; N]) -> [String; N] {
    let starting = flags.map(|flags| {
        let mut command = indexer(&["serve", "--listen", "127.0.0.1:0", "--replicate", log]);
        command.args(flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let process = child.id();
        let (say, said) = mpsc::channel();
        thread::spawn(move || say.send(Finished::from(child.wait_with_output().unwrap())));
        (process, said)
    });
    starting.map(|(process, said)| {
        let done = said.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            signal(process, "KILL");
            panic!("it was to be refused: {:?}", said.recv())
        });
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{}", done.stderr);
        done.stderr
    })
}

pub(crate) fn assert_said(said: &str, words: &[&str]) {
    for words in words {
        assert!(said.contains(words), "no '{words}' in: {said}");
    }
}

/// Has the first of two replicas index a package, and the second one know it.
fn assert_served(replicas: &Replicas, package: &str) {
    assert_eq!(replicas.ask(0, &format!("INDEX|{package}|")).unwrap(), Reply::Ok);
    assert_eq!(replicas.query(0, package), Reply::Ok);
    assert_eq!(replicas.query(1, package), Reply::Ok);
}

/// What etcd answers to anyone who has a token; none if it is not done.
fn ask_as(token: &str, cluster: &Cluster, path: &str, request: &Value) -> Option<Value> {
    let mut stream = TcpStream::connect(cluster.client(0).get()).unwrap();
    let answer = post_as(token, &mut stream, path, &request.to_string()).ok()?;
    Some(serde_json::from_str(&answer).unwrap())
}

/// A token for a user.
fn token(cluster: &Cluster, user: &str) -> String {
    let request = json!({ "name": user, "password": user.repeat(2) });
    let granted = ask_as("", cluster, "/v3/auth/authenticate", &request).unwrap();
    granted["token"].as_str().unwrap().to_owned()
}

/// Whether etcd still knows whose token this is.
fn is_known(cluster: &Cluster, token: &str) -> bool {
    let request = json!({ "key": BASE64_STANDARD.encode(format!("{PREFIX}/")) });
    ask_as(token, cluster, "/v3/kv/range", &request).is_some()
}

#[test]
fn replicas_that_show_a_certificate_serve_over_tls() {
    let folder = Folder::new("tls-serves");
    let Some(ca) = Authority::new(&folder, "ca") else { return };
    let Some(mut cluster) = Cluster::start_one("tls-serves", &[]) else { return };
    speak_tls(&mut cluster, &ca, true);
    let (ca, own) = (ca.certificate(), ca.sign("replica"));
    let flags = [trusting(&ca), showing(&own.certificate, &own.key)].concat();
    let replicas = Replicas::start(&cluster, PREFIX, 2, &flags);
    assert_served(&replicas, "a");
    assert_eq!(replicas.agree().packages, 1);
    replicas.end();
}

#[test]
fn a_replica_and_an_etcd_without_trust_do_not_connect() {
    let folder = Folder::new("tls-trust");
    let Some(ca) = Authority::new(&folder, "ca") else { return };
    let Some(other) = Authority::new(&folder, "other") else { return };
    let Some(mut cluster) = Cluster::start_one("tls-trust", &[]) else { return };
    speak_tls(&mut cluster, &ca, true);
    let (own, foreign) = (ca.sign("replica"), other.sign("stranger"));
    let own = showing(&own.certificate, &own.key);
    let foreign = showing(&foreign.certificate, &foreign.key);
    let (ca, other) = (ca.certificate(), other.certificate());
    let log = log_of(&cluster);
    let [no_certificate, foreign_certificate, no_ca, other_ca] = refusals(
        &log,
        [
            trusting(&ca),
            [trusting(&ca), foreign].concat(),
            own.clone(),
            [trusting(&other), own].concat(),
        ],
    );
    let hint = "did --etcd-ca sign for them, and do they trust --etcd-cert?";
    // What a node says of a certificate that it does not take is lost when it closes first.
    for said in [&no_certificate, &foreign_certificate] {
        assert_said(said, &[&log, hint]);
    }
    for said in [&no_ca, &other_ca] {
        assert_said(said, &[&log, "invalid peer certificate: UnknownIssuer", hint]);
    }
}

#[test]
fn an_unusable_file_for_tls_is_named_before_etcd_is_asked() {
    let folder = Folder::new("tls-files");
    let Some(ca) = Authority::new(&folder, "ca") else { return };
    let (one, other) = (ca.sign("one"), ca.sign("other"));
    let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let broken = folder.file("broken.key", broken);
    let nowhere = folder.0.join("nowhere").to_str().unwrap().to_owned();
    let log = format!("etcds://{NOBODY}/{PREFIX}");
    let [no_key, none_in_it, not_its_own, not_a_key, no_ca, none_in_ca] = refusals(
        &log,
        [
            showing(&one.certificate, &nowhere),
            showing(&one.certificate, &one.certificate),
            showing(&one.certificate, &other.key),
            showing(&one.certificate, &broken),
            trusting(&nowhere),
            trusting(&one.key),
        ],
    );
    for said in [no_key, no_ca] {
        assert_said(&said, &[&format!("error: cannot read {nowhere}: No such file")]);
    }
    assert_said(&none_in_it, &[&format!("there is no private key in {}", one.certificate)]);
    assert_said(&none_in_ca, &[&format!("there is no certificate in {}", one.key)]);
    for (said, key) in [(not_its_own, &other.key), (not_a_key, &broken)] {
        let unfit = format!("the key in {key} does not belong to the certificate in");
        assert_said(&said, &[&unfit, &one.certificate]);
    }
}

#[test]
fn replicas_log_in_again_when_etcd_has_forgotten_them() {
    let folder = Folder::new("user-serves");
    let Some(cluster) = Cluster::start_one("user-serves", &[CHEAP]) else { return };
    know_users(&cluster);
    let password = folder.file("password", "indexerindexer\n");
    fs::set_permissions(&password, Permissions::from_mode(0o640)).unwrap();
    let flags = being("indexer", &password);
    let replicas = Replicas::start(&cluster, PREFIX, 2, &flags);
    // This one asks etcd for nothing, and only watches what the others append.
    let watching = Replicas::start(&cluster, PREFIX, 1, &[&flags[..], &["--reads=local"]].concat());
    assert_served(&replicas, "a");
    let (root, own) = (token(&cluster, "root"), token(&cluster, "indexer"));
    assert!(is_known(&cluster, &own));
    // A watch goes on as it was begun, so that it has to be begun again.
    watching.cut_off(0, Cut::Reset);
    // All tokens end when there are no users any more.
    for (path, token) in [("/v3/auth/disable", &*root), ("/v3/auth/enable", "")] {
        ask_as(token, &cluster, path, &json!({})).unwrap();
    }
    assert!(!is_known(&cluster, &own));
    watching.mend(0);
    assert_served(&replicas, "b");
    let begun = Instant::now();
    while watching.ask(0, "QUERY|b|").unwrap() != Reply::Ok {
        assert!(begun.elapsed() < PATIENCE, "it does not see what was appended");
    }
    watching.end();
    let warning = format!(
        ": other users can read a password: run `chmod 600 {password}` event=\"secret_open_to_others\" \
         file={password} mode=\"0640\""
    );
    for log in replicas.end() {
        assert!(log.contains(&warning), "{log}");
    }
}

/// No password is printed.
#[test]
fn a_user_that_may_not_write_the_log_is_refused() {
    let folder = Folder::new("user-refused");
    let Some(cluster) = Cluster::start_one("user-refused", &[CHEAP]) else { return };
    know_users(&cluster);
    let password = folder.file("password", "strangerstranger\n");
    let log = log_of(&cluster);
    let [nobody, wrong, stranger] =
        refusals(&log, [vec![], being("indexer", &password), being("stranger", &password)]);
    assert_said(&nobody, &["user name is empty"]);
    assert_said(&wrong, &["user indexer cannot log in", "authentication failed"]);
    assert_said(&stranger, &["403 Forbidden", "permission denied"]);
    for said in [nobody, wrong, stranger] {
        let hint = "give --etcd-user and --etcd-password-file a user who may read and write";
        assert_said(&said, &[&log, hint]);
        // To wait would be of no use.
        for words in ["strangerstranger", "waiting for etcd"] {
            assert!(!said.contains(words), "{said}");
        }
    }
}

/// A certificate that names another user is refused.
#[test]
fn a_user_serves_over_tls_with_or_without_a_certificate() {
    let folder = Folder::new("user-tls");
    let Some(ca) = Authority::new(&folder, "ca") else { return };
    let Some(mut cluster) = Cluster::start_one("user-tls", &[CHEAP]) else { return };
    know_users(&cluster);
    let [right, wrong] = ["indexer", "stranger"].map(|user| folder.file(user, &user.repeat(2)));
    let own = ca.sign("replica");
    let named = ca.sign_as("named", "/CN=stranger");
    let trusted = ca.certificate();
    let user = [trusting(&trusted), being("indexer", &right)].concat();
    let with_certificate = [&user[..], &showing(&own.certificate, &own.key)].concat();
    let with_name = [&user[..], &showing(&named.certificate, &named.key)].concat();
    for (only_known, flags) in [(false, &user), (true, &with_certificate)] {
        speak_tls(&mut cluster, &ca, only_known);
        let replicas = Replicas::start(&cluster, PREFIX, 2, flags);
        assert_served(&replicas, "a");
        replicas.end();
    }
    let password =
        [trusting(&trusted), being("indexer", &wrong), showing(&own.certificate, &own.key)];
    let [password, named] = refusals(&log_of(&cluster), [password.concat(), with_name]);
    assert_said(&password, &["user indexer cannot log in", "authentication failed"]);
    assert_said(&named, &["CommonName", "give an --etcd-cert without a common name, or none"]);
}
