//! A ledger of transfers in two phases. What is prepared is held back, until it is committed or aborted.

use crate::measure::count_command;

pub const ACCOUNTS: usize = 3;
pub const AMOUNTS: std::ops::RangeInclusive<u32> = 1..=3;
const BALANCE: u32 = 6;
const MOST: usize = 3;

/// What each account has, and what of it is held back.
pub type Accounts = [(u32, u32); ACCOUNTS];

/// The least traces that show the bugs, of 3, 5 and 6 commands:
///
/// 1. Prepare a transfer from 0 to 1, prepare one from 1 to 0, commit the first.
/// 2. Prepare, abort, prepare, commit the second, abort the first again.
/// 3. Prepare three, abort the first, prepare another, commit the first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ledger<const BUG: u8> {
    accounts: Accounts,
    slots: Vec<Slot>,
    last_aborted: Option<usize>,
    has_committed_since: bool,
}

/// Where a transfer is kept. An id is the number of a slot and how many transfers it has had.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Slot {
    turn: usize,
    transfer: Option<Transfer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Transfer {
    from: usize,
    to: usize,
    amount: u32,
}

impl<const BUG: u8> Default for Ledger<BUG> {
    fn default() -> Self {
        Self {
            accounts: [(BALANCE, 0); ACCOUNTS],
            slots: vec![Slot { turn: 0, transfer: None }; MOST],
            last_aborted: None,
            has_committed_since: false,
        }
    }
}

impl<const BUG: u8> Ledger<BUG> {
    pub fn prepare(&mut self, from: usize, to: usize, amount: u32) -> Option<usize> {
        count_command();
        if from == to || self.accounts[from].0 < amount {
            return None;
        }
        let slot = self.slots.iter().position(|slot| slot.transfer.is_none())?;
        self.accounts[from].0 -= amount;
        self.accounts[from].1 += amount;
        self.slots[slot].transfer = Some(Transfer { from, to, amount });
        Some(self.slots[slot].turn * MOST + slot)
    }

    pub fn commit(&mut self, id: usize) -> bool {
        count_command();
        let Some(Transfer { from, to, amount }) = self.take(id) else { return false };
        self.has_committed_since = true;
        self.accounts[from].1 -= amount;
        // Bug 1: what comes in goes to what is held back, if anything is.
        if BUG == 1 && self.accounts[to].1 > 0 {
            self.accounts[to].1 += amount;
        } else {
            self.accounts[to].0 += amount;
        }
        true
    }

    pub fn abort(&mut self, id: usize) -> bool {
        count_command();
        // Bug 2: the last that was aborted can be aborted again once something was committed.
        if BUG == 2 && self.has_committed_since && self.last_aborted == Some(id) {
            return true;
        }
        let Some(Transfer { from, amount, .. }) = self.take(id) else { return false };
        (self.last_aborted, self.has_committed_since) = (Some(id), false);
        self.accounts[from].1 -= amount;
        self.accounts[from].0 += amount;
        true
    }

    /// Takes a transfer out of its slot.
    fn take(&mut self, id: usize) -> Option<Transfer> {
        let is_full = self.slots.iter().all(|slot| slot.transfer.is_some());
        let (turn, slot) = (id / MOST, id % MOST);
        let slot = self.slots.get_mut(slot).filter(|slot| slot.turn == turn)?;
        let transfer = slot.transfer.take()?;
        // Bug 3: a slot of a full ledger gives the same id again.
        if BUG != 3 || !is_full {
            slot.turn += 1;
        }
        Some(transfer)
    }

    pub fn accounts(&self) -> Accounts {
        self.accounts
    }
}

/// The model: what was prepared, in order, and what became of it. Its ids are places in that list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Transfers(Vec<(Transfer, Phase)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Prepared,
    Committed,
    Aborted,
}

impl Transfers {
    pub fn prepare(&mut self, from: usize, to: usize, amount: u32) -> bool {
        let open = self.0.iter().filter(|(_, phase)| *phase == Phase::Prepared).count();
        let is_possible = from != to && open < MOST && self.accounts()[from].0 >= amount;
        self.0.extend(is_possible.then_some((Transfer { from, to, amount }, Phase::Prepared)));
        is_possible
    }

    pub fn commit(&mut self, nth: usize) -> bool {
        self.end(nth, Phase::Committed)
    }

    pub fn abort(&mut self, nth: usize) -> bool {
        self.end(nth, Phase::Aborted)
    }

    fn end(&mut self, nth: usize, end: Phase) -> bool {
        match self.0.get_mut(nth) {
            Some((_, phase @ Phase::Prepared)) => {
                *phase = end;
                true
            }
            _ => false,
        }
    }

    pub fn accounts(&self) -> Accounts {
        let mut accounts = [(BALANCE, 0); ACCOUNTS];
        for (Transfer { from, to, amount }, phase) in &self.0 {
            match phase {
                Phase::Prepared => accounts[*from].1 += amount,
                Phase::Committed => accounts[*to].0 += amount,
                Phase::Aborted => {}
            }
        }
        for (Transfer { from, amount, .. }, phase) in &self.0 {
            accounts[*from].0 -= if *phase == Phase::Aborted { 0 } else { *amount };
        }
        accounts
    }

    /// How many were prepared, those included that have ended.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}
