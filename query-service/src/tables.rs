//! The read models: every read waits until its `min_sequence` is visible, asks for the workspace's entity tag, and reads
//! the rest from the same snapshot.

use crate::answer::{Found, FoundPage, next_link};
use crate::visibility::{Known, Part, Projection, Visibility};
use events::WorkspaceId;
use poem_openapi::types::Type;
use runtime::http::{Problem, RawJson, if_none_match};
use runtime::{config, postgres};
use serde::Serialize;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, SqlSafeStr, Transaction};
use std::fmt::Display;
use std::time::Duration;
use uuid::Uuid;

/// Begins a transaction whose statements all see the same. What they see is settled by the first of them that reads, and
/// tables are found by name at each: so that none finds another generation than the others, the tables' places are held
/// before anything is read. Whoever puts another generation there waits, or is waited for.
const SNAPSHOT: &str = "begin isolation level repeatable read, read only;
    lock table read_model.checkpoint, knowledge.checkpoint in access share mode";
/// The same over tables of the past, whose places nobody takes.
const SNAPSHOT_OF_PAST: &str = "begin isolation level repeatable read, read only";

/// Which projections an answer is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Documents, their texts and histories, statistics.
    Documents,
    /// Concepts, clusters, duplicates, links.
    Knowledge,
    /// Both.
    Both,
}

/// The tables that queries see; clones share them.
#[derive(Clone)]
pub(crate) struct Tables {
    pub(crate) pool: PgPool,
    pub(crate) documents: Visibility,
    pub(crate) knowledge: Visibility,
    snapshot: &'static str,
}

/// The tables at one moment. Nothing is written, so it is simply dropped at its end.
pub(crate) struct Snapshot {
    transaction: Transaction<'static, Postgres>,
    head: Head,
}

/// What stands at the head of every answer.
pub(crate) struct Head {
    etag: String,
    visible: u64,
}

impl Tables {
    /// Those of the present, which the projector fills.
    ///
    /// # Errors
    /// An address that is none.
    pub(crate) fn of_present(config: &config::Postgres, timeout: Duration) -> Result<Self, sqlx::Error> {
        let schemas = format!("{},{}", postgres::READ_SCHEMA, postgres::KNOWLEDGE_SCHEMA);
        let known = [Known::default(), Known::default()];
        let [documents, knowledge] = known.clone();
        let forget = move || known.iter().for_each(Known::forget);
        let pool = postgres::pool_telling(config, "query-service", &schemas, forget)?;
        let of = |projection, known| Visibility::new(pool.clone(), projection, timeout, known);
        let (documents, knowledge) = (of(Projection::Documents, documents), of(Projection::Knowledge, knowledge));
        Ok(Self { pool, documents, knowledge, snapshot: SNAPSHOT })
    }

    /// Those of a past, which show the log up to a sequence.
    pub(crate) fn of_past(pool: PgPool, sequence: u64) -> Self {
        let of = |projection| Visibility::of_past(pool.clone(), projection, sequence);
        let (documents, knowledge) = (of(Projection::Documents), of(Projection::Knowledge));
        Self { pool, documents, knowledge, snapshot: SNAPSHOT_OF_PAST }
    }

    /// Waits until everything read of a workspace from now on shows at least a sequence, and says what it shows.
    ///
    /// # Errors
    /// 503 `not_yet_visible` after the configured time; 400 `after_this_past`.
    pub(crate) async fn at_least(
        &self,
        of: Of,
        workspace: WorkspaceId,
        min_sequence: Option<u64>,
    ) -> Result<u64, Problem> {
        match of {
            Of::Documents => self.documents.at_least(workspace, min_sequence).await,
            Of::Knowledge => self.knowledge.at_least(workspace, min_sequence).await,
            Of::Both => {
                let documents = self.documents.at_least(workspace, min_sequence).await?;
                Ok(documents.min(self.knowledge.at_least(workspace, min_sequence).await?))
            }
        }
    }

    /// Waits as [`Tables::at_least`], and gives a connection that shows it.
    ///
    /// # Errors
    /// 503 when `min_sequence` is not visible in time or the database is away.
    pub(crate) async fn connection(
        &self,
        of: Of,
        workspace: WorkspaceId,
        min_sequence: Option<u64>,
    ) -> Result<(PoolConnection<Postgres>, u64), Problem> {
        loop {
            let visible = self.at_least(of, workspace, min_sequence).await?;
            let connection = self.pool.acquire().await?;
            // A new one may be to a database that has crashed since, and shows less than it did.
            if self.now(of, workspace) >= visible {
                return Ok((connection, visible));
            }
        }
    }

    /// What everything read of a workspace from now on shows at least, as far as is known.
    fn now(&self, of: Of, workspace: WorkspaceId) -> u64 {
        let of_workspace = |visibility: &Visibility| visibility.now(Part::Of(workspace));
        match of {
            Of::Documents => of_workspace(&self.documents),
            Of::Knowledge => of_workspace(&self.knowledge),
            Of::Both => of_workspace(&self.documents).min(of_workspace(&self.knowledge)),
        }
    }

    /// Waits as [`Tables::at_least`], and holds what the tables say then.
    ///
    /// # Errors
    /// 503 when `min_sequence` is not visible in time or the database is away.
    pub(crate) async fn snapshot(
        &self,
        of: Of,
        workspace: WorkspaceId,
        min_sequence: Option<u64>,
    ) -> Result<Snapshot, Problem> {
        let (connection, visible) = self.connection(of, workspace, min_sequence).await?;
        let mut transaction = Transaction::begin(connection, Some(self.snapshot.into_sql_str())).await?;
        let etag = etag(&mut transaction, of, workspace.0).await?;
        Ok(Snapshot { transaction, head: Head { etag, visible } })
    }
}

impl Snapshot {
    /// Where statements go.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Makes the entity tag depend on something else too, such as the day.
    pub(crate) fn also_depends_on(&mut self, what: impl Display) {
        let tag = self.head.etag.trim_end_matches('"');
        self.head.etag = format!("{tag}.{what}\"");
    }

    /// Whether the client has the answer already.
    pub(crate) fn is_known(&self, none_match: Option<&str>) -> bool {
        if_none_match(none_match, &self.head.etag)
    }

    /// Gives the connection back before the answer is there.
    pub(crate) fn finish(self) -> Head {
        self.head
    }

    /// The client has the answer already.
    pub(crate) fn not_modified<T: Type + Send>(self) -> Found<T> {
        Found::NotModified(self.head.etag, self.head.visible)
    }

    /// The answer.
    pub(crate) fn found<T: Type + Send + Serialize>(self, view: &T) -> Found<T> {
        self.head.found(view)
    }

    /// The client has the page already.
    pub(crate) fn page_not_modified<T: Type + Send>(self) -> FoundPage<T> {
        FoundPage::NotModified(self.head.etag, self.head.visible)
    }

    /// The page, and where the next one is.
    pub(crate) fn page<T: Type + Send + Serialize>(
        self,
        request: &poem::Request,
        view: &T,
        next_cursor: Option<&String>,
    ) -> FoundPage<T> {
        let link = next_cursor.map(|next| next_link(request, next));
        FoundPage::Found(RawJson::of(view), self.head.etag, self.head.visible, link)
    }
}

impl Head {
    /// The answer.
    pub(crate) fn found<T: Type + Send + Serialize>(self, view: &T) -> Found<T> {
        Found::Found(RawJson::of(view), self.etag, self.visible)
    }
}

/// The entity tag of everything in a workspace together: the sequence of its last event as each projection shows it, which
/// generation of its tables that is, and which version of its row (the transaction that wrote it), as a rebuild of
/// everything, or of a workspace, can give other answers at the same sequence.
pub(crate) async fn etag(connection: &mut PgConnection, of: Of, workspace: Uuid) -> Result<String, sqlx::Error> {
    Ok(match of {
        Of::Documents => format!("W/\"{}\"", of_documents(connection, workspace).await?),
        Of::Knowledge => format!("W/\"{}\"", of_knowledge(connection, workspace).await?),
        Of::Both => {
            let documents = of_documents(&mut *connection, workspace).await?;
            format!("W/\"{documents}.{}\"", of_knowledge(connection, workspace).await?)
        }
    })
}

async fn of_documents(connection: &mut PgConnection, workspace: Uuid) -> Result<String, sqlx::Error> {
    let at = sqlx::query!(
        r#"select sequence, tableoid::bigint as "table!", xmin::text as "version!" from workspace_statistics where workspace_id = $1"#,
        workspace
    )
    .fetch_optional(connection)
    .await?;
    Ok(at.map_or_else(nothing_yet, |at| format!("{}-{}-{}", at.sequence, at.table, at.version)))
}

async fn of_knowledge(connection: &mut PgConnection, workspace: Uuid) -> Result<String, sqlx::Error> {
    let at = sqlx::query!(
        r#"select sequence, tableoid::bigint as "table!", xmin::text as "version!" from clustering where workspace_id = $1"#,
        workspace
    )
    .fetch_optional(connection)
    .await?;
    Ok(at.map_or_else(nothing_yet, |at| format!("{}-{}-{}", at.sequence, at.table, at.version)))
}

fn nothing_yet() -> String {
    "0".to_owned()
}
