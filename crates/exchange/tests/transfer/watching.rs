//! Announcements followed from a folder and from a broker.

use crate::http;
use base64::Engine;
use knarr_exchange::transfer::{Broker, Subscription, Watched, Watcher};
use sha2::{Digest, Sha512};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn subscription(host: &str) -> Subscription {
    let text = format!("[[accept]]\nname = \"test\"\nhosts = [{host:?}]\npath = \"*/model/*.grib2\"\nmax_bytes = 100000\n");
    Subscription::parse(&text).unwrap_or_else(|e| panic!("{e}"))
}

fn v03(base: &str, path: &str, content: &[u8]) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha512::digest(content));
    format!(
        r#"{{"pubTime":"20260501T001000.00","baseUrl":{base:?},"relPath":{path:?},"size":{},"identity":{{"method":"sha512","value":"{hash}"}}}}"#,
        content.len()
    )
}

fn data(root: &Path) -> Vec<u8> {
    let content: Vec<u8> = (0..50_000u32).map(|i| (i * 7 + i / 300) as u8).collect();
    std::fs::create_dir_all(root.join("model")).expect("a folder");
    std::fs::write(root.join("model/x.grib2"), &content).expect("written");
    content
}

#[test]
fn messages_in_a_folder_are_fetched_once_and_only_if_wanted_and_right() {
    let (root, inbox, here) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let content = data(root.path());
    let server = http::Server::start(root.path().to_owned());
    let base = format!("http://127.0.0.1:{}/", server.port);
    let right = v03(&base, "model/x.grib2", &content);
    let correction = right.replace("20260501T001000.00", "20260501T002000.00");
    let messages = [
        ("1.json", v03(&base, "other/x.grib2", &content)),
        ("2.json", v03(&base, "model/x.grib2", b"something else")),
        ("3.json", right.clone()),
        ("4.json", right),
        ("5.json", "{}".to_owned()),
        ("6.json", v03("http://evil.example/", "model/x.grib2", &content)),
        ("7.json", correction),
        ("note.txt", "not a message".to_owned()),
    ];
    for (name, text) in &messages {
        std::fs::write(inbox.path().join(name), text).expect("written");
    }
    let mut watcher = Watcher::new(subscription("127.0.0.1"), here.path()).unwrap_or_else(|e| panic!("{e}"));
    let mut told = Vec::new();
    let count = watcher.folder(inbox.path(), &mut |w| told.push(w.clone())).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(count, 7);
    assert!(matches!(&told[0], Watched::Ignored(why) if why.contains("no rule")), "{:?}", told[0]);
    assert!(matches!(&told[1], Watched::Failed(why) if why.contains("bytes")), "{:?}", told[1]);
    assert!(matches!(&told[2], Watched::Fetched(_)), "{:?}", told[2]);
    assert!(matches!(&told[3], Watched::Repeated(_)), "{:?}", told[3]);
    assert!(matches!(&told[4], Watched::Ignored(why) if why.contains("relPath")), "{:?}", told[4]);
    assert!(matches!(&told[5], Watched::Ignored(why) if why.contains("evil.example")), "{:?}", told[5]);
    assert!(matches!(&told[6], Watched::Fetched(_)), "a correction: {:?}", told[6]);
    assert_eq!(std::fs::read(here.path().join("x.grib2")).expect("fetched"), content);
    // Another watcher remembers.
    let mut later = Watcher::new(subscription("127.0.0.1"), here.path()).unwrap_or_else(|e| panic!("{e}"));
    let repeated = later.deal_with(messages[2].1.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(repeated, Watched::Repeated(_)), "{repeated:?}");
}

#[test]
fn content_that_is_not_what_was_announced_does_not_appear() {
    let (root, here) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let content = data(root.path());
    let server = http::Server::start(root.path().to_owned());
    let mut other = content.clone();
    other[77] ^= 1;
    let message = v03(&format!("http://127.0.0.1:{}/", server.port), "model/x.grib2", &other);
    let mut watcher = Watcher::new(subscription("127.0.0.1"), here.path()).unwrap_or_else(|e| panic!("{e}"));
    let failed = watcher.deal_with(message.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(&failed, Watched::Failed(why) if why.contains("sha512")), "{failed:?}");
    assert_eq!(std::fs::read_dir(here.path()).expect("readable").count(), 0);
    // Half of it from an earlier attempt is gone on with.
    std::fs::write(here.path().join(".x.grib2.part"), &content[..20_000]).expect("written");
    let message = v03(&format!("http://127.0.0.1:{}/", server.port), "model/x.grib2", &content);
    let fetched = watcher.deal_with(message.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(fetched, Watched::Fetched(_)), "{fetched:?}");
    assert_eq!(std::fs::read(here.path().join("x.grib2")).expect("fetched"), content);
}

struct Mosquitto(Child);

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A broker on a free port; none where mosquitto is not installed.
fn mosquitto(folder: &Path) -> Option<(Mosquitto, u16)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let configuration = folder.join("mosquitto.conf");
    std::fs::write(&configuration, format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"))
        .expect("written");
    let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "mosquitto"].into_iter().find_map(|program| {
        let mut command = Command::new(program);
        command.arg("-c").arg(&configuration).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().ok()
    })?;
    let broker = Mosquitto(program);
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some((broker, port));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("mosquitto does not listen on {port}");
}

#[test]
fn messages_of_a_broker_are_followed() {
    let (root, here) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let Some((_broker, port)) = mosquitto(root.path()) else {
        println!("skipped: mosquitto is not installed, 1 test of the broker did not run");
        return;
    };
    let content = data(root.path());
    let server = http::Server::start(root.path().to_owned());
    let base = format!("http://127.0.0.1:{}/", server.port);
    let messages =
        [v03(&base, "other/y.grib2", &content), v03(&base, "model/x.grib2", &content), v03(&base, "model/x.grib2", &content)];
    // Messages come when somebody listens, so they are sent until both have been dealt with.
    let publisher = std::thread::spawn(move || {
        let mut options = rumqttc::MqttOptions::new("publisher", "127.0.0.1", port);
        options.set_keep_alive(Duration::from_secs(5));
        let (client, mut connection) = rumqttc::Client::new(options, 16);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(800));
            for message in messages {
                client
                    .publish("origin/a/wis2/ca-eccc-msc/data/core", rumqttc::QoS::AtLeastOnce, false, message)
                    .expect("published");
            }
            std::thread::sleep(Duration::from_secs(2));
            let _ = client.disconnect();
        });
        for event in connection.iter() {
            if event.is_err() {
                break;
            }
        }
    });
    let broker = Broker {
        host: "127.0.0.1".into(),
        port,
        tls: false,
        topics: vec!["origin/a/wis2/+/data/#".into()],
        login: None,
        client_id: "knarr-test".into(),
    };
    let mut watcher = Watcher::new(subscription("127.0.0.1"), here.path()).unwrap_or_else(|e| panic!("{e}"));
    let mut told = Vec::new();
    let count = watcher
        .broker(&broker, Some(Duration::from_secs(20)), &mut |w| {
            told.push(w.clone());
            if told.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap_or_else(|e| panic!("{e}"));
    publisher.join().expect("published");
    assert_eq!(count, 3, "{told:?}");
    assert!(
        matches!(told[0], Watched::Ignored(_))
            && matches!(told[1], Watched::Fetched(_))
            && matches!(told[2], Watched::Repeated(_)),
        "{told:?}"
    );
    assert_eq!(std::fs::read(here.path().join("x.grib2")).expect("fetched"), content);
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let here = tempfile::tempdir().expect("a folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let broker =
        Broker { host: "127.0.0.1".into(), port, tls: false, topics: vec!["#".into()], login: None, client_id: "x".into() };
    let mut watcher = Watcher::new(subscription("127.0.0.1"), here.path()).unwrap_or_else(|e| panic!("{e}"));
    let error =
        watcher.broker(&broker, Some(Duration::from_secs(5)), &mut |_| ControlFlow::Continue(())).expect_err("nobody there");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}
