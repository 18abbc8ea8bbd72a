//! Writing what a batch has made: rows, new texts and history in one statement, as each round trip to the database is
//! time in which nobody sees the batch.

use super::Change;
use super::history::History;
use super::row::Key;
use sqlx::PgConnection;
use std::collections::HashMap;

/// Between tags on their way into an array column: UNNEST cannot take arrays of arrays, and no tag has control characters.
const SEPARATOR: &str = "\u{1f}";

/// Writes the rows as they are now, the texts that are new, and the history.
pub(super) async fn save(
    connection: &mut PgConnection,
    changes: &HashMap<Key, Change>,
    history: &History,
) -> Result<(), sqlx::Error> {
    let rows = || changes.values().map(|change| &change.now);
    macro_rules! column {
        ($field:ident) => {
            rows().map(|row| row.$field).collect::<Vec<_>>()
        };
        (&$field:ident) => {
            rows().map(|row| row.$field.as_str()).collect::<Vec<_>>()
        };
        (?$field:ident) => {
            rows().map(|row| row.$field.as_deref()).collect::<Vec<_>>()
        };
    }
    let tags: Vec<String> = rows().map(|row| row.tags.join(SEPARATOR)).collect();
    let texts: Vec<(&Key, &str)> =
        changes.iter().filter_map(|(key, change)| Some((key, change.text.as_ref()?.as_deref()?))).collect();
    sqlx::query!(
        "with text as (
             insert into document_content
             select * from unnest($20::uuid[], $21::uuid[], $22::text[]) as now (workspace_id, document_id, text)
             on conflict (workspace_id, document_id) do update set text = excluded.text
         ), history as (
             insert into document_history
             select * from unnest($23::uuid[], $24::uuid[], $25::bigint[], $26::text[], $27::timestamptz[], $28::uuid[],
                                  $29::json[])
         )
         insert into document
         select workspace_id, document_id, owner_id, title, media_type, sha256, bytes, source_kind, source_name,
                source_url, source_author, skill_level, string_to_array(tags, E'\\x1f'), is_trashed, revision,
                created_at, updated_at, sequence, merged_into
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
                     $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[], $15::integer[],
                     $16::timestamptz[], $17::timestamptz[], $18::bigint[], $19::uuid[])
              as now (workspace_id, document_id, owner_id, title, media_type, sha256, bytes, source_kind, source_name,
                      source_url, source_author, skill_level, tags, is_trashed, revision, created_at, updated_at, sequence,
                      merged_into)
         on conflict (workspace_id, document_id) do update set
                title = excluded.title, media_type = excluded.media_type, sha256 = excluded.sha256,
                bytes = excluded.bytes, source_kind = excluded.source_kind, source_name = excluded.source_name,
                source_url = excluded.source_url, source_author = excluded.source_author,
                skill_level = excluded.skill_level, tags = excluded.tags, is_trashed = excluded.is_trashed,
                revision = excluded.revision, updated_at = excluded.updated_at, sequence = excluded.sequence,
                merged_into = excluded.merged_into",
        &column!(workspace_id),
        &column!(document_id),
        &column!(owner_id),
        &column!(&title) as _,
        &column!(&media_type) as _,
        &column!(&sha256) as _,
        &column!(bytes),
        &column!(&source_kind) as _,
        &column!(?source_name) as _,
        &column!(?source_url) as _,
        &column!(?source_author) as _,
        &column!(&skill_level) as _,
        &tags,
        &column!(is_trashed),
        &column!(revision),
        &column!(created_at),
        &column!(updated_at),
        &column!(sequence),
        &column!(merged_into) as _,
        &texts.iter().map(|(key, _)| key.0.0).collect::<Vec<_>>(),
        &texts.iter().map(|(key, _)| key.1.0).collect::<Vec<_>>(),
        &texts.iter().map(|(_, text)| *text).collect::<Vec<_>>() as _,
        &history.workspaces,
        &history.documents,
        &history.sequences,
        &history.kinds as _,
        &history.times,
        &history.actors,
        &history.details,
    )
    .execute(&mut *connection)
    .await?;
    remove_texts(connection, changes).await
}

/// Removes the texts that stand in the blob store now.
async fn remove_texts(connection: &mut PgConnection, changes: &HashMap<Key, Change>) -> Result<(), sqlx::Error> {
    let gone: Vec<Key> = changes.iter().filter(|(_, change)| change.text == Some(None)).map(|(key, _)| *key).collect();
    if gone.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from document_content using unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, document_id)
         where document_content.workspace_id = gone.workspace_id and document_content.document_id = gone.document_id",
        &gone.iter().map(|key| key.0.0).collect::<Vec<_>>(),
        &gone.iter().map(|key| key.1.0).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map(drop)
}
