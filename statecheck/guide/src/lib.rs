//! Leases: a name belongs to somebody for some time.

/// How many ticks a lease lasts.
pub const TIME: u32 = 3;
/// How many leases there are at once.
pub const MOST: usize = 3;

/// Grants leases on names.
#[derive(Debug, Default)]
pub struct Leases {
    held: Vec<Lease>,
    last_id: u64,
}

#[derive(Debug)]
struct Lease {
    id: u64,
    name: char,
    left: u32,
}

impl Leases {
    /// Grants a lease, and returns its id. None if the name is taken, or too many are.
    pub fn acquire(&mut self, name: char) -> Option<u64> {
        if self.held.len() == MOST || self.held.iter().any(|lease| lease.name == name) {
            return None;
        }
        self.last_id += 1;
        self.held.push(Lease { id: self.last_id, name, left: TIME });
        Some(self.last_id)
    }

    /// Lets a lease last for the whole time again. False if it is not held.
    pub fn renew(&mut self, id: u64) -> bool {
        let lease = self.held.iter_mut().find(|lease| lease.id == id);
        lease.map(|lease| lease.left = TIME).is_some()
    }

    /// Ends a lease. False if it is not held.
    pub fn release(&mut self, id: u64) -> bool {
        let place = self.held.iter().position(|lease| lease.id == id);
        place.map(|place| self.held.remove(place)).is_some()
    }

    /// Lets time pass, and leases end with it.
    pub fn tick(&mut self) {
        self.held.iter_mut().for_each(|lease| lease.left -= 1);
        self.held.retain(|lease| lease.left > 0);
    }

    /// The names that are taken, each with the ticks that are left.
    pub fn held(&self) -> impl Iterator<Item = (char, u32)> {
        self.held.iter().map(|lease| (lease.name, lease.left))
    }
}
