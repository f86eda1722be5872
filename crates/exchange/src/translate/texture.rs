//! Sand and clay as a class of soil texture, and back.
//!
//! | class | meaning | clay % | sand % | typical sand, clay |
//! |---|---|---|---|---|
//! | 1 | coarse | < 18 | > 65 | 80, 8 |
//! | 2 | medium | < 35, and not coarse | >= 15 | 40, 22 |
//! | 3 | medium fine | < 35 | < 15 | 8, 22 |
//! | 4 | fine | 35 to 60 | any | 20, 47 |
//! | 5 | very fine | > 60 | any | 15, 70 |
//! | 6, 7 | organic, tropical organic | | | not made of sand and clay |
//!
//! The texture triangle of FAO, as HTESSEL uses it.

/// Class of `sand` and `clay` in per cent; none where they are no percentages, or no soil is there (both zero).
pub fn class_of(sand: f64, clay: f64) -> Option<f64> {
    if !(sand >= 0.0 && clay >= 0.0 && sand + clay <= 100.0 + 1e-6) || sand + clay == 0.0 {
        return None;
    }
    Some(match (sand, clay) {
        (s, c) if c < 18.0 && s > 65.0 => 1.0,
        (s, c) if c < 35.0 && s >= 15.0 => 2.0,
        (_, c) if c < 35.0 => 3.0,
        (_, c) if c <= 60.0 => 4.0,
        _ => 5.0,
    })
}

/// Typical sand and clay of a class in per cent; none for organic soils and what is no class.
pub fn percent_of(class: f64) -> Option<[f64; 2]> {
    [[80.0, 8.0], [40.0, 22.0], [8.0, 22.0], [20.0, 47.0], [15.0, 70.0]]
        .into_iter()
        .enumerate()
        .find_map(|(k, percent)| (class == k as f64 + 1.0).then_some(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typical_soils_are_of_their_class() {
        for class in 1..=5 {
            let [sand, clay] = percent_of(f64::from(class)).expect("mineral");
            assert_eq!(class_of(sand, clay), Some(f64::from(class)));
        }
        assert_eq!(percent_of(6.0), None);
        assert_eq!(percent_of(0.0), None);
    }

    #[test]
    fn the_triangle_is_cut_where_the_table_says() {
        let cases = [
            (66.0, 17.0, 1.0),
            (65.0, 17.0, 2.0),
            (66.0, 18.0, 2.0),
            (15.0, 34.0, 2.0),
            (14.0, 34.0, 3.0),
            (14.0, 35.0, 4.0),
            (0.0, 60.0, 4.0),
            (0.0, 61.0, 5.0),
        ];
        for (sand, clay, class) in cases {
            assert_eq!(class_of(sand, clay), Some(class), "{sand} {clay}");
        }
        for (sand, clay) in [(0.0, 0.0), (-1.0, 10.0), (60.0, 50.0), (f64::NAN, 10.0)] {
            assert_eq!(class_of(sand, clay), None);
        }
    }
}
