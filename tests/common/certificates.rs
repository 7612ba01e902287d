//! Certificates that are made for a test and end with its folder, by the program of OpenSSL: a crate
//! that makes them would have TLS built for every test of a build that has none.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Folder;
use super::optional;

/// What certificates are for: to sign others, or to be a node of etcd or who comes to it.
const KINDS: &str = "\
    [req]\ndistinguished_name = none\n[none]\n\
    [authority]\nbasicConstraints = critical, CA:true\n\
    [node]\nsubjectAltName = IP:127.0.0.1\n";

/// Who signs, and where the files lie.
pub(crate) struct Authority<'a> {
    folder: &'a Folder,
    name: String,
}

/// A certificate and its key: two files in PEM.
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl<'a> Authority<'a> {
    /// Makes one; `None`, and a line that says so, where OpenSSL is not installed.
    pub(crate) fn new(folder: &'a Folder, name: &str) -> Option<Self> {
        optional::OPENSSL.needed_by("tests of replicas over TLS")?;
        folder.file("kinds", KINDS);
        let authority = Self { folder, name: name.to_owned() };
        authority.make(name, &["-extensions", "authority", "-subj", &format!("/O={name}")]);
        Some(authority)
    }

    /// The file with its own certificate.
    pub(crate) fn certificate(&self) -> String {
        self.path(&self.name, "pem")
    }

    /// Signs a certificate for somebody, with no common name: etcd would take that for a user.
    pub(crate) fn sign(&self, name: &str) -> Signed {
        self.sign_as(name, &format!("/O={name}"))
    }

    /// The same with a subject.
    pub(crate) fn sign_as(&self, name: &str, subject: &str) -> Signed {
        let (ca, key) = (self.certificate(), self.path(&self.name, "key"));
        let signer = ["-CA", &ca, "-CAkey", &key];
        self.make(name, &[&["-extensions", "node", "-subj", subject], &signer[..]].concat());
        Signed { certificate: self.path(name, "pem"), key: self.path(name, "key") }
    }

    fn path(&self, name: &str, extension: &str) -> String {
        let path: PathBuf = self.folder.0.join(format!("{name}.{extension}"));
        path.to_str().unwrap().to_owned()
    }

    fn make(&self, name: &str, how: &[&str]) {
        let (certificate, key) = (self.path(name, "pem"), self.path(name, "key"));
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-days", "2", "-noenc", "-newkey", "ec"]);
        command.args(["-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.arg("-config").arg(self.folder.0.join("kinds")).args(how);
        command.args(["-out", &certificate, "-keyout", &key]);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(fs::exists(&certificate).unwrap() && fs::exists(&key).unwrap());
    }
}
