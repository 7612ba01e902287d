//! Floor 0: package names, checked once at the border and trusted after that.
//!
//! [`NameRef`] borrows the bytes it was read from, and [`Name`] owns them. Commands, the wire and the index
//! are in other modules.

mod alphabet;
mod owned;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str;

pub use alphabet::is_name_byte;
pub(crate) use alphabet::leading_name_bytes;
pub use owned::Name;

/// The most bytes that a package name may have (protocol rule N1).
///
/// The longest names in use are npm's, with 214 bytes. The limit bounds the memory that a client can fill
/// with one name.
pub const MAX_NAME_BYTES: usize = 255;

/// Why some text is not a package name (protocol rule N1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    #[error("a package name cannot be empty")]
    Empty,
    /// The text is longer than [`MAX_NAME_BYTES`].
    #[error("a package name has at most {MAX_NAME_BYTES} bytes, this one has {length}")]
    TooLong {
        /// The length found, in bytes.
        length: usize,
    },
    /// The text contains a byte outside the alphabet.
    #[error(
        "byte {byte:#04x} at offset {offset} cannot stand in a package name (A-Z a-z 0-9 + - . _ @ /)"
    )]
    Byte {
        /// The first such byte.
        byte: u8,
        /// Its place, in bytes from 0.
        offset: usize,
    },
}

/// A borrowed package name: 1 to 255 bytes of `[A-Za-z0-9+._@/-]` (protocol rule N1).
///
/// ```
/// use package_indexer::{NameError, NameRef};
///
/// let name = NameRef::new("gir1.2-gtk-3.0")?;
/// assert_eq!(name.as_str(), "gir1.2-gtk-3.0");
/// assert_eq!(NameRef::new("gn:arly"), Err(NameError::Byte { byte: b':', offset: 2 }));
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameRef<'a>(&'a [u8]);

impl<'a> NameRef<'a> {
    /// Checks `text`. O(length).
    ///
    /// # Errors
    /// [`NameError::Empty`], [`NameError::TooLong`], or [`NameError::Byte`] with the first
    /// offending byte and its offset.
    pub fn new(text: &'a str) -> Result<Self, NameError> {
        Self::check(text.as_bytes())
    }

    /// The same for bytes.
    pub(crate) fn check(bytes: &'a [u8]) -> Result<Self, NameError> {
        if bytes.is_empty() {
            return Err(NameError::Empty);
        }
        if bytes.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong { length: bytes.len() });
        }
        let offset = leading_name_bytes(bytes);
        match bytes.get(offset) {
            Some(&byte) => Err(NameError::Byte { byte, offset }),
            None => Ok(Self(bytes)),
        }
    }

    /// Takes bytes that the grammar has already checked.
    pub(crate) fn from_checked(bytes: &'a [u8]) -> Self {
        debug_assert!(Self::check(bytes).is_ok(), "unchecked name {}", bytes.escape_ascii());
        Self(bytes)
    }

    /// The bytes of the name, which live as long as those that it was read from. O(1).
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The name as text, which lives as long as the bytes that it was read from. O(length), because the bytes
    /// are checked to be text once more. That is cheaper here than for each name of each message.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        match str::from_utf8(self.0) {
            Ok(text) => text,
            // Only bytes of the alphabet get here.
            Err(_not_text) => unreachable!(),
        }
    }

    /// The first sixteen bytes as a number. If two names differ in it, the lesser name has the lesser number.
    pub(crate) fn beginning(self) -> u128 {
        let mut bytes = [0; size_of::<u128>()];
        let length = self.0.len().min(bytes.len());
        bytes[..length].copy_from_slice(&self.0[..length]);
        u128::from_be_bytes(bytes)
    }

    /// Copies the name out of the bytes it was read from.
    #[must_use]
    pub fn to_name(self) -> Name {
        Name::from_checked(self)
    }
}

/// The hash of the text, so that a map keyed by names can be asked with text.
impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl AsRef<str> for NameRef<'_> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for NameRef<'_> {
    fn eq(&self, text: &str) -> bool {
        self.0 == text.as_bytes()
    }
}

impl PartialEq<&str> for NameRef<'_> {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

impl<'a> TryFrom<&'a str> for NameRef<'a> {
    type Error = NameError;

    fn try_from(text: &'a str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Serialized as text, and checked when read back.
#[cfg(feature = "serde")]
mod serialize {
    use std::borrow::Cow;

    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::{Serialize, Serializer};

    use super::{Name, NameRef};

    impl Serialize for NameRef<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl Serialize for Name {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.borrowed().serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Self::new(Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_ecosystem_are_accepted() {
        for name in ["libstdc++6", "gir1.2-gtk-3.0", "python@3.12", "@types/node", "a", "A_b-9"] {
            assert_eq!(NameRef::new(name).map(NameRef::as_str), Ok(name));
        }
    }

    #[test]
    fn exactly_sixty_eight_bytes_may_stand_in_a_name() {
        let allowed: String = (0..=u8::MAX).filter(|&b| is_name_byte(b)).map(char::from).collect();
        assert_eq!(allowed, "+-./0123456789@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
        assert_eq!(allowed.len(), 68);
    }

    /// Rule N1.
    #[test]
    fn a_name_has_one_to_255_bytes() {
        assert_eq!(NameRef::new(""), Err(NameError::Empty));
        for length in 1..=257 {
            let text = "x".repeat(length);
            let expected = match length {
                ..=255 => Ok(text.as_str()),
                _ => Err(NameError::TooLong { length }),
            };
            assert_eq!(NameRef::new(&text).map(NameRef::as_str), expected);
        }
    }

    #[test]
    fn the_first_offending_byte_is_named_with_its_offset() {
        assert_eq!(NameRef::new("emacs:ye ah"), Err(NameError::Byte { byte: b':', offset: 5 }));
        assert_eq!(Name::new("caf\u{e9}"), Err(NameError::Byte { byte: 0xc3, offset: 3 }));
    }

    #[test]
    fn a_name_of_any_length_is_kept_as_it_is() {
        let lengths: Vec<usize> = (1..=MAX_NAME_BYTES).collect();
        let names: Vec<Name> = lengths.iter().map(|&l| Name::new("x".repeat(l)).unwrap()).collect();
        assert!(names.iter().map(|name| name.as_str().len()).eq(lengths));
        assert!(names.is_sorted_by(|a, b| a < b && a != b && b.as_str().starts_with(a.as_str())));
        assert_eq!(size_of::<Name>(), 24);
    }

    #[test]
    fn whichever_name_begins_with_less_is_less() {
        let long = "x".repeat(16);
        let texts = ["+", "a", "a+", "aa", "b", &long, &format!("{long}+"), &format!("{long}x")];
        let names = texts.map(|text| NameRef::new(text).unwrap());
        assert!(names.is_sorted() && names.is_sorted_by_key(|name| name.beginning()));
        assert!(names[..6].is_sorted_by(|a, b| a.beginning() < b.beginning()));
        assert_eq!(names[5].beginning(), names[7].beginning());
    }

    #[test]
    fn a_map_keyed_by_names_can_be_asked_with_text() {
        let names = std::collections::BTreeSet::from(["b", "a"].map(|n| Name::new(n).unwrap()));
        assert!(names.contains("a"));
        assert!(!names.contains("c"));
    }

    #[test]
    fn a_name_is_its_text_in_every_form() {
        let (owned, borrowed) = (Name::new("vim").unwrap(), NameRef::new("vim").unwrap());
        assert_eq!(<Name as AsRef<str>>::as_ref(&owned), "vim");
        assert_eq!(<NameRef<'_> as AsRef<str>>::as_ref(&borrowed), "vim");
        assert_eq!(format!("{owned} {borrowed} {owned:?} {borrowed:?}"), r#"vim vim "vim" "vim""#);
        assert_eq!(format!("{owned:>5}|{borrowed:<5}|"), "  vim|vim  |");
        assert_eq!((owned.as_str(), owned.borrowed()), ("vim", borrowed));
        assert_eq!(borrowed.to_name(), owned);
    }

    #[test]
    fn a_name_equals_its_text_and_no_other() {
        let (owned, borrowed) = (Name::new("vim").unwrap(), NameRef::new("vim").unwrap());
        assert!(owned == *"vim" && owned == "vim" && owned != *"vi" && owned != "vi");
        assert!(borrowed == *"vim" && borrowed == "vim" && borrowed != *"vi" && borrowed != "vi");
    }

    #[test]
    fn text_is_checked_on_every_way_to_a_name() {
        for (text, expected) in [("vim", Ok("vim")), ("v m", Err((b' ', 1)))] {
            let expected = expected.map_err(|(byte, offset)| NameError::Byte { byte, offset });
            assert_eq!(NameRef::try_from(text).map(NameRef::as_str), expected);
            let owned = [text.parse(), text.to_owned().try_into(), Name::new(text)];
            assert_eq!(
                owned.each_ref().map(|name| name.as_ref().map(Name::as_str)),
                [expected.as_ref().copied(); 3]
            );
            assert_eq!(NameRef::try_from(text).map(Name::from), owned[0]);
        }
    }
}
