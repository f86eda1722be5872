//! Values of one level at one time.

/// Values of the cells of one level at one time, and which are valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Slab {
    /// Values; 0 where not valid.
    pub values: Vec<f64>,
    /// Which are valid; `None` if all are.
    pub valid: Option<Vec<bool>>,
}

impl Slab {
    /// A slab whose values are all valid.
    pub fn whole(values: Vec<f64>) -> Self {
        Self { values, valid: None }
    }

    /// Whether a value is there.
    pub fn is_valid(&self, cell: usize) -> bool {
        self.valid.as_ref().is_none_or(|v| v[cell])
    }

    /// Changes every value.
    pub fn map(&mut self, change: impl Fn(f64) -> f64) {
        for (cell, value) in self.values.iter_mut().enumerate() {
            if self.valid.as_ref().is_none_or(|v| v[cell]) {
                *value = change(*value);
            }
        }
    }

    /// Makes a value for each cell from those of several slabs; missing where one of them is missing or `make` says so.
    pub fn combine(slabs: &[&Self], make: impl Fn(&[f64]) -> Option<f64>) -> Self {
        let cells = slabs.first().map_or(0, |s| s.values.len());
        let mut result = Self { values: vec![0.0; cells], valid: None };
        let mut row = vec![0.0; slabs.len()];
        for cell in 0..cells {
            let mut there = true;
            for (value, slab) in row.iter_mut().zip(slabs) {
                there &= slab.is_valid(cell);
                *value = slab.values[cell];
            }
            match make(&row).filter(|_| there) {
                Some(value) => result.values[cell] = value,
                None => result.valid.get_or_insert_with(|| vec![true; cells])[cell] = false,
            }
        }
        result
    }

    /// The largest and smallest valid values.
    pub fn range(&self) -> Option<[f64; 2]> {
        let valid = (0..self.values.len()).filter(|&cell| self.is_valid(cell)).map(|cell| self.values[cell]);
        valid.fold(None, |range, v| Some(range.map_or([v, v], |[low, high]: [f64; 2]| [low.min(v), high.max(v)])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_stay_missing_and_untouched() {
        let mut a = Slab { values: vec![1.0, 0.0, 3.0], valid: Some(vec![true, false, true]) };
        a.map(|v| v + 1.0);
        assert_eq!(a.values, [2.0, 0.0, 4.0]);
        let b = Slab::whole(vec![10.0, 20.0, 0.0]);
        let quotient = Slab::combine(&[&a, &b], |v| (v[1] > 0.0).then(|| v[0] / v[1]));
        assert_eq!(quotient.values, [0.2, 0.0, 0.0]);
        assert_eq!(quotient.valid, Some(vec![true, false, false]));
        assert_eq!(a.range(), Some([2.0, 4.0]));
    }
}
