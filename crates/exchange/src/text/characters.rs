//! Characters that are not what they look like.

use std::collections::BTreeSet;

/// Letters beyond ASCII that texts of the two sides need: those of the languages of Canada and the European Union that
/// use the Latin script, degrees, powers, dashes and quotation marks.
fn is_fair(c: char) -> bool {
    let latin = ('\u{c0}'..='\u{17f}').contains(&c) && c != '\u{d7}' && c != '\u{f7}';
    latin || "°±²³µ×–—’“”«»‘…©€·ȘșȚț".contains(c)
}

/// Codes of what is wrong with the characters of `text`.
pub(super) fn forbidden(text: &str) -> BTreeSet<&'static str> {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\t' | '\r' | ' '..='~' => None,
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Some("control_character"),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some("bidi_control"),
            '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => Some("invisible_character"),
            '\u{e0000}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe0f}' => Some("invisible_character"),
            '\u{fffd}' => Some("not_text"),
            c if is_fair(c) => None,
            _ => Some("unusual_letter"),
        })
        .collect()
}

/// The text, and how it reads once codes are resolved and look-alikes replaced, where that differs.
pub(super) fn readings(text: &str) -> Vec<String> {
    let mut readings = vec![text.to_owned()];
    let mut last = text.to_owned();
    // Codes may hide codes; three layers are more than anyone writes by accident.
    for _ in 0..3 {
        let next = plain(&unescaped(&last));
        if next == last {
            break;
        }
        readings.push(next.clone());
        last = next;
    }
    readings
}

/// Full-width and mathematical letters as ASCII, invisible ones left out, Cyrillic and Greek look-alikes as Latin.
fn plain(text: &str) -> String {
    const LOOK_ALIKES: [(&str, &str); 2] =
        [("аеорсухіјѕһԁɡոνιοτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeopcyxijshdgnviotABEZHIKMNOPTYX"), ("․。．／＼＠：", ".../\\@:")];
    text.chars()
        .filter(|&c| !matches!(forbidden(c.encode_utf8(&mut [0; 4])).first(), Some(&"invisible_character" | &"bidi_control")))
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            c => LOOK_ALIKES
                .iter()
                .find_map(|(from, to)| from.chars().position(|f| f == c).and_then(|at| to.chars().nth(at)))
                .unwrap_or(c),
        })
        .collect()
}

/// Percent codes (`%2F`), numeric entities (`&#47;`, `&#x2f;`) and escapes (`\x2f`, `\u002f`) resolved.
fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let code = [("%", 2, 16, ""), ("\\x", 2, 16, ""), ("\\u", 4, 16, "")].into_iter().find_map(|(mark, len, radix, _)| {
            let digits = rest.strip_prefix(mark)?.get(..len)?;
            Some((u32::from_str_radix(digits, radix).ok()?, mark.len() + len))
        });
        let entity = || {
            let (body, radix) = match rest.strip_prefix("&#x") {
                Some(body) => (body, 16),
                None => (rest.strip_prefix("&#")?, 10),
            };
            let end = body.find(';').filter(|&end| end <= 6)?;
            Some((u32::from_str_radix(&body[..end], radix).ok()?, rest.len() - body.len() + end + 1))
        };
        match code.or_else(entity) {
            Some((value, len)) => {
                // Percent codes are bytes, which may be parts of a letter.
                match u8::try_from(value) {
                    Ok(byte) => out.push(byte),
                    Err(_) => out.extend(char::from_u32(value).unwrap_or('\u{fffd}').to_string().bytes()),
                }
                rest = &rest[len..];
            }
            None => {
                out.extend_from_slice(&rest.as_bytes()[..first.len_utf8()]);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
