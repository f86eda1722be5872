//! The centers around each center of a grid of quadrangles: along its two lines, and across.

use rayon::prelude::*;

/// No such center, or a masked one.
pub(super) const NONE: u32 = u32::MAX;

/// Of one center: counter-clockwise the four along its lines, of which `k` and `k + 2` are opposite, and those between
/// `k` and `k + 1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Star {
    pub along: [u32; 4],
    pub across: [u32; 4],
    /// Whether it has quadrangles all around, masked or not.
    pub is_inner: bool,
}

impl Star {
    const EMPTY: Self = Self { along: [NONE; 4], across: [NONE; 4], is_inner: false };

    /// Which of the four along its lines is `center`.
    pub fn towards(&self, center: u32) -> Option<usize> {
        self.along.iter().position(|&c| c == center)
    }
}

/// One quadrangle at a center, counter-clockwise: the next corner, the one across and the one before.
type Wedge = [u32; 3];

/// The star of each of `len` centers from counter-clockwise quadrangles; without masked centers.
pub(super) fn stars(len: usize, quadrangles: &[[u32; 4]], is_active: impl Fn(u32) -> bool + Sync) -> Vec<Star> {
    let mut starts = vec![0usize; len + 1];
    quadrangles.iter().flatten().for_each(|&c| starts[c as usize + 1] += 1);
    for c in 0..len {
        starts[c + 1] += starts[c];
    }
    let mut wedges: Vec<Wedge> = vec![[NONE; 3]; starts[len]];
    let mut next = starts.clone();
    for [a, b, c, d] in quadrangles {
        for wedge in [[a, b, c, d], [b, c, d, a], [c, d, a, b], [d, a, b, c]] {
            let [own, wedge @ ..] = wedge.map(|c| *c);
            wedges[next[own as usize]] = wedge;
            next[own as usize] += 1;
        }
    }
    let star = |c: usize| {
        let mut star = around(&wedges[starts[c]..starts[c + 1]]);
        star.along.iter_mut().chain(&mut star.across).filter(|c| **c != NONE && !is_active(**c)).for_each(|c| *c = NONE);
        star
    };
    (0..len).into_par_iter().with_min_len(1 << 12).map(star).collect()
}

/// Quadrangles in their order around a center; empty where they are not those of two lines that cross.
fn around(wedges: &[Wedge]) -> Star {
    // Halo columns repeat quadrangles.
    let mut own = [[NONE; 3]; 4];
    let mut count = 0;
    for wedge in wedges {
        if own[..count].contains(wedge) {
            continue;
        }
        if count == 4 {
            return Star::EMPTY;
        }
        own[count] = *wedge;
        count += 1;
    }
    let own = &own[..count];
    // At a rim the first has no quadrangle before it.
    let first = own.iter().find(|w| own.iter().all(|o| o[2] != w[0])).or(own.first());
    let mut star = Star::EMPTY;
    let Some(&first) = first else { return star };
    let (mut wedge, mut used) = (first, 0);
    loop {
        star.along[used % 4] = wedge[0];
        star.across[used] = wedge[1];
        let last = wedge[2];
        used += 1;
        match own.iter().find(|w| w[0] == last) {
            Some(next) if used < count => wedge = *next,
            // All around, four quadrangles end where they began.
            _ if used == 4 => {
                star.is_inner = true;
                return if last == first[0] { star } else { Star::EMPTY };
            }
            _ => {
                star.along[used] = last;
                return if used == count && last != first[0] { star } else { Star::EMPTY };
            }
        }
    }
}

/// For two centers side by side on a line: the one after the second, [`NONE`] at a rim or a mask.
pub(super) fn beyond(stars: &[Star], first: u32, second: u32) -> u32 {
    let star = &stars[second as usize];
    star.towards(first).map_or(NONE, |k| star.along[(k + 2) % 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four columns that close up, three rows.
    fn ring() -> Vec<[u32; 4]> {
        let at = |j: u32, i: u32| 4 * j + i % 4;
        (0..2).flat_map(|j| (0..4).map(move |i| [at(j, i), at(j, i + 1), at(j + 1, i + 1), at(j + 1, i)])).collect()
    }

    #[test]
    fn lines_go_on_across_the_seam_and_end_at_the_rim_and_the_mask() {
        let mut quadrangles = ring();
        quadrangles.push(quadrangles[3]);
        let stars = stars(12, &quadrangles, |c| c != 8);
        assert_eq!(beyond(&stars, 6, 7), 4);
        assert_eq!(beyond(&stars, 7, 4), 5);
        assert_eq!(beyond(&stars, 1, 5), 9);
        assert_eq!(beyond(&stars, 0, 4), NONE, "masked");
        assert_eq!(beyond(&stars, 5, 9), NONE, "the last row");
        let star = &stars[5];
        let east = star.towards(6).expect("the next column");
        assert_eq!([0, 1, 2, 3].map(|k| star.along[(east + k) % 4]), [6, 9, 4, 1]);
        assert_eq!([0, 1, 2, 3].map(|k| star.across[(east + k) % 4]), [10, NONE, 0, 2]);
        let rim = &stars[1];
        let east = rim.towards(2).expect("the next column");
        assert_eq!([0, 1, 2, 3].map(|k| rim.along[(east + k) % 4]), [2, 5, 0, NONE]);
        assert_eq!((star.is_inner, rim.is_inner), (true, false));
    }

    #[test]
    fn where_no_two_lines_cross_there_is_no_star() {
        // Three quadrangles all around a center, as at the corner of a cube.
        let stars = stars(7, &[[0, 1, 2, 3], [0, 3, 4, 5], [0, 5, 6, 1]], |_| true);
        assert_eq!(stars[0], Star::EMPTY);
    }
}
