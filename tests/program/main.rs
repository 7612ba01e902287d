//! The program as a person or a script meets it: commands, messages, files and signals.

#[path = "../common/mod.rs"]
mod common;

#[cfg(unix)]
mod backup;
mod check;
mod check_addresses;
mod check_verdicts;
#[cfg(unix)]
mod crash;
mod deploy;
mod environment;
mod formats;
mod generate;
mod import;
mod lists;
mod load;
#[cfg(unix)]
mod log;
#[cfg(target_os = "linux")]
mod manager;
#[cfg(unix)]
mod messages;
mod pictures;
mod readme;
mod replay;
mod send;
mod serve;
#[cfg(unix)]
mod store;
#[cfg(target_os = "linux")]
mod store_faults;
#[cfg(target_os = "linux")]
mod store_memory;
mod store_refused;
#[cfg(target_os = "linux")]
mod typed;
#[cfg(target_os = "linux")]
mod unwritten;
