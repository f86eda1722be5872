//! Attributes that name variables, kept free of names that are not in the file.

use crate::nc;
use knarr_field::Attributes;

/// Attributes with names apart by blanks.
const LISTS: [&str; 2] = ["coordinates", "ancillary_variables"];
/// Attributes with pairs `key: name`, of which some may go.
const PAIRS: [&str; 1] = ["cell_measures"];
/// Attributes with pairs `key: name` that mean something only together.
const FORMULAS: [&str; 1] = ["formula_terms"];
/// Attributes that are one name.
const SINGLES: [&str; 6] = ["bounds", "climatology", "grid_mapping", "mesh", "geometry", "nodes"];

/// Names of variables in an attribute's text: `lon lat`, `area: areacello`, `crs: x y`.
pub(crate) fn names_in<'a>(attribute: &str, text: &'a str) -> Vec<&'a str> {
    let words = text.split_whitespace();
    if LISTS.contains(&attribute) || SINGLES.contains(&attribute) {
        words.map(|w| w.trim_end_matches(':')).collect()
    } else if PAIRS.contains(&attribute) || FORMULAS.contains(&attribute) {
        words.filter(|w| !w.ends_with(':')).collect()
    } else {
        Vec::new()
    }
}

/// Full names of the variables of `file` that `variable` refers to.
pub(crate) fn referenced(file: &nc::File, variable: &str, attributes: &Attributes) -> Vec<String> {
    let texts = attributes.iter().filter_map(|(name, value)| value.text().map(|text| (name, text)));
    texts
        .flat_map(|(name, text)| names_in(name, text))
        .filter_map(|name| file.find_from(variable, name))
        .map(|found| found.name.clone())
        .collect()
}

/// Takes the names out of `attributes` that `is_kept` does not hold of, and attributes that are left empty.
pub(crate) fn keep_only(attributes: &mut Attributes, is_kept: &dyn Fn(&str) -> bool) {
    let texts: Vec<(String, String)> =
        attributes.iter().filter_map(|(n, v)| v.text().map(|text| (n.to_owned(), text.to_owned()))).collect();
    for (attribute, text) in texts {
        let name = attribute.as_str();
        let kept = if LISTS.contains(&name) {
            text.split_whitespace().filter(|w| is_kept(w)).collect::<Vec<_>>().join(" ")
        } else if PAIRS.contains(&name) {
            let words: Vec<&str> = text.split_whitespace().collect();
            words
                .chunks(2)
                .filter(|pair| pair.len() == 2 && is_kept(pair[1]))
                .map(|pair| pair.join(" "))
                .collect::<Vec<_>>()
                .join(" ")
        } else if SINGLES.contains(&name) || FORMULAS.contains(&name) {
            if names_in(name, &text).into_iter().all(is_kept) { text.clone() } else { String::new() }
        } else {
            continue;
        };
        if kept.is_empty() {
            attributes.remove(name);
        } else if kept != text {
            attributes.set(attribute, kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_kept_leave_no_trace() {
        let mut attributes: Attributes = [
            ("coordinates", "lon lat height"),
            ("cell_measures", "area: areacello volume: volcello"),
            ("formula_terms", "a: ap b: b ps: ps"),
            ("bounds", "gone"),
            ("long_name", "gone but not a reference"),
        ]
        .into_iter()
        .collect();
        keep_only(&mut attributes, &|name| ["height", "volcello", "ap", "b"].contains(&name));
        assert_eq!(attributes.text("coordinates"), Some("height"));
        assert_eq!(attributes.text("cell_measures"), Some("volume: volcello"));
        assert_eq!(attributes.text("formula_terms"), None);
        assert_eq!(attributes.text("bounds"), None);
        assert_eq!(attributes.text("long_name"), Some("gone but not a reference"));
    }
}
