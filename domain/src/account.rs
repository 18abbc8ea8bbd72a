//! An account's rules: a user name is taken once.

use crate::aggregate;
use events::account::{Event, Registered};
use events::{AccountId, WorkspaceId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An account, reduced to what its decisions need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Account {
    /// Never registered.
    #[default]
    Absent,
    /// In use.
    Active {
        /// Its own workspace.
        workspace: WorkspaceId,
        /// Where its password's hash is.
        credential: Uuid,
    },
}

/// A user name: 3 to 64 letters, digits, `.`, `_`, `-` or `@`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Username(String);

/// A wish about an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Command {
    /// Take the user name.
    Register {
        /// The name.
        username: Username,
        /// Where the password's hash is; every attempt has its own.
        #[serde(skip)]
        credential: Uuid,
    },
}

/// A refused rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody has the name.
    #[error("the user name is taken")]
    AlreadyExists,
    /// The name is not one.
    #[error(
        "a user name is 3 to 64 letters, digits, dots, underscores, hyphens or at signs, beginning with a letter or digit"
    )]
    InvalidUsername,
}

impl Username {
    /// Checks a user name.
    ///
    /// # Errors
    /// [`Error::InvalidUsername`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let is_valid = (3..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(is_allowed);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(Error::InvalidUsername) }
    }

    /// The account that the name belongs to.
    #[must_use]
    pub fn account(&self) -> AccountId {
        AccountId::of_username(&self.0)
    }
}

impl aggregate::Aggregate for Account {
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const STATE_FORMAT: &'static str = "account.1";

    fn decide(&self, command: Command) -> Result<Option<Event>, Error> {
        match (self, command) {
            (Self::Absent, Command::Register { username, credential }) => {
                let workspace = username.account().personal_workspace();
                Ok(Some(Event::Registered(Registered { username: username.0, workspace, credential })))
            }
            (Self::Active { .. }, Command::Register { .. }) => Err(Error::AlreadyExists),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::Registered(registered) => {
                Self::Active { workspace: registered.workspace, credential: registered.credential }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    const CREDENTIAL: Uuid = Uuid::from_u128(9);

    fn register(name: &str) -> Command {
        Command::Register { username: Username::parse(name).expect("a valid name"), credential: CREDENTIAL }
    }

    fn registered(name: &str) -> Event {
        let workspace = AccountId::of_username(name).personal_workspace();
        Event::Registered(Registered { username: name.into(), workspace, credential: CREDENTIAL })
    }

    #[test]
    fn a_free_name_is_taken() {
        given::<Account>([]).when(register("Ada")).then([registered("Ada")]);
    }

    #[test]
    fn a_name_is_taken_once() {
        given::<Account>([registered("Ada")]).when(register("ada")).then_rejected(Error::AlreadyExists);
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in ["", "ab", "-ada", "ada lovelace", "ada\0", "größe", &"a".repeat(65)] {
            assert_eq!(Username::parse(name), Err(Error::InvalidUsername), "{name:?}");
        }
    }
}
