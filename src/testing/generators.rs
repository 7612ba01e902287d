//! The inputs of this crate's properties: names, commands, lines, conversations.
//!
//! Each has one [`Arbitrary`](arbitrary::Arbitrary) implementation for both engines, which takes
//! its bytes one by one from the front, so that a change of one byte is a small change of the
//! input, and each shrinks. Shown, all of them are transcripts that hold on the reference model.

mod command;
mod conversation;
mod line;

pub use conversation::{Bounded, Conversation, Duo, LINE_LIMIT};
pub use line::{Line, Noise};

/// What a transcript says to some bytes: each message with the reply of the reference model.
fn transcript(stream: &[u8], max_line_bytes: usize) -> String {
    use super::reference;
    use super::transcript::escape;

    let mut model = crate::model::Model::default();
    let mut text = String::new();
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        text += &match line.strip_suffix(b"\n") {
            Some(message) => format!("> {}\n", escape(message)),
            None => format!(">~ {}\n", escape(line)),
        };
        for reply in reference::replies(line, max_line_bytes, &mut model) {
            text += &format!("< {reply}\n");
        }
    }
    text
}
