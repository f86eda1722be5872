//! The order of steps as one list, repeated until the end.

/// Something the coupler does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A step of a component.
    Step(usize),
    /// Branches at the same time; each is a list of actions.
    Parallel(Vec<Vec<Action>>),
    /// An iteration, by its number.
    Iterate(usize),
}

/// A list of actions that lasts `cycle_s` seconds and is repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Length of the list in seconds of the run.
    pub cycle_s: i64,
    /// What is done, in order.
    pub actions: Vec<Action>,
}
