//! What is tried: a system that serves one index, at one address or at several.

use std::fmt;
use std::net::SocketAddr;

use crate::shown::shown;

/// Where a system can be reached, and what that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    name: String,
    socket: SocketAddr,
}

impl Address {
    /// An address that findings call by `name`, which has no spaces: what stands after the last of
    /// them is what a transcript knows it by.
    #[must_use]
    pub fn new(name: &str, socket: SocketAddr) -> Self {
        Self { name: name.replace(char::is_whitespace, "_"), socket }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        self.socket
    }
}

impl From<SocketAddr> for Address {
    /// Called by its number.
    fn from(socket: SocketAddr) -> Self {
        Self::new(&socket.to_string(), socket)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// One index behind at least one address: with several, whatever one of them was told all of them
/// know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    addresses: Vec<Address>,
}

/// Why addresses are none of a system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// There is no address.
    #[error("a system has at least one address")]
    NoAddress,
    /// One comes twice: a system that is said to be tried at so many addresses would not be.
    #[error("{} is given twice", shown(name))]
    GivenTwice {
        /// What it is called.
        name: String,
    },
    /// Two are the same under different names.
    #[error("{} and {} are one address, {socket}", shown(first), shown(second))]
    SameAddress {
        /// What the first of them is called.
        first: String,
        /// What the second is called.
        second: String,
        /// What both stand for.
        socket: SocketAddr,
    },
}

impl System {
    /// A system behind these addresses, each of which is another one.
    ///
    /// # Errors
    /// When there is none, or two are the same whatever they are called.
    pub fn new(addresses: impl IntoIterator<Item = Address>) -> Result<Self, SystemError> {
        let addresses: Vec<Address> = addresses.into_iter().collect();
        for (number, second) in addresses.iter().enumerate() {
            let before = &addresses[..number];
            if before.iter().any(|first| first.name == second.name) {
                return Err(SystemError::GivenTwice { name: second.name.clone() });
            }
            if let Some(first) = before.iter().find(|first| first.socket == second.socket) {
                let (first, second, socket) =
                    (first.name.clone(), second.name.clone(), second.socket);
                return Err(SystemError::SameAddress { first, second, socket });
            }
        }
        if addresses.is_empty() {
            return Err(SystemError::NoAddress);
        }
        Ok(Self { addresses })
    }

    /// Its addresses, at least one, in the order in which they were given.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// How many addresses it has.
    pub(super) fn count(&self) -> usize {
        self.addresses.len()
    }

    pub(super) fn has_several(&self) -> bool {
        self.count() > 1
    }

    /// The address whose turn it is after so many others.
    pub(super) fn address(&self, number: usize) -> &Address {
        &self.addresses[number % self.count()]
    }

    /// What the address is called to which that is due which is said of one of several; none if there
    /// is but one.
    pub(super) fn named(&self, number: usize) -> Option<String> {
        self.has_several().then(|| self.address(number).name.clone())
    }
}

impl From<SocketAddr> for System {
    fn from(socket: SocketAddr) -> Self {
        Self { addresses: vec![socket.into()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str, port: u16) -> Address {
        Address::new(name, SocketAddr::from(([127, 0, 0, 1], port)))
    }

    #[test]
    fn an_address_given_twice_is_refused_under_any_name() {
        let system = System::new([address("a:1", 1), address("b:2", 2)]).unwrap();
        assert_eq!(system.addresses().len(), 2);
        let names = [0, 1, 2].map(|number| system.address(number).name());
        assert_eq!(names, ["a:1", "b:2", "a:1"]);
        let same = System::new([address("a:1", 1), address("b:2", 2), address("c:1", 1)]);
        assert_eq!(same.unwrap_err().to_string(), "a:1 and c:1 are one address, 127.0.0.1:1");
        let twice = System::new([address("a:1", 1), address("a:1", 1)]);
        assert_eq!(twice.unwrap_err().to_string(), "a:1 is given twice");
        assert_eq!(System::new([]), Err(SystemError::NoAddress));
    }

    #[test]
    fn an_address_is_named_only_where_there_are_several() {
        let system = System::from(address("a:1", 1).socket());
        assert_eq!(system.named(0), None);
        let system = System::new([address("a:1", 1), address("b:2", 2)]).unwrap();
        assert_eq!(system.named(3).as_deref(), Some("b:2"));
    }
}
