//! What a mapping keeps from arriving, in weights of cells: sums over them are columns of the ledger.
//!
//! They depend on grids and weights alone, as long as no value is missing where one is read.

use crate::ledger::{CellWeights, Cells};
use crate::mapping::Mapping;
use crate::{Nature, Values};
use knarr_kernels::global_integral::Compensated;
#[cfg(feature = "gpu")]
use std::sync::OnceLock;

/// Weights of cells, m2 for fluxes and 1 for amounts.
pub(crate) struct Losses {
    /// Of source cells, over destination cells that take no part.
    pub masked: Option<CellWeights>,
    /// Of source cells, beyond the destination.
    pub beyond: CellWeights,
    /// Of destination cells, what did not get its value from below it; `None` for amounts.
    pub stretched: Option<CellWeights>,
    /// Links that cross from basin to basin.
    crossing: Vec<Crossing>,
    /// The part of each destination cell whose value comes from the source; `None` where a row is whole by definition.
    parts: Option<Vec<f64>>,
    #[cfg(feature = "gpu")]
    on_device: [OnceLock<Vec<Option<CellWeights>>>; 2],
}

struct Crossing {
    source: u32,
    destination: u32,
    weight: f64,
    area: f64,
}

impl Losses {
    /// Of a mapping that keeps integrals; `None` for one that does nothing.
    pub fn new(mapping: &Mapping, source: &Cells, destination: &Cells, nature: Nature) -> Option<Self> {
        let weights = &mapping.regridder.as_ref()?.weights;
        let per_area = nature == Nature::Flux;
        let sizes = |cells: &'_ Cells| if per_area { cells.areas.clone() } else { cells.counts() };
        let (from, to) = (sizes(source), sizes(destination));
        let masked = mapping.masked_fractions.as_ref();
        let covered = weights.source_fractions();
        let beyond = |cell: usize| (1.0 - covered[cell] - masked.map_or(0.0, |m| m[cell])) * from[cell];
        // Rows that sum to 1 over the covered part of a cell say nothing of the rest.
        let partial = per_area && weights.origin.conservative && weights.origin.normalization != "destarea";
        let part = |cell: usize| match (weights.is_mapped(cell), partial) {
            (false, _) => 0.0,
            (true, false) => 1.0,
            (true, true) => weights.destination_fraction(cell),
        };
        let mut crossing = Vec::new();
        if let (Some(of_source), Some(of_destination)) = (&source.basins, &destination.basins) {
            for cell in (0..weights.destination_len()).filter(|&cell| destination.is_active(cell)) {
                let (columns, values) = weights.row(cell);
                let away = columns.iter().zip(values).filter(|(c, _)| of_source[**c as usize] != of_destination[cell]);
                crossing.extend(away.map(|(&source, &weight)| Crossing {
                    source,
                    destination: cell as u32,
                    weight,
                    area: to[cell] * part(cell),
                }));
            }
        }
        Some(Self {
            masked: masked.map(|m| m.iter().zip(&from).map(|(part, area)| part * area).collect::<Vec<f64>>().into()),
            beyond: (0..from.len()).map(beyond).collect::<Vec<f64>>().into(),
            stretched: per_area.then(|| (0..to.len()).map(|cell| (1.0 - part(cell)) * to[cell]).collect::<Vec<f64>>().into()),
            crossing,
            parts: partial.then(|| (0..to.len()).map(part).collect()),
            #[cfg(feature = "gpu")]
            on_device: Default::default(),
        })
    }

    /// [`Self::stretched`] where values are missing: a row stands on the valid part of its weights alone.
    pub fn stretched_with(&self, mapping: &Mapping, given: &Values, destination: &Cells) -> Option<Vec<f64>> {
        let (parts, weights) = (self.parts.as_ref()?, &mapping.regridder.as_ref()?.weights);
        let rest = |cell: usize| {
            let (columns, values) = weights.row(cell);
            let share: f64 = columns.iter().zip(values).filter(|(c, _)| given.is_valid(**c as usize)).map(|(_, w)| w).sum();
            (1.0 - parts[cell] * share) * destination.areas[cell]
        };
        Some((0..parts.len()).map(rest).collect())
    }

    /// What came into each zone from others.
    pub fn moved(&self, given: &Values, arrived: &Values, source: &Cells, destination: &Cells) -> Option<Vec<Compensated>> {
        let (from, to) = (source.basins.as_ref()?, destination.basins.as_ref()?);
        let mut moved = vec![Compensated::default(); source.zones];
        for link in &self.crossing {
            let (s, d) = (link.source as usize, link.destination as usize);
            if given.is_valid(s) && arrived.is_valid(d) {
                let amount = link.weight * given.values[s];
                moved[1 + usize::from(to[d])].add_product(amount, link.area);
                moved[1 + usize::from(from[s])].add_product(-amount, link.area);
            }
        }
        Some(moved)
    }

    /// 1 for source cells that some row reads: a sum by these tells whether values are missing there.
    #[cfg(feature = "gpu")]
    pub fn read(&self, mapping: &Mapping) -> Option<&CellWeights> {
        let weights = &mapping.regridder.as_ref()?.weights;
        let made = self.on_device[0].get_or_init(|| {
            let mut read = vec![0.0; weights.source_len];
            weights.columns.iter().for_each(|&column| read[column as usize] = 1.0);
            vec![Some(read.into())]
        });
        made[0].as_ref()
    }

    /// [`Losses::moved`] as weights of source cells, for each zone; `None` where nothing comes in, no zones without basins.
    #[cfg(feature = "gpu")]
    pub fn crossed(&self, source: &Cells, destination: &Cells) -> &[Option<CellWeights>] {
        self.on_device[1].get_or_init(|| {
            let (Some(from), Some(to)) = (&source.basins, &destination.basins) else { return Vec::new() };
            let mut zones: Vec<Option<Vec<f64>>> = vec![None; source.zones];
            for link in &self.crossing {
                let (s, d) = (link.source as usize, link.destination as usize);
                let size = link.weight * link.area;
                for (zone, size) in [(1 + usize::from(to[d]), size), (1 + usize::from(from[s]), -size)] {
                    zones[zone].get_or_insert_with(|| vec![0.0; from.len()])[s] += size;
                }
            }
            zones.into_iter().map(|weights| weights.map(Into::into)).collect()
        })
    }
}
