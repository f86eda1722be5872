//! Text as filled outlines of the DejaVu Sans font, which comes with the crate `dejavu`.

use ab_glyph::{Font, FontRef, OutlineCurve, Point};
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Transform};

/// Where a text stands relative to its anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// The two faces that maps use.
pub(crate) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub size: f32,
    pub bold: bool,
    pub colour: Color,
}

impl Fonts {
    pub fn load() -> Self {
        let face = |bytes| FontRef::try_from_slice(bytes).expect("the fonts of the crate `dejavu` are valid TrueType");
        Self { regular: face(dejavu::sans::regular()), bold: face(dejavu::sans::bold()) }
    }

    fn face(&self, style: Style) -> &FontRef<'static> {
        if style.bold { &self.bold } else { &self.regular }
    }

    /// Width of `text` in pixels.
    pub fn width(&self, text: &str, style: Style) -> f32 {
        let mut end = 0.0;
        self.walk(text, style, |_, x| end = x);
        end
    }

    /// The longest beginning of `text` that is at most `width` pixels wide, with an ellipsis if something is cut.
    pub fn fit(&self, text: &str, style: Style, width: f32) -> String {
        if self.width(text, style) <= width {
            return text.to_owned();
        }
        let mut short = text.to_owned();
        while short.pop().is_some() {
            let candidate = format!("{}…", short.trim_end());
            if self.width(&candidate, style) <= width {
                return candidate;
            }
        }
        String::new()
    }

    /// Draws `text` with its baseline at `y`.
    pub fn draw(&self, pixmap: &mut Pixmap, text: &str, x: f32, y: f32, anchor: Anchor, style: Style) {
        let start = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - 0.5 * self.width(text, style),
            Anchor::End => x - self.width(text, style),
        };
        let face = self.face(style);
        let scale = self.scale(style);
        let mut path = PathBuilder::new();
        let mut last = None;
        self.walk(text, style, |id, end| {
            let Some(id) = id else { return };
            let left = start + end;
            if let Some(outline) = face.outline(id) {
                let place = |p: Point| (left + p.x * scale, y - p.y * scale);
                last = None;
                for curve in outline.curves {
                    let (from, to) = match curve {
                        OutlineCurve::Line(a, b) | OutlineCurve::Quad(a, _, b) | OutlineCurve::Cubic(a, _, _, b) => (a, b),
                    };
                    if last != Some((from.x, from.y)) {
                        let (px, py) = place(from);
                        path.move_to(px, py);
                    }
                    let (tx, ty) = place(to);
                    match curve {
                        OutlineCurve::Line(..) => path.line_to(tx, ty),
                        OutlineCurve::Quad(_, c, _) => {
                            let (cx, cy) = place(c);
                            path.quad_to(cx, cy, tx, ty);
                        }
                        OutlineCurve::Cubic(_, c, d, _) => {
                            let ((cx, cy), (dx, dy)) = (place(c), place(d));
                            path.cubic_to(cx, cy, dx, dy, tx, ty);
                        }
                    }
                    last = Some((to.x, to.y));
                }
            }
        });
        if let Some(path) = path.finish() {
            let mut paint = Paint { anti_alias: true, ..Paint::default() };
            paint.set_color(style.colour);
            pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }

    fn scale(&self, style: Style) -> f32 {
        style.size / self.face(style).units_per_em().expect("TrueType fonts state their units per em")
    }

    /// Calls `visit` with each glyph and its left end, and last with no glyph and the end of the text.
    fn walk(&self, text: &str, style: Style, mut visit: impl FnMut(Option<ab_glyph::GlyphId>, f32)) {
        let (face, scale) = (self.face(style), self.scale(style));
        let mut x = 0.0;
        let mut previous = None;
        for c in text.chars() {
            let id = face.glyph_id(c);
            if let Some(previous) = previous {
                x += face.kern_unscaled(previous, id) * scale;
            }
            visit(Some(id), x);
            x += face.h_advance_unscaled(id) * scale;
            previous = Some(id);
        }
        visit(None, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_wide_as_its_letters_and_cut_to_fit() {
        let fonts = Fonts::load();
        let style = Style { size: 20.0, bold: false, colour: Color::BLACK };
        assert!((fonts.width("ii", style) - 2.0 * fonts.width("i", style)).abs() < 1e-3);
        assert!(fonts.width("W", style) > fonts.width("i", style));
        let cut = fonts.fit("sea surface temperature", style, 100.0);
        assert!(cut.ends_with('…') && fonts.width(&cut, style) <= 100.0, "{cut}");
    }

    #[test]
    fn drawn_text_leaves_ink_where_it_stands() {
        let fonts = Fonts::load();
        let mut pixmap = Pixmap::new(60, 30).expect("a small pixmap");
        pixmap.fill(Color::WHITE);
        fonts.draw(&mut pixmap, "H", 30.0, 25.0, Anchor::Middle, Style { size: 24.0, bold: true, colour: Color::BLACK });
        let dark = |x0: u32, x1: u32| (x0..x1).flat_map(|x| (0..30).map(move |y| (x, y)));
        let ink = |x0, x1| dark(x0, x1).filter(|&(x, y)| pixmap.pixel(x, y).is_some_and(|p| p.red() < 128)).count();
        assert!(ink(20, 40) > 50 && ink(0, 18) == 0 && ink(42, 60) == 0);
    }
}
