//! Which variables of a file are the two components of a vector, and which of these cannot be regridded.

use crate::nc::Variable;
use crate::plan::Plan;
use crate::slabs::SlabOrder;
use crate::{ComponentRemedy, Dataset, IoError, NanPolicy, Purpose, VariableGrid, VariableInfo, read_decoded};
use knarr_field::{CellMethods, VectorComponent, VectorFrame, VectorRole};
use knarr_regrid::Finish;
use std::collections::HashMap;

/// What becomes of vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VectorOutput {
    /// Components are written east and north.
    #[default]
    Earth,
    /// Components are written along the x and y axes of the destination.
    Grid,
    /// Each component is regridded by itself, like a scalar.
    Separate,
}

impl VectorOutput {
    /// What components are along in the output; `None` if they are not turned.
    pub(crate) fn frame(self) -> Option<VectorFrame> {
        match self {
            Self::Earth => Some(VectorFrame::Earth),
            Self::Grid => Some(VectorFrame::Grid),
            Self::Separate => None,
        }
    }
}

/// Two variables that the user names as the components of a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPair {
    /// Eastward or along x, then northward or along y.
    pub names: [String; 2],
    /// What they are along; as their standard names say if not given.
    pub frame: Option<VectorFrame>,
}

/// Variables that are regridded together.
#[derive(Debug)]
pub(crate) enum Group {
    /// One by itself; a lone component along `frame` in the output, with something to say about it.
    Scalar { name: String, grid: VariableGrid, frame: Option<VectorFrame>, remarks: Vec<String> },
    /// Two components that are along `from` in the source.
    Vector { names: [String; 2], grids: [VariableGrid; 2], from: VectorFrame },
    /// A component that means nothing without the other.
    Refused { name: String, error: IoError },
}

impl Group {
    /// The variables.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Scalar { name, .. } | Self::Refused { name, .. } => std::slice::from_ref(name),
            Self::Vector { names, .. } => names,
        }
    }
}

/// Statistics of components from which nothing can be told about another direction.
const NOT_LINEAR: [&str; 7] = ["maximum", "minimum", "standard_deviation", "variance", "median", "mode", "range"];

/// A variable with a part in a vector.
struct Component<'a> {
    info: &'a VariableInfo,
    grid: &'a VariableGrid,
    role: VectorRole,
    /// The other component, if the user names it.
    named: Option<&'a str>,
}

/// Sorts the variables of the plan into vectors and scalars, in the order of the file.
///
/// Components belong together if their standard names say so and their units, `cell_methods` and other dimensions agree;
/// among several the scalar coordinates decide, then the names (`u10` and `v10`). Their grids may differ (C grids).
/// Statistics are of the values along one axis: components that would have to be turned are refused, others are scalars.
///
/// # Errors
/// [`IoError::NoVariable`] and [`IoError::Component`] for pairs that the user names and that are none.
pub(crate) fn groups(
    dataset: &Dataset,
    plan: &Plan,
    output: VectorOutput,
    named: &[NamedPair],
    geographic_destination: bool,
    finish: Finish,
) -> Result<Vec<Group>, IoError> {
    let mut components: HashMap<&str, Component<'_>> = HashMap::new();
    if output != VectorOutput::Separate {
        for (name, grid) in &plan.regridded {
            let info = dataset.variable(name)?;
            let role = VectorRole::of(&info.attributes).filter(|_| info.role != crate::Role::Coordinate);
            if let Some(role) = role {
                components.insert(name, Component { info, grid, role, named: None });
            }
        }
        for pair in named {
            add_named(dataset, plan, pair, &mut components)?;
        }
    }
    let mut groups = Vec::new();
    for (name, grid) in &plan.regridded {
        let scalar = |frame, remarks| Group::Scalar { name: name.clone(), grid: grid.clone(), frame, remarks };
        let Some(component) = components.get(name.as_str()) else {
            groups.push(scalar(None, Vec::new()));
            continue;
        };
        let from = component.frame_of(grid);
        // Along east and north in the source and in the output.
        let stays = from == VectorFrame::Earth && (output == VectorOutput::Earth || geographic_destination);
        let refuse = |problem, remedy| Group::Refused { name: name.clone(), error: refused(dataset, component, problem, remedy) };
        if let Finish::Statistic(_) = finish {
            groups.push(if stays {
                scalar(output.frame(), vec!["a statistic of one component by itself".to_owned()])
            } else {
                let problem = "a statistic of it tells nothing along other axes".to_owned();
                refuse(problem, ComponentRemedy::Apart)
            });
            continue;
        }
        match partner(dataset, component, &components)? {
            Ok(other) => {
                let no_axes = (from == VectorFrame::Grid).then(|| [component, other].map(|c| axes_problem(&c.grid.grid)));
                if let Some(problem) = no_axes.into_iter().flatten().flatten().next() {
                    groups.push(refuse(problem, ComponentRemedy::EarthAxes));
                } else if component.role.component == VectorComponent::First {
                    let names = [component, other].map(|c| c.info.name.clone());
                    groups.push(Group::Vector { names, grids: [grid.clone(), other.grid.clone()], from });
                }
            }
            Err(problem) => {
                // A scalar but for the poles.
                groups.push(if stays {
                    let remark = format!("regridded as a scalar, which is not right near the poles: {problem}");
                    scalar(output.frame(), vec![remark])
                } else {
                    let has_axes = axes_problem(&component.grid.grid).is_none();
                    refuse(problem, if has_axes { ComponentRemedy::Partner } else { ComponentRemedy::EarthAxes })
                });
            }
        }
    }
    Ok(groups)
}

impl Component<'_> {
    /// What the component is along: x and y are east and north on grids of meridians and parallels.
    fn frame_of(&self, grid: &VariableGrid) -> VectorFrame {
        if grid.grid.has_geographic_axes() { VectorFrame::Earth } else { self.role.frame }
    }
}

fn refused(dataset: &Dataset, component: &Component<'_>, problem: String, remedy: ComponentRemedy) -> IoError {
    let along = match component.frame_of(component.grid) {
        VectorFrame::Earth => "east or north, to be turned to the axes of the destination",
        VectorFrame::Grid => "the axes of its grid",
    };
    IoError::Component { path: dataset.path().to_owned(), variable: component.info.name.clone(), along, problem, remedy }
}

/// Takes in what the user says about two variables.
fn add_named<'a>(
    dataset: &'a Dataset,
    plan: &'a Plan,
    pair: &'a NamedPair,
    components: &mut HashMap<&'a str, Component<'a>>,
) -> Result<(), IoError> {
    for (k, component) in [VectorComponent::First, VectorComponent::Second].into_iter().enumerate() {
        let (name, other) = (&pair.names[k], &pair.names[1 - k]);
        let info = dataset.variable(name)?;
        let planned = plan.regridded.iter().find(|(planned, _)| planned == name);
        let told = VectorRole::of(&info.attributes);
        let problem = match (&planned, pair.frame.or(told.as_ref().map(|role| role.frame))) {
            (None, _) => "it is not among the variables to regrid".to_owned(),
            (_, None) => "nothing says what it is along, expected `:earth` or `:grid` behind the pair".to_owned(),
            (Some((_, grid)), Some(frame)) => {
                let role = VectorRole { frame, component, partner: told.map_or_else(String::new, |role| role.partner) };
                components.insert(name, Component { info, grid, role, named: Some(other) });
                continue;
            }
        };
        return Err(IoError::Component {
            path: dataset.path().to_owned(),
            variable: name.clone(),
            along: "an axis, as the pair says",
            problem,
            remedy: ComponentRemedy::Partner,
        });
    }
    Ok(())
}

/// The other component, or why there is none.
fn partner<'c, 'a>(
    dataset: &Dataset,
    one: &Component<'a>,
    all: &'c HashMap<&str, Component<'a>>,
) -> Result<Result<&'c Component<'a>, String>, IoError> {
    let name = one.info.attributes.text("standard_name").unwrap_or_default();
    if name.ends_with("_transport") && one.role.frame == VectorFrame::Grid && one.named.is_none() {
        return Ok(Err("a transport through the faces of cells is no vector at a point".to_owned()));
    }
    if let Some(named) = one.named {
        let other = &all[named];
        return Ok(difference(dataset, one.info, one.grid, other)?
            .map_or(Ok(other), |difference| Err(format!("`{named}`, the other component, has {difference}"))));
    }
    let methods = CellMethods::parse(one.info.attributes.text("cell_methods").unwrap_or_default());
    if let Some(method) = methods.0.iter().find(|m| NOT_LINEAR.contains(&m.method.as_str())) {
        return Ok(Err(format!("its `cell_methods` say {}, which cannot be turned", method.method)));
    }
    let mine = candidates(dataset, one, all)?;
    let found = match &mine.fitting[..] {
        [] => {
            let there = mine.misfit.map(|(other, difference)| format!("`{other}` has {difference}"));
            let partner = &one.role.partner;
            return Ok(Err(there.unwrap_or_else(|| format!("no variable has the standard name `{partner}`"))));
        }
        [other] => other,
        several => {
            let names: Vec<String> = several.iter().map(|c| format!("`{}`", c.info.name)).collect();
            return Ok(Err(format!("{} could each be the other component", names.join(" and "))));
        }
    };
    // The other one must not have a choice either.
    let theirs = candidates(dataset, found, all)?;
    Ok(match &theirs.fitting[..] {
        [back] if back.info.name == one.info.name => Ok(*found),
        _ => Err(format!("`{}`, the other component, goes with several variables", found.info.name)),
    })
}

/// Variables that may be the other component.
struct Candidates<'c, 'a> {
    fitting: Vec<&'c Component<'a>>,
    /// One that does not fit, and why.
    misfit: Option<(String, String)>,
}

fn candidates<'c, 'a>(
    dataset: &Dataset,
    one: &Component<'a>,
    all: &'c HashMap<&str, Component<'a>>,
) -> Result<Candidates<'c, 'a>, IoError> {
    let text = |c: &Component<'_>, name: &str| c.info.attributes.text(name).unwrap_or_default().to_owned();
    let mut others: Vec<&Component<'a>> = all
        .values()
        .filter(|c| c.named.is_none() && c.role.component != one.role.component && c.role.frame == one.role.frame)
        .filter(|c| text(c, "standard_name").trim() == one.role.partner)
        .collect();
    others.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    let mut found = Candidates { fitting: Vec::new(), misfit: None };
    for other in others {
        match difference(dataset, one.info, one.grid, other)? {
            None => found.fitting.push(other),
            Some(difference) => found.misfit = Some((other.info.name.clone(), difference)),
        }
    }
    let keep = |fitting: &mut Vec<&'c Component<'a>>, suits: &dyn Fn(&Component<'a>) -> bool| {
        if fitting.len() > 1 && fitting.iter().any(|c| suits(c)) {
            fitting.retain(|c| suits(c));
        }
    };
    keep(&mut found.fitting, &|c| text(c, "coordinates") == text(one, "coordinates"));
    keep(&mut found.fitting, &|c| c.grid.dims == one.grid.dims);
    keep(&mut found.fitting, &|c| match one.role.component {
        VectorComponent::First => alike(&one.info.name, &c.info.name),
        VectorComponent::Second => alike(&c.info.name, &one.info.name),
    });
    Ok(found)
}

/// What keeps two components from being one vector.
fn difference(
    dataset: &Dataset,
    one: &VariableInfo,
    grid: &VariableGrid,
    other: &Component<'_>,
) -> Result<Option<String>, IoError> {
    for name in ["units", "cell_methods"] {
        let [mine, its] = [one, other.info].map(|info| info.attributes.text(name).unwrap_or_default().trim());
        if mine != its {
            return Ok(Some(format!("other {name} (`{its}`, not `{mine}`)")));
        }
    }
    let extra = |info: &VariableInfo, grid: &VariableGrid| -> Result<Vec<(String, usize)>, IoError> {
        Ok(SlabOrder::new(dataset, info, grid)?.extra.iter().map(|&i| info.dims[i].clone()).collect())
    };
    let (mine, its) = (extra(one, grid)?, extra(other.info, other.grid)?);
    let words =
        |dims: &[(String, usize)]| dims.iter().map(|(name, len)| format!("{name} = {len}")).collect::<Vec<_>>().join(", ");
    if mine.iter().map(|(_, len)| len).ne(its.iter().map(|(_, len)| len)) {
        return Ok(Some(format!("other dimensions ({}, not {})", words(&its), words(&mine))));
    }
    for ((my_dim, _), (its_dim, _)) in mine.iter().zip(&its).filter(|((a, _), (b, _))| a != b) {
        if !same_places(dataset, my_dim, its_dim) {
            return Ok(Some(format!("another dimension (`{its_dim}`, not `{my_dim}`)")));
        }
    }
    Ok(None)
}

/// Whether two dimensions have coordinates with the same values, as the depths of u and v points have.
fn same_places(dataset: &Dataset, one: &str, other: &str) -> bool {
    let values = |name: &str| {
        let file = dataset.file();
        let variable: &Variable = file.find(name)?;
        variable.value_type.number()?;
        Some(read_decoded(file, &variable.name, Purpose::Coordinate, NanPolicy::Error).ok()?.values)
    };
    let same =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-6 * a.abs().max(b.abs()));
    matches!((values(one), values(other)), (Some(a), Some(b)) if same(&a, &b))
}

/// Whether names differ as those of components do.
fn alike(first: &str, second: &str) -> bool {
    let letters = first.len() == second.len()
        && first
            .chars()
            .zip(second.chars())
            .all(|(a, b)| a == b || matches!((a, b), ('u', 'v') | ('U', 'V') | ('x', 'y') | ('X', 'Y')));
    letters || [("east", "north"), ("zonal", "meridional")].iter().any(|(a, b)| first != second && first.replace(a, b) == second)
}

/// Why components cannot be along the axes of a grid.
pub(crate) fn axes_problem(grid: &knarr_grid::Grid) -> Option<String> {
    grid.check_axes().err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_components_are_told_from_others() {
        for (first, second) in
            [("u10", "v10"), ("UWND", "VWND"), ("x_wind_10m", "y_wind_10m"), ("ueast", "unorth"), ("uuu", "vuu")]
        {
            assert!(alike(first, second), "{first} {second}");
        }
        for (first, second) in [("u10", "v100"), ("v10", "u10"), ("ua", "vas"), ("eastward", "westward")] {
            assert!(!alike(first, second), "{first} {second}");
        }
    }
}
