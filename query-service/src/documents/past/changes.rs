//! The changes of a document up to a moment, as its history tells them.

use chrono::{DateTime, Utc};
use events::document::Source;
use poem::http::StatusCode;
use runtime::http::Problem;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Until when something had happened; of both the earlier holds.
pub(super) struct Moment {
    pub(super) sequence: Option<u64>,
    pub(super) time: Option<DateTime<Utc>>,
}

/// A change, as the history tells it.
pub(super) struct Change {
    pub(super) sequence: i64,
    pub(super) kind: String,
    pub(super) at: DateTime<Utc>,
    pub(super) detail: Value,
}

/// What the details of all kinds of changes say.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    pub(super) title: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) bytes: Option<u64>,
    pub(super) source: Option<Source>,
    pub(super) skill_level: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) tag: Option<String>,
    pub(super) name: Option<String>,
    pub(super) category: Option<events::Category>,
    pub(super) concepts: Vec<Named>,
    pub(super) cluster: Option<Uuid>,
    pub(super) into: Option<Uuid>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
    #[serde(default)]
    pub(super) category: Option<events::Category>,
}

/// Reads the changes up to a moment, the oldest first.
///
/// # Errors
/// 422 `too_many_changes` when they are more than so many.
pub(super) async fn up_to(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    moment: &Moment,
    most: u32,
) -> Result<Vec<Change>, Problem> {
    let changes = sqlx::query_as!(
        Change,
        "select sequence, kind, at, detail from document_history
         where workspace_id = $1 and document_id = $2 and sequence <= $3 and sequence < coalesce((
             -- Clocks differ: what comes after the first later change is later, whatever its own time.
             select min(later.sequence) from document_history later
             where later.workspace_id = $1 and later.document_id = $2 and later.at > $4::timestamptz
         ), 9223372036854775807)
         order by sequence limit $5",
        workspace,
        document,
        moment.last_sequence(),
        moment.time,
        i64::from(most) + 1
    )
    .fetch_all(connection)
    .await?;
    if changes.len() > most as usize {
        let title = "the document had changed too often by then";
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_changes", title);
        return Err(problem.detail(format_args!("at most {most} changes are read (SYNCBOARD_PAST_CHANGES)")));
    }
    Ok(changes)
}

impl Moment {
    /// The last sequence that can belong to it.
    pub(super) fn last_sequence(&self) -> i64 {
        self.sequence.map_or(i64::MAX, |sequence| i64::try_from(sequence).unwrap_or(i64::MAX))
    }
}

impl Change {
    /// Where it stands in the log.
    pub(super) fn sequence(&self) -> u64 {
        u64::try_from(self.sequence).unwrap_or(0)
    }
}

impl Detail {
    pub(super) fn of(change: &Change) -> Self {
        Self::deserialize(&change.detail).unwrap_or_default()
    }
}
