//! The inputs of this crate's properties: names, commands, lines, conversations, power cuts, courses.
//!
//! Each has one [`Arbitrary`](arbitrary::Arbitrary) implementation for both engines. It takes its bytes one
//! by one from the front, so a change of one byte is a small change of the input. Each can shrink. Each is
//! shown as a transcript that holds on the reference model. Seeds are made from an example of what a client
//! sends.

pub(crate) mod command;
mod conversation;
mod course;
mod line;
mod migration;
mod outage;
mod visit;

pub use conversation::{Bounded, Conversation, Duo, LINE_LIMIT};
pub use course::{Course, CourseStep, Deed, Luck};
pub use line::{Line, Noise};
pub use migration::Migration;
pub use outage::{Fault, Outage, PowerCut};
pub use visit::Visit;

/// The lines at the beginning of a stream, without those that are too long for a seed.
fn beginning(stream: &[u8]) -> impl Iterator<Item = &[u8]> + '_ {
    /// The most bytes of a seed. A fuzzer gets further with small seeds than with large ones.
    const MOST_BYTES: usize = 1_000;
    let mut left = MOST_BYTES;
    let lines = stream.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| line.len() <= 300).take_while(move |line| {
        let fits = line.len() <= left;
        left = left.saturating_sub(line.len());
        fits
    })
}

/// The transcript of some bytes: each message with the reply of the reference model.
fn transcript(stream: &[u8], max_line_bytes: usize) -> String {
    use super::reference;
    use super::transcript::escape;

    let mut model = crate::model::Model::default();
    let said = |line: &[u8]| match line.strip_suffix(b"\n") {
        Some(message) => format!("> {}\n", escape(message)),
        None => format!(">~ {}\n", escape(line)),
    };
    let lines = stream.split_inclusive(|byte| *byte == b'\n');
    if reference::begins_with_http(stream, max_line_bytes) {
        // All of it is sent before the end is seen. Anything later would be on another connection.
        return lines.map(said).collect::<String>() + "< ERROR\n<$\n";
    }
    let mut text = String::new();
    for line in lines {
        text += &said(line);
        let known = reference::lines(line, max_line_bytes).into_iter();
        for command in known.map(|(_, line)| line.and_then(reference::parse)) {
            text += &format!("< {}\n", reference::reply(command.as_ref(), &mut model));
        }
    }
    text
}
