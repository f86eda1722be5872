//! Finding what is near, and what contains a point.

pub(crate) mod ascending;
pub(crate) mod buckets;
pub(crate) mod bvh;
mod compared;
mod cube;
pub(crate) mod delaunay;
pub(crate) mod formula;
pub(crate) mod locate;
pub(crate) mod nearby;
pub(crate) mod points;
pub(crate) mod quarters;
mod rings;
pub(crate) mod rows;
#[cfg(test)]
mod scenes;
pub(crate) mod squares;
pub(crate) mod windows;
