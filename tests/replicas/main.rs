//! Replicas of one index over etcd, with a cluster of real nodes for each test. Where etcd is not
//! installed nothing is tried, which is an error if `ETCD_CHECKED` is set.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "etcd")]
mod available;
#[cfg(feature = "etcd")]
mod fault;
#[cfg(feature = "etcd")]
mod faults;
#[cfg(feature = "etcd")]
mod full;
// The stage of the others: it needs etcd, and not our side of it.
mod harness;
#[cfg(feature = "etcd")]
mod log;
#[cfg(feature = "etcd")]
mod protocol;
#[cfg(feature = "etcd")]
mod refused;
#[cfg(feature = "etcd")]
mod restored;
#[cfg(feature = "etcd")]
mod secured;
