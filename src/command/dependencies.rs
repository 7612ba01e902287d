//! The list of dependencies in a command, from a message or from owned names.

use std::{fmt, slice};

use crate::name::{Name, NameRef, leading_name_bytes};

/// A borrowed list of dependencies, in the order in which it was written, repeats included.
#[derive(Debug, Clone, Copy)]
pub struct Dependencies<'a>(Source<'a>);

/// Where the names of a list are.
#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    /// In a message: checked names with a comma after each, which the last may lack; and their number.
    Message(&'a [u8], usize),
    /// In an owned command.
    Names(&'a [Name]),
}

impl<'a> Dependencies<'a> {
    /// The empty list.
    pub const NONE: Self = Self(Source::Names(&[]));

    /// Takes the bytes of a list of this many names, at least one, that the grammar has checked.
    pub(crate) fn from_checked(bytes: &'a [u8], count: usize) -> Self {
        debug_assert!(
            {
                let list = bytes.strip_suffix(b",").unwrap_or(bytes);
                let mut names = list.split(|byte| *byte == b',');
                names.all(|name| NameRef::check(name).is_ok())
                    && list.split(|byte| *byte == b',').count() == count
            },
            "unchecked list {}, said to be of {count}",
            bytes.escape_ascii()
        );
        Self(Source::Message(bytes, count))
    }

    /// The names in the order written, with repeats. Allocates nothing.
    pub fn iter(self) -> impl Iterator<Item = NameRef<'a>> {
        match self.0 {
            Source::Message(bytes, _) => Iter { message: bytes, names: [].iter() },
            Source::Names(names) => Iter { message: &[], names: names.iter() },
        }
    }

    /// The names as in a message, with single commas between. `None` if they come from elsewhere. O(1).
    pub(crate) fn as_written(self) -> Option<&'a [u8]> {
        match self.0 {
            Source::Message(bytes, _) => Some(bytes.strip_suffix(b",").unwrap_or(bytes)),
            Source::Names(_) => None,
        }
    }

    /// How many names there are, with repeats. O(1).
    pub(crate) const fn count(self) -> usize {
        match self.0 {
            Source::Message(_, count) => count,
            Source::Names(names) => names.len(),
        }
    }
}

/// The names of a list that are still to come.
struct Iter<'a> {
    message: &'a [u8],
    names: slice::Iter<'a, Name>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = NameRef<'a>;

    #[allow(clippy::inline_always, reason = "into the loop over a list: counted")]
    #[inline(always)]
    fn next(&mut self) -> Option<NameRef<'a>> {
        if self.message.is_empty() {
            return self.names.next().map(Name::borrowed);
        }
        // Checked names contain no comma, and a comma follows each but perhaps the last.
        let (name, rest) = self.message.split_at(leading_name_bytes(self.message));
        self.message = rest.get(1..).unwrap_or_default();
        Some(NameRef::from_checked(name))
    }
}

/// Equal if the same names come in the same order, with repeats.
impl PartialEq for Dependencies<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Dependencies<'_> {}

impl<'a> From<&'a Vec<Name>> for Dependencies<'a> {
    fn from(names: &'a Vec<Name>) -> Self {
        names.as_slice().into()
    }
}

impl<'a> From<&'a [Name]> for Dependencies<'a> {
    fn from(names: &'a [Name]) -> Self {
        Self(Source::Names(names))
    }
}

impl fmt::Display for Dependencies<'_> {
    /// The names with single commas between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            f.write_str(name.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_comma_adds_no_name() {
        let names: Vec<_> =
            Dependencies::from_checked(b"a,b,", 2).iter().map(NameRef::as_str).collect();
        assert_eq!(names, ["a", "b"]);
        for (list, count) in [("a", 1), ("a,", 1), ("a,b", 2), ("a,b,", 2)] {
            let list = Dependencies::from_checked(list.as_bytes(), count);
            assert_eq!((list.iter().count(), list.count()), (count, count));
        }
    }

    #[test]
    fn lists_are_equal_if_they_have_the_same_names_in_order() {
        let list = |list: &'static [u8]| {
            let count = list.split(|byte| *byte == b',').filter(|name| !name.is_empty()).count();
            Dependencies::from_checked(list, count)
        };
        let names = ["a", "b"].map(|name| Name::new(name).unwrap());
        assert_eq!(list(b"a,b,"), Dependencies::from(names.as_slice()));
        assert_ne!(list(b"a,b"), list(b"b,a"));
        assert_ne!(list(b"a"), Dependencies::NONE);
    }
}
