//! Announcements followed as they come: from a folder, or from an MQTT broker.

use super::fetch::fetch;
use super::place::{secure, wait};
use super::{Announcement, Subscription, TransferError};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Follows announcements that a subscription accepts.
#[derive(Debug)]
pub struct Watcher {
    subscription: Subscription,
    folder: PathBuf,
    seen_path: PathBuf,
    seen: BTreeSet<String>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The file is there.
    Fetched(PathBuf),
    /// No rule wants it, or it was no announcement: why.
    Ignored(String),
    /// The same message came before.
    Repeated(String),
    /// A rule wants it, and it could not be had: why. A repetition tries again.
    Failed(String),
}

/// An MQTT broker.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Topics, with `+` and `#`.
    pub topics: Vec<String>,
    /// User and password.
    pub login: Option<(String, String)>,
    /// Name by which the broker knows this subscriber; sessions are kept under it.
    pub client_id: String,
}

impl Watcher {
    /// A watcher that fetches into `folder` and keeps there, in `.seen`, which messages it has dealt with.
    ///
    /// # Errors
    /// [`TransferError::System`] if the folder cannot be read.
    pub fn new(subscription: Subscription, folder: &Path) -> Result<Self, TransferError> {
        let seen_path = folder.join(".seen");
        let seen = match std::fs::read_to_string(&seen_path) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
            Err(source) => return Err(TransferError::System { path: seen_path, source }),
        };
        Ok(Self { subscription, folder: folder.to_owned(), seen_path, seen })
    }

    /// Deals with one message.
    ///
    /// # Errors
    /// [`TransferError::System`] if what was done cannot be noted.
    pub fn deal_with(&mut self, message: &[u8]) -> Result<Watched, TransferError> {
        wait(self.deal(message))
    }

    async fn deal(&mut self, message: &[u8]) -> Result<Watched, TransferError> {
        let announcement = match Announcement::parse(message) {
            Ok(announcement) => announcement,
            Err(error) => return Ok(Watched::Ignored(error.to_string())),
        };
        let rule = match self.subscription.accepts(&announcement) {
            Ok(rule) => rule.clone(),
            Err(why) => return Ok(Watched::Ignored(why)),
        };
        let key = announcement.key();
        if self.seen.contains(&key) {
            return Ok(Watched::Repeated(announcement.id));
        }
        match fetch(&announcement, &rule, &self.folder).await {
            Ok(path) => {
                let fail = |source| TransferError::System { path: self.seen_path.clone(), source };
                let mut notes = std::fs::File::options().create(true).append(true).open(&self.seen_path).map_err(fail)?;
                writeln!(notes, "{key}")
                    .and_then(|()| notes.sync_all())
                    .map_err(|source| TransferError::System { path: self.seen_path.clone(), source })?;
                self.seen.insert(key);
                Ok(Watched::Fetched(path))
            }
            Err(error) => Ok(Watched::Failed(error.to_string())),
        }
    }

    /// Deals with all messages in a folder (`*.json`), in the order of their names.
    ///
    /// # Errors
    /// [`TransferError::System`].
    pub fn folder(&mut self, messages: &Path, told: &mut dyn FnMut(&Watched)) -> Result<usize, TransferError> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(messages)
            .map_err(TransferError::system(messages))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        paths.sort();
        for path in &paths {
            let message = std::fs::read(path).map_err(TransferError::system(path))?;
            told(&self.deal_with(&message)?);
        }
        Ok(paths.len())
    }

    /// Deals with messages of a broker as they come, until none came for `idle` (for ever if not given) or `told` says
    /// stop. Returns the number of messages.
    ///
    /// Messages are taken at least once: one is acknowledged when it has been dealt with.
    ///
    /// # Errors
    /// [`TransferError::Broker`] if the broker cannot be reached or refuses; [`TransferError::System`].
    pub fn broker(
        &mut self,
        broker: &Broker,
        idle: Option<Duration>,
        told: &mut dyn FnMut(&Watched) -> std::ops::ControlFlow<()>,
    ) -> Result<usize, TransferError> {
        wait(self.follow(broker, idle, told))
    }

    async fn follow(
        &mut self,
        broker: &Broker,
        idle: Option<Duration>,
        told: &mut dyn FnMut(&Watched) -> std::ops::ControlFlow<()>,
    ) -> Result<usize, TransferError> {
        let name = format!("{}:{}", broker.host, broker.port);
        let fail = |problem: String| TransferError::Broker { broker: name.clone(), problem };
        let mut options = MqttOptions::new(&broker.client_id, &broker.host, broker.port);
        options.set_keep_alive(Duration::from_secs(30)).set_clean_session(false).set_manual_acks(true);
        if let Some((user, password)) = &broker.login {
            options.set_credentials(user, password);
        }
        if broker.tls {
            secure();
            options.set_transport(Transport::tls_with_config(TlsConfiguration::default()));
        }
        let (client, mut events) = AsyncClient::new(options, 64);
        let mut count = 0;
        let mut pause = Duration::from_millis(200);
        loop {
            let event = match idle {
                Some(idle) => match tokio::time::timeout(idle, events.poll()).await {
                    Ok(event) => event,
                    Err(_) => return Ok(count),
                },
                None => events.poll().await,
            };
            match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    pause = Duration::from_millis(200);
                    for topic in &broker.topics {
                        client.subscribe(topic, QoS::AtLeastOnce).await.map_err(|e| fail(e.to_string()))?;
                    }
                }
                Ok(Event::Incoming(Packet::SubAck(answer))) => {
                    if answer.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure) {
                        return Err(fail("it refuses the subscription".to_owned()));
                    }
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    count += 1;
                    let watched = self.deal(&message.payload).await?;
                    client.ack(&message).await.map_err(|e| fail(e.to_string()))?;
                    if told(&watched).is_break() {
                        // The acknowledgement is on its way when the client says so.
                        let _ = client.disconnect().await;
                        while events.poll().await.is_ok_and(|e| !matches!(e, Event::Outgoing(rumqttc::Outgoing::Disconnect))) {}
                        return Ok(count);
                    }
                }
                Ok(_) => {}
                // A broker that is away for a while is asked again, less and less often.
                Err(error) if count > 0 && pause < Duration::from_secs(60) => {
                    let _ = error;
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(fail(error.to_string())),
            }
        }
    }
}
