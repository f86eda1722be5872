//! Patches as they are collected, before they are made ready for queries, and what their corners show.

use super::patches::{LEAST_SHARE, Part, Patches, Scratch, weights_in};
use crate::links::Link;
use crate::search::locate::Locator;
use crate::search::windows::{RowPoints, Windows};
use knarr_kernels::bilinear::{LEAST_COSINE, contains_origin};
use knarr_kernels::sphere::UnitVector;
use knarr_kernels::tangent_plane::TangentPlane;

/// Patches between centers, and what their corners show.
pub(super) struct Collected {
    nodes: Vec<UnitVector>,
    starts: Vec<usize>,
    corners: Vec<u32>,
    shown: Shown,
}

/// Which source cells nodes show.
pub(super) struct Shown {
    /// Nodes from here on are means of the cells in `members`.
    cells: usize,
    members: Vec<Vec<u32>>,
    alias: Option<Vec<u32>>,
    is_active: Vec<bool>,
}

impl Shown {
    /// Appends the links of nodes with these weights; false, and none, if no active cell has a share.
    pub fn push_links(&self, nodes: &[u32], weights: &[f64], links: &mut Vec<Link>) -> bool {
        for (&node, &weight) in nodes.iter().zip(weights) {
            self.push_node(node, weight, links);
        }
        let all: f64 = weights.iter().sum();
        let kept: f64 = links.iter().map(|l| l.1).sum();
        if kept <= LEAST_SHARE * all {
            links.clear();
        }
        !links.is_empty()
    }

    fn push_node(&self, node: u32, weight: f64, links: &mut Vec<Link>) {
        let mut push = |cell: u32, weight: f64| {
            let cell = self.alias.as_ref().map_or(cell, |alias| alias[cell as usize]);
            if self.is_active[cell as usize] {
                links.push((cell, weight));
            }
        };
        match (node as usize).checked_sub(self.cells) {
            None => push(node, weight),
            Some(k) => {
                let members = &self.members[k];
                members.iter().for_each(|&cell| push(cell, weight / members.len() as f64));
            }
        }
    }

    /// Whether a source cell has a value.
    pub fn is_active(&self, cell: u32) -> bool {
        self.is_active[cell as usize]
    }

    /// The cells that four nodes show, if they are cells.
    pub fn four(&self, nodes: [u32; 4]) -> Option<[u32; 4]> {
        let are_cells = nodes.iter().all(|&c| (c as usize) < self.cells);
        are_cells.then(|| nodes.map(|c| self.alias.as_ref().map_or(c, |alias| alias[c as usize])))
    }
}

impl Collected {
    /// Patches between `centers`. `alias` names for each cell the cell whose value it shows, `is_active` says which cells have
    /// values.
    pub fn new(centers: Vec<UnitVector>, all: Part, alias: Option<Vec<u32>>, is_active: Vec<bool>) -> Self {
        let (cells, mut nodes) = (centers.len(), centers);
        nodes.extend(all.nodes);
        let shown = Shown { cells, members: all.members, alias, is_active };
        Self { nodes, starts: all.starts, corners: all.corners, shown }
    }

    /// Made ready for queries anywhere.
    pub fn located(self) -> Patches {
        let Self { nodes, starts, corners, shown } = self;
        Patches::new(Locator::new(nodes, starts, corners), shown)
    }

    /// Their windows on points in rows.
    pub fn windows(&self, points: &RowPoints) -> Windows {
        Windows::new(points, &self.nodes, &self.starts, &self.corners)
    }

    /// The nodes around a patch.
    #[inline]
    pub fn ring(&self, patch: u32) -> &[u32] {
        &self.corners[self.starts[patch as usize]..self.starts[patch as usize + 1]]
    }

    /// The place of a node.
    #[inline]
    pub fn node(&self, node: u32) -> UnitVector {
        self.nodes[node as usize]
    }

    /// Whether a patch lies between four active cells: points in it have links.
    #[inline]
    pub fn is_whole(&self, patch: u32) -> bool {
        <[u32; 4]>::try_from(self.ring(patch)).is_ok_and(|ring| self.four_cells(ring).is_some())
    }

    /// The active cells that four nodes show, if they all do.
    #[inline]
    pub fn four_cells(&self, nodes: [u32; 4]) -> Option<[u32; 4]> {
        self.shown.four(nodes).filter(|cells| cells.iter().all(|&c| self.shown.is_active[c as usize]))
    }

    /// Appends the links of nodes with these weights; false, and none, if no active cell has a share.
    pub fn push_links(&self, nodes: &[u32], weights: &[f64], links: &mut Vec<Link>) -> bool {
        self.shown.push_links(nodes, weights, links)
    }

    /// Appends the links of a point in a patch; false, and none, if it is not in it or no active cell has a share.
    pub fn links_in(&self, patch: u32, p: UnitVector, scratch: &mut Scratch, links: &mut Vec<Link>) -> bool {
        let (ring, (plane_points, weights)) = (self.ring(patch), scratch.buffers());
        let plane = TangentPlane::new(p, LEAST_COSINE);
        plane_points.clear();
        plane_points.extend(ring.iter().map_while(|&c| plane.project(self.node(c))));
        plane_points.len() == ring.len()
            && contains_origin(plane_points)
            && weights_in(plane_points, weights)
            && self.push_links(ring, weights, links)
    }
}
