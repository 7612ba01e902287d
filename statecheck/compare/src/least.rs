//! How many commands show a bug at least: every trace is tried, short ones first.

use std::convert::Infallible;
use std::fmt::Debug;
use std::hash::Hash;

use statecheck::model::{Model, offered};
use statecheck::{StateMachine, explore};

/// A machine with its model. It answers whether they agree.
///
/// Two are one state only if all that both hide is the same too: what a machine or a model shows does not
/// tell what a bug has done already.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Both<S, M, V> {
    machine: S,
    model: M,
    views: V,
}

/// What is compared, of a machine and of its model.
type Views<S, M, P> = (fn(&S) -> P, fn(&M) -> P);

/// What it should answer.
#[derive(Clone)]
struct Agreed<M>(std::marker::PhantomData<M>);

impl<S, M, P> StateMachine for Both<S, M, Views<S, M, P>>
where
    M: Model<Reply: PartialEq, Error = Infallible>,
    S: StateMachine<Command = M::Command, Reply = M::Reply, Error = Infallible>,
    P: PartialEq,
{
    type Command = M::Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, command: &M::Command) -> Result<bool, Infallible> {
        let (Ok(one), Ok(other)) = (self.machine.apply(command), self.model.apply(command));
        Ok(one == other && self.views.0(&self.machine) == self.views.1(&self.model))
    }
}

impl<M: Model> StateMachine for Agreed<M> {
    type Command = M::Command;
    type Reply = bool;
    type Error = Infallible;

    fn apply(&mut self, _: &M::Command) -> Result<bool, Infallible> {
        Ok(true)
    }
}

/// The length of the least trace after which a machine and its model differ. The commands are those that the
/// model offers after some others, so that enough was granted to refer to.
pub fn length<S, M, P>(before: &[M::Command], views: Views<S, M, P>) -> Option<usize>
where
    M: Model<Reply: PartialEq, Error = Infallible> + Eq + Hash,
    S: StateMachine<Command = M::Command, Reply = M::Reply, Error = Infallible>,
    S: Clone + Default + Eq + Hash,
    P: PartialEq + Debug,
{
    let mut model = M::default();
    for command in before {
        let Ok(_) = model.apply(command);
    }
    let both = Both { machine: S::default(), model: M::default(), views };
    let key = |both: &Both<S, M, _>, ()| (both.machine.clone(), both.model.clone());
    let machines = (both, Agreed::<M>(std::marker::PhantomData));
    let found = explore::run_by_key(&offered(&model), machines, (|_| (), |_| ()), key, |_| ());
    found.err().map(|divergence| divergence.trace.len())
}
