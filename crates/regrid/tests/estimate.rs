//! What is estimated before the work, and weights made range by range, against what is found.

use knarr_grid::{Grid, Mask};
use knarr_regrid::{Estimate, Extrapolation, Method, Options, Weights};

fn grid(spec: &str) -> Grid {
    Grid::from_spec(spec).unwrap_or_else(|e| panic!("{spec}: {e}"))
}

/// The half of a grid that lies in the east.
fn eastern(spec: &str) -> Grid {
    let grid = grid(spec);
    let active = (0..grid.len()).map(|c| grid.center(c).unit()[1] > 0.0).collect();
    grid.masked_by(&Mask::from_active(active))
}

#[test]
fn links_are_at_most_the_estimate_and_at_least_its_stated_part() {
    let hrdps = "rot:-97.6,36.1,-12,-6,0.25,0.25,97,49";
    let ps = "ps:lat_ts=60,lon_0=-100,dx=50000,nx=100,ny=90,x0=-2500000,y0=-4500000";
    // Source, destination and how many times too high the estimate may be.
    let pairs = [
        ("r360x180", "CS90", 2.0),
        ("CS90", "r360x180", 2.0),
        ("CS90", "ICO30", 1.5),
        ("ICO45d", "H64n", 1.5),
        ("O80", "H64n", 1.5),
        ("O80", "r180x90", 1.5),
        ("r360x180", "r181x91", 1.5),
        ("r720x361", "H16", 1.5),
        ("H16", "r720x361", 1.5),
        ("rot:-97.6,36.1,-180,-89.5,1,1,360,180", "r360x180", 1.5),
        ("H64n", "H32n", 5.0),
        ("CS60", "CS60", 6.0),
        ("1", hrdps, 2.0),
        ("H128n", ps, 2.0),
        (ps, "r360x180", 2.5),
    ];
    for (source, destination, times) in pairs {
        let (s, d) = (grid(source), grid(destination));
        for method in [Method::Nearest, Method::Distance { neighbours: 4 }, Method::Bilinear, Method::Conservative] {
            let options = Options::new(method);
            let (found, estimate) = (
                Weights::build(&s, &d, &options).expect("grids with corners").len() as u64,
                Estimate::of(&s, &d, &options).links,
            );
            println!(
                "{method} {source} -> {destination}: {found} links, {:.3} of them estimated",
                estimate as f64 / found as f64
            );
            assert!(found <= estimate, "{method} {source} -> {destination}: found {found}, estimated {estimate}");
            if method == Method::Conservative {
                // Few links are estimated with more room.
                let limit = times * found as f64 + 5000.0;
                assert!((estimate as f64) < limit, "{source} -> {destination}: found {found}, estimated {estimate}");
            }
        }
    }
}

#[test]
fn regional_rows_have_no_poles_to_close() {
    let (source, destination) = (grid("rot:-162,39.25,-20,-10,0.5,0.5,81,41"), grid("r360x180"));
    let estimate = Estimate::of(&source, &destination, &Options::new(Method::Bilinear)).links;
    assert_eq!(estimate, 4 * destination.len() as u64);
}

#[test]
fn masked_cells_are_not_estimated() {
    let (source, destination) = (eastern("H64n"), grid("CS50"));
    let options = Options::new(Method::Conservative);
    let found = Weights::build(&source, &destination, &options).expect("grids with corners").len() as f64;
    let estimate = Estimate::of(&source, &destination, &options).links as f64;
    assert!(found <= estimate && estimate < 1.8 * found, "{found} {estimate}");
}

#[test]
fn rows_of_a_range_have_the_bits_of_the_whole() {
    let region = "rot:-97.6,36.1,-12,-6,1,1,25,13";
    for (source, destination) in [
        ("r36x18", "CS9"),
        ("CS9", "r36x18"),
        ("H8", "CS9"),
        ("O8", "r20x10"),
        (region, "r72x36"),
        ("5", region),
        (region, "H16"),
    ] {
        let (s, d) = (grid(source), grid(destination));
        for method in [Method::Nearest, Method::Distance { neighbours: 4 }, Method::Bilinear, Method::Conservative] {
            for extrapolation in [Extrapolation::None, Extrapolation::Nearest, Extrapolation::Creep] {
                let options = Options { extrapolation, ..Options::new(method) };
                let name = format!("{method} {extrapolation:?} {source} -> {destination}");
                let whole = Weights::build(&s, &d, &options).expect("grids with corners");
                let mut fractions = vec![0.0f64; s.len()];
                let n = d.len();
                for rows in [0..n / 3, n / 3..n / 3, n / 3..n / 3 + 1, n / 3 + 1..n] {
                    let part = Weights::build_rows(&s, &d, &options, rows.clone()).expect("grids with corners");
                    assert_eq!(part.destination_len(), rows.len(), "{name}");
                    for (k, i) in rows.clone().enumerate() {
                        assert!(part.row(k) == whole.row(i), "{name}: row {i}");
                    }
                    let areas = whole.destination_areas().map(|areas| &areas[rows.clone()]);
                    assert_eq!(part.destination_areas(), areas, "{name}");
                    assert_eq!(*part.destination_fractions(), whole.destination_fractions()[rows], "{name}");
                    assert_eq!(part.source_areas(), whole.source_areas(), "{name}");
                    for (sum, f) in fractions.iter_mut().zip(&*part.source_fractions()) {
                        let adds_up = method == Method::Conservative && extrapolation != Extrapolation::Creep;
                        *sum = if adds_up { *sum + f } else { sum.max(*f) };
                    }
                }
                for (a, b) in fractions.iter().zip(&*whole.source_fractions()) {
                    assert!((a - b).abs() < 1e-14, "{name}: fractions {a} {b}");
                }
            }
        }
    }
    let four = grid("r4x2");
    assert!(Weights::build_rows(&four, &four, &Options::new(Method::Nearest), 3..9).is_err());
}
