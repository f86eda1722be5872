//! Finding what is near, and what contains a point.

pub(crate) mod bvh;
pub(crate) mod delaunay;
pub(crate) mod locate;
pub(crate) mod points;
