//! What somebody who wrote a name meant.

/// Up to three of `names` that look like `name`, nearest first: those whose Jaro-Winkler likeness, letters of either case
/// alike, is above 0.8.
///
/// ```
/// assert_eq!(knarr_field::near("bilinar", ["nearest", "bilinear", "creep"]), ["bilinear"]);
/// ```
pub fn near<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let likeness = |other: &str| strsim::jaro_winkler(&wanted, &other.to_lowercase());
    let mut near: Vec<(f64, &str)> =
        names.into_iter().map(|other| (likeness(other), other)).filter(|near| near.0 > 0.8).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(3).map(|(_, other)| other.to_owned()).collect()
}
