//! Missing values, valid ranges and packing, in that order.

mod common;

use common::{numbers, text, var, write};
use knarr_field::{Attribute, NumberType};
use knarr_io::nc::Numbers;
use knarr_io::{Dataset, Decoded, Decoder, IoError, NanPolicy, Purpose, read_decoded};

fn decoded_for(
    values: Numbers,
    attributes: &[(&str, Attribute)],
    purpose: Purpose,
    nan: NanPolicy,
) -> Result<(Decoded, Vec<String>), IoError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("packed.nc");
    let len = match &values {
        Numbers::I8(v) => v.len(),
        Numbers::U8(v) => v.len(),
        Numbers::I16(v) => v.len(),
        Numbers::I32(v) => v.len(),
        Numbers::F32(v) => v.len(),
        Numbers::F64(v) => v.len(),
        _ => unreachable!("types these tests use"),
    };
    write(&path, &[("x", len)], &[], &[var("v", &["x"], values, attributes)]);
    let dataset = Dataset::open(&path)?;
    let decoder = Decoder::new(dataset.file(), dataset.file().variable("v")?, purpose)?;
    Ok((read_decoded(dataset.file(), "v", purpose, nan)?, decoder.remarks().to_vec()))
}

/// Values with `None` where missing.
fn decoded(values: Numbers, attributes: &[(&str, Attribute)]) -> Vec<Option<f64>> {
    let (d, _) = decoded_for(values, attributes, Purpose::Data, NanPolicy::Error).expect("decodes");
    let valid = d.valid.unwrap_or_else(|| vec![true; d.values.len()]);
    d.values.iter().zip(valid).map(|(&v, ok)| ok.then_some(v)).collect()
}

#[test]
fn missing_is_told_before_unpacking() {
    // 0 unpacks to the fill value's number, and -999 would unpack to a plain value.
    let attributes = [
        ("_FillValue", numbers(NumberType::I16, &[-999.0])),
        ("scale_factor", numbers(NumberType::F64, &[0.5])),
        ("add_offset", numbers(NumberType::F64, &[-999.0])),
    ];
    assert_eq!(decoded(Numbers::I16(vec![0, -999, 2]), &attributes), [Some(-999.0), None, Some(-998.0)]);
}

#[test]
fn fill_and_missing_values_both_count_and_may_be_lists() {
    let attributes =
        [("_FillValue", numbers(NumberType::I32, &[-1.0])), ("missing_value", numbers(NumberType::I32, &[-2.0, -3.0]))];
    assert_eq!(decoded(Numbers::I32(vec![-1, -2, -3, -4]), &attributes), [None, None, None, Some(-4.0)]);
}

#[test]
fn a_double_attribute_marks_single_precision_values() {
    let attributes = [("missing_value", numbers(NumberType::F64, &[1e20]))];
    assert_eq!(decoded(Numbers::F32(vec![1e20, 1.0]), &attributes), [None, Some(1.0)]);
}

#[test]
fn a_single_precision_attribute_marks_double_values_of_either_rounding() {
    let attributes = [("missing_value", numbers(NumberType::F32, &[f64::from(1e20f32)]))];
    assert_eq!(decoded(Numbers::F64(vec![1e20, f64::from(1e20f32), 1.0]), &attributes), [None, None, Some(1.0)]);
}

#[test]
fn the_default_fill_counts_without_an_explicit_one_even_beside_a_missing_value() {
    let fill = 9.969_21e36f32;
    let beside = [("missing_value", numbers(NumberType::F32, &[-5.0]))];
    assert_eq!(decoded(Numbers::F32(vec![fill, -5.0, 2.0]), &beside), [None, None, Some(2.0)]);
    let explicit = [("_FillValue", numbers(NumberType::F32, &[-5.0]))];
    let found = decoded(Numbers::F32(vec![fill, -5.0, 2.0]), &explicit);
    assert_eq!(found, [Some(f64::from(fill)), None, Some(2.0)]);
    assert_eq!(decoded(Numbers::I16(vec![-32767, 1]), &[]), [None, Some(1.0)]);
    assert_eq!(decoded(Numbers::I8(vec![-127, 1]), &[]), [Some(-127.0), Some(1.0)]);
    assert_eq!(decoded(Numbers::U8(vec![255, 1]), &[]), [Some(255.0), Some(1.0)]);
}

#[test]
fn the_default_fill_of_a_classic_file_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("classic.nc");
    let mut file = netcdf::create_with(&path, netcdf::Options::default()).expect("created");
    file.add_dimension("x", 3).expect("added");
    file.add_variable::<f32>("v", &["x"]).expect("added");
    drop(file);
    let mut file = netcdf::append(&path).expect("opened");
    file.variable_mut("v").expect("there").put_values(&[7.0f32], 1..2).expect("put");
    drop(file);
    let dataset = Dataset::open(&path).expect("NetCDF");
    let d = read_decoded(dataset.file(), "v", Purpose::Data, NanPolicy::Error).expect("decodes");
    assert_eq!(d.valid, Some(vec![false, true, false]));
    assert_eq!(d.values, [0.0, 7.0, 0.0]);
}

#[test]
fn valid_ranges_are_in_packed_units_and_hold_their_ends() {
    let packed = [("valid_range", numbers(NumberType::I16, &[0.0, 100.0])), ("scale_factor", numbers(NumberType::F32, &[2.0]))];
    let values = Numbers::I16(vec![-1, 0, 100, 101]);
    assert_eq!(decoded(values.clone(), &packed), [None, Some(0.0), Some(200.0), None]);
    let unpacked = [("valid_range", numbers(NumberType::F32, &[0.0, 100.0])), ("scale_factor", numbers(NumberType::F32, &[2.0]))];
    assert_eq!(decoded(values, &unpacked), [None, Some(0.0), None, None]);
    let ends = [("valid_min", numbers(NumberType::F64, &[0.1])), ("valid_max", numbers(NumberType::F64, &[0.3]))];
    let found = decoded(Numbers::F32(vec![0.1, 0.3, 0.05, 0.31]), &ends);
    assert_eq!(found, [Some(f64::from(0.1f32)), Some(f64::from(0.3f32)), None, None]);
}

#[test]
fn valid_ranges_do_not_mask_coordinates() {
    let attributes = [("valid_min", numbers(NumberType::F32, &[400.0])), ("valid_max", numbers(NumberType::F32, &[500.0]))];
    let values = Numbers::F32(vec![10.0, 20.0]);
    let (d, remarks) = decoded_for(values.clone(), &attributes, Purpose::Coordinate, NanPolicy::Error).expect("decodes");
    assert_eq!((d.valid, d.values.as_slice()), (None, [10.0, 20.0].as_slice()));
    assert!(remarks.iter().any(|r| r.contains("valid range")), "{remarks:?}");
    assert_eq!(decoded(values, &attributes), [None, None]);
}

#[test]
fn rules_that_make_no_sense_are_remarked_and_not_used() {
    let attributes = [
        ("_FillValue", numbers(NumberType::I16, &[-1.0])),
        ("missing_value", numbers(NumberType::F32, &[f64::from(1e20f32)])),
        ("valid_range", numbers(NumberType::I16, &[5.0, 1.0])),
    ];
    let (d, remarks) = decoded_for(Numbers::I16(vec![3, -1]), &attributes, Purpose::Data, NanPolicy::Error).expect("decodes");
    assert_eq!(d.valid, Some(vec![true, false]));
    assert!(remarks.iter().any(|r| r.contains("does not fit int16")), "{remarks:?}");
    assert!(remarks.iter().any(|r| r.contains("is empty")), "{remarks:?}");
}

#[test]
fn nan_needs_a_rule_or_a_policy() {
    let values = Numbers::F32(vec![1.0, f32::NAN, f32::NAN]);
    let error = decoded_for(values.clone(), &[], Purpose::Data, NanPolicy::Error).expect_err("nobody says what NaN means");
    assert!(matches!(error, IoError::NanWithoutFill { first_index: 1, .. }), "{error}");
    assert!(error.hint().is_some_and(|h| h.contains("--nan missing")));
    let (d, _) = decoded_for(values.clone(), &[], Purpose::Data, NanPolicy::Missing).expect("the policy says");
    assert_eq!(d.valid, Some(vec![true, false, false]));
    let fill = [("_FillValue", numbers(NumberType::F32, &[f64::NAN]))];
    assert_eq!(decoded(values, &fill), [Some(1.0), None, None]);
}

#[test]
fn unsigned_bytes_stored_as_signed_are_read_as_unsigned() {
    let attributes = [
        ("_Unsigned", text("true")),
        ("_FillValue", numbers(NumberType::I8, &[-1.0])),
        ("scale_factor", numbers(NumberType::F64, &[2.0])),
    ];
    assert_eq!(decoded(Numbers::I8(vec![-2, -1, 3]), &attributes), [Some(508.0), None, Some(6.0)]);
}

#[test]
fn packing_that_is_no_number_is_an_error() {
    let attributes = [("scale_factor", text("a lot"))];
    let error = decoded_for(Numbers::I16(vec![1]), &attributes, Purpose::Data, NanPolicy::Error).expect_err("no number");
    assert!(error.to_string().contains("found `a lot`, expected a finite number"), "{error}");
}
