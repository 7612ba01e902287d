//! The memory that an index holds, compared with what it counts.

use fastrand::Rng;

use super::*;

/// What an index may hold beyond 5/4 of the most that it counted: a page and a table that are not full.
const BESIDE: usize = 64 * 1024;

/// An index with a limit, and the most that it has counted.
struct Watched {
    index: PackageIndex,
    most: usize,
    /// The next package that is new.
    next: usize,
}

impl Watched {
    fn new(max_state_bytes: usize) -> Self {
        let limits = Limits { max_state_bytes, ..Limits::default() };
        Self { index: PackageIndex::with_limits(limits), most: 0, next: 0 }
    }

    /// Applies a command. Returns whether it was answered OK.
    fn say(&mut self, command: &Command) -> bool {
        let outcome = self.index.apply(command);
        self.most = self.most.max(self.index.state_bytes());
        outcome == Ok(Outcome::Ok)
    }

    fn check(&self) {
        let held = self.index.held_bytes();
        assert!(held <= self.most + self.most / 4 + BESIDE, "{held} held, {} counted", self.most);
    }

    /// Adds packages with names of `length` bytes: `count` of them, or until there is no room.
    fn add(&mut self, count: usize, length: usize, list: &[&str]) {
        for _ in 0..count {
            let name = format!("{:x<length$}", format!("{}+", self.next));
            if !self.say(&Command::index(&name, list.iter().copied()).unwrap()) {
                break;
            }
            self.next += 1;
        }
        self.check();
    }

    /// Removes packages on which none depends, but keeps one of so many.
    fn thin_out(&mut self, keep_one_of: usize) {
        let names: Vec<_> = self.index.packages().collect();
        for (position, name) in names.iter().enumerate() {
            if position % keep_one_of != 0 {
                self.say(&Command::index(name.as_str(), []).unwrap());
            }
        }
        for (position, package) in names.into_iter().enumerate() {
            if position % keep_one_of != 0 {
                self.say(&Command::Remove { package });
            }
        }
        self.check();
    }
}

fn hubs(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("hub{number}")).collect()
}

#[test]
fn dependencies_and_then_packages_hold_what_they_count() {
    // Around the sizes at which tables are split: there they hold the most for each package.
    for limit in (300_000..600_000).step_by(75_000) {
        let mut watched = Watched::new(limit);
        let hubs = hubs(200);
        let list: Vec<_> = hubs.iter().map(String::as_str).collect();
        for hub in &list {
            assert!(watched.say(&Command::index(hub, []).unwrap()));
        }
        watched.add(usize::MAX, 1, &list);
        assert!(watched.index.dependency_count() * 20 > limit * 9 / 10);
        watched.thin_out(usize::MAX);
        watched.add(usize::MAX, 1, &[]);
        assert!(watched.index.len() * 48 > limit * 9 / 10);
        watched.thin_out(4);
        watched.add(usize::MAX, 200, &[]);
    }
}

#[test]
fn hubs_that_dependents_come_to_and_leave_hold_what_they_count() {
    let mut watched = Watched::new(usize::MAX);
    let hubs = hubs(500);
    let list: Vec<_> = hubs.iter().map(String::as_str).collect();
    for hub in &list {
        assert!(watched.say(&Command::index(hub, []).unwrap()));
    }
    for _ in 0..40 {
        let first = watched.next;
        watched.add(32, 1, &list);
        for number in first + 1..watched.next {
            assert!(watched.say(&Command::remove(&format!("{number}+")).unwrap()));
        }
        watched.check();
    }
    // What the 39 rounds before left, and 32 at once.
    assert!(watched.most < 20 * 500 * 75, "{}", watched.most);
}

#[test]
fn an_index_holds_what_it_counts_as_packages_come_and_go() {
    for seed in 0..12 {
        let mut rng = Rng::with_seed(seed);
        let mut watched = Watched::new(rng.usize(100_000..600_000));
        for _ in 0..8 {
            let names: Vec<_> = watched.index.packages().take(rng.usize(1..300)).collect();
            let list: Vec<_> = names.iter().map(Name::as_str).collect();
            match rng.u8(..5) {
                0 => watched.add(rng.usize(..20_000), 1, &[]),
                1 => watched.add(rng.usize(..5_000), rng.usize(1..250), &[]),
                2 | 3 => watched.add(rng.usize(..200), 1, &list),
                _ => watched.thin_out(rng.usize(2..12)),
            }
        }
        assert_eq!(watched.index.check_invariants(), Ok(()), "{seed}");
    }
}
