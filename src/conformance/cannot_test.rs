//! Why a server cannot be tried at all.

use std::io;

use crate::client::ClientError;
use crate::shown::shown;

/// Why nothing could be tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotTest {
    /// No check has such a name.
    #[error("no check is called {:?}, nor begins so", shown(name))]
    NoSuchCheck {
        /// What was asked for.
        name: String,
    },
    /// A check of such a name takes several addresses, and there is one.
    #[error("{} is about several addresses, and there is one", shown(name))]
    OneAddress {
        /// What was asked for.
        name: String,
    },
    /// A check has no case of such a number.
    #[error("{} has no case {case}: it has {cases}, counted from 0", shown(name))]
    NoSuchCase {
        /// What was asked for.
        case: u64,
        /// The check.
        name: String,
        /// How many cases it has.
        cases: u64,
    },
    /// Nobody listens there.
    #[error("{}: {error}", shown(address))]
    Unreachable {
        /// Where, as that address is called.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// Nothing comes back from there.
    #[error("{}: {error}", shown(address))]
    Silent {
        /// From where, as that address is called.
        address: String,
        /// What was seen.
        error: ClientError,
    },
}

impl CannotTest {
    /// The address that it is about, if it is about one.
    pub(super) fn address(&self) -> Option<String> {
        match self {
            Self::Unreachable { address, .. } | Self::Silent { address, .. } => {
                Some(address.clone())
            }
            Self::NoSuchCheck { .. } | Self::OneAddress { .. } | Self::NoSuchCase { .. } => None,
        }
    }
}
