//! Options of a verb that are put together once the verb is asked for.

use clap::builder::Resettable;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

/// The options `T` of a verb, put together once the verb is asked for: those of all others would cost every run their
/// memory and time.
pub struct Later<T>(pub T);

impl<T: Args> Args for Later<T> {
    fn augment_args(verb: Command) -> Command {
        verb.defer(|verb| {
            // What the list of verbs says of it stays.
            let [about, long_about] = [verb.get_about(), verb.get_long_about()].map(|text| Resettable::from(text.cloned()));
            T::augment_args(verb).about(about).long_about(long_about)
        })
    }

    fn augment_args_for_update(verb: Command) -> Command {
        T::augment_args_for_update(verb)
    }
}

impl<T: FromArgMatches> FromArgMatches for Later<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}
