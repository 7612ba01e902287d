//! The system under test, which serves one index at one address or at several.

use std::fmt;
use std::net::SocketAddr;

use crate::shown::shown;

/// An address of a system, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    name: String,
    socket: SocketAddr,
}

impl Address {
    /// An address that findings call by `name`. Spaces in the name become `_`, because a transcript
    /// finds an address after the last space.
    #[must_use]
    pub fn new(name: &str, socket: SocketAddr) -> Self {
        Self { name: name.replace(char::is_whitespace, "_"), socket }
    }

    /// The name of the address.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The socket address.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        self.socket
    }
}

impl From<SocketAddr> for Address {
    /// An address whose name is the socket address.
    fn from(socket: SocketAddr) -> Self {
        Self::new(&socket.to_string(), socket)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// One index at one or several addresses. Each of them knows what any of them was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    addresses: Vec<Address>,
}

/// Why addresses do not make a system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// There is no address.
    #[error("a system has at least one address")]
    NoAddress,
    /// A name is given twice. A run would then test fewer addresses than it claims.
    #[error("{} is given twice", shown(name))]
    GivenTwice {
        /// The name.
        name: String,
    },
    /// Two names stand for the same address.
    #[error("{} and {} are one address, {socket}", shown(first), shown(second))]
    SameAddress {
        /// The first name.
        first: String,
        /// The second name.
        second: String,
        /// The address of both.
        socket: SocketAddr,
    },
}

impl System {
    /// A system at these addresses, which must all differ.
    ///
    /// # Errors
    /// When there is no address, or two are the same, even under different names.
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

    /// The addresses, at least one, in the order in which they were given.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// How many addresses there are.
    pub(super) fn count(&self) -> usize {
        self.addresses.len()
    }

    pub(super) fn has_several(&self) -> bool {
        self.count() > 1
    }

    /// The address of a number. Numbers count from 0, and begin again after the last address.
    pub(super) fn address(&self, number: usize) -> &Address {
        &self.addresses[number % self.count()]
    }

    /// The name of the address of a number, or `None` if the system has only one address.
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
