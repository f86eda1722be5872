//! Signatures as minisign makes them: Ed25519 over a BLAKE2b digest, with a comment that is signed too.
//!
//! | file | lines |
//! |---|---|
//! | `.pub` | untrusted comment; base64 of `Ed`, 8 bytes of key id, 32 bytes of public key |
//! | `.key` | untrusted comment; base64 of `Ed`, no password, `B2`, 48 zeros, key id, seed, public key, 32 zeros |
//! | `.minisig` | untrusted comment; base64 of `ED`, key id, signature; trusted comment; base64 of its signature |
//!
//! Signing is deterministic. Reading is strict: a signature has one form only, the untrusted comment included, so that
//! no byte of it can change unseen.

use crate::ExchangeError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b256, Blake2b512, Digest};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::path::Path;

/// The line before a signature; it is not signed, therefore it is always this one.
const UNTRUSTED: &str = "untrusted comment: signature of a Knarr exchange";
const TRUSTED: &str = "trusted comment: ";

/// A public key with its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    id: [u8; 8],
    key: VerifyingKey,
}

/// A secret key with its id.
pub struct SecretKey {
    id: [u8; 8],
    key: SigningKey,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.public().id())
    }
}

impl PublicKey {
    /// Reads the base64 line of a public key.
    pub fn from_base64(line: &str) -> Option<Self> {
        let bytes = STANDARD.decode(line).ok().filter(|b| b.len() == 42 && b.starts_with(b"Ed"))?;
        let key = VerifyingKey::from_bytes(bytes[10..].try_into().ok()?).ok().filter(|k| !k.is_weak())?;
        Some(Self { id: bytes[2..10].try_into().ok()?, key })
    }

    /// Reads a public key file.
    ///
    /// # Errors
    /// [`ExchangeError::File`], [`ExchangeError::Key`].
    pub fn from_file(path: &Path) -> Result<Self, ExchangeError> {
        let line = second_line(path, "public")?;
        Self::from_base64(&line).ok_or_else(|| key_error(path, "public", "the second line is no public key"))
    }

    /// The base64 line.
    pub fn to_base64(self) -> String {
        STANDARD.encode([b"Ed", &self.id[..], self.key.as_bytes()].concat())
    }

    /// The key id as minisign prints it.
    pub fn id(self) -> String {
        self.id.iter().rev().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
    }

    /// The trusted comment of a signature of `message` by this key; `None` if it is not one.
    pub fn verify(self, message: &[u8], signature: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(signature).ok()?;
        let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').collect();
        let [UNTRUSTED, first, comment, second] = lines[..] else { return None };
        let comment = comment.strip_prefix(TRUSTED).filter(|c| !c.chars().any(char::is_control))?;
        // Base64 may end in bits that mean nothing; only the form that encodes back is taken.
        let decode = |line: &str| STANDARD.decode(line).ok().filter(|bytes| STANDARD.encode(bytes) == line);
        let (first, second) = (decode(first).filter(|f| f.len() == 74)?, decode(second)?);
        if !first.starts_with(b"ED") || first[2..10] != self.id {
            return None;
        }
        let signature = Signature::from_slice(&first[10..]).ok()?;
        self.key.verify_strict(&Blake2b512::digest(message), &signature).ok()?;
        let over = [&first[10..], comment.as_bytes()].concat();
        self.key.verify_strict(&over, &Signature::from_slice(&second).ok()?).ok()?;
        Some(comment.to_owned())
    }
}

impl SecretKey {
    /// A new key from the system's random numbers.
    ///
    /// # Errors
    /// [`ExchangeError::File`] if the system has none to give.
    pub fn generate() -> Result<Self, ExchangeError> {
        let mut random = [0; 40];
        getrandom::fill(&mut random)
            .map_err(|e| ExchangeError::file(Path::new("random numbers"), "read")(std::io::Error::other(e.to_string())))?;
        let (id, seed) = random.split_at(8);
        Ok(Self::from_seed(seed.try_into().expect("32 bytes"), id.try_into().expect("8 bytes")))
    }

    /// The key of a seed.
    pub fn from_seed(seed: [u8; 32], id: [u8; 8]) -> Self {
        Self { id, key: SigningKey::from_bytes(&seed) }
    }

    /// Reads a secret key file without a password.
    ///
    /// # Errors
    /// [`ExchangeError::File`], [`ExchangeError::Key`].
    pub fn from_file(path: &Path) -> Result<Self, ExchangeError> {
        let line = second_line(path, "secret")?;
        let wrong = |problem| key_error(path, "secret", problem);
        let bytes = STANDARD.decode(line).map_err(|_| wrong("the second line is not base64"))?;
        if bytes.len() != 158 || !bytes.starts_with(b"Ed") {
            return Err(wrong("the second line is no secret key"));
        }
        if bytes[2..4] != [0, 0] {
            return Err(wrong("it is protected by a password"));
        }
        let seed: [u8; 32] = bytes[62..94].try_into().expect("32 bytes");
        let key = Self { id: bytes[54..62].try_into().expect("8 bytes"), key: SigningKey::from_bytes(&seed) };
        // Programs differ: the digest of a key without a password may be left out.
        let digest = bytes[126..] == [0; 32] || bytes[126..] == key.checksum();
        if key.key.verifying_key().as_bytes() != &bytes[94..126] || !digest {
            return Err(wrong("its digest does not fit; it was damaged"));
        }
        Ok(key)
    }

    /// The text of a secret key file.
    pub fn to_file_text(&self) -> String {
        let bytes =
            [b"Ed\0\0B2", &[0; 48][..], &self.id, self.key.as_bytes(), self.key.verifying_key().as_bytes(), &[0; 32]].concat();
        format!("untrusted comment: Knarr exchange secret key, not protected by a password\n{}\n", STANDARD.encode(bytes))
    }

    fn checksum(&self) -> [u8; 32] {
        let over = [b"Ed", &self.id[..], self.key.as_bytes(), self.key.verifying_key().as_bytes()].concat();
        Blake2b256::digest(over).into()
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> PublicKey {
        PublicKey { id: self.id, key: self.key.verifying_key() }
    }

    /// The signature file of `message`; the comment is signed with it.
    pub fn sign(&self, message: &[u8], comment: &str) -> String {
        let comment: String = comment.chars().filter(|c| !c.is_control()).collect();
        let signature = self.key.sign(&Blake2b512::digest(message)).to_bytes();
        let over = self.key.sign(&[&signature[..], comment.as_bytes()].concat()).to_bytes();
        let first = STANDARD.encode([b"ED", &self.id[..], &signature].concat());
        format!("{UNTRUSTED}\n{first}\n{TRUSTED}{comment}\n{}\n", STANDARD.encode(over))
    }
}

fn second_line(path: &Path, expected: &'static str) -> Result<String, ExchangeError> {
    let text = std::fs::read_to_string(path).map_err(ExchangeError::file(path, "read"))?;
    let line = text.lines().nth(1).map(|line| line.trim().to_owned());
    line.ok_or_else(|| key_error(path, expected, "it has no second line"))
}

fn key_error(path: &Path, expected: &'static str, problem: &str) -> ExchangeError {
    ExchangeError::Key { path: path.to_owned(), expected, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_of_a_signature_is_seen() {
        let key = SecretKey::from_seed([7; 32], [1, 2, 3, 4, 5, 6, 7, 8]);
        let signature = key.sign(b"message", "release 1").into_bytes();
        assert_eq!(key.public().verify(b"message", &signature).as_deref(), Some("release 1"));
        assert_eq!(key.public().verify(b"massage", &signature), None);
        for at in 0..signature.len() {
            for value in 0..=255 {
                let mut changed = signature.clone();
                changed[at] = value;
                let same = changed == signature;
                assert_eq!(key.public().verify(b"message", &changed).is_some(), same, "byte {at} as {value}");
            }
        }
    }

    #[test]
    fn keys_survive_their_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.key");
        let key = SecretKey::generate().expect("random numbers");
        std::fs::write(&path, key.to_file_text()).expect("writable");
        assert_eq!(SecretKey::from_file(&path).expect("a key").public(), key.public());
        assert_eq!(PublicKey::from_base64(&key.public().to_base64()), Some(key.public()));
    }
}
