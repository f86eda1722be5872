//! Pairs of variables that are the two components of one vector.

use crate::Attributes;

/// What the components are along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorFrame {
    /// East and north.
    Earth,
    /// The x and y axes of the grid.
    Grid,
}

/// Which component a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorComponent {
    /// Eastward, or along x.
    First,
    /// Northward, or along y.
    Second,
}

/// A variable's part in a vector, told by its standard name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorRole {
    /// What it is along.
    pub frame: VectorFrame,
    /// Which of the two.
    pub component: VectorComponent,
    /// The standard name of the other component.
    pub partner: String,
}

/// Words of standard names that tell components, first and second of a pair.
const WORDS: [(&str, &str, VectorFrame); 4] = [
    ("eastward", "northward", VectorFrame::Earth),
    ("grid_eastward", "grid_northward", VectorFrame::Grid),
    ("x", "y", VectorFrame::Grid),
    ("u", "v", VectorFrame::Grid),
];

/// Names in which `x` and `y` are places or grid directions of a scalar, not components.
const NOT_VECTORS: [&str; 4] = ["projection_x_coordinate", "projection_y_coordinate", "x_derivative", "y_derivative"];

impl VectorRole {
    /// The role of a standard name; `None` for scalars.
    ///
    /// ```
    /// use knarr_field::{VectorFrame, VectorRole};
    /// let role = VectorRole::of_name("sea_ice_x_velocity").expect("a component");
    /// assert_eq!((role.frame, role.partner.as_str()), (VectorFrame::Grid, "sea_ice_y_velocity"));
    /// assert_eq!(VectorRole::of_name("air_temperature"), None);
    /// ```
    pub fn of_name(standard_name: &str) -> Option<Self> {
        // A modifier may follow the name.
        let name = standard_name.split_whitespace().next()?;
        if NOT_VECTORS.iter().any(|n| name.contains(n)) || name.starts_with("product_of") {
            return None;
        }
        let words: Vec<&str> = name.split('_').collect();
        for (first, second, frame) in WORDS.iter().rev() {
            for (mine, other, component) in [(first, second, VectorComponent::First), (second, first, VectorComponent::Second)] {
                let wanted: Vec<&str> = mine.split('_').collect();
                let Some(at) = words.windows(wanted.len()).position(|w| w == wanted) else { continue };
                // `grid_eastward` is met as `eastward` first: the frame is the grid's.
                let frame = if at > 0 && words[at - 1] == "grid" { VectorFrame::Grid } else { *frame };
                let partner: Vec<&str> = words[..at]
                    .iter()
                    .copied()
                    .chain(other.split('_'))
                    .chain(words[at + wanted.len()..].iter().copied())
                    .collect();
                return Some(Self { frame, component, partner: partner.join("_") });
            }
        }
        None
    }

    /// The role of a variable by its attributes.
    pub fn of(attributes: &Attributes) -> Option<Self> {
        Self::of_name(attributes.text("standard_name")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_know_their_partners() {
        use VectorComponent::{First, Second};
        use VectorFrame::{Earth, Grid};
        for (name, frame, component, partner) in [
            ("eastward_wind", Earth, First, "northward_wind"),
            ("northward_wind", Earth, Second, "eastward_wind"),
            ("x_wind", Grid, First, "y_wind"),
            ("grid_eastward_wind", Grid, First, "grid_northward_wind"),
            ("surface_downward_y_stress", Grid, Second, "surface_downward_x_stress"),
            ("surface_downward_eastward_stress", Earth, First, "surface_downward_northward_stress"),
            ("sea_water_x_velocity", Grid, First, "sea_water_y_velocity"),
            ("sea_surface_wave_stokes_drift_x_velocity", Grid, First, "sea_surface_wave_stokes_drift_y_velocity"),
            ("northward_sea_ice_velocity", Earth, Second, "eastward_sea_ice_velocity"),
            ("ocean_mass_x_transport", Grid, First, "ocean_mass_y_transport"),
        ] {
            let role = VectorRole::of_name(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((role.frame, role.component, role.partner.as_str()), (frame, component, partner), "{name}");
            // The partner's partner is the name itself.
            assert_eq!(VectorRole::of_name(partner).expect("a component").partner, name);
        }
        for name in ["air_temperature", "wind_speed", "projection_x_coordinate", "wind_from_direction", "sea_ice_speed"] {
            assert_eq!(VectorRole::of_name(name), None, "{name}");
        }
    }
}
