//! The `cell_methods` attribute: which statistic a value is, over which dimensions.

/// One entry: `lat: lon: mean where land (interval: 1 degree)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellMethod {
    /// Dimensions, coordinates or `area`, without the colons.
    pub names: Vec<String>,
    /// The statistic: `mean`, `sum`, `point`, `maximum`, ...
    pub method: String,
    /// What follows: `where land`, `within days`, `(comment: ...)`; often empty.
    pub rest: String,
}

/// The entries in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellMethods(pub Vec<CellMethod>);

impl CellMethods {
    /// Reads the attribute; words that belong to no entry are dropped.
    pub fn parse(text: &str) -> Self {
        let mut entries: Vec<CellMethod> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut depth = 0i32;
        for word in text.split_whitespace() {
            let outside = depth == 0;
            depth += word.matches('(').count() as i32 - word.matches(')').count() as i32;
            match word.strip_suffix(':') {
                Some(name) if outside && !word.starts_with('(') => names.push(name.to_owned()),
                _ if !names.is_empty() => {
                    let names = std::mem::take(&mut names);
                    entries.push(CellMethod { names, method: word.to_owned(), rest: String::new() });
                }
                _ => {
                    if let Some(last) = entries.last_mut() {
                        if !last.rest.is_empty() {
                            last.rest.push(' ');
                        }
                        last.rest.push_str(word);
                    }
                }
            }
        }
        Self(entries)
    }

    /// The entry for `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<&CellMethod> {
        self.0.iter().find(|entry| entry.names.iter().any(|n| n == name))
    }

    /// Says `area` where entries name every one of the horizontal dimensions `dims`.
    #[must_use]
    pub fn over_area(mut self, dims: &[String]) -> Self {
        for entry in &mut self.0 {
            if !dims.is_empty() && dims.iter().all(|d| entry.names.contains(d)) {
                let at = entry.names.iter().position(|n| dims.contains(n)).expect("all of the dimensions are there");
                entry.names[at] = "area".to_owned();
                entry.names.retain(|n| !dims.contains(n));
            }
        }
        self
    }

    /// Adds `area: method`: what was made last stands last.
    #[must_use]
    pub fn with_area(mut self, method: &str) -> Self {
        self.0.push(CellMethod { names: vec!["area".into()], method: method.into(), rest: String::new() });
        self
    }

    /// Adds `area: mean` unless an entry tells about the area already.
    #[must_use]
    pub fn with_area_mean(self) -> Self {
        if self.get("area").is_none() {
            return self.with_area("mean");
        }
        self
    }
}

impl std::fmt::Display for CellMethods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, entry) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            for name in &entry.names {
                write!(f, "{name}: ")?;
            }
            f.write_str(&entry.method)?;
            if !entry.rest.is_empty() {
                write!(f, " {}", entry.rest)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_modifiers_and_comments_return_unchanged() {
        for text in [
            "area: time: mean",
            "time: maximum (interval: 1 hr) area: mean where sea",
            "area: mean time: mean within days time: mean over days (comment: from 3-hourly data)",
            "",
        ] {
            assert_eq!(CellMethods::parse(text).to_string(), text);
        }
        let parsed = CellMethods::parse("time: maximum (interval: 1 hr) area: mean where sea");
        assert_eq!(parsed.0.len(), 2);
        assert_eq!(parsed.get("area").map(|e| (e.method.as_str(), e.rest.as_str())), Some(("mean", "where sea")));
    }

    #[test]
    fn area_mean_is_added_once() {
        let add = |text: &str| CellMethods::parse(text).with_area_mean().to_string();
        assert_eq!(add(""), "area: mean");
        assert_eq!(add("time: mean"), "time: mean area: mean");
        assert_eq!(add("area: time: mean"), "area: time: mean");
        assert_eq!(add("area: sum"), "area: sum");
    }

    #[test]
    fn horizontal_dimensions_become_area() {
        let dims = ["lat".to_owned(), "lon".to_owned()];
        let over = |text: &str| CellMethods::parse(text).over_area(&dims).to_string();
        assert_eq!(over("time: mean lat: lon: mean"), "time: mean area: mean");
        assert_eq!(over("lon: mean"), "lon: mean");
    }
}
