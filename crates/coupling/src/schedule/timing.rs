//! Which values given make which value taken.

/// The timing of a coupling; times are seconds since the start of the run.
///
/// A value is given at the end of a step of the source. What is given in (E - period, E] makes one value, the window that
/// ends at E. A step of the destination that starts at g, a whole number of periods, takes the window that ends at
/// g - lag + period: with lag 0 that over the period which begins at g (the source steps first), with a lag of one period
/// the one before. Before the start the source is taken to have given its initial value.
///
/// | lag | at g is taken what was given in |
/// |---|---|
/// | 0 | (g, g + period] |
/// | period | (g - period, g] |
/// | 2 periods | (g - 2 periods, g - period] |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How often a value is taken.
    pub period: i64,
    /// How much later it is taken than given, from 0.
    pub lag: i64,
    /// Step of the source; period and lag are whole numbers of it.
    pub source_step: i64,
    /// Step of the destination; the period is a whole number of it.
    pub destination_step: i64,
}

impl Timing {
    /// Whether a step that starts at `start` takes a value.
    pub fn is_taken_at(&self, start: i64) -> bool {
        start % self.period == 0
    }

    /// End of the window that a step which starts at `start` takes.
    pub fn window_taken_at(&self, start: i64) -> i64 {
        start - self.lag + self.period
    }

    /// End of the window that a value given at `end` belongs to.
    pub fn window_of(&self, end: i64) -> i64 {
        end + (-(end + self.lag)).rem_euclid(self.period)
    }

    /// Whether a window ends with what is given at `end`.
    pub fn is_sent_at(&self, end: i64) -> bool {
        self.window_of(end) == end
    }

    /// Start of the step that takes the window which ends at `window`.
    pub fn taken_at(&self, window: i64) -> i64 {
        window + self.lag - self.period
    }

    /// The source's step (from 0) that must be done before a step that starts at `start` can take its value; `None` if none.
    pub fn needed_step(&self, start: i64) -> Option<i64> {
        let window = self.window_taken_at(start);
        (self.is_taken_at(start) && window > 0).then(|| window / self.source_step - 1)
    }

    /// How much of the window that ends at `window` lies before the start of the run.
    pub fn before_start(&self, window: i64) -> i64 {
        (self.period - window).clamp(0, self.period)
    }
}
