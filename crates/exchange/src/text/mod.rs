//! What texts must not hold: addresses, accounts, places on disks, secrets, people, tricks with characters.
//!
//! A scan names the kinds it met, never the words.

mod characters;
mod entropy;
mod patterns;

use std::collections::BTreeSet;

/// A kind of content, as its reason code.
pub type Code = &'static str;

/// Scans texts; made once, for a list of hosts that may be named.
#[derive(Debug)]
pub struct Scanner {
    patterns: patterns::Patterns,
}

/// Kinds met in a text, by the rule that forbids them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Rule R14: addresses, accounts, paths, secrets, odd characters.
    pub forbidden: BTreeSet<Code>,
    /// Rule R15: runs that look random.
    pub random: bool,
    /// Rule R25: people.
    pub personal: BTreeSet<Code>,
}

impl Found {
    /// Whether nothing was met.
    pub fn is_clean(&self) -> bool {
        self.forbidden.is_empty() && !self.random && self.personal.is_empty()
    }
}

impl Scanner {
    /// A scanner that lets `public_hosts` be named, alone or in `https` addresses without user, query and fragment.
    pub fn new(public_hosts: &[String]) -> Self {
        Self { patterns: patterns::Patterns::new(public_hosts) }
    }

    /// Scans a text as it is, and as it would read without percent codes, entities and wide letters.
    ///
    /// ```
    /// use knarr_exchange::text::Scanner;
    /// let scanner = Scanner::new(&["dd.weather.gc.ca".to_owned()]);
    /// assert!(scanner.scan("Air temperature at 2 m, see https://dd.weather.gc.ca/today/").is_clean());
    /// assert!(scanner.scan("made in /home/alice/run7").forbidden.contains("unix_path"));
    /// assert!(scanner.scan("made in %2Fhome%2Falice%2Frun7").forbidden.contains("unix_path"));
    /// ```
    pub fn scan(&self, text: &str) -> Found {
        let mut found = Found::default();
        found.forbidden.extend(characters::forbidden(text));
        for form in characters::readings(text) {
            let rest = self.patterns.without_public_addresses(&form);
            found.forbidden.extend(self.patterns.forbidden(&rest));
            found.personal.extend(self.patterns.personal(&rest));
            found.random |= entropy::has_random_run(&rest);
        }
        found
    }
}
