//! An implicit bounding-volume hierarchy over boxes sorted along a space-filling curve.

mod boxes;
mod curve;
mod node;

pub use boxes::Box3;

use curve::curve_order;
use node::Node;
use rayon::prelude::*;

/// Children per node: one comparison of 8 lanes.
const WIDTH: usize = 8;

/// The hierarchy: eight items a leaf, eight nodes a parent, no pointers.
#[derive(Clone, Debug)]
pub struct Bvh {
    /// Items in curve order.
    order: Vec<u32>,
    /// Levels from the leaves to the root (one node).
    levels: Vec<Vec<Node>>,
}

/// Boxes of eight items, by coordinate.
#[derive(Clone, Copy, Debug)]
struct Boxes {
    min: [[f32; WIDTH]; 3],
    max: [[f32; WIDTH]; 3],
}

impl Boxes {
    const EMPTY: Self = Self { min: [[f32::INFINITY; WIDTH]; 3], max: [[f32::NEG_INFINITY; WIDTH]; 3] };

    /// One bit per item that meets `query`.
    #[inline(always)]
    fn hits(&self, query: &Box3) -> u32 {
        // Masks rather than truth values: that keeps all lanes in vectors.
        let all = |holds: bool| if holds { u32::MAX } else { 0 };
        let mut meets = [u32::MAX; WIDTH];
        for axis in 0..3 {
            for lane in 0..WIDTH {
                meets[lane] &= all(self.min[axis][lane] <= query.max[axis]) & all(self.max[axis][lane] >= query.min[axis]);
            }
        }
        let mut bits = 0;
        for lane in 0..WIDTH {
            bits |= meets[lane] & (1 << lane);
        }
        bits
    }
}

/// Items found by a query, with the boxes that the hierarchy has of them.
#[derive(Clone, Debug, Default)]
pub struct Found {
    items: Vec<u32>,
    boxes: Vec<Boxes>,
}

impl Found {
    /// Appends the items whose boxes meet `query`, and some whose boxes nearly do.
    pub fn meeting(&self, query: &Box3, out: &mut Vec<u32>) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
            // SAFETY: the processor has AVX2, as just asked.
            return unsafe { self.meeting_avx2(query, out) };
        }
        self.meeting_here(query, out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn meeting_avx2(&self, query: &Box3, out: &mut Vec<u32>) {
        self.meeting_here(query, out);
    }

    #[inline(always)]
    fn meeting_here(&self, query: &Box3, out: &mut Vec<u32>) {
        for (boxes, items) in self.boxes.iter().zip(self.items.chunks(WIDTH)) {
            let mut bits = boxes.hits(query);
            while bits != 0 {
                out.push(items[bits.trailing_zeros() as usize]);
                bits &= bits - 1;
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, item: u32, boxes: &Boxes, lane: usize) {
        let place = self.items.len() % WIDTH;
        if place == 0 {
            self.boxes.push(Boxes::EMPTY);
        }
        let last = self.boxes.len() - 1;
        for axis in 0..3 {
            self.boxes[last].min[axis][place] = boxes.min[axis][lane];
            self.boxes[last].max[axis][place] = boxes.max[axis][lane];
        }
        self.items.push(item);
    }
}

impl Bvh {
    /// Builds the hierarchy; empty boxes are never found.
    pub fn new(boxes: &[Box3]) -> Self {
        let place = |item: usize| Some(boxes[item].min.map(f64::from)).filter(|_| boxes[item] != Box3::EMPTY);
        Self::of(boxes.len(), place, |item| boxes[item])
    }

    /// Builds the hierarchy of `len` items from their boxes, in the order of a point of each; those without one are
    /// never found.
    pub fn of(len: usize, place: impl Fn(usize) -> Option<[f64; 3]> + Sync, bounds: impl Fn(usize) -> Box3 + Sync) -> Self {
        let order = curve_order(len, place);
        let leaf = |items: &[u32]| {
            let mut boxes = [Box3::EMPTY; WIDTH];
            boxes.iter_mut().zip(items).for_each(|(b, &item)| *b = bounds(item as usize));
            Node::of(&boxes[..items.len()])
        };
        let parent = |children: &[Node]| {
            let mut boxes = [Box3::EMPTY; WIDTH];
            boxes.iter_mut().zip(children).for_each(|(b, child)| *b = child.bounds());
            Node::of(&boxes[..children.len()])
        };
        let mut level: Vec<Node> = order.par_chunks(WIDTH).map(leaf).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let parents = level.par_chunks(WIDTH).map(parent).collect();
            levels.push(std::mem::replace(&mut level, parents));
        }
        levels.push(level);
        Self { order, levels }
    }

    /// Appends every item whose box meets `query`, in curve order, and some whose boxes are within a 100th of what the eight
    /// items around them measure.
    pub fn meeting(&self, query: &Box3, out: &mut Vec<u32>) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
            // SAFETY: the processor has AVX2, as just asked.
            return unsafe { self.meeting_avx2(query, out) };
        }
        self.visit(query, |item, _, _| out.push(item));
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn meeting_avx2(&self, query: &Box3, out: &mut Vec<u32>) {
        self.visit(query, |item, _, _| out.push(item));
    }

    /// Fills `found` with what [`Self::meeting`] finds.
    pub fn gather(&self, query: &Box3, found: &mut Found) {
        found.items.clear();
        found.boxes.clear();
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[allow(unsafe_code, reason = "a function for AVX2 has no other way to be called")]
            // SAFETY: the processor has AVX2, as just asked.
            return unsafe { self.gather_avx2(query, found) };
        }
        self.visit(query, |item, boxes, lane| found.push(item, boxes, lane));
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn gather_avx2(&self, query: &Box3, found: &mut Found) {
        self.visit(query, |item, boxes, lane| found.push(item, boxes, lane));
    }

    /// Calls `found` with what [`Self::meeting`] finds, and where the box is.
    #[inline(always)]
    fn visit(&self, query: &Box3, mut found: impl FnMut(u32, &Boxes, usize)) {
        // Depth is at most log8(2³²) < 11; each level leaves at most 7 siblings behind.
        let mut stack = [(0u8, 0u32); 96];
        let mut depth = 0;
        if !self.order.is_empty() {
            stack[0] = ((self.levels.len() - 1) as u8, 0);
            depth = 1;
        }
        while depth > 0 {
            depth -= 1;
            let (level, index) = stack[depth];
            let node = &self.levels[level as usize][index as usize];
            let boxes = node.boxes();
            let children = if level == 0 { self.order.len() } else { self.levels[level as usize - 1].len() };
            let own = children - index as usize * WIDTH;
            let mut bits = boxes.hits(query) & if own < WIDTH { (1 << own) - 1 } else { u32::MAX };
            if level == 0 {
                while bits != 0 {
                    let lane = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    found(self.order[index as usize * WIDTH + lane], &boxes, lane);
                }
            } else {
                // Pushed from the last to the first, so that they are visited in curve order.
                while bits != 0 {
                    let lane = 31 - bits.leading_zeros();
                    bits &= !(1 << lane);
                    stack[depth] = (level - 1, index * WIDTH as u32 + lane);
                    depth += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knarr_kernels::sphere::unit_vector;

    fn box_at(k: usize) -> Box3 {
        let (lon, lat) = ((k * 37 % 360) as f64, ((k * 61) % 179) as f64 - 89.0);
        Box3::around([unit_vector(lon, lat), unit_vector(lon + 2.0, lat + 1.0)], 1e-4)
    }

    /// All that meets, and nothing that is far: boxes are rounded outward by a step and a hundredth, of 254 steps of a leaf.
    /// A leaf of these boxes is up to 2 wide.
    #[test]
    fn query_finds_what_brute_force_finds() {
        const NEAR: f32 = 1.02 * 2.0 / 254.0;
        let check = |found: &[u32], boxes: &[Box3], query: &Box3, what: &str| {
            let meets = |i: usize, more: f32| {
                (0..3).all(|a| boxes[i].min[a] <= query.max[a] + more && boxes[i].max[a] >= query.min[a] - more)
            };
            let mut sorted = found.to_vec();
            sorted.sort_unstable();
            assert!(sorted.is_sorted_by(|a, b| a < b), "{what}: an item twice");
            for i in 0..boxes.len() {
                let is_found = sorted.binary_search(&(i as u32)).is_ok();
                assert!(is_found || !meets(i, 0.0), "{what}: {i} is missing");
                assert!(!is_found || meets(i, NEAR), "{what}: {i} is far");
            }
        };
        for count in [0, 1, 7, 8, 9, 64, 65, 1000] {
            let boxes: Vec<Box3> = (0..count).map(box_at).collect();
            let bvh = Bvh::new(&boxes);
            for k in 0..50 {
                let query = box_at(k * 13 + 5);
                let mut found = Vec::new();
                bvh.meeting(&query, &mut found);
                check(&found, &boxes, &query, &format!("{count} boxes, query {k}"));
                // A wider query, then the ones among its items.
                let wider = Box3::around([query.min.map(f64::from), query.max.map(f64::from)], 0.1);
                let mut near = Found::default();
                bvh.gather(&wider, &mut near);
                let mut found = Vec::new();
                near.meeting(&query, &mut found);
                check(&found, &boxes, &query, &format!("{count} boxes, query {k} after a wider one"));
            }
        }
    }

    /// Where eight boxes lie close together, hardly anything is found that does not meet.
    #[test]
    fn few_items_are_found_that_do_not_meet() {
        let at = |k: usize| {
            let (lon, lat) = (0.1 * (k % 200) as f64, 0.1 * (k / 200) as f64);
            Box3::around([unit_vector(lon, lat), unit_vector(lon + 0.1, lat + 0.1)], 0.0)
        };
        let boxes: Vec<Box3> = (0..40_000).map(at).collect();
        let bvh = Bvh::new(&boxes);
        let (mut found, mut meeting) = (0, 0);
        for k in (0..40_000).step_by(37) {
            let query = Box3::around([unit_vector(0.1 * (k % 200) as f64 + 0.04, 0.1 * (k / 200) as f64 + 0.03)], 2e-3);
            let mut items = Vec::new();
            bvh.meeting(&query, &mut items);
            found += items.len();
            meeting += boxes.iter().filter(|b| (0..3).all(|a| b.min[a] <= query.max[a] && b.max[a] >= query.min[a])).count();
        }
        assert!(found >= meeting && found * 100 < meeting * 110, "{found} found, {meeting} meet");
    }

    #[test]
    fn empty_boxes_are_never_found() {
        let bvh = Bvh::new(&[Box3::EMPTY, box_at(0)]);
        let mut found = Vec::new();
        bvh.meeting(&Box3 { min: [-2.0; 3], max: [2.0; 3] }, &mut found);
        assert_eq!(found, [1]);
    }
}
