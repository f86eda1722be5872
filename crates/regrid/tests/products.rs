//! Weights between grids of latitudes and longitudes are found to be products, and their results are those of the links.

use knarr_grid::{Grid, Mask};
use knarr_kernels::sparse_apply::{Missing, PreparedRows, SparseRows};
use knarr_regrid::{Method, Options, Weights};

fn rows(weights: &Weights) -> SparseRows<'_> {
    SparseRows { row_starts: &weights.row_starts, columns: &weights.columns, weights: &weights.values }
}

fn weights(source: &Grid, destination: &Grid, method: Method) -> Weights {
    Weights::build(source, destination, &Options::new(method)).expect("both have cells")
}

/// Destination cells of latitudes that are products, and of all, after a look at the results.
fn products(weights: &Weights) -> (usize, usize) {
    let prepared = PreparedRows::new(rows(weights), weights.source_len);
    let source: Vec<f64> = (0..weights.source_len).map(|c| 280.0 + 20.0 * (c as f64 * 0.7).sin()).collect();
    let mut results = vec![-9e9; prepared.len()];
    prepared.apply(&source, None, Missing::Propagate, &mut results);
    for (row, result) in results.into_iter().enumerate() {
        let (columns, values) = weights.row(row);
        let sum: f64 = columns.iter().zip(values).map(|(&c, w)| w * source[c as usize]).sum();
        // Each weight is another by 4e-15 of its row at most, and each of two ways rounds once a product and once a sum for a link.
        let bound = columns.len() as f64 * (4e-15 + 4.0 * f64::EPSILON) * 300.0;
        assert!((result - sum).abs() <= bound, "{row}: {result} {sum}");
    }
    (prepared.products(), prepared.len())
}

#[test]
fn weights_between_latitudes_and_longitudes_are_products() {
    // Fewer than two links a row are left as they are. The latitudes between the last centers of the source and a pole have a mean of the last row in them.
    let pairs = [
        ("r144x72", "r36x18", 0, 0),
        ("r36x18", "r144x72", 144 * 72, 4 * 144),
        ("r144x72", "F16", 0, 0),
        ("F16", "r144x72", 0, 4 * 144),
        ("F24", "F16", 0, 0),
        ("F16", "F24", 0, 2 * 96),
        ("r144x72", "ll:3,20.5,3.5,3.5,20,15", 0, 0),
    ];
    for (source, destination, conservative, bilinear) in pairs {
        let grids = [source, destination].map(|spec| Grid::from_spec(spec).expect("a grid"));
        for (method, others) in [(Method::Conservative, conservative), (Method::Bilinear, bilinear)] {
            let (found, all) = products(&weights(&grids[0], &grids[1], method));
            assert!(found + others >= all, "{source} -> {destination} {method:?}: {found} of {all}");
        }
    }
}

#[test]
fn weights_of_other_grids_are_not() {
    for (source, destination) in [("r144x72", "CS24"), ("CS24", "r72x36"), ("r144x72", "H16"), ("H16n", "r72x36"), ("O16", "F16")]
    {
        let grids = [source, destination].map(|spec| Grid::from_spec(spec).expect("a grid"));
        for method in [Method::Conservative, Method::Bilinear] {
            assert_eq!(products(&weights(&grids[0], &grids[1], method)).0, 0, "{source} -> {destination} {method:?}");
        }
    }
}

#[test]
fn a_mask_leaves_links_where_it_breaks_latitudes() {
    let [source, destination] = ["r144x72", "r36x18"].map(|spec| Grid::from_spec(spec).expect("a grid"));
    let active = |c: usize| !(c / 144 > 50 && (30..70).contains(&(c % 144)));
    let source = source.masked_by(&Mask::from_active((0..144 * 72).map(active).collect()));
    for method in [Method::Conservative, Method::Bilinear] {
        let (found, all) = products(&weights(&source, &destination, method));
        assert!(found < all, "{method:?}");
    }
}
