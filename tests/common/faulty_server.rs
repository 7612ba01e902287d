//! Small servers of the protocol: a correct one, ones that are wrong in one way each, and ones that
//! speak a dialect.
//!
//! They share nothing with the server that they stand beside but the framing and the words of the
//! protocol. A fault is how the server works, not a reply that is changed: it shows wherever the
//! same mistake would.

mod conversation;
mod grammar;
mod packages;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use conversation::Shared;

/// What a server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: all rules of `spec/protocol.md` hold.
    None,
    /// QUERY is answered from a copy, which is renewed after every third change.
    StaleCopy,
    /// QUERY is answered from a copy, which is renewed by each change that is made here: right, as long
    /// as all are.
    StaleElsewhere,
    /// Each message of a batch takes the index for itself, the last one first.
    WrongOrder,
    /// Each connection ends after its third batch, without a reply to that.
    Dies,
    /// A message is tried on a copy, which takes the index's place afterwards.
    LostUpdates,
    /// An indexed package that is indexed again keeps its list (rule I4).
    KeepsOldList,
    /// A removed package stays among the dependents of what it needed (rule X6).
    KeepsReverseEdges,
    /// An INDEX that fails has taken over its list up to the first missing name (rule I3).
    AppliesHalf,
    /// Whatever one read gives is one message (rule L8).
    MessagePerRead,
    /// The last of several messages that one read gives is applied, but not answered (rule O1).
    LosesReply,
    /// Whether a command may be done is found out under the lock, which is then released and taken
    /// again to do it (rule O4).
    ChecksThenActs,
    /// Each connection keeps the answers to its QUERYs until it changes something itself (rule O5).
    StaleCache,
    /// The first two of several messages that one read gives get each other's reply (rule O2).
    SwapsReplies,
    /// Commands in any case, one bar or more, and empty names in lists are taken (rules M2, M3, D3).
    AcceptsMalformed,
    /// An ERROR is the last thing that a connection says (rule C6).
    ClosesOnError,
    /// The list of an INDEX is added to the one that the package has (rule I4).
    AddsToOldList,
    /// A package that depends on itself cannot be removed (rule X4).
    HeldByItself,
    /// The one lock is held until the replies are written, however long their reader takes (rule O3).
    WritesUnderLock,
}

impl Fault {
    /// What a check of servers must tell apart: the correct one, which comes first, and the others.
    pub(crate) const ALL: [Self; 14] = [
        Self::None,
        Self::KeepsOldList,
        Self::KeepsReverseEdges,
        Self::AppliesHalf,
        Self::MessagePerRead,
        Self::LosesReply,
        Self::ChecksThenActs,
        Self::StaleCache,
        Self::SwapsReplies,
        Self::AcceptsMalformed,
        Self::ClosesOnError,
        Self::AddsToOldList,
        Self::HeldByItself,
        Self::WritesUnderLock,
    ];
}

/// Where a server that does nothing wrong may have settled otherwise what the challenge leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// CR is a byte like any other, and so no part of a message (against rule L6).
    KeepsCr,
    /// A name may have any characters but commas, bars and control characters (against rule N4).
    AnyNames,
    /// A list that ends with a comma is malformed (against rule D2).
    NoTrailingComma,
    /// REMOVE and QUERY with a list are malformed (against rules M5 and D4).
    NoListOfOthers,
    /// A line of more than 1,024 bytes ends its connection, without a reply (against rules L2, L3).
    ShortLines,
    /// A name has only letters, digits, and `-` `_` `+` `.` (against rule N1).
    PlainNames,
    /// An HTTP request is a malformed line like any other (against rule C7, which the challenge does not
    /// know).
    ReadsHttp,
}

/// All of them.
pub(crate) const DIALECTS: [Dialect; 7] = [
    Dialect::KeepsCr,
    Dialect::AnyNames,
    Dialect::NoTrailingComma,
    Dialect::NoListOfOthers,
    Dialect::ShortLines,
    Dialect::PlainNames,
    Dialect::ReadsHttp,
];

/// How a server differs from the correct one.
#[derive(Debug, Clone, Copy)]
struct Manner {
    fault: Fault,
    dialect: Option<Dialect>,
}

impl Manner {
    fn has(self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn speaks(self, dialect: Dialect) -> bool {
        self.dialect == Some(dialect)
    }
}

/// Serves for as long as the test runs.
pub(crate) fn serve(fault: Fault) -> SocketAddr {
    serve_in(Manner { fault, dialect: None })
}

/// Serves a dialect, otherwise correctly, for as long as the test runs.
pub(crate) fn serve_dialect(dialect: Dialect) -> SocketAddr {
    serve_in(Manner { fault: Fault::None, dialect: Some(dialect) })
}

/// Serves one index at as many addresses, each in its own way, for as long as the test runs.
pub(crate) fn serve_together(ways: &[(Fault, Option<Dialect>)]) -> Vec<SocketAddr> {
    let shared = Arc::new(Shared::default());
    let manners = ways.iter().map(|(fault, dialect)| Manner { fault: *fault, dialect: *dialect });
    manners.map(|manner| serve_sharing(&shared, manner)).collect()
}

fn serve_in(manner: Manner) -> SocketAddr {
    serve_sharing(&Arc::default(), manner)
}

/// One thread listens, and one more serves each connection until that ends.
fn serve_sharing(shared: &Arc<Shared>, manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that has gone before it was met is nobody's fault.
            let Ok(stream) = stream else { continue };
            let shared = Arc::clone(&shared);
            thread::spawn(move || conversation::hold(&stream, &shared, manner));
        }
    });
    address
}
