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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser, Subcommand};

    #[derive(Parser)]
    struct Tool {
        #[command(subcommand)]
        verb: Verb,
    }

    #[derive(Subcommand)]
    enum Verb {
        /// Cut at a depth.
        Cut(Later<Cut>),
    }

    /// What the options say of themselves.
    #[derive(Args)]
    struct Cut {
        #[arg(long)]
        depth: u32,
    }

    #[test]
    fn options_come_with_their_verb_and_its_words_stay() {
        let mut tool = Tool::command();
        let cut = |tool: &Command| tool.find_subcommand("cut").expect("a verb").clone();
        assert_eq!(cut(&tool).get_opts().count(), 0);
        tool.build();
        assert_eq!(cut(&tool).get_opts().map(|option| option.get_id().as_str()).collect::<Vec<_>>(), ["depth"]);
        assert_eq!(cut(&tool).get_about().map(ToString::to_string).as_deref(), Some("Cut at a depth"));
        let Verb::Cut(Later(cut)) = Tool::parse_from(["tool", "cut", "--depth", "3"]).verb;
        assert_eq!(cut.depth, 3);
    }
}
