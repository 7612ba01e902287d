//! The owned form of a name, and where its bytes are.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::{NameError, NameRef};

/// An owned package name: 1 to 255 bytes of `[A-Za-z0-9+._@/-]` (protocol rule N1).
///
/// It takes 24 bytes of memory, which hold up to 22 bytes of text. A longer text is stored elsewhere.
/// Ordered by bytes, like its text, so that maps keyed by `Name` can be asked with a `&str`.
///
/// ```
/// use package_indexer::Name;
///
/// let name: Name = "python@3.12".parse()?;
/// assert_eq!(name.to_string(), "python@3.12");
/// assert!("vi vim improved".parse::<Name>().is_err());
/// # Ok::<(), package_indexer::NameError>(())
/// ```
#[derive(Clone)]
pub struct Name(Bytes);

/// The bytes of a name. Most names are short. A name that is stored in place is found with one cache miss
/// less.
#[derive(Clone)]
enum Bytes {
    Short { length: u8, bytes: [u8; MAX_SHORT_BYTES] },
    Long(Box<[u8]>),
}

/// The most bytes that fit into 24 beside a length and a mark that the name is short.
const MAX_SHORT_BYTES: usize = 22;

impl Bytes {
    fn new(text: &[u8]) -> Self {
        let mut bytes = [0; MAX_SHORT_BYTES];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(head), Ok(length)) => {
                head.copy_from_slice(text);
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl Name {
    /// Checks `text` and keeps it. O(length).
    ///
    /// # Errors
    /// As [`NameRef::new`].
    pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
        NameRef::new(text.as_ref()).map(NameRef::to_name)
    }

    /// Keeps a name that was checked.
    pub(super) fn from_checked(name: NameRef<'_>) -> Self {
        Self(Bytes::new(name.as_bytes()))
    }

    /// The name as text. O(length), as [`NameRef::as_str`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.borrowed().as_str()
    }

    /// The borrowed form.
    #[must_use]
    pub fn borrowed(&self) -> NameRef<'_> {
        NameRef::from_checked(self.0.as_slice())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.borrowed() == other.borrowed()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.borrowed().cmp(&other.borrowed())
    }
}

/// The hash of the text, so that a map keyed by names can be asked with text.
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrowed().hash(state);
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, text: &str) -> bool {
        self.borrowed() == *text
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, text: &&str) -> bool {
        self.borrowed() == **text
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        NameRef::new(text).map(NameRef::to_name)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl From<NameRef<'_>> for Name {
    fn from(name: NameRef<'_>) -> Self {
        name.to_name()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
