//! What the table claims about the wire.

use crate::command::{Command, CommandRef};
use crate::testing::generators::{Conversation, LINE_LIMIT, Line, Noise};
use crate::testing::reference;
use crate::wire::{Frame, LineBuffer, parse, parse_reply};

pub(super) fn parser_is_total(Noise(bytes): &Noise) -> Result<(), String> {
    for error in [parse(bytes).err(), parse_reply(bytes).err()].into_iter().flatten() {
        if error.offset > bytes.len() || error.found != bytes.get(error.offset).copied() {
            return Err(format!("the error points elsewhere: {error}"));
        }
    }
    Ok(())
}

pub(super) fn parser_agrees_with_reference_on_noise(Noise(bytes): &Noise) -> Result<(), String> {
    agree(bytes)?;
    // Each line of the noise for itself, too: the whole is seldom more than malformed.
    bytes.split_inclusive(|byte| *byte == b'\n').try_for_each(agree)
}

pub(super) fn parser_agrees_with_reference_on_lines(Line(line): &Line) -> Result<(), String> {
    agree(line)
}

fn agree(line: &[u8]) -> Result<(), String> {
    let parsed = parse(line).map(CommandRef::to_command);
    if parsed.as_ref().ok() != reference::parse(line).as_ref() {
        let expected = reference::parse(line);
        return Err(format!("the parser gives {parsed:?}, the reference {expected:?}"));
    }
    let reply = parse_reply(line);
    if reply.ok() != reference::parse_reply(line) {
        return Err(format!("as a reply, the parser gives {reply:?}"));
    }
    Ok(())
}

pub(super) fn commands_print_and_parse_back(command: &Command) -> Result<(), String> {
    let printed = command.to_string();
    let owned = printed.parse::<Command>();
    if owned.as_ref() != Ok(command) {
        return Err(format!("{printed:?} is read as {owned:?}"));
    }
    let line = format!("{printed}\n");
    let borrowed = parse(line.as_bytes());
    if borrowed != Ok(CommandRef::from(command)) {
        return Err(format!("{line:?} is read as {borrowed:?}"));
    }
    Ok(())
}

pub(super) fn lines_parse_and_print_back(Line(line): &Line) -> Result<(), String> {
    let Ok(read) = parse(line) else { return Ok(()) };
    let printed = format!("{read}\n");
    let again = parse(printed.as_bytes());
    if again != Ok(read) {
        return Err(format!("it prints as {printed:?}, which is read as {again:?}"));
    }
    Ok(())
}

pub(super) fn framing_ignores_segmentation(conversation: &Conversation) -> Result<(), String> {
    let stream = conversation.stream();
    let expected = reference::lines(&stream, LINE_LIMIT);
    let mut buffer = LineBuffer::new(LINE_LIMIT);
    let mut found = 0;
    let mut arrived = 0;
    for piece in conversation.arriving(&stream) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = buffer.fill(rest);
            rest = &rest[taken..];
            arrived += taken;
            for frame in buffer.lines() {
                let line = match frame {
                    Frame::Line(line) => Some(line),
                    Frame::TooLong(_) => None,
                };
                if expected.get(found).map(|(_, line)| *line) != Some(line) {
                    return Err(format!(
                        "line {found} is {:?}",
                        line.map(|line| line.escape_ascii().to_string())
                    ));
                }
                found += 1;
            }
        }
        // Said as early as can be: what has arrived has been framed.
        let due = reference::due(&expected, arrived);
        if found != due {
            return Err(format!("after {arrived} bytes there are {found} lines, {due} are due"));
        }
    }
    Ok(())
}
