//! Writing what a batch has made: rows, new texts and history in one statement, as each round trip to the database is
//! time in which nobody sees the batch. What a large batch adds is copied in, which costs a third of that.

use super::Change;
use super::history::{self, History};
use super::row::{self, Key};
use crate::copy::Copy;
use crate::positioned::Positioned;
use events::document::Event;
use sqlx::PgConnection;
use std::collections::HashMap;

/// From so many events on, more round trips cost less than they save.
const MANY: usize = 250;

/// How what a batch adds is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// With the statement that writes everything else.
    Stated,
    /// With COPY.
    Copied,
}

impl Way {
    /// The better one for so many events.
    pub(crate) const fn for_events(events: usize) -> Self {
        if events < MANY { Self::Stated } else { Self::Copied }
    }
}

/// Documents and what becomes of them.
type Changes<'a> = HashMap<&'a Key, &'a Change>;

/// Between tags on their way into an array column: UNNEST cannot take arrays of arrays, and no tag has control characters.
const SEPARATOR: &str = "\u{1f}";

/// Writes the rows as they are now, the texts that are new, and the history.
pub(super) async fn save(
    connection: &mut PgConnection,
    changes: &HashMap<Key, Change>,
    events: &[(Key, &Positioned, &Event)],
    way: Way,
) -> Result<(), sqlx::Error> {
    match way {
        Way::Stated => write(connection, &changes.iter().collect(), &History::of(events)).await?,
        Way::Copied => {
            let (new, edited): (Changes<'_>, Changes<'_>) =
                changes.iter().partition(|(_, change)| change.before.is_none());
            copy(connection, &new).await?;
            history::copy(connection, events).await?;
            write(connection, &edited, &History::default()).await?;
        }
    }
    remove_texts(connection, changes).await
}

/// Documents that have no row so far.
async fn copy(connection: &mut PgConnection, changes: &Changes<'_>) -> Result<(), sqlx::Error> {
    let mut copy = Copy::begin(connection, "document", &row::COLUMNS).await?;
    for change in changes.values() {
        change.now.copy(copy.row().await?)?;
    }
    copy.end().await?;
    let mut copy = Copy::begin(connection, "document_content", &["workspace_id", "document_id", "text"]).await?;
    for ((workspace, document), text) in texts(changes) {
        copy.row().await?.value(workspace.0)?.value(document.0)?.value(text)?;
    }
    copy.end().await
}

/// The texts that stand in the tables.
fn texts<'a>(changes: &Changes<'a>) -> impl Iterator<Item = (&'a Key, &'a str)> {
    changes.iter().filter_map(|(key, change)| Some((*key, change.text.as_ref()?.as_deref()?)))
}

async fn write(connection: &mut PgConnection, changes: &Changes<'_>, history: &History) -> Result<(), sqlx::Error> {
    if changes.is_empty() && history.is_empty() {
        return Ok(());
    }
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
    let texts: Vec<(&Key, &str)> = texts(changes).collect();
    sqlx::query!(
        "with text as (
             insert into document_content
             select * from unnest($20::uuid[], $21::uuid[], $22::text[]) as now (workspace_id, document_id, text)
             on conflict (workspace_id, document_id) do update set text = excluded.text
         ), history as (
             insert into document_history
             select workspace_id, document_id, sequence, kind, at, actor_id, detail::json
             from unnest($23::uuid[], $24::uuid[], $25::bigint[], $26::text[], $27::timestamptz[], $28::uuid[], $29::text[])
                  as happened (workspace_id, document_id, sequence, kind, at, actor_id, detail)
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
    .execute(connection)
    .await
    .map(drop)
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
