//! Histories as text, a line for each call (`CLIENT> command`) and each reply (`CLIENT< reply`).
//!
//! If the time was noted, the line begins with it: `@12.5 CLIENT> command` came 12.5 microseconds after the
//! start. It has up to three decimals, for nanoseconds. The order of the lines is the order of the events,
//! and times have to agree with it.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use super::{Event, History};

/// What is wrong with the text of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Display for HistoryError {
    /// Quotes the text without control characters, because it may hold anything. Of more than 257 bytes it
    /// shows the beginning and the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        let problem = &self.problem;
        if problem.len() <= 257 {
            return f.write_str(&printable(problem));
        }
        let boundary = |at| (0..=at).rev().find(|at| problem.is_char_boundary(*at)).unwrap_or(0);
        let (begin, end) = (boundary(160), boundary(problem.len() - 64));
        let (begin, end) = (printable(&problem[..begin]), printable(&problem[end..]));
        write!(f, "{begin}...{end} ({} bytes in all)", problem.len())
    }
}

impl std::error::Error for HistoryError {}

/// A text with escapes for all that cannot be seen, or changes the direction of writing.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' | '\'' => printable.push(character),
            other => printable.extend(other.escape_debug()),
        }
    }
    printable
}

impl<C: Display, R: Display> Display for History<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, time, event) in self.in_order() {
            let client = self.operations[number].client;
            if let Some(time) = time {
                write!(f, "@{} ", Microseconds(time))?;
            }
            match event {
                Event::Call(command) => writeln!(f, "{client}> {command}")?,
                Event::Reply(reply) => writeln!(f, "{client}< {reply}")?,
            }
        }
        Ok(())
    }
}

impl<C, R> FromStr for History<C, R>
where
    C: FromStr<Err: Display>,
    R: FromStr<Err: Display>,
{
    type Err = HistoryError;

    /// Ignores indentation, blank lines and comments, which begin with `#`.
    fn from_str(text: &str) -> Result<Self, HistoryError> {
        let mut history = Self::default();
        let mut latest = Duration::ZERO;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_start();
            if !line.is_empty() && !line.starts_with('#') {
                add_timed(&mut history, &mut latest, line)
                    .map_err(|problem| HistoryError { line: number, problem })?;
            }
        }
        Ok(history)
    }
}

/// A time as it is written: in microseconds, with as many decimals as it needs.
pub(super) struct Microseconds(pub(super) Duration);

impl Display for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanoseconds) = (self.0.as_micros(), self.0.subsec_nanos() % 1_000);
        match format!("{nanoseconds:03}").trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

impl FromStr for Microseconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        // Digits alone: Rust would also read a sign.
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = (1..=3).contains(&decimals.len()) && digits(whole) && digits(decimals);
        match (whole.parse(), format!("{decimals:0<3}").parse()) {
            (Ok(whole), Ok(nanoseconds)) if fits => {
                Ok(Self(Duration::from_micros(whole) + Duration::from_nanos(nanoseconds)))
            }
            _ => Err(format!("{text:?} is not a time in microseconds with up to three decimals")),
        }
    }
}

/// Adds what one line says, and its time, which becomes the latest. An error says what is wrong with the
/// line.
fn add_timed<C, R>(
    history: &mut History<C, R>,
    latest: &mut Duration,
    line: &str,
) -> Result<(), String>
where
    C: FromStr<Err: Display>,
    R: FromStr<Err: Display>,
{
    let Some(timed) = line.strip_prefix('@') else { return add(history, line) };
    let (time, line) = timed.split_once(' ').unwrap_or((timed, ""));
    let Microseconds(time) = time.parse()?;
    if time < *latest {
        let (time, latest) = (Microseconds(time), Microseconds(*latest));
        return Err(format!("the time goes back from {latest} to {time}"));
    }
    add(history, line.trim_start())?;
    history.note_time(Some(time));
    *latest = time;
    Ok(())
}

/// Adds what one line says. An error says what is wrong with it.
fn add<C, R>(history: &mut History<C, R>, line: &str) -> Result<(), String>
where
    C: FromStr<Err: Display>,
    R: FromStr<Err: Display>,
{
    let (client, text) = line.split_once(' ').unwrap_or((line, ""));
    let said = |error: &dyn Display| format!("{text:?}: {error}");
    let number = |digits: &str| digits.parse().map_err(|error| format!("{digits:?}: {error}"));
    if let Some(client) = client.strip_suffix('>') {
        let command = text.parse().map_err(|error| said(&error))?;
        history.call(number(client)?, command);
        Ok(())
    } else if let Some(client) = client.strip_suffix('<') {
        let reply = text.parse().map_err(|error| said(&error))?;
        history.reply(number(client)?, reply).map_err(|error| error.to_string())
    } else {
        Err(format!("{line:?} is neither CLIENT> COMMAND nor CLIENT< REPLY"))
    }
}
