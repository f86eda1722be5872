//! `knarr exchange keygen` and `sign`: minisign keys and signatures.

use super::release::{read, write_new};
use crate::Outcome;
use crate::failure::Failure;
use crate::talk::Talk;
use clap::Args;
use knarr::exchange::ExchangeError;
use knarr::exchange::keys::SecretKey;
use std::io::Write;
use std::path::PathBuf;

/// Make a pair of keys: NAME.key (secret, without a password: keep it where only you can read it) and NAME.pub.
///
/// `minisign -G -W` makes the same kind.
#[derive(Args)]
pub struct Keygen {
    /// Beginning of the files' names
    name: PathBuf,
}

impl Keygen {
    /// Runs the verb.
    pub fn run(self, talk: Talk) -> Result<Outcome, Failure> {
        let with = |end: &str| {
            let mut path = self.name.clone().into_os_string();
            path.push(end);
            PathBuf::from(path)
        };
        let (secret, public) = (with(".key"), with(".pub"));
        for path in [&secret, &public] {
            if path.symlink_metadata().is_ok() {
                return Err(ExchangeError::Exists { path: path.clone() }.into());
            }
        }
        let key = SecretKey::generate()?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&secret)
            .and_then(|mut file| file.write_all(key.to_file_text().as_bytes()))
            .map_err(ExchangeError::file(&secret, "write"))?;
        let id = key.public().id();
        let text = format!("untrusted comment: minisign public key {id}\n{}\n", key.public().to_base64());
        write_new(&public, text.as_bytes())?;
        talk.note(&format!("key {id}: {} and {}", secret.display(), public.display()));
        Ok(Outcome::Fine)
    }
}

/// Sign FILE: the signature is FILE.minisig, which minisign reads.
#[derive(Args)]
pub struct Sign {
    /// File to sign
    file: PathBuf,
    /// Secret key
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Sign this comment too
    #[arg(long, default_value = "policy")]
    comment: String,
}

impl Sign {
    /// Runs the verb.
    pub fn run(self, talk: Talk) -> Result<Outcome, Failure> {
        let key = SecretKey::from_file(&self.key)?;
        let signature = key.sign(&read(&self.file)?, &self.comment);
        let mut path = self.file.into_os_string();
        path.push(".minisig");
        let path = PathBuf::from(path);
        write_new(&path, signature.as_bytes())?;
        talk.note(&format!("signed: {}", path.display()));
        Ok(Outcome::Fine)
    }
}
