//! Products beside the plain reference, bit for bit.

use super::super::tests::{LEVELS, Noise, POLICIES, compare, mixed_rows};
use super::super::transpose::best_instructions;
use super::super::{Missing, PreparedRows, SlabFlags, SparseRows, apply};

/// What the intervals of an axis take from those of another.
type Axis = Vec<Vec<(usize, f64)>>;

/// Means of `n` intervals over `count` others, which start half of a part further on; around a circle if it is `closed`.
fn means(n: usize, count: usize, closed: bool) -> Axis {
    let shift = if closed { 0.5 / n as f64 } else { 0.0 };
    let interval = |k: usize| {
        let (start, end) = (k as f64 / count as f64 - shift, (k + 1) as f64 / count as f64 - shift);
        let shared = |i: i64| end.min((i + 1) as f64 / n as f64) - start.max(i as f64 / n as f64);
        let links = (-2..n as i64 + 2).map(|i| (i, shared(i) * count as f64)).filter(|link| link.1 > 1e-9);
        let mut links: Vec<_> = links.map(|(i, w)| (i.rem_euclid(n as i64) as usize, w)).collect();
        links.sort_by_key(|link| link.0);
        links
    };
    (0..count).map(interval).collect()
}

/// Lines between the centers of `n` intervals, at those of `count` others that reach `beyond` on both sides; there is nothing there.
fn lines(n: usize, count: usize, beyond: f64) -> Axis {
    let interval = |k: usize| {
        let x = ((k as f64 + 0.5) / count as f64 * (1.0 + 2.0 * beyond) - beyond) * n as f64 - 0.5;
        let first = x.floor();
        let inside = first >= 0.0 && (first as usize) + 1 < n;
        let mut links =
            if inside { vec![(first as usize, 1.0 - (x - first)), (first as usize + 1, x - first)] } else { Vec::new() };
        links.retain(|link| link.1 > 1e-9);
        links
    };
    (0..count).map(interval).collect()
}

/// Rows between two grids.
#[derive(Clone)]
struct Rows {
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f64>,
    source_len: usize,
    /// Destination cells of a latitude.
    cells: usize,
}

impl Rows {
    /// From the axes of latitudes and longitudes, over source latitudes of `n` cells. Those of the first `poles` latitudes and as many
    /// last ones have the mean of a source latitude in them as well: they are no products.
    fn new(y: &Axis, x: &Axis, n: usize, height: usize, poles: usize) -> Self {
        let mut rows = Self { starts: vec![0], columns: vec![], weights: vec![], source_len: n * height, cells: x.len() };
        for (latitude, down) in y.iter().enumerate() {
            for across in x {
                if latitude < poles || latitude + poles >= y.len() {
                    let j = if latitude < poles { 0 } else { height - 1 };
                    rows.columns.extend((0..n).map(|i| (j * n + i) as u32));
                    let own = |i: usize| across.iter().filter(|link| link.0 == i).map(|link| 0.75 * link.1).sum::<f64>();
                    rows.weights.extend((0..n).map(|i| 0.25 / n as f64 + own(i)));
                } else {
                    for (j, height) in down {
                        rows.columns.extend(across.iter().map(|(i, _)| (j * n + i) as u32));
                        rows.weights.extend(across.iter().map(|(_, width)| height * width));
                    }
                }
                rows.starts.push(rows.columns.len());
            }
        }
        rows
    }

    fn sparse(&self) -> SparseRows<'_> {
        SparseRows { row_starts: &self.starts, columns: &self.columns, weights: &self.weights }
    }

    fn prepared(&self) -> PreparedRows<'_> {
        PreparedRows::new(self.sparse(), self.source_len)
    }
}

/// To coarser ones around a circle, to finer ones between centers, to some that reach beyond, with other rows at the poles, and
/// latitudes whose ends are in the middle of words.
fn cases() -> Vec<(&'static str, Rows, usize)> {
    vec![
        ("coarser", Rows::new(&means(60, 13, false), &means(96, 24, true), 96, 60, 0), 13),
        ("finer", Rows::new(&lines(20, 50, 0.0), &lines(30, 96, 0.0), 30, 20, 0), 50),
        ("beyond", Rows::new(&lines(20, 35, 0.1), &lines(30, 61, 0.15), 30, 20, 0), 35),
        ("poles", Rows::new(&means(40, 60, false), &means(70, 128, true), 70, 40, 2), 56),
        ("odd", Rows::new(&means(31, 23, false), &means(45, 37, true), 45, 31, 1), 21),
    ]
}

#[test]
fn rows_between_latitudes_and_longitudes_are_found_to_be_products() {
    for (name, rows, latitudes) in cases() {
        let prepared = rows.prepared();
        assert_eq!(prepared.products(), latitudes * rows.cells, "{name}");
        // Weights are others by some roundings, those of other rows the same.
        for row in 0..prepared.len() {
            let (found, given) = (prepared.rows().row(row).1, rows.sparse().row(row).1);
            let total: f64 = given.iter().sum();
            assert!(found.iter().zip(given).all(|(found, given)| (found - given).abs() <= 4e-15 * total), "{name} {row}");
            let y = row / rows.cells;
            let is_other = prepared.products.as_ref().is_some_and(|products| products.latitudes[y].is_none());
            assert!(!is_other || found == given, "{name} {row}");
        }
    }
}

#[test]
fn every_form_gives_the_same_bits() {
    for (name, rows, _) in cases() {
        println!("{name}");
        let prepared = rows.prepared();
        for instructions in 0..=best_instructions() {
            for slabs in [1, 2, 19] {
                for masks in [0, 7, LEVELS] {
                    let policies = if masks == 0 { &POLICIES[..1] } else { &POLICIES[..] };
                    for &missing in policies {
                        compare::<f32>(&prepared, instructions, slabs, missing, masks);
                        compare::<f64>(&prepared, instructions, slabs, missing, masks);
                    }
                }
            }
            // No share is enough, but that of all.
            for missing in [Missing::Keep { min_valid: 1.5 }, Missing::Renormalize { min_valid: 1.5 }] {
                compare::<f32>(&prepared, instructions, 9, missing, 7);
                compare::<f64>(&prepared, instructions, 9, missing, LEVELS);
            }
        }
    }
}

#[test]
fn results_of_products_that_pass_the_caches_have_the_same_bits() {
    let rows = Rows::new(&lines(100, 300, 0.0), &lines(120, 437, 0.0), 120, 100, 0);
    let prepared = rows.prepared();
    assert!(prepared.products() == prepared.len() && prepared.len() * 17 * 4 >= super::super::STREAMED);
    assert!(prepared.chunks.len() > 4);
    for instructions in 0..=best_instructions() {
        compare::<f32>(&prepared, instructions, 17, POLICIES[0], 0);
        // Groups of cells lie in two chunks.
        compare::<f32>(&prepared, instructions, 2, POLICIES[0], 7);
        compare::<f64>(&prepared, instructions, 1, POLICIES[1], 0);
        compare::<f32>(&prepared, instructions, 32, POLICIES[2], 7);
        compare::<f64>(&prepared, instructions, 9, POLICIES[0], LEVELS);
    }
}

#[test]
fn products_applied_once_by_any_threads_are_the_same() {
    for (name, rows, _) in cases() {
        let mut noise = Noise(3);
        let source: Vec<f64> = (0..9 * rows.source_len).map(|_| noise.next() - 0.3).collect();
        let valid: Vec<bool> = source.iter().map(|_| noise.next() > 0.2).collect();
        let run = |threads: usize, slabs: usize| {
            let n = rows.starts.len() - 1;
            let (mut out, mut flags) = (vec![-9.0; n * slabs], vec![false; n * slabs]);
            let (source, valid) = (&source[..slabs * rows.source_len], &valid[..slabs * rows.source_len]);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
            let missing = Missing::Renormalize { min_valid: 0.4 };
            let all = rows.sparse();
            pool.install(|| {
                apply(all, rows.source_len, source, Some(valid), missing, &mut out, &mut flags);
            });
            (out.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), flags)
        };
        let (one, four, single) = (run(1, 9), run(4, 9), run(2, 1));
        assert_eq!(one, four, "{name}");
        let n = single.0.len();
        assert_eq!((&one.0[..n], &one.1[..n]), (&single.0[..], &single.1[..]), "{name}: one slab alone");
    }
}

#[test]
fn what_is_no_number_reaches_the_rows_that_use_it_alone() {
    for (name, rows, _) in cases() {
        let prepared = rows.prepared();
        let n = prepared.len();
        let bads = [(f64::NAN, 0), (f64::INFINITY, rows.source_len / 2), (f64::NAN, rows.source_len - 1)];
        for (slabs, (bad, at)) in [2, 9].into_iter().flat_map(|slabs| bads.map(|bad| (slabs, bad))) {
            let mut source = vec![1.5; slabs * rows.source_len];
            (0..slabs).for_each(|slab| source[slab * rows.source_len + at] = bad);
            let by_cell: Vec<f64> = (0..source.len()).map(|k| source[k / slabs]).collect();
            // A gap elsewhere makes slabs with gaps.
            let gap = rows.source_len / 3;
            for with_gap in [false, true] {
                let flags: Vec<bool> = (0..source.len()).map(|k| !with_gap || k % rows.source_len != gap).collect();
                let flags_by_cell: Vec<bool> = (0..source.len()).map(|k| flags[k / slabs]).collect();
                let (mut out, mut out_by_cell) = (vec![-9.0; n * slabs], vec![-9.0; n * slabs]);
                let missing = Missing::Renormalize { min_valid: 0.0 };
                for instructions in 0..=best_instructions() {
                    let valid = SlabFlags::from_bools(rows.source_len, &flags);
                    prepared.apply_with(instructions, &source, Some(&valid), missing, &mut out);
                    let valid = SlabFlags::from_bools(slabs, &flags_by_cell);
                    prepared.apply_cells_with(instructions, slabs, &by_cell, Some(&valid), missing, &mut out_by_cell);
                    for row in 0..n {
                        let uses = prepared.rows().row(row).0.contains(&(at as u32));
                        // Means are kept in the range of what is a number.
                        let is_hit = |v: f64| !v.is_finite() || (v - 1.5).abs() > 1e-9;
                        for slab in 0..slabs {
                            let (a, b) = (out[slab * n + row], out_by_cell[row * slabs + slab]);
                            let empty = prepared.rows().row(row).0.iter().all(|&c| with_gap && c as usize == gap);
                            if !uses && !empty {
                                assert!((a - 1.5).abs() < 1e-9 || !is_mean(&prepared, row), "{name} {bad} {row}: {a}");
                                assert!(a.is_finite() && b.is_finite(), "{name} {bad} {row}: {a} {b}");
                            } else if uses {
                                assert!(is_hit(a) && is_hit(b), "{name} {bad} {row}: {a} {b}");
                            }
                        }
                    }
                }
            }
        }
    }
}

fn is_mean(prepared: &PreparedRows<'_>, row: usize) -> bool {
    prepared.facts.is_mean(row)
}

#[test]
fn sums_of_products_are_those_of_links_but_for_rounding() {
    for (name, rows, _) in cases() {
        let prepared = rows.prepared();
        let mut noise = Noise(8);
        let source: Vec<f64> = (0..rows.source_len).map(|_| 300.0 * noise.next()).collect();
        let mut out = vec![-9.0; prepared.len()];
        prepared.apply(&source, None, Missing::Propagate, &mut out);
        for (row, value) in out.into_iter().enumerate() {
            let (columns, weights) = rows.sparse().row(row);
            let mut sum: f64 = columns.iter().zip(weights).map(|(&c, w)| w * source[c as usize]).sum();
            if is_mean(&prepared, row) {
                let values = || columns.iter().map(|&c| source[c as usize]);
                sum = sum.max(values().fold(f64::INFINITY, f64::min)).min(values().fold(f64::NEG_INFINITY, f64::max));
            }
            let total: f64 = weights.iter().sum();
            // Each weight is another by 4e-15 of the row at most, and each of two ways rounds once a product and once a sum.
            let bound = columns.len() as f64 * (4e-15 + 4.0 * f64::EPSILON) * total * 300.0;
            assert!((value - sum).abs() <= bound, "{name} {row}: {value} {sum}");
        }
    }
}

#[test]
fn rows_that_differ_in_one_weight_go_by_links() {
    for (name, rows, latitudes) in cases() {
        let has_links = |&row: &usize| rows.starts[row] < rows.starts[row + 1];
        let row = (rows.starts.len() / 2..rows.starts.len() - 1).find(has_links).expect("a row has links");
        for change in [1e-13, -1e-13] {
            let mut other = rows.clone();
            let sum: f64 = rows.weights[rows.starts[row]..rows.starts[row + 1]].iter().sum();
            other.weights[rows.starts[row]] += change * sum;
            assert_eq!(other.prepared().products(), (latitudes - 1) * rows.cells, "{name}");
            compare::<f64>(&other.prepared(), best_instructions(), 5, POLICIES[0], 7);
        }
        // A weight of another sign, or none.
        for w in [0.0, -1e-20] {
            let mut other = rows.clone();
            other.weights[rows.starts[row]] = w;
            assert!(other.prepared().products() < latitudes * rows.cells, "{name} {w}");
        }
    }
}

#[test]
fn other_rows_are_no_products() {
    for (spread, source_len) in [(1, 9000), (3, 9000), (96, 9600), (977, 90_000)] {
        let (row_starts, columns, weights) = mixed_rows(4501, source_len, spread);
        let rows = SparseRows { row_starts: &row_starts, columns: &columns, weights: &weights };
        assert_eq!(PreparedRows::new(rows, source_len).products(), 0, "{spread}");
    }
    // Rectangles of a grid of latitudes, at places that are no such grid.
    let (mut starts, mut columns, mut noise) = (vec![0], Vec::new(), Noise(4));
    for _ in 0..5000 {
        let cell = (noise.next() * 38.0) as u32 * 96 + (noise.next() * 94.0) as u32;
        columns.extend([cell, cell + 1, cell + 96, cell + 97]);
        starts.push(columns.len());
    }
    let weights = vec![0.25; columns.len()];
    let rows = SparseRows { row_starts: &starts, columns: &columns, weights: &weights };
    assert_eq!(PreparedRows::new(rows, 40 * 96).products(), 0);
    // Latitudes with gaps in the source of which no two are alike.
    let (_, rows, _) = cases().swap_remove(0);
    let (mut starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
    for row in 0..rows.starts.len() - 1 {
        for k in rows.starts[row]..rows.starts[row + 1] {
            if !(rows.columns[k] * 7919).is_multiple_of(11) {
                columns.push(rows.columns[k]);
                weights.push(rows.weights[k]);
            }
        }
        starts.push(columns.len());
    }
    let rows = SparseRows { row_starts: &starts, columns: &columns, weights: &weights };
    assert_eq!(PreparedRows::new(rows, 60 * 96).products(), 0);
}
