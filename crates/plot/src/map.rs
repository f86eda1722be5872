//! The public function: values in, PNG out.

use crate::cells::{OUTSIDE, cells_of_pixels};
use crate::figure::Figure;
use crate::view::Canvas;
use crate::{Colours, PlotError, Scale, View};
use knarr_grid::Grid;
use knarr_kernels::global_integral::Compensated;

/// What a map says and how it looks.
#[derive(Clone, Debug, PartialEq)]
pub struct MapOptions {
    /// First line: what is shown.
    pub title: String,
    /// Second line: when, which level, on which grid.
    pub subtitle: String,
    /// Units as in the file; they are written at the colour bar.
    pub units: String,
    /// Colours.
    pub colours: Colours,
    /// Values of the first and last colour; `None`: what fits the data.
    pub range: Option<(f64, f64)>,
    /// Part of the world.
    pub view: View,
    /// Width of the picture in pixels, 200 to 8000; its height follows. Tall regions make it narrower.
    pub width: u32,
}

impl Default for MapOptions {
    fn default() -> Self {
        Self {
            title: String::new(),
            subtitle: String::new(),
            units: String::new(),
            colours: Colours::Sequential,
            range: None,
            view: View::Auto,
            width: 1200,
        }
    }
}

/// Narrowest and widest picture.
const WIDTHS: (u32, u32) = (200, 8000);

/// Points looked up along each side of a pixel, so that edges of cells are smooth.
const SAMPLES: usize = 2;

/// Draws one slab of `values` on `grid` as a PNG.
///
/// `values` has one value per cell of `grid`, in any units; `valid` one flag per cell (`None`: all valid). Cells that
/// are not valid, not active or not finite are hatched grey; where there is no cell the map is white.
///
/// # Errors
/// [`PlotError`] if lengths differ, the grid has no position to draw, or an option is out of range.
pub fn map(grid: &Grid, values: &[f64], valid: Option<&[bool]>, options: &MapOptions) -> Result<Vec<u8>, PlotError> {
    let expected = grid.len();
    for (what, found) in [("the field", values.len()), ("the validity", valid.map_or(expected, <[bool]>::len))] {
        if found != expected {
            return Err(PlotError::WrongLength { what, found, expected });
        }
    }
    if !(WIDTHS.0..=WIDTHS.1).contains(&options.width) {
        return Err(PlotError::BadWidth { found: options.width, least: WIDTHS.0, most: WIDTHS.1 });
    }
    let has_value = |cell: usize| grid.mask.is_active(cell) && valid.is_none_or(|v| v[cell]) && values[cell].is_finite();
    let mut shown: Vec<f64> = (0..expected).filter(|&cell| has_value(cell)).map(|cell| values[cell]).collect();
    let scale = Scale::new(&mut shown, options.colours, options.range)?;

    let mut figure = Figure::new(options, grid, &has_value)?;
    figure.paint_cells(&scale, |canvas| colours_of_pixels(grid, canvas, values, &has_value));
    figure.draw_coast();
    figure.draw_graticule();
    figure.draw_frame();
    figure.draw_titles(&options.title, &options.subtitle, &summary(grid, values, &has_value, &shown));
    figure.draw_colour_bar(&scale, &options.units);
    Ok(figure.into_png()?)
}

/// What a sample of a pixel shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sample {
    Outside,
    Missing,
    Value(f64),
}

/// The samples of a canvas: `SAMPLES` × `SAMPLES` per pixel, row by row of the finer picture.
pub(crate) struct Samples {
    pub per_side: usize,
    pub values: Vec<Sample>,
}

fn colours_of_pixels(grid: &Grid, canvas: &Canvas, values: &[f64], has_value: &dyn Fn(usize) -> bool) -> Samples {
    let found = cells_of_pixels(grid, &canvas.finer(SAMPLES), has_value);
    let sample = |cell: u32| match cell {
        OUTSIDE => Sample::Outside,
        cell if has_value(cell as usize) => Sample::Value(values[cell as usize]),
        _ => Sample::Missing,
    };
    Samples { per_side: SAMPLES, values: found.into_iter().map(sample).collect() }
}

/// `min 271.3   mean 288.1   max 303.0`; the mean is weighted by area where cells have areas.
fn summary(grid: &Grid, values: &[f64], has_value: &dyn Fn(usize) -> bool, sorted: &[f64]) -> String {
    let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else { return "no values".into() };
    let (mut total, mut weight) = (Compensated::default(), Compensated::default());
    for cell in (0..grid.len()).filter(|&cell| has_value(cell)) {
        let area = if grid.has_corners() { grid.area(cell) } else { 1.0 };
        total.add_product(area, values[cell]);
        weight.add(area);
    }
    let mean = if weight.value() > 0.0 { total.value() / weight.value() } else { f64::NAN };
    let [least, mean, most] = [least, mean, most].map(crate::ticks::number);
    format!("min {least}   mean {mean}   max {most}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_grid::{Columns, CornerSource, Family, Layout, LonAxis, Mask, Report, Rows};

    fn globe() -> Grid {
        let lats: Vec<f64> = (0..18).map(|j| -85.0 + 10.0 * f64::from(j)).collect();
        let lons: Vec<f64> = (0..36).map(|i| 10.0 * f64::from(i)).collect();
        let around = |centers: &[f64]| centers.iter().map(|c| [c - 5.0, c + 5.0]).collect::<Vec<_>>();
        let columns = Columns::Shared(LonAxis { bounds_deg: around(&lons), centers_deg: lons });
        let rows = Rows { rotation: None, lat_bounds_deg: around(&lats), lats_deg: lats, columns };
        let report = Report::new("a test", CornerSource::Formula);
        Grid { family: Family::LatLon, shape: vec![18, 36], layout: Layout::Rows(rows), mask: Mask::ALL, report }
    }

    fn decode(png: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(png).read_info().expect("a PNG header");
        let mut pixels = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut pixels).expect("a picture");
        (info.width, info.height, pixels)
    }

    #[test]
    fn equal_input_gives_equal_bytes() {
        let grid = globe();
        let values: Vec<f64> = (0..grid.len()).map(|c| grid.center(c).lat_deg).collect();
        let options = MapOptions { title: "Latitude".into(), width: 400, ..MapOptions::default() };
        let first = map(&grid, &values, None, &options).expect("a map");
        assert_eq!(first, map(&grid, &values, None, &options).expect("a map"));
        assert_eq!(decode(&first).0, 400);
    }

    #[test]
    fn the_north_has_the_colour_of_its_values_and_missing_is_grey() {
        let grid = globe();
        let values: Vec<f64> = (0..grid.len()).map(|c| grid.center(c).lat_deg).collect();
        let valid: Vec<bool> = values.iter().map(|v| *v > 0.0).collect();
        let options = MapOptions { width: 400, view: View::Global, ..MapOptions::default() };
        let png = map(&grid, &values, Some(&valid), &options).expect("a map");
        let (width, height, pixels) = decode(&png);
        let share =
            |test: &dyn Fn(&[u8]) -> bool| pixels.chunks(3).filter(|p| test(p)).count() as f64 / f64::from(width * height);
        let yellow = share(&|p| p[0] > 180 && p[1] > 200 && p[2] < 80);
        let grey = share(&|p| p[0] == p[1] && p[1] == p[2] && (190..235).contains(&p[0]));
        assert!(yellow > 0.02, "the highest ninth of the range is yellow: {yellow}");
        assert!(grey > 0.15, "the southern half is grey: {grey}");
    }

    #[test]
    fn an_empty_field_is_a_map_without_values() {
        let grid = globe();
        let png = map(&grid, &vec![0.0; grid.len()], Some(&vec![false; grid.len()]), &MapOptions::default());
        assert!(png.expect("a map").starts_with(b"\x89PNG"));
    }

    #[test]
    fn wrong_input_is_refused() {
        let grid = globe();
        assert!(matches!(map(&grid, &[1.0], None, &MapOptions::default()), Err(PlotError::WrongLength { .. })));
        let narrow = MapOptions { width: 10, ..MapOptions::default() };
        assert!(matches!(map(&grid, &vec![0.0; grid.len()], None, &narrow), Err(PlotError::BadWidth { .. })));
    }
}
