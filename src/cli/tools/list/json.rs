//! Lists that are one JSON value: which parts of it are read, and where an error is.
//!
//! Names are checked during parsing, while the parser knows the line and the column.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::error::{ListError, Problem};
use crate::name::is_name_byte;

/// Text that can be part of a name: a name or a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(pub(super) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a version")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                match text.bytes().find(|byte| !is_name_byte(*byte)) {
                    None => Ok(Word(text.to_owned())),
                    Some(byte) => Err(E::custom(format_args!(
                        "byte {byte:#04x} of {text:?} cannot stand in a package name (A-Z a-z 0-9 + - . _ @ /)"
                    ))),
                }
            }
        }
        deserializer.deserialize_str(Words)
    }
}

/// The keys of an object. Their values are ignored.
#[derive(Debug, Default)]
pub(super) struct Keys(pub(super) Vec<Word>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Declares a struct that is read from a JSON object: each field from the key beside it. A missing or null
/// field gets its default. Other keys are skipped, with any bytes in them.
macro_rules! object {
    ($(#[$about:meta])* struct $name:ident { $($key:literal => $field:ident: $type:ty,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        struct $name {
            $($field: $type,)+
        }

        impl<'de> serde_core::Deserialize<'de> for $name {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde_core::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde_core::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $($key => {
                                    object.$field = map.next_value::<Option<$type>>()?.unwrap_or_default();
                                })+
                                _ => {
                                    map.next_value::<serde_core::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
}
pub(super) use object;

/// Reads a text that is one JSON value.
pub(super) fn parse<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, ListError> {
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line().max(1), error.column().max(1));
        let text = error.to_string();
        // The parser's message repeats the place in its own words.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        ListError::At { line, column, problem: Problem::Json { text } }
    })
}

/// An error about something that the whole list lacks, with advice.
pub(super) fn lacking(what: &'static str, advice: &'static str) -> ListError {
    ListError::At { line: 1, column: 1, problem: Problem::Lacking { what, advice } }
}
