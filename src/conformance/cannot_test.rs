//! Why a server cannot be tested at all.

use std::io;

use crate::client::ClientError;
use crate::shown::shown;

/// Why nothing could be tested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotTest {
    /// No check has this name, or a name that begins with it.
    #[error("no check is called {:?}, nor begins so", shown(name))]
    NoSuchCheck {
        /// The name that was asked for.
        name: String,
    },
    /// The checks of this name need several addresses, and the system has one.
    #[error("{} is about several addresses, and there is one", shown(name))]
    OneAddress {
        /// The name that was asked for.
        name: String,
    },
    /// A check has no case of this number.
    #[error("{} has no case {case}: it has {cases}, counted from 0", shown(name))]
    NoSuchCase {
        /// The number that was asked for.
        case: u64,
        /// The name of the check.
        name: String,
        /// How many cases the check has.
        cases: u64,
    },
    /// No connection to an address can be made.
    #[error("{}: {error}", shown(address))]
    Unreachable {
        /// The name of the address.
        address: String,
        /// Why connecting failed.
        error: io::Error,
    },
    /// The server at an address does not answer.
    #[error("{}: {error}", shown(address))]
    Silent {
        /// The name of the address.
        address: String,
        /// What came instead of a reply.
        error: ClientError,
    },
}

impl CannotTest {
    /// The name of the address that the error is about, if it is about one.
    pub(super) fn address(&self) -> Option<String> {
        match self {
            Self::Unreachable { address, .. } | Self::Silent { address, .. } => {
                Some(address.clone())
            }
            Self::NoSuchCheck { .. } | Self::OneAddress { .. } | Self::NoSuchCase { .. } => None,
        }
    }
}
