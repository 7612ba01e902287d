//! Conversations that show what is wrong with each faulty server, and what is other about each
//! dialect.

use crate::common::faulty_server::{Dialect, Fault};

/// What one client sees of a fault, and of the one that takes two to be seen: it holds on the correct
/// server and fails on the other. A client that ends its side is not left waiting for a lost reply.
pub(crate) const SHOWN: [(Fault, &str); 41] = [
    (
        Fault::KeepsOldList,
        "
        > INDEX|lib|
        > INDEX|app|
        > INDEX|app|lib
        > REMOVE|lib|
        < OK
        < OK
        < OK
        < FAIL",
    ),
    (
        Fault::KeepsReverseEdges,
        "
        > INDEX|lib|
        > INDEX|app|lib
        > REMOVE|app|
        > REMOVE|lib|
        < OK
        < OK
        < OK
        < OK",
    ),
    (
        Fault::AppliesHalf,
        "
        > INDEX|app|ghost
        > QUERY|app|
        < FAIL
        < FAIL",
    ),
    (
        Fault::AppliesHalf,
        "
        > INDEX|lib|
        > INDEX|app|lib
        > INDEX|app|ghost
        > REMOVE|lib|
        < OK
        < OK
        < FAIL
        < FAIL",
    ),
    (
        Fault::MessagePerRead,
        r"
        >~ INDEX|a|\nQUERY|a|\n
        < OK
        < OK",
    ),
    (
        Fault::LosesReply,
        r"
        >~ INDEX|a|\nQUERY|a|\n
        >$
        < OK
        < OK
        <$",
    ),
    (
        Fault::StaleCache,
        "
        @ reader
        > QUERY|a|
        < FAIL
        @ writer
        > INDEX|a|
        < OK
        @ reader
        > QUERY|a|
        < OK",
    ),
    (
        Fault::StaleCache,
        "
        @ writer
        > INDEX|a|
        < OK
        @ reader
        > QUERY|a|
        < OK
        @ writer
        > REMOVE|a|
        < OK
        @ reader
        > QUERY|a|
        < FAIL",
    ),
    (
        Fault::SwapsReplies,
        r"
        >~ QUERY|a|\nINDEX|a|\n
        < FAIL
        < OK",
    ),
    (
        Fault::AcceptsMalformed,
        "
        > index|a|
        < ERROR",
    ),
    (
        Fault::AcceptsMalformed,
        "
        > INDEX|a
        < ERROR",
    ),
    (
        Fault::AcceptsMalformed,
        "
        > INDEX|a||
        < ERROR",
    ),
    (
        Fault::AcceptsMalformed,
        "
        > INDEX|a|
        < OK
        > INDEX|b|a,,a
        < ERROR",
    ),
    (
        Fault::AcceptsMalformed,
        "
        > INDEX|a|,
        < ERROR",
    ),
    (
        Fault::ClosesOnError,
        "
        > INDEX
        < ERROR
        > QUERY|a|
        < FAIL",
    ),
    (
        Fault::AddsToOldList,
        "
        > INDEX|lib|
        > INDEX|app|lib
        > INDEX|app|
        > REMOVE|lib|
        < OK
        < OK
        < OK
        < OK",
    ),
    (
        Fault::HeldByItself,
        "
        > INDEX|a|
        > INDEX|a|a
        > REMOVE|a|
        < OK
        < OK
        < OK",
    ),
    (
        Fault::HeldByItself,
        "
        > INDEX|a|
        > INDEX|b|
        > INDEX|a|a,b
        > REMOVE|a|
        > REMOVE|b|
        < OK
        < OK
        < OK
        < OK
        < OK",
    ),
    (
        Fault::LowerCase,
        "
        > index|a|
        < ERROR",
    ),
    (
        Fault::ThirdBar,
        "
        > INDEX|a||
        < ERROR",
    ),
    (
        Fault::Trims,
        "
        > INDEX| a|
        < ERROR",
    ),
    (
        Fault::SkipsEmptyLines,
        "
        > 
        >$
        < ERROR
        <$",
    ),
    (
        Fault::IndexesMalformed,
        "
        > INDEX|a
        < ERROR
        > QUERY|a|
        < FAIL",
    ),
    (
        Fault::SaysItInLowerCase,
        "
        > INDEX|a|
        < OK",
    ),
    (
        Fault::FoldsCase,
        "
        > INDEX|A|
        < OK
        > QUERY|a|
        < FAIL",
    ),
    (
        Fault::RefusesDuplicates,
        "
        > INDEX|a|
        < OK
        > INDEX|b|a,a
        < OK",
    ),
    (
        Fault::ReadsRestOfLongLine,
        r"
        > \{65537:x}QUERY|a|
        >$
        < ERROR
        <$",
    ),
    (
        Fault::SkipsAfterLongLine,
        r"
        > \{65537:x}
        < ERROR
        > QUERY|a|
        >$
        < FAIL
        <$",
    ),
    (
        Fault::DoesWhatIsCutOff,
        "
        >~ INDEX|a|
        >$
        <$
        @ other
        > QUERY|a|
        < FAIL",
    ),
    (
        Fault::RefusesTwo,
        "
        > INDEX|a|
        > INDEX|b|
        > INDEX|c|a,b
        < OK
        < OK
        < OK",
    ),
    (
        Fault::IgnoresMissing,
        "
        > INDEX|a|b
        < FAIL",
    ),
    (
        Fault::CountsItself,
        "
        > INDEX|a|a
        < FAIL",
    ),
    (
        Fault::RefusesCycles,
        "
        > INDEX|a|
        > INDEX|b|a
        > INDEX|a|b
        < OK
        < OK
        < OK",
    ),
    (
        Fault::IndexesMissing,
        "
        > INDEX|a|b
        > QUERY|b|
        < FAIL
        < FAIL",
    ),
    (
        Fault::CannotRemoveAbsent,
        "
        > REMOVE|a|
        < OK",
    ),
    (
        Fault::RemovesNeeded,
        "
        > INDEX|a|
        > INDEX|b|a
        > REMOVE|a|
        < OK
        < OK
        < FAIL",
    ),
    (
        Fault::CycleHoldsNothing,
        "
        > INDEX|a|
        > INDEX|b|a
        > INDEX|a|b
        > REMOVE|a|
        < OK
        < OK
        < OK
        < FAIL",
    ),
    (
        Fault::RemembersList,
        "
        > INDEX|a|
        > INDEX|b|a
        > REMOVE|b|
        > INDEX|b|
        > REMOVE|a|
        < OK
        < OK
        < OK
        < OK
        < OK",
    ),
    (
        Fault::QueryIndexes,
        "
        > QUERY|a|
        > QUERY|a|
        < FAIL
        < FAIL",
    ),
    (
        Fault::SaysErrorTwice,
        "
        > x
        >$
        < ERROR
        <$",
    ),
    (
        Fault::OwnPackages,
        "
        > INDEX|a|
        < OK
        @ other
        > QUERY|a|
        < OK",
    ),
];

/// What a dialect is asked that the correct server answers in another way.
pub(crate) const TOLD_APART: [(Dialect, &str); 9] = [
    (Dialect::KeepsCr, "> INDEX|a|\\r\n< OK"),
    (Dialect::AnyNames, "> INDEX|emacs elisp|\n< ERROR"),
    (Dialect::AnyNames, "> INDEX|a:b|\n< ERROR"),
    (Dialect::AnyNames, "> INDEX|na\u{ef}ve|\n< ERROR"),
    (Dialect::NoTrailingComma, "> INDEX|a|\n< OK\n> INDEX|b|a,\n< OK"),
    (Dialect::NoListOfOthers, "> QUERY|a|b\n< FAIL\n> REMOVE|a|b\n< OK"),
    (Dialect::ShortLines, "> QUERY|a|\\{507:b,}bb\n< FAIL"),
    (Dialect::PlainNames, "> INDEX|@types/node|\n< OK"),
    (Dialect::ReadsHttp, "> GET / HTTP/1.1\n> QUERY|a|\n< ERROR\n<$"),
];
