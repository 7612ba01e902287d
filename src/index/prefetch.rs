//! Brings what a batch will need into the cache, all at once.
//!
//! In an index that is larger than the caches, each name waits for memory. It waits for its place in the
//! table, then for the package, and for the rest of a long name. Command by command these waits add up. Side
//! by side they are one wait. Nothing here changes the index or an answer.

use std::hint::black_box;

use super::PackageIndex;
use super::sought::Sought;
use crate::command::CommandRef;
use crate::name::NameRef;

/// From how many packages on this is worth it. Fewer lie in the cache anyway.
const WORTH_IT: usize = 16_384;

/// How many names are read side by side: more than a processor waits for at a time.
const SIDE_BY_SIDE: usize = 32;

impl PackageIndex {
    /// Reads and forgets what the commands will look up, so that [`apply`](Self::apply) finds it in the
    /// processor's cache. It is worth it for a batch of dozens of commands or more, just before the batch is
    /// applied. It does nothing while the index is small. Costs a look-up for each name.
    ///
    /// ```
    /// # use package_indexer::{Command, CommandRef, PackageIndex};
    /// let mut index = PackageIndex::new();
    /// let batch = [Command::index("a", [])?, Command::query("b")?];
    /// index.prefetch(batch.iter().map(CommandRef::from));
    /// index.extend(batch);
    /// assert_eq!(index.len(), 1);
    /// # Ok::<(), package_indexer::NameError>(())
    /// ```
    pub fn prefetch<'a>(&self, commands: impl IntoIterator<Item = CommandRef<'a>>) {
        if self.len() >= WORTH_IT {
            self.touch(commands.into_iter().flat_map(CommandRef::names));
        }
    }

    /// Does so for an index of any size, and returns how many packages it read: one for each name that is
    /// indexed. Sometimes a name that is not indexed shares a few bits of its hash with another, and counts
    /// too.
    fn touch<'a>(&self, mut names: impl Iterator<Item = NameRef<'a>>) -> usize {
        let mut hashes = [0; SIDE_BY_SIDE];
        let mut found = [None; SIDE_BY_SIDE];
        let mut touched = 0;
        loop {
            let mut count = 0;
            for (place, name) in hashes.iter_mut().zip(names.by_ref()) {
                *place = self.hasher.of(&Sought::new(name));
                count += 1;
            }
            let hashes = &hashes[..count];
            // Any package with such a hash. Whether it is the right one is seen when the command is applied.
            for (place, &hash) in found.iter_mut().zip(hashes) {
                *place = self.by_name.find(hash, |_| true);
            }
            for &id in found[..count].iter().flatten() {
                black_box(self.graph.touch(id));
                touched += 1;
            }
            if count < SIDE_BY_SIDE {
                return touched;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn every_package_that_is_named_is_read_in_any_number() {
        let name = |number: usize| format!("p{number}");
        let every = (0..100).map(|number| Command::index(&name(number), []).unwrap());
        let index: PackageIndex = every.collect();
        for count in 0..100 {
            let asked: Vec<_> =
                (0..count).map(|number| Command::query(&name(number)).unwrap()).collect();
            assert_eq!(index.touch(asked.iter().map(|asked| asked.package().borrowed())), count);
        }
        let list = (1..100).map(name).collect::<Vec<_>>();
        let all = Command::index(&name(0), list.iter().map(String::as_str)).unwrap();
        assert_eq!(index.touch(CommandRef::from(&all).names()), 100);
        assert_eq!(PackageIndex::new().touch(CommandRef::from(&all).names()), 0);
    }
}
