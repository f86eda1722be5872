//! Data to stdout, talk to stderr.

use crate::failure::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

/// How much is said.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    /// -1 quiet, 0 usual, 1 and more: more.
    pub level: i8,
}

impl Talk {
    /// A remark on what is done, unless `--quiet`.
    pub fn note(self, text: &str) {
        if self.level >= 0 {
            say(text);
        }
    }

    /// A remark for those who want to know more (`-v`).
    pub fn more(self, text: &str) {
        if self.level >= 1 {
            say(text);
        }
    }

    /// A bar with the time left, on a terminal only.
    pub fn progress(self, what: &str) -> ProgressBar {
        if self.level < 0 || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg:24} [{bar:30}] {pos}/{len} {eta}")
            .expect("the template is valid")
            .progress_chars("=> ");
        ProgressBar::new(0).with_style(style).with_message(what.to_owned())
    }

    /// A bar that moves on by itself: what is done tells nothing on the way.
    pub fn waiting(self, what: &str) -> ProgressBar {
        let bar = self.progress(what);
        // A hidden bar would start its thread as well.
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        bar
    }
}

/// A line on stderr, whatever the level.
pub fn say(text: &str) {
    // A closed stderr must not stop the work.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes data to stdout.
///
/// A reader that has seen enough (`knarr inspect FILE | head`) ends the program without complaint.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::new(format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Writes a value as JSON to stdout.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::new(format!("cannot write JSON: {e}")))?;
    print(&format!("{text}\n"))
}

/// A number with about seven significant digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || size >= 1e6 || (size < 1e-3 && value != 0.0) {
        return format!("{value:.5e}");
    }
    let before = if size < 1.0 { 1 } else { size.log10().floor() as i32 + 1 };
    let decimals = (7 - before).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Columns of text, each as wide as its widest entry; the first to the left, the others to the right.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..columns).map(|c| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (c, entry) in row.iter().enumerate() {
            let pad = " ".repeat(widths[c] - entry.chars().count());
            line += &if c == 0 { format!("  {entry}{pad}") } else { format!("  {pad}{entry}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        let shown = [288.15, 0.0, -1.5, 1e-12, 101325.0, 12_345_678.0].map(number);
        assert_eq!(shown, ["288.15", "0", "-1.5", "1.00000e-12", "101325", "1.23457e7"]);
    }

    #[test]
    fn tables_line_up() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["bcd".to_owned(), "100".to_owned()]];
        assert_eq!(table(&rows), "  a      1\n  bcd  100\n");
    }
}
