//! Attributes and all other texts.

use super::super::OWN_ATTRIBUTES;
use super::super::content::{Content, variable_place};
use super::{Case, RuleResult, needs_content};
use crate::classic::Values;
use crate::policy::Unlisted;
use crate::structure::OddityKind;
use crate::text::Found;
use knarr_field::Attribute;
use knarr_io::Role;
use regex::Regex;

/// Attributes of files that never leave, whatever a policy lists: command lines, people, machines.
const NEVER: [&str; 22] = [
    "history",
    "NCO",
    "CDO",
    "CDI",
    "nco_openmp_thread_number",
    "creator_name",
    "creator_email",
    "creator_url",
    "contributor_name",
    "contributor_role",
    "publisher_name",
    "publisher_email",
    "contact",
    "_NCProperties",
    "host",
    "hostname",
    "user",
    "username",
    "pwd",
    "command",
    "command_line",
    "uuid",
];

/// Attributes of variables that CF gives a meaning, and the form of their texts.
const KNOWN: [(&str, &str); 34] = [
    ("standard_name", WORD),
    ("long_name", r"[A-Za-z0-9 ,.()/%*:+°²³-]{0,120}"),
    ("units", r"[A-Za-z0-9_ .:/*^()%+°µ-]{0,64}"),
    ("cell_methods", r"[A-Za-z0-9_ :().,-]{0,120}"),
    ("positive", "up|down"),
    ("axis", "[XYZT]"),
    ("calendar", WORD),
    ("bounds", WORD),
    ("climatology", WORD),
    ("coordinates", WORDS),
    ("grid_mapping", WORDS),
    ("cell_measures", r"[A-Za-z0-9_ :]{0,120}"),
    ("ancillary_variables", WORDS),
    ("formula_terms", r"[A-Za-z0-9_ :]{0,200}"),
    ("flag_values", WORDS),
    ("flag_meanings", r"[a-z0-9_ ]{0,400}"),
    ("valid_range", WORD),
    ("valid_min", WORD),
    ("valid_max", WORD),
    ("_FillValue", WORD),
    ("missing_value", WORD),
    ("scale_factor", WORD),
    ("add_offset", WORD),
    ("_Unsigned", "true|false"),
    ("_CoordinateAxisType", WORD),
    ("comment", r"[a-z0-9_]{0,64}"),
    ("cf_role", WORD),
    ("mesh", WORD),
    ("location", WORD),
    ("topology_dimension", WORD),
    ("node_coordinates", WORDS),
    ("face_node_connectivity", WORDS),
    ("face_coordinates", WORDS),
    ("start_index", WORD),
];
const WORD: &str = "[A-Za-z0-9_.+-]{0,120}";
const WORDS: &str = "[A-Za-z0-9_. -]{0,200}";

/// Parameters of grid mappings.
const MAPPING: [&str; 22] = [
    "grid_mapping_name",
    "grid_north_pole_latitude",
    "grid_north_pole_longitude",
    "north_pole_grid_longitude",
    "straight_vertical_longitude_from_pole",
    "latitude_of_projection_origin",
    "longitude_of_projection_origin",
    "longitude_of_central_meridian",
    "scale_factor_at_projection_origin",
    "standard_parallel",
    "false_easting",
    "false_northing",
    "earth_radius",
    "semi_major_axis",
    "semi_minor_axis",
    "inverse_flattening",
    "longitude_of_prime_meridian",
    "refinement_level",
    "indexing_scheme",
    "healpix_nside",
    "healpix_order",
    "proj4_params",
];

/// R12: attributes of the file are listed and look as listed.
pub(super) fn global_attributes(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R12", "attributes of the file");
    for oddity in case.structure.oddities.iter().filter(|o| o.kind == OddityKind::HiddenAttribute) {
        result.deny(oddity.kind.code(), oddity.place.clone(), oddity.bytes);
    }
    let rules: Vec<(&str, Option<Regex>, usize)> = case
        .policy
        .texts
        .global_attributes
        .iter()
        .map(|rule| (rule.name.as_str(), whole(&rule.pattern), rule.max_length))
        .collect();
    for (number, (name, pattern, _)) in rules.iter().enumerate() {
        let place = format!("attribute {} of the policy", number + 1);
        result.deny_if(pattern.is_none(), "pattern_unreadable", &place);
        result.deny_if(NEVER.contains(name), "attribute_never_leaves", &place);
    }
    let Some(content) = needs_content(case, &mut result) else { return result };
    result.saw(format!("{} attributes of the file, {} listed", content.global.len(), rules.len()));
    for (number, (name, value)) in content.global.iter().enumerate() {
        let place = match NEVER.contains(&name) || rules.iter().any(|r| r.0 == name) {
            true => format!("attribute `{name}`"),
            false => format!("attribute {} of the file", number + 1),
        };
        match rules.iter().find(|rule| rule.0 == name) {
            Some((_, pattern, max_length)) => {
                let text = value.text().unwrap_or_default();
                let fits = value.text().is_some()
                    && text.chars().count() <= *max_length
                    && pattern.as_ref().is_some_and(|p| p.is_match(text));
                result.deny_if(!fits, "not_of_the_listed_form", &place);
            }
            None if case.policy.texts.unlisted == Unlisted::Deny => result.deny("attribute_not_listed", place, 1),
            None => result.saw(format!("{place}: left out")),
        }
    }
    result
}

/// R13: attributes of variables are those of the conventions.
pub(super) fn variable_attributes(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R13", "attributes of variables");
    let Some(content) = needs_content(case, &mut result) else { return result };
    let known: Vec<(&str, Regex)> = KNOWN.iter().filter_map(|(name, form)| Some((*name, whole(form)?))).collect();
    let mut count = 0;
    for variable in &content.variables {
        for (number, (name, value)) in variable.attributes.iter().enumerate() {
            count += 1;
            let place = format!("attribute {} of {}", number + 1, variable_place(variable.ordinal));
            let form = known.iter().find(|(n, _)| *n == name).map(|(_, form)| form);
            let mapping = variable.role == Role::GridMapping && MAPPING.contains(&name);
            let fits = match (value, form) {
                (Attribute::Numbers(numbers, _), _) => numbers.len() <= 64,
                (_, Some(form)) => value.text().is_some_and(|text| form.is_match(text)),
                (_, None) => value.text().is_some_and(|text| text.len() <= 120),
            };
            if form.is_none() && !mapping {
                match case.policy.texts.unlisted {
                    Unlisted::Deny => result.deny("attribute_not_known", place, 1),
                    Unlisted::Drop => result.saw(format!("{place}: left out")),
                }
            } else if name == "comment" && value.text().is_none_or(|id| case.catalogue.field(id).is_err()) {
                result.deny("comment_is_no_id", place, 1);
            } else if !fits {
                result.deny("not_of_the_known_form", place, 1);
            }
        }
    }
    result.saw(format!("{count} attributes of {} variables", content.variables.len()));
    result
}

fn whole(pattern: &str) -> Option<Regex> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build().ok()
}

/// R14: no text holds addresses, accounts, paths, hosts, secrets or odd letters.
pub(super) fn texts(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R14", "texts");
    let mut count = 0;
    for_each_text(case, |place, text, found| {
        count += 1;
        for code in &found.forbidden {
            result.deny(*code, place, text.chars().count() as u64);
        }
        let longest = case.policy.limits.max_text_length;
        if text.chars().count() > longest {
            result.deny("text_too_long", place, text.chars().count() as u64);
        }
    });
    for oddity in case.structure.oddities.iter().filter(|o| o.kind == OddityKind::NotUtf8) {
        result.deny(oddity.kind.code(), oddity.place.clone(), oddity.bytes);
    }
    result.saw(format!("{count} texts of input, statement and output"));
    result
}

/// R15: no text looks like a code.
pub(super) fn random_runs(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R15", "random runs");
    let mut count = 0;
    for_each_text(case, |place, text, found| {
        count += 1;
        if found.random {
            result.ask("looks_random", place, text.chars().count() as u64);
        }
    });
    result.saw(format!("{count} texts of input, statement and output"));
    result
}

/// R25: no text speaks of people; the mailbox is one of the policy's.
pub(super) fn people(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R25", "people");
    let mut count = 0;
    for_each_text(case, |place, text, found| {
        count += 1;
        for code in &found.personal {
            result.deny(*code, place, text.chars().count() as u64);
        }
    });
    let mailboxes = &case.policy.producer.mailboxes;
    result.deny_if(!mailboxes.contains(&case.statement.mailbox), "mailbox_not_listed", "statement");
    result.saw(format!("{count} texts of input, statement and output"));
    result
}

/// Texts above this length are not scanned but denied: no field file has them.
const SCAN_LIMIT: usize = 1 << 20;

/// Scans every text there is, with where it is.
fn for_each_text(case: &Case<'_>, mut each: impl FnMut(&str, &str, &Found)) {
    let mut scan = |place: &str, text: &str| {
        let end = (0..=text.len().min(SCAN_LIMIT)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        each(place, text, &case.scanner.scan(&text[..end]));
    };
    for text in &case.structure.texts {
        scan(&text.place, &text.value);
    }
    if let Ok(content) = &case.content {
        for (ordinal, text) in &content.texts {
            scan(&variable_place(*ordinal), text);
        }
        for (place, text) in numbers_as_text(content) {
            scan(&place, &text);
        }
    }
    let statement = case.statement;
    let origin = &statement.origin;
    let stated = [
        &statement.release_id,
        &statement.title,
        &statement.summary,
        &statement.receiver,
        &statement.purpose,
        &origin.product,
        &origin.url,
    ];
    let files = statement.files.iter().flat_map(|f| [&f.field, &f.grid]);
    for text in stated.into_iter().chain(&statement.supersedes).chain(files) {
        scan("statement", text);
    }
    for payload in case.payload.iter().flatten() {
        for variable in &payload.file.variables {
            scan("output", &variable.name);
            variable.attributes.iter().for_each(|(name, value)| scan_attribute(&mut scan, name, value));
        }
        payload.file.attributes.iter().for_each(|(name, value)| scan_attribute(&mut scan, name, value));
    }
}

fn scan_attribute(scan: &mut impl FnMut(&str, &str), name: &str, value: &Values) {
    scan("output", name);
    // The gate's own sentences come from the policy, which is signed.
    let own = OWN_ATTRIBUTES.contains(&name) && !["title", "summary"].contains(&name);
    if let Values::Text(text) = value
        && !own
    {
        scan("output", text);
    }
}

/// Numeric attributes that read as text, a character a number.
fn numbers_as_text(content: &Content) -> Vec<(String, String)> {
    let of_variables =
        content.variables.iter().flat_map(|v| v.attributes.iter().map(move |(_, value)| (variable_place(v.ordinal), value)));
    let of_file = content.global.iter().map(|(_, value)| ("the file".to_owned(), value));
    of_variables
        .chain(of_file)
        .filter_map(|(place, value)| {
            let numbers = value.numbers().filter(|n| n.len() >= 6)?;
            let text: Option<String> =
                numbers.iter().map(|&n| (n.fract() == 0.0 && (32.0..127.0).contains(&n)).then_some(n as u8 as char)).collect();
            Some((format!("a numeric attribute of {place}"), text?))
        })
        .collect()
}
