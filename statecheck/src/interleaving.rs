//! Concurrent clients without times: can one order of their commands explain what they saw?
//!
//! Each client's commands keep their order. Between those of two clients any order will do (sequential
//! consistency; Lamport 1979).

use std::collections::HashSet;
use std::hash::Hash;

use crate::machine::StateMachine;

/// Commands of one client, each with the reply that it got.
pub type Observed<M> = Vec<(<M as StateMachine>::Command, <M as StateMachine>::Reply)>;

/// An order in which `machine` gives every client the replies that it saw, as the clients whose command comes
/// first, second, and so on. `None` if there is none.
///
/// `project` tells states apart, so it has to keep all that decides what happens next. At worst the time is
/// exponential in the number of clients: (commands + 1) to that power, times the states.
///
/// ```
/// use statecheck::StateMachine;
/// use statecheck::interleaving;
/// use std::convert::Infallible;
///
/// /// Replies with what was there, and keeps what it is given.
/// #[derive(Clone)]
/// struct Swap(u32);
///
/// impl StateMachine for Swap {
///     type Command = u32;
///     type Reply = u32;
///     type Error = Infallible;
///
///     fn apply(&mut self, number: &u32) -> Result<u32, Infallible> {
///         Ok(std::mem::replace(&mut self.0, *number))
///     }
/// }
///
/// let one = vec![(7, 1)];
/// let two = vec![(1, 0), (2, 7)];
/// let order = interleaving::explain(&Swap(0), |swap| swap.0, &[one, two]);
/// assert_eq!(order, Some(vec![1, 0, 1]));
/// ```
pub fn explain<M, S>(
    machine: &M,
    project: impl Fn(&M) -> S,
    clients: &[Observed<M>],
) -> Option<Vec<usize>>
where
    M: StateMachine<Reply: PartialEq> + Clone,
    S: Eq + Hash,
{
    // Depth first: the progress of each client, the machine, and the order so far.
    let mut ahead = vec![(vec![0; clients.len()], machine.clone(), Vec::new())];
    let mut seen = HashSet::new();
    while let Some((positions, machine, order)) = ahead.pop() {
        if positions.iter().zip(clients).all(|(position, client)| *position == client.len()) {
            return Some(order);
        }
        if !seen.insert((positions.clone(), project(&machine))) {
            continue;
        }
        for (number, client) in clients.iter().enumerate() {
            let Some((command, reply)) = client.get(positions[number]) else { continue };
            let mut next = machine.clone();
            if next.apply(command).is_ok_and(|outcome| outcome == *reply) {
                let mut positions = positions.clone();
                positions[number] += 1;
                ahead.push((positions, next, [&order[..], &[number]].concat()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Model, Outcome, state};

    fn observed(lines: &[(&str, Outcome)]) -> Observed<Model> {
        lines.iter().map(|(line, outcome)| (line.parse().unwrap(), *outcome)).collect()
    }

    #[test]
    fn what_no_order_explains_is_not_explained() {
        // Each saw the other's package before it was there.
        let one = observed(&[("QUERY|b|", Outcome::Ok), ("INDEX|a|", Outcome::Ok)]);
        let two = observed(&[("QUERY|a|", Outcome::Ok), ("INDEX|b|", Outcome::Ok)]);
        let explained = |clients: &[_]| explain(&Model::default(), state, clients);
        assert_eq!(explained(&[one.clone(), two]), None);
        let two = observed(&[("INDEX|b|", Outcome::Ok), ("QUERY|a|", Outcome::Ok)]);
        assert_eq!(explained(&[one, two]), Some(vec![1, 0, 0, 1]));
        assert_eq!(explained(&[]), Some(vec![]));
    }
}
