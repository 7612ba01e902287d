//! What the table claims about engine, session and server: many messages, many clients.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use crate::command::{Command, Outcome, Reply};
use crate::engine::Engine;
use crate::index::PackageIndex;
use crate::model::Model;
use crate::server::{Config, Server};
use crate::session::Session;
use crate::testing::generators::{Conversation, Duo, LINE_LIMIT, Visit};
use crate::testing::transcript::{Endpoint, Link, Remote};
use crate::testing::{interleaving, peer, reference, state_of_index, state_of_model};
use crate::wire::{DEFAULT_MAX_LINE_BYTES, parse_reply};

/// A function that gives a session some bytes, and returns all replies to them: [`tell`], or a wrong one.
pub(super) type Tell = fn(&mut Session, &Engine, &[u8]) -> Result<Vec<Reply>, String>;

pub(super) fn session_answers_as_model(conversation: &Conversation) -> Result<(), String> {
    answers_as_model(tell, conversation, &conversation.stream())
}

pub(super) fn session_answers_as_peer(visit: &Visit) -> Result<(), String> {
    answers_as_peer(tell, visit)
}

/// Checks that a session answers as the peer does, with a first line that may be HTTP, and without.
pub(super) fn answers_as_peer(tell: Tell, visit: &Visit) -> Result<(), String> {
    for stream in [visit.rest.stream(), visit.stream_after(b"")] {
        let Some(answers) = peer::converse(visit.rest.arriving(&stream))? else {
            answers_as_model(tell, &visit.rest, &stream)?;
            continue;
        };
        let engine = Engine::default();
        let mut session = Session::new(LINE_LIMIT);
        let mut arrived = 0;
        // Its last answer is to the end of the stream, to which a session has nothing to say.
        for (piece, answer) in visit.rest.arriving(&stream).chain([b"".as_slice()]).zip(answers) {
            arrived += piece.len();
            let lines = answer.replies.split_inclusive(|byte| *byte == b'\n');
            let due: Result<Vec<Reply>, _> = lines.map(parse_reply).collect();
            let due = due.map_err(|error| format!("the peer's reply: {error}"))?;
            let replies = tell(&mut session, &engine, piece)?;
            if replies != due {
                return Err(format!("at byte {arrived}, {}", differing(&replies, &due)));
            }
            if session.is_over() != answer.is_over {
                let is_over = session.is_over();
                return Err(format!("at byte {arrived}, that it is over is {is_over}"));
            }
        }
    }
    Ok(())
}

pub(super) fn http_ends_the_conversation(visit: &Visit) -> Result<(), String> {
    ends_with_http(tell, visit)
}

pub(super) fn ends_with_http(tell: Tell, visit: &Visit) -> Result<(), String> {
    answers_as_model(tell, &visit.rest, &visit.stream_after(b""))?;
    // As the second line it is one like any other.
    answers_as_model(tell, &visit.rest, &visit.stream_after(b"\n"))
}

/// Checks that a session answers a stream as the model does, in the pieces of a conversation.
pub(super) fn answers_as_model(
    tell: Tell,
    conversation: &Conversation,
    stream: &[u8],
) -> Result<(), String> {
    let engine = Engine::default();
    let mut session = Session::new(LINE_LIMIT);
    let mut model = Model::default();
    let expected = reference::replies(stream, LINE_LIMIT, &mut model);
    let lines = reference::messages(stream, LINE_LIMIT);
    let (mut replied, mut arrived) = (0, 0);
    for piece in conversation.arriving(stream) {
        let replies = tell(&mut session, &engine, piece)?;
        arrived += piece.len();
        // A reply waits for nothing but its message.
        let due = &expected[replied..reference::due(&lines, arrived)];
        if replies != due {
            return Err(format!("after {replied} replies, {}", differing(&replies, due)));
        }
        replied += replies.len();
    }
    let is_over = reference::begins_with_http(stream, LINE_LIMIT);
    if session.is_over() != is_over {
        return Err(format!(
            "that the conversation is over is {}, not {is_over}",
            session.is_over()
        ));
    }
    let state = engine.batch(|index| state_of_index(index)).map_err(|error| error.to_string())?;
    if state != state_of_model(&model) {
        return Err(format!("{state:?} is held, not {model:?}"));
    }
    Ok(())
}

pub(super) fn batch_equals_its_commands(conversation: &Conversation) -> Result<(), String> {
    equals_its_commands(tell, conversation)
}

pub(super) fn equals_its_commands(tell: Tell, conversation: &Conversation) -> Result<(), String> {
    let (together, alone) = (Engine::default(), Engine::default());
    let mut session = Session::new(LINE_LIMIT);
    let stream = conversation.stream();
    let replies_together = tell(&mut session, &together, &stream)?;

    let mut session = Session::new(LINE_LIMIT);
    let mut replies_alone = Vec::new();
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        replies_alone.extend(tell(&mut session, &alone, line)?);
    }
    if replies_together != replies_alone {
        return Err(differing(&replies_together, &replies_alone));
    }
    let held = |engine: &Engine| engine.batch(|index| index.clone()).map_err(|e| e.to_string());
    let (together, alone): (PackageIndex, PackageIndex) = (held(&together)?, held(&alone)?);
    if together != alone {
        return Err(format!("together they leave {together:?}, alone {alone:?}"));
    }
    Ok(())
}

/// Gives a session some bytes, and returns all replies to them.
pub(super) fn tell(
    session: &mut Session,
    engine: &Engine,
    bytes: &[u8],
) -> Result<Vec<Reply>, String> {
    let mut text = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[session.fill(rest)..];
        while session.has_more() {
            let answer = session.answer(engine, |_| ()).map_err(|error| error.to_string())?;
            text.extend_from_slice(answer);
        }
    }
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| parse_reply(line).map_err(|error| error.to_string())).collect()
}

/// Where two lists of replies differ.
fn differing(actual: &[Reply], expected: &[Reply]) -> String {
    let same = actual.iter().zip(expected).take_while(|(one, other)| one == other).count();
    format!(
        "reply {} is {:?}, not {:?}; {} replies, not {}",
        same + 1,
        actual.get(same),
        expected.get(same),
        actual.len(),
        expected.len()
    )
}

pub(super) fn clients_see_one_order(duo: &Duo) -> Result<(), String> {
    see_one_order(tell, duo)
}

pub(super) fn see_one_order(tell: Tell, duo: &Duo) -> Result<(), String> {
    let engine = Engine::default();
    let streams = duo.clients.each_ref().map(|commands| {
        commands.iter().map(|command| format!("{command}\n")).collect::<String>().into_bytes()
    });
    let mut sessions = [(); 2].map(|()| Session::new(DEFAULT_MAX_LINE_BYTES));
    let mut sent = [0_usize; 2];
    let mut replies = [Vec::new(), Vec::new()];
    let turns = duo.turns.iter().map(|turn| (usize::from(turn % 2), usize::from(turn / 2)));
    let last = [(0, usize::MAX), (1, usize::MAX)];
    for (client, count) in turns.cycle().take(8 * duo.turns.len()).chain(last) {
        let stream = &streams[client];
        let until = sent[client].saturating_add(count).min(stream.len());
        let answered = tell(&mut sessions[client], &engine, &stream[sent[client]..until])?;
        replies[client].extend(answered);
        sent[client] = until;
    }
    let observed = [0, 1].map(|client: usize| observed(&duo.clients[client], &replies[client]));
    let [Some(one), Some(two)] = observed else {
        return Err(format!("not one OK or FAIL for each message: {replies:?}"));
    };
    match interleaving::explain(&Model::default(), state_of_model, &[one, two]) {
        Some(_order) => Ok(()),
        None => Err(format!("no order explains {replies:?}")),
    }
}

/// Each command with its outcome, or `None` unless each has one.
fn observed(commands: &[Command], replies: &[Reply]) -> Option<Vec<(Command, Outcome)>> {
    let outcomes = replies.iter().map(|reply| match reply {
        Reply::Ok => Some(Outcome::Ok),
        Reply::Fail => Some(Outcome::Fail),
        Reply::Error => None,
    });
    let outcomes: Vec<Outcome> = outcomes.collect::<Option<_>>()?;
    (outcomes.len() == commands.len()).then(|| commands.iter().cloned().zip(outcomes).collect())
}

pub(super) fn server_answers_as_model(conversation: &Conversation) -> Result<(), String> {
    serves_as_model(|replies| replies, conversation)
}

/// `arriving` is what happens to replies on their way.
pub(super) fn serves_as_model(
    arriving: fn(Vec<String>) -> Vec<String>,
    conversation: &Conversation,
) -> Result<(), String> {
    let stream = conversation.stream();
    let expected = reference::replies(&stream, LINE_LIMIT, &mut Model::default());
    let replies = over_a_socket(conversation, &stream).map_err(|error| error.to_string())?;
    let replies = arriving(replies);
    let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
    if replies != expected {
        return Err(format!("the server replies {replies:?}, not {expected:?}"));
    }
    Ok(())
}

/// What a server of its own replies to one client that ends its stream after the last byte.
fn over_a_socket(conversation: &Conversation, stream: &[u8]) -> std::io::Result<Vec<String>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let config = Config { max_line_bytes: LINE_LIMIT, ..Config::default() };
    let server = Server::start([listener], Arc::new(Engine::default()), config)?;
    let mut link = Remote(server.addresses()[0]).connect()?;
    for piece in conversation.arriving(stream) {
        link.send(piece)?;
    }
    link.half_close()?;
    std::iter::from_fn(|| link.receive().transpose()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::faulty;
    use super::*;
    use crate::session::MAX_BATCH;

    fn at_once(messages: &[&[u8]]) -> Conversation {
        let messages = messages.iter().map(|message| message.to_vec()).collect();
        Conversation { messages, pieces: Vec::new() }
    }

    #[test]
    fn what_is_left_after_a_full_batch_is_missed() {
        let burst = at_once(&[b"\n".as_slice(); MAX_BATCH + 1]);
        assert_eq!(batch_equals_its_commands(&burst), Ok(()));
        let missed = equals_its_commands(faulty::rest_of_a_batch_waits, &burst);
        assert_eq!(missed, Err("reply 257 is None, not Some(Error); 256 replies, not 257".into()));
    }

    #[test]
    fn a_server_is_tried_with_lines_of_more_bytes_than_its_limit() {
        let message = ["REMOVE|a|", &"b,".repeat(LINE_LIMIT), "\n"].concat();
        let conversation = at_once(&[message.as_bytes()]);
        assert_eq!(server_answers_as_model(&conversation), Ok(()));
    }

    #[test]
    fn where_replies_part_is_said_in_words() {
        let (ok, fail) = (Reply::Ok, Reply::Fail);
        let expected = "reply 2 is Some(Ok), not Some(Fail); 3 replies, not 2";
        assert_eq!(differing(&[ok, ok, ok], &[ok, fail]), expected);
        let expected = "reply 2 is None, not Some(Fail); 1 replies, not 2";
        assert_eq!(differing(&[ok], &[ok, fail]), expected);
    }
}
