//! What the cells of a latitude take from the columns of the source, the same for all latitudes.

/// Cells whose sums are made together.
pub(super) const TOGETHER: usize = 8;

/// The columns and weights of the cells of a latitude.
#[derive(Debug, PartialEq)]
pub(super) struct Across {
    /// First link of each cell, and the number of all.
    starts: Vec<u32>,
    columns: Vec<u32>,
    weights: Vec<f64>,
    /// The same for [`TOGETHER`] cells at once: the first link of each such group, links of one number side by side.
    groups: Vec<u32>,
    /// Where a cell has fewer links than another of its group, a column that it or another has, with the weight 0.
    places: Vec<[u32; TOGETHER]>,
    shares: Vec<[f64; TOGETHER]>,
    /// The first and the end of the columns that a group takes from, if they are neighbours and no more than the bits of a word.
    spans: Vec<(u32, u32)>,
    /// Columns of the source.
    count: usize,
}

impl Across {
    /// From the first link of each cell and the number of all, their columns below `count`, and their weights.
    pub(super) fn new(starts: Vec<u32>, columns: Vec<u32>, weights: Vec<f64>, count: usize) -> Self {
        assert!(columns.iter().all(|&column| (column as usize) < count), "a column of the source");
        let (mut groups, mut places, mut shares, mut spans) = (vec![0], Vec::new(), Vec::new(), Vec::new());
        for cells in starts[..starts.len() - 1].chunks(TOGETHER).zip(starts[1..].chunks(TOGETHER)) {
            let links = cells.0.iter().zip(cells.1).map(|(start, end)| *start as usize..*end as usize);
            let most = links.clone().map(|links| links.len()).max().unwrap_or(0);
            let any = links.clone().find(|links| !links.is_empty()).map_or(0, |links| columns[links.start]);
            for k in 0..most {
                let (mut place, mut share) = ([any; TOGETHER], [0.0; TOGETHER]);
                for (b, links) in links.clone().enumerate().filter(|(_, links)| !links.is_empty()) {
                    place[b] = columns[(links.start + k).min(links.end - 1)];
                    share[b] = if k < links.len() { weights[links.start + k] } else { 0.0 };
                }
                places.push(place);
                shares.push(share);
            }
            let own = &columns[cells.0[0] as usize..cells.1[cells.1.len() - 1] as usize];
            let (first, last) = (own.iter().min().copied().unwrap_or(0), own.iter().max().copied().unwrap_or(0));
            let is_dense = last - first < u64::BITS && (first..=last).all(|column| own.contains(&column));
            spans.push(if is_dense { (first, last + 1) } else { (0, 0) });
            groups.push(places.len() as u32);
        }
        Self { starts, columns, weights, groups, places, shares, spans, count }
    }

    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Columns and weights of a cell.
    #[inline(always)]
    pub(super) fn row(&self, cell: usize) -> (&[u32], &[f64]) {
        let links = self.starts[cell] as usize..self.starts[cell + 1] as usize;
        (&self.columns[links.clone()], &self.weights[links])
    }

    /// A group of cells.
    #[inline(always)]
    pub(super) fn group(&self, group: usize) -> Group<'_> {
        let links = self.groups[group] as usize..self.groups[group + 1] as usize;
        let (first, last) = self.spans[group];
        let span = (last > 0).then_some((first as usize, last as usize));
        let near = span.filter(|(first, last)| last - first <= TOGETHER).map(|(first, _)| first.min(self.count - TOGETHER));
        Group { places: &self.places[links.clone()], shares: &self.shares[links], span, near }
    }
}

/// Some cells of a latitude, links of one number side by side.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) places: &'a [[u32; TOGETHER]],
    pub(super) shares: &'a [[f64; TOGETHER]],
    /// The columns that they take from, if those are neighbours and no more than the bits of a word.
    pub(super) span: Option<(usize, usize)>,
    /// The first of [`TOGETHER`] columns that have all of them.
    pub(super) near: Option<usize>,
}
