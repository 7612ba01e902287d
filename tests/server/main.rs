//! The server over sockets: what many clients see, what hostile ones cost, and whether a server that
//! is wrong is told from one that is right.

#[path = "../common/mod.rs"]
mod common;

mod brew;
mod connections;
mod faulty_servers;
mod linearizability;
mod malformed;
#[cfg(target_os = "linux")]
mod memory;
