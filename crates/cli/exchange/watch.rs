//! `knarr exchange watch`: announcements followed as they come.

use super::transfer::failure;
use crate::Outcome;
use crate::failure::Failure;
use crate::talk::{self, Talk};
use clap::Args;
use knarr::exchange::transfer::{Broker, Subscription, Watched, Watcher};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

/// Fetch what is announced (WIS2 notifications, Sarracenia v03) and a subscription accepts.
///
/// A subscription is a TOML file with `[[accept]]` tables: name, hosts, path (with *), max_bytes. What no rule names is not
/// fetched; what has not the announced hash does not appear.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  knarr exchange watch messages/ --subscription gdps.toml -o inbox\n  knarr exchange watch mqtts://broker.example:8883 --topic 'origin/a/wis2/ca-eccc-msc/#' --subscription gdps.toml -o inbox\n\nUser and password of a broker: KNARR_MQTT_USER, KNARR_MQTT_PASSWORD."
)]
pub struct Watch {
    /// SOURCE of messages: a folder of JSON files, mqtt://HOST:PORT or mqtts://HOST:PORT
    source: String,
    /// Fetch what the rules in FILE accept
    #[arg(long, value_name = "FILE")]
    subscription: PathBuf,
    /// Put files in DIR
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Subscribe to TOPIC (may be given several times)
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Be known to the broker as ID
    #[arg(long, value_name = "ID", default_value = "knarr")]
    client_id: String,
    /// Stop when no message came for SECONDS (default: never)
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u64>,
}

impl Watch {
    /// Runs the verb. Files that are wanted and could not be had are a check that failed.
    pub fn run(self, talk: Talk, json: bool) -> Result<Outcome, Failure> {
        let text = std::fs::read_to_string(&self.subscription)
            .map_err(|e| Failure::new(format!("{}: {e}", self.subscription.display())))?;
        let subscription = Subscription::parse(&text).map_err(failure)?;
        let mut watcher = Watcher::new(subscription, &self.output).map_err(failure)?;
        let mut failed = 0;
        let mut tell = |watched: &Watched| -> Result<(), Failure> {
            failed += usize::from(matches!(watched, Watched::Failed(_)));
            let (kind, what) = match watched {
                Watched::Fetched(path) => ("fetched", path.display().to_string()),
                Watched::Ignored(why) => ("ignored", why.clone()),
                Watched::Repeated(id) => ("repeated", id.clone()),
                Watched::Failed(why) => ("failed", why.clone()),
            };
            match watched {
                _ if json => talk::print(&format!("{}\n", serde_json::json!({ "event": kind, "what": what }))),
                Watched::Fetched(_) | Watched::Failed(_) => talk::print(&format!("{kind} {what}\n")),
                _ => {
                    talk.more(&format!("{kind} {what}"));
                    Ok(())
                }
            }
        };
        let mut told: Result<(), Failure> = Ok(());
        let count = match self.broker()? {
            None => {
                let mut each = |watched: &Watched| {
                    if told.is_ok() {
                        told = tell(watched);
                    }
                };
                watcher.folder(self.source.as_ref(), &mut each).map_err(failure)?
            }
            Some(broker) => {
                let mut each = |watched: &Watched| {
                    told = tell(watched);
                    if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                };
                watcher.broker(&broker, self.idle.map(Duration::from_secs), &mut each).map_err(failure)?
            }
        };
        told?;
        talk.note(&format!("{count} messages"));
        Ok(if failed > 0 { Outcome::CheckFailed } else { Outcome::Fine })
    }

    fn broker(&self) -> Result<Option<Broker>, Failure> {
        let Some((scheme, rest)) = self.source.split_once("://") else { return Ok(None) };
        let bad = |problem: &str| Failure::new(format!("broker `{}`: {problem}", rest.rsplit('@').next().unwrap_or(rest)));
        let tls = match scheme {
            "mqtt" => false,
            "mqtts" => true,
            _ => return Err(bad("expected mqtt://HOST:PORT or mqtts://HOST:PORT")),
        };
        if rest.contains('@') {
            return Err(bad("user and password are not given in the address").hint("set KNARR_MQTT_USER and KNARR_MQTT_PASSWORD"));
        }
        if self.topic.is_empty() {
            return Err(bad("no topic").hint("name one with `--topic`, such as `--topic 'origin/a/wis2/ca-eccc-msc/#'`"));
        }
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| bad("its port is no number"))?),
            None => (rest, if tls { 8883 } else { 1883 }),
        };
        let login =
            std::env::var("KNARR_MQTT_USER").ok().map(|user| (user, std::env::var("KNARR_MQTT_PASSWORD").unwrap_or_default()));
        Ok(Some(Broker {
            host: host.to_owned(),
            port,
            tls,
            topics: self.topic.clone(),
            login,
            client_id: self.client_id.clone(),
        }))
    }
}
