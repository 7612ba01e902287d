//! A store for tests. It keeps packages in memory, where a test can look, and does as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::Engine;
use crate::index::{Change, PackageIndex};
use crate::store::{Snapshot, Store, StoreError, Visit};
use crate::wire::Row;

/// What is kept, and what is to happen next.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) kept: BTreeMap<String, Vec<String>>,
    pub(super) commits: usize,
    pub(super) fails: bool,
    pub(super) panics: bool,
    pub(super) closed: bool,
}

/// A shelf that store and test share. Its lock is of std: the schedule cannot change there.
pub(super) type Shared = Arc<Mutex<Shelf>>;

/// A function called before each commit, with the shelf and the number of changes.
pub(super) type Before = Box<dyn FnMut(&Mutex<Shelf>, usize) + Send>;

/// The store.
pub(super) struct Shelved {
    pub(super) shelf: Shared,
    pub(super) before: Before,
}

/// An engine with such a store, and what the store keeps.
pub(super) fn durable(
    before: impl FnMut(&Mutex<Shelf>, usize) + Send + 'static,
) -> (Engine, Shared) {
    let shelf = Shared::default();
    let store = Shelved { shelf: Arc::clone(&shelf), before: Box::new(before) };
    (Engine::durable(PackageIndex::new(), Box::new(store)), shelf)
}

impl Store for Shelved {
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        (self.before)(&self.shelf, changes.len());
        let mut shelf = self.shelf.lock().unwrap();
        shelf.commits += 1;
        assert!(!shelf.panics, "a bug, on purpose");
        if shelf.fails {
            return Err(StoreError::Closed);
        }
        for change in changes {
            let package = change.package().to_string();
            match change.dependencies() {
                None => drop(shelf.kept.remove(&package)),
                Some(list) => {
                    let list = list.iter().map(ToString::to_string).collect();
                    shelf.kept.insert(package, list);
                }
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(self.shelf.lock().unwrap().kept.clone()))
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.shelf.lock().unwrap().closed = true;
        Ok(())
    }
}

impl Snapshot for BTreeMap<String, Vec<String>> {
    fn package_count(&self) -> Result<u64, StoreError> {
        Ok(self.len() as u64)
    }

    fn visit(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let _has_enough = self.iter().try_for_each(|(package, list)| {
            visit(Row::read(package.as_bytes(), list.join(",").as_bytes()))
        });
        Ok(())
    }
}
