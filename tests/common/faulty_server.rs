//! Small servers of the protocol: a correct one, ones that are wrong in one way each, and ones that
//! speak a dialect.
//!
//! They share nothing with the server that they stand beside but the framing and the words of the
//! protocol. A fault is how the server works, not a reply that is changed: it shows anywhere the
//! same mistake would.

mod conversation;
mod grammar;
mod packages;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    /// All that one read gives is one message (rule L8).
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
    /// Commands in lower case are taken (rule M2).
    LowerCase,
    /// What comes after a third bar is ignored (rule M3).
    ThirdBar,
    /// Spaces around the parts of a message are ignored (rule M6).
    Trims,
    /// An empty line is not answered (rule M7).
    SkipsEmptyLines,
    /// What a malformed INDEX names is indexed all the same (rule M9).
    IndexesMalformed,
    /// Replies are in lower case (rule M11).
    SaysItInLowerCase,
    /// Names are the same in any case (rule N2).
    FoldsCase,
    /// A list in which a name comes twice is refused (rule D5).
    RefusesDuplicates,
    /// A line that is too long is answered only when its LF has come (rule L3).
    LongLineAtItsEnd,
    /// What comes after the limit of a line is read as a message (rule L4).
    ReadsRestOfLongLine,
    /// The message after a line that was too long is skipped (rule L5).
    SkipsAfterLongLine,
    /// What the end of the stream cuts off is done all the same (rule L9).
    DoesWhatIsCutOff,
    /// A list of more than one name is refused (rule I1).
    RefusesTwo,
    /// What a package needs need not be there (rule I2).
    IgnoresMissing,
    /// A package on its own list counts as indexed (rule I6).
    CountsItself,
    /// A list that closes a cycle is refused (rule I7).
    RefusesCycles,
    /// What an INDEX that fails has missed is indexed instead (rule I8).
    IndexesMissing,
    /// What is not indexed cannot be removed (rule X1).
    CannotRemoveAbsent,
    /// What is needed can be removed (rule X3).
    RemovesNeeded,
    /// Members of a cycle do not hold each other (rule X5).
    CycleHoldsNothing,
    /// A package that comes back has its old list besides the new one (rule X7).
    RemembersList,
    /// What is asked for is there the next time (rule Q3).
    QueryIndexes,
    /// Each ERROR is said twice (rule O1).
    SaysErrorTwice,
    /// Each connection has packages of its own (rule C5).
    OwnPackages,
    /// A client's end of stream is not followed by the server's (rule C3).
    StaysOpen,
    /// Only fifty clients are served at once (rule C2).
    FewClients,
    /// A name may be left out, or be a comma, so that both can be indexed (rules M4, D3).
    AnyText,
    /// The first client that breaks off in mid-message ends the server (rule C4).
    DiesOfBreakOff,
    /// The server ends when so many clients are there as the challenge demands.
    DiesOfMany,
}

impl Fault {
    /// What a check of servers must tell apart: the correct one, which comes first, and the others.
    pub(crate) const ALL: [Self; 40] = [
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
        Self::LowerCase,
        Self::ThirdBar,
        Self::Trims,
        Self::SkipsEmptyLines,
        Self::IndexesMalformed,
        Self::SaysItInLowerCase,
        Self::FoldsCase,
        Self::RefusesDuplicates,
        Self::LongLineAtItsEnd,
        Self::ReadsRestOfLongLine,
        Self::SkipsAfterLongLine,
        Self::DoesWhatIsCutOff,
        Self::RefusesTwo,
        Self::IgnoresMissing,
        Self::CountsItself,
        Self::RefusesCycles,
        Self::IndexesMissing,
        Self::CannotRemoveAbsent,
        Self::RemovesNeeded,
        Self::CycleHoldsNothing,
        Self::RemembersList,
        Self::QueryIndexes,
        Self::SaysErrorTwice,
        Self::OwnPackages,
        Self::StaysOpen,
        Self::FewClients,
    ];

    /// This one and no other.
    fn alone(self) -> &'static [Self] {
        Box::leak(Box::new([self]))
    }

    /// The rules of which a check may name any one, when it finds the fault.
    pub(crate) fn rules(self) -> &'static [&'static str] {
        match self {
            Self::None | Self::AnyText | Self::DiesOfMany => &[],
            Self::StaleCopy | Self::StaleElsewhere | Self::StaleCache => &["O6"],
            Self::WrongOrder | Self::SwapsReplies => &["O2"],
            Self::Dies | Self::LosesReply | Self::SaysErrorTwice => &["O1"],
            Self::LostUpdates | Self::ChecksThenActs => &["O5"],
            Self::KeepsOldList | Self::AddsToOldList => &["I4"],
            Self::KeepsReverseEdges => &["X6"],
            Self::AppliesHalf => &["I3"],
            Self::MessagePerRead => &["L8"],
            Self::AcceptsMalformed => &["M2", "M3"],
            Self::ClosesOnError => &["C6"],
            Self::HeldByItself => &["X4"],
            Self::WritesUnderLock => &["O3"],
            Self::LowerCase => &["M2"],
            Self::ThirdBar => &["M3"],
            Self::Trims => &["M6"],
            Self::SkipsEmptyLines => &["M7"],
            Self::IndexesMalformed => &["M9"],
            Self::SaysItInLowerCase => &["M11"],
            Self::FoldsCase => &["N2"],
            Self::RefusesDuplicates => &["D5"],
            Self::LongLineAtItsEnd => &["L3"],
            Self::ReadsRestOfLongLine => &["L4"],
            Self::SkipsAfterLongLine => &["L5"],
            Self::DoesWhatIsCutOff => &["L9"],
            Self::RefusesTwo => &["I1"],
            Self::IgnoresMissing => &["I2"],
            Self::CountsItself => &["I6"],
            Self::RefusesCycles => &["I7"],
            Self::IndexesMissing => &["I8"],
            Self::CannotRemoveAbsent => &["X1"],
            Self::RemovesNeeded => &["X3"],
            Self::CycleHoldsNothing => &["X5"],
            Self::RemembersList => &["X7"],
            Self::QueryIndexes => &["Q3"],
            Self::OwnPackages => &["C5"],
            Self::StaysOpen => &["C3"],
            Self::FewClients => &["C2"],
            Self::DiesOfBreakOff => &["C4"],
        }
    }
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
    faults: &'static [Fault],
    dialect: Option<Dialect>,
}

impl Manner {
    fn has(self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn speaks(self, dialect: Dialect) -> bool {
        self.dialect == Some(dialect)
    }
}

/// Serves for as long as the test runs.
pub(crate) fn serve(fault: Fault) -> SocketAddr {
    serve_in(Manner { faults: fault.alone(), dialect: None })
}

/// Serves with several faults, for as long as the test runs or the server lives.
pub(crate) fn serve_with(faults: &'static [Fault]) -> SocketAddr {
    serve_in(Manner { faults, dialect: None })
}

/// Serves a dialect, otherwise correctly, for as long as the test runs.
pub(crate) fn serve_dialect(dialect: Dialect) -> SocketAddr {
    serve_in(Manner { faults: &[], dialect: Some(dialect) })
}

/// Serves one index at as many addresses, each in its own way, for as long as the test runs.
pub(crate) fn serve_together(ways: &[(Fault, Option<Dialect>)]) -> Vec<SocketAddr> {
    let shared = Arc::new(Shared::default());
    let manners =
        ways.iter().map(|(fault, dialect)| Manner { faults: fault.alone(), dialect: *dialect });
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
        let clients = Arc::new(AtomicUsize::new(0));
        for stream in listener.incoming() {
            if shared.is_dead() {
                // With the listener closed, the next client is refused.
                return;
            }
            // A client that has gone before it was met is nobody's fault.
            let Ok(stream) = stream else { continue };
            let count = clients.fetch_add(1, Ordering::SeqCst) + 1;
            if manner.has(Fault::DiesOfMany) && count >= MANY {
                shared.die();
                return;
            }
            if manner.has(Fault::FewClients) && count > MANY / 2 {
                clients.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let (shared, clients) = (Arc::clone(&shared), Arc::clone(&clients));
            thread::spawn(move || {
                conversation::hold(&stream, &shared, manner);
                clients.fetch_sub(1, Ordering::SeqCst);
                if shared.is_dead() {
                    // So that the listener sees it.
                    let _gone = TcpStream::connect(address);
                }
            });
        }
    });
    address
}

/// As many clients as the challenge demands.
const MANY: usize = 100;
