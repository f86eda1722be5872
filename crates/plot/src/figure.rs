//! The picture: map, frame, titles and colour bar.

use crate::graticule::{Edge, Graticule};
use crate::map::{Sample, Samples};
use crate::text::{Anchor, Fonts, Style};
use crate::ticks::ticks;
use crate::view::Canvas;
use crate::{MapOptions, PlotError, Scale, coast, units};
use knarr_grid::Grid;
use tiny_skia::{Color, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform};

const INK: [u8; 3] = [34, 34, 34];
const FAINT: [u8; 3] = [105, 105, 105];
const MISSING: [u8; 3] = [222, 222, 222];
const HATCH: [u8; 3] = [200, 200, 200];
const BACKGROUND: [u8; 3] = [255, 255, 255];

/// A picture being drawn. Lengths named without unit are pixels; `unit` is a pixel of a picture 1200 wide, and a little
/// more than that share of a smaller one.
pub(crate) struct Figure {
    pixmap: Pixmap,
    canvas: Canvas,
    fonts: Fonts,
    unit: f32,
    left: usize,
    top: usize,
    has_missing: bool,
}

impl Figure {
    pub fn new(options: &MapOptions, grid: &Grid, shown: &dyn Fn(usize) -> bool) -> Result<Self, PlotError> {
        // Letters shrink less than the picture, so that a small one can be read.
        let unit = (options.width as f32 / 1200.0).powf(0.6);
        let scaled = |length: f32| (length * unit).round() as usize;
        let (left, right) = (scaled(62.0), scaled(62.0));
        let room = options.width as usize - left - right;
        let canvas = Canvas::new(options.view, grid, shown, room, options.width as usize * 4 / 5)?;
        // The titles need some width even above a tall map.
        let width = (canvas.width + left + right).max(scaled(760.0).min(options.width as usize));
        let left = (width - canvas.width) / 2;
        let top = scaled(if canvas.is_plate_carree() { 86.0 } else { 104.0 });
        let height = top + canvas.height + scaled(106.0);
        let mut pixmap = Pixmap::new(width as u32, height as u32).expect("width and height are positive and bounded");
        pixmap.fill(Color::WHITE);
        Ok(Self { pixmap, canvas, fonts: Fonts::load(), unit, left, top, has_missing: false })
    }

    /// Colours the map, averaging the samples of each pixel.
    pub fn paint_cells(&mut self, scale: &Scale, samples_of: impl FnOnce(&Canvas) -> Samples) {
        let Samples { per_side, values } = samples_of(&self.canvas);
        self.has_missing = values.contains(&Sample::Missing);
        let (width, fine_width) = (self.canvas.width, self.canvas.width * per_side);
        let pitch = ((8.0 * self.unit).round() as usize).max(4) * per_side;
        let stroke = pitch / 8;
        let full_width = self.pixmap.width() as usize;
        let pixels = self.pixmap.data_mut();
        for y in 0..self.canvas.height {
            for x in 0..width {
                let mut sum = [0u32; 3];
                for k in 0..per_side * per_side {
                    let (fx, fy) = (x * per_side + k % per_side, y * per_side + k / per_side);
                    let colour = match values[fy * fine_width + fx] {
                        Sample::Value(value) => scale.colour(value),
                        Sample::Missing if (fx + fy) % pitch <= stroke => HATCH,
                        Sample::Missing => MISSING,
                        Sample::Outside => BACKGROUND,
                    };
                    for (s, c) in sum.iter_mut().zip(colour) {
                        *s += u32::from(c);
                    }
                }
                let n = (per_side * per_side) as u32;
                let at = 4 * ((self.top + y) * full_width + self.left + x);
                for i in 0..3 {
                    pixels[at + i] = ((sum[i] + n / 2) / n) as u8;
                }
            }
        }
    }

    pub fn draw_coast(&mut self) {
        self.stroke_on_map(&coast::lines(), INK, 0.85, 1.1);
    }

    pub fn draw_graticule(&mut self) {
        let graticule = Graticule::new(&self.canvas);
        self.stroke_on_map(&graticule.lines(), [0, 0, 0], 0.22, 0.8);
        let style = self.style(13.5, false, FAINT);
        let gap = 7.0 * self.unit;
        let (left, top) = (self.left as f32, self.top as f32);
        let (right, bottom) = (left + self.canvas.width as f32, top + self.canvas.height as f32);
        let mut taken: Vec<(Edge, f32, f32)> = Vec::new();
        for label in graticule.labels(&self.canvas) {
            let horizontal = matches!(label.edge, Edge::Top | Edge::Bottom);
            let extent = if horizontal { 0.5 * self.fonts.width(&label.text, style) } else { 0.5 * style.size };
            let collides =
                |&(edge, at, half): &(Edge, f32, f32)| edge == label.edge && (at - label.at).abs() < half + extent + gap;
            if taken.iter().any(collides) {
                continue;
            }
            taken.push((label.edge, label.at, extent));
            let middle = 0.36 * style.size;
            let (x, y, anchor) = match label.edge {
                Edge::Left => (left - gap, top + label.at + middle, Anchor::End),
                Edge::Right => (right + gap, top + label.at + middle, Anchor::Start),
                Edge::Top => (left + label.at, top - gap, Anchor::Middle),
                Edge::Bottom => (left + label.at, bottom + gap + 2.0 * middle, Anchor::Middle),
            };
            self.fonts.draw(&mut self.pixmap, &label.text, x, y, anchor, style);
        }
    }

    pub fn draw_frame(&mut self) {
        let (x, y) = (self.left as f32, self.top as f32);
        self.stroke_rect(x, y, self.canvas.width as f32, self.canvas.height as f32, 1.2);
    }

    /// Two lines above the map, and `summary` at the right end of the second.
    pub fn draw_titles(&mut self, title: &str, subtitle: &str, summary: &str) {
        let margin = 62.0 * self.unit;
        let room = self.pixmap.width() as f32 - 2.0 * margin;
        let (bold, plain) = (self.style(23.0, true, INK), self.style(15.0, false, FAINT));
        let title = self.fonts.fit(title, bold, room);
        self.fonts.draw(&mut self.pixmap, &title, margin, 40.0 * self.unit, Anchor::Start, bold);
        let right = self.pixmap.width() as f32 - margin;
        let line = 68.0 * self.unit;
        self.fonts.draw(&mut self.pixmap, summary, right, line, Anchor::End, plain);
        let left_room = room - self.fonts.width(summary, plain) - 24.0 * self.unit;
        let subtitle = self.fonts.fit(subtitle, plain, left_room);
        self.fonts.draw(&mut self.pixmap, &subtitle, margin, line, Anchor::Start, plain);
    }

    pub fn draw_colour_bar(&mut self, scale: &Scale, units: &str) {
        let unit = self.unit;
        let style = self.style(15.0, false, INK);
        let width = (0.6 * self.pixmap.width() as f32).round();
        let height = (17.0 * unit).round();
        let left = ((self.pixmap.width() as f32 - width) / 2.0).round();
        let top = (self.top + self.canvas.height) as f32 + (42.0 * unit).round();
        for k in 0..width as u32 {
            let value = scale.low + (scale.high - scale.low) * (f64::from(k) + 0.5) / f64::from(width);
            self.fill_rect(left + k as f32, top, 1.0, height, scale.colour(value));
        }
        let point = 0.8 * height;
        let (below, above) = (scale.colour(scale.low), scale.colour(scale.high));
        let mut outline = PathBuilder::new();
        outline.move_to(left, top);
        if scale.more_below {
            outline.line_to(left - point, top + 0.5 * height);
            self.fill_triangle([(left, top), (left - point, top + 0.5 * height), (left, top + height)], below);
        }
        outline.line_to(left, top + height);
        outline.line_to(left + width, top + height);
        if scale.more_above {
            let tip = (left + width + point, top + 0.5 * height);
            self.fill_triangle([(left + width, top), tip, (left + width, top + height)], above);
            outline.line_to(tip.0, tip.1);
        }
        outline.line_to(left + width, top);
        outline.close();
        let outline = outline.finish().expect("the outline has more than one point");
        self.stroke_path(&outline, INK, 1.0, 1.0, Transform::identity());

        let marks = ticks(scale.low, scale.high, 7);
        for (value, label) in marks.values.iter().zip(&marks.labels) {
            let x = left + width * ((value - scale.low) / (scale.high - scale.low)) as f32;
            self.fill_rect(x - 0.5 * unit, top + height, unit, 5.0 * unit, INK);
            self.fonts.draw(&mut self.pixmap, label, x, top + height + 20.0 * unit, Anchor::Middle, style);
        }
        let mut text = units::pretty(units);
        if marks.exponent != 0 {
            text = format!("×10{} {text}", units::superscript(marks.exponent));
        }
        let baseline = top + 0.5 * height + 0.36 * style.size;
        let start = left + width + point + 10.0 * unit;
        let room = self.pixmap.width() as f32 - start - 6.0 * unit;
        let text = self.fonts.fit(text.trim(), style, room);
        self.fonts.draw(&mut self.pixmap, &text, start, baseline, Anchor::Start, style);
        if self.has_missing {
            self.draw_missing_key(top, height, baseline);
        }
    }

    fn draw_missing_key(&mut self, top: f32, height: f32, baseline: f32) {
        let left = (62.0 * self.unit).round();
        let pitch = (8.0 * self.unit).round().max(4.0) as i32;
        for y in 0..height as i32 {
            for x in 0..(1.5 * height) as i32 {
                let colour = if (x + y) % pitch == 0 { HATCH } else { MISSING };
                self.fill_rect(left + x as f32, top + y as f32, 1.0, 1.0, colour);
            }
        }
        self.stroke_rect(left, top, (1.5 * height).floor(), height, 1.0);
        let style = self.style(13.5, false, FAINT);
        let x = left + 1.5 * height + 8.0 * self.unit;
        self.fonts.draw(&mut self.pixmap, "missing", x, baseline, Anchor::Start, style);
    }

    /// Draws lines of (longitude, latitude) in degrees, clipped to the map.
    fn stroke_on_map(&mut self, lines: &[Vec<(f64, f64)>], colour: [u8; 3], opacity: f32, width: f32) {
        let mut path = PathBuilder::new();
        for piece in lines.iter().flat_map(|line| self.canvas.lines(line)) {
            for (k, &(x, y)) in piece.iter().enumerate() {
                if k == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
            }
        }
        let Some(path) = path.finish() else { return };
        let size = (self.canvas.width as u32, self.canvas.height as u32);
        // Drawn on a layer of the map's size, so that nothing reaches over the frame.
        let mut layer = Pixmap::new(size.0, size.1).expect("the canvas is not empty");
        std::mem::swap(&mut layer, &mut self.pixmap);
        self.stroke_path(&path, colour, opacity, width, Transform::identity());
        std::mem::swap(&mut layer, &mut self.pixmap);
        let paint = tiny_skia::PixmapPaint::default();
        self.pixmap.draw_pixmap(self.left as i32, self.top as i32, layer.as_ref(), &paint, Transform::identity(), None);
    }

    fn stroke_path(&mut self, path: &tiny_skia::Path, colour: [u8; 3], opacity: f32, width: f32, transform: Transform) {
        let stroke = Stroke { width: (width * self.unit).max(0.6), ..Stroke::default() };
        self.pixmap.stroke_path(path, &paint(colour, opacity), &stroke, transform, None);
    }

    fn stroke_rect(&mut self, x: f32, y: f32, width: f32, height: f32, line: f32) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            self.stroke_path(&PathBuilder::from_rect(rect), INK, 1.0, line, Transform::identity());
        }
    }

    fn fill_rect(&mut self, x: f32, y: f32, width: f32, height: f32, colour: [u8; 3]) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            self.pixmap.fill_rect(rect, &paint(colour, 1.0), Transform::identity(), None);
        }
    }

    fn fill_triangle(&mut self, corners: [(f32, f32); 3], colour: [u8; 3]) {
        let mut path = PathBuilder::new();
        path.move_to(corners[0].0, corners[0].1);
        path.line_to(corners[1].0, corners[1].1);
        path.line_to(corners[2].0, corners[2].1);
        path.close();
        let path = path.finish().expect("three corners make a path");
        self.pixmap.fill_path(&path, &paint(colour, 1.0), tiny_skia::FillRule::Winding, Transform::identity(), None);
    }

    fn style(&self, size: f32, bold: bool, [r, g, b]: [u8; 3]) -> Style {
        Style { size: size * self.unit, bold, colour: Color::from_rgba8(r, g, b, 255) }
    }

    /// The picture as PNG, 8-bit RGB.
    pub fn into_png(self) -> Result<Vec<u8>, png::EncodingError> {
        let rgb: Vec<u8> = self.pixmap.data().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.pixmap.width(), self.pixmap.height());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Best);
        encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&rgb)?;
        writer.finish()?;
        Ok(bytes)
    }
}

fn paint([r, g, b]: [u8; 3], opacity: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(Color::from_rgba8(r, g, b, (opacity * 255.0).round() as u8));
    paint
}
