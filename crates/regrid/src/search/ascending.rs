//! Places in an ascending list of numbers: a guess where they are evenly spaced, halving elsewhere.

/// A longitude between 0 and 360: a division only for those that are not.
#[inline(always)]
pub(crate) fn turned(lon_deg: f64) -> f64 {
    if (0.0..360.0).contains(&lon_deg) { lon_deg } else { lon_deg.rem_euclid(360.0) }
}

/// Ascending numbers, each with the number of what lies there.
#[derive(Clone, Debug)]
pub(crate) struct Ascending {
    values: Vec<f64>,
    numbers: Vec<u32>,
    /// Numbers per unit, if they were even.
    density: f64,
}

impl Ascending {
    /// Sorts `items`; equal ones by number.
    ///
    /// # Panics
    /// If a value is not a number: grids have none on their axes.
    pub fn new(mut items: Vec<(f64, u32)>) -> Self {
        items.sort_by(|a, b| a.partial_cmp(b).expect("axes are numbers"));
        let (values, numbers): (Vec<f64>, Vec<u32>) = items.into_iter().unzip();
        let extent = if values.is_empty() { 0.0 } else { values[values.len() - 1] - values[0] };
        let density = if extent > 0.0 { (values.len() - 1) as f64 / extent } else { 0.0 };
        Self { values, numbers, density }
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    #[inline]
    pub fn value(&self, k: usize) -> f64 {
        self.values[k]
    }

    #[inline]
    pub fn number(&self, k: usize) -> usize {
        self.numbers[k] as usize
    }

    /// How many values are not above `x`.
    #[inline]
    pub fn count_up_to(&self, x: f64) -> usize {
        let n = self.values.len();
        if n < 2 || x < self.values[0] {
            return usize::from(n == 1 && self.values[0] <= x);
        }
        // A conversion from what is not a number, or far outside, ends within the range.
        let guess = (((x - self.values[0]) * self.density) as usize).min(n - 2) + 1;
        let rest = if x < self.values[guess - 1] {
            guess - 1
        } else if x < self.values[guess] {
            return guess;
        } else {
            guess + 1
        };
        if rest < guess {
            self.values[..rest].partition_point(|v| *v <= x)
        } else {
            rest + self.values[rest..].partition_point(|v| *v <= x)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_equal_a_search() {
        let even: Vec<f64> = (0..50).map(|k| 0.1 * f64::from(k)).collect();
        let uneven: Vec<f64> = (0..50).map(|k| 0.002 * f64::from(k * k)).collect();
        let repeated = vec![0.0, 0.0, 1.0, 1.0, 1.0, 5.0];
        for values in [even, uneven, repeated, vec![1.0, 1.0], vec![2.0], Vec::new()] {
            let axis = Ascending::new(values.iter().rev().map(|&v| (v, 7)).collect());
            assert_eq!(axis.len(), values.len());
            for x in (-20..=120).map(|k| 0.05 * f64::from(k)).chain(values.iter().copied()) {
                assert_eq!(axis.count_up_to(x), values.partition_point(|v| *v <= x), "{x} in {values:?}");
            }
        }
    }
}
