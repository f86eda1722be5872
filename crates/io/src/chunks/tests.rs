//! Chunks read here are those that the library reads, and what is written here the library reads back.

use super::{ChunkWriter, Container, raw};
use crate::element::{Element, with_element};
use crate::nc;
use hdf5_metno::file::OpenMode;
use hdf5_metno::filters::ScaleOffset;
use hdf5_metno::{Dataset, DatasetBuilder, File, H5Type};
use knarr_field::NumberType;
use ndarray::ArrayD;
use std::ops::Range;
use std::path::Path;

const TYPES: [NumberType; 10] = [
    NumberType::I8,
    NumberType::U8,
    NumberType::I16,
    NumberType::U16,
    NumberType::I32,
    NumberType::U32,
    NumberType::I64,
    NumberType::U64,
    NumberType::F32,
    NumberType::F64,
];

type With = fn(DatasetBuilder) -> DatasetBuilder;

/// Lengths, lengths of chunks (edges are cut in most), a part to read.
type Case = (Vec<usize>, Vec<usize>, Vec<Range<usize>>);

fn layouts() -> Vec<Case> {
    let one = 3..39_000;
    vec![
        (vec![40_000], vec![7_001], vec![one]),
        (vec![300, 400], vec![300, 400], vec![0..300, 0..400]),
        (vec![300, 400], vec![64, 90], vec![5..299, 0..400]),
        (vec![6, 100, 200], vec![1, 100, 200], vec![1..6, 0..100, 0..200]),
        (vec![6, 100, 200], vec![4, 33, 64], vec![0..6, 10..90, 3..197]),
        (vec![6, 100, 200], vec![6, 20, 200], vec![2..5, 0..100, 0..200]),
        (vec![2, 3, 90, 180], vec![1, 1, 45, 180], vec![1..2, 0..3, 0..90, 0..180]),
        (vec![2, 3, 90, 180], vec![2, 2, 40, 50], vec![0..2, 0..3, 0..90, 0..180]),
    ]
}

/// Slow waves with some noise, over the range of bytes.
fn value(i: usize) -> f64 {
    let noise = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
    60.0 + 50.0 * (i as f64 * 0.01).sin() + noise as f64
}

fn values<T: Element>(lens: &[usize]) -> ArrayD<T> {
    let count = lens.iter().product();
    ArrayD::from_shape_vec(lens, (0..count).map(|i| T::stored(value(i))).collect()).expect("as many values")
}

/// A file with the variable `v`, chunked, and filtered as `with` says.
fn write<T: Element + H5Type>(path: &Path, lens: &[usize], chunk: &[usize], with: impl Fn(DatasetBuilder) -> DatasetBuilder) {
    let file = File::create(path).expect("created");
    let dataset = with(file.new_dataset_builder()).chunk(chunk).empty::<T>().shape(lens).create("v").expect("created");
    dataset.write(&values::<T>(lens)).expect("written");
}

fn chunked_is_known(path: &Path, number: NumberType, lens: &[usize]) -> bool {
    let container = Container::open(path, OpenMode::Read).expect("an HDF5 file");
    container.chunked("v", number, lens).is_some()
}

/// The part by both ways; the way around the library is taken.
fn same_as_library<T: Element + PartialEq + std::fmt::Debug>(path: &Path, part: &[Range<usize>], case: &str) {
    let file = nc::File::open(path).expect("NetCDF");
    let variable = file.variable("v").expect("there");
    let lens: Vec<usize> = variable.dims.iter().map(|d| d.len).collect();
    let container = Container::open(path, OpenMode::Read).expect("opened beside the NetCDF library");
    let chunked = container.chunked("v", T::NUMBER, &lens).expect(case);
    for part in [part.to_vec(), lens.iter().map(|&len| 0..len).collect()] {
        let plain = file.read_numbers_plainly("v", &part).expect("reads");
        let mut words = vec![<T::Word>::default(); part.iter().map(Range::len).product()];
        chunked.read(&part, &mut words).expect(case);
        assert!(T::wrap(bytemuck::cast_slice(&words).to_vec()) == plain, "{case}, {part:?}");
        assert!(file.read_numbers("v", &part).expect("reads") == plain, "{case}, {part:?}");
    }
}

#[test]
fn every_type_layout_and_filter_reads_as_by_the_library() {
    crate::library::ready();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.nc");
    let filters: [(&str, With); 7] = [
        ("none", |b| b),
        ("shuffle", DatasetBuilder::shuffle),
        ("deflate 0", |b| b.deflate(0)),
        ("deflate 9", |b| b.deflate(9)),
        ("shuffle, deflate 1", |b| b.shuffle().deflate(1)),
        ("shuffle, deflate 4, checksum", |b| b.shuffle().deflate(4).fletcher32()),
        ("shuffle, checksum, deflate", |b| b.shuffle().fletcher32().deflate(2)),
    ];
    for (k, number) in TYPES.into_iter().enumerate() {
        for (j, (lens, chunk, part)) in layouts().into_iter().enumerate() {
            for (i, (filter, with)) in filters.into_iter().enumerate() {
                // All pairs of type and filter, and of layout and filter; not all triples.
                if number != NumberType::F32 && (k + j + i) % 4 != 0 {
                    continue;
                }
                with_element!(number, T => {
                    write::<T>(&path, &lens, &chunk, with);
                    same_as_library::<T>(&path, &part, &format!("{number} {lens:?} {chunk:?} {filter}"));
                });
            }
        }
    }
}

#[test]
fn every_level_of_deflate_is_read() {
    crate::library::ready();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.nc");
    for level in 0..=9 {
        write::<f32>(&path, &[200, 300], &[70, 300], |b| b.shuffle().deflate(level));
        same_as_library::<f32>(&path, &[10..190, 0..300], &format!("level {level}"));
    }
}

#[test]
fn chunks_that_were_never_written_hold_the_fill_value() {
    crate::library::ready();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.nc");
    for some in [false, true] {
        let file = File::create(&path).expect("created");
        let builder = file.new_dataset_builder().chunk([1, 90, 180]).shuffle().deflate(1).fill_value(-7.5f32);
        let dataset = builder.empty::<f32>().shape([4, 90, 180]).create("v").expect("created");
        if some {
            let ones = ndarray::Array2::<f32>::ones((90, 180));
            dataset.write_slice(&ones, hdf5_metno::Selection::new((2, .., ..))).expect("written");
        }
        drop((dataset, file));
        same_as_library::<f32>(&path, &[1..4, 0..90, 0..180], "missing chunks");
        let file = nc::File::open(&path).expect("NetCDF");
        let nc::Numbers::F32(all) = file.read_numbers("v", &[0..4, 0..90, 0..180]).expect("reads") else { panic!("f32") };
        assert_eq!(all.iter().filter(|&&v| v == 1.0).count(), if some { 90 * 180 } else { 0 });
        assert_eq!(all.iter().filter(|&&v| v == -7.5).count(), if some { 3 * 90 * 180 } else { 4 * 90 * 180 });
    }
}

#[test]
fn big_endian_numbers_are_turned() {
    crate::library::ready();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.nc");
    for number in TYPES {
        with_element!(number, T => {
            let mut file = netcdf::create(&path).expect("created");
            file.add_dimension("y", 200).expect("added");
            file.add_dimension("x", 300).expect("added");
            let mut v = file.add_variable::<T>("v", &["y", "x"]).expect("added");
            v.set_endianness(netcdf::Endianness::Big).expect("set");
            v.set_chunking(&[64, 300]).expect("set");
            v.set_compression(1, true).expect("set");
            v.put_values(values::<T>(&[200, 300]).as_slice().expect("one piece"), ..).expect("put");
            file.close().expect("closed");
            same_as_library::<T>(&path, &[3..200, 1..300], &format!("big-endian {number}"));
        });
    }
}

#[test]
fn what_is_not_known_is_left_to_the_library() {
    crate::library::ready();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.nc");
    let lens = [200, 300];
    let whole = [0..200, 0..300];
    let left: [(&str, With); 2] =
        [("n-bit", DatasetBuilder::nbit), ("scale-offset", |b| b.scale_offset(ScaleOffset::Integer(0)))];
    for (name, with) in left {
        write::<i32>(&path, &lens, &[100, 300], with);
        assert!(!chunked_is_known(&path, NumberType::I32, &lens), "{name}");
        let file = nc::File::open(&path).expect("NetCDF");
        let found = file.read_numbers("v", &whole).expect("reads");
        assert_eq!(found, nc::Numbers::I32(values::<i32>(&lens).into_raw_vec_and_offset().0), "{name}");
    }
    write::<i32>(&path, &lens, &[100, 300], |b| b);
    assert!(!chunked_is_known(&path, NumberType::F32, &lens), "another type");
    let file = File::create(&path).expect("created");
    file.new_dataset_builder().with_data(&values::<f32>(&lens)).create("v").expect("written");
    drop(file);
    assert!(!chunked_is_known(&path, NumberType::F32, &lens), "contiguous");
    let file = nc::File::open(&path).expect("NetCDF");
    assert_eq!(file.read_numbers("v", &whole).expect("reads"), file.read_numbers_plainly("v", &whole).expect("reads"));
}

/// A file whose second chunk has the bytes `stored`.
fn with_bytes_in_a_chunk(path: &Path, with: impl Fn(DatasetBuilder) -> DatasetBuilder, stored: &dyn Fn(Vec<u8>) -> Vec<u8>) {
    write::<f32>(path, &[200, 300], &[100, 300], with);
    let file = File::open_rw(path).expect("opened");
    let dataset: Dataset = file.dataset("v").expect("there");
    let mut bytes = Vec::new();
    raw::read_chunk(&dataset, &[100, 0], &mut bytes).expect("reads").expect("it was written");
    raw::write_chunk(&dataset, &[100, 0], &stored(bytes)).expect("stored");
}

#[test]
fn damaged_chunks_are_errors_that_name_the_chunk() {
    crate::library::ready();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.nc");
    let deflated: With = |b| b.shuffle().deflate(1);
    let summed: With = DatasetBuilder::fletcher32;
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        bytes
    };
    type Damage<'d> = (&'d str, With, &'d dyn Fn(Vec<u8>) -> Vec<u8>);
    let cases: [Damage<'_>; 6] = [
        ("compressed bytes are damaged", deflated, &flip),
        ("compressed bytes are damaged", deflated, &|bytes| bytes[..bytes.len() / 2].to_vec()),
        ("compressed bytes are damaged", deflated, &|_| b"no deflate stream".to_vec()),
        ("holds 400 bytes, a chunk has 120000", deflated, &|_| super::encode::Encoding::default().encode(&[7u32; 100], true)),
        ("holds more than the 120000 bytes", deflated, &|_| super::encode::Encoding::default().encode(&vec![7u32; 40_000], true)),
        ("its checksum is wrong", summed, &flip),
    ];
    for (expected, with, stored) in cases {
        with_bytes_in_a_chunk(&path, with, stored);
        let file = nc::File::open(&path).expect("NetCDF");
        let found = file.read_numbers("v", &[0..200, 0..300]);
        let error = found.map(|_| "values").expect_err(expected).to_string();
        let names = ["v.nc", "variable `v`", "chunk at [100, 0]", expected];
        assert!(names.iter().all(|name| error.contains(name)), "{error}, expected {expected}");
        // What lies elsewhere can be read.
        let fine = file.read_numbers("v", &[0..100, 0..300]).expect("the first chunk is whole");
        assert_eq!(fine, nc::Numbers::F32(values::<f32>(&[100, 300]).into_raw_vec_and_offset().0));
    }
}

/// Slabs written here and by the library: the same values for every type, edge and order of writing.
#[test]
fn slabs_written_are_read_back_by_the_library() {
    crate::library::ready();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("v.nc");
    for number in TYPES {
        for (lens, chunk, extra) in [
            (vec![200, 300], vec![64, 300], 0),
            (vec![5, 100, 200], vec![1, 33, 60], 1),
            (vec![2, 3, 40_000], vec![1, 1, 40_000], 2),
        ] {
            with_element!(number, T => {
                let mut file = netcdf::create(&path).expect("created");
                let names = ["a", "b", "c"];
                for (k, (name, len)) in names.iter().zip(&lens).enumerate() {
                    // The first one can grow, and has not grown yet.
                    file.add_dimension(name, if extra > 0 && k == 0 { 0 } else { *len }).expect("added");
                }
                let mut v = file.add_variable::<T>("v", &names[..lens.len()]).expect("added");
                v.set_chunking(&chunk).expect("set");
                v.set_compression(1, true).expect("set");
                file.sync().expect("synchronized");
                let container = Container::open(&path, OpenMode::ReadWrite).expect("opened beside the NetCDF library");
                let chunked = container.find("v", number, &lens).expect("chunked");
                let writer = ChunkWriter::new(chunked, &lens, extra).expect("slabs of chunks").expect("extended");
                let slabs: usize = lens[..extra].iter().product();
                let all = values::<T>(&lens);
                let cells = all.len() / slabs;
                for batch in [0..slabs / 2, slabs / 2..slabs] {
                    let first = batch.start * cells;
                    let values = |range: Range<usize>, out: &mut [T]| {
                        out.copy_from_slice(&all.as_slice().expect("one piece")[first + range.start..first + range.end]);
                    };
                    writer.write(batch, T::default(), &values).expect("written");
                }
                drop((writer, container));
                file.close().expect("closed");
                let file = nc::File::open(&path).expect("NetCDF");
                let whole: Vec<Range<usize>> = lens.iter().map(|&len| 0..len).collect();
                let found = file.read_numbers_plainly("v", &whole).expect("reads");
                assert!(found == T::wrap(all.into_raw_vec_and_offset().0), "{number} {lens:?} {chunk:?}");
            });
        }
    }
}
