//! given / when / then for aggregates.

use crate::Aggregate;
use std::fmt::Debug;

pub(crate) struct Given<A>(A);

pub(crate) struct Outcome<A: Aggregate>(Result<Option<A::Event>, A::Error>);

pub(crate) fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given(events.into_iter().fold(A::default(), |state, event| state.evolve(&event)))
}

impl<A: Aggregate> Given<A> {
    pub(crate) fn when(self, command: A::Command) -> Outcome<A> {
        Outcome(self.0.decide(command))
    }
}

impl<A: Aggregate> Outcome<A>
where
    A::Event: Debug + PartialEq,
{
    #[track_caller]
    pub(crate) fn then(self, events: impl IntoIterator<Item = A::Event>) {
        let decided = self.0.expect("the command is accepted");
        assert_eq!(decided.into_iter().collect::<Vec<_>>(), events.into_iter().collect::<Vec<_>>());
    }

    #[track_caller]
    pub(crate) fn then_rejected(self, error: A::Error) {
        assert_eq!(self.0.err(), Some(error));
    }
}
