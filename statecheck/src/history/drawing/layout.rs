//! Places the bars of a history and their labels, so that nothing covers anything.

use std::collections::BTreeMap;

use super::scale::Scale;
use super::{Fault, Words, real};

/// The height of a bar, and of a row of bars with the free space below it.
pub(super) const BAR: f64 = 24.0;
const ROW: f64 = 31.0;

/// The free space in a lane above its first row.
const LANE: f64 = 7.0;

/// The width of a letter of the labels, rather too much. They have a fixed width.
pub(super) const LETTER: f64 = 7.4;

/// The space between a bar's end and its label.
const GAP: f64 = 7.0;

/// The least width of a bar, so that it can be seen.
const LEAST: f64 = 4.0;

/// How many letters of a command, and of a reply, are written at a bar.
const COMMAND: usize = 36;
const REPLY: usize = 20;

/// The note at the bar of the fault.
pub(super) const NOTE: &str = "no order explains this reply";

/// All bars. Lengths are in pixels, from the left end of the axis and from the top of the first lane.
pub(super) struct Layout {
    pub(super) lanes: Vec<Lane>,
    /// The bars, in the order of the operations.
    pub(super) bars: Vec<Bar>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The lane of one client.
pub(super) struct Lane {
    pub(super) client: usize,
    pub(super) top: f64,
    pub(super) height: f64,
}

/// One operation.
pub(super) struct Bar {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) label: Label,
    pub(super) note: Option<Label>,
}

/// A text at a bar.
pub(super) struct Label {
    pub(super) text: String,
    pub(super) left: f64,
    /// Whether it is in the bar, and not after it.
    pub(super) inside: bool,
}

impl Bar {
    fn new(history: &Words, number: usize, scale: &Scale, fault: Option<Fault>) -> Self {
        let operation = &history.operations()[number];
        let left = scale.place(operation.called);
        let end = operation.answer.as_ref().map_or(scale.end(), |answer| scale.place(answer.at));
        let right = end.max(left + LEAST);
        let reply = operation.answer.as_ref().map_or("no reply", |answer| &answer.reply);
        let text =
            format!("{} → {}", shortened(&operation.command, COMMAND), shortened(reply, REPLY));
        let (label, note) = if fault.is_some_and(|fault| fault.operation == number) {
            let [label, note] = Label::of_fault(text, left, right);
            (label, Some(note))
        } else {
            (Label::new(text, left, right), None)
        };
        Self { left, right, top: 0.0, label, note }
    }

    /// Where the bar ends, together with its labels.
    pub(super) fn end(&self) -> f64 {
        let labels = [Some(&self.label), self.note.as_ref()].into_iter().flatten();
        labels.map(Label::end).fold(self.right, f64::max)
    }
}

impl Label {
    /// A text at a bar: in it if there is room, otherwise after it.
    fn new(text: String, left: f64, right: f64) -> Self {
        let inside = left + GAP + width(&text) + GAP <= right;
        let left = if inside { left } else { right } + GAP;
        Self { text, left, inside }
    }

    /// The label of the bar of the fault, and the note on it. Both are at the bar's end, so that a reader
    /// sees them with that end, even if the bar is long. Each is in the bar if there is room.
    fn of_fault(text: String, left: f64, right: f64) -> [Self; 2] {
        let (label, note) = (GAP + width(&text), GAP + width(NOTE));
        let room = right - left - GAP;
        let (begin, inside) = if label + note <= room {
            (right - GAP - note - label, [true, true])
        } else if label <= room {
            (right - GAP - label, [true, false])
        } else {
            (right, [false, false])
        };
        // The bar's end is between the two, or not.
        let between = if inside == [true, false] { right } else { begin + label };
        let [label_left, note_left] = [begin, between].map(|place| place + GAP);
        [
            Self { text, left: label_left, inside: inside[0] },
            Self { text: NOTE.to_owned(), left: note_left, inside: inside[1] },
        ]
    }

    /// Where the text ends.
    pub(super) fn end(&self) -> f64 {
        self.left + width(&self.text)
    }
}

impl Layout {
    pub(super) fn new(history: &Words, scale: &Scale, fault: Option<Fault>) -> Self {
        let mut bars: Vec<Bar> = (0..history.operations().len())
            .map(|number| Bar::new(history, number, scale, fault))
            .collect();
        // For each client, the bars in each of its rows, and where the row is free again.
        let mut rows_of: BTreeMap<usize, Vec<(f64, Vec<usize>)>> = BTreeMap::new();
        for (number, bar) in bars.iter().enumerate() {
            let rows = rows_of.entry(history.operations()[number].client).or_default();
            let free = rows.iter().position(|(end, _)| *end <= bar.left);
            let row = free.unwrap_or_else(|| {
                rows.push((0.0, Vec::new()));
                rows.len() - 1
            });
            rows[row].0 = bar.end() + if bar.label.inside { 0.0 } else { GAP };
            rows[row].1.push(number);
        }
        let mut lanes = Vec::new();
        let mut top = 0.0;
        for (client, rows) in rows_of {
            for (row, (_, numbers)) in rows.iter().enumerate() {
                for number in numbers {
                    bars[*number].top = top + LANE + real(row) * ROW;
                }
            }
            let height = LANE + real(rows.len()) * ROW;
            lanes.push(Lane { client, top, height });
            top += height;
        }
        let width = bars.iter().map(Bar::end).fold(scale.end(), f64::max);
        Self { lanes, bars, width, height: top }
    }
}

/// The greatest width of a text. A character that is not ASCII may be as wide as two letters.
pub(super) fn width(text: &str) -> f64 {
    let letters = |letter: char| if letter.is_ascii() || letter == '→' { 1 } else { 2 };
    real(text.chars().map(letters).sum()) * LETTER
}

/// The beginning of a text, with a mark if that is not all.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
