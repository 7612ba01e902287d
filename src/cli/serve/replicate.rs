//! A replica of an index: `--replicate` and the options that go with it (feature `etcd`).

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::ServeFailure;
use super::access::{Use, open_to_others};
use crate::cli::Failure;
use crate::cli::arguments::at_least_one_second;
use crate::cli::progress::Progress;
use crate::index::{Limits, PackageIndex};
use crate::log::retry::Retry;
use crate::log::{
    Credentials, Etcd, EtcdAddress, Identity, Log, LogError, LogRefusal, MAX_ENTRY_BYTES,
    SetupError,
};
use crate::replica::{
    DEFAULT_PATIENCE, DEFAULT_SNAPSHOT_EVERY, Reads, Replica, ReplicaConfig, RestoreError,
};
use crate::shown::{shown, shown_path};

/// Why a replica could not start.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NoReplica {
    #[error("--max-line-bytes is {0}, and a replica takes at most {MAX_ENTRY_BYTES}")]
    LongLines(usize),
    #[error("certificates need etcds://, and {} is not encrypted", shown(.0))]
    NotEncrypted(String),
    #[error(transparent)]
    Files(SetupError),
    #[error("cannot be a replica of {}: {error}", shown(address))]
    Log { address: String, shows_certificate: bool, error: RestoreError },
}

impl NoReplica {
    /// A hint at what to do next.
    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::LongLines(_) => {
                return Some(format!("give --max-line-bytes {MAX_ENTRY_BYTES}, or less"));
            }
            Self::NotEncrypted(_) => {
                "write etcds:// if the nodes use TLS, or leave the certificates out"
            }
            Self::Log {
                error: RestoreError::Log(LogError::Unreachable { .. }), address, ..
            } => {
                if address.starts_with("etcds://") {
                    "are the nodes running, did --etcd-ca sign for them, and do they trust --etcd-cert?"
                } else {
                    "are the nodes running, and most of them? etcdctl endpoint status shows it"
                }
            }
            Self::Log { error: RestoreError::Log(LogError::Disagrees { .. }), .. } => {
                "give the same limits as the other replicas, or another PREFIX for another index; another format is \
                 that of another version"
            }
            Self::Log {
                error: RestoreError::Log(LogError::Refused { refusal: LogRefusal::Denied, .. }),
                ..
            } => {
                "give --etcd-user and --etcd-password-file a user who may read and write below PREFIX/"
            }
            // etcd refuses a certificate with a name with an answer that could also have other causes.
            Self::Log {
                error: RestoreError::Log(LogError::Rejected { .. }),
                shows_certificate: true,
                ..
            } => {
                "do these addresses belong to etcd, version 3? with --etcd-user, give an --etcd-cert without a \
                 common name, or none"
            }
            Self::Log { error: RestoreError::Log(error), .. } => error.remedy()?,
            Self::Files(_) | Self::Log { error: RestoreError::Snapshot { .. }, .. } => return None,
        };
        Some(hint.into())
    }
}

/// Warns if other users may read or change a file that holds a secret.
fn warn_of_readers(what: &str, file: &Path) {
    let mode = open_to_others(file, Use::Read).or_else(|| open_to_others(file, Use::Write));
    if let Some(mode) = mode {
        let (file, mode) = (shown_path(file), format!("{mode:04o}"));
        tracing::warn!(
            event = "secret_open_to_others",
            %file, mode, "other users can read {what}: run `chmod 600 {file}`"
        );
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Replicas")]
pub(super) struct Replication {
    /// Share one index with all servers that have the same address and PREFIX
    ///
    /// etcd puts the commands of all of them in one order. The keys in etcd begin with PREFIX.
    #[arg(long, value_name = "etcd://HOST:PORT,.../PREFIX", conflicts_with = "data_dir")]
    replicate: Option<EtcdAddress>,
    /// What a QUERY sees
    #[arg(long, value_enum, default_value_t = ReadsFlag::Linearizable, requires = "replicate")]
    reads: ReadsFlag,
    /// How long a command waits for etcd before it gets ERROR
    ///
    /// A command that got ERROR may still take effect.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_PATIENCE.as_secs(), value_parser = at_least_one_second, requires = "replicate")]
    patience: u64,
    /// Write a snapshot after this many bytes of the log
    ///
    /// etcd can then delete the older entries. An entry counts the bytes of its messages, and 512 more.
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_SNAPSHOT_EVERY, value_parser = clap::value_parser!(u64).range(1..), requires = "replicate")]
    snapshot_every: u64,
    /// CA certificates for the nodes of etcds://, in PEM [default: those that browsers trust]
    #[arg(long, value_name = "FILE", requires = "replicate")]
    etcd_ca: Option<PathBuf>,
    /// The client certificate to show to etcds://, in PEM
    #[arg(long, value_name = "FILE", requires = "etcd_key")]
    etcd_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM; only its owner should be able to read it
    #[arg(long, value_name = "FILE", requires = "etcd_cert")]
    etcd_key: Option<PathBuf>,
    /// The user name to log in to etcd
    #[arg(long, value_name = "NAME", requires = "etcd_password_file")]
    etcd_user: Option<String>,
    /// The file with that user's password; only its owner should be able to read it
    #[arg(long, value_name = "FILE", requires = "etcd_user")]
    etcd_password_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReadsFlag {
    /// Every change that got its answer before, from any server
    Linearizable,
    /// What this server knows now: faster, works while etcd is unreachable, may be out of date
    Local,
}

impl From<ReadsFlag> for Reads {
    fn from(flag: ReadsFlag) -> Self {
        match flag {
            ReadsFlag::Linearizable => Self::Linearizable,
            ReadsFlag::Local => Self::Local,
        }
    }
}

impl Replication {
    /// Checks everything that can be checked without etcd.
    pub(super) fn check(&self, max_line_bytes: usize) -> Result<(), Failure> {
        let Some(address) = &self.replicate else { return Ok(()) };
        self.log(address, max_line_bytes).map(drop)
    }

    /// The log. Nothing is connected yet.
    fn log(&self, address: &EtcdAddress, max_line_bytes: usize) -> Result<Arc<dyn Log>, Failure> {
        if max_line_bytes > MAX_ENTRY_BYTES {
            return Err(ServeFailure::Replica(NoReplica::LongLines(max_line_bytes)).into());
        }
        for (what, file) in [("a password", &self.etcd_password_file), ("a key", &self.etcd_key)] {
            if let Some(file) = file {
                warn_of_readers(what, file);
            }
        }
        let (credentials, identity) = (self.credentials()?, self.identity());
        if !address.tls {
            if identity != Identity::default() {
                return Err(
                    ServeFailure::Replica(NoReplica::NotEncrypted(address.to_string())).into()
                );
            }
            if credentials.is_some() {
                tracing::warn!(
                    event = "password_unencrypted",
                    %address, "the password is sent to etcd unencrypted"
                );
            }
        }
        let log = Etcd::new(address, credentials, &identity);
        let log = log.map_err(|error| ServeFailure::Replica(NoReplica::Files(error)))?;
        Ok(Arc::new(log))
    }

    /// Starts a replica and loads what the log has. `None` if no replica is asked for.
    pub(super) fn replica(
        &self,
        limits: Limits,
        max_line_bytes: usize,
    ) -> Result<Option<Replica>, Failure> {
        let Some(address) = &self.replicate else { return Ok(None) };
        // One for all attempts, because it remembers which nodes were unreachable.
        let log = self.log(address, max_line_bytes)?;
        let how = ReplicaConfig {
            patience: Duration::from_secs(self.patience),
            reads: self.reads.into(),
            snapshot_every: self.snapshot_every,
        };
        let most = how.patience.max(DEFAULT_PATIENCE);
        let (begun, mut retry) = (Instant::now(), Retry::default());
        let mut is_said = false;
        loop {
            // How many entries follow the snapshot is not known.
            let packages = log.snapshot().ok().flatten().map_or(0, |snapshot| snapshot.packages);
            let steps = usize::try_from(packages).unwrap_or(usize::MAX);
            let progress = Progress::of_steps("loading", steps);
            let replica =
                Replica::start(Arc::clone(&log), limits, how, |count| progress.advance(count));
            progress.finish();
            match replica {
                Ok(replica) => {
                    let packages = replica.read(PackageIndex::len).unwrap_or_default();
                    let place = replica.applied().0;
                    let took = begun.elapsed();
                    tracing::info!(
                        event = "caught_up",
                        %address, place, packages, ?took, "caught up"
                    );
                    return Ok(Some(replica));
                }
                // What counts is the time since the first failure. Loading may have taken long before it.
                Err(RestoreError::Log(error))
                    if !error.ends_a_start() && retry.failing_for() < most =>
                {
                    if !mem::replace(&mut is_said, true) {
                        tracing::warn!(
                            event = "waiting_for_etcd",
                            %address, %error, "waiting for etcd"
                        );
                    }
                    thread::sleep(retry.failed());
                }
                Err(error) => {
                    return Err(ServeFailure::Replica(NoReplica::Log {
                        address: address.to_string(),
                        shows_certificate: self.etcd_cert.is_some(),
                        error,
                    })
                    .into());
                }
            }
        }
    }

    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let (Some(user), Some(path)) = (&self.etcd_user, &self.etcd_password_file) else {
            return Ok(None);
        };
        let read = fs::read_to_string(path);
        let password = read.map_err(|error| Failure::Read { path: path.clone(), error })?;
        let password = password.trim_end_matches(['\n', '\r']).to_owned();
        Ok(Some(Credentials { user: user.clone(), password }))
    }

    fn identity(&self) -> Identity {
        let own = self.etcd_cert.clone().zip(self.etcd_key.clone());
        Identity { ca: self.etcd_ca.clone(), own }
    }
}
