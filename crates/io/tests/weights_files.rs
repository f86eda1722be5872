//! Weights written, read back, judged, and refused for other grids.

mod support;

use knarr_grid::{Detail, Mask};
use knarr_io::{
    GridFormat, IoError, MemoryPlan, Outcome, WeightsFormat, WeightsTiles, check_identity, check_weights, grid_from_argument,
    read_grid_file, read_weights, write_grid, write_weights,
};
use knarr_regrid::{Method, Options, Weights, cell_areas};
use netcdf::types::NcTypeDescriptor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{Made, grid};

/// Destination and source cell, counted from 1, and weight.
type Link = (i32, i32, f64);

/// A file with links as given, one-based, in the layout of TempestRemap: no masks, `first_index`, any order.
fn tempest(made: &Made, name: &str, links: &[Link]) -> PathBuf {
    tempest_with(made, name, links, |index| index)
}

/// The same with indices of another type.
fn tempest_with<T: NcTypeDescriptor>(made: &Made, name: &str, links: &[Link], index: impl Fn(i32) -> T) -> PathBuf {
    let path = made.path(name);
    let mut file = netcdf::create(&path).expect("a file");
    file.add_attribute("Title", "TempestRemap Offline Regridding Weight Generator").expect("attribute");
    for (dim, len) in [("n_a", made.source.len()), ("n_b", made.destination.len()), ("n_s", links.len())] {
        file.add_dimension(dim, len).expect("dimension");
    }
    for (name, dim, values) in [
        ("area_a", "n_a", made.weights.source_areas().expect("areas")),
        ("area_b", "n_b", made.weights.destination_areas().expect("areas")),
        ("frac_a", "n_a", &made.weights.source_fractions()),
        ("frac_b", "n_b", &made.weights.destination_fractions()),
    ] {
        let mut v = file.add_variable::<f64>(name, &[dim]).expect("variable");
        v.put_values(values, ..).expect("values");
    }
    for (name, values) in [("row", links.iter().map(|l| l.0).collect::<Vec<_>>()), ("col", links.iter().map(|l| l.1).collect())] {
        let mut v = file.add_variable::<T>(name, &["n_s"]).expect("variable");
        v.put_attribute("first_index", 1i32).expect("attribute");
        v.put_values(&values.into_iter().map(&index).collect::<Vec<T>>(), ..).expect("values");
    }
    let mut s = file.add_variable::<f64>("S", &["n_s"]).expect("variable");
    s.put_values(&links.iter().map(|l| l.2).collect::<Vec<_>>(), ..).expect("values");
    path
}

fn links_of(made: &Made) -> Vec<Link> {
    let w = &made.weights;
    (0..w.destination_len())
        .flat_map(|i| {
            let (columns, values) = w.row(i);
            columns.iter().zip(values).map(move |(&c, &v)| (i as i32 + 1, c as i32 + 1, v)).collect::<Vec<_>>()
        })
        .collect()
}

fn outcome(path: &Path, criterion: &str) -> Outcome {
    let verdict = check_weights(path).expect("a verdict");
    verdict.criteria.iter().find(|c| c.name.contains(criterion)).unwrap_or_else(|| panic!("{criterion}")).outcome
}

#[test]
fn weights_return_from_both_layouts_bit_for_bit() {
    let made = Made::new();
    for format in [WeightsFormat::Esmf, WeightsFormat::Scrip] {
        let read = read_weights(&made.written("w.nc", format)).expect("weights");
        assert_eq!(read.weights, made.weights, "{format:?}");
        assert_eq!(read.source_shape, made.source.shape);
        assert_eq!(read.destination_shape, made.destination.shape);
        assert!(read.notes.is_empty());
        check_identity(&read, &made.source, &made.destination).expect("they belong together");
    }
}

#[test]
fn weights_files_are_the_same_twice_and_kept() {
    let made = Made::new();
    for format in [WeightsFormat::Esmf, WeightsFormat::Scrip] {
        let (a, b) = (made.written("a.nc", format), made.written("b.nc", format));
        assert!(std::fs::read(&a).expect("a") == std::fs::read(&b).expect("b"));
        let again = write_weights(&made.weights, &made.source, &made.destination, &a, format, false);
        assert!(matches!(again, Err(IoError::Exists { .. })));
    }
    let swapped = write_weights(&made.weights, &made.destination, &made.source, &made.path("c.nc"), WeightsFormat::Esmf, true);
    assert!(matches!(swapped, Err(IoError::WeightsMismatch { .. })));
    assert!(!made.path("c.nc").exists());
}

#[test]
fn tempest_layout_in_any_order_is_read() {
    let made = Made::new();
    let mut links = links_of(&made);
    links.reverse();
    links.swap(3, 200);
    let read = read_weights(&tempest(&made, "t.nc", &links)).expect("weights");
    assert_eq!(read.convention, "TempestRemap");
    assert_eq!(read.weights.row_starts, made.weights.row_starts);
    assert_eq!(read.weights.columns, made.weights.columns);
    assert_eq!(read.weights.values, made.weights.values);
    assert!(read.weights.origin.conservative && read.weights.origin.source_hash.is_empty());
    assert_eq!(read.weights.origin.normalization, "destarea");
}

#[test]
fn repeated_links_are_added_and_noted() {
    let made = Made::new();
    let mut links = links_of(&made);
    let (row, column, value) = links[10];
    links[10].2 = 0.25 * value;
    links.push((row, column, 0.75 * value));
    let read = read_weights(&tempest(&made, "t.nc", &links)).expect("weights");
    assert_eq!(read.weights.columns, made.weights.columns);
    assert!((read.weights.values[10] - value).abs() <= 1e-16);
    assert!(read.notes[0].contains("1 repeated link"), "{:?}", read.notes);
}

#[test]
fn bad_indices_and_numbers_are_refused_on_reading() {
    let made = Made::new();
    for (fault, words) in [
        ((0, 1, 0.1), "destination index 0 of link"),
        ((1, made.source.len() as i32 + 1, 0.1), "source index 649 of link"),
        ((1, 1, f64::NAN), "NaN"),
    ] {
        let mut links = links_of(&made);
        links.push(fault);
        let error = read_weights(&tempest(&made, "t.nc", &links)).expect_err("refused").to_string();
        assert!(error.contains(words), "{error}");
    }
    let grid_file = made.path("grid.nc");
    knarr_io::write_grid(&made.source, &grid_file, knarr_io::GridFormat::Cf, false).expect("written");
    assert!(read_weights(&grid_file).expect_err("no weights").to_string().contains("no weights"));
}

#[test]
fn weights_of_other_grids_are_refused_and_the_side_is_named() {
    let made = Made::new();
    let own = read_weights(&made.written("w.nc", WeightsFormat::Esmf)).expect("weights");
    let mut foreign = own.clone();
    foreign.weights.origin.source_hash.clear();
    foreign.weights.origin.destination_hash.clear();
    check_identity(&foreign, &made.source, &made.destination).expect("centers agree");
    let mask = Mask::from_active((0..made.source.len()).map(|c| c != 5).collect());
    let one_masked = made.source.clone().masked_by(&mask);
    let shifted = grid("ll:0.01,-85,10,10,36,18");
    let cases = [
        (&own, &one_masked, &made.destination, "the source grid: found hash"),
        (&own, &shifted, &made.destination, "the source grid: found hash"),
        (&own, &made.source, &grid("r12x7"), "the destination grid: found 72 cells, expected 84 cells"),
        (&own, &made.destination, &made.source, "the source grid: found 648 cells, expected 72 cells"),
        (&foreign, &shifted, &made.destination, "the source grid: found center of cell 1 at 0.00000E"),
        (&foreign, &made.source, &grid("ll:0,-74.9,30,30,12,6"), "the destination grid: found center of cell"),
    ];
    for (file, source, destination, words) in cases {
        let error = check_identity(file, source, destination).expect_err(words).to_string();
        assert!(error.contains(words), "`{words}` is not in `{error}`");
    }
    // Without hashes a mask does not show; that is why own files have them.
    check_identity(&foreign, &one_masked, &made.destination).expect("same centers");
}

#[test]
fn nearest_weights_ask_for_no_corners() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mesh.nc");
    write_grid(&grid("CS6"), &path, GridFormat::Scrip, true).expect("written");
    // Two corners of one cell become one another's place: edges that cross cannot be told from a bow-tie, a line can.
    let mut file = netcdf::append(&path).expect("a file");
    for name in ["grid_corner_lon", "grid_corner_lat"] {
        let mut corners = file.variable_mut(name).expect("corners");
        let first: Vec<f64> = corners.get_values((40, ..)).expect("values");
        corners.put_values(&[first[0], first[1], first[0], first[1]], (40, ..)).expect("values");
    }
    // A cell without a center takes no part either way.
    file.variable_mut("grid_center_lon").expect("centers").put_value(f64::NAN, [41]).expect("no number");
    drop(file);
    let read = |detail| read_grid_file(&path, None, detail).expect("a grid").grid;
    let (whole, by_centers) = (read(Detail::Cells), read(Detail::Centers));
    assert!(!whole.mask.is_active(40) && by_centers.mask.is_active(40));
    assert!(!whole.mask.is_active(41) && !by_centers.mask.is_active(41));

    let (destination, options) = (grid("r36x18"), Options::new(Method::Nearest));
    let made = Weights::build(&by_centers, &destination, &options).expect("weights");
    assert!(made.columns.contains(&40), "a cell with bad corners has a center all the same");
    let without = Mask::from_active((0..by_centers.len()).map(|c| c != 41).collect());
    let of_sound = Weights::build(&grid("CS6").masked_by(&without), &destination, &options).expect("weights");
    assert_eq!((&made.columns, &made.values), (&of_sound.columns, &of_sound.values));

    let file = folder.path().join("w.nc");
    write_weights(&made, &by_centers, &destination, &file, WeightsFormat::Scrip, false).expect("written");
    let kept = read_weights(&file).expect("weights");
    for source in [&by_centers, &whole] {
        check_identity(&kept, source, &destination).expect("they belong together");
    }
    let fewer = Mask::from_active((0..whole.len()).map(|c| c != 7).collect());
    let masked = Arc::unwrap_or_clone(whole).masked_by(&fewer);
    assert!(check_identity(&kept, &masked, &destination).is_err(), "cell 7 has no bad corners");
    // Overlaps need the corners: their weights are not of cells known by their centers.
    let overlaps = Options::new(Method::Conservative);
    assert!(Weights::build(&by_centers, &destination, &overlaps).is_err());
}

#[test]
fn methods_between_centers_in_rows_and_columns_ask_for_no_corners() {
    let datasets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let folder = tempfile::tempdir().expect("a folder");
    let destination = grid("H8");
    // With halo columns and north folds, of which each cell must count once.
    for (file, variable) in [("orca2_votemper.nc", "votemper"), ("nemo_eorca1_tos_201501.nc", "tos")] {
        let argument = format!("{}:{variable}", datasets.join(file).display());
        let read = |detail| grid_from_argument(&argument, detail).expect("a grid");
        let whole = read(Detail::Cells);
        for method in [Method::Bilinear, Method::Bicubic, Method::Patch, Method::Distance { neighbours: 4 }] {
            let options = Options::new(method);
            let by_centers = read(options.detail()[0]);
            assert!(!by_centers.has_corners() && whole.has_corners());
            let [made, expected] =
                [&by_centers, &whole].map(|source| Weights::build(source, &destination, &options).expect("weights"));
            assert!(made == expected, "{file}, {method}");
            let path = folder.path().join("w.nc");
            write_weights(&made, &by_centers, &destination, &path, WeightsFormat::Esmf, true).expect("written");
            check_identity(&read_weights(&path).expect("weights"), &whole, &destination).expect("they belong together");
        }
    }
}

#[test]
fn sound_weights_pass_every_criterion() {
    let made = Made::new();
    for format in [WeightsFormat::Esmf, WeightsFormat::Scrip] {
        let verdict = check_weights(&made.written("w.nc", format)).expect("a verdict");
        assert!(verdict.passed(), "{verdict}");
        assert!(verdict.criteria.iter().all(|c| c.outcome == Outcome::Pass), "{verdict}");
        assert!((verdict.source_area_of_sphere.expect("areas") - 1.0).abs() < 1e-14);
        assert!(verdict.worst_rows.is_empty());
        assert_eq!((verdict.links, verdict.unmapped), (648, 0));
    }
}

#[test]
fn each_criterion_fails_on_its_fault() {
    let made = Made::new();
    let judged = |links: &[Link], criterion: &str| outcome(&tempest(&made, "t.nc", links), criterion);
    let sound = links_of(&made);
    for criterion in ["indices", "finite", "repeated", "consistency", "conservation", "weights between"] {
        assert_eq!(judged(&sound, criterion), Outcome::Pass, "{criterion}");
    }
    let with = |change: &dyn Fn(&mut Vec<Link>)| {
        let mut links = sound.clone();
        change(&mut links);
        links
    };
    assert_eq!(judged(&with(&|l| l[4].1 = 649), "indices"), Outcome::Fail);
    assert_eq!(judged(&with(&|l| l[4].0 = 0), "indices"), Outcome::Fail);
    assert_eq!(judged(&with(&|l| l[4].2 = f64::INFINITY), "finite"), Outcome::Fail);
    assert_eq!(judged(&with(&|l| l.push(l[4])), "repeated"), Outcome::Fail);
    assert_eq!(judged(&with(&|l| l[4].2 += 2e-9), "consistency"), Outcome::Fail);
    assert_eq!(judged(&with(&|l| l[4].2 += 2e-12), "consistency"), Outcome::Pass);
    // Moved from one source cell to its neighbour: rows still sum to 1, columns do not.
    let moved = with(&|l| {
        l[4].2 -= 1e-6;
        l[5].2 += 1e-6;
    });
    assert_eq!(judged(&moved, "consistency"), Outcome::Pass);
    assert_eq!(judged(&moved, "conservation"), Outcome::Fail);
    assert_eq!(judged(&with(&|l| l[4].2 = -1e-6), "weights between"), Outcome::Fail);
    assert_eq!(judged(&with(&|l| l[4].2 = 1.5), "weights between"), Outcome::Fail);

    let spoiled = |change: &dyn Fn(&mut Made)| {
        let mut made = Made::new();
        change(&mut made);
        let path = made.written("w.nc", WeightsFormat::Esmf);
        check_weights(&path).expect("a verdict")
    };
    let failed = |verdict: &knarr_io::WeightsVerdict, name: &str| {
        verdict.criteria.iter().any(|c| c.name.contains(name) && c.outcome == Outcome::Fail)
    };
    assert!(failed(&spoiled(&|m| m.weights.areas.as_mut().expect("areas")[0][0] += 0.01), "areas"));
    assert!(failed(&spoiled(&|m| m.weights.fractions.as_mut().expect("fractions")[1][3] = 1.001), "fractions"));
    assert!(failed(
        &spoiled(&|m| m.source = m.source.clone().masked_by(&Mask::from_active((0..648).map(|c| c != 9).collect()))),
        "masked"
    ));
}

#[test]
fn the_worst_rows_come_with_their_places() {
    let mut made = Made::new();
    for k in 0..30 {
        made.weights.values[9 * k] *= 1.0 + 1e-4 * k as f64;
    }
    let verdict = check_weights(&made.written("w.nc", WeightsFormat::Esmf)).expect("a verdict");
    assert!(!verdict.passed());
    assert_eq!(verdict.worst_rows.len(), 10);
    let miss = |k: usize| (verdict.worst_rows[k].sum - verdict.worst_rows[k].expected).abs();
    assert!((1..10).all(|k| miss(k) <= miss(k - 1)));
    let worst = &verdict.worst_rows[0];
    let center = made.destination.center(worst.row - 1);
    assert_eq!((worst.lon_deg, worst.lat_deg), (Some(center.lon_deg), Some(center.lat_deg)));
    let text = verdict.to_string();
    assert!(text.contains("FAIL") && text.contains("worst rows") && text.contains(&format!("row {}", worst.row)), "{text}");
}

#[test]
fn corners_are_written_where_somebody_asks_for_them() {
    let made = Made::new();
    for (method, format, names) in [
        (Method::Conservative, WeightsFormat::Esmf, "xv_a xv_b"),
        (Method::Bilinear, WeightsFormat::Esmf, "xv_b"),
        (Method::Conservative, WeightsFormat::Scrip, "src_grid_corner_lon dst_grid_corner_lon"),
        (Method::Nearest, WeightsFormat::Scrip, ""),
    ] {
        let weights = Weights::build(&made.source, &made.destination, &Options::new(method)).expect("weights");
        let path = made.path("w.nc");
        write_weights(&weights, &made.source, &made.destination, &path, format, true).expect("written");
        let file = netcdf::open(&path).expect("it opens");
        let all = ["xv_a", "xv_b", "src_grid_corner_lon", "dst_grid_corner_lon"];
        let found: Vec<&str> = all.into_iter().filter(|name| file.variable(name).is_some()).collect();
        assert_eq!(found.join(" "), names, "{method} {format:?}");
        let mut expected = weights;
        if format == WeightsFormat::Esmf && method == Method::Bilinear {
            // Methods between centers make none; the file has those of the destination for NCO.
            assert!(expected.areas.is_none());
            expected.areas = Some([vec![0.0; made.source.len()], cell_areas(&made.destination)]);
        }
        assert_eq!(read_weights(&path).expect("weights").weights, expected, "{method} {format:?}");
    }
}

#[test]
fn corners_are_those_of_the_cells() {
    // Shared corners of polygons, more of them than are remembered; a pole; longitudes near those of the center.
    let (source, destination) = (grid("ICO24d"), grid("CS40"));
    let weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("weights");
    let made = Made::new();
    let path = made.path("w.nc");
    write_weights(&weights, &source, &destination, &path, WeightsFormat::Esmf, true).expect("written");
    let file = netcdf::open(&path).expect("it opens");
    for (suffix, grid) in [("a", &source), ("b", &destination)] {
        let values = |stem: &str| {
            let variable = file.variable(&format!("{stem}_{suffix}")).expect("a variable");
            variable.get_values::<f64, _>(..).expect("values")
        };
        let (lons, lats, center_lons) = (values("xv"), values("yv"), values("xc"));
        let width = lons.len() / grid.len();
        for cell in 0..grid.len() {
            let corners = grid.corners(cell);
            for k in 0..width {
                let (lon, lat) = (lons[cell * width + k], lats[cell * width + k]);
                let expected = corners[k.min(corners.len() - 1)];
                let found = knarr_kernels::sphere::unit_vector(lon, lat);
                // Degrees of 180 with 2^-53 each, turned into angles and back.
                assert!((0..3).all(|axis| (found[axis] - expected[axis]).abs() < 2e-15), "cell {cell} corner {k} of {suffix}");
                assert!((lon - center_lons[cell]).abs() <= 180.0, "cell {cell} corner {k} of {suffix}");
            }
        }
    }
}

#[test]
fn tiles_make_the_file_that_all_weights_make() {
    let (source, destination) = (grid("r72x36"), grid("H16"));
    let made = Made::new();
    for method in [Method::Conservative, Method::Bilinear, Method::Nearest] {
        let options = Options::new(method);
        let weights = Weights::build(&source, &destination, &options).expect("weights");
        for format in [WeightsFormat::Esmf, WeightsFormat::Scrip] {
            let (whole, tiled) = (made.path("whole.nc"), made.path("tiled.nc"));
            write_weights(&weights, &source, &destination, &whole, format, true).expect("written");
            let mut tiles = WeightsTiles::new(&tiled, format, true).expect("tiles");
            // The first row alone, none, and the rest.
            for rows in [0..1, 1..1, 1..2000, 2000..destination.len()] {
                tiles.add(Weights::build_rows(&source, &destination, &options, rows).expect("weights")).expect("added");
            }
            assert_eq!((tiles.len(), tiles.unmapped_among(&destination.mask)), (weights.len(), 0));
            tiles.finish(&source, &destination).expect("written");
            let (whole, mut tiled) = (read_weights(&whole).expect("weights"), read_weights(&tiled).expect("weights"));
            if let (Some([all, _]), Some([sums, _])) = (&whole.weights.fractions, &mut tiled.weights.fractions) {
                // Two sums of a few overlaps in different order.
                assert!(all.iter().zip(&*sums).all(|(a, b)| (a - b).abs() < 4e-15), "{method} {format:?}");
                sums.clone_from(all);
            }
            assert_eq!(tiled.weights, whole.weights, "{method} {format:?}");
        }
    }
    let names: Vec<_> =
        std::fs::read_dir(made.path(".")).expect("the folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_plan_keeps_within_what_is_allowed_or_is_refused_with_the_figure() {
    let (source, destination, options) = (grid("r720x360"), grid("r36x18"), Options::new(Method::Conservative));
    let whole = MemoryPlan::whole(&source, &destination, &options);
    assert_eq!((whole.tiles, whole.rows().next()), (1, Some(0..destination.len())));
    let links = Weights::build(&source, &destination, &options).expect("weights").len() as u64;
    assert!(links <= whole.links && whole.links < 2 * links, "{links} links, planned {}", whole.links);
    assert_eq!(MemoryPlan::tiled(&source, &destination, &options, whole.bytes).expect("fits"), whole);
    let Err(IoError::Memory { needed, allowed: 1, .. }) = MemoryPlan::tiled(&source, &destination, &options, 1) else {
        panic!("one byte is not enough");
    };
    let least = MemoryPlan::tiled(&source, &destination, &options, needed).expect("as it said");
    assert!(least.tiles > 1 && least.bytes <= needed);
    assert!(matches!(MemoryPlan::tiled(&source, &destination, &options, needed - 1), Err(IoError::Memory { .. })));
    let rows: Vec<_> = least.rows().collect();
    assert!(rows[0].start == 0 && rows.last().is_some_and(|last| last.end == destination.len()));
    assert!(rows.windows(2).all(|w| w[0].end == w[1].start));
}

#[test]
fn indices_of_any_type_are_read() {
    let made = Made::new();
    let links = links_of(&made);
    let files = [
        tempest_with(&made, "i64.nc", &links, i64::from),
        tempest_with(&made, "f64.nc", &links, f64::from),
        tempest_with(&made, "i16.nc", &links, |index| index as i16),
    ];
    for file in files {
        let weights = read_weights(&file).expect("weights").weights;
        assert_eq!((weights.row_starts, weights.columns), (made.weights.row_starts.clone(), made.weights.columns.clone()));
    }
    let halves = tempest_with(&made, "halves.nc", &links, |index| f64::from(index) + 0.5);
    assert!(read_weights(&halves).expect_err("no cells").to_string().contains("expected whole numbers"));
    let far = tempest_with(&made, "far.nc", &links, |index| i64::from(index) + (1 << 40));
    assert!(read_weights(&far).expect_err("no cells").to_string().contains("destination index 1099511627777 of link 1"));
}
