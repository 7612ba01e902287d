//! What every hunt uses.

pub(crate) use std::convert::Infallible;

pub(crate) use statecheck::StateMachine;
pub(crate) use statecheck::model::{Menu, Model, Ref};
pub(crate) use statecheck::property::Property;

pub(crate) use crate::run::Run;
