//! A package index that can be trusted.
//!
//! It knows which packages exist and what each depends on. It indexes nothing before its dependencies,
//! and removes nothing that another package needs. [`PackageIndex`] is a deterministic state machine;
//! all other modules bring it commands, share it, keep it, or test it.
//!
//! # Ten things to know
//!
//! | to | use |
//! |---|---|
//! | make a command | [`Command`] |
//! | apply it | [`PackageIndex`] |
//! | limit what it may hold | [`Limits`](index::Limits) |
//! | find out what it should answer | [`Model`] |
//! | read a message of the protocol | [`wire::parse`] |
//! | share an index between threads | [`Engine`](engine::Engine) |
//! | answer the bytes of a client | [`Session`](session::Session) |
//! | serve over TCP | [`server::Server`](server/struct.Server.html) |
//! | ask a server | [`client::Client`](client/struct.Client.html) |
//! | keep an index on disk | [`store::Disk`](store/struct.Disk.html) |
//!
//! A **[`Command`]** is checked when it is made, and prints as a message:
//!
//! ```
//! use package_indexer::Command;
//!
//! let command = Command::index("vim", ["ncurses"])?;
//! assert_eq!(command.to_string(), "INDEX|vim|ncurses");
//! assert!(Command::query("no spaces").is_err());
//! # Ok::<(), package_indexer::NameError>(())
//! ```
//!
//! A **[`PackageIndex`]** answers OK or FAIL. Its owner can ask for more:
//!
//! ```
//! use package_indexer::{Command, Outcome, PackageIndex};
//!
//! let mut index = PackageIndex::new();
//! index.apply(&Command::index("ncurses", [])?)?;
//! index.apply(&Command::index("vim", ["ncurses"])?)?;
//! assert_eq!(index.apply(&Command::remove("ncurses")?)?, Outcome::Fail);
//! assert!(index.transitive_dependents("ncurses").unwrap().eq(["vim"]));
//! assert_eq!(PackageIndex::from_iter(index.to_commands()), index);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **[`Limits`](index::Limits)** refuse a command before it changes anything:
//!
//! ```
//! use package_indexer::{Command, PackageIndex, index::Limits};
//!
//! let limits = Limits { max_packages: 1, ..Limits::default() };
//! let mut index = PackageIndex::with_limits(limits);
//! index.apply(&Command::index("lua", [])?)?;
//! assert!(index.apply(&Command::index("vim", [])?).is_err());
//! assert_eq!(index.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The **[`Model`]** is what every index is compared with, in 60 lines that you can check by eye:
//!
//! ```
//! use package_indexer::{Command, Model, Outcome};
//!
//! let mut model = Model::default();
//! assert_eq!(model.apply(&Command::index("vim", ["lua"])?), Ok(Outcome::Fail));
//! assert!(model.packages().is_empty());
//! # Ok::<(), package_indexer::NameError>(())
//! ```
//!
//! **[`wire::parse`]** reads a line without allocating, and says which rule a wrong one breaks, and where:
//!
//! ```
//! use package_indexer::{PackageIndex, wire};
//!
//! let mut index = PackageIndex::new();
//! index.apply(wire::parse(b"INDEX|vim|\n")?)?;
//! let refused = wire::parse(b"index|vim|\n").unwrap_err();
//! assert_eq!(refused.to_string(), "command: expected INDEX, REMOVE or QUERY at byte 0, found 'i'");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An **[`Engine`](engine::Engine)** gives commands of many threads one order:
//!
//! ```
//! use package_indexer::{Command, Outcome, engine::Engine};
//!
//! let engine = Engine::default();
//! std::thread::scope(|scope| {
//!     scope.spawn(|| engine.apply(&Command::index("lua", []).unwrap()));
//! });
//! assert_eq!(engine.apply(&Command::query("lua")?)?, Outcome::Ok);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A **[`Session`](session::Session)** turns the bytes of one client into replies, without a socket:
//!
//! ```
//! use package_indexer::{engine::Engine, session::Session};
//!
//! let engine = Engine::default();
//! let mut session = Session::new(65_536);
//! session.fill(b"INDEX|lua|\nQUERY|lua|\nnonsense\n");
//! assert_eq!(session.answer(&engine, |_refusal| ())?, b"OK\nOK\nERROR\n");
//! # Ok::<(), package_indexer::engine::Poisoned>(())
//! ```
//!
//! A **`Server`** has a thread for each client. A **`Client`** is a machine at the other end of a connection
//! (feature `server`):
//!
//! ```
//! use std::net::TcpListener;
//! use std::sync::Arc;
//!
//! use package_indexer::client::Client;
//! use package_indexer::engine::Engine;
//! use package_indexer::server::{Config, Server};
//! use package_indexer::{Command, Outcome};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let server = Server::start([listener], Arc::new(Engine::default()), Config::default())?;
//! let mut client = Client::connect(server.addresses()[0])?;
//! assert_eq!(client.apply(&Command::index("lua", [])?)?, Outcome::Ok);
//! server.shut_down();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A **`Disk`** keeps what an engine answers (feature `store`):
//!
//! ```
//! use package_indexer::engine::Engine;
//! use package_indexer::index::Limits;
//! use package_indexer::store::{Disk, load};
//! use package_indexer::{Command, PackageIndex};
//!
//! # let directory = std::env::temp_dir().join(format!("package-indexer-{}", std::process::id()));
//! let engine = Engine::durable(PackageIndex::new(), Box::new(Disk::create(&directory)?));
//! engine.apply(&Command::index("lua", [])?)?;
//! engine.close()?;
//! # drop(engine);
//!
//! let index = load(&Disk::open(&directory)?, Limits::default(), |_packages| ())?;
//! assert!(index.contains("lua"));
//! # std::fs::remove_dir_all(directory)?;
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
//! | 2 | [`index`], [`model`] | the machine, and the reference model that it is compared with |
//! | 3 | [`store`] | makes changes outlive the process |
//! | 3 | [`log`] | a log that replicas share, and that orders their commands |
//! | 4 | [`engine`] | one index shared by many connections |
//! | 5 | [`replica`] | an engine whose commands are ordered by a log |
//! | 6 | [`session`] | bytes in, reply bytes out, without a socket |
//! | 7 | `server`, `client` | TCP, with a thread for each connection (feature `server`) |
//! | 8 | `metrics` | counts for Prometheus and their endpoint (feature `metrics`) |
//! | 8 | `testing` | properties, transcripts and drivers, for this machine and for yours (feature `testing`) |
//! | 9 | `conformance` | the suite that tests any server at an address (feature `check`) |
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
//! For the state machine alone, set `default-features = false`.

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
