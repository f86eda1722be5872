//! A walk along the boundary of a polygon, from cell to cell.

use super::arc::{Curve, side};
use super::bands::{Bands, Meridians, NO_OWNER};
use super::frame::{Frame, InTwo, Point};
use super::place::Direction;
use super::quadrants::AT_POLE;
use super::segment::Segment;

/// The meridians between the columns of rows; columns are counted on beyond a turn.
pub(super) trait Columns {
    /// Whether all rows have the same.
    const SHARED: bool;
    /// Goes to a row; false if nobody owns it.
    fn enter_row(&mut self, row: usize) -> bool;
    /// The western end of a column.
    fn west_of(&self, column: i64) -> Direction;
    /// The column of a longitude, but for rounding.
    fn near(&self, lon_deg: f64) -> i64;
    /// Columns of a turn.
    fn count(&self) -> i64;
}

/// Those of one table.
pub(super) struct Shared<'b> {
    pub(super) lon_deg: &'b [f64],
    pub(super) directions: &'b [Direction],
}

impl Columns for Shared<'_> {
    const SHARED: bool = true;

    #[inline(always)]
    fn enter_row(&mut self, _: usize) -> bool {
        true
    }

    #[inline(always)]
    fn west_of(&self, column: i64) -> Direction {
        let count = self.directions.len() as i64;
        let turned = if column < 0 { column + count } else { column };
        self.directions[(if turned >= count { turned - count } else { turned }) as usize]
    }

    #[inline(always)]
    fn count(&self) -> i64 {
        self.directions.len() as i64
    }

    fn near(&self, lon_deg: f64) -> i64 {
        let lon = self.lon_deg[0] + (lon_deg - self.lon_deg[0]).rem_euclid(360.0);
        self.lon_deg.partition_point(|&b| b <= lon).saturating_sub(1).min(self.lon_deg.len() - 1) as i64
    }
}

/// Those of each row.
pub(super) struct Own<'b> {
    pub(super) bands: &'b Bands,
    pub(super) row: Option<&'b Meridians>,
}

impl Columns for Own<'_> {
    const SHARED: bool = false;

    #[inline(always)]
    fn enter_row(&mut self, row: usize) -> bool {
        self.row = self.bands.owner(row).map(|owner| self.bands.meridians_of(owner));
        self.row.is_some()
    }

    #[inline(always)]
    fn west_of(&self, column: i64) -> Direction {
        match self.row {
            Some(Meridians::Uniform { count }) => self.bands.milestones.of_turn(2 * column - 1, 2 * *count as i64),
            Some(Meridians::Table { directions, .. }) => directions[column.rem_euclid(directions.len() as i64) as usize],
            None => Direction::default(),
        }
    }

    fn count(&self) -> i64 {
        self.row.map_or(1, |row| row.len() as i64)
    }

    #[inline(always)]
    fn near(&self, lon_deg: f64) -> i64 {
        match self.row {
            Some(Meridians::Uniform { count }) => (lon_deg / 360.0 * *count as f64 + 0.5).floor() as i64,
            Some(Meridians::Table { lon_deg: breaks, .. }) => {
                let turns = ((lon_deg - breaks[0]) / 360.0).floor();
                let part = breaks.partition_point(|&b| b <= lon_deg - 360.0 * turns).saturating_sub(1);
                turns as i64 * breaks.len() as i64 + part as i64
            }
            None => 0,
        }
    }
}

/// A place where the boundary passes the upper end of a row with columns of its own.
#[derive(Clone, Copy)]
pub(super) struct Crossing {
    pub(super) row: usize,
    pub(super) column: i64,
    pub(super) rises: bool,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// What a walk leaves behind.
#[derive(Default)]
pub(super) struct Trail {
    pub(super) segments: Vec<Segment>,
    /// Areas beyond great circles, by column and row.
    pub(super) lenses: Vec<(i64, usize, f64)>,
    pub(super) crossings: Vec<Crossing>,
    /// The lowest place so far.
    pub(super) lowest: f64,
}

/// Where a walk along the boundary is.
pub(super) struct Walk<'a, C> {
    pub(super) frame: &'a Frame,
    pub(super) columns: C,
    pub(super) limits: &'a [InTwo],
    pub(super) cosines: &'a [f64],
    pub(super) trail: &'a mut Trail,
    pub(super) column: i64,
    /// Sine and cosine of the ends of the column, in the frame.
    west: (f64, f64),
    east: (f64, f64),
    /// Row 0 lies south of all bands.
    pub(super) row: usize,
    is_owned: bool,
    /// The ends of the row, above the frame's origin.
    pub(super) south: f64,
    pub(super) north: f64,
    /// Where columns are looked up from, and its longitude if that is done in every row.
    middle: Middle,
    lon_deg: f64,
}

/// A meridian of the frame, by sine and cosine, from which the whole cell is less than 180° away.
#[derive(Clone, Copy)]
pub(super) struct Middle(pub(super) f64, pub(super) f64);

impl Middle {
    fn lon_deg(self, frame: &Frame) -> f64 {
        frame.lon_deg() + self.0.atan2(self.1).to_degrees()
    }

    /// How far east a point is, near enough to begin a search.
    #[inline(always)]
    fn degrees_to(self, p: &Point) -> f64 {
        let (x, y) = (p.x * self.1 + p.y * self.0, p.y * self.1 - p.x * self.0);
        let t = y / x;
        let angle = if x > 0.0 && t.abs() < 0.05 { t * (1.0 - t * t * (1.0 / 3.0 - 0.2 * t * t)) } else { y.atan2(x) };
        angle.to_degrees()
    }
}

impl<'a, C: Columns> Walk<'a, C> {
    /// At a point; the column and the row are where to look first, which makes no difference.
    #[inline]
    pub(super) fn start(
        (bands, columns): (&'a Bands, C),
        frame: &'a Frame,
        trail: &'a mut Trail,
        p: &Point,
        (column, row, middle): (i64, usize, Middle),
    ) -> Self {
        let mut walk = Self {
            frame,
            columns,
            limits: &bands.limits,
            cosines: &bands.cos,
            trail,
            column,
            west: (0.0, 1.0),
            east: (0.0, 1.0),
            row,
            is_owned: true,
            south: 0.0,
            north: 0.0,
            middle,
            lon_deg: if C::SHARED { 0.0 } else { middle.lon_deg(frame) },
        };
        walk.trail.lowest = p.rise;
        walk.find_row(p);
        walk.is_owned = walk.columns.enter_row(walk.row);
        if C::SHARED {
            walk.find_column(p);
        } else if walk.is_owned {
            walk.look_up_column(p);
        }
        walk
    }

    fn find_row(&mut self, p: &Point) {
        self.enter_limits(self.row);
        if !(self.south <= p.rise && p.rise < self.north) {
            let sin = self.frame.sin() + p.rise;
            self.enter_limits(self.limits.partition_point(|s| s.high <= sin).clamp(1, self.limits.len() - 1) - 1);
            while p.rise < self.south {
                self.enter_limits(self.row - 1);
            }
            while p.rise >= self.north {
                self.enter_limits(self.row + 1);
            }
        }
    }

    fn enter_limits(&mut self, row: usize) {
        self.row = row;
        self.south = self.frame.rise(self.limits[row]);
        self.north = self.frame.rise(self.limits[row + 1]);
    }

    /// From the column where the last polygon began, unless it is far away.
    #[inline]
    fn find_column(&mut self, p: &Point) {
        self.enter_column(self.column);
        let along = p.x * self.west.1 + p.y * self.west.0;
        if !(along > 0.0 && 2.0 * along * along > p.radius * p.radius && self.settle(p, 8)) {
            self.enter_column(self.columns.near(self.middle.lon_deg(self.frame) + self.middle.degrees_to(p)));
            self.settle(p, usize::MAX);
        }
        let count = self.columns.count();
        self.column = if self.column < 0 {
            self.column + count
        } else if self.column >= count {
            self.column - count
        } else {
            self.column
        };
    }

    #[inline(always)]
    fn look_up_column(&mut self, p: &Point) {
        self.enter_column(self.columns.near(self.lon_deg + self.middle.degrees_to(p)));
        self.settle(p, usize::MAX);
    }

    /// Goes to the column of a point by so many steps at most; whether it came there.
    #[inline(always)]
    fn settle(&mut self, p: &Point, most: usize) -> bool {
        for _ in 0..most {
            if side(p, self.west) < 0.0 {
                self.go_west();
            } else if side(p, self.east) >= 0.0 {
                self.go_east();
            } else {
                return true;
            }
        }
        false
    }

    #[inline(always)]
    fn enter_column(&mut self, column: i64) {
        self.column = column;
        self.west = self.frame.direction(&self.columns.west_of(column));
        self.east = self.frame.direction(&self.columns.west_of(column + 1));
    }

    #[inline(always)]
    fn go_east(&mut self) {
        self.column += 1;
        self.west = self.east;
        self.east = self.frame.direction(&self.columns.west_of(self.column + 1));
    }

    #[inline(always)]
    fn go_west(&mut self) {
        self.column -= 1;
        self.east = self.west;
        self.west = self.frame.direction(&self.columns.west_of(self.column));
    }

    /// Whether a point lies in the cell of the walk.
    #[inline(always)]
    pub(super) fn holds(&self, p: &Point) -> bool {
        self.is_owned && side(p, self.west) >= 0.0 && side(p, self.east) < 0.0 && p.rise >= self.south && p.rise < self.north
    }

    /// Cuts an arc, from where the walk is, at parallels.
    #[inline(always)]
    pub(super) fn follow<A: Curve>(&mut self, arc: &A) {
        let (mut p, end) = (arc.start(), arc.end());
        self.trail.lowest = self.trail.lowest.min(end.rise);
        loop {
            // Row k lies between limits k and k + 1, and limit k is parallel k − 1 of the bands.
            let limit = if end.rise >= self.north {
                self.row + 1
            } else if end.rise < self.south {
                self.row
            } else {
                return self.cross(arc, p, end);
            };
            let rises = limit > self.row;
            let rise = if rises { self.north } else { self.south };
            let q = arc.on_parallel(self.frame, rises, rise, (self.limits[limit].high, self.cosines[limit - 1]));
            self.cross(arc, p, q);
            self.change_row(rises, rise, &q);
            p = q;
        }
    }

    #[inline(always)]
    fn change_row(&mut self, rises: bool, rise: f64, at: &Point) {
        if !C::SHARED && rises {
            self.note_crossing(rises, at);
        }
        if rises {
            self.row += 1;
            self.south = rise;
            self.north = self.frame.rise(self.limits[self.row + 1]);
        } else {
            self.row -= 1;
            self.north = rise;
            self.south = self.frame.rise(self.limits[self.row]);
        }
        if !C::SHARED {
            self.is_owned = self.columns.enter_row(self.row);
            if self.is_owned {
                self.look_up_column(at);
            }
            if !rises {
                self.note_crossing(rises, at);
            }
        }
    }

    fn note_crossing(&mut self, rises: bool, &Point { x, y, .. }: &Point) {
        if self.is_owned {
            self.trail.crossings.push(Crossing { row: self.row, column: self.column, rises, x, y });
        }
    }

    /// Cuts the part of an arc from `p` to `q`, both in the row of the walk, at meridians.
    #[inline(always)]
    fn cross<A: Curve>(&mut self, arc: &A, mut p: Point, q: Point) {
        if !(C::SHARED || self.is_owned) {
            return;
        }
        loop {
            if side(&q, self.east) >= 0.0 {
                let x = self.meet(arc, self.east);
                self.add(arc, &p, &x);
                p = x;
                self.go_east();
            } else if side(&q, self.west) < 0.0 {
                let x = self.meet(arc, self.west);
                self.add(arc, &p, &x);
                p = x;
                self.go_west();
            } else {
                return self.add(arc, &p, &q);
            }
        }
    }

    /// Where an arc meets a meridian, which begins beside the pole.
    #[inline(always)]
    fn meet<A: Curve>(&self, arc: &A, (sin, cos): (f64, f64)) -> Point {
        let p = arc.on_meridian(self.frame, side(&arc.end(), (sin, cos)), (sin, cos));
        if p.radius >= AT_POLE { p } else { Point { x: AT_POLE * cos, y: AT_POLE * sin, rise: p.rise, radius: AT_POLE } }
    }

    #[inline(always)]
    fn add<A: Curve>(&mut self, arc: &A, a: &Point, b: &Point) {
        self.trail.segments.push(Segment::new(self.column, self.row, a, b, self.frame.sin()));
        if A::BULGES {
            self.trail.lenses.push((self.column, self.row, arc.lens(a, b)));
        }
    }
}

impl Bands {
    /// The owner of row `row` of a walk, of which the first lies south of all bands.
    #[inline(always)]
    pub(super) fn owner(&self, row: usize) -> Option<usize> {
        let owner = *self.rows.get(row.checked_sub(1)?)?;
        (owner != NO_OWNER).then_some(owner as usize)
    }

    #[inline(always)]
    pub(super) fn meridians_of(&self, owner: usize) -> &Meridians {
        &self.meridians[if self.meridians.len() == 1 { 0 } else { owner }]
    }
}
