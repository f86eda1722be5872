//! The log's file: appended to, walked, never rewritten.

use super::{Entry, Event, EventKind};
use crate::ExchangeError;
use crate::canonical::{from_bytes, sha256, to_bytes};
use crate::instant::Instant;
use rustix::fs::{FlockOperation, flock};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// A log.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: PathBuf,
}

/// Where a log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last line; 0 if there is none.
    pub seq: u64,
    /// Its digest; zeros if there is none.
    pub sha256: String,
}

impl Head {
    fn start() -> Self {
        Self { seq: 0, sha256: "0".repeat(64) }
    }
}

impl AuditLog {
    /// The log at `path`; it need not exist yet.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Appends an event and makes it durable.
    ///
    /// # Errors
    /// [`ExchangeError::Log`] if the log so far is broken, [`ExchangeError::File`].
    pub fn append(&self, time: Instant, what: Event) -> Result<Entry, ExchangeError> {
        self.append_unless(time, what, |_| false).map(|entry| entry.expect("nothing stands against it"))
    }

    /// Appends an event unless one of those before it stands against it; both under one lock, so that of two that do
    /// the same only one is written.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_unless(
        &self,
        time: Instant,
        what: Event,
        against: impl Fn(&Entry) -> bool,
    ) -> Result<Option<Entry>, ExchangeError> {
        let fail = |action| ExchangeError::file(&self.path, action);
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path).map_err(fail("open"))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| fail("lock")(e.into()))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail("read"))?;
        let entries = self.walk(&bytes)?;
        if entries.iter().any(against) {
            return Ok(None);
        }
        let head = entries.last().map_or_else(Head::start, |e| Head { seq: e.seq, sha256: e.this.clone() });
        let mut entry = Entry { seq: head.seq + 1, time, what, prev: head.sha256, this: String::new() };
        entry.this = sha256(&to_bytes(&entry, "an audit entry")?);
        let mut line = to_bytes(&entry, "an audit entry")?;
        line.push(b'\n');
        // One call, so that a program that is killed leaves a whole line or none.
        file.write_all(&line).and_then(|()| file.sync_all()).map_err(fail("write"))?;
        if is_new && let Some(folder) = self.path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(ExchangeError::file(folder, "sync"))?;
        }
        Ok(Some(entry))
    }

    /// Walks the chain from its start.
    ///
    /// # Errors
    /// [`ExchangeError::Log`] with the first bad line, [`ExchangeError::File`].
    pub fn entries(&self) -> Result<Vec<Entry>, ExchangeError> {
        let bytes = match std::fs::read(&self.path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(ExchangeError::file(&self.path, "read"))?,
        };
        self.walk(&bytes)
    }

    /// Walks the chain; with a checkpoint, its line must be there with its digest.
    ///
    /// # Errors
    /// As [`AuditLog::entries`].
    pub fn verify(&self, checkpoint: Option<&Head>) -> Result<Head, ExchangeError> {
        let entries = self.entries()?;
        if let Some(noted) = checkpoint {
            let found = (noted.seq as usize).checked_sub(1).and_then(|at| entries.get(at));
            if noted.seq > 0 && found.is_none_or(|e| e.this != noted.sha256) {
                return Err(self.broken(noted.seq as usize, "it is not the line of the checkpoint"));
            }
        }
        Ok(entries.last().map_or_else(Head::start, |e| Head { seq: e.seq, sha256: e.this.clone() }))
    }

    /// Digest of the release that was received or unpacked under that name before.
    ///
    /// # Errors
    /// As [`AuditLog::entries`].
    pub fn seen(&self, release_id: &str) -> Result<Option<String>, ExchangeError> {
        let taken = [EventKind::Received, EventKind::Unpacked];
        let found = self.entries()?.into_iter().find(|e| taken.contains(&e.what.event) && e.what.release_id == release_id);
        Ok(found.map(|e| e.what.release_sha256))
    }

    fn walk(&self, bytes: &[u8]) -> Result<Vec<Entry>, ExchangeError> {
        let mut entries: Vec<Entry> = Vec::new();
        let Some(text) = bytes.strip_suffix(b"\n") else {
            return if bytes.is_empty() {
                Ok(entries)
            } else {
                Err(self.broken(bytes.split(|&b| b == b'\n').count(), "it has no end"))
            };
        };
        for (at, line) in text.split(|&b| b == b'\n').enumerate() {
            let broken = |problem| self.broken(at + 1, problem);
            let value = from_bytes(line).ok_or_else(|| broken("it is not canonical JSON"))?;
            let entry: Entry = serde_json::from_value(value).map_err(|_| broken("it is no entry"))?;
            let before = entries.last().map_or_else(|| Head::start().sha256, |e| e.this.clone());
            if entry.seq != at as u64 + 1 || entry.prev != before {
                return Err(broken("it does not follow the line before"));
            }
            let unsigned = Entry { this: String::new(), ..entry.clone() };
            if entry.this != sha256(&to_bytes(&unsigned, "an audit entry")?) {
                return Err(broken("its digest does not fit"));
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn broken(&self, line: usize, problem: &str) -> ExchangeError {
        ExchangeError::Log { path: self.path.clone(), line, problem: problem.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str) -> Event {
        Event {
            event: EventKind::Sealed,
            release_id: id.to_owned(),
            policy_sha256: String::new(),
            release_sha256: "ab".repeat(32),
            report_sha256: String::new(),
            key_id: String::new(),
            codes: vec!["R14:unix_path".to_owned()],
            bytes: 12,
            files: 1,
        }
    }

    #[test]
    fn every_changed_byte_and_line_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.log");
        let log = AuditLog::at(&path);
        for id in ["a", "b", "c"] {
            log.append(Instant(1_700_000_000), event(id)).expect("appended");
        }
        let head = log.verify(None).expect("whole");
        assert_eq!(head.seq, 3);
        let whole = std::fs::read(&path).expect("there");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).expect("writable");
            assert!(log.verify(None).is_err(), "byte {at}");
        }
        let lines: Vec<&[u8]> = whole.split_inclusive(|&b| b == b'\n').collect();
        for order in [vec![0, 2], vec![1, 2], vec![1, 0, 2], vec![0, 1, 1, 2]] {
            std::fs::write(&path, order.iter().flat_map(|&k| lines[k].to_vec()).collect::<Vec<u8>>()).expect("writable");
            assert!(log.verify(None).is_err(), "{order:?}");
        }
        // Lines cut off the end leave a whole chain; a checkpoint shows it.
        std::fs::write(&path, lines[..2].concat()).expect("writable");
        assert!(log.verify(None).is_ok() && log.verify(Some(&head)).is_err());
    }

    #[test]
    fn a_broken_log_is_not_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.log");
        std::fs::write(&path, b"{\"half\":").expect("writable");
        let before = std::fs::read(&path).expect("there");
        assert!(AuditLog::at(&path).append(Instant(0), event("a")).is_err());
        assert_eq!(std::fs::read(&path).expect("there"), before);
    }

    #[test]
    fn many_writers_make_one_chain() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = AuditLog::at(&folder.path().join("audit.log"));
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let log = log.clone();
                scope.spawn(move || {
                    (0..5).for_each(|k| drop(log.append(Instant(k), event(&format!("{writer}-{k}"))).expect("appended")))
                });
            }
        });
        assert_eq!(log.verify(None).expect("whole").seq, 20);
    }
}
