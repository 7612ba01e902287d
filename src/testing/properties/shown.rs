//! What the table claims about messages and logs: text from outside can do no harm in them.

use crate::shown::{shown, without_controls};
use crate::testing::generators::Noise;
use crate::wire::parse;

/// More than any value that is shown can take: 257 bytes, each as the longest escape, and its length.
const MOST_BYTES: usize = 257 * 10 + 100;

pub(super) fn text_from_outside_is_shown_clean(noise: &Noise) -> Result<(), String> {
    is_shown_clean(show, noise)
}

/// All ways to show a value.
pub(super) type Show = fn(&[u8]) -> [String; 3];

fn show(value: &[u8]) -> [String; 3] {
    let [plain, quoted] = [shown(value).to_string(), format!("{:?}", shown(value))];
    [plain, quoted, without_controls(value, None)]
}

pub(super) fn is_shown_clean(show: Show, Noise(bytes): &Noise) -> Result<(), String> {
    // Also as characters: those that steer a terminal, change the direction of writing, or hide.
    let [controls, layout] = [0, 0x2000].map(|first| {
        let chars = bytes.iter().filter_map(|byte| char::from_u32(first + u32::from(*byte)));
        chars.collect::<String>().into_bytes()
    });
    for value in [bytes, &controls, &layout] {
        for value in [value.clone(), value.repeat(20)] {
            let texts = show(&value);
            texts.iter().try_for_each(|text| clean(text))?;
            let [plain, quoted, _] = texts;
            if plain.len().max(quoted.len()) > MOST_BYTES {
                return Err(format!("{} bytes are shown as {} bytes", value.len(), plain.len()));
            }
        }
    }
    parse(bytes).map_or_else(|error| clean(&error.to_string()), |_command| Ok(()))
}

/// Checks that a text has only characters that print.
fn clean(text: &str) -> Result<(), String> {
    let hides = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    match text.chars().find(|c| c.is_control() || hides(*c)) {
        Some(c) => Err(format!("{} is shown raw", c.escape_unicode())),
        None => Ok(()),
    }
}
