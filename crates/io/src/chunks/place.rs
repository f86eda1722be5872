//! Where values of a chunk go in a part of a variable that is read or written.

use std::ops::Range;

/// A stretch of values that lie side by side in the chunk and in the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) in_chunk: usize,
    pub(crate) in_part: usize,
    pub(crate) len: usize,
}

/// Calls `with` for the stretches that the chunk of lengths `chunk`, whose first value is at `origin`, shares with
/// `part`, in order.
pub(crate) fn for_each_run(origin: &[usize], chunk: &[usize], part: &[Range<usize>], mut with: impl FnMut(Run)) {
    let shared: Vec<Range<usize>> = origin
        .iter()
        .zip(chunk)
        .zip(part)
        .map(|((&from, &len), part)| part.start.max(from)..part.end.min(from.saturating_add(len)))
        .collect();
    if shared.iter().any(Range::is_empty) {
        return;
    }
    // Dimensions that both hold whole join the stretch of the one before them.
    let mut inner = shared.len().saturating_sub(1);
    let mut len = shared.last().map_or(1, Range::len);
    while inner > 0 && shared[inner].len() == chunk[inner] && shared[inner].len() == part[inner].len() {
        inner -= 1;
        len *= shared[inner].len();
    }
    let flat = |index: &[usize], first: &dyn Fn(usize) -> usize, lens: &dyn Fn(usize) -> usize| {
        (0..shared.len()).fold(0, |flat, d| flat * lens(d) + index[d] - first(d))
    };
    let mut index: Vec<usize> = shared.iter().map(|range| range.start).collect();
    loop {
        let in_chunk = flat(&index, &|d| origin[d], &|d| chunk[d]);
        let in_part = flat(&index, &|d| part[d].start, &|d| part[d].len());
        with(Run { in_chunk, in_part, len });
        // The next index of the dimensions outside of the stretch.
        let mut d = inner;
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            index[d] += 1;
            if index[d] < shared[d].end {
                break;
            }
            index[d] = shared[d].start;
        }
    }
}

/// First values of the chunks that have values in `part`, in order.
pub(super) fn origins(chunk: &[usize], part: &[Range<usize>]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for (&len, range) in chunk.iter().zip(part) {
        let rows: Vec<usize> = (range.start / len..range.end.div_ceil(len)).map(|row| row * len).collect();
        all = all.iter().flat_map(|before| rows.iter().map(|&at| [before.as_slice(), &[at]].concat())).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nc::unravel;

    /// Every value of the part is met once, at the right place of the right chunk.
    #[test]
    fn chunks_cover_every_part_once() {
        type Case<'c> = (&'c [usize], &'c [usize], &'c [Range<usize>]);
        let one = 1..6;
        let cases: [Case<'_>; 7] = [
            (&[7], &[3], std::slice::from_ref(&one)),
            (&[4, 5], &[2, 5], &[0..4, 0..5]),
            (&[4, 5], &[3, 2], &[1..4, 1..5]),
            (&[3, 4, 6], &[1, 4, 6], &[1..3, 0..4, 0..6]),
            (&[3, 4, 6], &[2, 3, 4], &[0..3, 1..2, 2..6]),
            (&[2, 3, 4, 5], &[2, 2, 4, 3], &[0..2, 1..3, 0..4, 1..5]),
            (&[2, 3], &[4, 4], &[0..2, 0..3]),
        ];
        for (lens, chunk, part) in cases {
            assert!(part.iter().zip(lens).all(|(p, &len)| p.end <= len));
            let sizes: Vec<usize> = part.iter().map(Range::len).collect();
            let mut found = vec![None; sizes.iter().product()];
            for origin in origins(chunk, part) {
                for_each_run(&origin, chunk, part, |run| {
                    for k in 0..run.len {
                        let index: Vec<usize> =
                            unravel(run.in_chunk + k, chunk).iter().zip(&origin).map(|(i, o)| i + o).collect();
                        assert_eq!(found[run.in_part + k].replace(index), None, "met twice");
                    }
                });
            }
            for (flat, index) in found.into_iter().enumerate() {
                let expected: Vec<usize> = unravel(flat, &sizes).iter().zip(part).map(|(i, p)| i + p.start).collect();
                assert_eq!(index, Some(expected), "{lens:?} {chunk:?} {part:?}");
            }
        }
    }
}
