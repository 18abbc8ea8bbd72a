//! The cluster that a document stood in at a moment, as clusters were then.

use super::changes::Moment;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// Where a chain of merged clusters is given up, as where they are found.
const LONGEST_CHAIN: usize = 64;

/// The cluster that a document stood in.
#[derive(Serialize, Object)]
pub(crate) struct PastCluster {
    /// The cluster; the one that it was merged into, if it was by then.
    id: Uuid,
    /// Its name then.
    name: String,
    /// Whether a user had put the document there.
    is_pinned: bool,
}

impl Example for PastCluster {
    fn example() -> Self {
        Self { id: example::cluster(), name: example::CLUSTER_NAME.to_owned(), is_pinned: false }
    }
}

/// What is known of where a document stood.
pub(super) enum Stood {
    /// In this cluster.
    In(PastCluster),
    /// In the trash, or in no cluster.
    Nowhere,
    /// The tables do not reach back so far.
    Unknown,
}

/// Where a document stood at a moment.
pub(super) async fn of(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
    moment: &Moment,
) -> Result<Stood, Problem> {
    // Clocks differ: what comes after the first later change is later, whatever its own time. So it is with changes.
    let stood = sqlx::query!(
        "select cluster_id, is_pinned from cluster_membership
         where workspace_id = $1 and document_id = $2 and sequence <= $3 and sequence < coalesce((
             select min(later.sequence) from cluster_membership later
             where later.workspace_id = $1 and later.document_id = $2 and later.at > $4::timestamptz
         ), 9223372036854775807)
         order by sequence desc limit 1",
        workspace,
        document,
        moment.last_sequence(),
        moment.time
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(stood) = stood else { return Ok(Stood::Unknown) };
    let Some(mut id) = stood.cluster_id else { return Ok(Stood::Nowhere) };
    for _ in 0..LONGEST_CHAIN {
        let cluster = sqlx::query!(
            "select name, merged_into, is_dissolved from cluster_history
             where workspace_id = $1 and cluster_id = $2 and sequence <= $3 and sequence < coalesce((
                 select min(later.sequence) from cluster_history later
                 where later.workspace_id = $1 and later.cluster_id = $2 and later.at > $4::timestamptz
             ), 9223372036854775807)
             order by sequence desc limit 1",
            workspace,
            id,
            moment.last_sequence(),
            moment.time
        )
        .fetch_optional(&mut *connection)
        .await?;
        match cluster {
            None => return Ok(Stood::Unknown),
            Some(cluster) if cluster.is_dissolved => break,
            Some(cluster) => match cluster.merged_into {
                Some(into) => id = into,
                None => return Ok(Stood::In(PastCluster { id, name: cluster.name, is_pinned: stood.is_pinned })),
            },
        }
    }
    Ok(Stood::Nowhere)
}
