//! What a subscriber wants of its workspace. What an event says of itself is compared; what its document is now is looked
//! up, for many events at once, and only for those who ask for it.

use super::message::Message;
use crate::tables::Tables;
use events::{Aggregate, Stream, WorkspaceId};
use runtime::http::Problem;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// What is wanted; whatever is absent does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only events of this kind of aggregate.
    pub(crate) aggregate: Option<Aggregate>,
    /// Only events of this one.
    pub(crate) id: Option<Uuid>,
    /// Only events of one of these types; all if there is none.
    pub(crate) types: Vec<(Aggregate, &'static str)>,
    /// Only documents that have this tag, or get or lose it.
    pub(crate) tag: Option<String>,
    /// Only documents in this cluster, or moved to it, and the cluster itself.
    pub(crate) cluster: Option<Uuid>,
}

impl Filter {
    /// The subject that holds all that is wanted, and perhaps more.
    pub(crate) fn subject(&self, workspace: WorkspaceId) -> String {
        Stream::subject_of_many(workspace, self.aggregate, self.id)
    }

    /// Keeps what may be wanted as far as events say it of themselves.
    pub(crate) fn keep_plainly(&self, mut messages: Vec<Arc<Message>>) -> Vec<Arc<Message>> {
        messages.retain(|message| self.is_plainly_wanted(message));
        messages
    }

    /// Whether only the read models know what is wanted.
    pub(crate) fn must_ask(&self) -> bool {
        self.tag.is_some() || self.cluster.is_some()
    }

    /// Keeps what is wanted by what the read models say.
    ///
    /// # Errors
    /// 503 when the read models do not say now.
    pub(crate) async fn keep(
        &self,
        tables: &Tables,
        workspace: WorkspaceId,
        mut messages: Vec<Arc<Message>>,
    ) -> Result<Vec<Arc<Message>>, Problem> {
        if let Some(tag) = &self.tag {
            let ids = documents(&messages);
            let tagged = if ids.is_empty() { HashSet::new() } else { tagged(tables, workspace, &ids, tag).await? };
            messages.retain(|message| message.tag.as_ref() == Some(tag) || is_among(&tagged, message));
        }
        if let Some(cluster) = self.cluster {
            let ids = documents(&messages);
            let mut members = HashSet::new();
            if let (false, Some(last)) = (ids.is_empty(), messages.last()) {
                // The cluster of a new document is known only then.
                tables.knowledge.at_least(workspace, Some(last.sequence)).await?;
                members = in_cluster(tables, workspace, &ids, cluster).await?;
            }
            let is_itself = |message: &Message| {
                message.cluster == Some(cluster)
                    || (message.stream.aggregate == Aggregate::Cluster && message.stream.id == cluster)
            };
            messages.retain(|message| is_itself(message) || is_among(&members, message));
        }
        Ok(messages)
    }

    /// Whether the event says of itself that it is wanted.
    fn is_plainly_wanted(&self, message: &Message) -> bool {
        let stream = &message.stream;
        let is_of_type =
            |(aggregate, kind): &(Aggregate, &str)| *aggregate == stream.aggregate && *kind == message.kind;
        self.aggregate.is_none_or(|aggregate| aggregate == stream.aggregate)
            && self.id.is_none_or(|id| id == stream.id)
            && (self.types.is_empty() || self.types.iter().any(is_of_type))
    }
}

fn documents(messages: &[Arc<Message>]) -> Vec<Uuid> {
    let of_documents = messages.iter().filter(|message| message.stream.aggregate == Aggregate::Document);
    let ids: HashSet<Uuid> = of_documents.map(|message| message.stream.id).collect();
    ids.into_iter().collect()
}

fn is_among(documents: &HashSet<Uuid>, message: &Message) -> bool {
    message.stream.aggregate == Aggregate::Document && documents.contains(&message.stream.id)
}

async fn tagged(
    tables: &Tables,
    workspace: WorkspaceId,
    ids: &[Uuid],
    tag: &str,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select document_id from document
         where workspace_id = $1 and document_id = any($2) and $3::text = any(tags)",
        workspace.0,
        ids,
        tag
    )
    .fetch_all(&tables.pool)
    .await?;
    Ok(found.into_iter().collect())
}

async fn in_cluster(
    tables: &Tables,
    workspace: WorkspaceId,
    ids: &[Uuid],
    cluster: Uuid,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select document_id from document_knowledge
         where workspace_id = $1 and document_id = any($2) and cluster_id = $3",
        workspace.0,
        ids,
        cluster
    )
    .fetch_all(&tables.pool)
    .await?;
    Ok(found.into_iter().collect())
}
