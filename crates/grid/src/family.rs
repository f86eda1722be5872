//! What kind of grid it is: for reports and for the metadata of output files.

/// Order of HEALPix cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealpixOrder {
    /// Along rings of equal latitude, from the north pole southward.
    Ring,
    /// Hierarchical, quad-tree within each of the 12 base cells.
    Nested,
}

/// A map projection with its plane axes, kept so that CF `grid_mapping` can be written again.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// CF `grid_mapping_name`, such as `polar_stereographic`.
    pub name: String,
    /// CF grid-mapping attributes as numbers, in the order they are written.
    pub parameters: Vec<(String, Vec<f64>)>,
    /// PROJ string used for the computation.
    pub proj: String,
    /// Centers along x in metres.
    pub x: Vec<f64>,
    /// Centers along y in metres.
    pub y: Vec<f64>,
}

/// The kind of a grid.
#[derive(Clone, Debug, PartialEq)]
pub enum Family {
    /// Regular or irregular longitude x latitude axes.
    LatLon,
    /// Regular Gaussian with `n` latitudes between pole and equator.
    Gaussian {
        /// Latitudes between a pole and the equator.
        n: usize,
    },
    /// Reduced Gaussian; classic (N) or octahedral (O).
    ReducedGaussian {
        /// Latitudes between a pole and the equator.
        n: usize,
        /// Whether row `k` from the pole has `4k + 16` cells.
        octahedral: bool,
    },
    /// Rows of equal cells, fewer towards the poles, on latitudes that are not Gaussian.
    ReducedLatLon,
    /// Longitude x latitude axes about another pole.
    RotatedLatLon {
        /// Longitude of the frame's north pole.
        pole_lon_deg: f64,
        /// Latitude of the frame's north pole.
        pole_lat_deg: f64,
        /// Longitude of the geographic north pole in the frame.
        north_pole_grid_longitude_deg: f64,
    },
    /// x and y axes of a map projection.
    Projected(Box<Projection>),
    /// Two-dimensional longitudes and latitudes.
    Curvilinear,
    /// HEALPix.
    Healpix {
        /// Subdivisions of a base cell's side.
        nside: usize,
        /// Order of the cells.
        order: HealpixOrder,
    },
    /// Equiangular cubed sphere with `n` x `n` cells a face.
    CubedSphere {
        /// Cells along the side of a face.
        n: usize,
    },
    /// Triangles of an icosahedron whose edges are split into `n` parts.
    IcosahedralTriangles {
        /// Parts of an icosahedron's edge.
        n: usize,
    },
    /// Pentagons and hexagons around the vertices of those triangles.
    IcosahedralDual {
        /// Parts of an icosahedron's edge.
        n: usize,
    },
    /// Any other polygons.
    Mesh,
    /// Points without corners.
    Points,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LatLon => f.write_str("lat-lon"),
            Self::Gaussian { n } => write!(f, "regular Gaussian F{n}"),
            Self::ReducedGaussian { n, octahedral: true } => write!(f, "octahedral reduced Gaussian O{n}"),
            Self::ReducedGaussian { n, octahedral: false } => write!(f, "reduced Gaussian N{n}"),
            Self::ReducedLatLon => f.write_str("reduced lat-lon"),
            Self::RotatedLatLon { pole_lon_deg, pole_lat_deg, .. } => {
                write!(f, "rotated lat-lon (north pole {pole_lon_deg}E {pole_lat_deg}N)")
            }
            Self::Projected(p) => f.write_str(&p.name.replace('_', " ")),
            Self::Curvilinear => f.write_str("curvilinear"),
            Self::Healpix { nside, order: HealpixOrder::Ring } => write!(f, "HEALPix nside {nside} ring"),
            Self::Healpix { nside, order: HealpixOrder::Nested } => write!(f, "HEALPix nside {nside} nested"),
            Self::CubedSphere { n } => write!(f, "equiangular cubed sphere CS{n}"),
            Self::IcosahedralTriangles { n } => write!(f, "icosahedral triangles, edge / {n}"),
            Self::IcosahedralDual { n } => write!(f, "icosahedral pentagons and hexagons, edge / {n}"),
            Self::Mesh => f.write_str("unstructured mesh"),
            Self::Points => f.write_str("points"),
        }
    }
}
