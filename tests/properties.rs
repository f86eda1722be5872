//! What every method keeps, on all pairs of generated grids: a new kind of grid is one line in `grids`.

use knarr::grid::{Grid, Layout, LonLat};
use knarr::kernels::global_integral::weighted_sum;
use knarr::regrid::{Method, MissingPolicy, Options, Regridder, Weights};

/// Name, grid, and whether it covers the globe.
fn grids() -> Vec<(&'static str, Grid, bool)> {
    let spec = |s: &'static str| (s, Grid::from_spec(s).unwrap_or_else(|e| panic!("{s}: {e}")));
    let mut grids: Vec<(&'static str, Grid, bool)> =
        ["r36x18", "10", "5/6", "F8", "O8", "H4", "H4n", "CS6", "CS7", "ICO3", "ICO3d", "rot:-97.6,36.1,-180,-85,10,10,36,18"]
            .into_iter()
            .map(|s| {
                let (name, grid) = spec(s);
                (name, grid, true)
            })
            .collect();
    grids.push(("curvilinear", curvilinear(), true));
    for s in ["rot:20,60,-15,-10,2,2,16,11", "ps:lat_ts=60,lon_0=-100,dx=400000,nx=20,ny=18,x0=-4000000,y0=-6000000"] {
        let (name, grid) = spec(s);
        grids.push((name, grid, false));
    }
    grids
}

/// A global grid given by two-dimensional centers and corners: a lat-lon grid about another pole.
fn curvilinear() -> Grid {
    let rotated = Grid::from_spec("rot:33,52,-180,-87,12,6,30,30").expect("a valid grid");
    let centers: Vec<LonLat> = (0..rotated.len()).map(|c| rotated.center(c)).collect();
    let corners = (0..rotated.len()).flat_map(|c| rotated.corners(c)).map(LonLat::from_unit).collect();
    let lists = knarr::grid::CornerLists { corners, offsets: knarr::grid::Offsets::Uniform(4) };
    Grid::curvilinear([30, 30], centers, Some(lists)).expect("a valid grid")
}

const METHODS: [Method; 4] = [Method::Nearest, Method::Distance { neighbours: 4 }, Method::Bilinear, Method::Conservative];

fn for_all_pairs(mut check: impl FnMut(&str, &Grid, &Grid, bool, &Weights, Method)) {
    let grids = grids();
    assert!(grids.len() >= 14);
    for (source_name, source, source_global) in &grids {
        for (destination_name, destination, destination_global) in &grids {
            for method in METHODS {
                let name = format!("{method} {source_name} -> {destination_name}");
                let weights =
                    Weights::build(source, destination, &Options::new(method)).unwrap_or_else(|e| panic!("{name}: {e}"));
                check(&name, source, destination, *source_global && *destination_global, &weights, method);
            }
        }
    }
}

fn smooth(grid: &Grid) -> Vec<f64> {
    (0..grid.len()).map(|c| grid.center(c).unit()).map(|p| 3.0 + p[0] * p[2] + 0.3 * p[1]).collect()
}

#[test]
fn constants_are_kept_and_nothing_leaves_the_range() {
    for_all_pairs(|name, source, _, _, weights, _| {
        let regridder = Regridder { weights: weights.clone(), missing: MissingPolicy::Skip { min_valid: 0.0 } };
        let (constant, valid) = regridder.apply(&vec![273.15; source.len()], None).expect("lengths fit");
        for (value, valid) in constant.iter().zip(&valid) {
            // n products and sums of weights that add up to 1.
            assert!(!valid || (value / 273.15 - 1.0).abs() <= 4e-15, "{name}: {value}");
        }
        let field = smooth(source);
        let (low, high) = field.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        let (values, valid) = regridder.apply(&field, None).expect("lengths fit");
        assert!(values.iter().zip(&valid).all(|(&v, &ok)| !ok || (v >= low && v <= high)), "{name} leaves {low}..{high}");
    });
}

#[test]
fn conservative_weights_keep_the_integral() {
    for_all_pairs(|name, source, destination, global, weights, method| {
        if method != Method::Conservative || !global {
            return;
        }
        let field = smooth(source);
        let regridder = Regridder { weights: weights.clone(), missing: MissingPolicy::Propagate };
        let (values, _) = regridder.apply(&field, None).expect("lengths fit");
        let areas = |grid: &Grid| (0..grid.len()).map(|c| grid.area(c)).collect::<Vec<f64>>();
        let before = weighted_sum(&field, &areas(source));
        let after = weighted_sum(&values, &areas(destination));
        assert!((after / before - 1.0).abs() <= 1e-14, "{name}: {:e}", after / before - 1.0);
    });
}

#[test]
fn no_hole_between_global_grids() {
    for_all_pairs(|name, _, _, global, weights, _| {
        assert!(!global || weights.unmapped_count() == 0, "{name}: {} unmapped", weights.unmapped_count());
    });
}

#[test]
fn weights_do_not_depend_on_the_number_of_threads() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads");
    let (one, four) = (pool(1), pool(4));
    let bits = |w: &Weights| w.values.iter().map(|v| v.to_bits()).collect::<Vec<u64>>();
    for_all_pairs(|name, source, destination, _, _, method| {
        let options = Options::new(method);
        let a = one.install(|| Weights::build(source, destination, &options)).expect("built before");
        let b = four.install(|| Weights::build(source, destination, &options)).expect("built before");
        assert!(a.row_starts == b.row_starts && a.columns == b.columns && bits(&a) == bits(&b), "{name}");
    });
}

#[test]
fn the_conservative_range_test_can_fail() {
    // A weight beyond 1 must be seen by the test above.
    let (source, destination) = (Grid::from_spec("r36x18").expect("valid"), Grid::from_spec("CS6").expect("valid"));
    let mut weights = Weights::build(&source, &destination, &Options::new(Method::Conservative)).expect("corners");
    weights.values[0] += 0.5;
    let regridder = Regridder { weights, missing: MissingPolicy::Skip { min_valid: 0.0 } };
    let (constant, _) = regridder.apply(&vec![273.15; source.len()], None).expect("lengths fit");
    assert!(constant.iter().any(|v| (v / 273.15 - 1.0).abs() > 4e-15));
    assert!(matches!(source.layout, Layout::Rows(_)));
}
