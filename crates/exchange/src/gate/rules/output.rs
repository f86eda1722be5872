//! What was rebuilt, and the bytes of input and output.

use super::super::content::variable_place;
use super::super::rebuild::rebuild;
use super::{Case, RuleResult, needs_content, needs_payload};
use crate::classic::{Values, check_layout};
use crate::policy::Residue;
use crate::structure::{Format, OddityKind};
use std::io::Cursor;

/// R07: the sentence goes with the data.
pub(super) fn attribution(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R07", "attribution");
    let origin = &case.statement.origin;
    let sentence = case.policy.licence(&origin.licence).map(|l| l.attribution.as_str()).filter(|s| !s.is_empty());
    let Some(sentence) = sentence else {
        result.deny("no_sentence", "policy", 1);
        return result;
    };
    let Some(payload) = needs_payload(case, &mut result) else { return result };
    for (number, file) in payload.iter().enumerate() {
        let place = format!("output {}", number + 1);
        let text = |name: &str| {
            file.file.attributes.iter().find(|(n, _)| n == name).and_then(|(_, v)| match v {
                Values::Text(text) => Some(text.as_str()),
                _ => None,
            })
        };
        let said = text("acknowledgement")
            .is_some_and(|a| a.starts_with(sentence) && (!origin.modified || a.ends_with("Modified by the sender.")));
        result.saw(format!("acknowledgement and license of {place}"));
        result.deny_if(!said, "sentence_missing", &place);
        result.deny_if(text("license").is_none_or(|l| !l.starts_with(&origin.licence)), "licence_missing", &place);
    }
    result
}

/// R16: every byte of input and output is accounted for.
pub(super) fn structure(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R16", "structure");
    let walked = &case.structure;
    result.saw(format!("{} bytes, {} objects, {} texts of the input", walked.bytes, walked.objects, walked.texts.len()));
    let residue = walked.oddities.iter().filter(|o| o.kind == OddityKind::Residue);
    match case.policy.input.library_residue {
        Residue::Allow => result.saw(format!("{} bytes a library left behind", residue.map(|o| o.bytes).sum::<u64>())),
        Residue::Deny => residue.for_each(|o| result.deny(o.kind.code(), o.place.clone(), o.bytes)),
    }
    // Other rules have these.
    let elsewhere = [OddityKind::Residue, OddityKind::HiddenAttribute, OddityKind::NotUtf8];
    for oddity in walked.oddities.iter().filter(|o| !elsewhere.contains(&o.kind)) {
        result.deny(oddity.kind.code(), oddity.place.clone(), oddity.bytes);
    }
    let Some(payload) = needs_payload(case, &mut result) else { return result };
    for (number, file) in payload.iter().enumerate() {
        let place = format!("output {}", number + 1);
        result.saw(format!("{} bytes of {place}", file.bytes.len()));
        let sound = check_layout(&mut Cursor::new(&file.bytes), file.bytes.len() as u64).is_ok();
        let walked = crate::classic::inspect(&file.bytes);
        result.deny_if(!sound || !walked.oddities.is_empty(), "output_not_plain", &place);
    }
    result
}

/// R17: GRIB is not rebuilt here.
pub(super) fn grib(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R17", "GRIB");
    result.saw("the first bytes of the input");
    result.deny_if(case.structure.format == Format::Grib, "grib_is_not_rebuilt", "the file");
    result
}

/// R26: within limits, and complete.
pub(super) fn sizes(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R26", "sizes");
    let limits = &case.policy.limits;
    result.saw(format!("{} bytes of input, {} files asked for", case.input_bytes, case.statement.files.len()));
    result.deny_if(case.input_bytes > limits.max_input_bytes, "input_too_large", "the file");
    result.deny_if(case.statement.files.len() > limits.max_files, "too_many_files", "statement");
    if needs_content(case, &mut result).is_none() {
        return result;
    }
    let Some(payload) = needs_payload(case, &mut result) else { return result };
    let bytes: u64 = payload.iter().map(|p| p.bytes.len() as u64).sum();
    result.saw(format!("{bytes} bytes in {} files", payload.len()));
    result.deny_if(bytes > limits.max_payload_bytes, "payload_too_large", "output");
    result.deny_if(payload.len() != case.statement.files.len(), "another_number_of_files", "output");
    let mut paths: Vec<&str> = payload.iter().map(|p| p.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    result.deny_if(paths.len() != payload.len(), "two_files_of_a_name", "output");
    result
}

/// R27: rebuilding gives the same bytes.
pub(super) fn reproducible(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R27", "reproducible");
    let Some(content) = needs_content(case, &mut result) else { return result };
    let Some(payload) = needs_payload(case, &mut result) else { return result };
    for (file, field) in payload.iter().zip(&content.fields) {
        let again = rebuild(case, field);
        result.saw(format!("{} rebuilt", variable_place(field.ordinal)));
        result.deny_if(!again.is_ok_and(|again| again.bytes == file.bytes), "not_the_same_bytes", &variable_place(field.ordinal));
    }
    result
}

/// R28: the NetCDF library, which did not write the output, finds in it what was meant.
pub(super) fn read_again(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R28", "read again");
    let Some(payload) = needs_payload(case, &mut result) else { return result };
    for (number, file) in payload.iter().enumerate() {
        let place = format!("output {}", number + 1);
        result.saw(format!("{} variables of {place} by the NetCDF library", file.file.variables.len()));
        result.deny_if(!reads_alike(file).unwrap_or(false), "read_otherwise", &place);
    }
    result
}

fn reads_alike(file: &super::super::Payload) -> Option<bool> {
    let folder = tempfile::tempdir().ok()?;
    let path = folder.path().join("output.nc");
    std::fs::write(&path, &file.bytes).ok()?;
    let read = knarr_io::nc::File::open(&path).ok()?;
    if read.variables().len() != file.file.variables.len() || read.attributes().len() != file.file.attributes.len() {
        return Some(false);
    }
    for variable in &file.file.variables {
        let alike = match &variable.values {
            Values::Text(_) => false,
            Values::Int(v) => same(&read.read(&variable.name).ok()?, v.iter().map(|&x| f64::from(x))),
            Values::Float(v) => same(&read.read(&variable.name).ok()?, v.iter().map(|&x| f64::from(x))),
            Values::Double(v) => same(&read.read(&variable.name).ok()?, v.iter().copied()),
        };
        if !alike {
            return Some(false);
        }
    }
    Some(true)
}

fn same(read: &[f64], written: impl ExactSizeIterator<Item = f64>) -> bool {
    read.len() == written.len() && read.iter().zip(written).all(|(a, b)| a.to_bits() == b.to_bits())
}
