//! Pairs of grids that real work regrids between, in four sizes.

use super::tripolar::tripolar;
use crate::speed::CaseError;
use knarr_grid::Grid;

/// A pair of grids.
pub struct Pair {
    /// The work it stands for.
    pub suite: &'static str,
    /// Source and destination at each size, from S to XL.
    pub grids: [[Spec; 2]; 4],
    /// Weights that are made for it.
    pub methods: &'static [&'static str],
}

/// A grid of a suite.
#[derive(Clone, Copy, Debug)]
pub enum Spec {
    /// As [`Grid::from_spec`] takes it.
    Named(&'static str),
    /// Every so many cells of the HRDPS grid taken as one.
    Hrdps(usize),
    /// The same of the polar stereographic ocean grid.
    Ps5km(usize),
    /// A tripolar grid with so many columns.
    Tripolar(usize),
}

impl Spec {
    /// What it is called in results.
    pub fn name(self) -> String {
        match self {
            Self::Named(spec) => spec.to_owned(),
            Self::Hrdps(1) => "HRDPS 0.0225".to_owned(),
            Self::Hrdps(by) => format!("HRDPS {}", 0.0225 * by as f64),
            Self::Ps5km(by) => format!("PS {} km", 5 * by),
            Self::Tripolar(columns) => format!("tripolar {columns}x{}", columns * 8 / 10),
        }
    }

    /// The grid.
    ///
    /// # Errors
    /// [`CaseError::Failed`].
    pub fn grid(self) -> Result<Grid, CaseError> {
        let spec = match self {
            Self::Named(spec) => spec.to_owned(),
            Self::Hrdps(by) => {
                let (d, shift) = (0.0225 * by as f64, 0.0225 * (by - 1) as f64 / 2.0);
                let (lon, lat) = (345.17878 + shift, -12.302501 + shift);
                format!("rot:65.305142,36.08852,{lon},{lat},{d},{d},{},{}", 2540 / by, 1290 / by)
            }
            Self::Ps5km(by) => {
                let (dx, first) = (5000 * by, 2500 * (by - 1));
                format!(
                    "ps:k_0=0.9330124,lon_0=-100,dx={dx},nx={},ny={},x0={first},y0={first},x_0=4245000,y_0=5295000,r=6371229",
                    1770 / by,
                    1610 / by
                )
            }
            Self::Tripolar(columns) => return tripolar(columns).map_err(CaseError::from_error),
        };
        Grid::from_spec(&spec).map_err(CaseError::from_error)
    }
}

use Spec::{Hrdps, Named, Ps5km, Tripolar};

/// All pairs.
pub const PAIRS: [Pair; 8] = [
    Pair {
        suite: "RLL 0.25 -> CS360",
        grids: [
            [Named("r360x180"), Named("CS90")],
            [Named("r720x360"), Named("CS180")],
            [Named("r1440x720"), Named("CS360")],
            [Named("r2880x1440"), Named("CS720")],
        ],
        methods: &["conservative", "bilinear", "nearest"],
    },
    Pair {
        suite: "HRDPS 2.5 km -> H1024n",
        grids: [[Hrdps(8), Named("H128n")], [Hrdps(4), Named("H256n")], [Hrdps(2), Named("H512n")], [Hrdps(1), Named("H1024n")]],
        methods: &["conservative"],
    },
    Pair {
        suite: "O2560 -> HRDPS 2.5 km",
        grids: [[Named("O320"), Hrdps(8)], [Named("O640"), Hrdps(4)], [Named("O1280"), Hrdps(2)], [Named("O2560"), Hrdps(1)]],
        methods: &["conservative", "bilinear"],
    },
    Pair {
        suite: "GDPS 0.15 -> H512n",
        grids: [
            [Named("ll:-180,-90,0.9,0.9,400,201"), Named("H64n")],
            [Named("ll:-180,-90,0.45,0.45,800,401"), Named("H128n")],
            [Named("ll:-180,-90,0.3,0.3,1200,601"), Named("H256n")],
            [Named("eccc-gdps-0.15"), Named("H512n")],
        ],
        methods: &["conservative"],
    },
    Pair {
        suite: "PS 5 km ocean -> ORCA",
        grids: [[Ps5km(8), Tripolar(180)], [Ps5km(4), Tripolar(360)], [Ps5km(2), Tripolar(720)], [Ps5km(1), Tripolar(1440)]],
        methods: &["conservative", "nearest"],
    },
    Pair {
        suite: "H1024n -> RLL 0.25",
        grids: [
            [Named("H128n"), Named("r360x180")],
            [Named("H256n"), Named("r720x360")],
            [Named("H512n"), Named("r1440x720")],
            [Named("H1024n"), Named("r1440x720")],
        ],
        methods: &["conservative"],
    },
    Pair {
        suite: "CS720 -> ICO240",
        grids: [
            [Named("CS90"), Named("ICO30")],
            [Named("CS180"), Named("ICO60")],
            [Named("CS360"), Named("ICO120")],
            [Named("CS720"), Named("ICO240")],
        ],
        methods: &["conservative", "nearest"],
    },
    Pair {
        suite: "RLL 0.25 -> RLL 1",
        grids: [
            [Named("r360x180"), Named("r90x45")],
            [Named("r720x360"), Named("r180x90")],
            [Named("r1440x720"), Named("r360x180")],
            [Named("r2880x1440"), Named("r720x360")],
        ],
        methods: &["conservative", "bilinear"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speed::Size;

    #[test]
    fn every_grid_of_small_sizes_can_be_made_and_grows() {
        for pair in &PAIRS {
            let cells = |k: usize| pair.grids[k].map(|s| s.grid().unwrap_or_else(|e| panic!("{}: {e}", s.name())).len());
            let (s, m) = (cells(0), cells(1));
            for side in 0..2 {
                assert!(m[side] > 2 * s[side], "{}: {s:?} {m:?}", pair.suite);
            }
        }
        assert_eq!(Size::ALL.len(), PAIRS[0].grids.len());
    }

    #[test]
    fn coarse_grids_cover_what_the_fine_ones_do() {
        for (fine, coarse) in [(Hrdps(4), Hrdps(8)), (Ps5km(4), Ps5km(8))] {
            let [fine, coarse] = [fine, coarse].map(|s| s.grid().expect("a grid").covered_fraction());
            assert!((fine - coarse).abs() < 0.02 * fine, "{fine} {coarse}");
        }
    }
}
