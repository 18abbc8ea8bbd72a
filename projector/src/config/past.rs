//! Settings of what is done with read models of the past.

use clap::Args;
use runtime::config::{Log, Postgres};
use runtime::past::Name;

/// Read models of the past.
#[derive(Args, Clone, Debug)]
pub struct Past {
    /// The database
    #[command(flatten)]
    pub postgres: Postgres,
    /// Logs
    #[command(flatten)]
    pub log: Log,
    /// Answer as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do with them
    #[command(subcommand)]
    pub action: PastAction,
}

/// What can be done with read models of the past.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum PastAction {
    /// List them: what each shows, who made it when, with which program, and how large it is
    List,
    /// Drop one with all its tables
    Drop {
        /// Its name
        name: Name,
    },
}
