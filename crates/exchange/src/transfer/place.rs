//! Where releases are: a folder, an S3-compatible bucket, an HTTP server.

use super::TransferError;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ClientOptions, ObjectStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place where releases are put and fetched.
#[derive(Clone, Debug)]
pub struct Place {
    text: String,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) s3: Option<Arc<AmazonS3>>,
    pub(super) folder: Option<PathBuf>,
    prefix: String,
}

impl Place {
    /// A folder (a path, or `file:///path`), `s3://bucket/prefix`, `http://` or `https://host/path`.
    ///
    /// S3 takes its settings from the environment: `AWS_ENDPOINT` (for others than Amazon), `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_SKIP_SIGNATURE`; plain HTTP only for
    /// endpoints on this machine, or with `AWS_ALLOW_HTTP=true`.
    ///
    /// # Errors
    /// [`TransferError::Place`] if the address or the settings are not usable, or the folder is not there.
    pub fn parse(text: &str) -> Result<Self, TransferError> {
        let bad = |problem: String| TransferError::Place { place: without_secrets(text), problem };
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
            let endpoint = std::env::var("AWS_ENDPOINT").or_else(|_| std::env::var("AWS_ENDPOINT_URL")).unwrap_or_default();
            if ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|own| endpoint.starts_with(own)) {
                builder = builder.with_allow_http(true);
            }
            return Self::s3(text, builder, prefix);
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            secure();
            let url = url::Url::parse(text).map_err(|e| bad(e.to_string()))?;
            if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
                return Err(bad("an address must not have a user, a password or a query in it".to_owned()));
            }
            let options = ClientOptions::new().with_allow_http(true).with_user_agent(agent());
            let root = format!("{}://{}", url.scheme(), url.authority());
            let store = HttpBuilder::new().with_url(root).with_client_options(options).build().map_err(|e| bad(e.to_string()))?;
            let prefix = url.path().trim_matches('/').to_owned();
            return Ok(Self { text: text.to_owned(), store: Arc::new(store), s3: None, folder: None, prefix });
        }
        if text.contains("://") && !text.starts_with("file://") {
            return Err(bad("expected a folder, s3://, http:// or https://".to_owned()));
        }
        let folder = Path::new(text.strip_prefix("file://").unwrap_or(text));
        if !folder.is_dir() {
            return Err(bad("no such folder".to_owned()));
        }
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|e| bad(e.to_string()))?;
        Ok(Self {
            text: text.to_owned(),
            store: Arc::new(store),
            s3: None,
            folder: Some(folder.to_owned()),
            prefix: String::new(),
        })
    }

    /// A bucket with settings of its own.
    ///
    /// # Errors
    /// [`TransferError::Place`] if the settings are not usable.
    pub fn s3(text: &str, builder: AmazonS3Builder, prefix: &str) -> Result<Self, TransferError> {
        secure();
        let store = builder.build().map_err(|e| TransferError::Place { place: without_secrets(text), problem: e.to_string() })?;
        let store = Arc::new(store);
        Ok(Self {
            text: without_secrets(text),
            store: store.clone(),
            s3: Some(store),
            folder: None,
            prefix: prefix.trim_matches('/').to_owned(),
        })
    }

    /// The object with that path.
    pub(super) fn object(&self, path: &str) -> Result<ObjectPath, TransferError> {
        let whole = if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) };
        ObjectPath::parse(&whole).map_err(|e| TransferError::Place { place: self.text.clone(), problem: e.to_string() })
    }

    pub(super) fn error(&self, path: &str) -> impl FnOnce(object_store::Error) -> TransferError {
        let place = format!("{}/{path}", self.text.trim_end_matches('/'));
        move |source| TransferError::Store { place, source }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Servers want to know who asks; services of ECCC say so.
fn agent() -> object_store::HeaderValue {
    object_store::HeaderValue::from_static(concat!("knarr/", env!("CARGO_PKG_VERSION")))
}

/// An address as it may be printed.
fn without_secrets(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(h, p)| (h, format!("/{p}")));
            format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or(host))
        }
        None => text.to_owned(),
    }
}

/// The cipher suites of TLS are those of `ring`; whoever chose others before keeps them.
pub(super) fn secure() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Runs something that waits, on this thread.
pub(super) fn wait<T>(work: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs threads and a poller")
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_secrets_are_refused_and_not_repeated() {
        let error = Place::parse("https://user:hunter2@host.example/path").expect_err("a password").to_string();
        assert!(!error.contains("hunter2") && error.contains("host.example"), "{error}");
        let error = Place::parse("https://host.example/path?token=hunter2").expect_err("a query").to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(Place::parse("ftp://host/x").is_err());
        assert!(Place::parse("/no/such/folder").is_err());
    }
}
