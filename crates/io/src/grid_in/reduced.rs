//! Rows of equally spaced cells around the globe, stored one after the other.

use knarr_grid::{Grid, GridError, LonLat, gaussian_latitudes};

/// Centers may be kept in single precision: 3e-5 degrees near 360.
const TOLERANCE_DEG: f64 = 5e-5;

/// The reduced grid with these centers; `None` where they are not rows that start at longitude 0.
pub(super) fn from_centers(centers: &[LonLat]) -> Result<Option<Grid>, GridError> {
    let Some((lats, counts)) = rows(centers) else { return Ok(None) };
    // Fewer than four cells a row, or a row or two, is not a reduced grid but chance.
    if lats.len() < 4 || counts.iter().any(|&n| n < 4) {
        return Ok(None);
    }
    let n = lats.len() / 2;
    let gaussian = lats.len() % 2 == 0 && gaussian_latitudes(n).iter().zip(&lats).all(|(a, b)| (a - b).abs() <= TOLERANCE_DEG);
    let mut grid = if gaussian { Grid::reduced_gaussian(n, Some(counts))? } else { Grid::reduced_rows(lats, counts)? };
    grid.report.recognised_by = "rows of equally spaced longitudes".to_owned();
    Ok(Some(grid))
}

/// Latitudes and lengths of rows, if every row is equally spaced around the globe from longitude 0 eastward.
fn rows(centers: &[LonLat]) -> Option<(Vec<f64>, Vec<usize>)> {
    let (mut lats, mut counts) = (Vec::new(), Vec::new());
    let mut start = 0;
    while start < centers.len() {
        let lat = centers[start].lat_deg;
        let count = centers[start..].iter().take_while(|c| c.lat_deg == lat).count();
        let step = 360.0 / count as f64;
        let even = centers[start..start + count].iter().enumerate().all(|(k, c)| {
            let off = c.lon_deg - step * k as f64;
            (off - 360.0 * (off / 360.0).round()).abs() <= TOLERANCE_DEG
        });
        if !even {
            return None;
        }
        lats.push(lat);
        counts.push(count);
        start += count;
    }
    let descending = lats.windows(2).all(|w| w[0] > w[1]);
    descending.then_some((lats, counts))
}
