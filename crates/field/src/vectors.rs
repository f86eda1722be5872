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
const NOT_VECTORS: [&str; 6] =
    ["projection_x_", "projection_y_", "x_derivative", "y_derivative", "product_of", "angle_of_rotation"];

/// What moves, in names that have it between the direction and the motion, or before `x`:
/// `eastward_sea_ice_velocity`, `sea_ice_x_velocity`.
const MOVING: [&str; 3] = ["sea_water", "sea_ice", "land_ice"];
/// How it moves.
const MOTIONS: [&str; 2] = ["velocity", "displacement"];

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
        let name = standard_name.trim();
        // A modifier that follows the name makes it a flag, an error, a number of observations.
        if name.contains(char::is_whitespace) || NOT_VECTORS.iter().any(|n| name.contains(n)) {
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

    /// The standard name of the same component along the axes of `frame`; `None` for scalars.
    ///
    /// ```
    /// use knarr_field::{VectorFrame, VectorRole};
    /// let named = |name: &str, frame| VectorRole::name_along(name, frame).expect("a component");
    /// assert_eq!(named("x_wind", VectorFrame::Earth), "eastward_wind");
    /// assert_eq!(named("northward_sea_water_velocity", VectorFrame::Grid), "sea_water_y_velocity");
    /// ```
    pub fn name_along(standard_name: &str, frame: VectorFrame) -> Option<String> {
        let role = Self::of_name(standard_name)?;
        let name = format!("_{}_", standard_name.trim());
        let first = usize::from(role.component == VectorComponent::Second);
        let mine = ["grid_eastward", "grid_northward", "eastward", "northward", "x", "y", "u", "v"]
            .chunks(2)
            .map(|pair| pair[first])
            .find(|word| name.contains(&format!("_{word}_")))?;
        let new = match frame {
            VectorFrame::Earth => ["eastward", "northward"][first],
            VectorFrame::Grid => ["x", "y"][first],
        };
        let moves = |before: &str, after: &str| {
            MOVING.iter().flat_map(|what| MOTIONS.iter().map(move |motion| (what, motion))).find_map(|(what, motion)| {
                let [old, new] = [before, after].map(|text| text.replace('W', what).replace('M', motion));
                name.contains(&old).then(|| name.replacen(&old, &new, 1))
            })
        };
        let moved = match frame {
            VectorFrame::Earth => moves(&format!("_W_{mine}_M_"), &format!("_{new}_W_M_")),
            VectorFrame::Grid => moves(&format!("_{mine}_W_M_"), &format!("_W_{new}_M_")),
        };
        let named = moved.unwrap_or_else(|| name.replacen(&format!("_{mine}_"), &format!("_{new}_"), 1));
        Some(named.trim_matches('_').to_owned())
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
        let scalars = [
            "air_temperature",
            "wind_speed",
            "projection_x_coordinate",
            "projection_y_angular_coordinate",
            "wind_from_direction",
            "sea_ice_speed",
            "angle_of_rotation_from_east_to_x",
            "product_of_eastward_wind_and_air_temperature",
            "eastward_wind status_flag",
        ];
        for name in scalars {
            assert_eq!(VectorRole::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn names_follow_the_frame_and_come_back() {
        for (grid, earth) in [
            ("x_wind", "eastward_wind"),
            ("y_wind", "northward_wind"),
            ("tendency_of_x_wind", "tendency_of_eastward_wind"),
            ("sea_water_x_velocity", "eastward_sea_water_velocity"),
            ("sea_ice_y_velocity", "northward_sea_ice_velocity"),
            ("sea_ice_x_displacement", "eastward_sea_ice_displacement"),
            ("barotropic_sea_water_y_velocity", "barotropic_northward_sea_water_velocity"),
            ("surface_geostrophic_sea_water_x_velocity", "surface_geostrophic_eastward_sea_water_velocity"),
            ("sea_surface_wave_stokes_drift_x_velocity", "sea_surface_wave_stokes_drift_eastward_velocity"),
            ("surface_downward_y_stress", "surface_downward_northward_stress"),
        ] {
            for (name, frame, expected) in [
                (grid, VectorFrame::Earth, earth),
                (earth, VectorFrame::Grid, grid),
                (grid, VectorFrame::Grid, grid),
                (earth, VectorFrame::Earth, earth),
            ] {
                assert_eq!(VectorRole::name_along(name, frame).as_deref(), Some(expected), "{name}");
            }
        }
        assert_eq!(VectorRole::name_along("grid_eastward_wind", VectorFrame::Earth).as_deref(), Some("eastward_wind"));
        assert_eq!(VectorRole::name_along("air_temperature", VectorFrame::Earth), None);
    }
}
