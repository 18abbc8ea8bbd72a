//! The table `concept`: each key that a document ever had, with the name that came with it first, or that a user gave it.

use super::counts::Counts;
use super::resolve::Held;
use super::vocabulary::Vocabulary;
use chrono::{DateTime, Utc};
use events::{Category, WorkspaceId};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Names of concepts that a batch met, in the order of the log.
#[derive(Default)]
pub(super) struct Names {
    met: BTreeMap<(WorkspaceId, String), Name>,
    renamed: BTreeSet<(WorkspaceId, String)>,
}

struct Name {
    name: String,
    category: Category,
    first_at: DateTime<Utc>,
}

impl Names {
    /// Meets the concepts of a document. Only a key that no document had before takes its name from it.
    pub(super) fn meet(
        &mut self,
        workspace: WorkspaceId,
        held: &BTreeMap<String, Held>,
        vocabulary: &Vocabulary,
        at: DateTime<Utc>,
    ) {
        for (key, held) in held {
            let name = vocabulary.name(key).unwrap_or(&held.name);
            self.insert(workspace, key, name, held.category, at);
        }
    }

    /// Meets a name that a user wrote.
    pub(super) fn write(&mut self, workspace: WorkspaceId, key: &str, name: &str, is_renamed: bool, at: DateTime<Utc>) {
        self.insert(workspace, key, name, analysis::category::of(name), at);
        if is_renamed {
            if let Some(met) = self.met.get_mut(&(workspace, key.to_owned())) {
                name.clone_into(&mut met.name);
            }
            self.renamed.insert((workspace, key.to_owned()));
        }
    }

    /// The name of a concept that this batch met.
    pub(super) fn get(&self, workspace: WorkspaceId, key: &str) -> Option<(&str, Category)> {
        self.met.get(&(workspace, key.to_owned())).map(|met| (met.name.as_str(), met.category))
    }

    fn insert(&mut self, workspace: WorkspaceId, key: &str, name: &str, category: Category, at: DateTime<Utc>) {
        self.met.entry((workspace, key.to_owned())).or_insert_with(|| Name {
            name: name.to_owned(),
            category,
            first_at: at,
        });
    }

    /// Writes new concepts, the numbers of all that changed, and new names.
    pub(super) async fn save(&self, connection: &mut PgConnection, counts: &Counts) -> Result<(), sqlx::Error> {
        if self.met.is_empty() && counts.concepts.is_empty() {
            return Ok(());
        }
        let count = |workspace: &WorkspaceId, key: &String| {
            counts.concepts.get(workspace).and_then(|concepts| concepts.get(key)).copied().unwrap_or(0)
        };
        let met: Vec<_> = self.met.iter().collect();
        sqlx::query!(
            "insert into concept as at (workspace_id, concept, name, category, documents, first_at)
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[])
             on conflict (workspace_id, concept) do update set documents = at.documents + excluded.documents
                where excluded.documents <> 0",
            &met.iter().map(|((workspace, _), _)| workspace.0).collect::<Vec<_>>(),
            &met.iter().map(|((_, key), _)| key.as_str()).collect::<Vec<_>>() as _,
            &met.iter().map(|(_, name)| name.name.as_str()).collect::<Vec<_>>() as _,
            &met.iter().map(|(_, name)| name.category.name()).collect::<Vec<_>>() as _,
            &met.iter().map(|((workspace, key), _)| count(workspace, key)).collect::<Vec<_>>(),
            &met.iter().map(|(_, name)| name.first_at).collect::<Vec<_>>()
        )
        .execute(&mut *connection)
        .await?;
        self.save_left(connection, counts).await?;
        self.save_renamed(connection).await
    }

    /// Writes the numbers of concepts that documents only left.
    async fn save_left(&self, connection: &mut PgConnection, counts: &Counts) -> Result<(), sqlx::Error> {
        let left: Vec<(Uuid, &str, i64)> = counts
            .concepts
            .iter()
            .flat_map(|(workspace, concepts)| concepts.iter().map(move |(key, count)| (workspace, key, *count)))
            .filter(|(workspace, key, count)| *count != 0 && !self.met.contains_key(&(**workspace, (*key).clone())))
            .map(|(workspace, key, count)| (workspace.0, key.as_str(), count))
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "update concept as at set documents = at.documents + gone.documents
             from unnest($1::uuid[], $2::text[], $3::bigint[]) as gone (workspace_id, concept, documents)
             where at.workspace_id = gone.workspace_id and at.concept = gone.concept",
            &left.iter().map(|(workspace, ..)| *workspace).collect::<Vec<_>>(),
            &left.iter().map(|(_, key, _)| *key).collect::<Vec<_>>() as _,
            &left.iter().map(|(.., count)| *count).collect::<Vec<_>>()
        )
        .execute(connection)
        .await
        .map(drop)
    }

    async fn save_renamed(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let renamed: Vec<(Uuid, &str, &str)> = self
            .renamed
            .iter()
            .filter_map(|key| self.met.get(key).map(|met| (key.0.0, key.1.as_str(), met.name.as_str())))
            .collect();
        if renamed.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "update concept as at set name = now.name
             from unnest($1::uuid[], $2::text[], $3::text[]) as now (workspace_id, concept, name)
             where at.workspace_id = now.workspace_id and at.concept = now.concept",
            &renamed.iter().map(|(workspace, ..)| *workspace).collect::<Vec<_>>(),
            &renamed.iter().map(|(_, key, _)| *key).collect::<Vec<_>>() as _,
            &renamed.iter().map(|(.., name)| *name).collect::<Vec<_>>() as _
        )
        .execute(connection)
        .await
        .map(drop)
    }
}
