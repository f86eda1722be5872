//! Runs of characters that look like a code rather than a word.

/// Whether there is a run of at least 24 base64 or hexadecimal characters that no word or number explains.
pub(super) fn has_random_run(text: &str) -> bool {
    let member = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    text.split(|c: char| !member(c)).any(is_random) || text.split(|c: char| !member(c) && !"-_".contains(c)).any(is_random_url)
}

fn is_random(run: &str) -> bool {
    let run = run.trim_matches('=');
    let count = |f: fn(&char) -> bool| run.chars().filter(f).count();
    let digits = count(char::is_ascii_digit);
    let hexadecimal = run.chars().all(|c| c.is_ascii_hexdigit()) && digits >= 4 && digits < run.len();
    let only_digits = digits == run.len();
    run.len() >= 24 && (only_digits || hexadecimal || (changes(run) * 10 >= run.len() * 3 && entropy(run) > 3.2))
}

/// Base64 in the alphabet of addresses: words between its dashes would be words.
fn is_random_url(run: &str) -> bool {
    let longest_word = run.split(['-', '_', '/', '+']).map(word_len).max().unwrap_or(0);
    run.len() >= 24
        && longest_word < 24
        && run.bytes().any(|b| b.is_ascii_digit())
        && changes(run) * 10 >= run.len() * 4
        && entropy(run) > 3.8
}

fn word_len(word: &str) -> usize {
    word.len()
}

/// How often the kind of character changes: small letter, capital, digit, other.
fn changes(run: &str) -> usize {
    let kind = |c: u8| match c {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    run.as_bytes().windows(2).filter(|w| kind(w[0]) != kind(w[1])).count()
}

/// Shannon's entropy in bits a character.
fn entropy(run: &str) -> f64 {
    let mut counts = [0usize; 128];
    run.bytes().filter(u8::is_ascii).for_each(|b| counts[usize::from(b)] += 1);
    let len = run.len() as f64;
    counts.iter().filter(|&&n| n > 0).map(|&n| n as f64 / len).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_words() {
        for code in [
            "L2hvbWUvYWxpY2Uvc2VjcmV0L3J1bjc=",
            "3f786850e387550fdab836ed7e6dc881de23001b",
            "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
            "dGhpc19pcy1hLXNlY3JldC10b2tlbg9x8Zq1",
        ] {
            assert!(has_random_run(code), "{code}");
        }
        for word in [
            "surface_downwelling_shortwave_flux_in_air",
            "DewPointDepression_AGL-2m_HRDPS_continental",
            "volume_fraction_of_frozen_soil_water",
            "http://cfconventions.org/cf-conventions/cf-conventions.html",
            "Environment and Climate Change Canada",
        ] {
            assert!(!has_random_run(word), "{word}");
        }
    }
}
