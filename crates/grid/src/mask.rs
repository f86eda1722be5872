//! Which cells take part.

/// Activity of cells; file conventions (SCRIP and ESMF: 1 = active, OASIS: 1 = masked) stay in `knarr-io`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mask(Option<Vec<bool>>);

impl Mask {
    /// Every cell is active.
    pub const ALL: Self = Self(None);

    /// One flag per cell, `true` = active.
    pub fn from_active(active: Vec<bool>) -> Self {
        if active.iter().all(|&a| a) { Self(None) } else { Self(Some(active)) }
    }

    /// Whether `cell` takes part.
    #[inline]
    pub fn is_active(&self, cell: usize) -> bool {
        self.0.as_ref().is_none_or(|active| active[cell])
    }

    /// The flags, `None` if every cell is active.
    pub fn flags(&self) -> Option<&[bool]> {
        self.0.as_deref()
    }

    /// Number of active cells of `len` cells.
    pub fn active_count(&self, len: usize) -> usize {
        self.0.as_ref().map_or(len, |active| active.iter().filter(|&&a| a).count())
    }

    /// Active where both are.
    #[must_use]
    pub fn and(&self, other: &Mask) -> Mask {
        match (&self.0, &other.0) {
            (None, _) => other.clone(),
            (_, None) => self.clone(),
            (Some(a), Some(b)) => Self::from_active(a.iter().zip(b).map(|(&a, &b)| a && b).collect()),
        }
    }
}
