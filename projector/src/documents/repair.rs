//! One document's rows made anew from its own events, and its workspace's statistics counted anew from the rows.

use super::row::Key;
use super::{Changes, Way, save};
use crate::error::Error;
use crate::positioned::Positioned;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::HashMap;

/// Tables with rows of one document.
const OF_DOCUMENT: [&str; 3] = ["document", "document_content", "document_history"];
/// Tables with rows of a workspace as a whole.
const OF_WORKSPACE: [&str; 2] = ["workspace_statistics", "workspace_facet"];

/// Replaces the rows of a document by what its events say, all of which must be given, up to the checkpoint that the
/// caller holds. Says in which tables that made a difference.
pub(crate) async fn repair(
    connection: &mut PgConnection,
    key: Key,
    events: &[Positioned],
) -> Result<Vec<&'static str>, Error> {
    let before = rows(connection, key).await?;
    for table in OF_DOCUMENT {
        sqlx::query(AssertSqlSafe(format!("delete from {table} where workspace_id = $1 and document_id = $2")))
            .bind(key.0.0)
            .bind(key.1.0)
            .execute(&mut *connection)
            .await?;
    }
    let changes = Changes::of(events);
    save::save(connection, &changes.fold(HashMap::new())?, &changes.events, Way::for_events(events.len())).await?;
    recount(connection, key).await?;
    let after = rows(connection, key).await?;
    let differs = |table: &&'static str| before.get(table) != after.get(table);
    Ok(OF_DOCUMENT.into_iter().chain(OF_WORKSPACE).filter(differs).collect())
}

/// The rows of each table as text.
async fn rows(connection: &mut PgConnection, key: Key) -> Result<HashMap<&'static str, Vec<String>>, sqlx::Error> {
    let mut rows = HashMap::new();
    for table in OF_DOCUMENT {
        let query = format!("select t::text from {table} as t where workspace_id = $1 and document_id = $2 order by 1");
        let found = sqlx::query_scalar(AssertSqlSafe(query)).bind(key.0.0).bind(key.1.0);
        rows.insert(table, found.fetch_all(&mut *connection).await?);
    }
    for table in OF_WORKSPACE {
        let query = format!("select t::text from {table} as t where workspace_id = $1 order by 1");
        rows.insert(table, sqlx::query_scalar(AssertSqlSafe(query)).bind(key.0.0).fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}

/// Counts a workspace's documents anew: what is kept by differences would keep a wrong row's for ever.
async fn recount(connection: &mut PgConnection, (workspace, _): Key) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with counted as (
             select count(*) filter (where not is_trashed) as documents, count(*) filter (where is_trashed) as trashed,
                    coalesce(sum(bytes), 0)::bigint as bytes
             from document where workspace_id = $1
         ), happened as (
             select count(*) as events, max(sequence) as sequence, max(at) as updated_at
             from document_history where workspace_id = $1
         )
         insert into workspace_statistics
         select $1, c.documents, c.trashed, c.bytes, h.events, h.sequence, h.updated_at
         from counted c, happened h where h.events > 0
         on conflict (workspace_id) do update set
                documents = excluded.documents, trashed = excluded.trashed, bytes = excluded.bytes,
                events = excluded.events, sequence = excluded.sequence, updated_at = excluded.updated_at",
        workspace.0
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from workspace_facet where workspace_id = $1", workspace.0).execute(&mut *connection).await?;
    sqlx::query!(
        "insert into workspace_facet
         select $1, facet, value, count(*)
         from document d cross join lateral (
             select 'tag' as facet, unnest(d.tags) as value union all select 'source', d.source_kind
         ) as said
         where d.workspace_id = $1 and not d.is_trashed
         group by facet, value",
        workspace.0
    )
    .execute(connection)
    .await
    .map(drop)
}
