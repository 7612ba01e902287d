//! The address of an etcd, and the user, password and certificates that it asks for.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, fs, io};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::shown::{shown, shown_path};

/// The addresses of the nodes of an etcd, and the prefix of the keys of a log in it.
///
/// ```
/// # use package_indexer::log::EtcdAddress;
/// let address: EtcdAddress = "etcd://10.0.0.1:2379,10.0.0.2:2379/packages".parse()?;
/// assert_eq!(address.to_string(), "etcd://10.0.0.1:2379,10.0.0.2:2379/packages");
/// assert!("etcd://10.0.0.1:2379".parse::<EtcdAddress>().is_err());
/// # Ok::<(), package_indexer::log::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtcdAddress {
    /// Whether the nodes use TLS: `etcds://`.
    pub tls: bool,
    /// A host and a port each, one at least.
    pub nodes: Vec<String>,
    /// The prefix of the log's keys. Each user of an etcd has its own prefix.
    pub prefix: String,
}

/// A text is not the address of an etcd.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{}' is not the address of an etcd: {problem} (write etcd://HOST:PORT,HOST:PORT/PREFIX)",
    shown(text)
)]
pub struct AddressError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// The parts of the keys below a prefix. A prefix with such a part could lie among the keys of another log.
const FOLDERS: [&str; 3] = ["log", "chunk", "writer"];

impl FromStr for EtcdAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |problem| AddressError { text: text.to_owned(), problem };
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| wrong("etcd:// or etcds:// is missing"))?;
        let tls = match scheme {
            "etcd" => false,
            "etcds" => true,
            _ => return Err(wrong("it begins neither with etcd:// nor with etcds://")),
        };
        let (nodes, prefix) = rest.split_once('/').ok_or_else(|| wrong("the prefix is missing"))?;
        let prefix = prefix.trim_end_matches('/');
        if prefix.is_empty() {
            return Err(wrong("the prefix is missing"));
        }
        if prefix.split('/').any(|part| FOLDERS.contains(&part)) {
            return Err(wrong(
                "its prefix has a part log, chunk or writer, as the keys of other logs have",
            ));
        }
        let nodes: Vec<String> = nodes.split(',').map(str::to_owned).collect();
        for node in &nodes {
            match node.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {}
                _ => return Err(wrong("each node needs a host and a port")),
            }
        }
        Ok(Self { tls, nodes, prefix: prefix.to_owned() })
    }
}

impl fmt::Display for EtcdAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "etcds" } else { "etcd" };
        write!(f, "{scheme}://{}/{}", self.nodes.join(","), self.prefix)
    }
}

/// A user of etcd.
#[derive(Clone)]
pub struct Credentials {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// Leaves out the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Files for TLS, in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The certificates of trusted CAs. Without this file, those that browsers trust.
    pub ca: Option<PathBuf>,
    /// The client certificate and its key.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// A file for TLS cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}", path = shown_path(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file does not contain what it should.
    #[error("there is no {wanted} in {path}", path = shown_path(path))]
    Missing {
        /// The file.
        path: PathBuf,
        /// What was expected in it.
        wanted: &'static str,
    },
    /// A key cannot be used, or does not belong to the certificate.
    #[error(
        "the key in {key} does not belong to the certificate in {certificate}: {problem}",
        key = shown_path(key), certificate = shown_path(certificate), problem = shown(problem)
    )]
    Unfit {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong with them.
        problem: String,
    },
}

impl Identity {
    pub(super) fn tls(&self) -> Result<TlsConfig, SetupError> {
        let mut config = TlsConfig::builder();
        if let Some(ca) = &self.ca {
            config = config.root_certs(RootCerts::new_with_certs(&certificates(ca)?));
        }
        if let Some((certificate, key)) = &self.own {
            config = config.client_cert(Some(with_key(certificate, key)?));
        }
        Ok(config.build())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SetupError> {
    fs::read(path).map_err(|error| SetupError::Unreadable { path: path.to_owned(), error })
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, SetupError> {
    let bytes = read(path)?;
    let certificates: Vec<_> = parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(SetupError::Missing { path: path.to_owned(), wanted: "certificate" });
    }
    Ok(certificates)
}

/// A certificate with its key. Whether they belong together is checked here as the client would, because the
/// client panics if they do not.
fn with_key(certificate: &Path, key: &Path) -> Result<ClientCert, SetupError> {
    let chain = certificates(certificate)?;
    let pem = read(key)?;
    let missing = || SetupError::Missing { path: key.to_owned(), wanted: "private key" };
    let own = PrivateKey::from_pem(&pem).map_err(|_| missing())?;
    let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| missing())?;
    let ders = chain.iter().map(|link| CertificateDer::from(link.der().to_vec())).collect();
    CertifiedKey::from_der(ders, der, &ring::default_provider()).map_err(|error| {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        SetupError::Unfit { certificate, key, problem: error.to_string() }
    })?;
    Ok(ClientCert::new_with_certs(&chain, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_address_is_refused_with_what_is_wrong() {
        for (text, problem) in [
            ("10.0.0.1:2379/p", "etcd:// or etcds:// is missing"),
            ("http://10.0.0.1:2379/p", "it begins neither with etcd:// nor with etcds://"),
            ("etcd://10.0.0.1:2379", "the prefix is missing"),
            ("etcd://10.0.0.1:2379//", "the prefix is missing"),
            (
                "etcd://a:1/p/log",
                "its prefix has a part log, chunk or writer, as the keys of other logs have",
            ),
            (
                "etcd://a:1/writer/p",
                "its prefix has a part log, chunk or writer, as the keys of other logs have",
            ),
            ("etcd://10.0.0.1/p", "each node needs a host and a port"),
            ("etcd://a:1,/p", "each node needs a host and a port"),
            ("etcd://:1/p", "each node needs a host and a port"),
            ("etcd://a:65536/p", "each node needs a host and a port"),
        ] {
            let error = text.parse::<EtcdAddress>().unwrap_err();
            assert_eq!((error.text.as_str(), error.problem), (text, problem));
        }
    }

    #[test]
    fn an_address_is_printed_as_it_was_written() {
        let text = "etcds://[::1]:2379,etcd-2.example:1/team/packages";
        let address: EtcdAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
        assert_eq!((address.tls, address.nodes.len()), (true, 2));
        assert_eq!(address.prefix, "team/packages");
    }

    #[test]
    fn a_password_is_not_printed() {
        let credentials = Credentials { user: "indexer".into(), password: "secret".into() };
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}
