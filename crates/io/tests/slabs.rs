//! Slabs are the same whatever the order of a variable's dimensions.

mod common;

use common::{on, spec, text, var, write};
use knarr_field::NumberType;
use knarr_io::nc::Numbers;
use knarr_io::{Dataset, IoError, NanPolicy, match_dims_by_size};

const DIMS: [(&str, usize); 4] = [("time", 3), ("lev", 2), ("lat", 4), ("lon", 8)];

fn value(index: [usize; 4]) -> f32 {
    (index[0] * 1000 + index[1] * 100 + index[2] * 10 + index[3]) as f32
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![vec![]];
    }
    let rest = |k: usize| items.iter().copied().filter(move |&i| i != items[k]).collect::<Vec<_>>();
    (0..items.len())
        .flat_map(|k| permutations(&rest(k)).into_iter().map(move |p| (k, p)))
        .map(|(k, p)| std::iter::once(items[k]).chain(p).collect())
        .collect()
}

#[test]
fn every_order_of_dimensions_gives_the_same_slabs() {
    let folder = tempfile::tempdir().expect("a folder");
    let grid = spec("r8x4");
    let orders = permutations(&[0, 1, 2, 3]);
    assert_eq!(orders.len(), 24);
    for order in orders {
        let path = folder.path().join("permuted.nc");
        let lens: Vec<usize> = order.iter().map(|&k| DIMS[k].1).collect();
        let mut values = Vec::new();
        for flat in 0..lens.iter().product() {
            let (mut rest, mut index) = (flat, [0; 4]);
            for (&k, len) in order.iter().zip(&lens).rev() {
                index[k] = rest % len;
                rest /= len;
            }
            values.push(value(index));
        }
        let names: Vec<&str> = order.iter().map(|&k| DIMS[k].0).collect();
        let fill = common::numbers(NumberType::F32, &[f64::from(value([1, 1, 2, 3]))]);
        write(&path, &DIMS, &[], &[var("v", &names, Numbers::F32(values), &[("_FillValue", fill)])]);
        let dataset = Dataset::open(&path).expect("NetCDF");
        let grid = on(&grid, &["lat", "lon"]);
        assert_eq!(dataset.slab_count("v", &grid).expect("fits"), 6);
        let whole = dataset.read_slabs("v", &grid, 0..6, NanPolicy::Error).expect("reads");
        // Slabs follow the other dimensions as stored.
        let time_first = names.iter().position(|n| *n == "time") < names.iter().position(|n| *n == "lev");
        for slab in 0..6 {
            let (t, l) = if time_first { (slab / 2, slab % 2) } else { (slab % 3, slab / 3) };
            for cell in 0..32 {
                let expected = value([t, l, cell / 8, cell % 8]);
                let valid = whole.valid.as_ref().expect("one is missing")[[slab, cell]];
                assert_eq!(valid, [t, l, cell / 8, cell % 8] != [1, 1, 2, 3], "{names:?}");
                if valid {
                    assert_eq!(whole.values[[slab, cell]], f64::from(expected), "{names:?}, slab {slab}, cell {cell}");
                }
            }
        }
        for (start, end) in [(0, 1), (1, 4), (2, 6), (5, 6), (3, 3)] {
            let part = dataset.read_slabs("v", &grid, start..end, NanPolicy::Error).expect("reads");
            assert_eq!(part.values, whole.values.slice(ndarray::s![start..end, ..]), "{names:?} {start}..{end}");
        }
        let field = dataset.read_field("v", &grid, NanPolicy::Error).expect("reads");
        assert_eq!((field.slab_count(), field.extra_dims.len()), (6, 2));
        assert_eq!((&field.values, &field.valid), (&whole.values, &whole.valid));
        let beyond = dataset.read_slabs("v", &grid, 5..7, NanPolicy::Error);
        assert!(matches!(beyond, Err(IoError::WrongShape { .. })));
    }
}

#[test]
fn the_index_of_a_nan_counts_from_the_first_slab() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nan.nc");
    let mut values = vec![1f32; 96];
    values[70] = f32::NAN;
    write(&path, &DIMS, &[], &[var("v", &["time", "lat", "lon"], Numbers::F32(values), &[])]);
    let dataset = Dataset::open(&path).expect("NetCDF");
    let read = dataset.read_slabs("v", &on(&spec("r8x4"), &["lat", "lon"]), 1..3, NanPolicy::Error);
    assert!(matches!(read, Err(IoError::NanWithoutFill { first_index: 70, .. })), "{read:?}");
}

#[test]
fn a_grid_from_elsewhere_is_laid_under_dimensions_of_its_lengths() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plain.nc");
    let dims = [("t", 3), ("y", 4), ("x", 8), ("w", 8)];
    let zeros = |n: usize| Numbers::F32(vec![0.0; n]);
    write(
        &path,
        &dims,
        &[],
        &[
            var("good", &["t", "y", "x"], zeros(96), &[("units", text("K"))]),
            var("twice", &["y", "x", "w"], zeros(256), &[]),
            var("short", &["t", "x"], zeros(24), &[]),
        ],
    );
    let dataset = Dataset::open(&path).expect("NetCDF");
    let grid = spec("r8x4");
    let matched = |name: &str| match_dims_by_size(&dataset, dataset.variable(name).expect("there"), &grid);
    assert_eq!(matched("good").expect("unique"), ["y", "x"]);
    let ambiguous = matched("twice").expect_err("two dimensions have 8").to_string();
    assert!(ambiguous.contains("more than one dimension has the grid's length 8: x, w"), "{ambiguous}");
    let lacking = matched("short").expect_err("none has 4").to_string();
    assert!(lacking.contains("needs a dimension of length 4"), "{lacking}");
}
