//! The vertical coordinate of a variable: values of an axis, or a CF formula with its terms.

use crate::rewrite::strides;
use crate::{Dataset, IoError, NanPolicy, Purpose, VariableInfo, listed_names, read_decoded};
use knarr_field::{Attributes, Parametric, VerticalQuantity};

/// A term of a formula, or the values of an axis; NaN where missing.
#[derive(Clone, Debug)]
struct Term {
    dims: Vec<(String, usize)>,
    values: Vec<f64>,
}

/// How the coordinate of each value is found.
#[derive(Clone, Debug)]
enum Kind {
    Axis(Term),
    Formula { formula: Parametric, with_ap: bool, terms: Vec<Term> },
}

/// A vertical coordinate, in Pa or m.
#[derive(Clone, Debug)]
pub(crate) struct Coordinate {
    /// The dimension it runs along.
    pub dim: String,
    /// Name of its variable.
    pub variable: String,
    /// What it measures. Heights of ocean formulas are turned into depths.
    pub quantity: VerticalQuantity,
    /// Whether a formula gives it.
    pub by_formula: bool,
    kind: Kind,
    /// -1 where heights are told as depths.
    sign: f64,
    /// Edges of the layers, [level][2], if the file has them.
    bounds: Option<Box<Coordinate>>,
}

/// Pa or m of a unit, and whether it is one of pressure.
pub(crate) fn unit(units: &str) -> Option<(f64, bool)> {
    Some(match units.trim() {
        "Pa" | "pascal" | "Pascal" | "pa" => (1.0, true),
        "hPa" | "mbar" | "millibar" | "millibars" | "mb" | "hectopascal" => (100.0, true),
        "kPa" => (1000.0, true),
        "dbar" | "decibar" => (1e4, true),
        "bar" => (1e5, true),
        "m" | "metre" | "metres" | "meter" | "meters" => (1.0, false),
        "km" | "kilometer" | "kilometre" => (1000.0, false),
        "cm" => (0.01, false),
        _ => return None,
    })
}

impl Coordinate {
    /// The vertical coordinate of a variable; `None` if it has none.
    ///
    /// # Errors
    /// [`IoError::Malformed`] for a formula without its terms or with terms on other dimensions; errors of reading.
    pub fn of(dataset: &Dataset, variable: &VariableInfo) -> Result<Option<Self>, IoError> {
        let named = listed_names(variable.attributes.text("coordinates").unwrap_or_default());
        let candidates: Vec<&VariableInfo> = variable
            .dims
            .iter()
            .map(|(dim, _)| dim.as_str())
            .chain(named)
            .filter_map(|name| dataset.variable(name).ok())
            .filter(|c| c.dims.len() == 1 && variable.dims.contains(&c.dims[0]) && c.dtype.number().is_some())
            .collect();
        for candidate in &candidates {
            if let Some(found) = Self::by_formula(dataset, variable, candidate)? {
                return Ok(Some(found));
            }
        }
        candidates.iter().find_map(|c| Self::by_axis(dataset, c).transpose()).transpose()
    }

    fn by_formula(dataset: &Dataset, variable: &VariableInfo, c: &VariableInfo) -> Result<Option<Self>, IoError> {
        let Some(formula) = c.attributes.text("standard_name").and_then(Parametric::of_standard_name) else { return Ok(None) };
        let mut found = match Self::read_formula(dataset, variable, c, formula)? {
            Some(found) => found,
            None => return Err(malformed(dataset, format!("`{}` is a {} without formula_terms", c.name, formula.name()))),
        };
        // The bounds of a parametric coordinate have terms of their own.
        let bounds = c.attributes.text("bounds").and_then(|b| dataset.variable(b).ok());
        if let Some(bounds) = bounds {
            found.bounds = Self::read_formula(dataset, variable, bounds, formula)?.map(Box::new);
        }
        Ok(Some(found))
    }

    fn read_formula(
        dataset: &Dataset,
        variable: &VariableInfo,
        c: &VariableInfo,
        formula: Parametric,
    ) -> Result<Option<Self>, IoError> {
        let Some(text) = c.attributes.text("formula_terms") else { return Ok(None) };
        let words: Vec<&str> = text.split_whitespace().collect();
        let pairs: Vec<(&str, &str)> = words.chunks_exact(2).map(|pair| (pair[0].trim_end_matches(':'), pair[1])).collect();
        let given: Vec<&str> = pairs.iter().map(|(term, _)| *term).collect();
        let names = formula.terms(&given).map_err(|e| malformed(dataset, format!("`{}`: {e}", c.name)))?;
        let mut terms = Vec::with_capacity(names.len());
        for name in &names {
            let of = pairs.iter().find(|(term, _)| term == name).expect("terms are among the given").1;
            let info = dataset.variable(of)?;
            let strange = info.dims.iter().find(|d| !variable.dims.contains(d) && !c.dims.contains(d) && d.1 != 1);
            if let Some((dim, _)) = strange {
                let problem = format!("term `{of}` of `{}` has the dimension `{dim}`, which `{}` has not", c.name, variable.name);
                return Err(malformed(dataset, problem));
            }
            terms.push(read(dataset, info)?);
        }
        let ocean = formula.quantity() == VerticalQuantity::Height && formula.name().starts_with("ocean");
        Ok(Some(Self {
            dim: c.dims[0].0.clone(),
            variable: c.name.clone(),
            quantity: if ocean { VerticalQuantity::Depth } else { formula.quantity() },
            by_formula: true,
            kind: Kind::Formula { formula, with_ap: names[0] == "ap", terms },
            sign: if ocean { -1.0 } else { 1.0 },
            bounds: None,
        }))
    }

    fn by_axis(dataset: &Dataset, c: &VariableInfo) -> Result<Option<Self>, IoError> {
        let Some(quantity) = quantity(&c.attributes, &c.name) else { return Ok(None) };
        let axis = |info: &VariableInfo, factor: f64| -> Result<Self, IoError> {
            let mut term = read(dataset, info)?;
            // Bounds have no units of their own.
            if !info.attributes.contains("units") {
                term.values.iter_mut().for_each(|v| *v *= factor);
            }
            Ok(Self {
                dim: c.dims[0].0.clone(),
                variable: c.name.clone(),
                quantity,
                by_formula: false,
                kind: Kind::Axis(term),
                sign: 1.0,
                bounds: None,
            })
        };
        let mut found = axis(c, 1.0)?;
        let factor = c.attributes.text("units").and_then(unit).map_or(1.0, |u| u.0);
        let bounds = c.attributes.text("bounds").and_then(|b| dataset.variable(b).ok());
        if let Some(bounds) = bounds.filter(|b| b.dims.len() == 2 && b.dims[1].1 == 2 && b.dims[0] == c.dims[0]) {
            found.bounds = Some(Box::new(axis(bounds, factor)?));
        }
        Ok(Some(found))
    }

    /// Whether the file tells the edges of layers.
    pub fn has_bounds(&self) -> bool {
        self.bounds.is_some()
    }

    /// Coordinates of all levels of one column. `dims` are those of the variable, `column` gives each term's offset.
    pub fn levels(&self, places: &Places, column: usize, out: &mut Vec<f64>) {
        out.clear();
        out.extend((0..places.levels).map(|k| self.sign * self.value(places, column, k, 0)));
    }

    /// Edges of all layers of one column, one more than levels: those of the file, else half-way between levels.
    ///
    /// `None` if one layer does not end where the next begins.
    pub fn edges(&self, places: &EdgePlaces, column: usize, levels: &[f64], out: &mut Vec<f64>) -> Option<()> {
        out.clear();
        let n = levels.len();
        let (Some(bounds), Some(at)) = (&self.bounds, &places.bounds) else {
            return half_way(levels, self.quantity, out);
        };
        let both = |k: usize| [0, 1].map(|b| self.sign * bounds.value(at, column, k, b));
        let ascending = n < 2 || levels[1] > levels[0];
        let ordered = |k: usize| {
            let [a, b] = both(k);
            if (a < b) == ascending { [a, b] } else { [b, a] }
        };
        let mut previous: Option<f64> = None;
        for k in 0..n {
            let [start, end] = ordered(k);
            // Single precision and sums of terms leave some digits.
            if previous.is_some_and(|p| (p - start).abs() > 1e-4 * (end - start).abs()) {
                return None;
            }
            out.push(previous.unwrap_or(start));
            previous = Some(end);
        }
        out.extend(previous);
        Some(())
    }

    fn value(&self, places: &Places, column: usize, level: usize, bound: usize) -> f64 {
        let of = |term: &Term, at: &TermPlace| {
            term.values[at.base + at.columns[column * usize::from(at.columns.len() > 1)] + level * at.level + bound * at.bound]
        };
        match &self.kind {
            Kind::Axis(term) => of(term, &places.terms[0]),
            Kind::Formula { formula, with_ap, terms } => {
                let mut values = [f64::NAN; 7];
                for (value, (term, at)) in values.iter_mut().zip(terms.iter().zip(&places.terms)) {
                    *value = of(term, at);
                }
                formula.value(&values[..terms.len()], *with_ap, level)
            }
        }
    }

    /// Where the terms are for a block of a variable: one step of its first dimension, or all of it.
    pub fn places(&self, info: &VariableInfo, step: Option<usize>) -> Places {
        let terms: Vec<&Term> = match &self.kind {
            Kind::Axis(term) => vec![term],
            Kind::Formula { terms, .. } => terms.iter().collect(),
        };
        let columns: Vec<(String, usize)> = columns_of(info, &self.dim, step);
        let lens: Vec<usize> = columns.iter().map(|(_, len)| *len).collect();
        let place = |term: &Term| {
            let along = |name: &str| strides(&[(name.to_owned(), 0)], &term.dims)[0];
            let distances = strides(&columns, &term.dims);
            TermPlace {
                base: step.map_or(0, |step| step * along(&info.dims[0].0)),
                level: along(&self.dim),
                bound: term
                    .dims
                    .last()
                    .filter(|(name, len)| *len == 2 && !info.dims.iter().any(|d| d.0 == *name))
                    .map_or(0, |_| 1),
                // Terms of levels alone are the same in all columns.
                columns: if distances.iter().all(|&d| d == 0) { vec![0] } else { crate::rewrite::offsets(&lens, &distances) },
            }
        };
        let levels = info.dims.iter().find(|(name, _)| *name == self.dim).map_or(0, |(_, len)| *len);
        Places { levels, terms: terms.into_iter().map(place).collect() }
    }

    /// [`Coordinate::places`] of the bounds.
    pub fn edge_places(&self, info: &VariableInfo, step: Option<usize>) -> EdgePlaces {
        EdgePlaces { bounds: self.bounds.as_ref().map(|b| b.places(info, step)) }
    }
}

/// Where values of terms are, for the columns of a block.
pub(crate) struct Places {
    levels: usize,
    terms: Vec<TermPlace>,
}

/// Where edges are.
pub(crate) struct EdgePlaces {
    bounds: Option<Places>,
}

struct TermPlace {
    base: usize,
    level: usize,
    bound: usize,
    columns: Vec<usize>,
}

/// The dimensions of a block that count columns: all but the levels, and but the first where one step of it is taken.
pub(crate) fn columns_of(info: &VariableInfo, dim: &str, step: Option<usize>) -> Vec<(String, usize)> {
    info.dims.iter().skip(usize::from(step.is_some())).filter(|(name, _)| name != dim).cloned().collect()
}

fn half_way(levels: &[f64], quantity: VerticalQuantity, out: &mut Vec<f64>) -> Option<()> {
    let n = levels.len();
    if n < 2 {
        return None;
    }
    let first = levels[0] - 0.5 * (levels[1] - levels[0]);
    let last = levels[n - 1] + 0.5 * (levels[n - 1] - levels[n - 2]);
    // No pressure or depth below 0, above which there is nothing.
    let kept = |edge: f64, level: f64| {
        if quantity != VerticalQuantity::Height && edge < 0.0 && level >= 0.0 { 0.0 } else { edge }
    };
    out.push(kept(first, levels[0]));
    out.extend(levels.windows(2).map(|w| 0.5 * (w[0] + w[1])));
    out.push(kept(last, levels[n - 1]));
    Some(())
}

/// What an axis measures, if it is a vertical one in units that are known.
fn quantity(attributes: &Attributes, name: &str) -> Option<VerticalQuantity> {
    let text = |attribute: &str| attributes.text(attribute).unwrap_or_default().trim().to_owned();
    let (standard, positive, axis) = (text("standard_name"), text("positive").to_ascii_lowercase(), text("axis"));
    let (_, is_pressure) = unit(&text("units"))?;
    if is_pressure {
        return Some(VerticalQuantity::Pressure);
    }
    let plain = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let named = |words: &[&str]| words.iter().any(|w| standard.contains(w) || plain.starts_with(w));
    if positive == "down" || named(&["depth"]) {
        Some(VerticalQuantity::Depth)
    } else if positive == "up" || axis == "Z" || named(&["height", "altitude"]) {
        Some(VerticalQuantity::Height)
    } else {
        None
    }
}

/// Values in Pa or m where the units say so; NaN where missing.
fn read(dataset: &Dataset, info: &VariableInfo) -> Result<Term, IoError> {
    let decoded = read_decoded(dataset.file(), &info.name, Purpose::Coordinate, NanPolicy::Missing)?;
    let factor = info.attributes.text("units").and_then(unit).map_or(1.0, |u| u.0);
    let mut values = decoded.values;
    values.iter_mut().for_each(|v| *v *= factor);
    if let Some(valid) = decoded.valid {
        values.iter_mut().zip(valid).filter(|(_, ok)| !ok).for_each(|(v, _)| *v = f64::NAN);
    }
    Ok(Term { dims: info.dims.clone(), values })
}

fn malformed(dataset: &Dataset, problem: String) -> IoError {
    IoError::Malformed { path: dataset.path().to_owned(), what: "vertical coordinate", problem }
}
