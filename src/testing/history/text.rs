//! Histories as text, a line for each call (`CLIENT> command`) and each reply (`CLIENT< reply`).

use std::fmt::{self, Display};
use std::str::FromStr;

use super::{Event, History};

/// What is wrong with the text of a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct HistoryError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl<C: Display, R: Display> Display for History<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, event) in self.in_order() {
            let client = self.operations[number].client;
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

    /// Indentation is ignored, as are blank lines and comments, which begin with `#`.
    fn from_str(text: &str) -> Result<Self, HistoryError> {
        let mut history = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_start();
            if !line.is_empty() && !line.starts_with('#') {
                add(&mut history, line)
                    .map_err(|problem| HistoryError { line: number, problem })?;
            }
        }
        Ok(history)
    }
}

/// Adds what one line says; says what is wrong with it.
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
