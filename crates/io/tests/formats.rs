//! Every container and every type of number is read, and what is no NetCDF is refused with its own error.

use knarr_field::{Attribute, NumberType};
use knarr_io::nc::{File, Numbers, ValueType};
use knarr_io::nc_write::{NewFile, NewVariable};
use knarr_io::{Dataset, IoError};
use std::path::{Path, PathBuf};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A file with one variable for each of the types of the classic formats.
fn write_classic(path: &Path, options: netcdf::Options) {
    let mut file = netcdf::create_with(path, options).expect("created");
    file.add_unlimited_dimension("time").expect("added");
    file.add_dimension("x", 3).expect("added");
    file.add_variable::<i8>("byte", &["x"]).expect("added").put_attribute("scale", 2i8).expect("put");
    file.add_variable::<i16>("short", &["time", "x"]).expect("added").put_attribute("units", "K").expect("put");
    file.add_variable::<i32>("int", &["x"]).expect("added");
    file.add_variable::<f32>("float", &["x"]).expect("added").put_attribute("range", vec![1.5f32, 2.5]).expect("put");
    file.add_variable::<f64>("double", &[]).expect("added");
    file.add_attribute("title", "classic").expect("put");
    let put = "values fit";
    // The classic formats take values only after their header is closed.
    drop(file);
    let mut file = netcdf::append(path).expect("opened again");
    file.variable_mut("byte").expect("there").put_values(&[-128i8, 0, 127], ..).expect(put);
    file.variable_mut("short").expect("there").put_values(&[1i16, -2, 3, 4, 5, -32768], (0..2, 0..3)).expect(put);
    file.variable_mut("int").expect("there").put_values(&[i32::MIN, 0, i32::MAX], ..).expect(put);
    file.variable_mut("float").expect("there").put_values(&[0.1f32, -1e30, 3e38], ..).expect(put);
    file.variable_mut("double").expect("there").put_value(0.1f64, ()).expect(put);
}

#[test]
fn every_classic_container_gives_the_same_values() {
    let folder = folder();
    let cases = [
        ("classic", netcdf::Options::default()),
        ("64-bit offset", netcdf::Options::_64BIT_OFFSET),
        ("CDF-5", netcdf::Options::_64BIT_DATA),
        ("NetCDF-4 classic model", netcdf::Options::NETCDF4 | netcdf::Options::CLASSIC),
        ("NetCDF-4", netcdf::Options::NETCDF4),
    ];
    for (name, options) in cases {
        let path = folder.path().join(name.replace(' ', "_"));
        write_classic(&path, options);
        let file = File::open(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let read = |v: &str| file.read(v).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(read("byte"), [-128.0, 0.0, 127.0], "{name}");
        assert_eq!(read("short"), [1.0, -2.0, 3.0, 4.0, 5.0, -32768.0], "{name}");
        assert_eq!(read("int"), [-2147483648.0, 0.0, 2147483647.0], "{name}");
        assert_eq!(read("float"), [0.1f32, -1e30, 3e38].map(f64::from), "{name}");
        assert_eq!(read("double"), [0.1], "{name}");
        assert_eq!(file.read_part("short", &[1..2, 1..3]).expect("inside"), [5.0, -32768.0], "{name}");
        let time = &file.variable("short").expect("there").dims[0];
        assert!(time.unlimited && time.len == 2 && time.name == "time", "{name}: {time:?}");
        assert_eq!(file.attributes().text("title"), Some("classic"), "{name}");
        let range = file.variable("float").expect("there").attributes.get("range").cloned();
        assert_eq!(range, Some(Attribute::Numbers(vec![1.5, 2.5], NumberType::F32)), "{name}");
        assert!(matches!(file.read_part("short", &[0..3, 0..3]), Err(IoError::WrongShape { .. })), "{name}");
    }
}

#[test]
fn every_number_type_returns_through_a_netcdf4_file() {
    let folder = folder();
    let path = folder.path().join("numbers.nc");
    let numbers = [
        (NumberType::I8, Numbers::I8(vec![i8::MIN, 0, i8::MAX])),
        (NumberType::U8, Numbers::U8(vec![0, 1, u8::MAX])),
        (NumberType::I16, Numbers::I16(vec![i16::MIN, 0, i16::MAX])),
        (NumberType::U16, Numbers::U16(vec![0, 1, u16::MAX])),
        (NumberType::I32, Numbers::I32(vec![i32::MIN, 0, i32::MAX])),
        (NumberType::U32, Numbers::U32(vec![0, 1, u32::MAX])),
        (NumberType::I64, Numbers::I64(vec![i64::MIN, 0, i64::MAX])),
        (NumberType::U64, Numbers::U64(vec![0, 1, u64::MAX])),
        (NumberType::F32, Numbers::F32(vec![f32::MIN, 0.1, f32::MAX])),
        (NumberType::F64, Numbers::F64(vec![f64::MIN, 0.1, f64::MAX])),
    ];
    let mut file = NewFile::create(&path, false).expect("created");
    file.add_dimension("x", 3, false).expect("added");
    for (number, _) in &numbers {
        let attributes = [("scale", Attribute::Numbers(vec![1.0, 2.0], *number))].into_iter().collect();
        let new = NewVariable {
            name: format!("v/{number}"),
            dims: vec!["x".into()],
            value_type: ValueType::Number(*number),
            attributes,
            fill: Some(100.0),
            chunks: Some(vec![2]),
            compressed: true,
        };
        file.add_variable(&new).expect("added");
    }
    for (number, values) in &numbers {
        file.put_numbers(&format!("v/{number}"), std::slice::from_ref(&(0..3)), values).expect("put");
    }
    file.finish().expect("written");
    let file = File::open(&path).expect("NetCDF");
    for (number, values) in &numbers {
        let name = format!("v/{number}");
        assert_eq!(file.read_numbers(&name, std::slice::from_ref(&(0..3))).expect("numbers"), *values);
        let v = file.variable(&name).expect("there");
        assert_eq!(v.value_type, ValueType::Number(*number));
        assert_eq!(v.dims[0].name, "x");
        assert_eq!(v.chunks, Some(vec![2]));
        assert_eq!(v.attributes.get("scale"), Some(&Attribute::Numbers(vec![1.0, 2.0], *number)));
        assert_eq!(v.attributes.number("_FillValue"), Some(100.0));
        assert_eq!(file.fill_in_effect(&name).expect("numbers"), Some(100.0));
    }
}

#[test]
fn groups_have_their_own_dimensions_and_see_those_around_them() {
    let folder = folder();
    let path = folder.path().join("groups.nc");
    let mut file = netcdf::create(&path).expect("created");
    file.add_dimension("x", 2).expect("added");
    file.add_group("inner/deep").expect("added");
    file.add_dimension("inner/x", 4).expect("added");
    file.add_variable::<f32>("a", &["x"]).expect("added").put_values(&[1f32, 2.0], ..).expect("put");
    file.add_variable::<f32>("inner/a", &["x"]).expect("added").put_values(&[1f32, 2.0, 3.0, 4.0], ..).expect("put");
    file.add_variable::<f32>("inner/deep/b", &["x"]).expect("added").put_values(&[9f32; 4], ..).expect("put");
    drop(file);
    let file = File::open(&path).expect("NetCDF");
    let names: Vec<&str> = file.variables().iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["a", "inner/a", "inner/deep/b"]);
    assert_eq!(file.variable("a").expect("there").dim_names(), ["x"]);
    assert_eq!(file.variable("inner/deep/b").expect("there").dim_names(), ["inner/x"]);
    assert_eq!(file.read("inner/a").expect("numbers"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(file.find_from("inner/deep/b", "a").map(|v| v.name.as_str()), Some("inner/a"));
    assert_eq!(file.find_from("a", "/inner/deep/b").map(|v| v.name.as_str()), Some("inner/deep/b"));
}

#[test]
fn texts_are_read_from_characters_and_strings() {
    let folder = folder();
    let path = folder.path().join("texts.nc");
    let mut file = NewFile::create(&path, false).expect("created");
    file.add_dimension("member", 3, false).expect("added");
    file.add_dimension("len", 4, false).expect("added");
    let new = |name: &str, dims: &[&str], value_type| NewVariable {
        name: name.into(),
        dims: dims.iter().map(|d| (*d).to_owned()).collect(),
        value_type,
        attributes: knarr_field::Attributes::new(),
        fill: None,
        chunks: None,
        compressed: false,
    };
    file.add_variable(&new("chars", &["member", "len"], ValueType::Char)).expect("added");
    file.add_variable(&new("strings", &["member"], ValueType::String)).expect("added");
    file.add_variable(&new("unwritten", &["member"], ValueType::String)).expect("added");
    file.add_variable(&new("letter", &[], ValueType::Char)).expect("added");
    file.put_chars("chars", &[3, 4], b"r1\0\0abcdx   ").expect("put");
    file.put_chars("letter", &[], b"z").expect("put");
    file.put_texts("strings", &[3], &["é".into(), String::new(), "long name".into()]).expect("put");
    file.finish().expect("written");
    let file = File::open(&path).expect("NetCDF");
    assert_eq!(file.read_texts("chars").expect("text"), ["r1", "abcd", "x"]);
    assert_eq!(file.read_chars("chars").expect("text"), b"r1\0\0abcdx   ");
    assert_eq!(file.read_texts("strings").expect("text"), ["é", "", "long name"]);
    assert_eq!(file.read_texts("unwritten").expect("text"), ["", "", ""]);
    assert_eq!(file.read_texts("letter").expect("text"), ["z"]);
    assert!(matches!(file.read("chars"), Err(IoError::WrongType { .. })));
    assert!(matches!(file.read("strings"), Err(IoError::WrongType { .. })));
}

#[test]
fn dimensions_without_length_have_no_values() {
    let folder = folder();
    for (name, options) in [("classic", netcdf::Options::default()), ("netcdf4", netcdf::Options::NETCDF4)] {
        let path: PathBuf = folder.path().join(name);
        let mut file = netcdf::create_with(&path, options).expect("created");
        file.add_unlimited_dimension("time").expect("added");
        file.add_dimension("x", 3).expect("added");
        file.add_variable::<f32>("v", &["time", "x"]).expect("added");
        drop(file);
        let file = File::open(&path).expect("NetCDF");
        assert_eq!(file.read("v").expect("nothing to read"), Vec::<f64>::new(), "{name}");
        assert!(file.variable("v").expect("there").is_empty(), "{name}");
    }
}

#[test]
fn what_is_no_netcdf_is_told_apart() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let message = |path: &Path| File::open(path).expect_err("not NetCDF").to_string();
    assert!(matches!(File::open(&path("absent.nc")), Err(IoError::NotFound { .. })));
    for (bytes, says) in [
        (&b"GRIB\0\0\0\x02"[..], "it looks like GRIB"),
        (b"", "it looks like an empty file"),
        (b"hello world", "it looks like text"),
        (b"\x1f\x8b\x08", "it looks like gzip"),
        (b"version https://git-lfs", "it looks like a Git LFS pointer"),
        (b"\x00\xff\x00\xff", "not a NetCDF file"),
    ] {
        std::fs::write(path("other"), bytes).expect("writable");
        assert!(message(&path("other")).contains(says), "{}", message(&path("other")));
    }
    assert!(message(folder.path()).contains("it looks like a folder"));
    let grib = IoError::NotNetcdf { path: path("a"), looks_like: Some("GRIB") };
    assert!(grib.hint().is_some_and(|h| h.contains("cdo -f nc4 copy")));
}

/// The file was written by the NetCDF library of another program, with szip: 4 x 8 values `t`.
#[test]
fn values_that_cannot_be_unpacked_are_told_with_a_way_on() {
    let folder = folder();
    let path = folder.path().join("szip.nc");
    std::fs::write(&path, include_bytes!("data/szip.nc")).expect("writable");
    let file = File::open(&path).expect("its header is plain");
    match file.read("t") {
        Err(error @ IoError::Filter { .. }) => {
            assert!(error.to_string().contains("`t`: its values are packed by a filter"), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("h5repack -f GZIP")));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn truncated_files_are_refused_wherever_they_end() {
    let folder = folder();
    let cases = [
        ("classic", netcdf::Options::default()),
        ("offset", netcdf::Options::_64BIT_OFFSET),
        ("cdf5", netcdf::Options::_64BIT_DATA),
        ("netcdf4", netcdf::Options::NETCDF4),
    ];
    for (name, options) in cases {
        let whole = folder.path().join(name);
        write_classic(&whole, options);
        let bytes = std::fs::read(&whole).expect("readable");
        let cut = folder.path().join(format!("{name}.cut"));
        // The last four bytes of the classic formats may be padding of the last record.
        for keep in [bytes.len() - 5, bytes.len() / 2, 60, 8, 5] {
            std::fs::write(&cut, &bytes[..keep]).expect("writable");
            let opened = File::open(&cut);
            let refused = matches!(opened, Err(IoError::Truncated { .. } | IoError::NotNetcdf { .. }));
            assert!(refused, "{name}, {keep} of {} bytes: {:?}", bytes.len(), opened.err());
        }
    }
}

#[test]
fn names_that_are_not_utf8_and_damaged_headers_are_refused() {
    let folder = folder();
    let path = folder.path().join("latin1.nc");
    write_classic(&path, netcdf::Options::default());
    let whole = std::fs::read(&path).expect("readable");
    let damaged = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        std::fs::write(&path, &bytes).expect("writable");
        File::open(&path).expect_err("damaged").to_string()
    };
    let name = whole.windows(6).position(|w| w == b"double").expect("a name in the header");
    assert!(damaged(name + 1, 0xe9).contains("the header: it has a name that is not UTF-8"));
    // The tag of the list of dimensions follows the magic number and the number of records.
    assert!(damaged(11, 99).contains("the header: it makes no sense"));
}

#[test]
fn a_misspelt_variable_gets_near_names() {
    let folder = folder();
    let path = folder.path().join("near.nc");
    write_classic(&path, netcdf::Options::default());
    let error = Dataset::open(&path).expect("NetCDF").variable("flaot").expect_err("misspelt");
    assert!(error.to_string().contains("no variable `flaot`, did you mean `float`"), "{error}");
    assert!(error.hint().is_some_and(|h| h.contains("knarr inspect")));
}
