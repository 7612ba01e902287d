//! A package index that can be trusted.
//!
//! It knows which packages exist and what each depends on, and keeps itself consistent: nothing is
//! indexed before its dependencies, nothing is removed while another package needs it. It is a
//! deterministic state machine first, [`PackageIndex`], and a server second.
//!
//! ```
//! use package_indexer::{Command, Outcome, PackageIndex, wire};
//!
//! let mut index = PackageIndex::new();
//! index.apply(&Command::index("ncurses", [])?)?;
//! index.apply(wire::parse(b"INDEX|vim|ncurses\n")?)?;
//!
//! assert_eq!(index.apply(&Command::remove("ncurses")?)?, Outcome::Fail);
//! for step in index.installation_order() {
//!     println!("{:?}", step.packages());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! The modules form floors, and each imports only from floors below its own:
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 0 | [`name`] | package names, checked once |
//! | 1 | [`command`] | commands, outcomes, replies |
//! | 2 | [`wire`] | the grammar, the framing, and rows as they are stored |
//! | 2 | [`index`], [`model`] | the machine, and the reference model that it is held against |
//! | 3 | [`store`] | how changes outlive the process |
//! | 3 | [`log`] | a log that replicas share, and that says in which order commands happen |
//! | 4 | [`engine`] | one index shared by many connections |
//! | 5 | [`replica`] | an engine whose order comes from a log |
//! | 6 | [`session`] | bytes in, reply bytes out, without a socket |
//! | 7 | `server`, `client` | TCP, with a thread for each connection (feature `server`) |
//! | 8 | `metrics` | counts for Prometheus and their endpoint (feature `metrics`) |
//! | 8 | `testing` | properties, and what drives and feeds them, for this machine and for yours (feature `testing`) |
//! | 9 | `conformance` | the suite that any server behind an address is tried with (feature `check`) |
//! | 10 | `cli` | the `indexer` program (feature `cli`) |
//!
//! # Features
//!
//! | feature | on by default | what it adds |
//! |---|---|---|
//! | `server` | yes | `server` and `client` |
//! | `metrics` | yes | `metrics` |
//! | `store` | yes | [`store`]'s `Disk`, a directory that keeps the state |
//! | `testing` | yes | `testing` and `StateMachine`, with `server` and `store` |
//! | `cli` | yes | the `indexer` program, with `send` and `ping` |
//! | `serve` | yes | `indexer serve`, `verify` and `export`, with `cli`, `metrics` and `store` |
//! | `systemd` | yes | sockets that a service manager passes to `indexer serve`, with `serve` |
//! | `tools` | yes | `indexer import`, `order`, `why` and `dot`, with `cli` |
//! | `check` | yes | `indexer check` and `replay`, and `conformance`, with `cli` and `testing` |
//! | `load` | yes | `indexer load`, with `cli` |
//! | `terminal` | yes | progress bars, and a prompt for what is typed |
//! | `etcd` | no | [`log`]'s `Etcd`, and `indexer serve --replicate` |
//! | `serde` | no | `Serialize` and `Deserialize` for names, commands, outcomes, replies, the index |
//!
//! Whoever wants only the state machine asks for `default-features = false`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used)]

mod bug;
pub mod name;
mod shown;
mod sync;

pub mod command;

pub mod index;
pub mod model;
pub mod wire;

pub mod log;
pub mod store;

pub mod engine;

pub mod replica;

pub mod session;

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod client;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;

#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;

#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[cfg(feature = "check")]
#[cfg_attr(docsrs, doc(cfg(feature = "check")))]
pub mod conformance;

#[cfg(feature = "cli")]
#[cfg_attr(
    not(all(feature = "serve", feature = "tools", feature = "check", feature = "load")),
    allow(dead_code, reason = "what commands share is not used by each of them")
)]
#[doc(hidden)]
pub mod cli;

pub use command::{Command, CommandRef, Dependencies, Outcome, Reply};
pub use index::PackageIndex;
pub use model::Model;
pub use name::{MAX_NAME_BYTES, Name, NameError, NameRef};

#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub use statecheck::StateMachine;

/// The README's examples are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
