//! The replies of etcd's JSON gateway, as far as they are read, and the encoding of bytes in them.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::log::LogError;

/// A key with its value in etcd.
#[derive(Debug, Deserialize)]
pub(super) struct KeyValue<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    mod_revision: Cow<'a, str>,
}

impl KeyValue<'_> {
    pub(super) fn key(&self) -> Result<String, LogError> {
        let key = decode(&self.key)?;
        String::from_utf8(key).map_err(|error| nonsense(&error))
    }

    pub(super) fn value(&self) -> Result<Vec<u8>, LogError> {
        decode(&self.value)
    }

    pub(super) fn text(&self) -> Result<String, LogError> {
        String::from_utf8(self.value()?).map_err(|error| nonsense(&error))
    }

    pub(super) fn revision(&self) -> Result<u64, LogError> {
        self.mod_revision.parse().map_err(|error| nonsense(&error))
    }
}

#[derive(Debug, Default, Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    cluster_id: Cow<'a, str>,
    #[serde(borrow, default)]
    revision: Cow<'a, str>,
}

/// The result of a read or of a transaction.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow, default)]
    header: Header<'a>,
    #[serde(default)]
    pub(super) succeeded: bool,
    /// Whether there are more keys than were asked for.
    #[serde(default)]
    pub(super) more: bool,
    #[serde(borrow, default)]
    pub(super) kvs: Vec<KeyValue<'a>>,
    #[serde(borrow, default)]
    responses: Vec<Response<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    response_range: Option<Range<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Range<'a> {
    #[serde(borrow, default)]
    kvs: Vec<KeyValue<'a>>,
}

impl<'a> Reply<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The id of the cluster that replied. Empty if the reply does not say it.
    pub(super) fn cluster(&self) -> &str {
        &self.header.cluster_id
    }

    /// The revision of the reply.
    pub(super) fn revision(&self) -> Result<u64, LogError> {
        self.header.revision.parse().map_err(|error| nonsense(&error))
    }

    /// The key that a read in a transaction found. Reads count from 0.
    pub(super) fn found(&self, number: usize) -> Option<&KeyValue<'a>> {
        self.responses.get(number)?.response_range.as_ref()?.kvs.first()
    }
}

/// A line of a watch.
#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow, default)]
    pub(super) result: Option<Watched<'a>>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Watched<'a> {
    #[serde(borrow, default)]
    header: Header<'a>,
    #[serde(default)]
    pub(super) canceled: bool,
    #[serde(borrow, default)]
    pub(super) compact_revision: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) cancel_reason: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) events: Vec<Event<'a>>,
}

impl Watched<'_> {
    /// As [`Reply::cluster`].
    pub(super) fn cluster(&self) -> &str {
        &self.header.cluster_id
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) kv: KeyValue<'a>,
}

/// The alarms of the nodes.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Alarms {
    #[serde(default)]
    alarms: Vec<Alarm>,
}

#[derive(Debug, Deserialize)]
struct Alarm {
    #[serde(default)]
    alarm: String,
}

impl Alarms {
    /// Whether an alarm of this kind is on at any node.
    pub(super) fn is_on(&self, kind: &str) -> bool {
        self.alarms.iter().any(|on| on.alarm == kind)
    }
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>, LogError> {
    BASE64_STANDARD.decode(text).map_err(|error| nonsense(&error))
}

/// A node that cannot be reached, or whose answer makes no sense. Another node may do better.
pub(super) fn unreachable(problem: String) -> LogError {
    LogError::Unreachable { problem }
}

pub(super) fn nonsense(error: &dyn fmt::Display) -> LogError {
    unreachable(format!("its reply cannot be read: {error}"))
}
