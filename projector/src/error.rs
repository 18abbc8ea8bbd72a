//! Why events were not applied, and whether trying again can help.

use runtime::event_log;

/// Why a batch was not applied; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The checkpoint is not where it was thought to be.
    #[error("the checkpoint was moved by somebody else")]
    Displaced,
    /// The tables were filled by another analysis.
    #[error(
        "knowledge was filled by analysis {filled:?} and this program has {}: see `projector compare`, then run `projector \
         rebuild --projection knowledge`",
        analysis::VERSION
    )]
    OtherAnalysis {
        /// The versions that filled them.
        filled: Vec<i32>,
    },
    /// An event does not fit what came before it.
    #[error("event {sequence} edits a document that was never uploaded")]
    Orphan {
        /// Its sequence.
        sequence: u64,
    },
    /// A row that this program wrote cannot be read back.
    #[error("the tables hold what no version of this program wrote: {0}")]
    Unreadable(&'static str),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The log does not answer.
    #[error("the log does not answer")]
    Log(#[source] event_log::Error),
    /// A text could not be fetched.
    #[error("a text could not be fetched")]
    Text(#[from] event_log::Error),
}

impl Error {
    /// Whether it comes from an event, or from what an event meets in the tables: the same would happen again, however
    /// often and wherever it is tried.
    pub(crate) fn is_of_an_event(&self) -> bool {
        match self {
            Self::Orphan { .. } | Self::Unreadable(_) => true,
            Self::Text(error) => matches!(error, event_log::Error::Missing { .. } | event_log::Error::Corrupt { .. }),
            // Data exceptions, violated constraints, exceeded limits of the program (PostgreSQL, appendix A).
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| ["22", "23", "54"].contains(&code.get(..2).unwrap_or_default()))
            }
            Self::Database(_) | Self::Displaced | Self::OtherAnalysis { .. } | Self::Log(_) => false,
        }
    }

    /// Which sort it is, in a word.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Displaced => "displaced",
            Self::OtherAnalysis { .. } => "other_analysis",
            Self::Orphan { .. } => "orphan",
            Self::Unreadable(_) => "unreadable",
            Self::Database(_) => "database",
            Self::Log(_) => "log",
            Self::Text(_) => "text",
        }
    }

    /// The event that it names.
    pub(crate) const fn sequence(&self) -> Option<u64> {
        match self {
            Self::Orphan { sequence } => Some(*sequence),
            Self::Displaced
            | Self::OtherAnalysis { .. }
            | Self::Unreadable(_)
            | Self::Database(_)
            | Self::Log(_)
            | Self::Text(_) => None,
        }
    }
}
