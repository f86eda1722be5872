//! Units as people write them on figures.

/// `m s-1` becomes `m s⁻¹`, `degC` becomes `°C`; `1` and nothing become an empty text.
pub(crate) fn pretty(units: &str) -> String {
    let trimmed = units.trim();
    match trimmed {
        "" | "1" | "none" => return String::new(),
        "degC" | "degrees_C" | "degree_C" | "deg_C" | "celsius" | "Celsius" | "degrees C" | "deg C" => return "°C".into(),
        "Kelvins" | "kelvin" | "Kelvin" | "degK" | "deg K" => return "K".into(),
        _ => {}
    }
    trimmed.split_whitespace().map(pretty_word).collect::<Vec<_>>().join(" ")
}

/// One factor of a product: letters, then an exponent.
fn pretty_word(word: &str) -> String {
    let (base, exponent) = match word.find(|c: char| c.is_ascii_digit() || c == '-' || c == '^' || c == '*') {
        Some(0) | None => return word.to_owned(),
        Some(at) => word.split_at(at),
    };
    let digits = exponent.trim_start_matches("**").trim_start_matches('^');
    let superscript: Option<String> = digits
        .chars()
        .map(|c| match c {
            '-' => Some('⁻'),
            _ => c.to_digit(10).map(superscript_digit),
        })
        .collect();
    match superscript {
        Some(s) if base.chars().all(char::is_alphabetic) => format!("{base}{s}"),
        _ => word.to_owned(),
    }
}

/// `-5` becomes `⁻⁵`.
pub(crate) fn superscript(exponent: i32) -> String {
    exponent.to_string().chars().map(|c| c.to_digit(10).map_or('⁻', superscript_digit)).collect()
}

fn superscript_digit(digit: u32) -> char {
    ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_raised_and_other_words_kept() {
        assert_eq!(pretty("kg m-2 s-1"), "kg m⁻² s⁻¹");
        assert_eq!(pretty("m**2 s**-2"), "m² s⁻²");
        assert_eq!(pretty("degC"), "°C");
        assert_eq!(pretty("1"), "");
        assert_eq!(pretty("0.001"), "0.001");
        assert_eq!(pretty("mm/day"), "mm/day");
        assert_eq!(superscript(-12), "⁻¹²");
    }
}
