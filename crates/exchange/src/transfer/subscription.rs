//! Which announcements are followed: those that a rule names, nothing else.

use super::{Action, Announcement, TransferError};
use serde::Deserialize;

/// Rules, read from TOML:
///
/// ```
/// use knarr_exchange::transfer::Subscription;
/// let subscription = Subscription::parse(r#"
///     [[accept]]
///     name = "GDPS temperature"
///     hosts = ["dd.weather.gc.ca", "hpfx.collab.science.gc.ca"]
///     path = "*/model_gdps/*AirTemp_IsbL-0500*.grib2"
///     max_bytes = 50_000_000
/// "#)?;
/// assert_eq!(subscription.accept.len(), 1);
/// # Ok::<(), knarr_exchange::transfer::TransferError>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// What is fetched.
    pub accept: Vec<Accepted>,
}

/// What one rule accepts. There is no rule for everything: hosts are named one by one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// What it is for.
    pub name: String,
    /// Hosts that data may come from; `file` stands for files of this machine.
    pub hosts: Vec<String>,
    /// Path of the address; `*` stands for any characters.
    pub path: String,
    /// Largest file that is fetched.
    pub max_bytes: u64,
    /// Whether data without a hash in their announcement are fetched, too.
    #[serde(default)]
    pub allow_unverified: bool,
}

impl Subscription {
    /// Reads rules.
    ///
    /// # Errors
    /// [`TransferError::Subscription`]: unknown keys, no rule, hosts that are patterns.
    pub fn parse(text: &str) -> Result<Self, TransferError> {
        let bad = |problem: String| TransferError::Subscription { problem };
        let subscription: Self = toml::from_str(text).map_err(|e| bad(e.to_string()))?;
        if subscription.accept.is_empty() {
            return Err(bad("no `[[accept]]` in it: nothing would be fetched".to_owned()));
        }
        for rule in &subscription.accept {
            if rule.hosts.is_empty() || rule.hosts.iter().any(|h| h.is_empty() || h.contains(['*', '/', '@'])) {
                return Err(bad(format!("`{}`: hosts are names, without patterns", rule.name)));
            }
        }
        Ok(subscription)
    }

    /// The rule that accepts an announcement, or why none does.
    ///
    /// # Errors
    /// The reason, in words.
    pub fn accepts(&self, announcement: &Announcement) -> Result<&Accepted, String> {
        if announcement.action == Action::Gone {
            return Err("it says that data are gone, and nothing is removed here".to_owned());
        }
        let url = url::Url::parse(&announcement.url).map_err(|e| format!("its address: {e}"))?;
        if !["http", "https", "file"].contains(&url.scheme()) {
            return Err(format!("its address begins with {}", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address has a user or a password in it".to_owned());
        }
        let host = if url.scheme() == "file" { "file" } else { url.host_str().unwrap_or_default() };
        let mut nearest = format!("no rule accepts {} of {host}", url.path());
        for rule in &self.accept {
            if !rule.hosts.iter().any(|h| h == host) || !matches(&rule.path, url.path()) {
                continue;
            }
            if announcement.size.is_some_and(|size| size > rule.max_bytes) {
                nearest = format!("`{}`: it has more than {} bytes", rule.name, rule.max_bytes);
            } else if announcement.integrity.is_none() && !rule.allow_unverified {
                nearest = format!("`{}`: it has no hash that could be checked", rule.name);
            } else {
                return Ok(rule);
            }
        }
        Err(nearest)
    }
}

/// Whether `text` is `pattern`, with any characters for a `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_and_the_rest_for_itself() {
        for (pattern, text, expected) in [
            ("/a/*.nc", "/a/b/c.nc", true),
            ("/a/*.nc", "/a/.nc", true),
            ("/a/*b*c", "/a/bc", true),
            ("/a/*b*bc", "/a/bc", false),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("*", "", true),
            ("/a*a", "/a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn only_what_a_rule_names_is_accepted() {
        let rules = |more: &str| {
            format!("[[accept]]\nname = \"a\"\nhosts = [\"dd.weather.gc.ca\"]\npath = \"/x/*.grib2\"\nmax_bytes = 100\n{more}")
        };
        let subscription = Subscription::parse(&rules("")).expect("rules");
        let message = |url: &str, size: u64, hash: bool| Announcement {
            id: "x".into(),
            published: String::new(),
            url: url.into(),
            size: Some(size),
            integrity: hash.then(|| super::super::Integrity { method: "sha256".into(), value: vec![0; 32] }),
            action: Action::New,
        };
        let why = |m: &Announcement| subscription.accepts(m).map(|r| r.name.clone());
        assert_eq!(why(&message("https://dd.weather.gc.ca/x/y.grib2", 100, true)), Ok("a".to_owned()));
        for (message, reason) in [
            (message("https://evil.example/x/y.grib2", 1, true), "no rule"),
            (message("https://dd.weather.gc.ca/y/y.grib2", 1, true), "no rule"),
            (message("https://dd.weather.gc.ca/x/y.grib2", 101, true), "more than 100"),
            (message("https://dd.weather.gc.ca/x/y.grib2", 1, false), "no hash"),
            (message("https://me:pw@dd.weather.gc.ca/x/y.grib2", 1, true), "password"),
            (message("ftp://dd.weather.gc.ca/x/y.grib2", 1, true), "begins with ftp"),
            (message("file:///x/y.grib2", 1, true), "of file"),
            (message("https://dd.weather.gc.ca/x/../../etc/y.grib2", 1, true), "no rule"),
        ] {
            assert!(why(&message).expect_err(&message.url).contains(reason), "{}: {:?}", message.url, why(&message));
        }
        assert!(Subscription::parse("accept = []").is_err());
        assert!(Subscription::parse(&rules("everything = true")).is_err());
        assert!(Subscription::parse(&rules("").replace("dd.weather.gc.ca", "*")).is_err());
    }
}
