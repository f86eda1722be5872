//! `knarr exchange audit`: whether a log is whole, and what is in it.

use crate::Outcome;
use crate::failure::Failure;
use crate::talk;
use clap::{Args, Subcommand};
use knarr::exchange::ExchangeError;
use knarr::exchange::audit::{AuditLog, Head};
use serde_json::json;
use std::path::PathBuf;

/// Walk an audit log.
#[derive(Args)]
pub struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check every link of the chain. Exit code 1 if one is broken.
    Verify(Verify),
    /// List the events.
    List(List),
}

#[derive(Args)]
#[command(after_help = "Example:\n  knarr exchange audit verify audit.log --checkpoint 12:9f86d08...")]
struct Verify {
    /// The log
    log: PathBuf,
    /// Line and digest noted before, LINE:DIGEST as this verb prints them; lines cut off since are seen by it
    #[arg(long, value_name = "LINE:DIGEST", value_parser = head)]
    checkpoint: Option<Head>,
}

#[derive(Args)]
struct List {
    /// The log
    log: PathBuf,
}

fn head(text: &str) -> Result<Head, String> {
    let (seq, sha256) = text.split_once(':').ok_or("expected LINE:DIGEST")?;
    let seq = seq.parse().map_err(|_| format!("`{seq}` is no number of a line"))?;
    Ok(Head { seq, sha256: sha256.to_owned() })
}

impl Audit {
    /// Runs the verb.
    pub fn run(self, json: bool) -> Result<Outcome, Failure> {
        match self.verb {
            Verb::Verify(Verify { log, checkpoint }) => {
                if !log.exists() {
                    return Err(Failure::new(format!("{}: no such file", log.display())));
                }
                match AuditLog::at(&log).verify(checkpoint.as_ref()) {
                    Ok(head) if json => talk::print_json(&json!({"whole": true, "lines": head.seq, "digest": head.sha256}))?,
                    Ok(head) => talk::print(&format!("whole: {} lines\ncheckpoint {}:{}\n", head.seq, head.seq, head.sha256))?,
                    Err(error @ ExchangeError::Log { .. }) => {
                        if json {
                            talk::print_json(&json!({"whole": false, "problem": error.to_string()}))?;
                        } else {
                            talk::print(&format!("{error}\n"))?;
                        }
                        return Ok(Outcome::CheckFailed);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Verb::List(List { log }) => {
                let entries = AuditLog::at(&log).entries()?;
                if json {
                    talk::print_json(&entries)?;
                } else {
                    let rows: Vec<Vec<String>> = entries
                        .iter()
                        .map(|e| {
                            let event = format!("{:?}", e.what.event).to_lowercase();
                            vec![e.time.to_string(), event, e.what.release_id.clone(), e.what.codes.join(" ")]
                        })
                        .collect();
                    talk::print(&talk::table(&rows))?;
                }
            }
        }
        Ok(Outcome::Fine)
    }
}
